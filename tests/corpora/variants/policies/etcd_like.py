"""Saves in a task that writes in order, as etcd/raft does with asynchronous storage, and applies what its disk lacks."""

from core import PROBE, Core


class EtcdLike(Core):
    """A core with this system's policies, and with what is beyond them."""

    DISK = 0.008
    COALESCE = False
    PREVOTE = "next"
    SAVE_COMMIT = True
    INSTALL_BY_LOG = True
    STICKY = True
    CHECK_QUORUM = True
    NOOP = True
    COMMIT_CAP = True
    HB_PREV = "match"
    APPLY_UNSTABLE = True
    APPLY_WAIT = True
    REFUSED_GIVES_UP = True
    PROBE_N = 1000
    BATCH = 50
    WINDOW = 8

    def on_reply(self, p, pr, args, reply, kind):
        super().on_reply(p, pr, args, reply, kind)
        if kind == "hb" and reply.success and pr.mode == PROBE and pr.match < self.last:
            pr.probing = False  # It is there, so the next entries may go.
            pr.wake.set()

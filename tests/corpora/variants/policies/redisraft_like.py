"""Keeps no book of what is under way, as RedisRaft does: what was lost shows when a heartbeat is refused."""

import trio
from core import SNAP, Core


class RedisRaftLike(Core):
    """A core with this system's policies, and with what is beyond them."""

    PREVOTE = "same"
    STICKY = True
    NOOP = True
    STORED = True
    TRUNC_AT_PREV = True
    HB_PREV = "next"
    HB = 0.11
    TICK = 0.02
    VOTE_RETRY = 10.0

    async def peer_loop(self, p, pr, term):
        pr.due = 0.0
        while self.leads(term):
            if pr.mode == SNAP:
                if pr.snap_sent == 0:
                    self.send_snap(p, pr)
                if self.now() >= pr.due:
                    self.send_append(p, pr, self.hb_prev(pr), [], "hb")
            elif pr.next <= self.base:
                pr.mode = SNAP
                self.send_snap(p, pr)
            elif self.now() >= pr.due or pr.wake.is_set():
                self.send_next(p, pr, self.now() >= pr.due)
            if pr.wake.is_set():
                pr.wake = trio.Event()
            with trio.move_on_after(self.TICK):
                await pr.wake.wait()

    def send_next(self, p, pr, beat):
        es = self.slice(pr.next, 64)
        if es or beat or pr.sent_commit < min(self.commit, pr.match):
            lo = pr.next
            pr.next += len(es)
            self.send_append(p, pr, lo - 1, es, "x" if es else "hb")
            if pr.next <= self.last:
                pr.wake.set()

    def lost(self, p, pr, kind):
        pass

    def on_reply(self, p, pr, args, reply, kind):
        cur = min(max(args.prev_log_index + len(args.entries), getattr(reply, "stored", 0)), self.last)
        if reply.success:
            if cur > pr.match:
                pr.match = cur
                pr.next = max(pr.next, cur + 1)
                self.advance()
            pr.wake.set()
            return
        prev = args.prev_log_index
        if prev <= pr.match or pr.mode == SNAP or prev > pr.next - 1:
            return
        ci = reply.conflict_index
        pr.next = max(pr.match + 1, min(prev, ci if ci is not None else prev))
        pr.wake.set()

"""Takes answers in the order of its requests, as braft does, and holds early requests until what comes before arrives."""

import trio
from core import Core


class BraftLike(Core):
    """A core with this system's policies, and with what is beyond them."""

    DISK = 0.01
    META_SYNC = True
    RECHECK = True
    PREVOTE = "next"
    STICKY = True
    CHECK_QUORUM = True
    NOOP = True
    PROBE_N = 0
    HB_PREV = "match"
    WINDOW = 16
    BATCH = 32
    RETRY = 0.6
    VOTE_RETRY = 0.4

    def lead(self):
        self.fifo = {p: [] for p in self.node.peers}
        self.parked = {}
        super().lead()

    def send_append(self, p, pr, prev, entries, kind):
        super().send_append(p, pr, prev, entries, kind)
        if kind == "repl":
            self.fifo[p].append(self.seq)

    async def do_append(self, p, pr, args, seq, kind):
        if kind != "repl":
            return await super().do_append(p, pr, args, seq, kind)
        reply = await self.node.call(p, args)
        if reply is not None and reply.term > self.term:
            self.adopt(reply.term)
            return
        if not self.leads(args.term) or self.p[p] is not pr:
            return
        if seq not in self.fifo[p]:
            # It was sent before the last reset: only a success is still of use.
            if reply is not None and reply.success and reply.term == args.term:
                pr.heard = self.now()
                m = min(args.prev_log_index + len(args.entries), self.last)
                if m > pr.match:
                    pr.match = m
                    pr.next = max(pr.next, m + 1)
                    self.advance()
            return
        if reply is None:
            await trio.sleep(0.02)
            if self.leads(args.term) and seq in self.fifo[p]:
                self.to_probe(pr)
                pr.wake.set()
            return
        self.parked[seq] = (args, reply)
        while self.fifo[p] and self.fifo[p][0] in self.parked:
            s = self.fifo[p].pop(0)
            a, r = self.parked.pop(s)
            pr.inflight.pop(s, None)
            pr.heard = self.now()
            if r.success:
                self.on_reply(p, pr, a, r, kind)
            elif r.term == self.term:
                self.fifo[p].clear()
                self.refused(p, pr, a, r, kind)

    def to_probe(self, pr):
        for p, x in self.p.items():
            if x is pr:
                self.fifo[p].clear()
        super().to_probe(pr)

    async def append_entries(self, args):
        if args.entries and args.term >= self.term and args.prev_log_index > self.last:
            # It came early: what comes before may be here in a moment.
            self.hear(args.term, args.leader_id)
            t0 = self.now()
            while self.term == args.term and args.prev_log_index > self.last and self.now() - t0 < 0.03:
                await trio.sleep(0.005)
        return await super().append_entries(args)

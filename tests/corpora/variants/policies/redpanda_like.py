"""Appends first and flushes later, as Redpanda does; answers report how far, and a peer that lags is led up by a task."""

import trio
from core import REPL, SNAP, Core, StoredReply


class RedpandaLike(Core):
    """A core with this system's policies, and with what is beyond them."""

    DISK = 0.015
    PREVOTE = "next"
    STICKY = True
    NOOP = True
    STORED = True
    COMMIT_CAP = True
    HB = 0.13
    PROBE_N = 32
    BATCH = 100

    async def append_entries(self, args):
        reply = self.on_append(args)
        if (
            reply.success
            and not args.entries
            and args.prev_log_index <= self.durable_last
            and self.term == self.disk_meta[0]
        ):
            return StoredReply(reply.term, True, None, None, min(self.verified, self.durable_last))
        t = self.ticket
        await self.durable(t)
        if self.term != args.term or not reply.success:
            await self.durable()
            if self.term != reply.term:
                return StoredReply(self.term, False)
            return reply
        return StoredReply(reply.term, True, None, None, min(self.verified, self.durable_last))

    def lead(self):
        super().lead()
        self.nursery.start_soon(self.heartbeats, self.term)

    async def heartbeats(self, term):
        while self.leads(term):
            for p, pr in self.p.items():
                if self.now() - (pr.due - self.HB) > 0.02 or pr.sent_commit == 0:
                    self.send_append(p, pr, self.hb_prev(pr), [], "hb")
            await trio.sleep(self.HB)

    async def peer_loop(self, p, pr, term):
        pr.mode = REPL
        pr.due = 0.0
        while self.leads(term):
            if pr.recovering or (
                pr.next != self.last + 1 and pr.mode == REPL and (pr.next <= self.base or self.last - pr.next > 400)
            ):
                pr.recovering = True
                await self.recover(p, pr, term)
            elif pr.next <= self.last:
                es = self.slice(pr.next, self.BATCH)
                lo = pr.next
                pr.next += len(es)
                self.send_append(p, pr, lo - 1, es, "repl")
                continue
            elif pr.sent_commit < min(self.commit, pr.match):
                self.send_append(p, pr, self.hb_prev(pr), [], "hb")
            old = pr.inflight and self.now() - min(pr.inflight.values()) > self.RETRY
            if old:
                pr.recovering = True
                pr.inflight.clear()
                continue
            with trio.move_on_after(0.1):
                await pr.wake.wait()
            if pr.wake.is_set():
                pr.wake = trio.Event()

    async def recover(self, p, pr, term):
        pr.next = max(pr.match + 1, min(pr.next, self.last + 1)) if pr.match < pr.next - 1 and pr.back else pr.match + 1
        pr.back = True
        while self.leads(term) and pr.match < self.last:
            if pr.next <= self.base:
                if pr.match == 0 and not pr.refused:
                    pr.next = self.base + 1
                    continue
                if pr.mode != SNAP:
                    pr.mode = SNAP
                    self.send_snap(p, pr)
                elif pr.snap_sent == 0:
                    self.send_snap(p, pr)
            else:
                es = self.slice(pr.next, self.PROBE_N)
                self.send_append(p, pr, pr.next - 1, es, "recover")
            with trio.move_on_after(self.RETRY):
                await pr.wake.wait()
            if pr.wake.is_set():
                pr.wake = trio.Event()
            else:
                await trio.sleep(0.01)
        pr.recovering = False
        pr.back = pr.refused = False
        pr.mode = REPL
        pr.next = self.last + 1 if pr.match >= self.last else pr.match + 1

    def lost(self, p, pr, kind):
        if kind == "repl":
            pr.recovering = True
            pr.wake.set()

    def on_reply(self, p, pr, args, reply, kind):
        if reply.success:
            m = min(max(args.prev_log_index + len(args.entries), getattr(reply, "stored", 0)), self.last)
            if m > pr.match:
                pr.match = m
                pr.next = max(pr.next, m + 1)
                self.advance()
            if kind == "recover" or not pr.recovering:
                pr.wake.set()
            return
        if pr.mode == SNAP:
            return
        if args.prev_log_index <= pr.match:
            if args.prev_log_index + len(args.entries) > pr.match and not pr.recovering:
                pr.recovering = True
                pr.wake.set()
            return
        pr.refused = True
        pr.recovering = True
        pr.back = True
        pr.next = max(pr.match + 1, min(self.back(args.prev_log_index, reply), pr.next))
        pr.wake.set()

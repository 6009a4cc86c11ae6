"""Waits for each call to a peer before the next one, as LogCabin does, and has a slow disk only while it leads."""

import trio
from core import SNAP, Core


class LogCabinLike(Core):
    """A core with this system's policies, and with what is beyond them."""

    DISK = 0.01
    LEADER_DISK_ONLY = True
    STICKY = True
    CHECK_QUORUM = True
    NEW_TERM_ON_STEPDOWN = True
    NOOP = True
    STEP_HINT = True
    HB = 0.15
    TMIN = 0.6
    TMAX = 1.2
    WAIT = 0.3

    async def peer_loop(self, p, pr, term):
        pr.suppress = False
        while self.leads(term):
            now = self.now()
            if pr.mode == SNAP or (pr.next <= self.base and not pr.suppress):
                if pr.mode != SNAP or pr.snap_sent == 0:
                    pr.mode = SNAP
                    self.send_snap(p, pr)
                if now >= pr.due:
                    await self.one(p, pr, max(pr.match, 0) if pr.match >= self.base or not pr.match else self.base, [])
            elif (
                now >= pr.due
                or (pr.next <= self.last and not pr.suppress)
                or pr.sent_commit < min(self.commit, pr.match)
            ):
                prev = max(pr.next - 1, self.base)
                es = [] if pr.suppress or prev != pr.next - 1 else self.slice(pr.next, 200)
                ok = await self.one(p, pr, prev, es)
                if ok is None:
                    pr.suppress = True
                    await trio.sleep(0.03)
                    if self.leads(term):
                        pr.due = min(pr.due, self.now() + 0.1)
                else:
                    pr.suppress = False
                continue
            with trio.move_on_at(pr.due):
                await pr.wake.wait()
            if pr.wake.is_set():
                pr.wake = trio.Event()

    async def one(self, p, pr, prev, es):
        box = []
        done = trio.Event()
        self.send_append(p, pr, prev, es, (box, done))
        with trio.move_on_after(self.WAIT):
            await done.wait()
        return box[0] if box else None

    async def do_append(self, p, pr, args, seq, kind):
        box, done = kind
        try:
            await super().do_append(p, pr, args, seq, "repl")
        finally:
            box.append(True if pr.heard == self.now() else None)
            done.set()

    def lost(self, p, pr, kind):
        pass

    def on_reply(self, p, pr, args, reply, kind):
        prev = args.prev_log_index
        if reply.success:
            m = min(prev + len(args.entries), self.last)
            if m > pr.match:
                pr.match = m
                self.advance()
            pr.next = max(pr.next, pr.match + 1)
        elif prev > pr.match and prev <= pr.next - 1 and pr.mode != SNAP:
            pr.next = max(pr.match + 1, min(prev, reply.conflict_index if reply.conflict_index is not None else prev))
        pr.wake.set()

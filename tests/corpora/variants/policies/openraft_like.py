"""Saves the leader that it hears as its vote, as OpenRaft does, and finds where logs match by halves."""

from dataclasses import dataclass

import trio
from core import SNAP, Core

from labs.messages import PersistentState, RequestVoteReply


@dataclass(frozen=True, slots=True)
class State(PersistentState):
    committed_vote: bool = False


class OpenRaftLike(Core):
    """A core with this system's policies, and with what is beyond them."""

    DISK = 0.01
    META_SYNC = True
    STICKY = True
    NOOP = True
    VOTE_IS_LEADER = True
    TRUNC_AT_PREV = True
    TMIN = 0.5
    TMAX = 1.1
    RETRY = 0.3
    VOTE_RETRY = 10.0  # It asks once.

    def write(self, meta, part, data):
        log, base, base_term, _, _, _ = part
        st = State(meta[0], meta[1], log, base, base_term, self.leader is not None)
        self.node.persister.save(st, data)
        self.disk_meta, self.disk_log = meta, part

    def on_vote(self, args):
        # A vote is a term, a server, and whether that leads; a leader's is more than a candidate's of the same term.
        if args.term == self.term and self.leader is not None:
            return RequestVoteReply(self.term, False)
        return super().on_vote(args)

    async def peer_loop(self, p, pr, term):
        self.nursery.start_soon(self.heartbeat_worker, p, pr, term)
        pr.end = pr.next  # Where the search ends: what matches ends before it.
        pr.busy = 0.0
        pr.retry_at = 0.0
        while self.leads(term):
            self.step(p, pr)
            with trio.move_on_after(0.05):
                await pr.wake.wait()
            if pr.wake.is_set():
                pr.wake = trio.Event()

    async def heartbeat_worker(self, p, pr, term):
        while self.leads(term):
            if self.now() >= pr.due - 1e-9:
                self.send_append(p, pr, self.hb_prev(pr), [], "hb")
            await trio.sleep_until(pr.due)

    def step(self, p, pr):
        now = self.now()
        if pr.mode == SNAP:
            if pr.snap_sent == 0:
                self.send_snap(p, pr)
            return
        if pr.busy and now - pr.busy < self.RETRY:
            return
        if now < pr.retry_at:
            return
        if pr.match >= self.last:
            if pr.sent_commit < self.commit:
                self.send_append(p, pr, pr.match if pr.match >= self.base else self.base, [], "hb")
            return
        if pr.end <= self.base:
            pr.mode = SNAP
            self.send_snap(p, pr)
            return
        d = pr.end - (pr.match + 1)
        start = max(pr.match + 1 + d // 16 * 8, self.base + 1)
        pr.busy = now
        pr.next = start + 1  # For the core's eyes; the search has its own bounds.
        self.send_append(p, pr, start - 1, self.slice(start, 300), "repl")

    async def do_append(self, p, pr, args, seq, kind):
        reply = await self.node.call(p, args)
        pr.inflight.pop(seq, None)
        if not self.leads(args.term) or self.p[p] is not pr:
            if reply is not None and reply.term > self.term:
                self.adopt(reply.term)
            return
        if kind == "repl" and not pr.inflight:
            pr.busy = 0.0
        if reply is None:
            if kind == "repl":
                pr.retry_at = self.now() + 0.05
            return
        if reply.term > self.term:
            self.adopt(reply.term)
            return
        if reply.term != args.term:
            return
        pr.heard = self.now()
        if reply.success:
            m = min(args.prev_log_index + len(args.entries), self.last)
            if m > pr.match:
                pr.match = m
                pr.end = max(pr.end, m + 1)
                self.advance()
            if kind == "repl":
                pr.end = max(pr.end, pr.match + 1) if args.prev_log_index >= pr.end else pr.match + 1
        elif kind == "repl" and args.prev_log_index > pr.match:
            pr.end = min(pr.end, max(args.prev_log_index, pr.match + 1))
        pr.wake.set()

    async def do_snap(self, p, pr, args):
        await super().do_snap(p, pr, args)
        if self.leads(args.term) and pr.match >= args.last_included_index:
            pr.end = max(pr.end, pr.match + 1)
            pr.busy = 0.0
            pr.wake.set()

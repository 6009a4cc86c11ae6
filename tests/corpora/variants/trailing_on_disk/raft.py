"""In the tradition of: hashicorp/raft. A main loop with run_follower, run_candidate, run_leader; per peer one task that
replicates (first one RPC at a time, then a pipeline) and one for heartbeats; a leader lease; an FSM task with a queue.

Unusual, and why it is correct:
* Commands are dispatched in batches: `start` puts them into the log in memory, the dispatch task saves all that came at
  one instant in one write, and only then are they sent or counted (persistent state before send).
* Leader lease: a leader that has not heard from a majority within 0.5 s steps down (thesis 6.4). It starts no election
  for that and keeps its term and vote.
* While it leads, or heard its leader less than 0.5 s (the minimum timeout) ago, a server refuses other candidates and
  "does not update its term or grant its vote" (paper section 6, thesis 4.2.3), but answers with its own, older term.
  To refuse a vote is always safe; liveness: as soon as the leader is silent for 0.5 s the vote is free.
* Heartbeats carry prev_log_index 0 and term 0 (which every log has): they mean only that the leader is there, and commit
  min(match, commit), of which a follower may use nothing (rule 5: min(.., 0)). Commits travel with replication messages.
* Pipeline: next_index is raised as a message leaves. Any refusal or loss ends the pipeline; next = match+1, RPC mode.
* Trailing logs: the log on disk keeps 16 entries that the snapshot covers. `last_included_*` of the state is where the
  LOG begins (as documented); fields of our own hold the snapshot's index and term. Both go to disk in one save.
* The FSM task awaits `apply_ch.send`; what it sends was taken from the log when it was committed, so later cuts of the
  log cannot change it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplySnapshot,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)

HEARTBEAT_TIMEOUT = 0.5
ELECTION_TIMEOUT = 0.5
LEASE = 0.5
TRAILING = 16
BATCH = 64
PIPELINE = 64


@dataclass(frozen=True, slots=True)
class Stable(PersistentState):
    snapshot_index: int | None = None  # None: where the log begins
    snapshot_term: int | None = None


class Peer:
    def __init__(self, id_, next_, now):
        self.id, self.next, self.match = id_, next_, 0
        self.contact = now
        self.failures = 0
        self.pipeline = False
        self.inflight = 0
        self.told = -1
        self.epoch = 0
        self.trigger = trio.Event()


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        self.n = len(node.peers) + 1
        self.term, self.voted_for = 0, None
        self.base, self.base_term, self.ents = 0, 0, []
        self.snap_index, self.snap_term, self.snap = 0, 0, None
        self.commit = 0
        self.fsm_queue = deque()
        self.fsm_wake = trio.Event()
        self.fsm_done = 0
        s = node.persister.load()
        if s is not None:
            self.term, self.voted_for, self.ents = s.current_term, s.voted_for, list(s.log)
            self.base, self.base_term = s.last_included_index, s.last_included_term
            self.snap_index, self.snap_term = self.base, self.base_term
            if isinstance(s, Stable) and s.snapshot_index is not None:
                self.snap_index, self.snap_term = s.snapshot_index, s.snapshot_term
            self.snap = node.persister.snapshot()
            if self.snap_index:
                self.commit = self.snap_index
                self.fsm_put(ApplySnapshot(self.snap_index, self.snap_term, self.snap))
        self.role, self.leader = "follower", None
        self.contact = 0.0
        self.peers = {}
        self.dispatched = 0
        self.changed = trio.Event()
        self.dispatch_wake = trio.Event()

    # -- small helpers

    def last(self):
        return self.base + len(self.ents)

    def term_at(self, i):
        assert self.base <= i <= self.last(), (self.base, i, self.last())
        return self.base_term if i == self.base else self.ents[i - self.base - 1].term

    def entries(self, lo, hi):
        assert lo > self.base
        return self.ents[lo - self.base - 1 : hi - self.base]

    def save(self, snapshot=None):
        self.node.persister.save(
            Stable(self.term, self.voted_for, self.ents, self.base, self.base_term, self.snap_index, self.snap_term),
            snapshot,
        )

    def set_role(self, role, leader):
        self.leader = leader
        if role != self.role:
            self.role = role
            self.changed.set()

    def saw_term(self, term, leader=None):
        """All servers rule 2. True if the term was newer."""
        if term > self.term:
            self.term, self.voted_for = term, None
            self.set_role("follower", leader)
            self.save()
            return True
        return False

    def rand(self, lo):
        return self.node.random.uniform(lo, 2 * lo)

    # -- main loop

    async def run(self):
        self.contact = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.run_fsm)
            while True:
                self.changed = trio.Event()
                await {"follower": self.run_follower, "candidate": self.run_candidate, "leader": self.run_leader}[
                    self.role
                ]()

    async def run_follower(self):
        while self.role == "follower":
            with trio.move_on_after(self.rand(HEARTBEAT_TIMEOUT)):
                await self.changed.wait()
                continue
            if trio.current_time() - self.contact >= HEARTBEAT_TIMEOUT:
                self.set_role("candidate", None)

    async def run_candidate(self):
        self.term += 1
        self.voted_for = self.node.me
        self.leader = None
        self.save()
        self.votes = {self.node.me}
        if self.elected():
            return
        args = RequestVoteArgs(self.term, self.node.me, self.last(), self.term_at(self.last()))
        async with trio.open_nursery() as nursery:
            for p in self.node.peers:
                nursery.start_soon(self.ask, p, args)
            with trio.move_on_after(self.rand(ELECTION_TIMEOUT)):
                await self.changed.wait()
            nursery.cancel_scope.cancel()

    def elected(self):
        if len(self.votes) > self.n // 2:
            self.set_role("leader", self.node.me)
            return True
        return False

    async def ask(self, p, args):
        reply = await self.node.call(p, args)
        if reply is None or self.saw_term(reply.term):
            return
        if reply.vote_granted and self.role == "candidate" and self.term == args.term:
            self.votes.add(p)
            self.elected()

    async def run_leader(self):
        now = trio.current_time()
        self.peers = {p: Peer(p, self.last() + 1, now) for p in self.node.peers}
        self.ents.append(LogEntry(self.term, None))
        self.dispatch()
        async with trio.open_nursery() as nursery:
            self.leader_nursery = nursery
            nursery.start_soon(self.run_dispatch)
            nursery.start_soon(self.run_lease)
            for r in self.peers.values():
                nursery.start_soon(self.replicate, r)
                nursery.start_soon(self.heartbeat, r)
            if self.role == "leader":
                await self.changed.wait()
            nursery.cancel_scope.cancel()
        self.contact = max(self.contact, trio.current_time() if self.leader is None else self.contact)

    # -- leader

    def dispatch(self):
        self.save()
        self.dispatched = self.last()
        self.advance()
        self.notify()

    async def run_dispatch(self):
        while True:
            await self.dispatch_wake.wait()
            self.dispatch_wake = trio.Event()
            if self.role == "leader" and self.dispatched < self.last():
                self.dispatch()

    async def run_lease(self):
        while True:
            await trio.sleep(LEASE / 5)
            now = trio.current_time()
            alive = 1 + sum(now - r.contact <= LEASE for r in self.peers.values())
            if alive <= self.n // 2 and self.role == "leader":
                self.node.note("lease lost")
                self.set_role("follower", None)

    def notify(self):
        for r in self.peers.values():
            r.trigger.set()

    def advance(self):
        m = sorted([r.match for r in self.peers.values()] + [self.dispatched], reverse=True)[self.n // 2]
        if m > self.commit and self.term_at(m) == self.term:
            self.commit_to(m)
            self.notify()

    def matched(self, r, index):
        if index > r.match:
            r.match = index
            r.next = max(r.next, index + 1)
            self.advance()

    def message(self, r, hi):
        prev = r.next - 1
        hi = min(hi, prev + BATCH)
        ents = self.entries(r.next, hi) if hi >= r.next else []
        return AppendEntriesArgs(self.term, self.node.me, prev, self.term_at(prev), ents, self.commit)

    def leads(self, args):
        return self.role == "leader" and self.term == args.term

    async def call(self, r, args, wait=0.5):
        reply = None
        with trio.move_on_after(wait):
            reply = await self.node.call(r.id, args)
        if reply is not None:
            self.saw_term(reply.term)
            if self.leads(args):
                r.contact = trio.current_time()
        return reply

    async def heartbeat(self, r):
        async with trio.open_nursery() as nursery:
            while self.role == "leader":  # the nursery is cancelled only when the main loop gets its turn
                args = AppendEntriesArgs(self.term, self.node.me, 0, 0, [], min(r.match, self.commit))
                nursery.start_soon(self.call, r, args)
                await trio.sleep(self.node.random.uniform(0.11, 0.15))

    def behind(self, r):
        return r.next <= self.dispatched or r.told < self.commit

    async def replicate(self, r):
        while self.role == "leader":
            r.trigger = trio.Event()
            if not self.behind(r):
                await r.trigger.wait()
            elif r.pipeline and r.next - 1 >= self.base:
                await self.run_pipeline(r)
            else:
                await self.one_rpc(r)

    async def one_rpc(self, r):
        if r.failures:
            await trio.sleep(min(0.01 * 2 ** min(r.failures, 10), 0.1))
            if self.role != "leader":
                return
        if r.next - 1 < self.base:
            args = InstallSnapshotArgs(self.term, self.node.me, self.snap_index, self.snap_term, self.snap)
            reply = await self.call(r, args, 1.0)
            if not self.leads(args):
                return
            if reply is None:
                r.failures += 1
            else:
                r.failures = 0
                r.next = max(r.match, args.last_included_index) + 1
                self.matched(r, args.last_included_index)
            return
        args = self.message(r, self.dispatched)
        reply = await self.call(r, args)
        if not self.leads(args):
            return
        if reply is None:
            r.failures += 1
        elif reply.success:
            r.failures = 0
            r.pipeline = True
            r.told = args.leader_commit
            end = args.prev_log_index + len(args.entries)
            r.next = max(r.next, end + 1)
            self.matched(r, end)
        else:
            r.failures = 0
            r.next = max(r.match + 1, min(args.prev_log_index, self.back(args.prev_log_index, reply)))

    def back(self, prev, reply):
        if reply.conflict_index is None:
            return prev
        if reply.conflict_term is not None:
            i = min(prev, self.last())
            while i > self.base and self.term_at(i) > reply.conflict_term:
                i -= 1
            if i > self.base and self.term_at(i) == reply.conflict_term:
                return i + 1
        return reply.conflict_index

    async def run_pipeline(self, r):
        r.epoch += 1
        r.inflight = 0
        epoch = r.epoch
        while r.pipeline and self.role == "leader":
            r.trigger = trio.Event()
            while self.role == "leader" and r.pipeline and self.behind(r) and r.inflight < PIPELINE:
                if r.next - 1 < self.base:
                    r.pipeline = False
                    break
                args = self.message(r, self.dispatched)
                r.next += len(args.entries)
                r.told = args.leader_commit
                r.inflight += 1
                self.leader_nursery.start_soon(self.pipelined, r, args, epoch)
            if not r.pipeline:
                break
            await r.trigger.wait()
        r.next = r.match + 1
        r.told = -1

    async def pipelined(self, r, args, epoch):
        reply = await self.call(r, args)
        if not self.leads(args):
            return
        if reply is not None and reply.success:
            self.matched(r, args.prev_log_index + len(args.entries))
        if epoch == r.epoch:
            r.inflight -= 1
            if reply is None or not reply.success:
                r.pipeline = False
            r.trigger.set()

    # -- commit and FSM

    def commit_to(self, index):
        while self.commit < index:
            self.commit += 1
            self.fsm_put(ApplyCommand(self.commit, self.ents[self.commit - self.base - 1].command))

    def fsm_put(self, item):
        self.fsm_queue.append(item)
        self.fsm_wake.set()

    async def run_fsm(self):
        while True:
            while self.fsm_queue:
                item = self.fsm_queue.popleft()
                self.fsm_done = item.index
                await self.apply_ch.send(item)
            self.fsm_wake = trio.Event()
            await self.fsm_wake.wait()

    # -- called by the simulator

    def get_state(self):
        return self.term, self.role == "leader"

    def start(self, command):
        if self.role != "leader":
            return 0, self.term, False
        self.ents.append(LogEntry(self.term, command))
        self.dispatch_wake.set()
        return self.last(), self.term, True

    def request_vote(self, a):
        if self.leader is not None and self.leader != a.candidate_id and a.term > self.term:
            if self.role == "leader" or trio.current_time() - self.contact < HEARTBEAT_TIMEOUT:
                return RequestVoteReply(self.term, False)
        if a.term < self.term:
            return RequestVoteReply(self.term, False)
        self.saw_term(a.term)
        if self.voted_for == a.candidate_id:
            self.contact = trio.current_time()
            return RequestVoteReply(self.term, True)
        last = self.last()
        if self.voted_for is not None or (a.last_log_term, a.last_log_index) < (self.term_at(last), last):
            return RequestVoteReply(self.term, False)
        self.voted_for = a.candidate_id
        self.save()
        self.contact = trio.current_time()
        return RequestVoteReply(self.term, True)

    def heard(self, a):
        self.saw_term(a.term, a.leader_id)
        assert self.role != "leader"
        self.set_role("follower", a.leader_id)
        self.contact = trio.current_time()

    def append_entries(self, a):
        if a.term < self.term:
            return AppendEntriesReply(self.term, False)
        self.heard(a)
        prev, ents, end = a.prev_log_index, a.entries, a.prev_log_index + len(a.entries)
        if prev < self.base:
            ents, prev = ents[self.base - prev :], self.base
        elif prev > self.last():
            return AppendEntriesReply(self.term, False, None, self.last() + 1)
        elif self.term_at(prev) != a.prev_log_term:
            t, i = self.term_at(prev), prev
            while i - 1 > self.commit and self.term_at(i - 1) == t:
                i -= 1
            return AppendEntriesReply(self.term, False, t, i)
        for k, e in enumerate(ents):
            i = prev + 1 + k
            if i > self.last() or self.term_at(i) != e.term:
                assert i > self.commit
                del self.ents[i - self.base - 1 :]
                self.ents.extend(ents[k:])
                self.save()
                break
        self.commit_to(min(a.leader_commit, end))
        return AppendEntriesReply(self.term, True)

    def install_snapshot(self, a):
        if a.term < self.term:
            return InstallSnapshotReply(self.term)
        self.heard(a)
        i, t = a.last_included_index, a.last_included_term
        if i > self.commit:
            if not (i <= self.last() and self.term_at(i) == t):
                self.base, self.base_term, self.ents = i, t, []
            self.compact(i, t, a.data)
            self.commit = i
            self.fsm_put(ApplySnapshot(i, t, a.data))
        return InstallSnapshotReply(self.term)

    def snapshot(self, index, snapshot):
        if self.snap_index < index <= self.fsm_done:
            self.compact(index, self.term_at(index), snapshot)

    def compact(self, index, term, data):
        self.snap_index, self.snap_term, self.snap = index, term, data
        base = max(self.base, index - TRAILING)
        self.base_term = self.term_at(base)
        del self.ents[: base - self.base]
        self.base = base
        self.save(data)

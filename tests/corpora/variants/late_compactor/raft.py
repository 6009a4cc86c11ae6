"""In the tradition of: the State pattern (Copycat, Ratis). Each role is an object with its own tasks; a late background
compactor; trailing entries in memory; a snapshot and, right after it, the entries that follow.

Unusual, and why it is correct:
* A vote on trial carries the CURRENT term (trial=True), as nothing has been raised yet; a voter grants it if the real
  request (one term later) could win: its term is not newer than the candidate's, the log is up to date, and no leader was
  heard for 0.35 s. The voter changes nothing (thesis 9.6), and answers with its own term; a newer one is adopted.
* Real votes are not withheld.
* The service's snapshot waits up to 0.3 s for the compactor, which takes the newest one: until then the log is longer than
  necessary, and everything in it is still true. The snapshot that is sent is always the one on disk.
* Memory keeps up to 24 entries that the snapshot covers ("trailing"), the disk does not. The leader goes on to send them
  to a follower that lags a little; all of them are committed and equal to what the snapshot holds. After a restart they
  are gone, and a snapshot takes their place.
* After InstallSnapshot the next entries leave without waiting (prev = the snapshot's end). If they arrive first they are
  refused; such refusals are ignored while the snapshot is on its way, and the entries are sent again after its answer.
* Heartbeats carry the first entry that is not acknowledged (one at most), whatever else is under way: idempotent.
* Pipeline: up to 8 messages of up to 32 entries to a peer.
* The applier awaits `apply_ch.send`, with items taken when they were committed.
* A leader with no answer from a majority for 1 s steps down.
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

MIN_TIMEOUT, MAX_TIMEOUT = 0.35, 0.75
BEAT = 0.105
TRAIL = 24


@dataclass(frozen=True, slots=True)
class Poll(RequestVoteArgs):
    trial: bool = False


class Context:
    """What outlives a role: term, vote, log, commit; and the disk."""

    def __init__(self, node):
        self.node = node
        self.term, self.vote = 0, None
        self.mem_base, self.mem_term, self.mem = 0, 0, []
        self.snap_index, self.snap_term, self.snap = 0, 0, None
        s = node.persister.load()
        if s is not None:
            self.term, self.vote, self.mem = s.current_term, s.voted_for, list(s.log)
            self.mem_base, self.mem_term = self.snap_index, self.snap_term = s.last_included_index, s.last_included_term
            self.snap = node.persister.snapshot()
        self.commit = self.snap_index

    def save(self, data=None):
        tail = self.mem[self.snap_index - self.mem_base :]
        self.node.persister.save(PersistentState(self.term, self.vote, tail, self.snap_index, self.snap_term), data)

    def last(self):
        return self.mem_base + len(self.mem)

    def term_at(self, i):
        assert self.mem_base <= i <= self.last(), (self.mem_base, i, self.last())
        return self.mem_term if i == self.mem_base else self.mem[i - self.mem_base - 1].term

    def after(self, prev, n):
        assert prev >= self.mem_base
        return self.mem[prev - self.mem_base : prev - self.mem_base + n]

    def end(self):
        return self.term_at(self.last()), self.last()

    def compact(self, index, term, data):
        self.snap_index, self.snap_term, self.snap = index, term, data
        base = max(self.mem_base, index - TRAIL)
        self.mem_term = self.term_at(base)
        del self.mem[: base - self.mem_base]
        self.mem_base = base
        self.save(data)

    def replace(self, index, term, data):
        self.mem_base, self.mem_term, self.mem = index, term, []
        self.snap_index, self.snap_term, self.snap = index, term, data
        self.save(data)


class Role:
    def __init__(self, raft):
        self.raft, self.c, self.node = raft, raft.c, raft.node
        self.over = trio.Event()

    @property
    def current(self):
        return self.raft.role is self

    async def run(self, nursery):
        raise AssertionError


class Follower(Role):
    def __init__(self, raft):
        super().__init__(raft)
        self.heard_at = -1e9
        self.reset = trio.Event()

    async def run(self, nursery):
        while True:
            self.reset = trio.Event()
            with trio.move_on_after(self.node.random.uniform(MIN_TIMEOUT, MAX_TIMEOUT)):
                await self.reset.wait()
                continue
            self.raft.become(Candidate(self.raft))
            return


class Candidate(Role):
    """First on trial, then for real."""

    async def run(self, nursery):
        c = self.c
        nursery.start_soon(self.patience)
        self.won = trio.Event()
        self.yes = {self.node.me}
        self.ask_all(nursery, Poll(c.term, self.node.me, c.last(), c.end()[0], True))
        await self.won.wait()
        if not self.current:
            return
        self.won = trio.Event()
        self.yes = {self.node.me}
        c.term += 1
        c.vote = self.node.me
        c.save()
        self.ask_all(nursery, Poll(c.term, self.node.me, c.last(), c.end()[0], False))
        await self.won.wait()
        if self.current:
            self.raft.become(Leader(self.raft))

    async def patience(self):
        await trio.sleep(self.node.random.uniform(MIN_TIMEOUT, MAX_TIMEOUT))
        if self.current:
            self.raft.become(Candidate(self.raft))

    def ask_all(self, nursery, args):
        self.asked = args
        self.tally()
        for p in self.node.peers:
            nursery.start_soon(self.ask, p, args)

    def tally(self):
        if len(self.yes) * 2 > len(self.node.peers) + 1:
            self.won.set()

    async def ask(self, p, args):
        r = await self.node.call(p, args)
        if r is None or not self.current:
            if r is not None:
                self.raft.saw(r.term)
            return
        if r.term > self.c.term:
            self.raft.saw(r.term)
        elif r.vote_granted and self.asked is args:
            self.yes.add(p)
            self.tally()


class Progress:
    def __init__(self, next_, now):
        self.next, self.match, self.low = next_, 0, next_
        self.heard = now
        self.flight = 0
        self.round = 0
        self.snap_since = None
        self.go = trio.Event()
        self.told = 0


class Leader(Role):
    def __init__(self, raft):
        super().__init__(raft)
        self.new = trio.Event()

    def begin(self):
        c, now = self.c, trio.current_time()
        self.prog = {p: Progress(c.last() + 1, now) for p in self.node.peers}
        c.mem.append(LogEntry(c.term, None))
        c.save()
        self.saved = c.last()
        self.count()

    async def run(self, nursery):
        if not self.current:
            return
        self.nursery = nursery
        self.begin()
        for p in self.node.peers:
            nursery.start_soon(self.feed, p)
            nursery.start_soon(self.beat, p)
        nursery.start_soon(self.watch)
        while self.current:
            await self.new.wait()
            self.new = trio.Event()
            if self.current:
                self.store()

    def store(self):
        if self.saved < self.c.last():
            self.c.save()
            self.saved = self.c.last()
            self.count()
            self.push()

    def push(self):
        for g in self.prog.values():
            g.go.set()

    async def watch(self):
        while self.current:
            await trio.sleep(0.2)
            now = trio.current_time()
            if 2 * (1 + sum(now - g.heard < 1.0 for g in self.prog.values())) <= len(self.prog) + 1 and self.current:
                self.raft.become(Follower(self.raft))

    async def beat(self, p):
        g = self.prog[p]
        await trio.sleep(BEAT)
        while self.current:
            prev = g.low - 1
            if prev < self.c.mem_base:
                prev, n = self.c.snap_index, 0
            else:
                n = 1 if g.low < g.next else 0
            self.send(p, g, prev, n, None)
            await trio.sleep(BEAT)

    async def feed(self, p):
        g, c = self.prog[p], self.c
        first = True
        while self.current:
            g.go = trio.Event()
            if g.next - 1 < c.mem_base and g.snap_since is None:
                g.snap_since = trio.current_time()
                a = InstallSnapshotArgs(c.term, self.node.me, c.snap_index, c.snap_term, c.snap)
                g.round += 1
                g.flight = 0
                g.next = g.low = c.snap_index + 1
                self.nursery.start_soon(self.install, p, g, a, g.round)
            while (
                g.flight < 8
                and g.next - 1 >= c.mem_base
                and (first or g.next <= self.saved or (g.told < c.commit and g.match == self.saved))
            ):
                first = False
                n = min(32, self.saved + 1 - g.next)
                prev = g.next - 1
                g.next += n
                g.flight += 1
                self.send(p, g, prev, n, g.round)
            await g.go.wait()

    def send(self, p, g, prev, n, rnd):
        c = self.c
        a = AppendEntriesArgs(c.term, self.node.me, prev, c.term_at(prev), c.after(prev, n), c.commit)
        g.told = c.commit if prev + n >= c.commit else g.told
        self.nursery.start_soon(self.append, p, g, a, rnd)

    async def append(self, p, g, a, rnd):
        r = None
        with trio.move_on_after(0.5):
            r = await self.node.call(p, a)
        if r is not None:
            self.raft.saw(r.term)
        if not self.current:
            return
        fresh = rnd is not None and rnd == g.round
        if fresh:
            g.flight -= 1
        if r is None:
            g.told = 0
            if fresh and g.snap_since is None and a.entries and a.prev_log_index + len(a.entries) > g.match:
                await trio.sleep(0.02)
                if self.current and rnd == g.round:
                    self.rewind(g, g.low)
            g.go.set()
            return
        g.heard = trio.current_time()
        if r.success:
            self.matched(g, a.prev_log_index + len(a.entries))
        elif (
            g.snap_since is None
            and a.prev_log_index >= g.low - 1
            and a.prev_log_index > g.match
            and (fresh or rnd is None)
        ):
            if a.prev_log_index == g.low - 1:
                self.rewind(g, min(a.prev_log_index, self.back(a.prev_log_index, r)))
            elif fresh or not g.flight:
                self.rewind(g, g.low)
        g.go.set()

    def rewind(self, g, index):
        g.round += 1
        g.flight = 0
        g.told = 0
        g.next = g.low = max(g.match + 1, index)
        g.go.set()

    def back(self, prev, r):
        c = self.c
        if r.conflict_index is None:
            return prev
        if r.conflict_term is not None:
            i = min(prev, c.last())
            while i > c.mem_base and c.term_at(i) > r.conflict_term:
                i -= 1
            if c.term_at(i) == r.conflict_term and i > c.mem_base:
                return i + 1
        return r.conflict_index

    async def install(self, p, g, a, rnd):
        r = None
        with trio.move_on_after(0.6):
            r = await self.node.call(p, a)
        if r is not None:
            self.raft.saw(r.term)
        if not self.current:
            return
        g.snap_since = None
        if r is None:
            await trio.sleep(0.03)
            if self.current and g.match < a.last_included_index and g.snap_since is None:
                g.round += 1
                g.flight = 0
                g.next = g.low = max(
                    g.match + 1, min(g.low, self.c.mem_base)
                )  # below what memory holds: the snapshot once more
        else:
            g.heard = trio.current_time()
            before = g.match
            self.matched(g, a.last_included_index)
            if before <= a.last_included_index:
                self.rewind(g, g.match + 1)  # what overtook the snapshot was refused
        g.go.set()

    def matched(self, g, index):
        if index > g.match:
            g.match = index
            g.low = max(g.low, index + 1)
            g.next = max(g.next, index + 1)
            self.count()

    def count(self):
        m = sorted([g.match for g in self.prog.values()] + [self.saved])[len(self.prog) // 2]
        if m > self.c.commit and self.c.term_at(m) == self.c.term:
            self.raft.commit_to(m)
            self.push()


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        self.c = Context(node)
        self.items = deque()
        self.items_wake = trio.Event()
        self.handed = self.c.snap_index
        self.offered = None
        self.role = Follower(self)
        if self.c.snap_index:
            self.hand(ApplySnapshot(self.c.snap_index, self.c.snap_term, self.c.snap))

    def become(self, role):
        self.role.over.set()
        self.role = role

    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.applier)
            nursery.start_soon(self.compactor)
            while True:
                role = self.role
                async with trio.open_nursery() as inner:
                    inner.start_soon(role.run, inner)
                    await role.over.wait()
                    inner.cancel_scope.cancel()

    async def applier(self):
        while True:
            while self.items:
                item = self.items.popleft()
                self.handed = item.index
                await self.apply_ch.send(item)
            self.items_wake = trio.Event()
            await self.items_wake.wait()

    async def compactor(self):
        while True:
            await trio.sleep(0.3)
            if self.offered:
                (index, data), self.offered = self.offered, None
                if index > self.c.snap_index:
                    self.c.compact(index, self.c.term_at(index), data)

    def hand(self, item):
        self.items.append(item)
        self.items_wake.set()

    def commit_to(self, index):
        c = self.c
        while c.commit < index:
            c.commit += 1
            self.hand(ApplyCommand(c.commit, c.after(c.commit - 1, 1)[0].command))

    def saw(self, term):
        if term > self.c.term:
            self.c.term, self.c.vote = term, None
            self.c.save()
            if not isinstance(self.role, Follower):
                self.become(Follower(self))

    def heard_leader(self, term):
        self.saw(term)
        if not isinstance(self.role, Follower):
            assert not isinstance(self.role, Leader)
            self.become(Follower(self))
        self.role.heard_at = trio.current_time()
        self.role.reset.set()

    # -- called by the simulator

    def get_state(self):
        return self.c.term, isinstance(self.role, Leader)

    def start(self, command):
        if not isinstance(self.role, Leader) or not hasattr(self.role, "prog"):
            return 0, self.c.term, False
        self.c.mem.append(LogEntry(self.c.term, command))
        self.role.new.set()
        return self.c.last(), self.c.term, True

    def request_vote(self, a):
        c = self.c
        good = (a.last_log_term, a.last_log_index) >= c.end()
        if isinstance(a, Poll) and a.trial:
            quiet = not isinstance(self.role, Leader) and not (
                isinstance(self.role, Follower) and trio.current_time() - self.role.heard_at < MIN_TIMEOUT
            )
            return RequestVoteReply(c.term, good and quiet and a.term >= c.term)
        self.saw(a.term)
        if a.term < c.term or c.vote not in (None, a.candidate_id) or not good:
            return RequestVoteReply(c.term, False)
        if c.vote is None:
            c.vote = a.candidate_id
            c.save()
        if isinstance(self.role, Follower):
            self.role.reset.set()
        elif isinstance(self.role, Candidate) and c.vote != self.node.me:
            self.become(Follower(self))  # it was on trial in this term, and has given its vote away
        return RequestVoteReply(c.term, True)

    def append_entries(self, a):
        c = self.c
        if a.term < c.term:
            return AppendEntriesReply(c.term, False)
        self.heard_leader(a.term)
        prev, ents = a.prev_log_index, a.entries
        if prev > c.last():
            return AppendEntriesReply(c.term, False, None, c.last() + 1)
        if prev < c.mem_base:
            ents, prev = ents[c.mem_base - prev :], c.mem_base
        elif prev > c.snap_index and c.term_at(prev) != a.prev_log_term:
            i = prev
            while i - 1 > c.commit and c.term_at(i - 1) == c.term_at(prev):
                i -= 1
            return AppendEntriesReply(c.term, False, c.term_at(prev), i)
        for k, e in enumerate(ents):
            i = prev + 1 + k
            if i <= c.commit:
                continue
            if i > c.last() or c.term_at(i) != e.term:
                c.mem[i - c.mem_base - 1 :] = ents[k:]
                c.save()
                break
        self.commit_to(min(a.leader_commit, a.prev_log_index + len(a.entries)))
        return AppendEntriesReply(c.term, True)

    def install_snapshot(self, a):
        c = self.c
        if a.term < c.term:
            return InstallSnapshotReply(c.term)
        self.heard_leader(a.term)
        i, t = a.last_included_index, a.last_included_term
        if i > c.commit:
            self.offered = None
            if i <= c.last() and c.term_at(i) == t:
                c.compact(i, t, a.data)
            else:
                c.replace(i, t, a.data)
            c.commit = i
            self.hand(ApplySnapshot(i, t, a.data))
        return InstallSnapshotReply(c.term)

    def snapshot(self, index, snapshot):
        if self.c.snap_index < index <= self.handed:
            self.offered = (index, snapshot)

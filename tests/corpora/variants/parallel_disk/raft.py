"""In the tradition of: thesis 10.2.1 / TiKV's async IO. The disk is a task of its own: a write takes 2 to 12 ms and takes
all that has changed by its end (group commit). The leader sends entries while it writes them.

Unusual, and why it is correct:
* Handlers are async: they change memory at once and answer when the disk has caught up with memory as it was then. If by
  that time a newer term is on disk, they refuse with that term; a refusal is always safe.
* Every term that leaves this server (answers, requests, get_state) is the term on disk. A leadership whose term is not on
  disk cannot exist: a candidate asks for votes only after its term and vote are written.
* The leader sends entries before its own write has ended, and counts itself only up to what its disk holds (thesis
  10.2.1). A majority of followers alone may commit an entry; then the leader applies it though its own write goes on: the
  entry is on the disks of a majority, and the next leader has it.
* A follower applies what is committed by the leader's word, though its own write may go on: the majority has it.
* A refusal carries the follower's commit index (own field `known`). Everything up to there equals the leader's log (Leader
  Completeness, Log Matching), so next_index = known+1 is right at once; entries are sent more than once, at worst.
* Sending is optimistic (next_index moves when a message leaves). A refusal or a loss takes it back, once per `epoch`.
* An installed snapshot is handed to the service after it is on disk; entries after it wait for that.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Answer(AppendEntriesReply):
    known: int | None = None


class Disk:
    def __init__(self, raft):
        self.raft = raft
        self.version = self.durable = 0
        self.term = raft.term  # on disk
        self.new_snapshot = None
        self.work = trio.Event()
        self.done = trio.Event()

    def touch(self):
        self.version += 1
        self.work.set()
        return self.version

    async def run(self):
        r = self.raft
        while True:
            await self.work.wait()
            self.work = trio.Event()
            await trio.sleep(r.node.random.uniform(0.002, 0.012))
            snapshot, self.new_snapshot = self.new_snapshot, None
            r.node.persister.save(PersistentState(r.term, r.vote, r.log, r.base, r.base_term), snapshot)
            self.durable, self.term = self.version, r.term
            self.done.set()
            self.done = trio.Event()
            r.written(r.last())

    async def reached(self, version):
        while self.durable < version:
            await self.done.wait()


class Link:
    def __init__(self, next_, peer):
        self.next, self.match, self.epoch, self.peer = next_, 0, 0, peer
        self.hold = 0.0
        self.installing = False


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        self.n = len(node.peers) + 1
        self.term, self.vote, self.log, self.base, self.base_term = 0, None, [], 0, 0
        s = node.persister.load()
        if s is not None:
            self.term, self.vote, self.log = s.current_term, s.voted_for, list(s.log)
            self.base, self.base_term = s.last_included_index, s.last_included_term
        self.snap = node.persister.snapshot()
        self.commit = self.applied = self.base
        self.own = self.last()  # the leader's own match_index: what its disk holds
        self.pending = None  # (version, ApplySnapshot)
        self.role = "follower"
        self.links = {}
        self.votes = set()
        self.poke = trio.Event()
        self.news = {p: trio.Event() for p in node.peers}
        self.disk = Disk(self)

    def last(self):
        return self.base + len(self.log)

    def term_at(self, i):
        assert self.base <= i <= self.last(), (self.base, i, self.last())
        return self.base_term if i == self.base else self.log[i - self.base - 1].term

    # -- tasks

    async def run(self):
        if self.base:
            self.apply_ch.send_nowait(ApplySnapshot(self.base, self.base_term, self.snap))
        async with trio.open_nursery() as self.tasks:
            self.tasks.start_soon(self.disk.run)
            self.tasks.start_soon(self.clock)
            for p in self.node.peers:
                self.tasks.start_soon(self.sender, p)

    async def clock(self):
        while True:
            self.poke = trio.Event()
            with trio.move_on_after(self.node.random.uniform(0.45, 0.95)):
                await self.poke.wait()
                continue
            if self.role != "leader":
                self.role = "candidate"
                self.term += 1
                self.vote, self.votes = self.node.me, set()
                self.tasks.start_soon(self.campaign, self.term, self.disk.touch())

    async def campaign(self, term, version):
        await self.disk.reached(version)
        if self.role != "candidate" or self.term != term:
            return
        self.ballot(self.node.me)
        if self.role == "candidate":
            a = RequestVoteArgs(term, self.node.me, self.last(), self.term_at(self.last()))
            for p in self.node.peers:
                self.tasks.start_soon(self.ask, p, a)

    async def ask(self, p, a):
        with trio.move_on_after(0.6):
            r = await self.node.call(p, a)
            if r is not None and not self.newer(r.term):
                if r.vote_granted and self.role == "candidate" and self.term == a.term:
                    self.ballot(p)

    def ballot(self, voter):
        self.votes.add(voter)
        if len(self.votes) * 2 > self.n:
            self.role = "leader"
            self.own = min(self.own, self.last())
            self.links = {p: Link(self.last() + 1, p) for p in self.node.peers}
            self.log.append(LogEntry(self.term, None))
            self.disk.touch()
            self.wake()

    def wake(self):
        for e in self.news.values():
            e.set()

    async def sender(self, p):
        while True:
            self.news[p] = trio.Event()
            if self.role == "leader":
                link = self.links[p]
                if link.hold > trio.current_time():
                    await trio.sleep(link.hold - trio.current_time())
                    continue
                self.send(p, link)
                with trio.move_on_after(0.11):
                    await self.news[p].wait()
            else:
                await self.news[p].wait()

    def send(self, p, link):
        prev = link.next - 1
        if prev < self.base and not link.installing:
            link.installing = True
            self.tasks.start_soon(
                self.install,
                p,
                link,
                InstallSnapshotArgs(self.term, self.node.me, self.base, self.base_term, self.snap),
            )
            return
        if prev < self.base:
            a = AppendEntriesArgs(self.term, self.node.me, self.base, self.base_term, [], self.commit)
        else:
            ents = self.log[prev - self.base :][:300]
            a = AppendEntriesArgs(self.term, self.node.me, prev, self.term_at(prev), ents, self.commit)
            link.next += len(ents)
        self.tasks.start_soon(self.append, p, link, a, link.epoch)

    async def append(self, p, link, a, epoch):
        r = None
        with trio.move_on_after(0.5):
            r = await self.node.call(p, a)
        if (r is not None and self.newer(r.term)) or self.role != "leader" or self.term != a.term:
            return
        if r is not None and r.success:
            self.matched(link, a.prev_log_index + len(a.entries))
        elif epoch == link.epoch and not link.installing:
            if r is None:
                if not a.entries:
                    return
                to = a.prev_log_index + 1
                link.hold = trio.current_time() + 0.03
            elif isinstance(r, Answer) and r.known is not None:
                to = r.known + 1
            else:
                to = (a.prev_log_index + 1) // 2
            to = max(link.match + 1, min(link.next, to))
            if to < link.next or r is not None:
                link.next = to
                link.epoch += 1
                self.news[p].set()

    async def install(self, p, link, a):
        r = None
        with trio.move_on_after(0.7):
            r = await self.node.call(p, a)
        link.installing = False
        if (r is not None and self.newer(r.term)) or self.role != "leader" or self.term != a.term:
            return
        if r is not None:
            link.epoch += 1
            link.next = max(link.match, a.last_included_index) + 1
            self.matched(link, a.last_included_index)
        else:
            link.hold = trio.current_time() + 0.05
        self.news[p].set()

    def matched(self, link, index):
        if index > link.match:
            link.match = index
            link.next = max(link.next, index + 1)
            self.count()
        if link.next <= self.last():
            self.news[link.peer].set()

    def written(self, last):
        """The disk holds everything up to here."""
        self.own = last
        if self.role == "leader":
            self.count()
        self.apply()

    def count(self):
        m = sorted([k.match for k in self.links.values()] + [self.own], reverse=True)[self.n // 2]
        if m > self.commit and self.term_at(m) == self.term:
            self.commit = m
            self.apply()
            self.wake()

    def apply(self):
        if self.pending:
            version, msg = self.pending
            if self.disk.durable < version:
                return
            self.pending = None
            self.apply_ch.send_nowait(msg)
            self.applied = msg.index
        while self.applied < self.commit:
            self.applied += 1
            self.apply_ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.base - 1].command))

    def newer(self, term):
        if term > self.term:
            if self.role == "leader":
                self.poke.set()  # a new follower waits a whole timeout
            self.term, self.vote, self.role = term, None, "follower"
            self.disk.touch()
            return True
        return False

    # -- called by the simulator

    def get_state(self):
        return self.disk.term, self.role == "leader" and self.term == self.disk.term

    def start(self, command):
        if self.role != "leader":
            return 0, self.disk.term, False
        self.log.append(LogEntry(self.term, command))
        self.disk.touch()
        self.wake()
        return self.last(), self.term, True

    async def settled(self, term):
        """Wait until the disk has what memory has now. True if it is still in that term then."""
        await self.disk.reached(self.disk.version)
        return self.disk.term == term

    async def request_vote(self, a):
        self.newer(a.term)
        term, ok = self.term, False
        if a.term == term and self.vote in (None, a.candidate_id):
            if (a.last_log_term, a.last_log_index) >= (self.term_at(self.last()), self.last()):
                ok = True
                if self.vote is None:
                    self.vote = a.candidate_id
                    self.disk.touch()
                self.poke.set()
        same = await self.settled(term)
        return RequestVoteReply(self.disk.term, ok and same)

    async def append_entries(self, a):
        self.newer(a.term)
        term, ok, known = self.term, False, None
        if a.term == term:
            self.role = "follower"
            self.poke.set()
            ok = self.take(a)
            known = self.commit
        same = await self.settled(term)
        return Answer(self.disk.term, ok and same, known=None if ok else known)

    def take(self, a):
        prev, ents = a.prev_log_index, a.entries
        if prev < self.base:
            ents, prev = ents[self.base - prev :], self.base
        elif prev > self.last() or self.term_at(prev) != a.prev_log_term:
            return False
        for i, e in enumerate(ents, prev + 1):
            if i <= self.last() and self.term_at(i) != e.term:
                assert i > self.commit
                del self.log[i - self.base - 1 :]
            if i > self.last():
                self.log += ents[i - prev - 1 :]
                self.disk.touch()
                break
        c = min(a.leader_commit, a.prev_log_index + len(a.entries))
        if c > self.commit:
            self.commit = c
            self.apply()
        return True

    async def install_snapshot(self, a):
        self.newer(a.term)
        term = self.term
        if a.term == term:
            self.role = "follower"
            self.poke.set()
            i, t = a.last_included_index, a.last_included_term
            if i > self.commit:
                if i <= self.last() and self.term_at(i) == t:
                    self.log = self.log[i - self.base :]
                else:
                    self.log = []
                self.base, self.base_term, self.commit = i, t, i
                self.snap = self.disk.new_snapshot = a.data
                self.pending = (self.disk.touch(), ApplySnapshot(i, t, a.data))
                self.applied = i
        await self.settled(term)
        return InstallSnapshotReply(self.disk.term)

    def snapshot(self, index, snapshot):
        if self.base < index <= self.applied:
            t = self.term_at(index)
            self.log = self.log[index - self.base :]
            self.base, self.base_term = index, t
            self.snap = self.disk.new_snapshot = snapshot
            self.disk.touch()

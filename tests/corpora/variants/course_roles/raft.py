"""A class for each role, whose tasks live in a cancel scope of its own; the log is a dict by index."""

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

BEAT = 0.11
ENTRIES_IN_BEATS = False  # Heartbeats carry what a peer lacks.


class Role:
    leads = False

    def __init__(self, r):
        self.r, self.scope = r, trio.CancelScope()

    async def body(self):
        await trio.sleep_forever()

    async def live(self):
        with self.scope:
            await self.body()

    def vote(self, a):
        r = self.r
        ok = (a.last_log_term, a.last_log_index) >= (r.term_at(r.last), r.last)
        if ok and r.voted in (None, a.candidate_id):
            r.voted = a.candidate_id
            r.save()
            r.become(Follower)  # A new follower has a new timer.
            return RequestVoteReply(r.term, True)
        return RequestVoteReply(r.term, False)

    def append(self, a):
        self.r.become(Follower)
        return self.r.role.append(a)

    def install(self, a):
        self.r.become(Follower)
        return self.r.role.install(a)


class Follower(Role):
    def __init__(self, r):
        super().__init__(r)
        self.heard()

    def heard(self):
        self.until = trio.current_time() + self.r.node.random.uniform(0.7, 1.5)

    async def body(self):
        while trio.current_time() < self.until:
            await trio.sleep_until(self.until)
        self.r.become(Candidate)

    def append(self, a):
        self.heard()
        r, prev = self.r, a.prev_log_index
        if prev > r.base:
            if prev > r.last:
                return AppendEntriesReply(r.term, False, 0, r.last + 1)
            mine = r.log[prev].term
            if mine != a.prev_log_term:
                i = prev
                while i - 1 > r.base and r.log[i - 1].term == mine:
                    i -= 1
                return AppendEntriesReply(r.term, False, mine, i)
        changed = False
        for i, e in enumerate(a.entries, prev + 1):
            if i <= r.base:
                continue
            if i in r.log:
                if r.log[i].term == e.term:
                    continue
                for j in range(i, r.last + 1):
                    del r.log[j]
                r.last = i - 1
            r.log[i] = e
            r.last = i
            changed = True
        if changed:
            r.save()
        r.commit_to(min(a.leader_commit, prev + len(a.entries)))
        return AppendEntriesReply(r.term, True)

    def install(self, a):
        self.heard()
        r = self.r
        if a.last_included_index > r.applied:
            r.take(a)
        return InstallSnapshotReply(r.term)


class Candidate(Role):
    def __init__(self, r):
        super().__init__(r)
        r.term += 1
        r.voted = r.node.me
        r.save()
        self.term, self.for_me = r.term, {r.node.me}
        self.until = trio.current_time() + r.node.random.uniform(0.7, 1.5)

    async def body(self):
        r = self.r
        if len(self.for_me) >= r.majority:
            return r.become(Leader)
        async with trio.open_nursery() as n:
            for p in r.node.peers:
                n.start_soon(self.ask, p)
            await trio.sleep_until(self.until)
            if r.role is self:
                r.become(Candidate)

    async def ask(self, p):
        r = self.r
        a = RequestVoteArgs(self.term, r.node.me, r.last, r.term_at(r.last))
        while True:
            t = trio.current_time()
            b = None
            with trio.move_on_after(0.28):
                b = await r.node.call(p, a)
            if b is None:
                await trio.sleep_until(t + 0.28)
                continue
            if r.role is not self:
                return
            if b.term > r.term:
                return r.adopt(b.term)
            if b.vote_granted:
                self.for_me.add(p)
                if len(self.for_me) >= r.majority:
                    r.become(Leader)
            return


class Leader(Role):
    leads = True

    def __init__(self, r):
        super().__init__(r)
        self.term = r.term
        self.next = dict.fromkeys(r.node.peers, r.last + 1)
        self.match = dict.fromkeys(r.node.peers, 0)
        self.bell = {p: trio.Event() for p in r.node.peers}
        self.sent = dict.fromkeys(r.node.peers, -1.0)
        self.told = dict.fromkeys(r.node.peers, 0)
        self.answer = {p: trio.Event() for p in r.node.peers}

    def ring(self):
        for e in self.bell.values():
            e.set()

    async def body(self):
        async with trio.open_nursery() as n:
            self.n = n
            n.start_soon(self.beats)
            for p in self.r.node.peers:
                n.start_soon(self.replicate, p)
            if not self.r.node.peers:
                self.count()
            await trio.sleep_forever()

    async def beats(self):
        while True:
            for p in self.r.node.peers:
                if self.sent[p] < trio.current_time() - 0.05 or self.sent[p] < 0:
                    self.n.start_soon(self.append_to, p, ENTRIES_IN_BEATS)
            await trio.sleep(BEAT)

    async def replicate(self, p):
        r = self.r
        while True:
            self.bell[p] = trio.Event()
            if self.next[p] <= r.last:
                self.answer[p] = trio.Event()
                self.n.start_soon(self.append_to, p, True)
                with trio.move_on_after(0.6 if self.next[p] <= r.base else 0.4):
                    await self.answer[p].wait()
            elif self.told[p] < r.commit and self.match[p]:
                self.n.start_soon(self.append_to, p, False)
                await trio.sleep(0.001)
            else:
                await self.bell[p].wait()

    async def append_to(self, p, with_entries):
        r = self.r
        if r.role is not self:
            return
        self.sent[p] = trio.current_time()
        if with_entries and self.next[p] <= r.base:
            a = InstallSnapshotArgs(self.term, r.node.me, r.base, r.base_term, r.snap)
            b = await r.node.call(p, a)
            if not self.fine(b):
                return
            self.match[p] = max(self.match[p], a.last_included_index)
            self.next[p] = max(self.next[p], a.last_included_index + 1)
            self.count()
        else:
            prev = max(self.next[p] - 1, r.base)
            es = [r.log[i] for i in range(prev + 1, r.last + 1)] if with_entries else []
            a = AppendEntriesArgs(self.term, r.node.me, prev, r.term_at(prev), es, r.commit)
            self.told[p] = r.commit
            b = await r.node.call(p, a)
            if not self.fine(b):
                return
            if b.success:
                m = prev + len(es)
                if m > self.match[p]:
                    self.match[p] = m
                self.next[p] = max(self.next[p], m + 1)
                self.count()
            elif prev > self.match[p] and prev < self.next[p]:
                self.back(p, prev, b)
        self.answer[p].set()
        self.bell[p].set()

    def back(self, p, prev, b):
        r, to = self.r, prev
        if b.conflict_index is not None:
            to = b.conflict_index
            if b.conflict_term:
                same = [i for i in range(max(r.base, 1), min(prev, r.last + 1)) if r.term_at(i) == b.conflict_term]
                if same:
                    to = same[-1] + 1
        self.next[p] = max(self.match[p] + 1, min(to, prev))
        if self.next[p] > r.last:
            self.n.start_soon(self.append_to, p, False)

    def fine(self, b):
        if b is None or self.r.role is not self:
            return False
        if b.term > self.r.term:
            self.r.adopt(b.term)
            return False
        return b.term == self.term

    def count(self):
        r = self.r
        n = sorted([r.last, *self.match.values()], reverse=True)[r.majority - 1]
        if n > r.commit and r.term_at(n) == self.term:
            r.commit_to(n)
            self.ring()


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.ch = node, apply_ch
        self.majority = (len(node.peers) + 1) // 2 + 1
        self.term, self.voted, self.log, self.last = 0, None, {}, 0
        self.base = self.base_term = 0
        self.snap = None
        s = node.persister.load()
        if s:
            self.term, self.voted, self.base, self.base_term = (
                s.current_term,
                s.voted_for,
                s.last_included_index,
                s.last_included_term,
            )
            self.log = dict(enumerate(s.log, self.base + 1))
            self.last = self.base + len(s.log)
            self.snap = node.persister.snapshot()
        self.commit = self.applied = self.base
        self.later = None
        self.nursery = None
        self.role = Follower(self)

    async def run(self):
        async with trio.open_nursery() as n:
            self.nursery = n
            if self.base:
                self.ch.send_nowait(ApplySnapshot(self.base, self.base_term, self.snap))
            self.role.heard()
            n.start_soon(self.role.live)
            n.start_soon(self.sweep)

    async def sweep(self):
        while True:
            await trio.sleep(0.3)
            if self.later and self.later[0] > self.base:
                i, d = self.later
                t = self.log[i].term
                for j in range(self.base + 1, i + 1):
                    del self.log[j]
                self.base, self.base_term, self.snap = i, t, d
                self.save(d)
            self.later = None

    def become(self, kind):
        old, self.role = self.role, kind(self)
        old.scope.cancel()
        if self.nursery:
            self.nursery.start_soon(self.role.live)

    def adopt(self, term):
        self.term, self.voted = term, None
        self.save()
        if isinstance(self.role, Follower):
            return
        self.become(Follower)

    def term_at(self, i):
        return self.base_term if i == self.base else self.log[i].term

    def save(self, d=None):
        self.node.persister.save(
            PersistentState(
                self.term,
                self.voted,
                [self.log[i] for i in range(self.base + 1, self.last + 1)],
                self.base,
                self.base_term,
            ),
            d,
        )

    def commit_to(self, n):
        self.commit = max(self.commit, n)
        while self.applied < self.commit:
            self.applied += 1
            self.ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied].command))

    def take(self, a):
        i = a.last_included_index
        if i in self.log and self.log[i].term == a.last_included_term:
            self.log = {j: e for j, e in self.log.items() if j > i}
        else:
            self.log, self.last = {}, i
        self.base, self.base_term, self.snap = i, a.last_included_term, a.data
        self.save(a.data)
        self.commit, self.applied = max(self.commit, i), i
        self.ch.send_nowait(ApplySnapshot(i, a.last_included_term, a.data))
        self.commit_to(self.commit)

    def get_state(self):
        return self.term, self.role.leads

    def start(self, command):
        if not self.role.leads:
            return 0, self.term, False
        self.last += 1
        self.log[self.last] = LogEntry(self.term, command)
        self.save()
        if not self.node.peers:
            self.role.count()
        self.role.ring()
        return self.last, self.term, True

    def snapshot(self, index, snapshot):
        if index > self.base:
            self.later = (index, snapshot)

    def request_vote(self, a):
        if a.term < self.term:
            return RequestVoteReply(self.term, False)
        if a.term > self.term:
            self.adopt(a.term)
        return self.role.vote(a)

    def append_entries(self, a):
        if a.term < self.term:
            return AppendEntriesReply(self.term, False)
        if a.term > self.term:
            self.adopt(a.term)
        return self.role.append(a)

    def install_snapshot(self, a):
        if a.term < self.term:
            return InstallSnapshotReply(self.term)
        if a.term > self.term:
            self.adopt(a.term)
        return self.role.install(a)

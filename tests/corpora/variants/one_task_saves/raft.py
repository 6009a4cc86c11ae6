"""A server with one task that saves all that has changed together, which takes 20 ms; handlers wait for it, a window of
requests is on its way to each peer, and a snapshot and the entries after it are sent side by side.

Memory is ahead of the disk by that time. Nothing leaves this server before the disk has what it promises.
"""

from __future__ import annotations

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

FSYNC = 0.02
BEAT = 0.12
LOST = 0.4
WINDOW = 4
BATCH = 256
SNAP_WAIT = 0.6


class Disk:
    """One task writes; all that has changed until it writes goes to the disk together."""

    def __init__(self, raft):
        self.raft = raft
        self.changed = 0  # the newest change in memory
        self.saved = 0  # the newest change on the disk
        self.work = trio.Event()
        self.done = trio.Event()
        self.snap = None
        self.term = raft.term
        self.last = raft.last()

    def touch(self, snap=None):
        self.changed += 1
        if snap is not None:
            self.snap = snap
        self.work.set()
        return self.changed

    async def writer(self):
        while True:
            await self.work.wait()
            await trio.sleep(FSYNC)
            self.work = trio.Event()
            r, number, snap = self.raft, self.changed, self.snap
            self.snap = None
            r.node.persister.save(PersistentState(r.term, r.vote, r.log, r.base, r.base_term), snap)
            self.saved, self.term, self.last = number, r.term, r.last()
            done, self.done = self.done, trio.Event()
            done.set()
            r.on_saved()

    async def sync(self):
        """Wait until all that is in memory now, and what is in memory then, is on the disk."""
        while self.saved < self.changed:
            await self.done.wait()


class Peer:
    def __init__(self, next_):
        self.match, self.next = 0, next_
        self.probe = True
        self.out = 0
        self.epoch = 0
        self.epoch_wait = -1
        self.beat = 0.0
        self.snap_until = 0.0
        self.snap_index = 0
        self.told = 0
        self.bell = trio.Event()


class Leadership:
    def __init__(self, r):
        self.term = r.term
        self.peers = {p: Peer(r.last() + 1) for p in r.node.peers}


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.ch = node, apply_ch
        st = node.persister.load() or PersistentState(0, None, [])
        self.term, self.vote, self.log = st.current_term, st.voted_for, list(st.log)
        self.base, self.base_term = st.last_included_index, st.last_included_term
        self.snap = node.persister.snapshot() if self.base else None
        self.commit = self.applied = self.base
        self.role = "follower"
        self.lead = None
        self.votes = set()
        self.deadline = 0.0
        self.nursery = None
        self.disk = Disk(self)

    # log
    def last(self):
        return self.base + len(self.log)

    def term_at(self, i):
        if i == self.base:
            return self.base_term
        assert i > self.base
        return self.log[i - self.base - 1].term

    # roles
    def arm(self):
        self.deadline = trio.current_time() + self.node.random.uniform(0.45, 0.95)

    def adopt(self, term):
        if term > self.term:
            if self.role == "leader":
                self.arm()
            self.term, self.vote = term, None
            self.follow()
            self.disk.touch()

    def follow(self):
        self.role, self.lead = "follower", None

    async def run(self):
        if self.snap is not None:
            self.ch.send_nowait(ApplySnapshot(self.base, self.base_term, self.snap))
        self.arm()
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.disk.writer)
            while True:
                left = self.deadline - trio.current_time()
                if left > 0:
                    await trio.sleep(left)
                elif self.role == "leader":
                    await trio.sleep(0.4)
                else:
                    self.arm()
                    self.stand()

    def stand(self):
        self.term += 1
        self.vote, self.role, self.votes = self.node.me, "candidate", {self.node.me}
        self.disk.touch()
        self.nursery.start_soon(self.election, self.term)

    async def election(self, term):
        await self.disk.sync()
        if self.term != term or self.role != "candidate":
            return
        self.count(term)
        for p in self.node.peers:
            self.nursery.start_soon(
                self.ask, p, RequestVoteArgs(term, self.node.me, self.last(), self.term_at(self.last()))
            )

    async def ask(self, p, args):
        r = await self.node.call(p, args)
        if r is None:
            return
        self.adopt(r.term)
        if r.vote_granted and self.role == "candidate" and self.term == args.term == r.term:
            self.votes.add(p)
            self.count(args.term)

    def majority(self):
        return (len(self.node.peers) + 1) // 2 + 1

    def count(self, term):
        if len(self.votes) >= self.majority():
            self.role = "leader"
            self.lead = Leadership(self)
            for p in self.node.peers:
                self.nursery.start_soon(self.pump, self.lead, p)

    # sending
    def ring(self):
        if self.lead is not None:
            for pr in self.lead.peers.values():
                pr.bell.set()

    async def pump(self, lead, p):
        pr = lead.peers[p]
        while self.lead is lead:
            pr.bell = trio.Event()
            self.push(lead, p, pr)
            with trio.move_on_after(max(0.002, pr.beat - trio.current_time())):
                await pr.bell.wait()

    def push(self, lead, p, pr):
        now = trio.current_time()
        due = now >= pr.beat
        if pr.next <= self.base:
            if now >= pr.snap_until or (pr.snap_index < self.base and pr.match >= pr.snap_index):
                pr.snap_until, pr.snap_index = now + SNAP_WAIT, self.base
                self.nursery.start_soon(
                    self.call_snapshot,
                    lead,
                    p,
                    pr,
                    InstallSnapshotArgs(lead.term, self.node.me, self.base, self.base_term, self.snap),
                )
            pr.next, pr.probe = self.base + 1, True
            pr.epoch, pr.out = pr.epoch + 1, 0
        sent = False
        while pr.out < (1 if pr.probe else WINDOW) and pr.next <= self.last():
            if (
                now < pr.snap_until
                and pr.probe
                and not due
                and sent is False
                and pr.beat > now
                and pr.match < self.base
                and pr.epoch_wait == pr.epoch
            ):
                break
            prev = pr.next - 1
            entries = self.log[prev - self.base : prev - self.base + BATCH]
            self.send(lead, p, pr, prev, entries, True)
            pr.next += len(entries)
            sent = True
        if not sent and (due or (self.commit > pr.told and pr.match == self.last())):
            if pr.probe and pr.out == 0 and pr.next - 1 >= self.base:
                self.send(lead, p, pr, pr.next - 1, [], True)
            else:
                prev = pr.match if pr.match >= self.base else 0
                self.send(lead, p, pr, prev, [], False)

    def send(self, lead, p, pr, prev, entries, counted):
        pr.beat = trio.current_time() + BEAT
        last = prev + len(entries)
        commit = self.commit if prev else min(self.commit, max(pr.match, last))
        pr.told = commit
        args = AppendEntriesArgs(lead.term, self.node.me, prev, self.term_at(prev) if prev else 0, entries, commit)
        if counted:
            pr.out += 1
        self.nursery.start_soon(self.call_append, lead, p, pr, args, pr.epoch, counted)

    async def call_append(self, lead, p, pr, args, epoch, counted):
        box = []
        answered = trio.Event()

        async def call():
            box.append(await self.node.call(p, args))
            answered.set()
            self.on_append(lead, p, pr, args, box[0], epoch, counted)

        self.nursery.start_soon(call)
        with trio.move_on_after(LOST):
            await answered.wait()
        if not box and counted and self.lead is lead and pr.epoch == epoch:
            self.back(pr, pr.match + 1 if args.entries else pr.next)

    def back(self, pr, to):
        pr.next = max(to, pr.match + 1)
        pr.probe, pr.out = True, 0
        pr.epoch += 1
        pr.bell.set()

    def on_append(self, lead, p, pr, args, r, epoch, counted):
        if r is not None:
            self.adopt(r.term)
        if self.lead is not lead:
            return
        if r is None:
            if counted and epoch == pr.epoch:
                if args.entries:
                    self.back(pr, pr.match + 1 if not pr.probe else args.prev_log_index + 1)
                else:
                    pr.out = max(0, pr.out - 1)
            return
        last = args.prev_log_index + len(args.entries)
        if r.success:
            if counted and epoch == pr.epoch:
                pr.out = max(0, pr.out - 1)
                pr.probe = False
            pr.match = max(pr.match, last)
            pr.next = max(pr.next, pr.match + 1)
            self.advance()
            pr.bell.set()
            return
        if args.prev_log_index <= pr.match or r.term < lead.term:
            return
        if trio.current_time() < pr.snap_until and pr.match < pr.snap_index:
            if epoch == pr.epoch:  # the snapshot is on its way: try the same at the next beat
                pr.next, pr.probe, pr.out, pr.epoch = pr.snap_index + 1, True, 0, pr.epoch + 1
                pr.epoch_wait = pr.epoch
            return
        hint = r.conflict_index if r.conflict_index is not None else args.prev_log_index
        if r.conflict_term is not None:
            i = min(args.prev_log_index, self.last())
            while i > self.base and self.term_at(i) > r.conflict_term:
                i -= 1
            if i > self.base and self.term_at(i) == r.conflict_term:
                hint = i + 1
        hint = max(1, min(hint, args.prev_log_index))
        if epoch == pr.epoch or (pr.probe and hint < pr.next):
            self.back(pr, hint)

    async def call_snapshot(self, lead, p, pr, args):
        r = await self.node.call(p, args)
        if r is not None:
            self.adopt(r.term)
        if self.lead is not lead:
            return
        if r is None:
            if pr.snap_index == args.last_included_index and pr.match < pr.snap_index:
                pr.snap_until = 0.0
                self.back(pr, pr.match + 1)
            return
        pr.match = max(pr.match, args.last_included_index)
        if pr.match >= pr.snap_index:
            pr.snap_until = 0.0
        pr.next = max(pr.next, pr.match + 1)
        if pr.probe:
            pr.out, pr.epoch = 0, pr.epoch + 1
        self.advance()
        pr.bell.set()

    # committing
    def on_saved(self):
        self.advance()

    def advance(self):
        if self.role != "leader":
            return
        own = self.disk.last if self.disk.term == self.term else 0
        ms = sorted([min(own, self.last())] + [pr.match for pr in self.lead.peers.values()], reverse=True)
        n = ms[self.majority() - 1]
        if n > self.commit and self.term_at(n) == self.term:
            self.commit = n
            self.apply()
            self.ring()

    def apply(self):
        while self.applied < self.commit:
            self.applied += 1
            self.ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.base - 1].command))

    # handlers
    async def request_vote(self, a):
        self.adopt(a.term)
        if (
            a.term == self.term
            and self.vote in (None, a.candidate_id)
            and (a.last_log_term, a.last_log_index) >= (self.term_at(self.last()), self.last())
        ):
            if self.vote is None:
                self.vote = a.candidate_id
                self.disk.touch()
            self.arm()
        mine = self.term == a.term and self.vote == a.candidate_id
        await self.disk.sync()
        return RequestVoteReply(self.term, mine and self.term == a.term and self.vote == a.candidate_id)

    async def append_entries(self, a):
        self.adopt(a.term)
        if a.term < self.term:
            await self.disk.sync()
            return AppendEntriesReply(self.term, False)
        if self.role != "follower":
            self.follow()
        self.arm()
        ok, ct, ci, last = self.take(a)
        await self.disk.sync()
        if self.term != a.term:
            return AppendEntriesReply(self.term, False)
        if ok:
            self.commit = max(self.commit, min(a.leader_commit, last))
            self.apply()
        return AppendEntriesReply(self.term, ok, ct, ci)

    def take(self, a):
        prev, entries = a.prev_log_index, a.entries
        last = prev + len(entries)
        if prev < self.base:
            if last <= self.base:
                return True, None, None, last
            entries, prev = entries[self.base - prev :], self.base
        elif prev > self.last():
            return False, None, self.last() + 1, 0
        elif self.term_at(prev) != a.prev_log_term:
            t, i = self.term_at(prev), prev
            while i - 1 > self.base and self.term_at(i - 1) == t:
                i -= 1
            return False, t, i, 0
        for k, e in enumerate(entries):
            i = prev + 1 + k
            if i > self.last() or self.term_at(i) != e.term:
                self.log = self.log[: i - self.base - 1] + list(entries[k:])
                self.disk.touch()
                break
        return True, None, None, last

    async def install_snapshot(self, a):
        self.adopt(a.term)
        if a.term == self.term:
            if self.role != "follower":
                self.follow()
            self.arm()
            n = a.last_included_index
            if n > self.commit:
                if n <= self.last() and self.term_at(n) == a.last_included_term:
                    self.log = self.log[n - self.base :]
                else:
                    self.log = []
                self.base, self.base_term, self.snap = n, a.last_included_term, a.data
                self.commit = self.applied = n
                self.disk.touch(a.data)
                self.ch.send_nowait(ApplySnapshot(n, a.last_included_term, a.data))
        await self.disk.sync()
        return InstallSnapshotReply(self.term)

    # clients
    def get_state(self):
        return self.disk.term, self.role == "leader" and self.disk.term == self.term

    def start(self, command):
        if self.role != "leader":
            return 0, self.disk.term, False
        self.log = [*self.log, LogEntry(self.term, command)]
        self.disk.touch()
        self.ring()
        return self.last(), self.term, True

    def snapshot(self, index, data):
        if self.base < index <= self.applied:
            t = self.term_at(index)
            self.log = self.log[index - self.base :]
            self.base, self.base_term, self.snap = index, t, data
            self.disk.touch(data)

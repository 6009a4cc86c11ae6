"""In the style of a well-known course: a lock held across saves, a ticker, a task for each call, and a condition."""

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
class Reply(AppendEntriesReply):
    XTerm: int = -1
    XIndex: int = -1
    XLen: int = -1


TICK = 0.015
HEARTBEAT = 0.12
DISK = 0.0006  # How long a save keeps the lock.
BATCHED = False  # New entries and commits wait for the tick; else each is news for all peers at once.


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.applyCh, self.me = node, apply_ch, node.me
        self.mu = trio.Lock()
        self.cond = trio.Condition()
        self.currentTerm, self.votedFor = 0, None
        self.log = [LogEntry(0, None)]  # log[0] is a dummy; its term is that of the last included entry.
        self.lastIncluded = 0
        self.state = "follower"
        self.snapData = None
        self.readPersist()
        self.commitIndex = self.lastApplied = self.lastIncluded
        self.waitingSnapshot = (self.lastIncluded, self.log[0].term, self.snapData) if self.lastIncluded else None
        self.nextIndex, self.matchIndex, self.snapSent = {}, {}, {}
        self.votes = 0
        self.lastHeartbeat = 0.0
        self.kicked = False
        self.kick = trio.Event()
        self.resetTimer()

    # What is saved.
    def readPersist(self):
        s = self.node.persister.load()
        if s is None:
            return
        self.currentTerm, self.votedFor = s.current_term, s.voted_for
        self.lastIncluded = s.last_included_index
        self.log = [LogEntry(s.last_included_term, None), *s.log]
        self.snapData = self.node.persister.snapshot()

    def persist(self, snap=None):
        self.node.persister.save(
            PersistentState(self.currentTerm, self.votedFor, self.log[1:], self.lastIncluded, self.log[0].term), snap
        )

    async def slowPersist(self, snap=None):
        self.persist(snap)
        await trio.sleep(DISK)
        self.persist()

    # The log, the timer, and terms.
    def lastIndex(self):
        return self.lastIncluded + len(self.log) - 1

    def at(self, i):
        return self.log[i - self.lastIncluded]

    def resetTimer(self):
        self.deadline = trio.current_time() + self.node.random.uniform(0.55, 1.1)

    def toFollower(self, term):
        self.state = "follower"
        if term > self.currentTerm:
            self.currentTerm, self.votedFor = term, None
        self.persist()

    # What the lab calls, and the tasks.
    def get_state(self):
        return self.currentTerm, self.state == "leader"

    def start(self, command):
        if self.state != "leader":
            return -1, self.currentTerm, False
        self.log.append(LogEntry(self.currentTerm, command))
        self.persist()
        self.kick.set()
        self.advanceCommit()
        return self.lastIndex(), self.currentTerm, True

    def snapshot(self, index, snapshot):
        if index <= self.lastIncluded:
            return
        t = self.at(index).term
        self.log = [LogEntry(t, None), *self.log[index - self.lastIncluded + 1 :]]
        self.lastIncluded, self.snapData = index, snapshot
        self.persist(snapshot)

    async def run(self):
        async with trio.open_nursery() as n:
            self.go = n.start_soon
            self.go(self.ticker)
            self.go(self.applier)
            self.go(self.broadcaster)

    async def ticker(self):
        while True:
            await trio.sleep(TICK)
            async with self.mu:
                now = trio.current_time()
                if self.state == "leader":
                    if now - self.lastHeartbeat >= HEARTBEAT or (BATCHED and self.kicked):
                        self.broadcast(now - self.lastHeartbeat >= HEARTBEAT)
                elif now >= self.deadline:
                    await self.campaign()

    async def broadcaster(self):
        while True:
            await self.kick.wait()
            self.kick = trio.Event()
            if BATCHED:
                self.kicked = True
                continue
            async with self.mu:
                if self.state == "leader":
                    self.broadcast()

    async def campaign(self):
        self.state = "candidate"
        self.currentTerm += 1
        self.votedFor = self.me
        self.votes = 1
        self.resetTimer()
        await self.slowPersist()
        if self.state != "candidate":
            return
        if not self.node.peers:
            return self.becomeLeader()
        args = RequestVoteArgs(self.currentTerm, self.me, self.lastIndex(), self.log[-1].term)
        for p in self.node.peers:
            self.go(self.sendRequestVote, p, args)

    async def sendRequestVote(self, p, args):
        reply = await self.node.call(p, args)
        if reply is None:
            return
        async with self.mu:
            if reply.term > self.currentTerm:
                self.toFollower(reply.term)
                await self.slowPersist()
                return
            if self.state != "candidate" or self.currentTerm != args.term or not reply.vote_granted:
                return
            self.votes += 1
            if self.votes == (len(self.node.peers) + 1) // 2 + 1:
                self.becomeLeader()

    def becomeLeader(self):
        self.state = "leader"
        self.nextIndex = {p: self.lastIndex() + 1 for p in self.node.peers}
        self.matchIndex = dict.fromkeys(self.node.peers, 0)
        self.snapSent = dict.fromkeys(self.node.peers, -10)
        self.broadcast(True)

    def broadcast(self, tick=False):
        self.kicked = False
        tick = tick or not BATCHED
        if tick:
            self.lastHeartbeat = trio.current_time()
        for p in self.node.peers:
            self.sendTo(p, tick)

    def sendTo(self, p, tick=True):
        nxt = self.nextIndex[p]
        if nxt <= self.lastIncluded:
            if trio.current_time() - self.snapSent[p] > 0.5:
                self.snapSent[p] = trio.current_time()
                self.go(
                    self.sendInstall,
                    p,
                    InstallSnapshotArgs(self.currentTerm, self.me, self.lastIncluded, self.log[0].term, self.snapData),
                )
                return
            if not tick:
                return
            nxt = self.lastIndex() + 1  # A heartbeat beside the snapshot.
        prev = nxt - 1
        args = AppendEntriesArgs(
            self.currentTerm, self.me, prev, self.at(prev).term, self.log[nxt - self.lastIncluded :], self.commitIndex
        )
        self.go(self.sendAppend, p, args)

    async def sendAppend(self, p, args):
        reply = await self.node.call(p, args)
        if reply is None:
            return
        async with self.mu:
            if reply.term > self.currentTerm:
                self.toFollower(reply.term)
                self.resetTimer()
                await self.slowPersist()
                return
            if self.state != "leader" or self.currentTerm != args.term or reply.term != args.term:
                return
            if reply.success:
                m = args.prev_log_index + len(args.entries)
                if m > self.matchIndex[p]:
                    self.matchIndex[p] = m
                    self.nextIndex[p] = max(self.nextIndex[p], m + 1)
                    self.advanceCommit()
                return
            if args.prev_log_index != self.nextIndex[p] - 1 or args.prev_log_index <= self.matchIndex[p]:
                return
            nxt = args.prev_log_index
            xt = getattr(reply, "XTerm", -1)
            if xt >= 0:
                i = min(args.prev_log_index, self.lastIndex())
                while i > self.lastIncluded and self.at(i).term > xt:
                    i -= 1
                nxt = i + 1 if i > self.lastIncluded and self.at(i).term == xt else reply.XIndex
            elif getattr(reply, "XLen", -1) >= 0:
                nxt = reply.XLen + 1
            self.nextIndex[p] = max(self.matchIndex[p] + 1, min(nxt, args.prev_log_index))
            self.sendTo(p)

    async def sendInstall(self, p, args):
        reply = await self.node.call(p, args)
        if reply is None:
            return
        async with self.mu:
            if reply.term > self.currentTerm:
                self.toFollower(reply.term)
                self.resetTimer()
                await self.slowPersist()
                return
            if self.state != "leader" or self.currentTerm != args.term or reply.term != args.term:
                return
            self.matchIndex[p] = max(self.matchIndex[p], args.last_included_index)
            self.nextIndex[p] = max(self.nextIndex[p], self.matchIndex[p] + 1)
            self.snapSent[p] = -10
            self.advanceCommit()
            self.sendTo(p)

    def advanceCommit(self):
        for n in range(self.lastIndex(), self.commitIndex, -1):
            if self.at(n).term != self.currentTerm:
                break
            if 2 * (1 + sum(m >= n for m in self.matchIndex.values() if self.node.peers)) > len(self.node.peers) + 1:
                self.commitIndex = n
                self.go(self.signal)
                self.kick.set()
                break

    async def signal(self):
        async with self.cond:
            self.cond.notify_all()

    # Handlers.
    async def request_vote(self, args):
        async with self.mu:
            if args.term < self.currentTerm:
                return RequestVoteReply(self.currentTerm, False)
            if args.term > self.currentTerm:
                self.toFollower(args.term)
            ok = (args.last_log_term, args.last_log_index) >= (self.log[-1].term, self.lastIndex())
            if self.votedFor in (None, args.candidate_id) and ok and self.state == "follower":
                self.votedFor = args.candidate_id
                self.resetTimer()
                await self.slowPersist()
                return RequestVoteReply(self.currentTerm, True)
            self.persist()
            return RequestVoteReply(self.currentTerm, False)

    async def append_entries(self, args):
        async with self.mu:
            if args.term < self.currentTerm:
                return Reply(self.currentTerm, False)
            if args.term > self.currentTerm or self.state != "follower":
                self.toFollower(args.term)
            self.resetTimer()
            prev, entries = args.prev_log_index, args.entries
            if prev < self.lastIncluded:
                k = self.lastIncluded - prev
                if len(entries) <= k:
                    return Reply(self.currentTerm, True)
                prev, entries = self.lastIncluded, entries[k:]
            elif prev > self.lastIndex():
                return Reply(self.currentTerm, False, XLen=self.lastIndex())
            elif self.at(prev).term != args.prev_log_term:
                x = self.at(prev).term
                i = prev
                while i - 1 > self.lastIncluded and self.at(i - 1).term == x:
                    i -= 1
                return Reply(self.currentTerm, False, None, None, x, i, self.lastIndex())
            for k, e in enumerate(entries):
                i = prev + 1 + k
                if i > self.lastIndex() or self.at(i).term != e.term:
                    self.log = self.log[: i - self.lastIncluded] + entries[k:]
                    await self.slowPersist()
                    break
            # A snapshot may have been taken during the save: only numbers of before count now.
            c = min(args.leader_commit, prev + len(entries))
            if c > self.commitIndex:
                self.commitIndex = c
                self.go(self.signal)
            self.resetTimer()
            return Reply(self.currentTerm, True)

    async def install_snapshot(self, args):
        async with self.mu:
            if args.term < self.currentTerm:
                return InstallSnapshotReply(self.currentTerm)
            if args.term > self.currentTerm or self.state != "follower":
                self.toFollower(args.term)
            self.resetTimer()
            i = args.last_included_index
            if i <= self.commitIndex:
                return InstallSnapshotReply(self.currentTerm)
            if i <= self.lastIndex() and self.at(i).term == args.last_included_term:
                self.log = [LogEntry(args.last_included_term, None), *self.log[i - self.lastIncluded + 1 :]]
            else:
                self.log = [LogEntry(args.last_included_term, None)]
            self.lastIncluded, self.snapData = i, args.data
            self.commitIndex = i
            self.waitingSnapshot = (i, args.last_included_term, args.data)
            await self.slowPersist(args.data)
            self.go(self.signal)
            return InstallSnapshotReply(self.currentTerm)

    async def applier(self):
        while True:
            async with self.cond:
                while not self.waitingSnapshot and self.lastApplied >= self.commitIndex:
                    await self.cond.wait()
            # There is no lock from here on, so what is sent is copied first.
            if self.waitingSnapshot:
                i, t, d = self.waitingSnapshot
                self.waitingSnapshot = None
                if i >= self.lastApplied:
                    self.lastApplied = i
                    await self.applyCh.send(ApplySnapshot(i, t, d))
                continue
            msgs = [ApplyCommand(i, self.at(i).command) for i in range(self.lastApplied + 1, self.commitIndex + 1)]
            for m in msgs:
                self.lastApplied = m.index
                await self.applyCh.send(m)

"""A server as students bring it from Go: one lock, tickers that poll, a dummy entry at index 0, and no fast back-up.

Handlers are coroutines, for they wait for the lock. Entries leave with the next heartbeat and not before. A condition
wakes the task that applies.
"""

import time
from random import randint

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

FOLLOWER, CANDIDATE, LEADER = range(3)
TICK = 0.02
HEARTBEAT = 0.1


def nextTimeout():
    return randint(300, 600) / 1000


class Raft:
    def __init__(self, node, apply_ch):
        self.node = node
        self.me = node.me
        self.applyCh = apply_ch
        self.mu = trio.Lock()
        self.applyCond = trio.Condition(self.mu)
        self.state = FOLLOWER
        self.currentTerm = 0
        self.votedFor = -1
        self.log = [LogEntry(0, None)]  # log[0] stands for what the snapshot ends with
        self.baseIndex = 0
        self.commitIndex = 0
        self.lastApplied = 0
        self.nextIndex = {}
        self.matchIndex = {}
        self.snapshotToApply = None
        self.lastHeard = time.time()
        self.timeout = nextTimeout()
        self.readPersist()

    def readPersist(self):
        state = self.node.persister.load()
        if state is None:
            return
        self.currentTerm = state.current_term
        self.votedFor = -1 if state.voted_for is None else state.voted_for
        self.baseIndex = state.last_included_index
        self.log = [LogEntry(state.last_included_term, None), *state.log]
        self.commitIndex = self.lastApplied = self.baseIndex
        data = self.node.persister.snapshot()
        if data is not None:
            self.snapshotToApply = ApplySnapshot(self.baseIndex, self.log[0].term, data)

    def persist(self, snapshot=None):
        votedFor = None if self.votedFor == -1 else self.votedFor
        state = PersistentState(self.currentTerm, votedFor, self.log[1:], self.baseIndex, self.log[0].term)
        self.node.persister.save(state, snapshot)

    async def run(self):
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.applier)
            self.nursery.start_soon(self.heartbeatTicker)
            await self.electionTicker()

    # helpers, called with the lock held or between two awaits

    def lastIndex(self):
        return self.baseIndex + len(self.log) - 1

    def entry(self, index):
        return self.log[index - self.baseIndex]

    def becomeFollower(self, term):
        self.state = FOLLOWER
        if term > self.currentTerm:
            self.currentTerm = term
            self.votedFor = -1
            self.persist()

    def resetTimer(self):
        self.lastHeard = time.time()
        self.timeout = nextTimeout()

    # RPC handlers

    async def request_vote(self, args):
        async with self.mu:
            if args.term < self.currentTerm:
                return RequestVoteReply(self.currentTerm, False)
            if args.term > self.currentTerm:
                self.becomeFollower(args.term)
            mine = (self.log[-1].term, self.lastIndex())
            upToDate = (args.last_log_term, args.last_log_index) >= mine
            if self.votedFor in (-1, args.candidate_id) and upToDate:
                self.votedFor = args.candidate_id
                self.resetTimer()
                self.persist()
                return RequestVoteReply(self.currentTerm, True)
            return RequestVoteReply(self.currentTerm, False)

    async def append_entries(self, args):
        async with self.mu:
            if args.term < self.currentTerm:
                return AppendEntriesReply(self.currentTerm, False)
            self.becomeFollower(args.term)
            self.resetTimer()
            prev, entries = args.prev_log_index, args.entries
            if prev < self.baseIndex:
                # What the snapshot covers is the same everywhere.
                entries = entries[self.baseIndex - prev :]
                prev = self.baseIndex
                if args.prev_log_index + len(args.entries) < prev:
                    return AppendEntriesReply(self.currentTerm, True)
            elif prev > self.lastIndex() or self.entry(prev).term != args.prev_log_term:
                return AppendEntriesReply(self.currentTerm, False)
            for i, entry in enumerate(entries):
                index = prev + 1 + i
                if index > self.lastIndex() or self.entry(index).term != entry.term:
                    self.log = self.log[: index - self.baseIndex] + entries[i:]
                    self.persist()
                    break
            lastNew = args.prev_log_index + len(args.entries)
            if min(args.leader_commit, lastNew) > self.commitIndex:
                self.commitIndex = min(args.leader_commit, lastNew)
                self.applyCond.notify_all()
            return AppendEntriesReply(self.currentTerm, True)

    async def install_snapshot(self, args):
        async with self.mu:
            if args.term < self.currentTerm:
                return InstallSnapshotReply(self.currentTerm)
            self.becomeFollower(args.term)
            self.resetTimer()
            if args.last_included_index <= self.commitIndex:
                return InstallSnapshotReply(self.currentTerm)
            index = args.last_included_index
            if index <= self.lastIndex() and self.entry(index).term == args.last_included_term:
                rest = self.log[index - self.baseIndex + 1 :]
            else:
                rest = []
            self.log = [LogEntry(args.last_included_term, None), *rest]
            self.baseIndex = self.commitIndex = index
            self.persist(args.data)
            self.snapshotToApply = ApplySnapshot(index, args.last_included_term, args.data)
            self.applyCond.notify_all()
            return InstallSnapshotReply(self.currentTerm)

    # the service's side

    def start(self, command):
        if self.state != LEADER:
            return -1, self.currentTerm, False
        self.log.append(LogEntry(self.currentTerm, command))
        self.persist()
        return self.lastIndex(), self.currentTerm, True

    def get_state(self):
        return self.currentTerm, self.state == LEADER

    def snapshot(self, index, snapshot):
        if index <= self.baseIndex or index > self.lastApplied:
            return
        self.log = self.log[index - self.baseIndex :]
        self.log[0] = LogEntry(self.log[0].term, None)
        self.baseIndex = index
        self.persist(snapshot)

    async def applier(self):
        while True:
            async with self.mu:
                while self.snapshotToApply is None and self.lastApplied >= self.commitIndex:
                    await self.applyCond.wait()
                messages = []
                if self.snapshotToApply is not None:
                    messages.append(self.snapshotToApply)
                    self.lastApplied = max(self.lastApplied, self.snapshotToApply.index)
                    self.snapshotToApply = None
                while self.lastApplied < self.commitIndex:
                    self.lastApplied += 1
                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))
            for message in messages:
                await self.applyCh.send(message)

    # elections

    async def electionTicker(self):
        while True:
            await trio.sleep(TICK)
            async with self.mu:
                if self.state != LEADER and time.time() - self.lastHeard >= self.timeout:
                    self.startElection()

    def startElection(self):
        self.state = CANDIDATE
        self.currentTerm += 1
        self.votedFor = self.me
        self.persist()
        self.resetTimer()
        votes = {self.me}
        args = RequestVoteArgs(self.currentTerm, self.me, self.lastIndex(), self.log[-1].term)
        for peer in self.node.peers:
            self.nursery.start_soon(self.askForVote, peer, args, votes)
        self.countVotes(votes)

    async def askForVote(self, peer, args, votes):
        reply = await self.node.call(peer, args)
        if reply is None:
            return
        async with self.mu:
            if reply.term > self.currentTerm:
                self.becomeFollower(reply.term)
                return
            if self.state != CANDIDATE or self.currentTerm != args.term:
                return
            if reply.vote_granted:
                votes.add(peer)
                self.countVotes(votes)

    def countVotes(self, votes):
        if len(votes) * 2 > len(self.node.peers) + 1:
            self.state = LEADER
            for peer in self.node.peers:
                self.nextIndex[peer] = self.lastIndex() + 1
                self.matchIndex[peer] = 0
            self.broadcast()

    # replication

    async def heartbeatTicker(self):
        while True:
            await trio.sleep(HEARTBEAT)
            async with self.mu:
                if self.state == LEADER:
                    self.advanceCommit()
                    self.broadcast()

    def broadcast(self):
        for peer in self.node.peers:
            self.nursery.start_soon(self.replicate, peer, self.currentTerm)

    async def replicate(self, peer, term):
        async with self.mu:
            if self.state != LEADER or self.currentTerm != term:
                return
            args: AppendEntriesArgs | InstallSnapshotArgs
            if self.nextIndex[peer] <= self.baseIndex:
                args = InstallSnapshotArgs(
                    term, self.me, self.baseIndex, self.log[0].term, self.node.persister.snapshot()
                )
            else:
                prev = self.nextIndex[peer] - 1
                entries = self.log[prev + 1 - self.baseIndex :]
                args = AppendEntriesArgs(term, self.me, prev, self.entry(prev).term, entries, self.commitIndex)
        reply = await self.node.call(peer, args)
        if reply is None:
            return
        async with self.mu:
            if reply.term > self.currentTerm:
                self.becomeFollower(reply.term)
                return
            if self.state != LEADER or self.currentTerm != term:
                return
            self.takeReply(peer, args, reply)

    def takeReply(self, peer, args, reply):
        if isinstance(args, InstallSnapshotArgs):
            match = args.last_included_index
        elif reply.success:
            match = args.prev_log_index + len(args.entries)
        else:
            if self.nextIndex[peer] == args.prev_log_index + 1 and args.prev_log_index > self.matchIndex[peer]:
                self.nextIndex[peer] -= 1
                self.nursery.start_soon(self.replicate, peer, args.term)
            return
        if match > self.matchIndex[peer]:
            self.matchIndex[peer] = match
            self.nextIndex[peer] = match + 1
        self.advanceCommit()

    def advanceCommit(self):
        for n in range(self.lastIndex(), max(self.commitIndex, self.baseIndex), -1):
            if self.entry(n).term != self.currentTerm:
                break
            count = 1 + sum(match >= n for match in self.matchIndex.values())
            if count * 2 > len(self.node.peers) + 1:
                self.commitIndex = n
                self.applyCond.notify_all()
                break

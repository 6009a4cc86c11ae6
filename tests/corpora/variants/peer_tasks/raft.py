"""A server with a ticker, an applier, and one task for each peer, which waits for an event."""

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

FOLLOWER, CANDIDATE, LEADER = "follower", "candidate", "leader"
BEAT = 0.11
BUSY = 0.3
PATIENCE = 2.5


class Raft:
    def __init__(self, node, apply_ch):
        self.node = node
        self.apply_ch = apply_ch
        self.current_term = 0
        self.voted_for = None
        self.log = [LogEntry(0, None)]  # log[0] stands for the last entry that is gone
        self.base = 0
        saved = node.persister.load()
        if saved is not None:
            self.current_term = saved.current_term
            self.voted_for = saved.voted_for
            self.base = saved.last_included_index
            self.log = [LogEntry(saved.last_included_term, None), *saved.log]
        self.pending = None
        data = node.persister.snapshot()
        if data is not None and self.base > 0:
            self.pending = ApplySnapshot(self.base, self.log[0].term, data)
        self.commit_index = self.base
        self.last_applied = self.base
        self.role = FOLLOWER
        self.votes = set()
        self.next_index = {}
        self.match_index = {}
        self.busy = {}
        self.wake = {peer: trio.Event() for peer in node.peers}
        self.apply_news = trio.Event()
        self.deadline = 0.0
        self.nursery = None

    # helpers

    def last(self):
        return self.base + len(self.log) - 1

    def term_at(self, index):
        return self.log[index - self.base].term

    def save(self, data=None):
        state = PersistentState(self.current_term, self.voted_for, self.log[1:], self.base, self.log[0].term)
        self.node.persister.save(state, data)

    def reset_timer(self):
        self.deadline = trio.current_time() + self.node.random.uniform(0.5, 1.0)

    def majority(self):
        return (len(self.node.peers) + 1) // 2 + 1

    # tasks

    async def run(self):
        self.reset_timer()
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            nursery.start_soon(self.ticker)
            nursery.start_soon(self.applier)
            await trio.sleep_forever()

    async def ticker(self):
        while True:
            wait = self.deadline - trio.current_time()
            if wait > 0:
                await trio.sleep(wait)
                continue
            if self.role == LEADER:
                self.reset_timer()
                continue
            self.campaign()

    async def applier(self):
        while True:
            self.apply_news = trio.Event()
            if self.pending is not None:
                msg = self.pending
                self.pending = None
                await self.apply_ch.send(msg)
            elif self.last_applied < self.commit_index:
                self.last_applied += 1
                entry = self.log[self.last_applied - self.base]
                await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))
            else:
                await self.apply_news.wait()

    # elections

    def step_down(self, term):
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            self.save()
        if self.role != FOLLOWER:
            self.role = FOLLOWER
            self.reset_timer()

    def campaign(self):
        self.role = CANDIDATE
        self.current_term += 1
        self.voted_for = self.node.me
        self.votes = {self.node.me}
        self.save()
        self.reset_timer()
        args = RequestVoteArgs(self.current_term, self.node.me, self.last(), self.term_at(self.last()))
        for peer in self.node.peers:
            self.nursery.start_soon(self.ask_vote, peer, args)
        self.count_votes()

    async def ask_vote(self, peer, args):
        reply = None
        with trio.move_on_after(1.0):
            reply = await self.node.call(peer, args)
        if reply is None:
            return
        if reply.term > self.current_term:
            self.step_down(reply.term)
            return
        if self.role != CANDIDATE or self.current_term != args.term:
            return
        if reply.vote_granted:
            self.votes.add(peer)
            self.count_votes()

    def count_votes(self):
        if self.role == CANDIDATE and len(self.votes) >= self.majority():
            self.lead()

    def lead(self):
        self.role = LEADER
        self.next_index = {peer: self.last() + 1 for peer in self.node.peers}
        self.match_index = dict.fromkeys(self.node.peers, 0)
        self.busy = dict.fromkeys(self.node.peers)
        for peer in self.node.peers:
            self.nursery.start_soon(self.serve_peer, peer, self.current_term)

    def request_vote(self, args):
        if args.term < self.current_term:
            return RequestVoteReply(self.current_term, False)
        if args.term > self.current_term:
            self.step_down(args.term)
        mine = (self.term_at(self.last()), self.last())
        current = (args.last_log_term, args.last_log_index) >= mine
        if current and self.voted_for in (None, args.candidate_id):
            self.voted_for = args.candidate_id
            self.save()
            self.reset_timer()
            return RequestVoteReply(self.current_term, True)
        return RequestVoteReply(self.current_term, False)

    # the leader

    def start(self, command):
        if self.role != LEADER:
            return (-1, self.current_term, False)
        self.log.append(LogEntry(self.current_term, command))
        self.save()
        for peer in self.node.peers:
            self.wake[peer].set()
        self.advance_commit()
        return (self.last(), self.current_term, True)

    async def serve_peer(self, peer, term):
        next_beat = trio.current_time()
        while self.role == LEADER and self.current_term == term:
            self.wake[peer] = trio.Event()
            now = trio.current_time()
            busy = self.busy[peer]
            free = busy is None or now >= busy[1]
            if free and self.next_index[peer] <= self.last():
                if self.next_index[peer] <= self.base:
                    args = InstallSnapshotArgs(
                        term, self.node.me, self.base, self.log[0].term, self.node.persister.snapshot()
                    )
                else:
                    args = self.append_args(peer, True)
                self.busy[peer] = (args, now + BUSY)
                self.nursery.start_soon(self.exchange, peer, args)
                next_beat = now + BEAT
                if isinstance(args, InstallSnapshotArgs):
                    next_beat = now
                    self.nursery.start_soon(self.exchange, peer, self.append_args(peer, False))
                    next_beat = now + BEAT
            elif now >= next_beat:
                self.nursery.start_soon(self.exchange, peer, self.append_args(peer, False))
                next_beat = now + BEAT
            with trio.move_on_at(next_beat):
                await self.wake[peer].wait()

    def append_args(self, peer, full):
        prev = max(self.next_index[peer] - 1, self.base)
        entries = self.log[prev + 1 - self.base :] if full else []
        return AppendEntriesArgs(self.current_term, self.node.me, prev, self.term_at(prev), entries, self.commit_index)

    async def exchange(self, peer, args):
        reply = None
        with trio.move_on_after(PATIENCE):
            reply = await self.node.call(peer, args)
        if reply is None:
            return
        if reply.term > self.current_term:
            self.step_down(reply.term)
            return
        if self.role != LEADER or self.current_term != args.term:
            return
        if self.busy[peer] is not None and self.busy[peer][0] is args:
            self.busy[peer] = None
        if isinstance(args, InstallSnapshotArgs):
            self.matched(peer, args.last_included_index)
        elif reply.success:
            self.matched(peer, args.prev_log_index + len(args.entries))
        elif args.prev_log_index == self.next_index[peer] - 1 and args.prev_log_index > self.match_index[peer]:
            self.go_back(peer, args, reply)
        self.wake[peer].set()

    def matched(self, peer, index):
        self.match_index[peer] = max(self.match_index[peer], index)
        self.next_index[peer] = max(self.next_index[peer], self.match_index[peer] + 1)
        self.advance_commit()

    def go_back(self, peer, args, reply):
        index = reply.conflict_index if reply.conflict_index is not None else args.prev_log_index
        if reply.conflict_term is not None:
            for i in range(args.prev_log_index, self.base - 1, -1):
                if self.term_at(i) == reply.conflict_term:
                    index = i + 1
                    break
        index = min(index, args.prev_log_index)
        self.next_index[peer] = max(index, self.match_index[peer] + 1, 1)
        self.busy[peer] = None

    def advance_commit(self):
        ranks = sorted([*self.match_index.values(), self.last()], reverse=True)
        index = ranks[self.majority() - 1]
        if index > self.commit_index and self.term_at(index) == self.current_term:
            self.commit_index = index
            self.apply_news.set()

    # the follower

    def append_entries(self, args):
        if args.term < self.current_term:
            return AppendEntriesReply(self.current_term, False)
        self.step_down(args.term)
        self.reset_timer()
        prev = args.prev_log_index
        entries = args.entries
        if prev < self.base:
            entries = entries[self.base - prev :]
            prev = self.base
        else:
            if prev > self.last():
                return AppendEntriesReply(self.current_term, False, None, self.last() + 1)
            if self.term_at(prev) != args.prev_log_term:
                bad = self.term_at(prev)
                first = prev
                while first - 1 > self.base and self.term_at(first - 1) == bad:
                    first -= 1
                return AppendEntriesReply(self.current_term, False, bad, first)
        for offset, entry in enumerate(entries):
            index = prev + 1 + offset
            if index <= self.last() and self.term_at(index) == entry.term:
                continue
            del self.log[index - self.base :]
            self.log.extend(entries[offset:])
            self.save()
            break
        known = min(args.leader_commit, args.prev_log_index + len(args.entries))
        if known > self.commit_index:
            self.commit_index = known
            self.apply_news.set()
        return AppendEntriesReply(self.current_term, True)

    # snapshots

    def snapshot(self, index, snapshot):
        if index <= self.base or index > self.last_applied:
            return
        term = self.term_at(index)
        self.log = [LogEntry(term, None), *self.log[index - self.base + 1 :]]
        self.base = index
        self.save(snapshot)

    def install_snapshot(self, args):
        if args.term < self.current_term:
            return InstallSnapshotReply(self.current_term)
        self.step_down(args.term)
        self.reset_timer()
        index = args.last_included_index
        if index <= self.commit_index:
            return InstallSnapshotReply(self.current_term)
        if index <= self.last() and self.term_at(index) == args.last_included_term:
            rest = self.log[index - self.base + 1 :]
        else:
            rest = []
        self.log = [LogEntry(args.last_included_term, None), *rest]
        self.base = index
        self.commit_index = index
        self.last_applied = index
        self.save(args.data)
        self.pending = ApplySnapshot(index, args.last_included_term, args.data)
        self.apply_news.set()
        return InstallSnapshotReply(self.current_term)

    def get_state(self):
        return (self.current_term, self.role == LEADER)

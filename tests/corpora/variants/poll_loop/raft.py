"""A server that polls: it looks every 10 ms what there is to do, and has one task for each peer that does the talking.

Written from the paper. Timeouts are counted in ticks. A leader goes back by one entry after a refusal and tries again
at once. Committed entries reach the service with the next tick.
"""

from __future__ import annotations

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    Command,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node

FOLLOWER, CANDIDATE, LEADER = range(3)
TICK = 0.01
HEARTBEAT_TICKS = 10
ANSWER_WITHIN = 0.5
BATCH = 50


class Raft:
    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.quorum = (len(node.peers) + 1) // 2 + 1
        self.role = FOLLOWER
        self.current_term = 0
        self.voted_for: int | None = None
        self.base = 0
        self.entries: dict[int, LogEntry] = {0: LogEntry(0, None)}
        self.last = 0
        self.commit_index = 0
        self.last_applied = 0
        self.answered: set[int] = set()
        self.granted: set[int] = set()
        self.next_index: dict[int, int] = {}
        self.match_index: dict[int, int] = {}
        self.ticks_to_heartbeat: dict[int, int] = {}
        self.load()
        self.set_timer()

    def set_timer(self) -> None:
        self.ticks_to_election = self.node.random.randrange(40, 90)

    # Disk.

    def load(self) -> None:
        state = self.node.persister.load()
        if state is None:
            return
        self.current_term, self.voted_for = state.current_term, state.voted_for
        self.base = self.commit_index = self.last_applied = state.last_included_index
        self.entries = {self.base: LogEntry(state.last_included_term, None)}
        for index, entry in enumerate(state.log, start=self.base + 1):
            self.entries[index] = entry
        self.last = max(self.entries)
        if self.base:
            data = self.node.persister.snapshot()
            assert data is not None
            self.apply_ch.send_nowait(ApplySnapshot(self.base, state.last_included_term, data))

    def save(self, snapshot: bytes | None = None) -> None:
        log = [self.entries[index] for index in range(self.base + 1, self.last + 1)]
        base_term = self.entries[self.base].term
        self.node.persister.save(
            PersistentState(self.current_term, self.voted_for, log, self.base, base_term), snapshot
        )

    def cut_after(self, index: int) -> None:
        for later in range(index + 1, self.last + 1):
            del self.entries[later]
        self.last = index

    def cut_before(self, index: int) -> None:
        for earlier in range(self.base, index):
            self.entries.pop(earlier, None)
        self.base = index

    # The tick.

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            for peer in self.node.peers:
                nursery.start_soon(self.talk_to, peer)
            while True:
                self.tick()
                await trio.sleep(TICK)

    def tick(self) -> None:
        if self.role == LEADER:
            for peer in self.node.peers:
                self.ticks_to_heartbeat[peer] -= 1
                if self.ticks_to_heartbeat[peer] <= 0:
                    self.beat(peer)
        else:
            self.ticks_to_election -= 1
            if self.ticks_to_election <= 0:
                self.stand()
        for index in range(self.last_applied + 1, min(self.commit_index, self.last_applied + BATCH) + 1):
            self.apply_ch.send_nowait(ApplyCommand(index, self.entries[index].command))
            self.last_applied = index

    def stand(self) -> None:
        self.current_term += 1
        self.voted_for = self.node.me
        self.save()
        self.role = CANDIDATE
        self.answered.clear()
        self.granted = {self.node.me}
        self.set_timer()
        if not self.node.peers:
            self.lead()

    def lead(self) -> None:
        self.role = LEADER
        for peer in self.node.peers:
            self.next_index[peer] = self.last + 1
            self.match_index[peer] = 0
            self.beat(peer)

    def beat(self, peer: int) -> None:
        self.ticks_to_heartbeat[peer] = HEARTBEAT_TICKS
        if self.next_index[peer] > self.base:
            self.nursery.start_soon(self.send_append, peer, self.make_append(peer, 0))

    def newer_term(self, term: int) -> None:
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            if self.role == LEADER:
                self.set_timer()
            self.role = FOLLOWER
            self.save()

    # Talking.

    async def talk_to(self, peer: int) -> None:
        while True:
            if self.role == CANDIDATE and peer not in self.answered:
                await self.ask_for_vote(peer)
            elif self.role == LEADER and self.next_index[peer] <= self.base:
                await self.send_snapshot(peer)
            elif self.role == LEADER and self.next_index[peer] <= self.last:
                if not await self.send_append(peer, self.make_append(peer, BATCH)):
                    await trio.sleep(TICK)
            else:
                await trio.sleep(TICK)

    async def ask_for_vote(self, peer: int) -> None:
        term = self.current_term
        reply = None
        with trio.move_on_after(ANSWER_WITHIN):
            reply = await self.node.call(
                peer, RequestVoteArgs(term, self.node.me, self.last, self.entries[self.last].term)
            )
        if reply is None:
            await trio.sleep(TICK)
            return
        self.newer_term(reply.term)
        if self.role != CANDIDATE or self.current_term != term:
            return
        self.answered.add(peer)
        if reply.vote_granted:
            self.granted.add(peer)
            if len(self.granted) >= self.quorum:
                self.lead()

    def make_append(self, peer: int, most: int) -> AppendEntriesArgs:
        prev = self.next_index[peer] - 1
        upto = min(self.last, prev + most)
        return AppendEntriesArgs(
            term=self.current_term,
            leader_id=self.node.me,
            prev_log_index=prev,
            prev_log_term=self.entries[prev].term,
            entries=[self.entries[index] for index in range(prev + 1, upto + 1)],
            leader_commit=self.commit_index,
        )

    async def send_append(self, peer: int, args: AppendEntriesArgs) -> bool:
        """Send, and take in the answer; return whether there was one."""
        reply = None
        with trio.move_on_after(ANSWER_WITHIN):
            reply = await self.node.call(peer, args)
        if reply is None:
            return False
        self.newer_term(reply.term)
        if self.role != LEADER or self.current_term != args.term:
            return True
        if reply.success:
            self.has_up_to(peer, args.prev_log_index + len(args.entries))
        elif self.next_index[peer] == args.prev_log_index + 1:
            self.next_index[peer] = max(args.prev_log_index, self.match_index[peer] + 1)
        return True

    async def send_snapshot(self, peer: int) -> None:
        args = InstallSnapshotArgs(
            self.current_term,
            self.node.me,
            self.base,
            self.entries[self.base].term,
            self.node.persister.snapshot() or b"",
        )
        self.ticks_to_heartbeat[peer] = HEARTBEAT_TICKS
        reply = None
        with trio.move_on_after(ANSWER_WITHIN / 2):
            reply = await self.node.call(peer, args)
        if reply is None:
            await trio.sleep(TICK)
            return
        self.newer_term(reply.term)
        if self.role == LEADER and self.current_term == args.term:
            self.has_up_to(peer, args.last_included_index)

    def has_up_to(self, peer: int, index: int) -> None:
        self.match_index[peer] = max(self.match_index[peer], index)
        self.next_index[peer] = max(self.next_index[peer], self.match_index[peer] + 1)
        self.raise_commit()

    def raise_commit(self) -> None:
        for index in range(self.commit_index + 1, self.last + 1):
            holders = 1 + len([peer for peer in self.node.peers if self.match_index[peer] >= index])
            if holders >= self.quorum and self.entries[index].term == self.current_term:
                self.commit_index = index

    # Being asked.

    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        self.newer_term(args.term)
        if args.term < self.current_term or self.voted_for not in (None, args.candidate_id):
            return RequestVoteReply(self.current_term, False)
        my_term = self.entries[self.last].term
        newer = args.last_log_term > my_term
        longer = args.last_log_term == my_term and args.last_log_index >= self.last
        if not newer and not longer:
            return RequestVoteReply(self.current_term, False)
        self.voted_for = args.candidate_id
        self.save()
        self.set_timer()
        return RequestVoteReply(self.current_term, True)

    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        if args.term < self.current_term:
            return AppendEntriesReply(self.current_term, False)
        self.newer_term(args.term)
        self.role = FOLLOWER
        self.set_timer()
        prev = args.prev_log_index
        if prev > self.last or (prev >= self.base and self.entries[prev].term != args.prev_log_term):
            return AppendEntriesReply(self.current_term, False)
        news = False
        for index, entry in enumerate(args.entries, start=prev + 1):
            if index <= self.base:
                continue
            if index in self.entries and self.entries[index].term != entry.term:
                self.cut_after(index - 1)
            if index not in self.entries:
                self.entries[index] = entry
                self.last = index
                news = True
        if news:
            self.save()
        self.commit_index = max(self.commit_index, min(args.leader_commit, prev + len(args.entries)))
        return AppendEntriesReply(self.current_term, True)

    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        if args.term < self.current_term:
            return InstallSnapshotReply(self.current_term)
        self.newer_term(args.term)
        self.role = FOLLOWER
        self.set_timer()
        index = args.last_included_index
        # Not commit_index: what is committed here may still wait for its tick.
        if index > self.last_applied:
            held = self.entries.get(index)
            if held is None or held.term != args.last_included_term:
                self.cut_after(self.base)
                self.entries = {index: LogEntry(args.last_included_term, None)}
                self.base = self.last = index
            else:
                self.cut_before(index)
            self.save(args.data)
            self.last_applied = index
            self.commit_index = max(self.commit_index, index)
            self.apply_ch.send_nowait(ApplySnapshot(index, args.last_included_term, args.data))
        return InstallSnapshotReply(self.current_term)

    # The service.

    def get_state(self) -> tuple[int, bool]:
        return self.current_term, self.role == LEADER

    def start(self, command: Command) -> tuple[int, int, bool]:
        if self.role != LEADER:
            return 0, self.current_term, False
        self.last += 1
        self.entries[self.last] = LogEntry(self.current_term, command)
        self.save()
        if not self.node.peers:
            self.raise_commit()
        return self.last, self.current_term, True

    def snapshot(self, index: int, snapshot: bytes) -> None:
        if index > self.base:
            self.cut_before(index)
            self.save(snapshot)

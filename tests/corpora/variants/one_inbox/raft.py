"""One event loop owns everything: requests, replies, commands and snapshots come in through one inbox.

A handler puts a note into the inbox and waits for the loop's answer. `start` must not wait: it promises the next index,
and the loop appends the command unless the leadership is over by then. Log position 0 stands for the entry that the
snapshot ends with. A follower that refuses entries asks for all that it does not know committed.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    Args,
    Command,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node

HEARTBEAT = 0.12
PATIENCE = 2.0
"""Longer than this the answer to a call is of no interest."""
MOST = 100
"""Entries in one message."""


class Question:
    """A request from outside, and the answer that its handler waits for."""

    def __init__(self, args: Any) -> None:
        self.args = args
        self.answer: Any = None
        self.answered = trio.Event()


class Raft:
    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.outgoing: deque[ApplyMsg] = deque()
        self.post, self.inbox = trio.open_memory_channel[tuple[Any, ...]](math.inf)

        disk = node.persister.load() or PersistentState(0, None, [])
        self.term = disk.current_term
        self.vote = disk.voted_for
        self.first = disk.last_included_index
        self.log = [LogEntry(disk.last_included_term, None), *disk.log]
        self.committed = self.delivered = self.first

        self.role = "follower"
        self.alarm = 0.0
        self.voters: set[int] = set()
        self.promised: deque[Command] = deque()
        self.next: dict[int, int] = {}
        self.match: dict[int, int] = {}
        self.heartbeat_due: dict[int, float] = {}

        data = node.persister.snapshot()
        if data is not None:
            self.outgoing.append(ApplySnapshot(self.first, disk.last_included_term, data))

    # The simulator calls these: all of it goes through the inbox.

    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        return await self.ask(args)  # type: ignore[no-any-return]

    async def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        return await self.ask(args)  # type: ignore[no-any-return]

    async def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        return await self.ask(args)  # type: ignore[no-any-return]

    async def ask(self, args: Args) -> Any:
        question = Question(args)
        self.post.send_nowait(("question", question))
        await question.answered.wait()
        return question.answer

    def get_state(self) -> tuple[int, bool]:
        return self.term, self.role == "leader"

    def start(self, command: Command) -> tuple[int, int, bool]:
        if self.role != "leader":
            return -1, self.term, False
        self.promised.append(command)
        self.post.send_nowait(("promised", self.term))
        return self.last + len(self.promised), self.term, True

    def snapshot(self, index: int, snapshot: bytes) -> None:
        self.post.send_nowait(("compact", index, snapshot))

    # The loop.

    async def run(self) -> None:
        self.wind_alarm()
        async with trio.open_nursery() as self.nursery:
            while True:
                while self.outgoing:
                    await self.apply_ch.send(self.outgoing.popleft())
                with trio.move_on_at(self.next_deadline()):
                    self.handle(*await self.inbox.receive())
                self.look_at_the_clock()
                self.deliver()

    def next_deadline(self) -> float:
        if self.role == "leader":
            return min(self.heartbeat_due.values(), default=math.inf)
        return self.alarm

    def handle(self, kind: str, *details: Any) -> None:
        match kind, details:
            case "question", (question,):
                question.answer = self.answer(question.args)
                question.answered.set()
            case "reply", (peer, args, reply):
                self.learn(peer, args, reply)
            case "promised", (term,):
                self.keep_promises(term)
            case "compact", (index, data):
                self.compact(index, data)

    def look_at_the_clock(self) -> None:
        now = trio.current_time()
        if self.role != "leader":
            if now >= self.alarm:
                self.campaign()
            return
        for peer, due in self.heartbeat_due.items():
            if now >= due:
                self.send_entries(peer)

    def wind_alarm(self) -> None:
        self.alarm = trio.current_time() + 0.35 + 0.4 * self.node.random.random()

    # Disk and log.

    @property
    def last(self) -> int:
        return self.first + len(self.log) - 1

    def term_of(self, index: int) -> int:
        return self.log[index - self.first].term

    def write(self, snapshot: bytes | None = None) -> None:
        state = PersistentState(self.term, self.vote, self.log[1:], self.first, self.log[0].term)
        self.node.persister.save(state, snapshot)

    def deliver(self) -> None:
        while self.delivered < self.committed:
            self.delivered += 1
            self.outgoing.append(ApplyCommand(self.delivered, self.log[self.delivered - self.first].command))

    def compact(self, index: int, data: bytes) -> None:
        if self.first < index <= self.delivered:
            self.log = self.log[index - self.first :]
            self.first = index
            self.write(data)

    # Answers.

    def answer(self, args: Args) -> Reply:
        if isinstance(args, RequestVoteArgs):
            return RequestVoteReply(vote_granted=self.grants(args), term=self.term)
        assert isinstance(args, AppendEntriesArgs | InstallSnapshotArgs)
        stale = args.term < self.term
        if not stale:
            self.follow(args.term)
            self.wind_alarm()
        if isinstance(args, InstallSnapshotArgs):
            if not stale and args.last_included_index > self.committed:
                self.install(args)
            return InstallSnapshotReply(self.term)
        if stale or not self.takes(args):
            return AppendEntriesReply(self.term, False, conflict_index=self.committed + 1)
        return AppendEntriesReply(self.term, True)

    def follow(self, term: int) -> None:
        if term > self.term:
            self.term, self.vote = term, None
            self.write()
        if self.role == "leader":
            self.wind_alarm()
        self.role = "follower"
        self.promised.clear()

    def grants(self, args: RequestVoteArgs) -> bool:
        if args.term > self.term:
            self.follow(args.term)
        mine = (self.log[-1].term, self.last)
        if args.term < self.term or (args.last_log_term, args.last_log_index) < mine:
            return False
        if self.vote is None:
            self.vote = args.candidate_id
            self.write()
        if self.vote != args.candidate_id:
            return False
        self.wind_alarm()
        return True

    def takes(self, args: AppendEntriesArgs) -> bool:
        prev, entries = args.prev_log_index, args.entries
        if prev < self.first:
            # All up to the snapshot's end is committed, so it is the leader's, too.
            entries = entries[self.first - prev :]
            prev = max(prev, min(self.first, args.prev_log_index + len(args.entries)))
            if prev < self.first:
                return True
        elif prev > self.last or self.term_of(prev) != args.prev_log_term:
            return False
        for number, entry in enumerate(entries):
            index = prev + 1 + number
            if index > self.last or self.term_of(index) != entry.term:
                self.log[index - self.first :] = entries[number:]
                self.write()
                break
        self.committed = max(self.committed, min(args.leader_commit, prev + len(entries)))
        return True

    def install(self, args: InstallSnapshotArgs) -> None:
        index, term = args.last_included_index, args.last_included_term
        same = index <= self.last and self.term_of(index) == term
        self.log = self.log[index - self.first :] if same else [LogEntry(term, None)]
        self.first = self.committed = self.delivered = index
        self.write(args.data)
        self.outgoing.append(ApplySnapshot(index, term, args.data))

    # Elections.

    def campaign(self) -> None:
        self.role = "candidate"
        self.term += 1
        self.vote = self.node.me
        self.voters = {self.node.me}
        self.write()
        self.wind_alarm()
        for peer in self.node.peers:
            self.call(peer, RequestVoteArgs(self.term, self.node.me, self.last, self.log[-1].term))
        self.count()

    def count(self) -> None:
        if 2 * len(self.voters) > len(self.node.peers) + 1:
            self.role = "leader"
            self.next = dict.fromkeys(self.node.peers, self.last + 1)
            self.match = dict.fromkeys(self.node.peers, 0)
            for peer in self.node.peers:
                self.send_entries(peer)

    # Calls and what comes of them.

    def call(self, peer: int, args: Args) -> None:
        self.nursery.start_soon(self.call_and_report, peer, args)

    async def call_and_report(self, peer: int, args: Any) -> None:
        with trio.move_on_after(PATIENCE):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.post.send_nowait(("reply", peer, args, reply))

    def learn(self, peer: int, args: Any, reply: Any) -> None:
        if reply.term > self.term:
            self.follow(reply.term)
        if args.term != self.term:
            return
        if isinstance(args, RequestVoteArgs):
            if self.role == "candidate" and reply.vote_granted:
                self.voters.add(peer)
                self.count()
        elif self.role == "leader":
            self.learn_of_progress(peer, args, reply)

    def learn_of_progress(self, peer: int, args: Any, reply: Any) -> None:
        before = self.next[peer]
        if isinstance(args, InstallSnapshotArgs):
            self.match[peer] = max(self.match[peer], args.last_included_index)
        elif reply.success:
            self.match[peer] = max(self.match[peer], args.prev_log_index + len(args.entries))
        elif args.prev_log_index == before - 1:
            self.next[peer] = min(before - 1, reply.conflict_index)
        self.next[peer] = max(self.next[peer], self.match[peer] + 1)
        self.commit()
        if self.next[peer] != before and self.next[peer] <= self.last:
            self.send_entries(peer)

    def send_entries(self, peer: int) -> None:
        self.heartbeat_due[peer] = trio.current_time() + HEARTBEAT
        prev = self.next[peer] - 1
        if prev < self.first:
            data = self.node.persister.snapshot() or b""
            self.call(peer, InstallSnapshotArgs(self.term, self.node.me, self.first, self.log[0].term, data))
            return
        entries = self.log[prev + 1 - self.first :][:MOST]
        self.call(peer, AppendEntriesArgs(self.term, self.node.me, prev, self.term_of(prev), entries, self.committed))

    def keep_promises(self, term: int) -> None:
        if self.role != "leader" or self.term != term or not self.promised:
            return
        first_new = self.last + 1
        self.log += [LogEntry(term, command) for command in self.promised]
        self.promised.clear()
        self.write()
        for peer in self.node.peers:
            if self.next[peer] == first_new:
                self.send_entries(peer)
        self.commit()

    def commit(self) -> None:
        held = sorted([self.last, *self.match.values()], reverse=True)
        index = held[len(held) // 2]
        if index > self.committed and self.term_of(index) == self.term:
            self.committed = index

"""A server written from the paper for a course, slow and careful: election timeouts of half a second to a whole one.

One task per peer, woken by an event; replies go through a memory channel to one task that thinks; a limiter bounds the
calls that are open; messages carry fields of their own; committed entries wait in a deque. Every handler saves before
it answers, whether there is something new or not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import partial
from typing import NamedTuple

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


class Role(IntEnum):
    FOLLOWER = auto()
    CANDIDATE = auto()
    LEADER = auto()


@dataclass(frozen=True)
class Ack(AppendEntriesReply):
    """An answer that also shows how long the follower's log is, and where its conflicting term begins."""

    x_term: int = 0
    x_index: int = 0
    x_len: int = 0


@dataclass(frozen=True)
class Disk(PersistentState):
    """The state, with the role for those who read disks."""

    note: str = ""


@dataclass
class Progress:
    """What a leader knows of a peer."""

    next: int
    match: int = 0
    wake: trio.Event = field(default_factory=trio.Event)


class Answer(NamedTuple):
    """A reply, with the question that it belongs to."""

    peer: int
    args: RequestVoteArgs | AppendEntriesArgs | InstallSnapshotArgs
    reply: RequestVoteReply | AppendEntriesReply | InstallSnapshotReply


class Raft:
    BATCH = 40
    BEAT = 0.15
    SHORTEST, LONGEST = 0.5, 1.0

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node, self.apply_ch = node, apply_ch
        self.n = len(node.peers) + 1
        self.term, self.vote, self.log = 0, None, []
        self.base, self.base_term = 0, 0
        self.commit = self.handed = 0
        self.role = Role.FOLLOWER
        self.ballots: set[int] = set()
        self.progress: dict[int, Progress] = {}
        self.queue: deque[ApplyMsg] = deque()
        self.queued = trio.Event()
        self.heard = trio.Event()
        self.answers_in, self.answers_out = trio.open_memory_channel(float("inf"))
        self.slots = {peer: trio.CapacityLimiter(8) for peer in node.peers}
        saved = node.persister.load()
        if saved is not None:
            self.term, self.vote, self.log = saved.current_term, saved.voted_for, list(saved.log)
            self.base, self.base_term = saved.last_included_index, saved.last_included_term
            self.commit = self.handed = self.base
        if (data := node.persister.snapshot()) is not None:
            self.hand_over(ApplySnapshot(self.base, self.base_term, data))

    # The log.

    @property
    def last(self) -> int:
        return self.base + len(self.log)

    def term_of(self, index: int) -> int | None:
        if index == self.base:
            return self.base_term
        return self.log[index - self.base - 1].term if self.base < index <= self.last else None

    def tail(self, index: int) -> list[LogEntry]:
        return self.log[max(0, index - self.base - 1) :]

    def save(self, data: bytes | None = None) -> None:
        self.node.persister.save(
            Disk(self.term, self.vote, self.log, self.base, self.base_term, note=self.role.name), data
        )

    # Life.

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            self.tasks = nursery
            for task in (self.think, self.deliver, self.clock):
                nursery.start_soon(task)

    async def clock(self) -> None:
        while True:
            self.heard = trio.Event()
            patience = self.node.random.uniform(self.SHORTEST, self.LONGEST)
            with trio.move_on_after(patience) as waiting:
                await self.heard.wait()
            if waiting.cancelled_caught and self.role is not Role.LEADER and not self.heard.is_set():
                self.campaign()

    async def deliver(self) -> None:
        while True:
            while self.queue:
                await self.apply_ch.send(self.queue.popleft())
            self.queued = trio.Event()
            if not self.queue:
                await self.queued.wait()

    def hand_over(self, message: ApplyMsg) -> None:
        self.queue.append(message)
        self.queued.set()

    def commit_to(self, index: int) -> None:
        for at in range(self.commit + 1, index + 1):
            self.hand_over(ApplyCommand(at, self.log[at - self.base - 1].command))
        self.commit = max(self.commit, index)

    def follow(self, term: int) -> None:
        if term > self.term:
            self.term, self.vote = term, None
        if self.role is Role.LEADER:
            self.heard.set()
        self.role = Role.FOLLOWER

    # What others ask.

    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        if args.term > self.term:
            self.follow(args.term)
        good = (args.last_log_term, args.last_log_index) >= (self.term_of(self.last), self.last)
        yes = args.term == self.term and good and self.vote in (None, args.candidate_id)
        if yes:
            self.vote = args.candidate_id
            self.heard.set()
        self.save()
        return RequestVoteReply(self.term, yes)

    async def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        if args.term < self.term:
            return AppendEntriesReply(self.term, False)
        self.follow(args.term)
        self.heard.set()
        prev, entries = args.prev_log_index, args.entries
        if prev < self.base:
            prev, entries = self.base, entries[self.base - prev :]
        elif self.term_of(prev) != args.prev_log_term:
            self.save()
            return self.refusal(prev)
        for at, entry in enumerate(entries, prev + 1):
            if self.term_of(at) != entry.term:
                self.log[at - self.base - 1 :] = entries[at - prev - 1 :]
                break
        self.save()
        self.commit_to(min(args.leader_commit, args.prev_log_index + len(args.entries)))
        return Ack(self.term, True, x_len=self.last)

    def refusal(self, prev: int) -> Ack:
        if prev > self.last:
            return Ack(self.term, False, x_len=self.last)
        term = self.term_of(prev)
        first = next(at for at in range(self.base, prev + 1) if self.term_of(at) == term)
        return Ack(self.term, False, x_term=term or 0, x_index=max(first, self.base + 1), x_len=self.last)

    async def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        if args.term < self.term:
            return InstallSnapshotReply(self.term)
        self.follow(args.term)
        self.heard.set()
        index, term = args.last_included_index, args.last_included_term
        if index > self.commit:
            self.log = self.tail(index + 1) if self.term_of(index) == term else []
            self.base, self.base_term, self.commit = index, term, index
            self.save(args.data)
            self.hand_over(ApplySnapshot(index, term, args.data))
        else:
            self.save()
        return InstallSnapshotReply(self.term)

    # What the service asks.

    def get_state(self) -> tuple[int, bool]:
        return self.term, self.role is Role.LEADER

    def start(self, command: Command) -> tuple[int, int, bool]:
        if self.role is not Role.LEADER:
            return 0, self.term, False
        self.log.append(LogEntry(self.term, command))
        self.save()
        for progress in self.progress.values():
            progress.wake.set()
        self.count()
        return self.last, self.term, True

    def snapshot(self, index: int, snapshot: bytes) -> None:
        if index > self.base:
            base_term = self.term_of(index)
            assert base_term is not None
            self.log = self.tail(index + 1)
            self.base, self.base_term = index, base_term
            self.save(snapshot)

    # What this server asks others.

    def ask(self, peer: int, args: RequestVoteArgs | AppendEntriesArgs | InstallSnapshotArgs) -> None:
        self.tasks.start_soon(partial(self.call, peer, args))

    async def call(self, peer: int, args: RequestVoteArgs | AppendEntriesArgs | InstallSnapshotArgs) -> None:
        slot = object()
        try:
            self.slots[peer].acquire_on_behalf_of_nowait(slot)
        except trio.WouldBlock:
            return
        try:
            with trio.fail_after(0.9):
                reply = await self.node.call(peer, args)
        except trio.TooSlowError:
            return
        finally:
            self.slots[peer].release_on_behalf_of(slot)
        if reply is not None:
            self.answers_in.send_nowait(Answer(peer, args, reply))

    async def think(self) -> None:
        async for peer, args, reply in self.answers_out:
            if reply.term > self.term:
                self.follow(reply.term)
                self.save()
            if reply.term != args.term or args.term != self.term:
                continue
            match args, reply:
                case RequestVoteArgs(), RequestVoteReply(vote_granted=True) if self.role is Role.CANDIDATE:
                    self.ballots.add(peer)
                    self.count_ballots()
                case InstallSnapshotArgs(), InstallSnapshotReply() if self.role is Role.LEADER:
                    self.advance(peer, args.last_included_index)
                case AppendEntriesArgs(), AppendEntriesReply(success=True) if self.role is Role.LEADER:
                    self.advance(peer, args.prev_log_index + len(args.entries))
                case AppendEntriesArgs(), Ack() if self.role is Role.LEADER:
                    self.back_up(peer, args.prev_log_index, reply)

    def campaign(self) -> None:
        self.role = Role.CANDIDATE
        self.term, self.vote, self.ballots = self.term + 1, self.node.me, {self.node.me}
        self.save()
        last_term = self.term_of(self.last)
        assert last_term is not None
        for peer in self.node.peers:
            self.ask(peer, RequestVoteArgs(self.term, self.node.me, self.last, last_term))
        self.count_ballots()

    def count_ballots(self) -> None:
        if 2 * len(self.ballots) > self.n:
            self.role = Role.LEADER
            self.progress = {peer: Progress(self.last + 1) for peer in self.node.peers}
            for peer in self.node.peers:
                self.tasks.start_soon(self.lead, peer, self.term)

    async def lead(self, peer: int, term: int) -> None:
        progress = self.progress[peer]
        while self.role is Role.LEADER and self.term == term:
            progress.wake = trio.Event()
            self.send(peer, progress)
            with trio.move_on_after(self.BEAT):
                await progress.wake.wait()

    def send(self, peer: int, progress: Progress) -> None:
        prev = progress.next - 1
        prev_term = self.term_of(prev)
        if prev_term is None:
            data = self.node.persister.snapshot()
            assert data is not None
            self.ask(peer, InstallSnapshotArgs(self.term, self.node.me, self.base, self.base_term, data))
        else:
            entries = self.tail(progress.next)[: self.BATCH]
            self.ask(peer, AppendEntriesArgs(self.term, self.node.me, prev, prev_term, entries, self.commit))

    def advance(self, peer: int, index: int) -> None:
        progress = self.progress[peer]
        if index > progress.match:
            progress.match = index
            progress.next = max(progress.next, index + 1)
            if index < self.last:
                progress.wake.set()
            self.count()

    def back_up(self, peer: int, prev: int, reply: Ack) -> None:
        progress = self.progress[peer]
        if prev != progress.next - 1:
            return
        found = reply.x_len + 1
        if reply.x_term:
            found = next((at for at in range(prev, self.base, -1) if self.term_of(at) == reply.x_term), reply.x_index)
        progress.next = max(progress.match + 1, min(found, prev))
        progress.wake.set()

    def count(self) -> None:
        matches = sorted([self.last, *(progress.match for progress in self.progress.values())])
        index = matches[(self.n - 1) // 2]
        if index > self.commit and self.term_of(index) == self.term:
            self.commit_to(index)

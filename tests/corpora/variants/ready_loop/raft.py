"""In the manner of etcd: a core that is stepped and ticked, and a loop that takes what is ready: save, send, apply.

The core never does any I/O. Everything that it wants saved, sent and applied waits until the loop comes by, and answers to calls
leave only after the save. A follower is probed, replicated to with a window of messages in flight, or waits for a snapshot.
"""

from __future__ import annotations

import enum
import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

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

TICK: Final = 0.05
ELECTION_TICKS: Final = 10
HEARTBEAT_TICKS: Final = 2
MAX_INFLIGHT: Final = 8
MAX_BATCH: Final = 40


class StateType(enum.IntEnum):
    FOLLOWER = enum.auto()
    CANDIDATE = enum.auto()
    LEADER = enum.auto()


class ProgressState(enum.Flag):
    PROBE = enum.auto()
    REPLICATE = enum.auto()
    SNAPSHOT = enum.auto()


@dataclass(frozen=True, slots=True)
class AppendResponse(AppendEntriesReply):
    """Carries what etcd's MsgAppResp carries."""

    reject_hint: int = -1
    last: int = -1


@dataclass
class Progress:
    match: int
    next: int
    state: ProgressState = ProgressState.PROBE
    paused: bool = False
    pending_snapshot: int = 0
    inflights: deque[int] = field(default_factory=deque)
    recent_active: bool = True

    def become(self, state: ProgressState) -> None:
        self.state, self.paused = state, False
        self.inflights.clear()

    def become_probe(self) -> None:
        if self.state is ProgressState.SNAPSHOT:
            pending, self.pending_snapshot = self.pending_snapshot, 0
            self.become(ProgressState.PROBE)
            self.next = max(self.match + 1, pending + 1)
        else:
            self.become(ProgressState.PROBE)
            self.next = self.match + 1

    def maybe_update(self, n: int) -> bool:
        updated = self.match < n
        if updated:
            self.match, self.paused = n, False
        self.next = max(self.next, n + 1)
        while self.inflights and self.inflights[0] <= n:
            self.inflights.popleft()
        return updated

    def maybe_decrease_to(self, rejected: int, hint: int) -> bool:
        if self.state is ProgressState.REPLICATE:
            if rejected <= self.match:
                return False
            self.next = self.match + 1
            return True
        if self.next - 1 != rejected:
            return False
        self.next = max(min(rejected, hint + 1), self.match + 1, 1)
        self.paused = False
        return True

    @property
    def is_paused(self) -> bool:
        match self.state:
            case ProgressState.PROBE:
                return self.paused
            case ProgressState.REPLICATE:
                return len(self.inflights) >= MAX_INFLIGHT
        return True


@dataclass
class Ready:
    state: PersistentState | None
    snapshot: bytes | None
    messages: list[tuple[int, Args]]
    answers: list[Callable[[], None]]
    committed: list[ApplyMsg]


class Core:
    def __init__(self, me: int, peers: tuple[int, ...], rng: Any, disk: PersistentState, data: bytes | None) -> None:
        self.id, self.peers, self.rng = me, peers, rng
        self.term, self.vote = disk.current_term, disk.voted_for
        self.offset, self.offset_term = disk.last_included_index, disk.last_included_term
        self.entries = list(disk.log)
        self.data = data
        self.new_data: bytes | None = None
        self.stable = self.last_index
        self.hard = (self.term, self.vote)
        self.committed = self.applied = self.offset
        self.lead: int | None = None
        self.state = StateType.FOLLOWER
        self.elapsed = self.beat_elapsed = 0
        self.patience = self.draw()
        self.votes: dict[int, bool] = {}
        self.progress: dict[int, Progress] = {}
        self.messages: list[tuple[int, Args]] = []
        self.answers: list[Callable[[], None]] = []
        self.to_apply: list[ApplyMsg] = []
        if data is not None:
            self.to_apply.append(ApplySnapshot(self.offset, self.offset_term, data))

    # The log.

    @property
    def last_index(self) -> int:
        return self.offset + len(self.entries)

    def term_of(self, index: int) -> int:
        """Zero for what is compacted or not there, as in etcd."""
        if index == self.offset:
            return self.offset_term
        if index < self.offset or index > self.last_index:
            return 0
        return self.entries[index - self.offset - 1].term

    def slice(self, low: int, size: int) -> list[LogEntry]:
        return self.entries[low - self.offset - 1 : low - self.offset - 1 + size]

    def find_conflict(self, first: int, entries: list[LogEntry]) -> int:
        for i, entry in enumerate(entries, first):
            if i > self.offset and (i > self.last_index or self.term_of(i) != entry.term):
                return i
        return 0

    def commit_to(self, index: int) -> None:
        self.committed = max(self.committed, index)

    # Roles.

    def draw(self) -> int:
        return ELECTION_TICKS + int(self.rng.randrange(ELECTION_TICKS))

    def reset(self, term: int) -> None:
        if term != self.term:
            self.term, self.vote = term, None
        self.lead = None
        self.elapsed = self.beat_elapsed = 0
        self.patience = self.draw()
        self.votes.clear()

    def become_follower(self, term: int, lead: int | None) -> None:
        if self.state is not StateType.FOLLOWER or term != self.term:
            elapsed = self.elapsed
            self.reset(term)
            if lead is None and self.state is not StateType.LEADER:
                self.elapsed = elapsed
            self.state = StateType.FOLLOWER
        self.lead = lead

    def campaign(self) -> None:
        self.reset(self.term + 1)
        self.state, self.vote, self.votes = StateType.CANDIDATE, self.id, {self.id: True}
        for peer in self.peers:
            self.messages.append(
                (peer, RequestVoteArgs(self.term, self.id, self.last_index, self.term_of(self.last_index)))
            )
        self.poll()

    def quorum(self) -> int:
        return (len(self.peers) + 1) // 2 + 1

    def poll(self) -> None:
        yes = sum(self.votes.values())
        if yes >= self.quorum():
            self.become_leader()
        elif len(self.votes) - yes >= self.quorum():
            self.become_follower(self.term, None)

    def become_leader(self) -> None:
        self.reset(self.term)
        self.lead, self.state = self.id, StateType.LEADER
        self.progress = {peer: Progress(0, self.last_index + 1) for peer in self.peers}
        self.append(None)

    def append(self, command: Command) -> None:
        self.entries.append(LogEntry(self.term, command))
        self.broadcast_append()

    # Ticks.

    def tick(self) -> None:
        self.elapsed += 1
        if self.state is StateType.LEADER:
            self.beat_elapsed += 1
            if self.elapsed >= ELECTION_TICKS:
                self.elapsed = 0
                self.check_quorum()
            if self.state is StateType.LEADER and self.beat_elapsed >= HEARTBEAT_TICKS:
                self.beat_elapsed = 0
                self.broadcast_heartbeat()
        elif self.elapsed >= self.patience:
            self.campaign()

    def check_quorum(self) -> None:
        if sum(p.recent_active for p in self.progress.values()) + 1 < self.quorum():
            self.become_follower(self.term, None)
        for p in self.progress.values():
            p.recent_active = False

    # What a leader sends.

    def broadcast_append(self) -> None:
        for peer in self.peers:
            self.send_append(peer)

    def broadcast_heartbeat(self) -> None:
        for peer, p in self.progress.items():
            p.paused = False
            prev = p.match if p.match >= self.offset else 0
            commit = min(prev, self.committed)
            self.messages.append((peer, AppendEntriesArgs(self.term, self.id, prev, self.term_of(prev), [], commit)))

    def send_append(self, peer: int) -> None:
        p = self.progress[peer]
        while not p.is_paused:
            if p.next <= self.offset:
                assert self.data is not None
                p.become(ProgressState.SNAPSHOT)
                p.pending_snapshot = self.offset
                self.messages.append(
                    (peer, InstallSnapshotArgs(self.term, self.id, self.offset, self.offset_term, self.data))
                )
                return
            entries = self.slice(p.next, MAX_BATCH)
            prev = p.next - 1
            self.messages.append(
                (peer, AppendEntriesArgs(self.term, self.id, prev, self.term_of(prev), entries, self.committed))
            )
            if p.state is ProgressState.PROBE:
                p.paused = True
                return
            if not entries:
                return
            p.next += len(entries)
            p.inflights.append(p.next - 1)
            if p.next > self.last_index:
                return

    def maybe_commit(self) -> bool:
        matches = sorted([self.stable, *(p.match for p in self.progress.values())], reverse=True)
        agreed = matches[self.quorum() - 1]
        if agreed > self.committed and self.term_of(agreed) == self.term:
            self.commit_to(agreed)
            return True
        return False

    # Step.

    @functools.singledispatchmethod
    def step(self, args: Any) -> Reply:
        raise TypeError(args)

    def meet(self, term: int, lead: int | None) -> None:
        if term > self.term:
            self.become_follower(term, lead)

    @step.register
    def _(self, args: RequestVoteArgs) -> Reply:
        self.meet(args.term, None)
        up_to_date = (args.last_log_term, args.last_log_index) >= (self.term_of(self.last_index), self.last_index)
        can_vote = self.vote == args.candidate_id or (self.vote is None and self.lead is None)
        if args.term == self.term and can_vote and up_to_date:
            self.elapsed, self.vote = 0, args.candidate_id
            return RequestVoteReply(self.term, True)
        return RequestVoteReply(self.term, False)

    @step.register
    def _(self, args: AppendEntriesArgs) -> Reply:
        if args.term < self.term:
            return AppendResponse(self.term, False)
        self.become_follower(args.term, args.leader_id)
        self.elapsed = 0
        if args.prev_log_index < self.committed:
            overlap = self.committed - args.prev_log_index
            last = args.prev_log_index + len(args.entries)
            if last <= self.committed:
                return AppendResponse(self.term, True, last=self.committed)
            args = replace(
                args,
                prev_log_index=self.committed,
                prev_log_term=self.term_of(self.committed),
                entries=args.entries[overlap:],
            )
        if args.prev_log_index > self.last_index or self.term_of(args.prev_log_index) != args.prev_log_term:
            hint = min(args.prev_log_index, self.last_index)
            while hint > self.committed and self.term_of(hint) > args.prev_log_term:
                hint -= 1
            return AppendResponse(self.term, False, reject_hint=hint)
        last = args.prev_log_index + len(args.entries)
        if conflict := self.find_conflict(args.prev_log_index + 1, args.entries):
            assert conflict > self.committed
            del self.entries[conflict - self.offset - 1 :]
            self.stable = min(self.stable, conflict - 1)
            self.entries += args.entries[conflict - args.prev_log_index - 1 :]
        self.commit_to(min(args.leader_commit, last))
        return AppendResponse(self.term, True, last=last)

    @step.register
    def _(self, args: InstallSnapshotArgs) -> Reply:
        if args.term >= self.term:
            self.become_follower(args.term, args.leader_id)
            self.elapsed = 0
            if args.last_included_index > self.committed:
                self.restore(args)
        return InstallSnapshotReply(self.term)

    def restore(self, args: InstallSnapshotArgs) -> None:
        if self.term_of(args.last_included_index) == args.last_included_term:
            self.commit_to(args.last_included_index)  # fast forward
            return
        self.entries = []
        self.offset, self.offset_term = args.last_included_index, args.last_included_term
        self.stable = self.committed = self.applied = self.offset
        self.data = self.new_data = args.data
        self.to_apply.append(ApplySnapshot(self.offset, self.offset_term, args.data))

    # Answers.

    def learn(self, peer: int, args: Any, reply: Any) -> None:
        if reply is not None:
            self.meet(reply.term, None)
        if args.term != self.term:
            return
        match args, reply, self.state:
            case RequestVoteArgs(), RequestVoteReply(vote_granted=granted), StateType.CANDIDATE:
                self.votes.setdefault(peer, granted)
                self.poll()
            case AppendEntriesArgs(entries=[]), None, StateType.LEADER:
                pass
            case AppendEntriesArgs(), None, StateType.LEADER:
                if self.progress[peer].state is ProgressState.REPLICATE:
                    self.progress[peer].become_probe()  # unreachable
            case AppendEntriesArgs(), AppendEntriesReply(), StateType.LEADER:
                self.learn_append(peer, args, reply)
            case InstallSnapshotArgs(), _, StateType.LEADER:
                self.learn_snapshot(peer, args, reply)

    def learn_append(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:
        p = self.progress[peer]
        p.recent_active = True
        if not reply.success:
            hint = getattr(reply, "reject_hint", -1)
            if p.maybe_decrease_to(args.prev_log_index, hint if hint >= 0 else args.prev_log_index - 1):
                if p.state is ProgressState.REPLICATE:
                    p.become_probe()
                self.send_append(peer)
            return
        last = args.prev_log_index + len(args.entries)
        was_paused = p.is_paused
        updated = p.maybe_update(last)
        if p.state is ProgressState.PROBE and (updated or p.match == last):
            p.become(ProgressState.REPLICATE)
            p.next = p.match + 1
        if updated and self.maybe_commit():
            self.broadcast_append()
        elif p.match < self.last_index and (updated or was_paused or not p.inflights):
            self.send_append(peer)

    def learn_snapshot(self, peer: int, args: InstallSnapshotArgs, reply: Reply | None) -> None:
        p = self.progress[peer]
        if reply is not None:
            p.recent_active = True
            updated = p.maybe_update(args.last_included_index)
            if p.state is ProgressState.SNAPSHOT and p.match >= p.pending_snapshot:
                p.become_probe()
            if updated and self.maybe_commit():
                self.broadcast_append()
            else:
                self.send_append(peer)
        elif p.state is ProgressState.SNAPSHOT and p.pending_snapshot == args.last_included_index:
            p.pending_snapshot = 0
            p.become_probe()

    # Ready.

    def ready(self) -> Ready:
        changed = self.hard != (self.term, self.vote) or self.stable < self.last_index or self.new_data is not None
        state = None
        if changed or self.answers:
            state = PersistentState(self.term, self.vote, self.entries, self.offset, self.offset_term)
        while self.applied < self.committed:
            self.applied += 1
            self.to_apply.append(ApplyCommand(self.applied, self.slice(self.applied, 1)[0].command))
        ready = Ready(state, self.new_data, self.messages, self.answers, self.to_apply)
        self.messages, self.answers, self.to_apply, self.new_data = [], [], [], None
        return ready

    def advance(self) -> None:
        self.hard, self.stable = (self.term, self.vote), self.last_index
        if self.state is StateType.LEADER and self.maybe_commit():
            self.broadcast_append()

    def compact(self, index: int, data: bytes) -> None:
        term = self.term_of(index)
        del self.entries[: index - self.offset]
        self.offset, self.offset_term, self.data = index, term, data


class Raft:
    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node, self.apply_ch = node, apply_ch
        disk = node.persister.load() or PersistentState(0, None, [])
        self.core = Core(node.me, node.peers, node.random, disk, node.persister.snapshot())
        self.work = trio.Event()
        self.work.set()

    async def run(self) -> None:
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.ticker)
            while True:
                await self.work.wait()
                self.work = trio.Event()
                self.handle(self.core.ready())

    async def ticker(self) -> None:
        while True:
            await trio.sleep(TICK)
            self.core.tick()
            self.work.set()

    def handle(self, ready: Ready) -> None:
        if ready.state is not None:
            self.node.persister.save(ready.state, ready.snapshot)
        for peer, args in ready.messages:
            self.nursery.start_soon(self.send, peer, args)
        for answer in ready.answers:
            answer()
        for message in ready.committed:
            self.apply_ch.send_nowait(message)
        self.core.advance()
        if self.core.messages or self.core.committed > self.core.applied:
            self.work.set()

    async def send(self, peer: int, args: Args) -> None:
        reply = None
        with trio.move_on_after(0.5):
            reply = await self.node.call(peer, args)
        self.core.learn(peer, args, reply)
        self.work.set()

    async def step(self, args: Args) -> Any:
        released = trio.Event()
        reply = self.core.step(args)
        self.core.answers.append(released.set)
        self.work.set()
        await released.wait()
        return reply

    request_vote = append_entries = install_snapshot = step

    def start(self, command: Command) -> tuple[int, int, bool]:
        if self.core.state is not StateType.LEADER:
            return 0, self.core.term, False
        self.core.append(command)
        self.work.set()
        return self.core.last_index, self.core.term, True

    def get_state(self) -> tuple[int, bool]:
        return self.core.term, self.core.state is StateType.LEADER

    def snapshot(self, index: int, snapshot: bytes) -> None:
        if not self.core.offset < index <= self.core.applied:
            return
        self.core.compact(index, snapshot)
        core = self.core
        self.node.persister.save(
            PersistentState(core.term, core.vote, core.entries, core.offset, core.offset_term), snapshot
        )

"""A server in two halves: a core that is a pure state machine, and a shell that does what the core asks for.

Written from the paper. `Core.step(event)` takes one event and returns a list of actions; it knows no clock, no network,
no disk and no trio. Time reaches it as ticks. The shell carries out the actions in their order: the write comes first.
A leader has at most one message with entries on its way to a peer whose log it does not know yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

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

TICK = 0.02
ELECTION_TICKS = (20, 50)
HEARTBEAT_TICKS = 6
AT_MOST = 40


# Events.


@dataclass(frozen=True)
class Ticked:
    pass


@dataclass(frozen=True)
class Asked:
    args: Args


@dataclass(frozen=True)
class Told:
    peer: int
    args: Args
    reply: Reply


@dataclass(frozen=True)
class Proposed:
    command: Command


@dataclass(frozen=True)
class Snapshotted:
    index: int
    data: bytes


Event: TypeAlias = Ticked | Asked | Told | Proposed | Snapshotted


# Actions.


@dataclass(frozen=True)
class Write:
    state: PersistentState
    snapshot: bytes | None = None


@dataclass(frozen=True)
class Ask:
    peer: int
    args: Args


@dataclass(frozen=True)
class Answer:
    reply: Reply


@dataclass(frozen=True)
class Hand:
    """Hand a message to the service."""

    message: ApplyMsg


Action: TypeAlias = Write | Ask | Answer | Hand


@dataclass
class Progress:
    """What a leader knows of a peer."""

    next_index: int
    match_index: int = 0
    probing: bool = True
    waiting: bool = False
    ticks: int = 0


@dataclass
class Core:
    me: int
    peers: tuple[int, ...]
    draw: Callable[[int, int], int]

    current_term: int = 0
    voted_for: int | None = None
    log: list[LogEntry] = field(default_factory=list)
    last_included_index: int = 0
    last_included_term: int = 0
    snapshot: bytes | None = None

    role: Literal["follower", "candidate", "leader"] = "follower"
    commit_index: int = 0
    last_applied: int = 0
    ticks_left: int = 0
    votes: frozenset[int] = frozenset()
    progress: dict[int, Progress] = field(default_factory=dict)

    actions: list[Action] = field(default_factory=list)
    dirty: bool = False
    new_snapshot: bytes | None = None

    def begin(self, state: PersistentState | None, snapshot: bytes | None) -> list[Action]:
        """Take up what an earlier incarnation left."""
        self.wind_up()
        if state is not None:
            self.current_term, self.voted_for, self.log = state.current_term, state.voted_for, list(state.log)
            self.last_included_index, self.last_included_term = state.last_included_index, state.last_included_term
            self.commit_index = self.last_applied = self.last_included_index
        self.snapshot = snapshot
        if snapshot is None:
            return []
        return [Hand(ApplySnapshot(self.last_included_index, self.last_included_term, snapshot))]

    def step(self, event: Event) -> list[Action]:
        """Take one event; return all that it leads to, in the order in which it must be done."""
        self.actions, self.dirty, self.new_snapshot = [], False, None
        match event:
            case Ticked():
                self.tick()
            case Asked(args):
                self.actions.append(Answer(self.answer(args)))
            case Told(peer, args, reply):
                self.take_reply(peer, args, reply)
            case Proposed(command):
                if self.role == "leader":
                    self.append(command)
            case Snapshotted(index, data):
                self.compact(index, data)
        while self.last_applied < self.commit_index:
            self.last_applied += 1
            self.actions.append(Hand(ApplyCommand(self.last_applied, self.entry(self.last_applied).command)))
        writes = [Write(self.state(), self.new_snapshot)] if self.dirty else []
        return [*writes, *self.actions]

    # The log.

    def state(self) -> PersistentState:
        base = (self.last_included_index, self.last_included_term)
        return PersistentState(self.current_term, self.voted_for, list(self.log), *base)

    @property
    def last_index(self) -> int:
        return self.last_included_index + len(self.log)

    def entry(self, index: int) -> LogEntry:
        assert index > self.last_included_index
        return self.log[index - self.last_included_index - 1]

    def term_at(self, index: int) -> int:
        return self.last_included_term if index == self.last_included_index else self.entry(index).term

    def after(self, index: int) -> list[LogEntry]:
        return self.log[index - self.last_included_index :]

    def keep_up_to(self, index: int) -> None:
        self.log = self.log[: index - self.last_included_index]

    def rebase(self, index: int, term: int, rest: list[LogEntry], data: bytes) -> None:
        self.log, self.last_included_index, self.last_included_term = rest, index, term
        self.snapshot = self.new_snapshot = data
        self.dirty = True

    def compact(self, index: int, data: bytes) -> None:
        if index > self.last_included_index:
            self.rebase(index, self.term_at(index), self.after(index), data)

    # Time.

    def wind_up(self) -> None:
        self.ticks_left = self.draw(*ELECTION_TICKS)

    def tick(self) -> None:
        if self.role == "leader":
            for peer, progress in self.progress.items():
                progress.ticks -= 1
                if progress.ticks <= 0:
                    progress.waiting = False
                    self.replicate(peer)
            return
        self.ticks_left -= 1
        if self.ticks_left <= 0:
            self.stand()

    def stand(self) -> None:
        self.role, self.current_term, self.voted_for = "candidate", self.current_term + 1, self.me
        self.votes, self.dirty = frozenset({self.me}), True
        self.wind_up()
        for peer in self.peers:
            last_term = self.term_at(self.last_index)
            self.actions.append(Ask(peer, RequestVoteArgs(self.current_term, self.me, self.last_index, last_term)))
        self.lead_if_elected()

    def lead_if_elected(self) -> None:
        if self.role == "candidate" and self.is_majority(len(self.votes)):
            self.role = "leader"
            self.progress = {peer: Progress(self.last_index + 1) for peer in self.peers}
            for peer in self.peers:
                self.replicate(peer)

    def is_majority(self, count: int) -> bool:
        return count > (len(self.peers) + 1) // 2

    def follow(self, term: int) -> None:
        if term > self.current_term:
            self.current_term, self.voted_for, self.dirty = term, None, True
        if self.role == "leader":
            self.wind_up()
        self.role = "follower"

    # Requests.

    def answer(self, args: Args) -> Reply:
        term = getattr(args, "term", 0)
        if term > self.current_term:
            self.follow(term)
        stale = term < self.current_term
        match args:
            case RequestVoteArgs():
                granted = not stale and self.grants(args)
                return RequestVoteReply(self.current_term, granted)
            case AppendEntriesArgs():
                return AppendEntriesReply(self.current_term, False) if stale else self.take_entries(args)
            case InstallSnapshotArgs():
                if not stale:
                    self.take_snapshot(args)
                return InstallSnapshotReply(self.current_term)
        raise AssertionError(args)

    def grants(self, args: RequestVoteArgs) -> bool:
        free = self.voted_for in (None, args.candidate_id)
        mine = (self.term_at(self.last_index), self.last_index)
        if not free or (args.last_log_term, args.last_log_index) < mine:
            return False
        self.voted_for, self.dirty = args.candidate_id, True
        self.wind_up()
        return True

    def take_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        self.follow(args.term)
        self.wind_up()
        prev = args.prev_log_index
        if prev > self.last_index:
            return AppendEntriesReply(self.current_term, False, conflict_index=self.last_index + 1)
        if prev >= self.last_included_index and self.term_at(prev) != args.prev_log_term:
            return AppendEntriesReply(self.current_term, False, conflict_index=self.start_of_term(prev))
        for index, entry in enumerate(args.entries, prev + 1):
            if index <= self.last_included_index:
                continue
            if index <= self.last_index and self.term_at(index) != entry.term:
                self.keep_up_to(index - 1)
            if index > self.last_index:
                self.log.append(entry)
                self.dirty = True
        self.commit_index = max(self.commit_index, min(args.leader_commit, prev + len(args.entries)))
        return AppendEntriesReply(self.current_term, True)

    def start_of_term(self, index: int) -> int:
        term = self.term_at(index)
        while index - 1 > self.last_included_index and self.term_at(index - 1) == term:
            index -= 1
        return max(index, 1)

    def take_snapshot(self, args: InstallSnapshotArgs) -> None:
        self.follow(args.term)
        self.wind_up()
        index, term = args.last_included_index, args.last_included_term
        if index <= self.commit_index:
            return
        same = index <= self.last_index and self.term_at(index) == term
        self.rebase(index, term, self.after(index) if same else [], args.data)
        self.commit_index = self.last_applied = index
        self.actions.append(Hand(ApplySnapshot(index, term, args.data)))

    # Leading.

    def append(self, command: Command) -> None:
        self.log.append(LogEntry(self.current_term, command))
        self.dirty = True
        for peer in self.peers:
            if not self.progress[peer].waiting:
                self.replicate(peer)
        self.commit()

    def replicate(self, peer: int) -> None:
        to = self.progress[peer]
        to.ticks = HEARTBEAT_TICKS
        if to.next_index <= self.last_included_index:
            to.probing = to.waiting = True
            base = (self.last_included_index, self.last_included_term)
            assert self.snapshot is not None
            self.actions.append(Ask(peer, InstallSnapshotArgs(self.current_term, self.me, *base, self.snapshot)))
            return
        prev = to.next_index - 1
        entries = [] if to.probing and to.waiting else self.after(prev)[:AT_MOST]
        args = AppendEntriesArgs(self.current_term, self.me, prev, self.term_at(prev), entries, self.commit_index)
        if to.probing:
            to.waiting = bool(entries)
        else:
            to.next_index += len(entries)
        self.actions.append(Ask(peer, args))

    def take_reply(self, peer: int, args: Args, reply: Reply) -> None:
        if getattr(reply, "term", 0) > self.current_term:
            self.follow(getattr(reply, "term", 0))
        if getattr(args, "term", 0) != self.current_term:
            return
        match args, reply:
            case RequestVoteArgs(), RequestVoteReply(vote_granted=True):
                self.votes |= {peer}
                self.lead_if_elected()
            case AppendEntriesArgs(), AppendEntriesReply(success=True) if self.role == "leader":
                self.advance(peer, args.prev_log_index + len(args.entries))
            case AppendEntriesArgs(), AppendEntriesReply() if self.role == "leader":
                self.go_back(peer, args.prev_log_index, reply.conflict_index)
            case InstallSnapshotArgs(), InstallSnapshotReply() if self.role == "leader":
                self.advance(peer, args.last_included_index)

    def advance(self, peer: int, index: int) -> None:
        to = self.progress[peer]
        if index >= to.match_index:
            to.match_index = index
            to.next_index = index + 1 if to.probing else max(to.next_index, index + 1)
            to.probing = to.waiting = False
            self.commit()
            if to.next_index <= self.last_index:
                self.replicate(peer)

    def go_back(self, peer: int, prev: int, hint: int | None) -> None:
        to = self.progress[peer]
        if prev < to.match_index or (to.probing and prev != to.next_index - 1):
            return
        to.next_index = max(to.match_index + 1, min(prev, hint if hint is not None else prev))
        to.probing, to.waiting = True, False
        self.replicate(peer)

    def commit(self) -> None:
        matches = sorted([self.last_index, *(to.match_index for to in self.progress.values())], reverse=True)
        index = matches[len(matches) // 2]
        if index > self.commit_index and self.term_at(index) == self.current_term:
            self.commit_index = index


class Raft:
    """The shell."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.core = Core(node.me, node.peers, node.random.randint)
        self.carry_out(self.core.begin(node.persister.load(), node.persister.snapshot()))

    async def run(self) -> None:
        async with trio.open_nursery() as self.nursery:
            while True:
                await trio.sleep(TICK)
                self.carry_out(self.core.step(Ticked()))

    def carry_out(self, actions: list[Action]) -> Any:
        """Do it; return the answer if there is one."""
        answer = None
        for action in actions:
            match action:
                case Write(state, snapshot):
                    self.node.persister.save(state, snapshot)
                case Ask(peer, args):
                    self.nursery.start_soon(self.ask, peer, args)
                case Hand(message):
                    self.apply_ch.send_nowait(message)
                case Answer(reply):
                    answer = reply
        return answer

    async def ask(self, peer: int, args: Any) -> None:
        with trio.move_on_after(1.5):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.carry_out(self.core.step(Told(peer, args, reply)))

    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        return self.carry_out(self.core.step(Asked(args)))  # type: ignore[no-any-return]

    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        return self.carry_out(self.core.step(Asked(args)))  # type: ignore[no-any-return]

    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        return self.carry_out(self.core.step(Asked(args)))  # type: ignore[no-any-return]

    def get_state(self) -> tuple[int, bool]:
        return self.core.current_term, self.core.role == "leader"

    def start(self, command: Command) -> tuple[int, int, bool]:
        self.carry_out(self.core.step(Proposed(command)))
        return self.core.last_index, *self.get_state()

    def snapshot(self, index: int, snapshot: bytes) -> None:
        self.carry_out(self.core.step(Snapshotted(index, snapshot)))

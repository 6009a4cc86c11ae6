"""One case: bytes that become a run, in which servers without code send what the bytes determine. Most of it is nearly
right, so that it gets far: terms, indices and entries are near to those of their logs. Some of it is far from anything.
All goes the way of a server in a process of its own: it is encoded, put into a frame, perhaps damaged there, decoded,
looked through, carried and judged.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from labs.checking.checker import Checker, Checkers, Violation
from labs.checking.configuration import Configuration
from labs.checking.outcome import Outcome, Outcomes
from labs.codec import meaning
from labs.codec import messages as codec
from labs.codec.limits import MAX_INDEX, MAX_TERM, Refused
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    PingArgs,
    PingReply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.checkers import checkers
from labs.raft.curriculum import STAGES
from labs.raft.protocol import STATE
from labs.raft.rules import RULES
from labs.raft.stages.steps import LATE_AND_TWICE
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.frames import Answer, BadFrame
from labs.sim.hosts.process.validate import Customs
from labs.sim.hosts.process.zygote_client import decode_frame
from labs.sim.kernel import Kernel
from labs.sim.scheduler import Scheduler
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Applied, AppliedSnapshot, Called, Failed, Noted, Output, Replied
from labs.sim.server.persister import DiskPersister
from labs.sim.stops import ServerFailed, Stop
from labs.sim.world import World
from labs.trace.events import Connect, Cut, Start
from labs.trace.recorder import Recorder

ODD: tuple[Any, ...] = (-1, -2, True, None, "x", 1.5, 2**62, -(2**63), MAX_INDEX, MAX_INDEX + 1, MAX_TERM, 99, b"", [])
COMMANDS: tuple[Any, ...] = (
    1,
    "a",
    None,
    2,
    True,
    1.0,
    b"\0",
    [1, [2, {"a": None}]],
    {"k": [], "l": {}},
    "x" * 5000,
    -1,
)
MOST_EVENTS = 2_000
"""A case with more events is cut short: it has become a flood."""


@dataclasses.dataclass(frozen=True)
class OwnVote(RequestVoteArgs):
    own: Any = None


@dataclasses.dataclass(frozen=True)
class OwnAppend(AppendEntriesArgs):
    own: Any = None


@dataclasses.dataclass(frozen=True)
class OwnReply(AppendEntriesReply):
    own: Any = None


@dataclasses.dataclass(frozen=True)
class OwnInstall(InstallSnapshotArgs):
    own: Any = None


@dataclasses.dataclass(frozen=True)
class OwnEntry(LogEntry):
    own: Any = None


@dataclasses.dataclass(frozen=True)
class OwnState(PersistentState):
    own: Any = None


class Bytes:
    """The bytes of a case, taken one by one; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def over(self) -> bool:
        return self._at >= len(self._data)

    def below(self, most: int) -> int:
        """Return a number from 0 to `most` - 1."""
        self._at += 1
        return self._data[self._at - 1] % most if self._at <= len(self._data) else 0

    def one_of(self, values: Any) -> Any:
        return values[self.below(len(values))]

    def rarely(self) -> bool:
        return self.below(32) == 31


class Speaker:
    """An incarnation without code (labs.sim.server.handle.Handle); its outputs go through frames and their checks."""

    def __init__(self, world: World, server: int, disk: Disk, draw: Bytes, faults: list[str]) -> None:
        self.server, self.disk = server, disk.copy()
        self.outbox: list[Output] = []
        self.fenced = self.failed = False
        self.passes = 0
        self.tickets: list[tuple[int, type]] = []
        self.answer: tuple[int, int, bool] | None = None
        self.waiting: list[int] = []
        self._world, self._draw, self._faults = world, draw, faults
        self._said: list[Output] = []
        self._calls = 0
        self._customs = Customs(server, world.size, disk)
        self.persister = DiskPersister(self.disk, self._emit, lambda name: None, world.size)
        self.term, self.leads = self.saved.current_term, False

    # What a kernel requires of an incarnation.

    def begin(self, nursery: Any) -> None:
        pass

    def pause(self) -> None: ...
    def resume(self) -> None: ...

    def wake(self) -> None:
        pass

    def request(self, ticket: int, data: bytes) -> None:
        self._customs.hand_out(ticket, data)
        self.tickets.append((ticket, codec.base_class(data)))

    def reply(self, call: int, data: bytes | None) -> bool:
        if call not in self.waiting:
            return False
        self.waiting.remove(call)
        self._customs.waiting.discard(call)
        return True

    def state(self, quietly: bool = False) -> tuple[int, bool] | None:
        return meaning.state_of((self.term, self.leads))

    def start(self, command: bytes) -> tuple[int, int, bool] | None:
        return meaning.promise_of(self.answer)

    def snapshot(self, index: int, data: bytes) -> None:
        if self._draw.below(2) and index <= self.disk.last_index:
            with contextlib.suppress(Refused):
                self.save(self.log[index - self.disk.base :], index, self.term, data)

    def crash(self) -> None:
        self.fenced = True

    end = crash

    def why_not_ended(self) -> Failed | None:
        return None

    def where(self) -> str:
        return "raft.py:1 in run"

    # Its outputs.

    @property
    def saved(self) -> Any:
        """What is on its disk, without the log."""
        return STATE.decode_fields(self.disk.fields) if self.disk.written else PersistentState(0, None, [])

    @property
    def log(self) -> list[LogEntry]:
        return [codec.decode_base_entry(entry) for entry in self.disk.entries]

    def _emit(self, output: Output, size: int) -> None:
        self._said.append(output)

    def call(self, peer: int, args: Any) -> None:
        data = codec.encode_message(args, self._world.size)
        self._calls += 1
        self.waiting.append(self._calls)
        self._emit(Called(self._calls, peer, data), len(data))

    def answer_request(self, reply: Any, at: int) -> None:
        ticket, _ = self.tickets.pop(at)
        self._emit(Replied(ticket, codec.encode_message(reply)), 0)

    def save(self, log: list[LogEntry], base: int, base_term: Any, snapshot: bytes | None, **own: Any) -> None:
        saved = self.saved.voted_for
        vote = self._draw.one_of((None, self.server, 0, 1, saved, saved))
        vote = self._draw.one_of(ODD) if self._draw.rarely() else vote
        cls = OwnState if own else PersistentState
        self.persister.save(cls(self.term, vote, log, base, base_term, **own), snapshot)

    def apply(self, index: Any, command: Any) -> None:
        meaning.check_int(index, "index")
        meaning.check_index(index, "index")
        self._emit(Applied(index, codec.encode_command(command)), 0)

    def apply_snapshot(self, index: Any, term: Any, data: bytes) -> None:
        meaning.check_int(index, "index")
        meaning.check_index(index, "index")
        meaning.check_int(term, "term")
        meaning.check_term(term, "term")
        self._emit(AppliedSnapshot(index, term, data), 0)

    def note(self, text: str) -> None:
        self._emit(Noted(text, False), 0)

    def speak(self) -> None:
        """Let all outputs go through a frame, which may be damaged, and through the customs."""
        said, self._said = self._said, []
        if not said or self.fenced:
            return
        record = Answer(1, math.inf, False, said, [], meaning.state_of((self.term, self.leads)), [])  # type: ignore[arg-type]
        data = frames.encode(record)
        damaged = self._damage(data) if self._draw.below(128) == 127 else data
        try:
            answer = decode_frame(damaged, frames.decode_from_server)
            if not isinstance(answer, Answer):
                raise BadFrame("a frame out of turn")
            self._customs.check(answer)
        except BadFrame as error:
            if damaged == data:
                self._faults.append(f"the customs refuse what the lab itself lets through: {error!r}")
            self.outbox, self.failed = [Failed("died", "sent an impossible frame", "")], True
            return
        self.outbox += answer.outbox

    def _damage(self, data: bytes) -> bytes:
        """Return a frame of which some bytes are others, are gone, or come twice."""
        draw, damaged = self._draw, bytearray(data)
        for _ in range(1 + draw.below(3)):
            at = (draw.below(256) << 8 | draw.below(256)) % len(damaged)
            match draw.below(4):
                case 0:
                    damaged[at] = draw.below(256)
                case 1:
                    damaged[at] = (damaged[at] + 1) % 256
                case 2:
                    del damaged[at : at + 1 + draw.below(8)]
                case _:
                    damaged[at:at] = damaged[at : at + 1 + draw.below(64)]
            if not damaged:
                break
        return bytes(damaged)


class _Hosts:
    """Makes speakers."""

    apart = False

    def __init__(self, draw: Bytes, faults: list[str]) -> None:
        self._draw, self._faults = draw, faults

    def attach(self, world: World, scheduler: Scheduler, on_failure: Callable[[int, Failed], None]) -> None:
        self._world = world

    def make(self, server: int, number: int, disk: Disk) -> Speaker:
        return Speaker(self._world, server, disk, self._draw, self._faults)

    def run(self) -> None:
        pass

    def deadline(self) -> float:
        return math.inf

    def over_budget(self, server: int) -> bool:
        return False


def _deaf(checker: Checker) -> Checker:
    """Return a checker whose violations do not end the run: so a case goes on, and all checkers see all of it."""
    deaf = Checker()
    for name in dir(checker):
        if name.startswith("on_"):
            setattr(deaf, name, _without_violations(getattr(checker, name)))
    return deaf


def _without_violations(method: Callable[[Any], None]) -> Callable[[Any], None]:
    def see(event: Any) -> None:
        try:
            method(event)
        except Violation as violation:
            assert len(violation.message) < 4000, "a text without a bound"

    return see


class _GoesOn(Kernel):
    """A kernel that only failures end, and no broken rules."""

    def end_with(self, stop: Stop) -> None:
        if isinstance(stop, ServerFailed):
            super().end_with(stop)


class Case:
    """A run that bytes determine."""

    def __init__(self, data: bytes) -> None:
        draw = self._draw = Bytes(data)
        self.faults: list[str] = []
        self.size = draw.one_of((3, 3, 1, 2, 5))
        stage = draw.one_of(list(STAGES)[::-1])
        found = checkers(Configuration.of_size(self.size), STAGES[stage], counted=True)
        self._shadow = found.model
        seeing = [*found.judges, *([found.model] if found.model is not None else [])]
        self._goes_on = draw.below(4) > 0
        """Whether violations and failures of servers end nothing: so the case comes far."""
        if self._goes_on:
            seeing = [_deaf(checker) for checker in seeing]
        self._outcomes = Outcomes(RULES)
        self.kernel = (_GoesOn if self._goes_on else Kernel)(
            servers=self.size,
            seed=draw.below(4),
            program=SimpleNamespace(),  # type: ignore[arg-type]
            conditions=LATE_AND_TWICE,
            recorder=Recorder(),
            observe=Checkers(None, seeing).observer(),
            conclude=self._outcomes.conclude,
            paces=[draw.one_of((10, 3, 5)) for _ in range(self.size)] if draw.below(4) else [],
            hosts=_Hosts(draw, self.faults),
        )
        self.kernel._nursery = SimpleNamespace(cancel_scope=SimpleNamespace(cancel=lambda: None))  # type: ignore[assignment]
        if self._goes_on:
            self.kernel.dispatcher._carry[Failed] = lambda speaker, failed: None
        self.refused = 0
        """So often something was refused where the error would name the submission's line."""

    def run(self) -> Outcome | None:
        """Do everything that the bytes determine, until the run ends; return its outcome."""
        kernel, draw = self.kernel, self._draw
        for server in range(self.size):
            kernel.restart(server)
        while not draw.over and not kernel.closing and kernel.recorder.events < MOST_EVENTS:
            speaker = kernel.world.incarnations[draw.below(self.size)]
            act = draw.one_of(_ACTS)
            if act in _OF_ALL:
                act(self)
            elif isinstance(speaker, Speaker):
                try:
                    act(self, speaker)
                except Refused:
                    self.refused += 1
                if draw.below(3) == 0:
                    self._flush(speaker)
        for speaker in kernel.world.incarnations:
            if isinstance(speaker, Speaker) and not kernel.closing:
                self._flush(speaker)
        kernel.recorder.digest()
        return self._outcomes.last

    def _flush(self, speaker: Speaker) -> None:
        speaker.speak()
        if speaker is self.kernel.world.incarnations[speaker.server]:
            self.kernel.touch(speaker)
        if speaker.failed and not self.kernel.closing:
            self.kernel.restart(speaker.server)

    # Values that are nearly right.

    def _term(self, speaker: Speaker) -> Any:
        draw = self._draw
        if draw.rarely():
            return draw.one_of(ODD)
        speaker.term = max(speaker.term, 0) + draw.one_of((0, 0, 0, 0, 0, 1))
        return draw.one_of(
            (speaker.term, speaker.term, speaker.term, speaker.term, speaker.term - 1, speaker.term + 1, 0, 1)
        )

    def _index(self, speaker: Speaker) -> Any:
        draw, disk = self._draw, speaker.disk
        if draw.rarely():
            return draw.one_of(ODD)
        last, applied = disk.last_index, self.kernel.world.service.index(speaker.server)
        return draw.one_of(
            (
                last,
                last,
                last + 1,
                last - 1,
                0,
                1,
                disk.base,
                applied,
                applied + 1,
                last + 2,
                MAX_INDEX - 4,
            )
        )

    def _entries(self, speaker: Speaker) -> Any:
        draw = self._draw
        if draw.rarely():
            return draw.one_of(ODD)
        cls = OwnEntry if draw.rarely() else LogEntry
        return [cls(self._term(speaker), draw.one_of(COMMANDS)) for _ in range(draw.one_of((0, 1, 1, 2, 3)))]

    def _peer(self, speaker: Speaker) -> int:
        others = [server for server in range(self.size) if server != speaker.server]
        if not others:
            raise Refused("nobody to speak to")
        return int(self._draw.one_of(others))

    def _name(self, speaker: Speaker) -> Any:
        return self._draw.one_of(ODD) if self._draw.rarely() else speaker.server

    def _own(self, base: type, own: type, *fields: Any) -> Any:
        """Return a message, seldom of a class of the submission's own."""
        if self._draw.below(12):
            return base(*fields)
        return own(*fields, own=self._draw.one_of((True, 1, None, *COMMANDS)))

    def _data(self, speaker: Speaker) -> bytes:
        """Return a snapshot's bytes: the service's own, another's, or none."""
        server = self._draw.one_of((speaker.server, speaker.server, 0))
        data = self.kernel.world.service.snapshot(server)
        return bytes(self._draw.one_of((data, data, data, speaker.disk.snapshot or b"", b"forged", data[:-1])))

    # The servers' outputs.

    def ask_for_vote(self, speaker: Speaker) -> None:
        at = (self._index(speaker), self._term(speaker))
        last = self._draw.one_of(((speaker.disk.last_index, speaker.log[-1].term if speaker.log else 0), at))
        speaker.call(
            self._peer(speaker), self._own(RequestVoteArgs, OwnVote, self._term(speaker), self._name(speaker), *last)
        )

    def append(self, speaker: Speaker) -> None:
        index = self._index(speaker)
        log, base = speaker.log, speaker.disk.base
        in_log = type(index) is int and base < index <= speaker.disk.last_index
        prev_term = log[index - base - 1].term if in_log and self._draw.below(4) else self._term(speaker)
        entries = log[index - base :] if in_log and self._draw.below(2) else self._entries(speaker)
        fields = (self._term(speaker), self._name(speaker), index, prev_term, entries, self._index(speaker))
        speaker.call(self._peer(speaker), self._own(AppendEntriesArgs, OwnAppend, *fields))

    def install(self, speaker: Speaker) -> None:
        fields = (
            self._term(speaker),
            self._name(speaker),
            self._index(speaker),
            self._term(speaker),
            self._data(speaker),
        )
        speaker.call(self._peer(speaker), self._own(InstallSnapshotArgs, OwnInstall, *fields))

    def ping(self, speaker: Speaker) -> None:
        speaker.call(self._peer(speaker), PingArgs(self._draw.below(9)))

    def answer(self, speaker: Speaker) -> None:
        if not speaker.tickets:
            return
        at = self._draw.below(len(speaker.tickets))
        kind = speaker.tickets[at][1]
        term = self._term(speaker)
        if kind is RequestVoteArgs:
            reply: Any = RequestVoteReply(term, bool(self._draw.below(2)))
        elif kind is AppendEntriesArgs:
            reply = self._own(AppendEntriesReply, OwnReply, term, self._draw.below(3) > 0, None, None)
        else:
            reply = InstallSnapshotReply(term) if kind is InstallSnapshotArgs else PingReply(1)
        speaker.answer_request(reply, at)

    def save(self, speaker: Speaker) -> None:
        draw, disk = self._draw, speaker.disk
        log, base, base_term = speaker.log, disk.base, speaker.saved.last_included_term
        entries = self._entries(speaker)
        match draw.below(8):
            case 0:
                log = log[: draw.below(len(log) + 1)]
            case 1 | 2 | 3:
                log = log + entries if isinstance(entries, list) else entries
            case 4:
                base, base_term, log = self._index(speaker), self._term(speaker), log[draw.below(4) :]
            case 5:
                log = [*log[:-1], *(entries if isinstance(entries, list) else [])]
        self._term(speaker)
        own = {"own": draw.one_of(COMMANDS)} if draw.below(12) == 0 else {}
        speaker.save(log, base, base_term, self._data(speaker) if draw.below(6) == 0 else None, **own)

    def apply(self, speaker: Speaker) -> None:
        index = self._draw.one_of((self.kernel.world.service.index(speaker.server) + 1, self._index(speaker)))
        at = index - speaker.disk.base - 1 if type(index) is int else -1
        mine = speaker.log[at].command if 0 <= at < len(speaker.log) else None
        speaker.apply(index, self._draw.one_of((mine, mine, mine, *COMMANDS)))

    def apply_snapshot(self, speaker: Speaker) -> None:
        speaker.apply_snapshot(self._index(speaker), self._term(speaker), self._data(speaker))

    def note(self, speaker: Speaker) -> None:
        speaker.note(self._draw.one_of(("x", "\0", "ä" * 2000, "")))

    def change_role(self, speaker: Speaker) -> None:
        self._term(speaker)
        speaker.leads = self._draw.below(2) == 0

    def abandon(self, speaker: Speaker) -> None:
        if speaker.waiting:
            call = speaker.waiting.pop(0)
            speaker._customs.waiting.discard(call)

    # What happens to them.

    def start(self, speaker: Speaker) -> None:
        kernel, draw = self.kernel, self._draw
        speaker.answer = (self._index(speaker), self._term(speaker), draw.below(3) > 0)
        command = draw.one_of(COMMANDS)
        answer = speaker.start(b"")
        kernel.touch(speaker)
        if answer is not None and not kernel.closing:
            kernel.record(Start(kernel.now, speaker.server, command, *answer))

    def crash(self, speaker: Speaker) -> None:
        if self._draw.below(3):
            self.kernel.restart(speaker.server)
        else:
            self.kernel.crash(speaker.server)

    def crash_later(self, speaker: Speaker) -> None:
        self.kernel.dispatcher.arm_crash(speaker.server, self._draw.one_of(("save", "reply", "send")), 1)

    def restart_all(self) -> None:
        for server in range(self.size):
            if self.kernel.world.incarnations[server] is None and not self.kernel.closing:
                self.kernel.restart(server)

    def let_time_pass(self) -> None:
        kernel = self.kernel
        kernel.world.clock.now += self._draw.one_of((0.001, 0.01, 0.05, 0.3, 2.0))
        kernel._hand_out()
        kernel.dispatcher.flush()

    def cut(self) -> None:
        kernel, server = self.kernel, self._draw.below(self.size)
        links = [(server, other) for other in range(self.size) if other != server]
        if kernel.world.network.is_connected(server):
            kernel.world.network.disconnect(server)
            kernel.record(Cut(kernel.now, server, links))
        else:
            kernel.world.network.connect(server)
            kernel.record(Connect(kernel.now, server, links))


_OF_ALL = (Case.restart_all, Case.let_time_pass, Case.cut)
_ACTS: tuple[Any, ...] = (
    *[Case.let_time_pass] * 7,
    *[Case.append] * 6,
    *[Case.answer] * 6,
    *[Case.save] * 4,
    *[Case.ask_for_vote] * 3,
    *[Case.change_role] * 3,
    *[Case.apply] * 3,
    *[Case.start] * 2,
    *[Case.install] * 2,
    Case.apply_snapshot,
    Case.ping,
    Case.note,
    Case.abandon,
    Case.crash,
    Case.crash_later,
    Case.restart_all,
    Case.cut,
)

"""A run under way: takes commands, lets virtual time pass, and has the lines of its trace ready for the page.

The cluster stands still between two calls. To rewind, the run is repeated from its seed and what was played. Knows
neither sockets nor pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from labs.engine.thread_alarm import ThreadAlarm
from labs.play import commands as cmd
from labs.play.presets import presets
from labs.report.json_files import write_whole
from labs.report.page.write import VERDICT, verdict_line
from labs.schedule import actions as act
from labs.schedule import text
from labs.schedule.actions import AnyAction, Schedule
from labs.schedule.folder import FOLDER
from labs.schedule.session import Session
from labs.sim.loader.program import Program
from labs.sim.net.interception import Address

LONGEST = 600.0
"""The virtual seconds that a schedule may have."""
FASTEST = 1000.0
"""The most virtual seconds per real second."""
MOST = 0.25
"""The most real seconds that one call of `pass_time` counts."""


SPOILED = (
    "a server that never yields has spoiled this cluster: fix the loop, end the command with Ctrl-C, and start it again"
)
"""What comes next after an alarm."""
BROKEN = "the run is over: choose an earlier event, and rewind to it"
"""What comes next after a violation."""
RECOVERED = "the schedule is over, and the cluster has recovered; rewind to go on from an earlier moment"
ENDS = (
    "here the schedule ends. Run goes on as a replay does: all faults end, and the cluster must recover."
    " If you do something now, it goes on without that"
)
RECOVERS = "the schedule is over: all faults have ended, and the cluster must recover; to do something, rewind first"
LONG = f"{LONGEST:g} s are the most that can be played; rewind to go on from an earlier moment"
NOBODY = "nobody leads now: let time pass, or choose a server"


class Refused(Exception):
    """A command that makes no sense; the text names the reason."""


class Lines:
    """Where the trace goes: its lines, without the header."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self._seen_header = False

    def write(self, data: Any) -> int:
        lines = bytes(data).splitlines(keepends=True)
        self.events += lines if self._seen_header else lines[1:]
        self._seen_header = True
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""


class Live:
    """One cluster that is played with."""

    def __init__(self, schedule: Schedule, submission: Path | str | Program) -> None:
        self.speed = 0.0
        self.by_hand = False
        self.epoch = 0
        """How often the run was begun again: another one has other lines."""
        self._plan = schedule
        self._lines = Lines()
        self._session = Session(
            schedule,
            submission,
            trace=cast(Any, self._lines),
            wait=ThreadAlarm().wait,
            recovers=schedule.duration > 0.0,
        )
        self._busy: list[tuple[float, Iterator[float]]] = []
        """The presets under way, each with the virtual time at which it goes on."""
        self._ordinals: dict[tuple[str, int, int, str], int] = {}
        self._leads: dict[int, int] = {}
        """The servers that lead, with their terms."""
        self._read = 0
        self._read_on(hold=False)

    @property
    def servers(self) -> range:
        return range(self._plan.servers)

    @property
    def now(self) -> float:
        return self._session.now

    @property
    def is_over(self) -> bool:
        return self._session.record is not None

    @property
    def rule(self) -> str | None:
        """The rule that the run broke, if it is over."""
        return self._session.record.rule if self._session.record is not None else None

    @property
    def next_words(self) -> str:
        """What to do now that the run is over, if rewinding cannot help."""
        return SPOILED if self.rule == "NoStall" else ""

    @property
    def words(self) -> str:
        """What to know about the moment at which the run stands, or ""."""
        if self.is_over:
            return self.next_words or (RECOVERED if self._session.is_recovering and self.rule is None else BROKEN)
        if self._session.is_recovering:
            return RECOVERS
        if self.now >= LONGEST:
            return LONG
        return ENDS if self.now == self._session.end_of_schedule else ""

    @property
    def lines(self) -> list[bytes]:
        """The lines of the trace so far."""
        return self._lines.events

    def leader(self) -> int | None:
        return max(self._leads, key=lambda server: self._leads[server], default=None)

    def pass_time(self, seconds: float) -> None:
        """Let virtual time pass for this many real seconds, at the chosen speed; it stops where the schedule ends."""
        if not self.speed:
            return
        end = self._session.end_of_schedule
        end = end if self.now < end else LONGEST
        self.run_until(min(self.now + min(seconds, MOST) * self.speed, end, LONGEST))
        if self.is_over or self.now >= end:
            self.speed = 0.0

    def run_until(self, time: float) -> None:
        """Go on to a virtual time; presets under way act when it is their turn."""
        while self._busy and self._busy[0][0] <= time and not self.is_over:
            self._go(self._busy[0][0])
            self._continue_due()
        self._go(time)

    def act(self, action: AnyAction) -> None:
        """Do something to the cluster now."""
        if why := text.why_not(action, self._plan.stage, self._plan.servers):
            raise Refused(why)
        if self._session.is_recovering and not self.is_over:
            raise Refused(RECOVERS)
        self._session.act(action)
        self._read_on()

    def answer(self, action: AnyAction) -> str:
        """Do something to the cluster now; return how a server answered, or ""."""
        if self.is_over:
            raise Refused(self.words)
        before, done = len(self.lines), len(self._session.schedule.steps)
        self.act(action)
        if len(self._session.schedule.steps) == done:
            raise Refused(NOBODY)
        if not isinstance(action, act.Propose) or self.is_over:
            return ""
        answers = [event for event in map(msgspec.json.decode, self.lines[before:]) if event["kind"] == "start"]
        if not answers:
            return "nobody answered: a server that is down or paused takes nothing"
        return "; ".join(map(_answer, answers))

    def take(self, command: cmd.AnyCommand) -> str:
        """Carry out a command; return words about it, or ""."""
        match command:
            case cmd.Act():
                return self.answer(command.action)
            case cmd.Run():
                if command.speed and (self.is_over or self.now >= LONGEST):
                    raise Refused(self.words)
                self.speed = max(0.0, min(command.speed, FASTEST))
            case cmd.Speed():
                self.speed = max(0.0, min(command.speed, FASTEST)) if self.speed else 0.0
            case cmd.StepOn():
                self.speed = 0.0
                self._session.step(min([LONGEST, *(due for due, _ in self._busy[:1])]))
                self._read_on()
                self._continue_due()
            case cmd.Until():
                self.speed = 0.0
                self.run_until(min(command.time, LONGEST))
            case cmd.Rewind():
                self.rewind(command.time)
            case cmd.ByHand():
                if self._session.is_recovering:
                    raise Refused(self.words)
                self.by_hand = command.is_on
                if not command.is_on:
                    self._release_all()
            case cmd.Preset():
                self._begin(command.name)
            case cmd.Keep():
                return self.keep(command)
        return ""

    def rewind(self, time: float) -> None:
        """Repeat the run up to a virtual time; what was done by hand later is forgotten, what was planned is not."""
        if self.next_words:
            raise Refused(self.next_words)
        lines = Lines()
        time = min(max(time, 0.0), self.now)
        self._session = self._session.rewound(time, self._plan, cast(Any, lines))
        self._lines, self._read, self.epoch, self.speed = lines, 0, self.epoch + 1, 0.0
        self._busy, self._ordinals, self._leads = [], {}, {}
        self._read_on(hold=False)

    def keep(self, command: cmd.Keep) -> str:
        """Write what was played as a schedule; return where it is."""
        name = re.sub(r"[^a-z0-9]+", "-", command.name.lower()).strip("-")[:40] or "play"
        folder = FOLDER if command.where == "tests" else Path("out")
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}{text.SUFFIX}"
        if command.where == "tests" and path.exists():
            raise Refused(f"there is a {path.as_posix()} already; choose another name")
        title = " ".join(command.name.split())[:60] or "play"
        written = text.write(msgspec.structs.replace(self._session.schedule, name=title, rule=self.rule or ""))
        try:
            text.parse(written)
        except text.BadSchedule as error:  # `make test` reads it from now on
            raise Refused(f"cannot be kept: {error}") from None
        write_whole(path, written.encode())
        how = f"make test TEST={name}" if command.where == "tests" else f"make play FILE={path.as_posix()}"
        return f"kept as {path.as_posix()}: {how}"

    def end(self) -> None:
        """End the run."""
        self._session.end()

    # Inside.

    def _go(self, time: float) -> None:
        if not self.by_hand:
            self._session.run_until(time)
            self._read_on()
            return
        while self.now < time and not self.is_over:  # stop at each event, to hold the messages that it sends
            self._session.step(time)
            self._read_on()

    def _begin(self, name: str) -> None:
        found = presets(self._plan.stage, self._plan.servers).get(name)
        if found is None:
            raise Refused("there is no such situation")
        if self._session.is_recovering:
            raise Refused(self.words)
        if self.leader() is None:
            raise Refused("there is no leader yet: let time pass first")
        self._continue(found(self))

    def _continue_due(self) -> None:
        """Let the presets act whose turn has come."""
        while self._busy and self._busy[0][0] <= self.now:
            self._continue(self._busy.pop(0)[1])

    def _continue(self, preset: Iterator[float]) -> None:
        wait = next(preset, None)
        if wait is not None:
            self._busy.append((self.now + wait, preset))
            self._busy.sort(key=lambda one: one[0])

    def _read_on(self, hold: bool = True) -> None:
        """Take note of the events that are new: who leads, and by hand the messages to hold."""
        held: list[Address] = []
        if self._session.is_recovering:  # it lets go of all messages, and nothing is done meanwhile
            self.by_hand, self._busy = False, []
        record = self._session.record
        if record is not None and not (self.lines and self.lines[-1].startswith(VERDICT)):
            self.lines.append(verdict_line(record))
        while self._read < len(self.lines):
            event = msgspec.json.decode(self.lines[self._read])
            self._read += 1
            self._note(event)
            address = self._name(event)
            if address is not None and hold and self.by_hand:
                held.append(address)
        for address in held:
            self._session.act(act.Hold(address))

    def _note(self, event: dict[str, Any]) -> None:
        if event["kind"] == "role" and event["is_leader"]:
            self._leads[event["server"]] = event["term"]
        elif event["kind"] in ("role", "crash"):
            self._leads.pop(event["server"], None)

    def _name(self, event: dict[str, Any]) -> Address | None:
        """Return the name of the message that an event sends, and count it."""
        if event["kind"] not in ("send", "reply"):
            return None
        leg = "request" if event["kind"] == "send" else "reply"
        key = (event["call"], event["server"], event["peer"], leg)
        self._ordinals[key] = self._ordinals.get(key, 0) + 1
        return Address(key[0], key[1], key[2], self._ordinals[key], cast(Any, leg))

    def _release_all(self) -> None:
        """Deliver what is held by hand."""
        held: dict[Address, None] = {}
        for step in self._session.schedule.steps:
            if isinstance(step.action, act.Hold):
                held[step.action.message] = None
            elif isinstance(step.action, act.Release | act.Drop | act.Delay | act.Duplicate):
                held.pop(step.action.message, None)
        for address in held:
            self._session.act(act.Release(address))
        self._read_on()


def _answer(event: dict[str, Any]) -> str:
    """Return what a server answered to a proposal, in words."""
    server, command = event["server"], event["command"]
    if not event["is_leader"]:
        return f"server {server} does not lead, and takes nothing"
    return f"server {server} takes {command!r} as entry {event['index']} of term {event['term']}"

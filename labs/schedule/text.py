"""The file format of schedules: one action per line, in words that a student reads without a manual.

    raft-schedule 1
    name      an old leader's entry
    stage     2B
    servers   3
    network   reliable
    seed      17
    duration  8

    1       propose leader 'x1'
    1.5     isolate leader
      and   propose all 'x2'
    4.25    connect 0
    5       hold AppendEntries 0>1 #12

A line begins with a time in virtual seconds; `and` stands for "at once": no server acts between this line and the one
before. `#` at the beginning of a line starts a comment. It is plain text and not JSON because it is written and
changed by hand, compared line by line with `diff`, and quoted in forums; and because what is printed after a find is
then the file itself. Numbers and commands are written as Python writes them, so they come back exactly. The first line
has the version: a reader refuses what it does not know instead of guessing.
"""

from __future__ import annotations

import ast
import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labs.codec import messages as codec
from labs.codec.limits import Refused
from labs.messages import Command
from labs.raft.curriculum import PERSISTENCE, STAGES
from labs.raft.protocol import APPEND_ENTRIES, INSTALL_SNAPSHOT, REQUEST_VOTE
from labs.schedule import actions as act
from labs.schedule.actions import EVERYBODY, LEADER, AnyAction, Schedule, Step
from labs.schedule.words import NETWORKS, POINTS, network, number, words
from labs.sim.net.interception import Address
from labs.sim.net.network import Conditions, Span

VERSION = 1
FIRST_LINE = f"raft-schedule {VERSION}"
CALLS = (APPEND_ENTRIES.name, INSTALL_SNAPSHOT.name, REQUEST_VOTE.name)
SUFFIX = ".schedule"
MOST_SERVERS, LONGEST, MOST_STEPS, MOST_BYTES = 9, 600.0, 50_000, 32 << 20
"""The limits of a schedule: servers, virtual seconds, steps, and bytes of its file."""
NEEDED = ("stage", "servers", "duration")


class BadSchedule(Exception):
    """The text is not a schedule; the message names the line, what is wrong with it, and what would be right."""


class _Wrong(Exception):
    """What is wrong in a line, and what would be right."""


# Writing.


def write(schedule: Schedule) -> str:
    """Return the text of a schedule."""
    found = {
        "name": schedule.name,
        "stage": schedule.stage,
        "servers": str(schedule.servers),
        "network": network(schedule.network),
        "seed": str(schedule.seed),
        "duration": number(schedule.duration),
        "snapshots": " ".join(map(str, schedule.paces)),
        "service": number(schedule.service_time) if schedule.service_time else "",
        "rule": schedule.rule,
    }
    head = [f"{heading:<10}{value}" for heading, value in found.items() if value]
    return "\n".join([FIRST_LINE, *head, "", *lines(schedule)]) + "\n"


def lines(schedule: Schedule) -> list[str]:
    """Return the steps of a schedule, one line each."""
    return [f"{'  and' if step.at_once else number(step.time):<7} {words(step.action)}" for step in schedule.steps]


# Reading.


def load(path: Path) -> Schedule:
    """Return the schedule in a file; raise BadSchedule, also if it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadSchedule(f"cannot read {path}: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise BadSchedule(f"{path}: has {len(data):,} bytes; {MOST_BYTES:,} are allowed")
    try:
        return parse(data.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        raise BadSchedule(f"{path}: is not text in UTF-8") from None


def parse(text: str, where: str = "schedule") -> Schedule:
    """Return the schedule that a text describes; `where` is its name in error messages. Raises BadSchedule."""
    reader = _Reader()
    for line_number, line in enumerate(text.split("\n"), 1):
        try:
            reader.read(line.rstrip("\r"), line_number)
        except _Wrong as wrong:
            raise BadSchedule(f"{where}:{line_number}: {wrong}") from None
    try:
        return reader.finish(where)
    except _Wrong as wrong:
        raise BadSchedule(f"{where}: {wrong}") from None


class _Reader:
    """Reads a schedule line by line."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._steps: list[Step] = []

    def read(self, line: str, line_number: int) -> None:
        if line_number == 1:
            _check_first(line)
        elif line.strip() and not line.lstrip().startswith("#"):
            word, _, rest = line.strip().partition(" ")
            if word in _HEADINGS and not self._steps:
                self._heading(word, rest.strip())
            else:
                self._step(word, rest.strip())

    def _heading(self, word: str, value: str) -> None:
        if word in self._head:
            raise _Wrong(f"a second {word}; a schedule has one")
        self._head[word] = _HEADINGS[word](value)

    def _step(self, word: str, rest: str) -> None:
        missing = [heading for heading in NEEDED if heading not in self._head]
        if missing:
            raise _Wrong(f"before the first action there must be a line for {' and '.join(missing)}; then {word!r}")
        if len(self._steps) >= MOST_STEPS:
            raise _Wrong(f"more than {MOST_STEPS:,} actions")
        if word == "and":
            if not self._steps:
                raise _Wrong("'and' needs an action before it; begin the line with a time")
            time = self._steps[-1].time
        else:
            time = _time(word)
            if self._steps and time < self._steps[-1].time:
                raise _Wrong(f"{word} is before the time of the line above; put actions in the order of time")
            if time > self._head["duration"]:
                raise _Wrong(f"{word} is after the duration, {number(self._head['duration'])}; make that longer")
        action = _action(rest)
        if why := why_not(action, self._head["stage"], self._head["servers"]):
            raise _Wrong(why)
        self._steps.append(Step(time, action, word == "and"))

    def finish(self, where: str) -> Schedule:
        missing = [heading for heading in NEEDED if heading not in self._head]
        if missing:
            raise _Wrong(f"there is no line for {' and '.join(missing)}")
        head = {"network": NETWORKS["reliable"], "name": Path(where).stem, **self._head}
        paces = head.pop("snapshots", ())
        if len(paces) not in (0, head["servers"]):
            raise _Wrong(f"snapshots has {len(paces)} numbers; one for each of the {head['servers']} servers is right")
        head["service_time"] = head.pop("service", 0.0)
        return Schedule(**head, paces=paces, steps=tuple(self._steps))


def _check_first(line: str) -> None:
    found = re.fullmatch(r"raft-schedule (\d+)\s*", line)
    if not found:
        raise _Wrong(f"the first line of a schedule is {FIRST_LINE!r}, not {line[:60]!r}")
    if int(found[1]) != VERSION:
        raise _Wrong(f"this is version {found[1]} of the format; this lab reads version {VERSION}")


# The headings.


def _name(text: str) -> str:
    if not text:
        raise _Wrong("name is empty; give it a few words, or leave the line out")
    return text


def _stage(text: str) -> str:
    if text not in STAGES:
        raise _Wrong(f"there is no stage {text!r}; stages are {', '.join(stage for stage in STAGES if stage != '0')}")
    return text


def _whole(low: int, high: int, what: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text) or not low <= int(text) <= high:
            raise _Wrong(f"{what} is a whole number from {low} to {high}, not {text!r}")
        return int(text)

    return read


def _paces(text: str) -> tuple[int, ...]:
    read = _whole(1, 100_000, "each number of snapshots")
    return tuple(read(word) for word in text.split())


def _network(text: str) -> Conditions:
    name, *changes = text.split()
    if name not in NETWORKS:
        raise _Wrong(f"there is no network {name!r}; networks are {', '.join(NETWORKS)}")
    kinds = {field.name: getattr(NETWORKS[name], field.name) for field in dataclasses.fields(Conditions)}
    return dataclasses.replace(NETWORKS[name], **_settings(changes, kinds))


def _settings(words: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """Return settings such as `loss=0.1` or `delay=0.1..0.2`; `known` has a value of each kind."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            raise _Wrong(f"{word!r} is not a setting; settings are {', '.join(f'{key}=' for key in known)}")
        found[name] = _span(value) if isinstance(known[name], tuple) else _share(value)
    return found


def _span(text: str) -> Span:
    low, dots, high = text.partition("..")
    if not dots or _time(low) > _time(high):
        raise _Wrong(f"{text!r} is not a span of seconds, as 0.1..0.2")
    return _time(low), _time(high)


def _share(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise _Wrong(f"{text} is not a probability from 0 to 1")
    return value


def _time(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= LONGEST:
        raise _Wrong(f"{text} is not a time from 0 to {LONGEST:g} virtual seconds")
    return value


def _number(text: str) -> float:
    try:
        value = float(text) if re.fullmatch(r"[0-9.]+(e-?\d+)?", text) else math.nan
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise _Wrong(f"{text!r} is not a number; a line begins with a time in seconds, with 'and', or with a heading")
    return value


_HEADINGS: dict[str, Callable[[str], Any]] = {
    "name": _name,
    "stage": _stage,
    "servers": _whole(1, MOST_SERVERS, "servers"),
    "network": lambda text: _network(text or "?"),
    "seed": _whole(0, 10**18 - 1, "seed"),
    "duration": _time,
    "snapshots": _paces,
    "service": _time,
    "rule": str,
}


# The actions.


def _action(text: str) -> AnyAction:
    verb, _, rest = text.partition(" ")
    if verb not in _FORMS:
        raise _Wrong(f"there is no action {verb!r}; actions are {', '.join(_FORMS)}")
    form, example, build = _FORMS[verb]
    found = re.fullmatch(form, rest.strip())
    if not found:
        raise _Wrong(f"{verb} is written as in {example!r}, not {text[:80]!r}")
    return build(*found.groups())


def _server(text: str) -> int:
    return {"leader": LEADER, "all": EVERYBODY}.get(text, int(text) if text.isdecimal() else 0)


def _command(text: str) -> Command:
    try:
        value: Any = ast.literal_eval(text)
        codec.encode_command(value)
    except Refused as error:
        raise _Wrong(f"{text[:60]} is not a command: {error}") from None
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise _Wrong(f"{text[:60]} is not a value; write it as Python does, a text in quotes: 'x1'") from None
    return value  # type: ignore[no-any-return]


def _address(call: str, leg: str | None, source: str, target: str, ordinal: str) -> Address:
    if call not in CALLS:
        raise _Wrong(f"there is no call {call!r}; calls are {', '.join(CALLS)}")
    if int(ordinal) < 1:
        raise _Wrong("messages of a link are counted from #1")
    return Address(call, int(source), int(target), int(ordinal), "reply" if leg else "request")


def _heal(link: str | None, *ends: str) -> AnyAction:
    return act.HealAll() if link is None else act.Heal(int(ends[0]), int(ends[2]), ends[1] == "-")


def _partition(text: str) -> act.Partition:
    if text == "none":
        return act.Partition(())
    return act.Partition(tuple(tuple(map(int, group.split(","))) for group in text.replace(" ", "").split("|")))


def _crash(server: str, point: str | None, nth: str | None) -> AnyAction:
    if point is None:
        return act.Crash(_server(server))
    if nth is not None and int(nth) < 1:
        raise _Wrong("saves, replies and requests are counted from 1")
    return act.CrashAt(_server(server), POINTS[point], int(nth or 1))


def _link(source: str, target: str, settings: str) -> act.SetLink:
    kinds = {"delay": (0.0, 0.0), "loss": 0.0, "duplicate": 0.0}
    changes = {} if settings == "plain" else _settings(settings.split(), kinds)
    return act.SetLink(int(source), int(target), **changes)


def _about(kind: type) -> tuple[str, str, Callable[..., AnyAction]]:
    verb = kind.__name__.lower()
    return _MESSAGE, f"{verb} RequestVote reply 1>0 #2", lambda *words: kind(_address(*words))


def _about_later(kind: type) -> tuple[str, str, Callable[..., AnyAction]]:
    example = f"{kind.__name__.lower()} AppendEntries 0>1 #3 by 0.5"
    return rf"{_MESSAGE} +by +(\S+)", example, lambda *words: kind(_address(*words[:5]), _time(words[5]))


def _of(kind: type) -> tuple[str, str, Callable[..., AnyAction]]:
    verb = kind.__name__.lower()
    return _SERVER, f"{verb} 2", lambda server: kind(_server(server))


_ID = r"(\d{1,3})"
_SERVER = r"(\d{1,3}|leader)"
_MESSAGE = rf"(\w+)(?: +(reply))? +{_ID}>{_ID} +#(\d{{1,9}})"
_FORMS: dict[str, tuple[str, str, Callable[..., AnyAction]]] = {
    "cut": (rf"{_ID}([->]){_ID}", "cut 0-1", lambda a, way, b: act.Cut(int(a), int(b), way == "-")),
    "heal": (rf"({_ID}([->]){_ID})?", "heal 0>1", _heal),
    "isolate": _of(act.Isolate),
    "connect": _of(act.Connect),
    "partition": (rf"(none|{_ID[1:-1]}(?: *[,|] *{_ID[1:-1]})*)", "partition 0,1 | 2,3,4", _partition),
    "crash": (rf"{_SERVER}(?: +({'|'.join(POINTS)})(?: +(\d{{1,6}}))?)?", "crash 2 after save 3", _crash),
    "spare": _of(act.Spare),
    "restart": _of(act.Restart),
    "pause": _of(act.Pause),
    "resume": _of(act.Resume),
    "timeout": _of(act.TimeOut),
    "slow": (rf"{_SERVER} +by +(\S+)", "slow 2 by 0.11", lambda server, by: act.Slow(_server(server), _time(by))),
    "link": (rf"{_ID}>{_ID} +(\S.*)", "link 0>1 delay=0.02..0.03 loss=0.1", _link),
    "network": (r"(\S.*)", "network unreliable", lambda text: act.SetNetwork(_network(text))),
    "drop": _about(act.Drop),
    "hold": _about(act.Hold),
    "release": _about(act.Release),
    "delay": _about_later(act.Delay),
    "duplicate": _about_later(act.Duplicate),
    "propose": (
        r"(\d{1,3}|leader|all) +(\S.*)",
        "propose leader 'x1'",
        lambda server, command: act.Propose(_server(server), _command(command)),
    ),
    "snapshot": _of(act.Snapshot),
}


def why_not(action: AnyAction, stage: str, servers: int) -> str:
    """Return why an action cannot be in a schedule of a stage with this many servers, or ""."""
    if isinstance(action, act.Restart) and not STAGES[stage].has(PERSISTENCE):
        return "a server that restarts has forgotten its vote before stage 2C; restart needs stage 2C or 2D"
    groups = getattr(action, "groups", ())
    named = act.servers_of(action)
    for server in named:
        if server not in range(servers) and server not in (act.LEADER, act.EVERYBODY):
            return f"there is no server {server}: this schedule has servers 0 to {servers - 1}"
    if len(set(named)) < len(named):
        return "the same server twice; name each once"
    return "" if all(groups) else "a group without servers; leave it out"

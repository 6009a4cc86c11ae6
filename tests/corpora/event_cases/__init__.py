"""Event lines of runs, with the verdict that checkers must reach; `python -m tests.tools.event_cases` cuts them.

Some are written by hand (by_hand.py), where no known-wrong server comes to the event soon.

One file for each stage, compressed. In it each case is a line of facts, then its events as in a trace file, one each
line. A case with a rule ends with the event that breaks it: the checkers must name that rule at that event, and content
themselves with all events before. A case without a rule is a whole run that no checker may find fault with.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import msgspec

from labs.checking.checker import Checker, Violation
from labs.checking.configuration import Configuration
from labs.raft.checkers import checkers
from labs.raft.curriculum import STAGES as STAGES_OF_RAFT
from labs.trace.events import Event
from labs.trace.reader import event_of

HERE = Path(__file__).parent
STAGES = ("2A", "2B", "2C", "2D")  # stage 0 checkers hardly anything


class Case(msgspec.Struct, frozen=True):
    """The facts of one case."""

    name: str
    """Server, test and seed that the run had, in words."""
    stage: str
    servers: int
    rule: str = ""
    """The rule that the last event breaks; "" if nothing does."""
    judge: str = ""
    """The class of the checker that finds that."""
    knows: str = ""
    """The class of the checker from which it has that, if it is another."""


@dataclass(frozen=True)
class Verdict:
    """What the checkers found: the rule, who found it and where, and at which event, counted from 0."""

    rule: str
    judge: str
    place: str
    event: int


def path_of(stage: str) -> Path:
    """Return the file of a stage's cases."""
    return HERE / f"{stage}.jsonl.xz"


def load(stage: str) -> Iterator[tuple[Case, list[bytes]]]:
    """Yield the cases of a stage, each with its events as lines."""
    case, lines = None, list[bytes]()
    for line in lzma.decompress(path_of(stage).read_bytes()).splitlines():
        if line.startswith(b'{"name"'):
            if case is not None:
                yield case, lines
            case, lines = msgspec.json.decode(line, type=Case), []
        else:
            lines.append(line)
    if case is not None:
        yield case, lines


def store(stage: str, cases: Iterable[tuple[Case, list[bytes]]]) -> int:
    """Write the cases of a stage; return the bytes that the file takes."""
    lines = [line for case, events in cases for line in (msgspec.json.encode(case), *events)]
    data = lzma.compress(b"".join(line + b"\n" for line in lines), preset=9 | lzma.PRESET_EXTREME)
    path_of(stage).write_bytes(data)
    return len(data)


def decoded(lines: Iterable[bytes]) -> list[Event]:
    """Return the events that lines hold."""
    return [event_of(line) for line in lines]


def verdict(stage: str, servers: int, events: Iterable[Event]) -> Verdict | None:
    """Show events to the checkers of a run; return what they find first, or None if they find nothing."""
    see = checkers(Configuration.of_size(servers), STAGES_OF_RAFT[stage]).observer()
    for number, event in enumerate(events):
        try:
            see(event)
        except Violation as violation:
            judge, place = _finder(violation.__traceback__)
            return Verdict(violation.rule, judge, place, number)
    return None


def agrees(case: Case, events: int, found: Verdict | None) -> bool:
    """Return whether the checkers found in a case of this many events exactly its verdict, and nothing before."""
    if found is None:
        return not case.rule
    return (found.rule, found.judge, found.event) == (case.rule, case.judge, events - 1)


def _finder(traceback: TracebackType | None) -> tuple[str, str]:
    """Return the innermost checker that a violation came through, and the function and line that raised it."""
    judge = place = ""
    while traceback is not None:
        frame = traceback.tb_frame
        judge = type(frame.f_locals["self"]).__name__ if isinstance(frame.f_locals.get("self"), Checker) else judge
        place = f"{Path(frame.f_code.co_filename).name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return judge, place

"""The runs to compare: read from trace files, or made again; and the nearest run with the other verdict."""

from __future__ import annotations

import contextlib
import functools
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from labs.compare.alike import by_landmark
from labs.engine import replay
from labs.engine.progress import Progress
from labs.report import trace_text
from labs.sim.hosts.base import HostKind
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario
from labs.trace import events as ev
from labs.trace.reader import events_of, header_of, last_line
from labs.trace.recorder import Header

TRIED, WANTED = 24, 4
"""How many seeds are tried to find a run with the other verdict, and how many such runs are enough to choose from."""


@dataclass(frozen=True)
class Source:
    """What to run: a test with a seed, and a submission."""

    test: str
    seed: int
    submission: str


@dataclass(frozen=True)
class Run:
    """A run as its trace has it; the events are decoded when somebody asks for them."""

    header: Header
    lines: bytes
    """Its events, one per line."""
    submission: str
    """As it was typed, or as its trace names it."""
    path: Path = Path("trace")
    """Its file, for errors."""

    @property
    def test(self) -> str:
        return self.header.test

    @property
    def seed(self) -> int:
        return self.header.seed

    @functools.cached_property
    def events(self) -> Sequence[ev.Event]:
        """Its events; raises BadTrace."""
        return list(events_of(self.path, self.lines.splitlines()))

    @functools.cached_property
    def verdict(self) -> ev.Verdict | None:
        """The verdict, which is the last event of a trace that is complete; raises BadTrace."""
        last = list(events_of(self.path, [last_line(self.lines)] if self.lines else []))
        return last[0] if last and isinstance(last[0], ev.Verdict) else None

    @property
    def is_green(self) -> bool:
        return self.verdict is not None and self.verdict.status == "pass"


class Unclear(Exception):
    """A text that names no run; it explains the forms."""


FORMS = "a trace file, TEST/SEED, or TEST/SEED/SUBMISSION"
SECOND = "the same, or only a seed, or only a submission"


def source_of(text: str, submission: str) -> Source | Path:
    """Return the run that a text names: a trace file, or TEST/SEED with a submission or without; raise Unclear."""
    if Path(text).is_file() and Path(text).suffix != ".py":
        return Path(text)
    found = re.fullmatch(r"(?P<test>.+?)/(?P<seed>\d+)(?:/(?P<submission>.+))?", text)
    if found is None:
        raise Unclear(f"{text!r} is not a run. Give {FORMS}, as in  2B/figure_8/7")
    return Source(found["test"], int(found["seed"]), found["submission"] or submission)


def second_of(text: str, first: Source | Path, submission: str) -> Source | Path:
    """Return the second run that a text names; raise Unclear."""
    if isinstance(first, Source):
        if re.fullmatch(r"\d+", text):
            return replace(first, seed=int(text))
        if Path(text).is_dir() or (Path(text).is_file() and Path(text).suffix == ".py"):
            return replace(first, submission=text)
    with contextlib.suppress(Unclear):
        return source_of(text, submission)
    raise Unclear(f"{text!r} is not a run. Give {FORMS}; or, after one of the last two, only a seed or a submission")


def from_file(path: Path) -> Run:
    """Read a run; raise OSError or BadTrace."""
    with path.open("rb") as file:
        header = header_of(file.readline(), path)
        return Run(header, file.read(), header.submission, path)


def make(scenario: Scenario, source: Source, hosts: HostKind, leave: Callable[[RunRecord], NoReturn]) -> Run:
    """Run a test; `leave` gets the record of a run that cannot be ended, and must end the process."""
    with tempfile.TemporaryDirectory(prefix="raft-lab-") as folder:
        path = Path(folder) / "run.trace.jsonl"
        with path.open("wb") as file:
            replay.replay(scenario, Path(source.submission), hosts, source.seed, file, leave)
        return replace(from_file(path), submission=source.submission)


def nearest(first: Run, make_with: Callable[[int], Run]) -> Run | None:
    """Return a run of the same test with another seed and the other verdict, or None if few seeds have one.

    It is the one that stays like the first for the longest, among those whose seeds are close.
    """
    found: list[Run] = []
    seeds = list(_close_to(first.seed))
    progress = Progress(len(seeds), "seeds tried")
    for seed in seeds:
        other = make_with(seed)
        progress.count()
        if other.is_green != first.is_green:
            found.append(other)
            if len(found) == WANTED:
                break
    progress.clear()
    return max(found, key=lambda run: len(_common(first, run)), default=None)


def _common(first: Run, other: Run) -> Sequence[tuple[int, int]]:
    return by_landmark(first.events, other.events, trace_text.describe).common


def _close_to(seed: int) -> Iterator[int]:
    """Yield seeds from 1 on, the closest to a seed first."""
    distance = 0
    count = 0
    while count < TRIED:
        distance += 1
        for other in (seed + distance, seed - distance):
            if other >= 1 and count < TRIED:
                count += 1
                yield other

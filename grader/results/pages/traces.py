"""The pages of a student's failing runs, beside the report: what they are called, and which are there. Makes none.

The name of a page holds the digest of its trace, so a page of an earlier submission is never taken for this one's.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from grader.results.result import Result, Run, Test
from labs.report.page import page_name
from labs.schedule import text
from labs.schedule.text import SUFFIX, BadSchedule

TRACES = "traces"


@dataclass(frozen=True)
class TracePages:
    """What there is to see of a failing run; links are relative to the report."""

    run: Run
    page: str
    """The page of the whole run."""
    small: str = ""
    """The page of the run that was made small."""
    file: str = ""
    """The schedule of that, as a file that `make replay` takes."""
    schedule: str = ""
    """The same as text."""
    size: str = ""
    """How large it is, in words."""


def shortest(test: Test) -> Run | None:
    """Return the shortest failing run of a test that its message is about, and that a student may repeat."""
    runs = [run for run in test.runs if run.status in ("fail", "error") and not run.secret and run.rule == test.rule]
    return min(runs, key=lambda run: (run.virtual_time, run.seed), default=None)


def stem(test: Test, run: Run) -> str:
    """Return how the names of a run's files begin."""
    name = page_name(test.id, run.seed or 0).removesuffix(".html")
    return f"{name}-{run.digest[:8]}" if run.digest else name


def page_of(folder: Path, name: str) -> Path:
    """Return the page of a run, in the folder of a student; `name` is the beginning of the name."""
    return folder / TRACES / f"{name}.html"


def small_page_of(folder: Path, name: str) -> Path:
    """Return the page of a run that was made small."""
    return folder / TRACES / f"{name}-small.html"


def schedule_of(folder: Path, name: str) -> Path:
    """Return the file with the schedule of a run that was made small."""
    return folder / TRACES / f"{name}-small{SUFFIX}"


def traces_of(folder: Path, result: Result) -> dict[str, TracePages]:
    """Return the pages that are there, by test."""
    found = {}
    for test in result.tests:
        run = shortest(test)
        if run is not None and page_of(folder, stem(test, run)).exists():
            found[test.id] = _pages(folder, stem(test, run), run)
    return found


def _pages(folder: Path, name: str, run: Run) -> TracePages:
    page, small, file = (_link(place(folder, name)) for place in (page_of, small_page_of, schedule_of))
    if small_page_of(folder, name).exists():
        with contextlib.suppress(OSError, BadSchedule):
            found = text.load(schedule_of(folder, name))
            steps = f"{len(found.steps)} {'step' if len(found.steps) == 1 else 'steps'}"
            return TracePages(run, page, small, file, text.write(found), f"{steps}, {found.servers} servers")
    return TracePages(run, page)


def _link(path: Path) -> str:
    return f"{TRACES}/{quote(path.name)}"

"""`make explore`, `make shrink` and `make keep`: search, make small, print in words, save, and keep as a test."""

from __future__ import annotations

import shlex
import shutil
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from labs.engine import engine, where
from labs.engine.progress import LIVE, QUIET, Line
from labs.engine.stalls import Limits
from labs.explore.search import Search
from labs.explore.work import FAILED, Exploring, Found, Job
from labs.schedule import text
from labs.schedule.folder import FOLDER, is_schedule
from labs.schedule.text import SUFFIX

OUT = Path("out")
LAST = OUT / f"last{SUFFIX}"
"""The schedule that was found or made small last: `make keep` takes it."""
INDENT, WIDTH = " " * 6, 100
LIMITS = Limits(cpu=20.0, wall=120.0)
SHRINK_LIMITS = Limits(cpu=30.0, wall=120.0)
"""What one run may take before its server counts as one that never yields."""


def explore(submission: Path, stage: str, seconds: float, seed: int, jobs: int, scheduler: str = "") -> Found | None:
    """Search for a schedule that a submission fails, for that many wall seconds; return the first one, made small.

    The workers of a scheduler do the runs, if there is one. Print how far the search has come. Raise BadSubmission if
    the submission cannot be run at all.
    """
    work = Exploring(submission)
    work.program()
    search, progress = Search(stage, seed), Searching(seconds)
    found: Found | None = None

    def wanted() -> Iterator[Job]:
        while found is None and not progress.is_over():
            yield Job(search.next())

    for job, outcome in engine.run(work, wanted(), where.backend(jobs, scheduler), LIMITS):
        assert job.schedule is not None
        progress.count(len(search.reached))
        search.learn(job.schedule, outcome.reached)
        if outcome.status != "pass" and found is None:
            found = outcome
    progress.clear()
    words = f"{progress.runs} runs in {progress.seconds():.0f} s, {len(search.reached)} situations and states reached"
    print(f"explored stage {stage}: {words}")
    return made_small(work, found, scheduler) if found is not None else None


def made_small(work: Exploring, found: Found, scheduler: str) -> Found:
    """Return what is left of a find when it is made small; one without a schedule stays as it is."""
    if found.status not in FAILED or found.schedule is None:
        return found
    return _only(work, Job(found.schedule, shrinks=True), scheduler)


def _only(work: Exploring, job: Job, scheduler: str = "") -> Found:
    """Return the record of a single job."""
    [(_, found)] = engine.run(work, [job], where.backend(1, scheduler), SHRINK_LIMITS)
    return found


def shrink(submission: Path, test: str, seed: int) -> Found:
    """Make the run of a failing test, or a failing schedule, small; raise BadSubmission or BadSchedule."""
    work = Exploring(submission)
    work.program()
    taken = Job(text.load(Path(test)), shrinks=True) if is_schedule(test) else Job(None, True, test, seed)
    return _only(work, taken)


def why_not(found: Found, test: str, seed: int) -> str:
    """Return why there is nothing to make small: the run passes, or only the test's own check failed."""
    if found.recorded in ("", "pass"):
        return f"nothing to make small: {test} passes with seed {seed}"
    return (
        f"{test} fails with seed {seed} by a check of its own ({found.recorded}). A schedule has no such checks:\n"
        f"taken as one, the run passes, as the servers recover when all faults end. Use make replay and make trace."
    )


def show(found: Found, submission: str) -> str:
    """Save a failing schedule; return it in words, with what it breaks, and the commands to go on with."""
    assert found.schedule is not None
    path = OUT / f"{found.schedule.stage}-{found.rule}{SUFFIX}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.write(found.schedule), encoding="utf-8")
    shutil.copyfile(path, LAST)
    which = "" if submission == "skeleton" else f" SUBMISSION={shlex.quote(submission)}"
    count = len(found.schedule.steps)
    shrunk = f", made small from {found.steps_before} in {found.runs} runs" if found.steps_before else ""
    late = found.time > found.schedule.duration
    recovery = f"{INDENT}It breaks after the end, when all faults have ended and the servers have to recover."
    lines = [
        f"FAIL  {found.schedule.stage}  {count} {'step' if count == 1 else 'steps'}{shrunk}",
        *textwrap.wrap(found.message, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT),
        *[recovery] * late,
        "",
        *(f"{INDENT}{line}" for line in text.write(found.schedule).rstrip().splitlines()[1:]),
        "",
        f"      replay  make replay TEST={path}{which}",
        f"      page    make page TEST={path}{which}",
        f"      keep    make keep NAME=a-name{which}   runs it with make test from now on",
    ]
    return "\n".join(lines)


def keep(name: str, file: Path) -> Path:
    """Put a schedule into the folder of the student's own, under a name; return its path there."""
    schedule = replace(text.load(file), name=name)
    path = FOLDER / f"{name}{SUFFIX}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.write(schedule), encoding="utf-8")
    return path


class Searching:
    """The clock of a search, and the line that shows how far it has come."""

    def __init__(self, seconds: float) -> None:
        self.runs = 0
        self._begun, self._seconds, self._line = time.monotonic(), seconds, Line()

    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def is_over(self) -> bool:
        return self.seconds() >= self._seconds

    def count(self, reached: int) -> None:
        """Note one more run, and show the line now and then."""
        self.runs += 1
        self.show(f"{self.runs} runs, {reached} situations and states reached")

    def show(self, text: str) -> None:
        """Show a line, with the time that is left, unless it was shown a moment ago."""
        if time.monotonic() - (self._line.shown or self._begun) < (LIVE if self._line.is_live else QUIET):
            return
        left = max(0.0, self._seconds - self.seconds())
        self._line.show(f"{text}, {left:.0f} s left")

    def clear(self) -> None:
        """Take the line off the terminal."""
        self._line.clear()

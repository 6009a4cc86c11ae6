"""Grades several submissions side by side, and remembers what was graded before.

A submission with a result of the same content, rubric, seeds and lab is not graded again, so an interrupted grading
continues where it stopped.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trio

from grader.execution.hosts import Hosts
from grader.execution.pool import Pool
from grader.exits import IntakeFailed, Usage
from grader.grading.marking import Order, blank, mark
from grader.grading.progress import Progress
from grader.grading.references import References
from grader.grading.rubric import Rubric
from grader.grading.scoring import hold_all
from grader.grading.seeds import course_secret, fingerprint
from grader.lacks import describe
from grader.places import REFERENCE, ROOT
from grader.results.held import held_submission
from grader.results.result import REVIEW, Basis, Result, read, write


@functools.cache
def lab_sha256() -> str:
    """Return a hash over the code that grades: a result of another version of the lab is not reused."""
    digest = hashlib.sha256()
    for folder in ("labs", "grader/hidden"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@dataclass
class Batch:
    """The submissions of one command, side by side."""

    out: Path
    rubric: Rubric
    hosts: Hosts
    sources: dict[str, str]
    """The path of each, by the name of its folder of results."""
    jobs: int
    again: bool
    """Also grade submissions that have a result."""
    results: dict[str, Result] = field(default_factory=dict)
    previous: dict[str, Result] = field(default_factory=dict)
    interrupted: bool = False
    unwritten: dict[Path, str] = field(default_factory=dict)
    """The files that could not be written, and why."""

    @contextlib.contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Take note if something cannot be written, so that the rest of a class is graded all the same."""
        try:
            yield
        except OSError as error:
            self.unwritten[path] = describe(error)

    def run(self) -> None:
        """Grade all of them; raise the first error that no submission caused."""
        try:
            trio.run(self._grade)
        except BaseExceptionGroup as group:
            raise _first_of(group) from group

    async def _grade(self) -> None:
        """Grade all of them, until done or interrupted; then no process and no temporary file is left."""
        secret = course_secret() if any(item.secret for item in self.rubric.items) else None
        basis = Basis(self.rubric.title, self.rubric.sha256, lab_sha256(), fingerprint(secret) if secret else "")
        at_once = min(self.jobs, len(self.sources))
        places, progress = trio.CapacityLimiter(at_once), Progress(len(self.sources))
        async with Pool.open(str(REFERENCE), self.hosts, 1) as pool, trio.open_nursery() as nursery:
            order = Order(self.rubric, self.hosts, max(1, self.jobs // at_once), secret, basis, References(pool))
            nursery.start_soon(self._stop_when_told, nursery.cancel_scope)
            async with trio.open_nursery() as work:
                for name in self.sources:
                    await places.acquire_on_behalf_of(name)
                    work.start_soon(self._grade_one, name, order, places, progress)
            nursery.cancel_scope.cancel()
        progress.clear()

    async def _stop_when_told(self, scope: trio.CancelScope) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                self.interrupted = True
                scope.cancel()

    async def _grade_one(self, name: str, order: Order, places: trio.CapacityLimiter, progress: Progress) -> None:
        try:
            begin = functools.partial(self._begin, name)
            try:
                result = await mark(name, self.sources[name], order, begin, progress.of(name))
            except Exception as error:
                result = self._held(name, order, error)
            self.results[name] = result
            with self.writing(self.out / name / "result.json"):
                write(self.out / name / "result.json", result)
            progress.finished(result)
        finally:
            places.release_on_behalf_of(name)

    def _held(self, name: str, order: Order, error: BaseException) -> Result:
        """Return the result of a submission that we could not grade, so that the others go on: all its points are
        held."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, Usage):
            raise error
        why = str(error) if isinstance(error, IntakeFailed) else describe(error)
        result = blank(name, order)
        hold_all(result, order.rubric.stages, f"{REVIEW}: the grader could not grade the submission. {why}")
        result.held = [held_submission(self.sources[name], order.hosts, why)]
        path = self.out / name / "result.json"
        with contextlib.suppress(Usage, OSError):
            known = read(path)
            if known.has_grade:
                os.replace(path, path.with_name("previous.json"))
                self.previous[name] = known
        return result

    def _begin(self, name: str, blank: Result) -> Result | None:
        """Return an earlier result of the same; without one, leave a file with the message that this grading did not
        finish."""
        path = self.out / name / "result.json"
        try:
            known = read(path)
        except Usage:
            known = None
        if known is not None and known.status != "unfinished":
            if _is_same(known, blank) and known.has_grade and not self.again:
                return known
            os.replace(path, path.with_name("previous.json"))
            self.previous[name] = known
        write(path, blank)
        return None


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that matters among those that tasks of one nursery raised."""
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def _is_same(known: Result, blank: Result) -> bool:
    same_hosts = (known.sandbox.hosts, known.sandbox.level) == (blank.sandbox.hosts, blank.sandbox.level)
    return same_hosts and known.basis == blank.basis and known.submission.sha256 == blank.submission.sha256

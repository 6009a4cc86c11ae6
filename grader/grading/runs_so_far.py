"""The runs of a submission that is being graded, in a file, so that a grading which was killed repeats none of them.

A line is added when a run ends, and counts only for the same files, basis and sandbox. Runs that the grader could not
grade are not kept: the next grading tries them again. Runs nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from grader.results.result import Result
from labs.testing.run import RunRecord


class Step(msgspec.Struct, frozen=True):
    """A run that has ended, with the reference's run if it is compared with that."""

    record: RunRecord
    retried: bool = False
    reference: RunRecord | None = None


class _Line(msgspec.Struct, frozen=True):
    key: str
    step: Step


class RunsSoFar:
    """The runs that have ended, by test and seed, and the file that keeps them."""

    def __init__(self, path: Path, blank: Result) -> None:
        """Read what a killed grading has left for the same files, graded in the same way as `blank` will be."""
        self._path, self._key = path, _key(blank)
        self._steps: dict[tuple[str, int], Step] = {}
        for line in self._lines():
            with contextlib.suppress(msgspec.MsgspecError):  # it was being written when the grading was killed
                found = msgspec.json.decode(line, type=_Line)
                if found.key == self._key:
                    self._steps[found.step.record.test, found.step.record.seed] = found.step

    @property
    def is_empty(self) -> bool:
        """Return whether no run has ended before."""
        return not self._steps

    def of(self, test: str, seed: int) -> Step | None:
        """Return a run that has ended already."""
        return self._steps.get((test, seed))

    def add(self, step: Step) -> None:
        """Keep a run. A disk that is full costs only that: the run would be repeated."""
        record = step.record
        if record.status == "grader-error" or record.details:  # the second gives the result a warning, too
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            with os.fdopen(handle, "wb", buffering=0) as file:  # the break comes first, so it ends a line that was torn
                file.write(b"\n" + msgspec.json.encode(_Line(self._key, step)))

    def _lines(self) -> list[bytes]:
        try:
            return self._path.read_bytes().splitlines()
        except OSError:
            return []


def _key(blank: Result) -> str:
    """Return a hash over everything that decides what a run finds."""
    facts = (blank.submission.sha256, blank.basis, blank.sandbox)
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()

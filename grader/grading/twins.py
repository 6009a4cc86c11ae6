"""Submissions with the same files, which are graded once; and what an interrupted regrading has done already.

Equal files get equal seeds, so a second grading could only find the same. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import trio

from grader.execution.hosts import Hosts
from grader.results.basis import tell
from grader.results.result import Basis, Result
from labs.report.json_files import write_json


class Twins:
    """The graded submissions by the hash of their files, and those at work."""

    def __init__(self) -> None:
        self._graded: dict[str, Result] = {}
        self._at_work: dict[str, tuple[str, trio.Event]] = {}

    def know(self, results: Iterable[Result], basis: Basis, hosts: Hosts) -> None:
        """Add results of an earlier grading that was done in the same way."""
        for result in results:
            if result.basis == basis and (result.sandbox.hosts, result.sandbox.level) == (hosts.kind, hosts.level):
                self._add(result)

    async def wait_for(self, name: str, blank: Result) -> Result | None:
        """Return the result of the same files, after it is there if it is at work; None if this one is the first."""
        files = blank.submission.sha256
        while files in self._at_work:
            await self._at_work[files][1].wait()
        if not files or files in self._graded:
            return self._graded.get(files)
        self._at_work[files] = name, trio.Event()
        return None

    def finish(self, name: str, result: Result | None) -> None:
        """Note that a submission is no longer at work; None if it has no result."""
        if result is not None:
            self._add(result)
        for files, (other, event) in list(self._at_work.items()):
            if other == name:
                del self._at_work[files]
                event.set()

    def _add(self, result: Result) -> None:
        is_whole = result.status == "graded" and not result.held
        if is_whole and result.submission.sha256:
            self._graded.setdefault(result.submission.sha256, result)


class _Regrading(msgspec.Struct):
    """The file of a regrading."""

    done: list[str] = []
    changed: dict[str, str] = {}
    """What changed, by student; written before the new result is, so that a kill loses nothing."""


class Redone:
    """The students whom a regrading has graded again, in a file, so that it goes on after it was killed."""

    def __init__(self, path: Path) -> None:
        self._path, self._state = path, _Regrading()
        try:
            self._state = msgspec.json.decode(path.read_bytes(), type=_Regrading)
        except (OSError, msgspec.MsgspecError):
            write_json(path, self._state)

    @property
    def changed(self) -> dict[str, str]:
        """What changed, by student."""
        return self._state.changed

    def __contains__(self, name: str) -> bool:
        return name in self._state.done

    def note(self, name: str, change: str) -> None:
        """Write down what is about to change for a student; "" is nothing, or what is written down already."""
        if change:
            self._state.changed[name] = change
            write_json(self._path, self._state)

    def add(self, name: str) -> None:
        """Write down that a student has been graded again."""
        if name not in self._state.done:
            self._state.done.append(name)
            write_json(self._path, self._state)

    def end(self) -> None:
        """Remove the file: the next regrading is a new one."""
        self._path.unlink(missing_ok=True)


def adopted(twin: Result, blank: Result, typed: str) -> Result:
    """Return the result that grading `blank` would give, from that of the same files; `typed` names its submission in
    commands."""
    found = msgspec.json.decode(msgspec.json.encode(twin), type=Result)
    found.submission, found.warnings = blank.submission, blank.warnings
    found.started_at = found.finished_at = blank.started_at
    found.duration, found.reason = 0.0, ""
    for test in found.tests:
        if test.replay.startswith("make replay "):
            test.replay = test.replay.partition(" SUBMISSION=")[0] + typed
    found.message = tell(found.stages, found.tests)
    return found


def is_same(known: Result, blank: Result) -> bool:
    """Return whether a result is of the same files, graded in the same way."""
    same_hosts = (known.sandbox.hosts, known.sandbox.level) == (blank.sandbox.hosts, blank.sandbox.level)
    same_files = bool(blank.submission.sha256) and known.submission.sha256 == blank.submission.sha256
    return same_hosts and known.basis == blank.basis and same_files

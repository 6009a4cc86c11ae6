"""The folder of results: one folder for each student, with the result that counts and, in `history`, all earlier ones.

A result is replaced only by a whole one, so a killed grading loses nothing. Results of another rubric, selection or
secret are never replaced or mixed silently. Runs nothing, and writes no file for students.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader import scratch
from grader.exits import Usage
from grader.results.result import GRADING, Basis, OtherVersion, Result, read, split, write
from grader.results.students import HandIn, Names
from labs.report.json_files import PARTIAL, write_json

RESULT, UNFINISHED, HISTORY = "result.json", "unfinished.json", "history"
RUNS_SO_FAR = "unfinished.jsonl"
"""The runs of an unfinished result, so that a grading which was killed repeats none of them."""


@dataclass(frozen=True)
class Everyone:
    """What a folder of results has of its students."""

    results: dict[str, Result]
    """By folder; also unfinished ones."""
    foreign: list[Path]
    """The files that look like results, but are not results of this version."""


@dataclass(frozen=True)
class Shelf:
    """The results below a folder."""

    out: Path

    def result(self, name: str) -> Result | None:
        """Return the result of a student's folder that counts; None if there is none of this version."""
        try:
            return read(self.out / name / RESULT)
        except Usage:
            return None

    def results(self) -> dict[str, Result]:
        """Return the results that count, by folder. Raise Usage if one cannot be read by this user: a table without it
        would lose a student."""
        return self._read()[0]

    def everyone(self) -> Everyone:
        """Return what there is of each student: the result that counts, otherwise the one so far. Raise Usage as
        `results` does."""
        found, foreign = self._read()
        return Everyone(self._unfinished() | found, foreign)

    def _read(self) -> tuple[dict[str, Result], list[Path]]:
        """Return the results that count, and the files that look like results, but are not of this version."""
        found, foreign = dict[str, Result](), list[Path]()
        for path in sorted(self.out.glob(f"*/{RESULT}")):
            try:
                path.open("rb").close()
            except OSError as error:
                raise Usage(
                    f"cannot read {path} ({error.strerror}), so the table of the class would lose a student. In a "
                    f"folder that several people share, its owner types: chmod -R g+rX {self.out}"
                ) from None
            try:
                found[path.parent.name] = read(path)
            except Usage:
                foreign.append(path)
        return found, foreign

    def _unfinished(self) -> dict[str, Result]:
        """Return the results so far of students that have no whole one, by folder."""
        found: dict[str, Result] = {}
        for path in sorted(self.out.glob(f"*/{UNFINISHED}")):
            if not path.with_name(RESULT).exists():
                with contextlib.suppress(Usage):
                    found[path.parent.name] = read(path)
        return found

    def history(self, name: str) -> list[Result]:
        """Return a student's earlier results of this version, the first one first."""
        found = []
        for folder in self._entries(name):
            if (folder / RESULT).exists():
                with contextlib.suppress(OtherVersion):
                    found.append(read(folder / RESULT))
        return found

    def begin(self, name: str, result: Result) -> None:
        """Write what is known of a result so far, beside an earlier one that still counts; its times are in the same
        file, because grading.json has those of the earlier one."""
        write_json(self.out / name / UNFINISHED, result)

    def end(self, name: str) -> None:
        """Remove what was known of a result so far: it is whole, or the earlier one still counts."""
        for file in (UNFINISHED, RUNS_SO_FAR):
            (self.out / name / file).unlink(missing_ok=True)

    def keep(self, name: str, result: Result) -> Result | None:
        """Make a result the one that counts; return the one before it, which goes into the history, also if it is of
        another version and None is returned."""
        folder = self.out / name
        before = self.result(name)
        is_changed = before is None or split(before)[1] != split(result)[1]
        if is_changed and (folder / RESULT).exists():
            self._remember(name)
        write(folder / RESULT, result)
        self.end(name)
        return before

    def keep_earlier(self, name: str, result: Result) -> None:
        """Put a result into the history, and leave the one that counts."""
        earlier = self.history(name)
        if not earlier or split(earlier[-1])[1] != split(result)[1]:
            with self._new_entry(name) as fresh:
                write(fresh / RESULT, result)
        self.end(name)

    def correct(self, name: str, result: Result) -> None:
        """Replace a result by the same one with other facts about its student."""
        write(self.out / name / RESULT, result)

    def _remember(self, name: str) -> None:
        """Copy the current result into the history, unless a grading that was killed has done so already."""
        folder, entries = self.out / name, self._entries(name)
        content = (folder / RESULT).read_bytes()
        with contextlib.suppress(OSError):
            if entries and (entries[-1] / RESULT).read_bytes() == content:
                return
        with self._new_entry(name) as fresh:
            for file in (GRADING, RESULT):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy(folder / file, fresh / file)

    @contextlib.contextmanager
    def _new_entry(self, name: str) -> Iterator[Path]:
        """Make a folder for a result in the history, which is there only when the context ends well."""
        entries, history = self._entries(name), self.out / name / HISTORY
        number = int(entries[-1].name) + 1 if entries else 1
        fresh = history / f".{number:04}.{os.getpid()}.partial"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        fresh.rename(history / f"{number:04}")

    def _entries(self, name: str) -> list[Path]:
        """Return the folders of a student's earlier results, in order."""
        return sorted((path for path in (self.out / name / HISTORY).glob("[0-9]*")), key=lambda path: int(path.name))

    def settle(self, hand_ins: Iterable[HandIn], known: Mapping[str, Result]) -> list[HandIn]:
        """Return the hand-ins with the identities that they already have here, in the results that count. A submission
        that was graded under another path keeps its student; raise Usage if a folder belongs to somebody else."""
        names, by_source = Names(), dict[str, Result]()
        for name, result in known.items():
            names.add(name, _student(name, result), result.submission.source)
            if result.submission.origin == "path" and result.submission.source:
                by_source.setdefault(_place(result.submission.source), result)
        found = []
        for hand_in in hand_ins:
            same = by_source.get(_place(hand_in.source)) if hand_in.origin == "path" else None
            if same is not None and hand_in.name not in known:
                hand_in = HandIn(_student(same.submission.name, same), hand_in.source)
            names.add(hand_in.name, hand_in.student, hand_in.source)
            found.append(hand_in)
        return found

    def require_basis(
        self, basis: Basis, hand_ins: Mapping[str, HandIn], known: Mapping[str, Result], replace: bool
    ) -> None:
        """Raise Usage if grading these would replace results of another basis without being asked to, or would leave
        results of two in one folder; `known` are the results that count."""
        others = {name: result for name, result in known.items() if not basis.mixes_with(result.basis)}
        if not others:
            return
        there = "; ".join(dict.fromkeys(result.basis.in_words for result in others.values()))
        words = f"{self.out} holds results of another basis: {there}; these would be: {basis.in_words}"
        secrets = {result.basis.secret for result in others.values()} - {"", basis.secret}
        if secrets and basis.secret:
            words += ". The course secret differs, and with it the seeds: import it ("
            words += ".venv/bin/python -m grader secret --help)"
        left = [name for name, result in others.items() if _stays(result, hand_ins.get(name))]
        if not replace:
            same_runs = not secrets and {result.basis.selection for result in others.values()} == {basis.selection}
            rescored = f"; if the tests are the same, .venv/bin/python -m grader rescore {self.out} runs nothing"
            rescored *= same_runs
            raise Usage(
                f"{words}. Use another --out; or give --replace: earlier results stay in each history{rescored}"
            )
        if left:
            more = f" and {len(left) - 5} more" if left[5:] else ""
            raise Usage(f"{words}. --replace must not leave a mixture: grade also {', '.join(left[:5])}{more}")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder for as long as the context lasts; raise Usage if another command of a class has locked it."""
        with scratch.locked(self.out.resolve()) as lock:
            if lock == "taken":
                raise Usage(
                    f"another command is grading a class into {self.out}, or rescoring it; wait for it, or use "
                    "another folder"
                )
            yield

    def sweep(self) -> None:
        """Remove the files that killed graders of this machine were writing."""
        for path in [*self.out.glob(".*.partial"), *self.out.glob("*/.*.partial"), *self.out.glob("*/*/.*.partial")]:
            found = PARTIAL.fullmatch(path.name)
            if found is not None and not _is_running(int(found.group(1))):
                with contextlib.suppress(OSError):
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _stays(result: Result, hand_in: HandIn | None) -> bool:
    """Return whether a result stays as it is: there is no hand-in, or nothing in it that replaces a submission."""
    return hand_in is None or (bool(hand_in.trouble) and result.has_submission)


def _student(name: str, result: Result) -> str:
    return result.submission.student or name


def _place(source: str) -> str:
    """Return a submission's place; if it is a link itself, that is not followed, because it may lead to another
    student's work."""
    folder, name = os.path.split(os.path.abspath(source))
    return os.path.join(os.path.realpath(folder), name)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def results_in(out: Path) -> dict[str, Result]:
    """Return all results below a folder, by the names of the students' folders; raise Usage if there are none."""
    found = Shelf(out).results()
    require_some(out, found)
    return found


def require_some(out: Path, found: Mapping[str, Result]) -> None:
    """Raise Usage if there are no results below a folder."""
    if not found:
        raise Usage(f"{out} holds no results: name the folder that grade or class wrote (--out){elsewhere(out)}")


def elsewhere(out: Path) -> str:
    """Return which folders beside this one hold results, in words; "" if none does."""
    found = sorted({path.parent.parent for path in out.parent.glob(f"*/*/{RESULT}")} - {out})
    return f"; there are results in {', '.join(map(str, found[:5]))}" if found else ""

"""Grade submissions: folders, zips, tars (.gz, .xz) or git checkouts, several at once.

Each gets a folder in --out: result.json (all of it, for the instructor; schema: python -m grader schema), feedback.json
and feedback.txt (what the student may see), and exports. A table and class.csv sum up. A submission with a result of
the same content, rubric, seeds and lab is not graded again, so an interrupted grading goes on where it stopped. A run
that the grader cannot judge is held for review, and with it the grade; the same command tries again.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import trio

from grader import exits, exports, report
from grader.exits import Usage, require_writable
from grader.exports.table_csv import class_table
from grader.exports.text_file import write_text
from grader.held import held_submission
from grader.hosts import Hosts, choose
from grader.intake import Failed
from grader.lacks import describe
from grader.marking import Order, blank, mark
from grader.pool import Pool
from grader.progress import Progress
from grader.references import FOLDER, References
from grader.result import REVIEW, Basis, Result, read, write
from grader.rubric import DEFAULT, Rubric, load
from grader.scoring import hold_all
from grader.seeds import course_secret, fingerprint
from grader.student_view import student_view
from labs.report.numbers import positive

ROOT = Path(__file__).parent.parent
UNWALLED = (
    "nothing keeps the servers from files and network here: only for code that you trust (python -m grader doctor)"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", nargs="+", metavar="SUBMISSION", help="folder, zip, tar or git checkout")
    parser.add_argument("--out", type=Path, default=Path("out/grades"), metavar="DIR", help="results (out/grades)")
    parser.add_argument(
        "--rubric", type=Path, default=DEFAULT, metavar="FILE", help="points and seeds (grader/rubric.toml)"
    )
    parser.add_argument(
        "--jobs", type=positive, default=os.cpu_count() or 1, metavar="N", help="processes (one a core)"
    )
    parser.add_argument("--runs", type=positive, metavar="N", help="so many seeds for each test, not the rubric's")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only tests with this in their id, for a closer look"
    )
    parser.add_argument(
        "--public", action="store_true", help="no hidden tests and no secret seeds, as for a student's CI"
    )
    parser.add_argument(
        "--hosts", choices=("process", "inline"), help="each server in a process (process), or all in one"
    )
    parser.add_argument("--require-sandbox", metavar="LEVEL", help="grade at this level or a better one, or not at all")
    parser.add_argument("--again", action="store_true", help="grade again what has a result")
    parser.add_argument(
        "--resume", action="store_true", help="go on where an interrupted grading stopped (the default)"
    )
    parser.add_argument("--export", default="junit,gradescope", metavar="F,F", help=exports.HELP)
    parser.add_argument("--json", action="store_true", help="print the results as JSON, one a line, not as a table")


def run(options: argparse.Namespace) -> int:
    """Grade; return the exit code of the worst that happened."""
    chosen = exports.chosen(options.export)
    rubric = load(options.rubric, options.runs, options.public, options.only)
    hosts = choose(options.hosts, options.require_sandbox)
    sources = _named(options.submissions)
    require_writable(options.out / "class.csv")
    if not hosts.is_walled:
        print(f"grade: {UNWALLED}", file=sys.stderr)
    grading = _Grading(options, rubric, hosts, sources)
    try:
        trio.run(grading.grade)
    except BaseExceptionGroup as group:
        raise _first_of(group) from group
    results = [grading.results[name] for name in sources if name in grading.results]
    for name in grading.results:
        with grading.writing(options.out / name):
            _write_all(options.out / name, grading.results[name], chosen)
    with grading.writing(options.out / "class.csv"):
        write_text(options.out / "class.csv", class_table(_all_in(options.out, grading.results)))
    if options.json:
        sys.stdout.writelines(msgspec.json.encode(result).decode() + "\n" for result in results)
    else:
        print(report.render(results, options.out, grading.previous))
    if grading.interrupted:
        print(f"stopped: {len(results)} of {len(sources)} are graded; the same command goes on", file=sys.stderr)
        return exits.INTERRUPTED
    for path, why in grading.unwritten.items():
        print(f"grade: cannot write {path}: {why}; then the same command goes on", file=sys.stderr)
    return exits.OUR_ERROR if grading.unwritten else _exit_code(results)


def _all_in(out: Path, fresh: Mapping[str, Result]) -> list[Result]:
    """Return the results of all submissions that were graded into a folder, also by earlier commands, by name."""
    found = dict(fresh)
    for path in out.glob("*/result.json"):
        with contextlib.suppress(Usage):  # of another version, or not ours
            found.setdefault(path.parent.name, read(path))
    return [found[name] for name in sorted(found)]


def _named(sources: Sequence[str]) -> dict[str, str]:
    """Return a folder's name for each submission: its own name, with that of the folder around it if two have one."""
    found: dict[str, str] = {}
    for source in dict.fromkeys(os.path.normpath(source) for source in sources):
        path = Path(source).absolute()
        if not path.exists():
            raise Usage(f"there is no {source}. Give a folder with raft.py, a zip, or a tar")
        parts = [_plain(part) for part in (*path.parts[-3:-1], _stem(path))]
        names = ["-".join(parts[-length:]) for length in (1, 2, 3)]
        names.append(f"{names[-1]}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}")
        found[next(name for name in names if name not in found)] = source
    return found


def _stem(path: Path) -> str:
    for ending in (".tar.gz", ".tar.xz", ".tgz", ".txz", ".tar", ".zip", ".py"):
        if path.is_file() and path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.name


def _plain(text: str) -> str:
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in text)
    return plain.lstrip(".-")[:80] or "submission"


@functools.cache
def lab_sha256() -> str:
    """Return a hash over what judges: a result by another lab is not taken for this one's."""
    digest = hashlib.sha256()
    for folder in ("labs", "grader/hidden"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@dataclass
class _Grading:
    """The submissions of one command, side by side."""

    options: argparse.Namespace
    rubric: Rubric
    hosts: Hosts
    sources: dict[str, str]
    results: dict[str, Result] = field(default_factory=dict)
    previous: dict[str, Result] = field(default_factory=dict)
    interrupted: bool = False
    unwritten: dict[Path, str] = field(default_factory=dict)
    """What could not be written, and why."""

    @contextlib.contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Take note if something cannot be written, so that the rest of a class is graded all the same."""
        try:
            yield
        except OSError as error:
            self.unwritten[path] = describe(error)

    async def grade(self) -> None:
        """Grade all of them, until done or told to stop; then no process and no temporary file is left."""
        secret = course_secret() if any(item.secret for item in self.rubric.items) else None
        basis = Basis(self.rubric.title, self.rubric.sha256, lab_sha256(), fingerprint(secret) if secret else "")
        at_once = min(self.options.jobs, len(self.sources))
        places, progress = trio.CapacityLimiter(at_once), Progress(len(self.sources))
        async with Pool.open(str(FOLDER), self.hosts, 1) as pool, trio.open_nursery() as nursery:
            order = Order(
                self.rubric, self.hosts, max(1, self.options.jobs // at_once), secret, basis, References(pool)
            )
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
            with self.writing(self.options.out / name / "result.json"):
                write(self.options.out / name / "result.json", result)
            progress.finished(result)
        finally:
            places.release_on_behalf_of(name)

    def _held(self, name: str, order: Order, error: BaseException) -> Result:
        """Return the result of a submission that we could not grade, so that the others go on: all of it is held."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, Usage):
            raise error
        why = str(error) if isinstance(error, Failed) else describe(error)
        result = blank(name, order)
        hold_all(result, order.rubric.stages, f"{REVIEW}: the grader could not judge the submission. {why}")
        result.held = [held_submission(self.sources[name], order.hosts, why)]
        path = self.options.out / name / "result.json"
        with contextlib.suppress(Usage, OSError):
            known = read(path)
            if known.has_grade:
                os.replace(path, path.with_name("previous.json"))
                self.previous[name] = known
        return result

    def _begin(self, name: str, blank: Result) -> Result | None:
        """Return an earlier result of the same; without one, leave a file that says that this one did not finish."""
        path = self.options.out / name / "result.json"
        try:
            known = read(path)
        except Usage:
            known = None
        if known is not None and known.status != "unfinished":
            if _is_same(known, blank) and known.has_grade and not self.options.again:
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


def _write_all(folder: Path, result: Result, chosen: Sequence[str]) -> None:
    """Write what is made from a result."""
    view = student_view(result)
    write(folder / "feedback.json", view)
    write_text(folder / "feedback.txt", report.render_one(view) + "\n")
    exports.write_chosen(folder, result, chosen)


def _exit_code(results: Sequence[Result]) -> int:
    if any(result.held for result in results):
        return exits.OUR_ERROR
    if any(result.status == "not-gradable" for result in results):
        return exits.NOT_GRADABLE
    return exits.FULL_POINTS if all(result.is_full for result in results) else exits.LESS

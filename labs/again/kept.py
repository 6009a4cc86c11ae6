"""Keeps what failed in the last run, in out/failures.json: which tests, with which seeds, of which submission.

The file is written only by commands typed in the lab's own folder, and replaced as a whole.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from labs.report import failures, green, json_files
from labs.testing.run import RunRecord

FILE = Path("out", "failures.json")
FORMAT, VERSION = "raft-failures", 1
REPLACED = "the next  make test-2A  or the like replaces it"


class Seeded(msgspec.Struct, frozen=True, order=True):
    """One test with one seed."""

    test: str
    seed: int


class Kept(msgspec.Struct):
    """What is kept of a run."""

    submission: str
    """Its complete path."""
    red: list[Seeded]
    """What failed, and has failed ever since."""
    fixed: list[Seeded]
    """What failed, and passed when it was run again."""
    next_seed: int
    """The first seed that no test has run with since."""
    format: str = FORMAT
    version: int = VERSION


class _Head(msgspec.Struct):
    format: str = ""
    version: int = 0


class NothingKept(Exception):
    """There is no last run to go on from; the text explains why, and what to type."""


def remember(submission: str, records: Sequence[RunRecord], next_seed: int, file: Path = FILE) -> None:
    """Keep what failed in a run of tests; outside the lab's folder, or where it cannot be written, keep nothing."""
    if not green.is_at_home():
        return
    with contextlib.suppress(OSError):
        write(Kept(full_path(submission), red_of(records), [], next_seed), file)


def red_of(records: Iterable[RunRecord]) -> list[Seeded]:
    """Return what failed; of a test that waits for an unwritten method only one run, for they all fail alike."""
    red: list[Seeded] = []
    waiting: set[str] = set()
    for record in sorted(records, key=lambda record: (record.test, record.seed)):
        if record.status == "pass" or record.test in waiting:
            continue
        if record.rule == failures.UNWRITTEN:
            waiting.add(record.test)
        red.append(Seeded(record.test, record.seed))
    return red


def write(kept: Kept, file: Path = FILE) -> None:
    """Replace the file."""
    json_files.write_json(file, kept)


def read(submission: str, file: Path = FILE) -> Kept:
    """Return what the last run of a submission left; raise NothingKept."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise NothingKept("no run is known yet: first type  make test-2A, or another stage") from None
    except OSError as error:
        raise NothingKept(f"cannot read {file}: {error.strerror}") from None
    try:
        head = msgspec.json.decode(data, type=_Head)
        if (head.format, head.version) != (FORMAT, VERSION):
            found = f"{head.format or 'nothing known'} version {head.version}"
            raise NothingKept(
                f"{file} is {found}; this reads {FORMAT} version {VERSION}. The next make test replaces it"
            )
        kept = msgspec.json.decode(data, type=Kept)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NothingKept(f"{file} is broken ({error}): {REPLACED}") from None
    if kept.submission != full_path(submission):
        command = f"make again SUBMISSION={shlex.quote(kept.submission)}"
        raise NothingKept(f"the last run was of another submission; for that one type  {command}")
    return kept


def full_path(submission: str) -> str:
    """Return the complete path of a submission, whatever the current folder is."""
    return str(Path(submission).resolve())

"""The results file: a record of every run, and totals, as versioned JSON. Written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from labs.testing.run import RunRecord

FORMAT = "raft-results"
VERSION = 1


class Totals(msgspec.Struct):
    """Sums over all runs; times in seconds."""

    runs: int
    passed: int
    by_status: dict[str, int]
    points: int
    points_possible: int
    virtual_time: float
    wall_time: float
    rpcs: int
    bytes: int
    commits: int


class Results(msgspec.Struct):
    """What `python -m labs test --json` writes. `points`: those of the tests that passed every run."""

    submission: str
    runs: list[RunRecord]
    totals: Totals
    format: str = FORMAT
    version: int = VERSION


def collect(submission: str, records: list[RunRecord], points: dict[str, int]) -> Results:
    """Return the results of these runs; `points` by test id."""
    records = sorted(records, key=lambda record: (record.test, record.seed))
    failed = {record.test for record in records if record.status != "pass"}
    ran = list(dict.fromkeys(record.test for record in records))
    totals = Totals(
        runs=len(records),
        passed=sum(record.status == "pass" for record in records),
        by_status=dict(sorted(Counter(record.status for record in records).items())),
        points=sum(points[test] for test in ran if test not in failed),
        points_possible=sum(points[test] for test in ran),
        virtual_time=sum(record.virtual_time for record in records),
        wall_time=sum(record.wall_time for record in records),
        rpcs=sum(record.rpcs for record in records),
        bytes=sum(record.bytes for record in records),
        commits=sum(record.commits for record in records),
    )
    return Results(submission, records, totals)


def write_json(path: Path, value: object) -> None:
    """Write any record as JSON, to a temporary file that is then renamed."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text + b"\n")
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Raise OSError if no file can be written there, or if it would take the place of a device such as /dev/null."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no plain file, and would be replaced", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
        pass

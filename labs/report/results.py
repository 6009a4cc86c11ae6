"""The results file: one record per run, and totals, as versioned JSON."""

from __future__ import annotations

from collections import Counter

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
    """The record that `python -m labs test --json` writes. `points`: those of the tests that passed every run."""

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

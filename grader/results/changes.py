"""Whose points change between two results of the same submission, and by which tests. Only compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tabulate import tabulate

from grader.results.result import Result

SHOWN = 3
"""Tests that are named for each student; the results have all of them."""


def table(before: Mapping[str, Result], now: Mapping[str, Result]) -> str:
    """Return a table of the students whose points or status change, "" if there are none."""
    rows = []
    for name, new in now.items():
        old = before[name]
        reasons = list(_reasons(old, new))
        if reasons or _points(old) != _points(new) or old.max_score != new.max_score:
            more = [f"and {len(reasons) - SHOWN} more"] if reasons[SHOWN:] else []
            why = "; ".join([*reasons[:SHOWN], *more])
            rows.append((name, _points(old), f"{old.max_score:g}", _points(new), f"{new.max_score:g}", why))
    headers = ("student", "before", "of", "now", "of", "why")
    align = ("left", "right", "right", "right", "right", "left")
    return tabulate(rows, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True) if rows else ""


def _points(result: Result) -> str:
    return f"{result.score:g}" if result.has_grade else result.status


def _reasons(old: Result, new: Result) -> Iterator[str]:
    """Yield what changed: another attempt, tests, late days, decisions; the largest change of a test first."""
    if old.submission.sha256 != new.submission.sha256:
        yield "another attempt counts"
    then = {test.id: test for test in old.tests}
    changed = [
        (test.id, then[test.id].score if test.id in then else 0.0, test.score)
        for test in new.tests
        if test.id not in then or then[test.id].score != test.score
    ]
    gone = [(test, found.score, 0.0) for test, found in then.items() if test not in {test.id for test in new.tests}]
    for test, was, score in sorted(changed + gone, key=lambda change: (-abs(change[2] - change[1]), change[0])):
        if was != score:
            yield f"{test} {was:g} -> {score:g}"
    for change in new.adjustments:
        if change not in old.adjustments:
            by = f", by {change.by}" if change.by else ""
            yield f"{change.kind} {change.test}".rstrip() + f" {change.points:+g} ({change.reason}{by})"
    for change in old.adjustments:
        if change not in new.adjustments:
            yield f"no longer: {change.kind} {change.test}".rstrip() + f" {change.points:+g}"

"""The results of a class for other programs: one row for each test as CSV, or one JSON object for each submission.

Points are there only if they are a grade: those of a held test are left out, not zero. For the instructor: hidden tests
are in it, secret seeds are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from grader.results.exports.cells import text_cell, written
from grader.results.result import Result, Test

COLUMNS = (
    *("submission", "sha256", "submission_status", "stage", "test", "kind", "status", "points", "max_points"),
    *("held_points", "passed_runs", "runs", "rule", "message"),
)


def as_csv(results: Sequence[Result]) -> str:
    """Return one row for each submission and test; a submission without tests has one row with its status."""
    return written([COLUMNS, *(row for result in results for row in _rows(result))])


def _rows(result: Result) -> Iterator[list[str]]:
    name = [text_cell(result.submission.name), result.submission.sha256, result.status]
    for test in result.tests:
        points = "" if test.status == "held" else f"{test.score:g}"
        facts = [points, f"{test.max_score:g}", f"{test.held_score:g}", str(test.passes), str(len(test.runs))]
        words = [text_cell(test.rule or ""), text_cell(test.message)]
        yield [*name, test.stage, test.id, test.kind, test.status, *facts, *words]
    if not result.tests:
        yield [*name, *[""] * (len(COLUMNS) - len(name) - 1), text_cell(result.message)]


def as_json_lines(results: Sequence[Result]) -> str:
    """Return one JSON object per line and submission, of ASCII characters alone."""
    return "".join(json.dumps(_object(result)) + "\n" for result in results)


def _object(result: Result) -> dict[str, Any]:
    return {
        "submission": result.submission.name,
        "sha256": result.submission.sha256,
        "status": result.status,
        "points": result.score if result.status == "graded" else None,
        "max_points": result.max_score,
        "held_points": result.held_score,
        "message": result.message,
        "stages": {
            stage.id: {"points": None if stage.status == "held" else stage.score, "max_points": stage.max_score}
            for stage in result.stages
        },
        "tests": {test.id: _of(test) for test in result.tests},
    }


def _of(test: Test) -> dict[str, Any]:
    return {
        "status": test.status,
        "points": None if test.status == "held" else test.score,
        "max_points": test.max_score,
        "passed_runs": test.passes,
        "runs": len(test.runs),
        "rule": test.rule,
        "message": test.message,
    }

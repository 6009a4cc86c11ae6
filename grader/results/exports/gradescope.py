"""Gradescope's results.json. Hidden tests are in it, and marked as hidden: instructors see them there, students do not.

Gradescope requires a score of the whole, or adds up those of the tests; without either it treats the run as failed, and
gives no score. So a held result has no score at all, neither of the whole nor of a test: a sum of the judged part would
look like a grade.
"""

from __future__ import annotations

import json
from typing import Any

from grader.results.result import Adjustment, Result, Test
from grader.results.student_view import student_view


def text(result: Result) -> str:
    """Return the file's content. A submission that is not gradable gets 0, with the reason in words for the student."""
    return json.dumps(content(result), indent=1) + "\n"


def content(result: Result) -> dict[str, Any]:
    """Return what the file holds."""
    view, shown = student_view(result, keep_hidden=True), student_view(result)
    found: dict[str, Any] = {
        "score": view.score,
        "output": _words(shown) if view.status in ("graded", "held") else view.message,
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "execution_time": round(view.duration),
        "tests": [_test(test, number) for number, test in enumerate(view.tests, 1)],
        "extra_data": {"schema": view.schema, "max_score": shown.max_score, "sha256": view.submission.sha256},
    }
    partly = any(test.visibility != "visible" for test in view.tests)
    found["tests"] += [_adjusted(change, partly) for change in view.adjustments if not change.test]
    if partly:
        del found["score"]  # Gradescope adds up the tests, and shows no sum that would reveal the hidden ones
    if not view.has_grade:
        for part in (found, *found["tests"]):
            part.pop("score", None)
        found["extra_data"]["status"] = view.status
    return found


def _words(view: Result) -> str:
    """Return the points in words, which all students see: those of the tests that they see."""
    parts = [(stage, "held" if stage.status == "held" else f"{stage.score:g}") for stage in view.stages]
    stages = ", ".join(f"{stage.id} {points} of {stage.max_score:g}" for stage, points in parts)
    return f"{view.points}: {stages}" + (f"\n{view.message}" if view.message else "")


def _test(test: Test, number: int) -> dict[str, Any]:
    found = {
        "name": f"{test.id}: {test.title}",
        "number": str(number),
        "score": test.score,
        "max_score": test.max_score,
        "status": "passed" if test.status == "pass" else "failed",
        "output": "\n".join(line for line in (_word(test), test.message, test.hint, test.replay) if line),
        "tags": [test.stage, test.kind],
        "visibility": test.visibility,
    }
    if test.status == "held":  # neither passed nor failed
        del found["status"], found["score"]
    return found


def _adjusted(change: Adjustment, partly: bool) -> dict[str, Any]:
    """Return a change of the whole as an entry, so that it counts when the entries are added up; hidden if its number
    would reveal the sum of hidden tests."""
    visibility = "hidden" if partly else "visible"
    return {"name": change.kind, "score": change.points, "output": change.words, "visibility": visibility}


def _word(test: Test) -> str:
    return "" if test.status in ("pass", "fail") else test.status.replace("-", " ")

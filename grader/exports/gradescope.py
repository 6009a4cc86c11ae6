"""Gradescope's results.json. Hidden tests are in it, marked so: instructors see them there, students do not."""

from __future__ import annotations

import json
from typing import Any

from grader.result import Result, Test
from grader.student_view import student_view


def text(result: Result) -> str:
    """Return the file's content. A result that is not graded counts 0 and says why, in words for the student."""
    return json.dumps(content(result), indent=1) + "\n"


def content(result: Result) -> dict[str, Any]:
    """Return what the file holds."""
    view = student_view(result, keep_hidden=True)
    found: dict[str, Any] = {
        "score": view.score,
        "output": view.message if view.status != "graded" else _words(view),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "execution_time": round(view.duration),
        "tests": [_test(test, number) for number, test in enumerate(view.tests, 1)],
        "extra_data": {"schema": view.schema, "max_score": view.max_score, "sha256": view.submission.sha256},
    }
    return found


def _words(view: Result) -> str:
    stages = ", ".join(f"{stage.id} {stage.score:g} of {stage.max_score:g}" for stage in view.stages)
    return f"{view.score:g} of {view.max_score:g} points: {stages}" + (f"\n{view.message}" if view.message else "")


def _test(test: Test, number: int) -> dict[str, Any]:
    return {
        "name": f"{test.id}: {test.title}",
        "number": str(number),
        "score": test.score,
        "max_score": test.max_score,
        "status": "passed" if test.status == "pass" or _is_granted(test) else "failed",
        "output": "\n".join(line for line in (_word(test), test.message, test.hint, test.replay) if line),
        "tags": [test.stage, test.kind],
        "visibility": test.visibility,
    }


def _is_granted(test: Test) -> bool:
    return test.status == "grader-error" and test.score >= test.max_score


def _word(test: Test) -> str:
    return "" if test.status in ("pass", "fail") else test.status.replace("-", " ")

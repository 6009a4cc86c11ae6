"""What a grader of GitHub Classroom (the older one) gives as its step output `result`: JSON in base64."""

from __future__ import annotations

import base64
import json

from grader.result import Result, Test
from grader.student_view import student_view

STATUS = {"pass": "pass", "fail": "fail", "not-written": "fail", "skip": "fail"}


def text(result: Result) -> str:
    """Return one line of base64."""
    view = student_view(result)
    tests = [_test(test) for test in view.tests]
    if view.status != "graded":
        tests = [{"name": "grading", "status": "error", "score": 0, "message": view.message, **_PLACE, "duration": 0}]
    statuses = {test["status"] for test in tests}
    status = "error" if "error" in statuses else "fail" if "fail" in statuses else "pass"
    found = {"version": 1, "status": status, "max_score": view.max_score, "tests": tests}
    return base64.b64encode(json.dumps(found).encode()).decode() + "\n"


_PLACE = {"test_code": "python -m grader grade", "filename": "", "line_no": 0}


def _test(test: Test) -> dict[str, object]:
    milliseconds = round(1000 * sum(run.wall_time for run in test.runs))
    return {
        "name": f"{test.id}: {test.title}",
        "status": STATUS.get(test.status, "error"),
        "score": test.score,
        "message": test.message,
        **_PLACE,
        "test_code": test.replay or _PLACE["test_code"],
        "duration": milliseconds,
    }

"""The step output `result` for a grader of GitHub Classroom (the older one): JSON in base64.

Its reporter sends no points where there is no `max_score`; so a held result has neither that nor a score.
"""

from __future__ import annotations

import base64
import json

from grader.results.result import Result, Test
from grader.results.student_view import student_view

STATUS = {"pass": "pass", "fail": "fail", "not-written": "fail", "skip": "fail"}


def text(result: Result) -> str:
    """Return one line of base64."""
    view = student_view(result)
    tests = [_test(test) for test in view.tests]
    for change in view.adjustments:
        if not change.test:
            name, status = {"late": "late days", "override": "points set by hand"}[change.kind], "pass"
            facts = {"name": name, "status": status, "score": change.points, "message": change.words}
            tests.append({**facts, **_PLACE, "duration": 0})
    if view.status != "graded":
        said = {"name": "grading", "status": "error", "score": 0, "message": view.message, **_PLACE, "duration": 0}
        tests = [said] if view.has_grade else [said | {"message": f"{view.points}; {view.message}"}, *tests]
    statuses = {test["status"] for test in tests}
    status = "error" if "error" in statuses else "fail" if "fail" in statuses else "pass"
    found: dict[str, object] = {"version": 1, "status": status, "max_score": view.max_score, "tests": tests}
    if not view.has_grade:
        for part in (found, *tests):
            part.pop("score", None)
        del found["max_score"]
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

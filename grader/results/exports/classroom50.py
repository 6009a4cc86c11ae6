"""The result.json of Classroom 50. Its points are whole numbers: ours are counted in hundredths if they are not.

The student and the assignment come from the environment that its runner sets; `owner`, `assignment_type` and `datetime`
are stamped by the runner itself. A held result has no `score` and no `max-score`, neither as a whole nor in a test: by
contract the collector of scores refuses such a file, names it, and leaves the points unchanged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from grader.results.result import Result, Test
from grader.results.student_view import student_view

UNIT = 100
"""What a point counts: the contract wants whole numbers, and the same maximum for all, whatever points one has."""
FROM_ENVIRONMENT = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}


def text(result: Result, environment: Mapping[str, str] = os.environ) -> str:
    """Return the file's content."""
    return json.dumps(content(result, environment), indent=1) + "\n"


def content(result: Result, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what the file holds."""
    view = student_view(result)
    found: dict[str, Any] = {"schema": "classroom50/result/v1"}
    found |= {key: environment.get(name, "") for key, name in FROM_ENVIRONMENT.items()}
    found |= {
        "graded_at": view.finished_at,
        "score": round(UNIT * view.score),
        "max-score": round(UNIT * view.max_score),
    }
    found["tests"] = [_test(test) for test in view.tests]
    if not view.has_grade:
        for part in (found, *found["tests"]):
            del part["score"], part["max-score"]
        found |= {"status": view.status, "message": f"{view.points}; {view.message}"}
    return found


def _test(test: Test) -> dict[str, Any]:
    return {
        "test-name": f"{test.id}: {test.title}",
        "passed": test.status == "pass",
        "score": round(UNIT * test.score),
        "max-score": round(UNIT * test.max_score),
        "status": test.status,
        "message": test.message,
        "replay": test.replay,
    }

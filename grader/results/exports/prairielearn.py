"""The results.json of an external grader of PrairieLearn.

`score` is the grade, a share of all points, hidden tests included; `tests` are those that students see. A submission
that is not gradable or held is `gradable: false`: PrairieLearn then gives no points, takes none, and counts no attempt.
It refuses files of more than 1 MB, and marks up some texts, so nothing in them may begin a tag.
"""

from __future__ import annotations

import json
import re
from typing import Any

from grader.results.result import Result, Test
from grader.results.student_view import student_view

LARGEST = 1_000_000
SHORT = 300
"""Characters of a text if the file is too large otherwise."""


def text(result: Result) -> str:
    """Return the file's content, with shorter texts if it is too large otherwise."""
    found = json.dumps(content(result), ensure_ascii=False)
    if len(found.encode()) >= LARGEST:
        found = json.dumps(content(result, SHORT), ensure_ascii=False)
    return found + "\n"


def content(result: Result, longest: int | None = None) -> dict[str, Any]:
    """Return what the file holds, with at most this many characters of each text."""
    view = student_view(result)
    if view.status != "graded" or not result.max_score:
        reasons = [view.points, view.message] if view.status == "held" else [view.message]
        return {"gradable": False, "format_errors": [_plain(reason, longest) for reason in reasons]}
    return {
        "gradable": True,
        "score": round(max(0.0, min(1.0, result.score / result.max_score)), 6),
        "message": _plain(f"{view.points}\n{view.message}".strip(), longest),
        "tests": [_test(test, longest) for test in view.tests],
    }


def _test(test: Test, longest: int | None) -> dict[str, Any]:
    return {
        "name": _plain(test.id, longest),
        "description": _plain(test.title, longest),
        "points": test.score,
        "max_points": test.max_score,
        "message": test.status.replace("-", " "),
        "output": _plain("\n".join(line for line in (test.message, test.hint, test.replay) if line), longest),
    }


def _plain(text: str, longest: int | None) -> str:
    """Return a text in which nothing begins a tag or an entity."""
    text = text if longest is None else text[:longest]
    return re.sub(r"<(?=[A-Za-z/!?])", "< ", re.sub(r"&(?=#|[A-Za-z])", "& ", text))

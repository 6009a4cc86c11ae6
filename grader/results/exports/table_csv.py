"""CSV for a class: one line per submission. Points are there only if they are a grade, and not if they wait for a
review.

A spreadsheet treats a cell that begins with = + - @ as a formula, so such text gets a ' in front; numbers do not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from grader.cleaning import one_line
from grader.results.result import Result


def class_table(results: Sequence[Result]) -> str:
    """Return the points of a class, as CSV."""
    stages = list(dict.fromkeys(stage.id for result in results for stage in result.stages))
    rows: list[list[str]] = [
        ["submission", "status", "points", "of", *stages, "held points", "held runs", "notes", "sha256"]
    ]
    for result in results:
        points = {stage.id: f"{stage.score:.2f}" for stage in result.stages if stage.status != "held"}
        total = f"{result.score:.2f}" if result.has_grade else ""
        row = [safe(result.submission.name), result.status, total, f"{result.max_score:.2f}"]
        row += [points.get(stage, "") for stage in stages]
        row += [f"{result.held_score:.2f}" if result.status == "held" else "", str(len(result.held))]
        said = [result.points] if result.status == "held" else []
        notes = "; ".join([*said, *([result.message] if result.message else []), *result.warnings])
        rows.append([*row, safe(notes), result.submission.sha256])
    return written(rows)


def safe(text: str) -> str:
    """Return a text that no spreadsheet treats as a formula."""
    text = one_line(text, 1000)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%")) else text


def written(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()

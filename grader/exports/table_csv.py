"""CSV for a class: one line a submission.

A spreadsheet takes a cell that begins with = + - @ for a formula, so text that does gets a ' in front; numbers do not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from grader.cleaning import one_line
from grader.result import Result


def class_table(results: Sequence[Result]) -> str:
    """Return the points of a class, as CSV."""
    stages = list(dict.fromkeys(stage.id for result in results for stage in result.stages))
    rows: list[list[str]] = [
        ["submission", "status", "points", "of", *stages, "errors of the grader", "notes", "sha256"]
    ]
    for result in results:
        points = {stage.id: f"{stage.score:.2f}" for stage in result.stages}
        row = [safe(result.submission.name), result.status, f"{result.score:.2f}", f"{result.max_score:.2f}"]
        row += [points.get(stage, "") for stage in stages]
        notes = "; ".join([*([result.message] if result.message else []), *result.warnings])
        rows.append([*row, str(len(result.our_errors)), safe(notes), result.submission.sha256])
    return written(rows)


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    text = one_line(text, 1000)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%")) else text


def written(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()

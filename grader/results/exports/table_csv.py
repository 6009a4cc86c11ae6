"""CSV for a class: one line per submission. Points are there only if it was graded, and not if they wait for a review
or nothing could be graded. Each line names the submission's source and hash, and the rubric, selection and secret of
its points.

The grades of a class at a glance; for programs, there is one row for each test (grader.results.exports.rows).
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.results.exports.cells import text_cell, written
from grader.results.result import Result


def class_table(results: Sequence[Result]) -> str:
    """Return the points of a class, as CSV."""
    stages = list(dict.fromkeys(stage.id for result in results for stage in result.stages))
    rows: list[list[str]] = [
        ["submission", "status", "points", "of", *stages, "held points", "held runs", "notes", "sha256", "student"]
    ]
    rows[0] += ["people", "source", "basis", "lab"]
    for result in results:
        points = {stage.id: f"{stage.score:.2f}" for stage in result.stages if stage.status != "held"}
        total = f"{result.score:.2f}" if result.status == "graded" else ""
        row = [text_cell(result.submission.name), result.status, total, f"{result.max_score:.2f}"]
        row += [points.get(stage, "") for stage in stages]
        row += [f"{result.held_score:.2f}" if result.status == "held" else "", str(len(result.held))]
        said = [result.points] if result.status == "held" else []
        said += [result.message] if result.message else []
        notes = "; ".join([*said, *(change.words for change in result.adjustments), *result.warnings])
        submission, basis = result.submission, result.basis
        people = "; ".join(person.name or person.email or person.login or person.id for person in submission.people)
        row += [text_cell(notes), submission.sha256, text_cell(submission.student), text_cell(people)]
        rows.append([*row, text_cell(submission.source), text_cell(basis.in_words), basis.lab_sha256[:8]])
    return written(rows)

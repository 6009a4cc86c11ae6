"""Fills the points of a class into a grading worksheet that Moodle exported; all other cells keep their content.

Moodle finds a row by its first column, as in "Participant 4711", and refuses a changed "Last modified" column. A row
belongs to a submission whose name holds that number between underscores, as in Moodle's own downloads, or is the row's
ID number or e-mail address. Feedback comments are HTML there, so ours are escaped.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.cleaning import clean
from grader.exits import Usage
from grader.results import report
from grader.results.result import Result, Submission
from grader.results.student_view import student_view

IDENTIFIER, GRADE, MOST, COMMENTS = "identifier", "grade", "maximum grade", "feedback comments"
_DOWNLOADED = re.compile(r"_(\d+)_assignsubmission_|[^_]+_(\d+)(?:_.*)?")
LONGEST = 4000


@dataclass
class Filled:
    """What was done: the changed rows by submission, and why others were left as they are."""

    changed: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The grade before and now."""
    left: list[str] = field(default_factory=list)


def rows_of(path: Path) -> list[list[str]]:
    """Return the lines of a worksheet; raise Usage if the file is not one."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Usage(f"cannot read the worksheet {path}: {error}") from None
    columns = _columns(rows[0]) if rows else {}
    missing = [name for name in (IDENTIFIER, GRADE) if name not in columns]
    if missing:
        raise Usage(
            f"{path} is not a grading worksheet of Moodle: its first line has no column {missing[0]!r}. Switch on "
            "'Offline grading worksheet' in the assignment, set Moodle to English, and download the worksheet again"
        )
    return rows


def fill_in(rows: list[list[str]], results: Sequence[Result], scale: bool, lower: bool) -> Filled:
    """Write grades and comments into the rows; a grade is lowered only with `lower`."""
    columns, filled = _columns(rows[0]), Filled()
    by_row: dict[int, list[Result]] = {}
    for result in results:
        name = result.submission.name
        fitting = [n for n, row in enumerate(rows[1:], 1) if _belongs(row, columns, result.submission)]
        if len(fitting) != 1:
            filled.left.append(f"{name}: {'no row fits' if not fitting else f'{len(fitting)} rows fit'}")
        else:
            by_row.setdefault(fitting[0], []).append(result)
    for number, found in by_row.items():
        if len(found) > 1:
            filled.left.append(f"{', '.join(one.submission.name for one in found)}: more than one for the same row")
            continue
        why = _fill_row(rows[number], columns, found[0], (scale, lower), filled)
        if why:
            filled.left.append(f"{found[0].submission.name}: {why}")
    return filled


def _fill_row(
    row: list[str], columns: dict[str, int], result: Result, allowed: tuple[bool, bool], filled: Filled
) -> str:
    """Fill in one row, or return why it stays as it is."""
    scale, lower = allowed
    if result.status != "graded":
        return f"{result.points if result.status == 'held' else result.status}; its row stays as it was"
    most = _number(row[columns[MOST]]) if MOST in columns else None
    points = result.score
    if most is not None and most != result.max_score and result.max_score:
        if not scale:
            raise Usage(f"Moodle has {most:g} points, the rubric {result.max_score:g}; change one, or give --scale")
        points = result.score * most / result.max_score
    before = _number(row[columns[GRADE]])
    if before is not None and points < before and not lower:
        return f"{points:.2f} is less than the {before:g} that is there; give --lower to lower grades"
    comma = MOST in columns and "," in row[columns[MOST]]
    shown = f"{points:.2f}".replace(".", "," if comma else ".")
    filled.changed[result.submission.name] = row[columns[GRADE]], shown
    row[columns[GRADE]] = shown
    if COMMENTS in columns:
        row[columns[COMMENTS]] = _comment(result)
    return ""


def _columns(header: Sequence[str]) -> dict[str, int]:
    return {name.strip().lower(): number for number, name in enumerate(header)}


def _belongs(row: Sequence[str], columns: dict[str, int], submission: Submission) -> bool:
    if len(row) <= max(columns.values()):
        return False
    number = re.search(r"(\d+)$", row[columns[IDENTIFIER]])
    known = {row[columns[key]].casefold() for key in ("id number", "email address") if key in columns} - {""}
    keys = {key for person in submission.people for key in person.keys}
    if keys:
        return bool(keys & known) or (submission.origin == "moodle" and bool(number and number.group() in keys))
    name = submission.name
    downloaded = {part for found in _DOWNLOADED.findall(name) for part in found if part}
    return bool(number and number.group() in downloaded) or name.casefold() in known


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _comment(result: Result) -> str:
    """Return the student's report as HTML in which nothing acts as markup."""
    return "<pre>" + html.escape(clean(report.render_one(student_view(result)), LONGEST)) + "</pre>"

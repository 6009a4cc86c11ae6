"""Fills the points of a class into a grading worksheet that Moodle exported; all other cells keep their content.

Moodle finds a row by its first column, as in "Participant 4711", and refuses a changed "Last modified" column. Rows are
found (grader.results.exports.matching) by that number, also between underscores in the name of a submission, as in
Moodle's own downloads, and by ID number or e-mail address. Feedback comments are HTML there, so ours are escaped.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.cleaning import clean
from grader.exits import Usage
from grader.results import report
from grader.results.exports.matching import MARK, match
from grader.results.result import Person, Result
from grader.results.student_view import student_view

IDENTIFIER, GRADE, MOST, COMMENTS = "identifier", "grade", "maximum grade", "feedback comments"
_DOWNLOADED = re.compile(r"_(\d+)_assignsubmission_|[^_]+_(\d+)(?:_.*)?")
LONGEST = 4000


@dataclass
class Filled:
    """What was done: the changed rows by student, and why others were left as they are."""

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
    matched = match([_names(row, columns) for row in rows[1:]], results, _keys, _downloaded)
    for who, count in matched.without:
        filled.left.append(f"{who}: {f'{count} rows fit' if count else 'no row fits'}")
    for number, found in matched.by_row.items():
        if len(found) > 1:
            filled.left.append(f"{', '.join(who for who, _ in found)}: more than one for the same row")
            continue
        [(who, result)] = found
        before = rows[number + 1][columns[GRADE]]
        why = _fill_row(rows[number + 1], columns, result, scale, lower)
        if why:
            filled.left.append(f"{who}: {why}")
        else:
            filled.changed[who] = before, rows[number + 1][columns[GRADE]]
    return filled


def _fill_row(row: list[str], columns: dict[str, int], result: Result, scale: bool, lower: bool) -> str:
    """Fill in one row, or return why it stays as it is."""
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
    row[columns[GRADE]] = shown
    if COMMENTS in columns:
        row[columns[COMMENTS]] = _comment(result)
    return ""


def _columns(header: Sequence[str]) -> dict[str, int]:
    return {name.strip().lower(): number for number, name in enumerate(header)}


def _names(row: Sequence[str], columns: dict[str, int]) -> set[str]:
    """Return the names by which a row knows its student: ID number, e-mail address, and Moodle's own number."""
    if len(row) <= max(columns.values()):
        return set()
    number = re.search(r"(\d+)$", row[columns[IDENTIFIER]])
    known = {row[columns[key]].strip().casefold() for key in ("id number", "email address") if key in columns} - {""}
    return known | ({MARK + number.group()} if number else set())


def _keys(result: Result, person: Person) -> set[str]:
    """Return the names by which a row may know a person. The number of a download of Moodle is the participant's; after
    a roster was joined it is the number on the platform, which is Moodle if the submission's path is of its kind."""
    if result.submission.origin == "moodle":
        return person.keys - {person.id.casefold()} | {MARK + person.id}
    if person.platform and f"_{person.platform}_assignsubmission_" in result.submission.source:
        return person.keys - {person.platform.casefold()} | {MARK + person.platform}
    return person.keys


def _downloaded(name: str) -> Iterator[str]:
    """Yield the participant's number in the name of a downloaded file."""
    return (MARK + number for found in _DOWNLOADED.findall(name) for number in found if number)


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _comment(result: Result) -> str:
    """Return the student's report as HTML in which nothing acts as markup."""
    return "<pre>" + html.escape(clean(report.render_one(student_view(result)), LONGEST)) + "</pre>"

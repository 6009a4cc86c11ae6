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
from dataclasses import dataclass
from pathlib import Path

from grader.cleaning import clean
from grader.exits import Usage
from grader.results import report
from grader.results.exports.marks import Change, Marks
from grader.results.exports.matching import MARK, match
from grader.results.exports.points import earned, fitted
from grader.results.result import Person, Result
from grader.results.student_view import student_view

IDENTIFIER, NAME, GRADE = "identifier", "full name", "grade"
MOST, COMMENTS = "maximum grade", "feedback comments"
_DOWNLOADED = re.compile(r"_(\d+)_assignsubmission_|[^_]+_(\d+)(?:_.*)?")
LONGEST = 4000


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


@dataclass(frozen=True)
class Allowed:
    """What the instructor allows, and how points are counted."""

    scale: bool = False
    stages: tuple[str, ...] = ()
    """Only the points of these stages; empty for all."""
    lower: bool = False


def plan(rows: list[list[str]], results: Sequence[Result], allowed: Allowed) -> Marks:
    """Return which grades and comments to fill in; nothing is filled in yet."""
    columns, made = _columns(rows[0]), Marks()
    matched = match([_names(row, columns) for row in rows[1:]], results, _keys, _downloaded)
    for who, count in matched.without:
        rows_fit = f"{count} rows of the worksheet fit" if count else "no row of the worksheet fits"
        made.left.append(f"{who}: {rows_fit}")
    for number, found in matched.by_row.items():
        if len(found) > 1:
            made.left.append(f"{', '.join(who for who, _ in found)}: more than one for the same row")
            continue
        [(who, result)] = found
        _plan_row(made, rows[number + 1], columns, who, result, allowed)
    rest = (row for number, row in enumerate(rows[1:]) if number not in matched.by_row and row)
    made.without = [row[columns.get(NAME, columns[IDENTIFIER])] for row in rest if len(row) == len(rows[0])]
    return made


def _plan_row(made: Marks, row: list[str], columns: dict[str, int], who: str, result: Result, allowed: Allowed) -> None:
    """Plan one row, or note why it stays as it is."""
    found, why_not = earned(result, allowed.stages), ""
    if result.status not in ("graded", "held"):
        why_not = result.status
    elif found.is_held:
        why_not = result.points
    if why_not or found.why_not:
        made.left.append(f"{who}: {why_not or found.why_not}; its row stays as it was")
        return
    most = _number(row[columns[MOST]]) if MOST in columns else None
    points, there = fitted(found, most, allowed.scale, "Moodle"), row[columns[GRADE]]
    before = _number(there)
    if before is not None and points < before and not allowed.lower:
        made.left.append(f"{who}: {points:.2f} is less than the {before:g} that is there; give --lower to lower grades")
        return
    comma = MOST in columns and "," in row[columns[MOST]]
    after = f"{points:.2f}".replace(".", "," if comma else ".")
    cells = {columns[GRADE]: after} | ({columns[COMMENTS]: _comment(result)} if COMMENTS in columns else {})
    if all(row[column] == cell for column, cell in cells.items()):
        made.same += 1
    else:
        made.changes.append(Change(who, there, after, row, cells))


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
    """Return the student's report as HTML in which nothing acts as markup, and no line of dashes as a formula."""
    text = clean(report.render_one(student_view(result)), LONGEST)
    text = re.sub(r"^-[- ]+$", lambda rule: rule.group().replace("-", "─"), text, flags=re.MULTILINE)
    return "<pre>" + html.escape(text) + "</pre>"

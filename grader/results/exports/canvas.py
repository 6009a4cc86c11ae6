"""Fills the points of a class into a gradebook that Canvas exported; all other cells stay unchanged.

Rows are found (grader.results.exports.matching) by ID, SIS User ID or SIS Login ID. Each case in which a grade could be
lost or given by mistake is left out unless the instructor allows it: two results for one row, an excused student, a
lower grade than the one there, a held or ungradable result.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.exits import Usage
from grader.results.exports.marks import Change, Marks
from grader.results.exports.matching import match
from grader.results.exports.points import earned, fitted, require_choice
from grader.results.result import Result

KEYS = ("SIS Login ID", "SIS User ID", "ID")
EXCUSED = "EX"
NOBODY = ("Student, Test", "Test Student")
"""The rows of Canvas's own test student."""
_DOWNLOADED = re.compile(r"[^_]+_(?:LATE_)?(\d+)_\d+_.*")


@dataclass(frozen=True)
class Allowed:
    """What the instructor allows, and how points are counted."""

    scale: bool = False
    stages: tuple[str, ...] = ()
    """Only the points of these stages; empty for all."""
    duplicates: Literal["", "best", "last"] = ""
    lower: bool = False
    excused: bool = False
    held: bool = False
    not_gradable: bool = False


def rows_of(path: Path) -> list[list[str]]:
    """Return the lines of a gradebook; raise Usage if the file is not one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Usage(f"cannot read the gradebook {path}: {error}") from None
    if not rows or "Student" not in rows[0] or "ID" not in rows[0]:
        raise Usage(
            f"{path} is not a gradebook of Canvas: its first line has no columns Student and ID. Export it there"
        )
    return rows


def find_column(header: list[str], assignment: str) -> int:
    """Return the column of an assignment, by its whole head, its title, or the number in its parentheses."""
    heads = {number: re.fullmatch(r"(.*) \((\d+)\)", head) for number, head in enumerate(header)}
    fitting = [n for n, head in heads.items() if head and assignment in (head.group(), head.group(1), head.group(2))]
    if len(fitting) != 1:
        known = ", ".join(repr(head.group()) for head in heads.values() if head) or "none"
        raise Usage(
            f"--assignment {assignment!r} is {'no' if not fitting else 'more than one'} column; there are {known}"
        )
    return fitting[0]


def plan(rows: list[list[str]], column: int, results: Sequence[Result], allowed: Allowed) -> Marks:
    """Return what to fill in; nothing is filled in yet."""
    points_row = next((row for row in rows[1:] if row[0].strip() == "Points Possible"), None)
    possible = _number(points_row[column]) if points_row else None
    require_choice(rows[0][column], possible, results, allowed.stages)
    keys = [rows[0].index(key) for key in KEYS if key in rows[0]]
    students = [row for row in rows[1:] if row is not points_row and len(row) == len(rows[0])]
    cells = [{row[key].strip().casefold() for key in keys if row[key].strip()} for row in students]
    matched, made = match(cells, results, lambda result, person: person.keys, _DOWNLOADED.findall), Marks()
    for who, count in matched.without:
        rows_fit = f"{count} rows of the gradebook fit" if count else "no row of the gradebook fits"
        made.left.append(f"{who}: {rows_fit}")
    for number, found in matched.by_row.items():
        _plan_row(made, students[number], column, [result for _, result in found], possible, allowed)
    rest = (row[0].strip() for number, row in enumerate(students) if number not in matched.by_row)
    made.without = [name for name in rest if name not in NOBODY]
    return made


def _plan_row(
    made: Marks, row: list[str], column: int, found: list[Result], possible: float | None, allowed: Allowed
) -> None:
    result = found[0] if len(found) == 1 else _chosen(found, allowed)
    if result is None:
        names = " and ".join(result.submission.name for result in found)
        made.left.append(f"{row[0]}: {len(found)} results, of {names}; give --duplicates best, or last")
        return
    name, before = result.submission.name, row[column].strip()
    points, why_not = _points(result, possible, allowed)
    after = f"{points:.2f}"
    if not why_not and before.upper() == EXCUSED and not allowed.excused:
        why_not = f"excused in Canvas ({after} points); give --excused to replace that"
    known = _number(before)
    if not why_not and known is not None and points < known and not allowed.lower:
        why_not = f"{after} is less than the {before} that is there; give --lower to lower grades"
    if why_not:
        made.left.append(f"{name}: {why_not}; its cell stays as it was")
    elif known is not None and f"{known:.2f}" == after:
        made.same += 1
    else:
        made.changes.append(Change(row[0], before, after, row, {column: after}))


def _chosen(found: list[Result], allowed: Allowed) -> Result | None:
    """Return the result that counts of several for one row; None if nobody has decided, or it cannot be known."""
    if allowed.duplicates == "best":
        return max(found, key=lambda result: (result.has_grade, result.score))
    orders = [(result.submission.handed_in, result.submission.attempt) for result in found]
    if allowed.duplicates == "last" and len(set(orders)) == len(orders):
        return max(found, key=lambda result: (result.submission.handed_in, result.submission.attempt))
    return None


def _points(result: Result, possible: float | None, allowed: Allowed) -> tuple[float, str]:
    """Return the points, and why they may not be filled in, "" if they may."""
    if result.status == "not-gradable":
        return 0.0, "" if allowed.not_gradable else f"{result.message}; give --not-gradable for zero points"
    found = earned(result, allowed.stages)
    if found.is_held and not allowed.held:
        return 0.0, f"{result.points}; give --held to fill in only the points that are certain"
    if found.why_not:
        return 0.0, found.why_not
    return fitted(found, possible, allowed.scale, "Canvas"), ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

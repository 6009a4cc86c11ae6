"""Fills the points of a class into a gradebook that Canvas exported; all other cells stay unchanged.

Rows are found by ID, SIS User ID, SIS Login ID, or the user number in the name that Canvas gives a downloaded file: a
submission that fits none, or several, is named and left out. Nobody's ID is ever invented. A held result has no grade:
its cell stays unchanged, and it is named, too.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from grader.exits import Usage
from grader.results.result import Result

KEYS = ("SIS Login ID", "SIS User ID", "ID")
_DOWNLOADED = re.compile(r"[^_]+_(?:LATE_)?(\d+)_\d+_.*")


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


def fill_in(rows: list[list[str]], column: int, results: list[Result], scale: bool) -> list[str]:
    """Write points into the rows; return the names of submissions without a row of their own."""
    points_row = next((row for row in rows[1:] if row[0].strip() == "Points Possible"), None)
    possible = float(points_row[column]) if points_row and points_row[column] else None
    keys = [rows[0].index(key) for key in KEYS if key in rows[0]]
    students = [row for row in rows[1:] if row is not points_row and len(row) == len(rows[0])]
    unmatched = []
    for result in results:
        names = {result.submission.name, *_DOWNLOADED.findall(result.submission.name)}
        fitting = [row for row in students if any(row[key] and row[key] in names for key in keys)]
        if len(fitting) != 1:
            unmatched.append(result.submission.name)
            continue
        fitting[0][column] = f"{_points(result, possible, scale):.2f}"
    return unmatched


def _points(result: Result, possible: float | None, scale: bool) -> float:
    if possible is None or result.max_score == possible or not result.max_score:
        return result.score
    if not scale:
        text = f"Canvas has {possible:g} points possible, the rubric {result.max_score:g}"
        raise Usage(f"{text}; change one of them, or give --scale")
    return result.score * possible / result.max_score

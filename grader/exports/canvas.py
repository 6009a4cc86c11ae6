"""Fill the points of a class into a gradebook that Canvas exported; what was there stays as it was.

Rows are found by ID, SIS User ID, SIS Login ID, or the user number in the name that Canvas gives a downloaded file:
a submission that fits none, or several, is named and left out. Nobody's ID is ever invented. A result that is held has
no grade: its cell stays as it was, and it is named, too.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from pathlib import Path

from grader.exits import FULL_POINTS, LESS, Usage, require_writable
from grader.exports.table_csv import written
from grader.exports.text_file import write_text
from grader.result import Result, read

KEYS = ("SIS Login ID", "SIS User ID", "ID")
_DOWNLOADED = re.compile(r"[^_]+_(?:LATE_)?(\d+)_\d+_.*")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gradebook", type=Path, metavar="CSV", help="as exported from Canvas")
    parser.add_argument(
        "--assignment", required=True, metavar="TITLE", help="the column to fill in: its title or number"
    )
    parser.add_argument("--results", type=Path, default=Path("out/grades"), metavar="DIR", help="as grade left them")
    parser.add_argument("--into", type=Path, metavar="FILE", help="the file to import (the gradebook's name + -filled)")
    parser.add_argument("--scale", action="store_true", help="scale to the points possible in Canvas")


def run(options: argparse.Namespace) -> int:
    """Fill in; return 1 if a submission has no row, or no grade."""
    rows = _rows(options.gradebook)
    results = [read(path) for path in sorted(options.results.glob("*/result.json"))]
    graded = [result for result in results if result.has_grade]
    column = find_column(rows[0], options.assignment)
    unmatched = fill_in(rows, column, graded, options.scale)
    into = options.into or options.gradebook.with_name(options.gradebook.stem + "-filled.csv")
    require_writable(into)
    write_text(into, written(rows))
    print(f"{into}: {len(graded) - len(unmatched)} rows of {rows[0][column]!r} filled in")
    left = [f"{name}: no row of the gradebook fits" for name in unmatched]
    for result in results:
        if not result.has_grade:
            why = f"{result.points}; its cell stays as it was" if result.status == "held" else result.status
            left.append(f"{result.submission.name}: {why}")
    print("".join(f"left out {line}\n" for line in left), end="", file=sys.stderr)
    return LESS if left else FULL_POINTS


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Usage(f"cannot read the gradebook {path}: {error}") from None
    if not rows or "Student" not in rows[0] or "ID" not in rows[0]:
        raise Usage(f"{path} is no gradebook of Canvas: its first line has no columns Student and ID. Export it there")
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

"""Fill the points of a class into a gradebook that Canvas exported; all other cells stay unchanged.

Rows are found by ID, SIS User ID, SIS Login ID, or the user number in the name that Canvas gives a downloaded file: a
submission that fits none, or several, is named and left out. Nobody's ID is ever invented. A held result has no grade:
its cell stays unchanged, and it is named, too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.exits import FULL_POINTS, LESS, require_writable


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gradebook", type=Path, metavar="CSV", help="as exported from Canvas")
    parser.add_argument(
        "--assignment", required=True, metavar="TITLE", help="the column to fill in: its title or number"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("out/grades"), metavar="DIR", help="as the grade command left them"
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help="the file to import (the gradebook's name + -filled)")
    parser.add_argument("--scale", action="store_true", help="scale to the points possible in Canvas")


def run(options: argparse.Namespace) -> int:
    """Fill in; return 1 if a submission has no row, or no grade."""
    from grader.results.exports.canvas import fill_in, find_column, rows_of
    from grader.results.exports.cells import written
    from grader.results.exports.text_file import write_text
    from grader.results.result import read

    rows = rows_of(options.gradebook)
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

"""Fill the points of a class into a grading worksheet that Moodle exported; all other cells keep their content.

Rows are found by Moodle's participant number in the name that it gives a downloaded file, by ID number, or by e-mail
address; a group's points go into the rows of all its members. A submission that fits no row, or several, is named and
left out, and so is one that is held or not gradable.
A grade is lowered only with --lower.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.exits import FULL_POINTS, LESS, require_writable
from grader.options import add_moment, moment_of


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worksheet", type=Path, metavar="CSV", help="the grading worksheet, as downloaded from Moodle")
    parser.add_argument(
        "--results", type=Path, default=Path("out/grades"), metavar="DIR", help="as the grade command left them"
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help="the file to upload (the worksheet's name + -filled)")
    parser.add_argument("--scale", action="store_true", help="scale to the maximum grade in Moodle")
    parser.add_argument("--lower", action="store_true", help="also fill in grades that are less than those there")
    add_moment(parser)


def run(options: argparse.Namespace) -> int:
    """Fill in; return 1 if a submission was left out."""
    from grader.results.exports.cells import written
    from grader.results.exports.matching import require_one_basis
    from grader.results.exports.moodle import fill_in, rows_of
    from grader.results.exports.text_file import write_text
    from grader.results.release import all_released
    from grader.results.shelf import results_in

    rows = rows_of(options.worksheet)
    results = list(all_released(results_in(options.results), moment_of(options)).values())
    require_one_basis(results)
    filled = fill_in(rows, results, options.scale, options.lower)
    into = options.into or options.worksheet.with_name(options.worksheet.stem + "-filled.csv")
    require_writable(into)
    write_text(into, written(rows))
    print(f"{into}: {len(filled.changed)} rows filled in")
    for name, (before, now) in filled.changed.items():
        if before and before != now:
            print(f"  {name}: {before} -> {now}")
    print("".join(f"left out {line}\n" for line in filled.left), end="", file=sys.stderr)
    return LESS if filled.left else FULL_POINTS

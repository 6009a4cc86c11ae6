"""Fill the points of a class into a grading worksheet that Moodle exported; all other cells keep their content.

First it shows what would change, and writes nothing; --write then writes the file to upload. Rows are found by Moodle's
participant number in the name that it gives a downloaded file, by ID number, or by e-mail address; a group's points go
into the rows of all its members. A submission that fits no row, or several, is named and left out, and so is one that
is held or not gradable. A grade is lowered only with --lower.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.marking_options import add_marks_options, show_or_write, stages_of
from grader.options import add_moment, moment_of


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worksheet", type=Path, metavar="CSV", help="the grading worksheet, as downloaded from Moodle")
    add_marks_options(parser, "the worksheet's name")
    parser.add_argument("--scale", action="store_true", help="scale to the maximum grade in Moodle")
    parser.add_argument("--lower", action="store_true", help="also fill in grades that are less than those there")
    add_moment(parser)


def run(options: argparse.Namespace) -> int:
    """Show or fill in; return 1 if a submission is left out."""
    from grader.results.exports import moodle
    from grader.results.exports.matching import require_one_basis
    from grader.results.release import all_released
    from grader.results.shelf import results_in

    rows = moodle.rows_of(options.worksheet)
    results = list(all_released(results_in(options.results), moment_of(options)).values())
    require_one_basis(results)
    plan = moodle.plan(rows, results, moodle.Allowed(options.scale, stages_of(options), options.lower))
    return show_or_write(options, options.worksheet, rows, plan)

"""Fill the points of a class into a gradebook that Canvas exported; all other cells stay unchanged.

First it shows what would change, and writes nothing; --write then writes the file to import. Rows are found by ID, SIS
User ID, SIS Login ID (also an e-mail address), or the user number in the name that Canvas gives a downloaded file.
Nobody's ID is ever invented. Left out, each with the option that allows it: two results for one row, excused students,
lower grades, held and ungradable results.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.marking_options import add_marks_options, show_or_write, stages_of


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gradebook", type=Path, metavar="CSV", help="as exported from Canvas")
    parser.add_argument(
        "--assignment", required=True, metavar="TITLE", help="the column to fill in: its title or number"
    )
    add_marks_options(parser, "the gradebook's name")
    parser.add_argument("--scale", action="store_true", help="scale to the points possible in Canvas")
    parser.add_argument(
        "--duplicates", choices=("best", "last"), default="", help="which of several results of one student counts"
    )
    parser.add_argument("--lower", action="store_true", help="also grades that are less than those there")
    parser.add_argument("--excused", action="store_true", help="also in place of EX")
    parser.add_argument("--held", action="store_true", help="also held results: only the points that are certain")
    parser.add_argument("--not-gradable", action="store_true", help="also ungradable results: zero points")


def run(options: argparse.Namespace) -> int:
    """Show or fill in; return 1 if a submission is left out."""
    from grader.results.exports import canvas
    from grader.results.exports.matching import require_one_basis
    from grader.results.shelf import results_in

    rows = canvas.rows_of(options.gradebook)
    column = canvas.find_column(rows[0], options.assignment)
    results = list(results_in(options.results).values())
    require_one_basis(results)
    allowed = canvas.Allowed(
        options.scale,
        stages_of(options),
        options.duplicates,
        options.lower,
        options.excused,
        options.held,
        options.not_gradable,
    )
    plan = canvas.plan(rows, column, results, allowed)
    return show_or_write(options, options.gradebook, rows, plan, f"{rows[0][column]!r}: ")

"""Fill the points of a class into a gradebook that Canvas exported; all other cells stay unchanged.

First it shows what would change, and writes nothing; --write then writes the file to import. Rows are found by ID, SIS
User ID, SIS Login ID (also an e-mail address), or the user number in the name that Canvas gives a downloaded file.
Nobody's ID is ever invented. Left out, each with the option that allows it: two results for one row, excused students,
lower grades, held and ungradable results.
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
    parser.add_argument("--write", action="store_true", help="write the file, after a look at what would change")
    parser.add_argument("--into", type=Path, metavar="FILE", help="the file to import (the gradebook's name + -filled)")
    parser.add_argument("--stage", default="", metavar="2A,2B", help="only the points of these stages")
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
    from grader.results.exports.cells import written
    from grader.results.exports.matching import require_one_basis
    from grader.results.exports.text_file import write_text
    from grader.results.shelf import results_in

    rows = canvas.rows_of(options.gradebook)
    column = canvas.find_column(rows[0], options.assignment)
    results = list(results_in(options.results).values())
    require_one_basis(results)
    stages = tuple(stage for stage in options.stage.split(",") if stage)
    allowed = canvas.Allowed(
        options.scale,
        stages,
        options.duplicates,
        options.lower,
        options.excused,
        options.held,
        options.not_gradable,
    )
    plan = canvas.plan(rows, column, results, allowed)
    for change in plan.changes:
        print(f"  {change.student}: {change.before or 'empty'} -> {change.after}")
    count = f"{rows[0][column]!r}: {len(plan.changes)} of {len(plan.changes) + plan.same} students"
    if plan.same:
        count += "; the others have these points already"
    if options.write:
        into = options.into or options.gradebook.with_name(options.gradebook.stem + "-filled.csv")
        require_writable(into)
        plan.carry_out()
        write_text(into, written(rows))
        print(f"{into}: filled in {count}")
    else:
        print(f"nothing is written: with --write it fills in {count}")
    print("".join(f"left out {line}\n" for line in plan.left), end="", file=sys.stderr)
    return LESS if plan.left else FULL_POINTS

"""What the commands that fill points into a gradebook have in common: options, and that a look comes before writing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader.exits import FULL_POINTS, LESS, require_writable
from grader.places import GRADES
from labs.checking.words import counted

if TYPE_CHECKING:
    from grader.results.exports.marks import Marks

MOST_NAMED = 20
"""Students without a result that are named."""


def add_marks_options(parser: argparse.ArgumentParser, file: str) -> None:
    """Add the options; `file` is what the file to write is called after."""
    parser.add_argument(
        "--results", type=Path, default=GRADES, metavar="DIR", help=f"the --out of grade or class ({GRADES})"
    )
    parser.add_argument("--write", action="store_true", help="write the file, after a look at what would change")
    parser.add_argument("--into", type=Path, metavar="FILE", help=f"the file to write ({file} + -filled)")
    parser.add_argument("--stage", default="", metavar="2A,2B", help="only the points of these stages")


def stages_of(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the chosen stages; none for all."""
    return tuple(stage for stage in options.stage.split(",") if stage)


def show_or_write(options: argparse.Namespace, file: Path, rows: list[list[str]], marks: Marks, what: str = "") -> int:
    """Print what changes, and write it with --write; return 1 if a submission is left out."""
    from grader.results.exports.cells import written
    from grader.results.exports.text_file import write_text

    for change in marks.changes:
        print(f"  {change.student}: {change.before or 'empty'} -> {change.after}")
    count = f"{what}{len(marks.changes)} of {counted(len(marks.changes) + marks.same, 'student')}"
    if marks.same:
        count += "; the others have these points already"
    if options.write:
        into = options.into or file.with_name(file.stem + "-filled.csv")
        require_writable(into)
        marks.carry_out()
        write_text(into, written(rows))
        print(f"{into}: filled in {count}")
    else:
        print(f"nothing is written: with --write it fills in {count}")
    print("".join(f"{line}\n" for line in _left_out(options.results, marks)), end="", file=sys.stderr)
    return LESS if marks.left else FULL_POINTS


def _left_out(results: Path, marks: Marks) -> list[str]:
    """Return who gets no points, and why; if nobody gets any, where else there are results."""
    from grader.results.shelf import elsewhere

    lines = [f"left out {line}" for line in marks.left]
    if marks.without:
        more = f" and {len(marks.without) - MOST_NAMED} more" if marks.without[MOST_NAMED:] else ""
        lines.append(f"no result in {results}: {'; '.join(marks.without[:MOST_NAMED])}{more}")
    if not marks.changes and not marks.same:
        lines.append(f"no points of {results} fit: --results names another folder{elsewhere(results)}")
    return lines

"""Write the pages of a class: class.html for you, and report.html in each student's folder, to hand back.

Both are single files that need no network. class.html shows what waits for a review, the heat map of students and
tests, points, rules, submissions that fail alike, and time; hidden tests are in it. report.html shows what the rubric
lets students see.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.exits import FULL_POINTS, require_writable


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, nargs="?", default=Path("out/grades"), metavar="RESULTS", help="results (out/grades)"
    )
    parser.add_argument("--title", default="Class", metavar="TEXT", help="the heading of the page")


def run(options: argparse.Namespace) -> int:
    """Write the pages, and print where they are."""
    from grader.results.pages.write import CLASS, write_pages
    from grader.results.shelf import results_in

    results_in(options.results)
    require_writable(options.results / CLASS)
    count = write_pages(options.results, options.title)
    print(f"{options.results / CLASS}: {count} submissions; each has its report.html beside its result.json")
    return FULL_POINTS

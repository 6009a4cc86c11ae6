"""Write the pages of a class: class.html for you, and report.html in each student's folder, to hand back.

Both are single files that need no network. class.html shows what waits for a review, the heat map of students and
tests, points, rules, submissions that fail alike, and time; hidden tests are in it. report.html shows what the rubric
lets students see. With --traces N as many failures of each student are run once more, in the sandbox, one for each
cause first, and the page of the shortest run of each, message by message, is linked from the report; so is the page of
what is left when that run is made small: fewer faults, commands and servers that break the same rule.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grader.exits import FULL_POINTS, LESS, require_writable
from grader.options import add_moment, moment_of, wanted_hosts
from grader.places import GRADES
from labs.checking.words import counted
from labs.report.numbers import positive

SHRINKING = 10.0
"""CPU seconds for making one failure small."""

if TYPE_CHECKING:
    from grader.results.result import Result


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, nargs="?", default=GRADES, metavar="RESULTS", help="results (out/grades)")
    parser.add_argument("--title", default="Class", metavar="TEXT", help="the heading of the page")
    parser.add_argument("--traces", type=positive, metavar="N", help="make the pages of this many failures per student")
    parser.add_argument(
        "--shrink",
        type=float,
        default=SHRINKING,
        metavar="SECONDS",
        help=f"CPU time for making each of these failures small ({SHRINKING:g}); 0: leave them as they are",
    )
    add_moment(parser)


def run(options: argparse.Namespace) -> int:
    """Write the pages, and print where they are; return 1 if the traces of a student cannot be made."""
    from grader.results.pages.write import CLASS, write_pages
    from grader.results.release import all_released
    from grader.results.shelf import Shelf, require_some

    now = moment_of(options)
    everyone = all_released(Shelf(options.results).everyone().results, now)
    whole = {name: result for name, result in everyone.items() if result.status != "unfinished"}
    require_some(options.results, whole)
    require_writable(options.results / CLASS)
    left_out = _make_traces(options, whole) if options.traces else {}
    count = write_pages(options.results, options.title, everyone)
    print(f"{options.results / CLASS}: {counted(count, 'submission')}; each has its report.html beside its result.json")
    for name, why in left_out.items():
        print(f"page: no traces of {name}: {why}", file=sys.stderr)
    return LESS if left_out else FULL_POINTS


def _make_traces(options: argparse.Namespace, found: Mapping[str, Result]) -> dict[str, str]:
    """Make the pages of failing runs; return why there are none for some students."""
    from grader.grading.traces import make_traces, wanted
    from grader.intake.taken import take_in

    left_out, hosts = {}, wanted_hosts("page", None, None)
    for name, result in found.items():
        folder = options.results / name
        failures = wanted(folder, result, options.traces)
        source = result.submission.source
        if not failures:
            continue
        if not source or not Path(source).exists():
            left_out[name] = f"there is no {source or 'source in its result'}"
            continue
        with take_in(source) as taken:
            if taken.sha256 != result.submission.sha256:
                left_out[name] = f"{source} is another submission now; grade it again"
                continue
            made = make_traces(taken, hosts, failures, folder, options.shrink)
        if made < len(failures):
            left_out[name] = (
                f"{counted(len(failures) - made, 'run')} ended otherwise than in the result; grade it again"
            )
    return left_out

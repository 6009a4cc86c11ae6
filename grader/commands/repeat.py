"""Repeat one run of a submission, by the same hosts, test and seed: the first thing to do about a held run.

The run is done as for a grade, and then once more with the reference if the grader cannot grade it. Any test can be
repeated, hidden ones included, and any kind of submission: folder, zip or tar.
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

from grader import exits
from grader.cleaning import clean
from grader.exits import Usage

CODES = {"pass": exits.FULL_POINTS, "fail": exits.LESS, "error": exits.LESS}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submission", metavar="SUBMISSION", help="folder, zip or tar, as it was graded")
    parser.add_argument("test", metavar="TEST", help="the test's id, such as 2C/figure_8")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="its seed (1)")
    parser.add_argument("--hosts", choices=("process", "inline"), help="as for grade")
    parser.add_argument("--require-sandbox", metavar="LEVEL", help="as for grade")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="write the trace there, for make trace FILE=")


def run(options: argparse.Namespace) -> int:
    """Repeat the run and print its verdict; return 0 if it passes, 1 if not, 3 if it cannot be graded."""
    import trio

    from grader.execution import scenarios
    from grader.execution.hosts import choose
    from grader.execution.runs import Job
    from grader.grading.repeating import repeat
    from grader.intake.taken import take_in
    from grader.results.held import held_run

    if options.test not in scenarios.public() and options.test not in scenarios.hidden():
        raise Usage(f"there is no test {options.test!r}; see: make list")
    hosts = choose(options.hosts, options.require_sandbox)
    trace = ""
    if options.trace is not None:
        exits.require_writable(options.trace)
        trace = str(options.trace.absolute())
    with take_in(options.submission) as taken:
        if taken.refused:
            raise Usage(f"{options.submission} cannot be graded: {taken.refused}")
        record, reference = trio.run(repeat, taken.folder, hosts, Job(options.test, options.seed, trace=trace))
    status = record.status if record.status in CODES else "held"
    print(f"{status}  {record.test}  seed {record.seed}   {record.rule or ''}".rstrip())
    print(textwrap.indent(clean(record.message), "      ") + "\n" if record.message else "", end="")
    if status == "held":
        print(f"look  {held_run(record, False, options.submission, hosts, reference).finding}")
    if record.digest:
        print(f"digest  {record.digest}")
    return CODES.get(status, exits.OUR_ERROR)

"""Five exam questions from a submission's own run, with answers; another --seed asks others.

The server is run as for a grade, and its trace asked: why was this vote refused, which answer committed that entry,
what was on the disk when it crashed, what does this line promise. The answers are facts of the trace.
"""

from __future__ import annotations

import argparse
import sys
import textwrap

from grader.cleaning import clean
from grader.exits import FULL_POINTS, OUR_ERROR, Usage


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submission", metavar="SUBMISSION", help="folder, zip or tar")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the seed of the run and of the choice (1)")
    parser.add_argument("--test", metavar="TEST", help="the test to run (2C/more_persistence, or an earlier stage's)")
    parser.add_argument("--hosts", choices=("process", "inline"), help="as for grade")
    parser.add_argument("--no-answers", action="store_true", help="print only the questions, to hand out")


def run(options: argparse.Namespace) -> int:
    """Print the questions; return 3 if the grader could not grade their run."""
    import trio

    from grader.execution import scenarios
    from grader.execution.hosts import choose
    from grader.intake.taken import take_in
    from grader.results.held import repeat_command
    from grader.viva.exam import JUDGED, RUNS, WANTED, examine

    if options.test and options.test not in scenarios.public() and options.test not in scenarios.hidden():
        raise Usage(f"there is no test {options.test!r}; see: make list")
    hosts = choose(options.hosts, None)
    with take_in(options.submission) as taken:
        if taken.refused:
            raise Usage(f"{options.submission}: {taken.refused}")
        record, questions = trio.run(examine, taken, hosts, options.seed, (options.test,) if options.test else RUNS)
    if record.status not in JUDGED:
        print(
            f"grader viva: {record.test} seed {record.seed} could not be graded: {clean(record.message)}",
            file=sys.stderr,
        )
        again = repeat_command(options.submission, record.test, record.seed, hosts)
        print(f"as far as is known, the submission is not at fault; repeat the run: {again}", file=sys.stderr)
        return OUR_ERROR
    print(f"# {WANTED} questions from `make replay TEST={record.test} SEED={record.seed}`, {record.servers} servers\n")
    for number, question in enumerate(questions, 1):
        print(_filled(f"{number}. {question.text}"))
        print("" if options.no_answers else _filled(f"   {question.answer}") + "\n")
    return FULL_POINTS


def _filled(text: str) -> str:
    return textwrap.fill(text, 80, subsequent_indent="   ")

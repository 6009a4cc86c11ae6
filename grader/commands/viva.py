"""Five exam questions from a submission's own run, with answers; another --seed asks others.

The server is run as for a grade, and its trace asked: why was this vote refused, which answer committed that entry,
what was on the disk when it crashed, what does this line promise. The answers are facts of the trace.
"""

from __future__ import annotations

import argparse
import random
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import trio

from grader import scratch
from grader.cleaning import clean
from grader.execution import scenarios
from grader.execution.hosts import Hosts, choose
from grader.execution.pool import Pool
from grader.execution.runner import Job
from grader.exits import FULL_POINTS, OUR_ERROR, Usage
from grader.intake.names import SERVER
from grader.intake.taken import Taken, take_in
from grader.results.held import repeat_command
from grader.viva.history import fold
from grader.viva.questions import Question, all_kinds
from labs.testing.run import RunRecord
from labs.trace.reader import read

RUNS = (
    "2C/more_persistence",
    "2C/leader_and_follower_crash",
    "2B/partitioned_leader_rejoins",
    "2A/election_after_network_failure",
)
"""The tests to run: the first one that the server is far enough for, and that gives enough questions."""
WANTED = 5
JUDGED = ("pass", "fail", "error")
"""How a run may end if questions are asked about its trace."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submission", metavar="SUBMISSION", help="folder, zip or tar")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the seed of the run and of the choice (1)")
    parser.add_argument("--test", metavar="TEST", help=f"the test to run ({RUNS[0]}, or an earlier stage's)")
    parser.add_argument("--hosts", choices=("process", "inline"), help="as for grade")
    parser.add_argument("--no-answers", action="store_true", help="print only the questions, to hand out")


def run(options: argparse.Namespace) -> int:
    """Print the questions; return 3 if the grader could not grade their run."""
    if options.test and options.test not in scenarios.public() and options.test not in scenarios.hidden():
        raise Usage(f"there is no test {options.test!r}; see: python -m labs list")
    hosts = choose(options.hosts, None)
    with take_in(options.submission) as taken:
        if taken.refused:
            raise Usage(f"{options.submission}: {taken.refused}")
        record, questions = trio.run(_ask, taken, hosts, options.seed, (options.test,) if options.test else RUNS)
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


async def _ask(taken: Taken, hosts: Hosts, seed: int, tests: Sequence[str]) -> tuple[RunRecord, list[Question]]:
    """Run tests until one gives enough questions; return its record and five of them.

    If the grader cannot grade a run, stop without questions.
    """
    source = (Path(taken.folder) / SERVER).read_text(encoding="utf-8", errors="replace")
    with scratch.folder() as folder:
        async with Pool.open(taken.folder, hosts, 1) as pool:
            said = ""
            for test in tests:
                trace = Path(folder) / "trace.jsonl"
                record = await pool.run(Job(test, seed, trace=str(trace)))
                if record.status not in JUDGED:
                    return record, []
                header, events = read(trace)
                questions = choose_questions(all_kinds(fold(events, header.servers), source), seed)
                if len(questions) == WANTED:
                    return record, questions
                said = record.message or f"{len(questions)} questions"
    raise Usage(f"the server does too little to ask about; in {tests[-1]}: {said}")


def choose_questions(kinds: Sequence[Sequence[Question]], seed: int) -> list[Question]:
    """Return one question of each of the first kinds, and more of them if there are few kinds; the seed chooses."""
    left = [random.Random(f"{seed}/{number}").sample(list(kind), len(kind)) for number, kind in enumerate(kinds)]
    chosen: list[Question] = []
    while len(chosen) < WANTED and any(left):
        for kind in left:
            if kind and len(chosen) < WANTED:
                chosen.append(kind.pop())
    return chosen

"""Runs a submission until its trace gives enough to ask about, and chooses the questions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from grader import scratch
from grader.execution import runners
from grader.execution.hosts import Hosts
from grader.execution.runners import Runners
from grader.execution.runs import Job
from grader.exits import Usage
from grader.intake.names import SERVER
from grader.intake.taken import Taken
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


async def examine(taken: Taken, hosts: Hosts, seed: int, tests: Sequence[str]) -> tuple[RunRecord, list[Question]]:
    """Run tests until one gives enough questions; return its record and five of them.

    If the grader cannot grade a run, stop without questions.
    """
    source = (Path(taken.folder) / SERVER).read_text(encoding="utf-8", errors="replace")
    with scratch.folder() as folder, runners.local(1) as backend:
        async with Runners.open(taken.folder, hosts, backend, 1) as own:
            said = ""
            for test in tests:
                trace = Path(folder) / "trace.jsonl"
                record = await own.run(Job(test, seed, trace=str(trace)))
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

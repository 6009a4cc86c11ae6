"""Cuts the cases of tests/corpora/event_cases from runs of known-wrong servers, and of servers that are right.

`python -m tests.tools.event_cases` makes all of them again; `--show TEXT` prints those of a server, checker or rule. A
known-wrong server runs the drills about its rules and the first tests of its stage; the first run that a checker ends
soon becomes a case, up to the event that breaks the rule.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from labs.engine import engine, stalls
from labs.engine.local import processes
from labs.engine.work import Loss, Work
from labs.sim.loader.program import Program
from labs.testing.run import run_scenario
from labs.testing.scenario import Scenario
from tests.corpora import event_cases, mutants, variants
from tests.corpora.event_cases import STAGES, Case, by_hand
from tests.tools import mutation
from tests.tools.parity import NEVER_YIELD

MOST_EVENTS = 400
"""A longer run is not kept for a case with a rule."""
MOST_EVENTS_OF_THE_RIGHT = 600
TESTS = 2
"""A known-wrong server that no drill shows to a checker runs this many tests of its stage, the first ones."""


class Cut(msgspec.Struct):
    """Cases from the runs of one server."""

    cases: list[tuple[Case, list[bytes]]] = []


class Cutting(Work[mutation.Job, Cut]):
    """Runs one server through drills and tests, and keeps what the checkers need from the runs."""

    job, record = mutation.Job, Cut

    def run(self, job: mutation.Job) -> Cut:
        return Cut(list(cases_of(job)))

    def parts(self, job: mutation.Job) -> int:
        return len(mutation.scenarios_of(job.stages))

    def lost(self, job: mutation.Job, loss: Loss) -> Cut:
        return Cut()


def main() -> int:
    """Cut or show; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.event_cases", description=__doc__)
    parser.add_argument("--show", metavar="TEXT", help="print the cases of a server, test, checker or rule")
    parser.add_argument("--only", default="", metavar="TEXT", help="cut from servers whose names hold a text, and add")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="cut from every Nth server")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.show is not None:
        return _show(options.show)
    os.environ["PYTHONHASHSEED"] = "0"
    found: dict[str, list[tuple[Case, list[bytes]]]] = defaultdict(list)
    for _, cut in sorted(
        engine.run(Cutting(), list(jobs()), processes(options.jobs), mutation.LIMITS), key=lambda pair: pair[0].server
    ):
        for case, lines in cut.cases:
            found[case.stage].append((case, lines))
    for stage in STAGES:
        # Cases that begin alike stand beside each other, since that is what is compressed best.
        cases = sorted(found[stage], key=lambda pair: pair[0].name.split(", ")[::-1])
        size = event_cases.store(stage, cases)
        counts = Counter(case.judge or "right" for case, _ in cases)
        print(
            f"{stage}: {len(cases)} cases, {sum(len(lines) for _, lines in cases)} events, {size} bytes; {dict(counts)}"
        )
    return 0


def _show(text: str) -> int:
    for case, lines in itertools.chain(*map(event_cases.load, STAGES), by_hand.cases()):
        if text in (case.judge, case.knows, case.rule) or text in case.name:
            print(case.name, f"({case.servers} servers)", *(line.decode() for line in lines), sep="\n")
            print(f"{case.rule}, by {case.judge}" if case.rule else "ok", end="\n\n")
    return 0


def jobs() -> Iterator[mutation.Job]:
    """Yield the servers of the corpora, each with its stage."""
    for mutant in mutants.corpus():
        if not any(words in mutant.name for words in NEVER_YIELD):
            yield mutation.Job(mutant.name, True, (mutant.stage,), 1, True)
    for variant in variants.corpus():
        yield mutation.Job(variant.name, False, variant.stages[-1:], 1, False)


def cases_of(job: mutation.Job) -> Iterator[tuple[Case, list[bytes]]]:
    """Yield the cases that one server gives: the first run that a checker ends soon, or a whole run that is right."""
    program = mutation.program_of(job.server, job.is_mutant)
    for scenario in scenarios_for(job):
        stalls.restart()
        lines, servers = lines_of(scenario, program, job.seed), scenario.size(job.seed)
        found = event_cases.verdict(scenario.stage, servers, event_cases.decoded(lines))
        name = f"{job.server}, {scenario.id}"
        if not job.is_mutant and found is None and len(lines) <= MOST_EVENTS_OF_THE_RIGHT:
            yield Case(name, scenario.stage, servers), lines
        elif job.is_mutant and found is not None and found.event < MOST_EVENTS:
            yield Case(name, scenario.stage, servers, found.rule, found.judge), lines[: found.event + 1]
            return


def scenarios_for(job: mutation.Job) -> list[Scenario]:
    """Return the runs that a server is tried in: drills about its rules and some tests, or one drill by its name."""
    scenarios = mutation.scenarios_of(job.stages)
    drills = [scenario for scenario in scenarios if scenario.is_drill]
    if not job.is_mutant:
        return [drills[sum(job.server.encode()) % len(drills)]]
    return [*(drill for drill in drills if drill.rule in rules_of(job.server)), *scenarios[len(drills) :][:TESTS]]


@functools.cache
def rules_of(server: str) -> tuple[str, ...]:
    """Return the rules that name a known-wrong server."""
    return next(mutant.rules for mutant in mutants.corpus() if mutant.name == server)


def lines_of(scenario: Scenario, program: Program, seed: int) -> list[bytes]:
    """Return the events of a run as lines, without the verdict, which no checker sees."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.trace.jsonl"
        with path.open("wb") as file:
            run_scenario(scenario, program, seed, file)
        return path.read_bytes().splitlines()[1:-1]


if __name__ == "__main__":
    sys.exit(main())

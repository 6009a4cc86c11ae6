"""Runs a server that babbles (tests.corpora.servers.babbler) through tests and drills: none may stumble over it."""

from __future__ import annotations

from collections.abc import Iterator

from labs.codec.safe_repr import LONGEST
from labs.raft.stages import catalogue
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario
from tests.running import SERVERS

BABBLER = SERVERS / "babbler.py"
STAGES = ("2A", "2B", "2C", "2D")


def scenarios(every: int = 1, first: int = 0) -> list[Scenario]:
    """Return all tests and drills, or only every Nth."""
    found = [each for stage in STAGES for kind in ("drills", "test") for each in catalogue.scenarios(stage, kind)]
    return found[first::every]


def babble(chosen: list[Scenario], seed: int, hosts: ProcessHosts | None = None) -> Iterator[RunRecord]:
    """Run each with a babbler; with every third seed nothing is judged but by the tests themselves."""
    program = Program(BABBLER)
    for scenario in chosen:
        yield run_scenario(scenario, BABBLER if hosts else program, seed, judged=seed % 3 != 0, hosts=hosts)


def fault_in(record: RunRecord) -> str:
    """Return what is wrong with the lab by this run, "" if nothing is."""
    where = f"{record.test} seed {record.seed}"
    if record.status == "grader-error" or record.details:
        return f"{where}: {record.message}\n{record.details}"
    return f"{where}: a message of {len(record.message)} characters" if len(record.message) > LONGEST else ""

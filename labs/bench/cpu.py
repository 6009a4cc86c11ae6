"""Measures CPU time as a ratio to a yardstick: two loads take turns on one machine, and the best times count.

For students the yardstick is the bench's small server (labs.bench.flood); the grader can pass another one, the
reference, and its own way to run it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from labs.bench import loads
from labs.raft.stages import catalogue
from labs.raft.stages.performance import CPU_LOAD, Runner, Submission
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario

REPEATS = 5


class DidNotPass(Exception):
    """A timed run broke a rule, so its time is meaningless."""


def ratio(
    submission: Submission,
    yardstick: Submission | None = None,
    repeats: int = REPEATS,
    run: Runner = run_scenario,
) -> float:
    """Return how much CPU time a submission takes, in yardsticks; raise DidNotPass if a run did not pass.

    With a `yardstick` both run the same load. Without one it is the bench's server under its own load, which is always
    the same.
    """
    (load,) = catalogue.find(CPU_LOAD)
    if yardstick is None:
        own, against = loads.flood(calls=1_000, entries=4, delay=(0.01, 0.01)), loads.FLOOD
        pairs = [(_time(run, load, submission), _time(run_scenario, own, against)) for _ in range(repeats)]
    else:
        pairs = [(_time(run, load, submission), _time(run, load, yardstick)) for _ in range(repeats)]
    return min(mine for mine, _ in pairs) / min(other for _, other in pairs)


def _time(run: Callable[..., RunRecord], scenario: Scenario, submission: Submission) -> float:
    begun = processor_time()
    record = run(scenario, submission, 1)
    if record.status != "pass":
        raise DidNotPass(f"{scenario.id}, seed 1: {record.message}")
    return processor_time() - begun


def processor_time() -> float:
    """Return the CPU time of this process and of its children that have ended, in seconds."""
    if sys.platform == "win32":
        return time.process_time()
    import resource

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime

"""Runs one scenario here, in this process, and keeps its trace; a server that never yields is ended as in `labs test`.

The alarm counts CPU time only: a server that waits at a `breakpoint()` uses none. Under a debugger there is no alarm,
because a debugger makes everything slow. Knows nothing of how a trace is printed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

from labs.engine import stalls
from labs.engine.progress import TraceProgress
from labs.engine.stages import StageRuns
from labs.engine.stalls import Limits
from labs.engine.work import Loss
from labs.sim.hosts.base import HostKind
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

LIMITS = Limits(cpu=30.0, wall=0.0)
"""The CPU time that a run may take in `labs test`; wall time passes while somebody thinks at a prompt."""


def replay(
    scenario: Scenario,
    submission: Path,
    kind: HostKind,
    seed: int,
    trace: BinaryIO,
    leave: Callable[[RunRecord], NoReturn],
    limits: Limits = LIMITS,
) -> RunRecord:
    """Run a scenario, stream its trace to a file, and return the record.

    Code that catches every alarm cannot be ended: then `leave` gets the record, and must end the process.
    """
    work = StageRuns(submission, kind)
    work.begin(0)
    try:
        with TraceProgress(trace) as file, alarmed(work, scenario, seed, leave, limits):
            return work.run_scenario(scenario, seed, file)
    finally:
        work.end()


@contextmanager
def alarmed(
    work: StageRuns, scenario: Scenario, seed: int, leave: Callable[[RunRecord], NoReturn], limits: Limits
) -> Iterator[None]:
    """Interrupt a server that never yields in the block, in which a scenario runs.

    Code that catches every alarm cannot be ended: then `leave` gets the record, and must end the process.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stack, stalls.installed():

        def give_up() -> NoReturn:
            stack.seek(0)
            leave(work.lost_in(scenario, seed, Loss("fell silent", is_stall=True, stack=stack.read())))

        if is_debugged():
            yield
        else:
            with stalls.watched(limits, stack, give_up):
                yield


def is_debugged() -> bool:
    """Return whether a debugger watches this process."""
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    return sys.gettrace() is not None or (
        monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None
    )


def end_process(code: int) -> NoReturn:
    """End this process at once, with what it has printed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

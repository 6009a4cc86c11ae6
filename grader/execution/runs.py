"""The grader's work for the engine: one scenario with one seed against one submission, in a runner.

It knows no points. With inline hosts the submission's code runs in the runner itself; so that serves no other
submission, and its records are only as reliable as the level "none".
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from grader.execution import scenarios
from grader.execution.hosts import Hosts, Opening, opened, weaker
from grader.intake.names import SERVER
from grader.lacks import describe
from labs.checking.outcome import Outcome
from labs.codec.limits import MiB
from labs.engine import stalls
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work
from labs.sim.hosts.base import HostsUnavailable
from labs.sim.loader.program import BadSubmission
from labs.testing.run import RunRecord, empty_record, ended, run_scenario, stalled
from labs.testing.scenario import Scenario

J = TypeVar("J")
R = TypeVar("R")
CPU_SECONDS = 15.0
"""CPU seconds of a run with inline hosts after which its server counts as one that never yields."""
RUNNER_SECONDS = 120.0
"""CPU seconds of this process after which a run is ended by force: ten times the longest one."""
WALL_SECONDS = 400.0
"""A run takes one or two; whatever takes so long has come to a halt. Nothing is judged by it but that."""
MEMORY = 1536 * MiB
"""The address space of a runner, in bytes. Servers may make it keep a third of that (labs.codec.limits)."""
NOT_STARTED = "a runner does not start"


class Job(msgspec.Struct, frozen=True):
    """One test with one seed."""

    test: str
    seed: int
    cpu_seconds: float | None = None
    """The CPU seconds that all servers may take together; None means the hosts' own limit."""
    trace: str = ""
    """A file for the trace, "" for none."""


class ConfinedWork(Work[J, R]):
    """Work with one submission, whose servers run on these hosts, in a runner with limits."""

    def __init__(self, folder: str, hosts: Hosts) -> None:
        self._folder, self._hosts = folder, hosts

    def reads(self) -> Path:
        return Path(self._folder)

    def hindrance(self) -> str:
        return weaker(self._hosts)

    def warm(self) -> None:
        scenarios.public()
        scenarios.hidden()
        import labs.sim.hosts.process.pool  # noqa: F401

    def begin(self, number: int) -> None:
        """Prepare a runner; its number among those that work at the same time determines its core."""
        self._exit, self._failed = contextlib.ExitStack(), ""
        _limit_memory()
        try:
            self._opening = self._exit.enter_context(opened(self._hosts, number))
        except HostsUnavailable as error:
            self._failed = f"{NOT_STARTED}: {error}"
        except (OSError, MemoryError) as error:
            self._failed = f"{NOT_STARTED}: {describe(error)}"

    def end(self) -> None:
        self._exit.close()


class GradedRuns(ConfinedWork[Job, RunRecord]):
    """Runs jobs against one submission; an error on our side becomes a record that reports it."""

    job, record = Job, RunRecord

    def moved(self, path: Path) -> GradedRuns:
        return GradedRuns(str(path), self._hosts)

    def run(self, job: Job) -> RunRecord:
        return not_graded(job, self._failed) if self._failed else run_job(Path(self._folder), job, self._opening)

    def is_spoiled(self, record: RunRecord) -> bool:
        return record.status == "grader-error"  # a defect in the runner must not affect another run

    def lost(self, job: Job, loss: Loss) -> RunRecord:
        """Return the record of a run whose runner is gone: the submission's fault only with inline hosts."""
        if self._hosts.kind == "process":
            return not_graded(job, f"the runner {loss.how}")
        scenario = scenarios.find(job.test)
        if loss.stack:
            return stalled(scenario, job.seed, "a server never yields, and catches even the interruption")
        return ended(scenario, job.seed, loss.how, is_stall=loss.is_stall)


def limits_of(hosts: Hosts) -> Limits:
    """Return the limits of a run. Process hosts watch their servers themselves."""
    return Limits(cpu=CPU_SECONDS if hosts.kind == "inline" else 0.0, wall=0.0, silence=WALL_SECONDS)


def not_graded(job: Job, text: str) -> RunRecord:
    """Return the record of a run that we failed to grade."""
    return empty_record(scenarios.find(job.test), job.seed, Outcome("grader-error", None, text))


def run_job(folder: Path, job: Job, opening: Opening) -> RunRecord:
    """Run one job."""
    scenario = scenarios.find(job.test)

    def run() -> RunRecord:
        with open(job.trace, "wb") if job.trace else contextlib.nullcontext() as trace:
            return run_scenario(scenario, folder, job.seed, trace, **arguments_of(opening, job.cpu_seconds))

    return run_safely(folder, scenario, job.seed, run)


def arguments_of(opening: Opening, cpu_seconds: float | None) -> dict[str, Any]:
    """Return the arguments of a run for its hosts and its limit of CPU time, which inline hosts do not have."""
    arguments = dict(opening.arguments)
    if cpu_seconds is not None and not opening.is_inline:
        arguments["cpu_seconds"] = cpu_seconds
    return arguments


def run_safely(folder: Path, scenario: Scenario, seed: int, run: Callable[[], RunRecord]) -> RunRecord:
    """Run a scenario of a submission within the limits of this process; whatever goes wrong becomes a record."""

    def failed(text: str) -> RunRecord:
        return empty_record(scenario, seed, Outcome("grader-error", None, text))

    try:
        with _limited_cpu():
            return run()
    except stalls.Stalled:
        return stalled(scenario, seed, "a server never yields, and catches even the interruption")
    except BadSubmission as error:
        if _is_out_of_reach(folder, error):
            return failed(f"the submission's files cannot be read: {error}")
        return empty_record(scenario, seed, Outcome("error", "NoCrash", f"it cannot be run: {error}"))
    except HostsUnavailable as error:  # they start again with the next job
        return failed(f"servers cannot be run: {error}")
    except (OSError, MemoryError) as error:
        return failed(describe(error))
    except BaseException as error:
        return failed("".join(traceback.format_exception(error)[-4:]))


def _is_out_of_reach(folder: Path, error: BadSubmission) -> bool:
    """Return whether a submission cannot be run because its files, which the intake wrote, cannot be read any more."""
    return isinstance(error.__context__, OSError) or not os.access(folder / SERVER, os.R_OK)


def _limit_memory() -> None:
    """Make sure that a defect of ours ends a run and not the machine; if the system cannot do that, go on."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            most = resource.getrlimit(resource.RLIMIT_AS)[1]
            limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@contextlib.contextmanager
def _limited_cpu() -> Iterator[None]:
    """Make sure that a run ends, whatever keeps this process busy, even in C; if the system cannot do that, go on."""
    if sys.platform == "win32":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    until = math.ceil(time.process_time() + RUNNER_SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))

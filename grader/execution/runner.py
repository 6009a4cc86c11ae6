"""A child of the grader that runs scenarios against one submission, one job after the other.

Reads lines of JSON from its standard input, first a Setup, then Jobs, and answers each with a line on its former
standard output. It knows no points. Run as `python -m grader.execution.runner`. With inline hosts the submission's code
runs in this very process; so it serves no other submission, and its answers are only as reliable as the level "none".
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

import msgspec

from grader.execution import lifeline, scenarios
from grader.execution.hosts import Hosts, Opening, opened
from grader.intake.names import SERVER
from grader.lacks import describe
from labs.checking.outcome import Outcome
from labs.codec.limits import MiB
from labs.sim.hosts.base import HostsUnavailable
from labs.sim.loader.program import BadSubmission
from labs.sim.server import failures
from labs.testing.run import RunRecord, empty_record, run_scenario, stalled
from labs.testing.scenario import Scenario

CPU_SECONDS = 15.0
"""CPU seconds of a run with inline hosts after which its server counts as one that never yields."""


TESTER_SECONDS = 120.0
"""CPU seconds of this process after which a run is ended by force: ten times the longest one."""
MEMORY = 1536 * MiB
"""The address space of a runner, in bytes. Servers may make it keep a third of that (labs.codec.limits)."""


class Setup(msgspec.Struct):
    """The purpose of a runner."""

    folder: str
    hosts: Hosts
    core: int = 0
    """Its number among the runners that work at the same time, which determines its core."""


class Job(msgspec.Struct):
    """One test with one seed."""

    test: str
    seed: int
    cpu_seconds: float | None = None
    """The CPU seconds that all servers may take together; None means the hosts' own limit."""
    trace: str = ""
    """A file for the trace, "" for none."""


class Ready(msgspec.Struct):
    """The answer to Setup: facts about hosts and sandbox; or why it cannot work."""

    facts: dict[str, Any] = {}
    error: str = ""


class Stalled(BaseException):
    """Raised by the alarm inside a server that never yields."""


def main() -> None:
    """Serve until the standard input ends."""
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader decides when its runners stop
    _limit_memory()
    lifeline.watch_parent()
    setup = msgspec.json.decode(jobs.readline(), type=Setup)
    with contextlib.ExitStack() as stack:
        try:
            opening = stack.enter_context(opened(setup.hosts, setup.core))
        except HostsUnavailable as error:
            return _answer(answers, Ready(error=str(error)))
        except (OSError, MemoryError) as error:
            return _answer(answers, Ready(error=describe(error)))
        _answer(answers, Ready(facts=opening.facts))
        for line in jobs:
            job = msgspec.json.decode(line, type=Job)
            _answer(answers, _judge(Path(setup.folder), job, opening))


def _limit_memory() -> None:
    """Make sure that a defect of ours ends a run and not the machine; if the system cannot do that, go on."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            most = resource.getrlimit(resource.RLIMIT_AS)[1]
            limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _answer(answers: BinaryIO, value: object) -> None:
    answers.write(msgspec.json.encode(value) + b"\n")
    answers.flush()


def _judge(folder: Path, job: Job, opening: Opening) -> RunRecord:
    """Run one job; an error on our side becomes a record that reports it."""
    scenario = scenarios.find(job.test)
    try:
        with lifeline.at_work(), _limited_cpu(), _alarm(opening.is_inline):
            arguments = dict(opening.arguments)
            if job.cpu_seconds is not None and not opening.is_inline:
                arguments["cpu_seconds"] = job.cpu_seconds
            with open(job.trace, "wb") if job.trace else contextlib.nullcontext() as trace:
                return run_scenario(scenario, folder, job.seed, trace, **arguments)
    except Stalled:
        return stalled(scenario, job.seed, "a server never yields, and catches even the interruption")
    except BadSubmission as error:
        if _is_out_of_reach(folder, error):
            return _ours(scenario, job, f"the submission's files cannot be read: {error}")
        return empty_record(scenario, job.seed, Outcome("error", "NoCrash", f"it cannot be run: {error}"))
    except HostsUnavailable as error:  # they start again with the next job
        return _ours(scenario, job, f"servers cannot be run: {error}")
    except (OSError, MemoryError) as error:
        return _ours(scenario, job, describe(error))
    except BaseException as error:
        return _ours(scenario, job, "".join(traceback.format_exception(error)[-4:]))


def _ours(scenario: Scenario, job: Job, text: str) -> RunRecord:
    return empty_record(scenario, job.seed, Outcome("grader-error", None, text))


def _is_out_of_reach(folder: Path, error: BadSubmission) -> bool:
    """Return whether a submission cannot be run because its files, which the intake wrote, cannot be read any more."""
    return isinstance(error.__context__, OSError) or not os.access(folder / SERVER, os.R_OK)


@contextlib.contextmanager
def _limited_cpu() -> Iterator[None]:
    """Make sure that a run ends, whatever keeps this process busy, even in C; if the system cannot do that, go on."""
    if sys.platform == "win32":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    until = math.ceil(time.process_time() + TESTER_SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


@contextlib.contextmanager
def _alarm(is_inline: bool) -> Iterator[None]:
    """End a server in this process that never yields: by the CPU time of the process, not by wall time."""
    if not is_inline or not hasattr(signal, "setitimer"):
        yield
        return
    failures.watchdog.raises = (Stalled,)
    failures.watchdog.rearm = lambda: None
    signal.signal(signal.SIGPROF, _bark)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, 1.0)  # again and again: some catch it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _bark(signum: int, frame: FrameType | None) -> None:
    raise Stalled


if __name__ == "__main__":
    main()

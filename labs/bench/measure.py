"""Measures one thing: in a process of its own, by CPU time and by its highest memory.

A simulated run never waits, so its CPU time does not depend on what else the machine does.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeVar, get_type_hints

import msgspec

from labs.engine.local import Local
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work
from labs.raft.stages import catalogue
from labs.sim.hosts.base import HostsUnavailable
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.loader.program import BadSubmission
from labs.testing.run import run_scenario
from labs.testing.scenario import Scenario

T = TypeVar("T")


class Sample(msgspec.Struct):
    """One measurement; times in seconds, memory in MB (None if the system does not report it)."""

    runs: int
    passed: int
    rpcs: int
    commits: int
    virtual_time: float
    cpu_time: float
    wall_time: float
    peak_memory: float | None
    message: str = ""
    """The message of a run that did not pass."""


class Call(msgspec.Struct, frozen=True):
    """A function of a module, and its arguments."""

    module: str
    name: str
    arguments: tuple[Any, ...]


class Measured(msgspec.Struct):
    """What a function has returned, or which of the known errors it raised."""

    value: Any = None
    error: str = ""
    text: str = ""


class Measuring(Work[Call, Measured]):
    """Calls functions that measure."""

    job, record = Call, Measured

    def run(self, job: Call) -> Measured:
        try:
            return Measured(getattr(importlib.import_module(job.module), job.name)(*job.arguments))
        except tuple(KNOWN.values()) as error:
            return Measured(error=type(error).__name__, text=str(error))

    def lost(self, job: Call, loss: Loss) -> Measured:
        raise RuntimeError(f"{job.name}: the process {loss.how}")


KNOWN = {kind.__name__: kind for kind in (BadSubmission, HostsUnavailable)}
"""The errors that a measurement may raise."""
UNLIMITED = Limits(cpu=0.0, wall=0.0, silence=3600.0)


def in_own_process(function: Callable[..., T], *arguments: object) -> T:
    """Call a function of a module in a fresh process, so that nothing measured before is in its memory."""
    call = Call(function.__module__, function.__name__, arguments)
    with Local(1, os.environ) as backend, backend.open(Measuring(), UNLIMITED) as engine:
        found = engine.do(call)
    if found.error:
        raise KNOWN[found.error](found.text)
    value: T = msgspec.convert(found.value, get_type_hints(function)["return"])
    return value


def sample(
    scenarios: list[Scenario], submission: str, hosts: ProcessHosts | None = None, judged: bool = True
) -> Sample:
    """Run scenarios one after the other, each with seed 1; the CPU time includes that of servers in other processes."""
    cpu, wall = time.process_time(), time.perf_counter()
    records = [run_scenario(scenario, submission, seed=1, hosts=hosts, judged=judged) for scenario in scenarios]
    failed = [record for record in records if record.status != "pass"]
    return Sample(
        runs=len(records),
        passed=len(records) - len(failed),
        rpcs=sum(record.rpcs for record in records),
        commits=sum(record.commits for record in records),
        virtual_time=sum(record.virtual_time for record in records),
        cpu_time=time.process_time() - cpu + sum(record.server_cpu_time for record in records),
        wall_time=time.perf_counter() - wall,
        peak_memory=peak_memory(),
        message=failed[0].message if failed else "",
    )


def sample_stage(stage: str, submission: str, judged: bool = True) -> Sample:
    """Run each test of a stage once, with or without the checkers."""
    return sample(catalogue.scenarios(stage), submission, judged=judged)


def middle(samples: list[Sample]) -> Sample:
    """Return one sample with the median times of several of the same thing, and their highest memory."""
    peaks = [one.peak_memory for one in samples if one.peak_memory is not None]
    return msgspec.structs.replace(
        samples[0],
        cpu_time=median(one.cpu_time for one in samples),
        wall_time=median(one.wall_time for one in samples),
        peak_memory=max(peaks, default=None),
    )


def peak_memory() -> float | None:
    """Return the most memory that this process ever held, in MB, or None if the system does not report it."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the result of getrusage includes the parent's memory at the fork
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM:")), None)
        return int(line.split()[1]) / 1024 if line else None
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)

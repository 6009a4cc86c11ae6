"""Measures how long a server in its own process takes to start, and for a step; without a kernel, in real time.

A step is a heartbeat in and its reply out: the simulator's frame, the server's loop until it is idle, its checked
answer.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median

import msgspec

from labs.bench.measure import Sample, sample
from labs.codec import messages as codec
from labs.messages import AppendEntriesArgs
from labs.raft import protocol as protocol
from labs.raft.stages import catalogue
from labs.sim import scheduler
from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.hosts.process.validate import Customs
from labs.sim.hosts.process.zygote_client import Process
from labs.sim.loader.program import Program
from labs.sim.server.disk import Disk

_LIMIT = 1 << 24
STUB = Path(__file__).parents[2] / "grader" / "execution" / "sandbox" / "stub.py"
"""The stub that confines a server when it is graded; students have none."""


class ProcessFigures(msgspec.Struct):
    """Medians."""

    start: float
    """Milliseconds from the order for a server to its first answer: fork, import, and making the server object."""
    start_confined: float | None
    """The same with the grader's stub around it; None without a stub."""
    start_cpu: float
    """CPU milliseconds for a start on both sides, confined if there is a stub; a mean."""
    step: float
    """Microseconds of real time."""
    step_cpu: float
    """CPU microseconds on both sides; a mean, which does not depend on what else the machine does."""


def time_processes(submission: str, starts: int, steps: int) -> ProcessFigures:
    """Start this many servers, and give the last one this many heartbeats."""
    start, start_cpu = _time_starts(submission, starts, HostOptions())
    confined = None
    if STUB.exists():
        user = {"uid": 65534, "uids": 1} if os.geteuid() == 0 else {}
        confined, start_cpu = _time_starts(submission, starts, HostOptions(stub=STUB, stub_options=user))
    with ProcessHosts() as hosts, hosts.one_core():
        process = _start(hosts, Program(submission, compiled=False))
        before = hosts.zygote.measure().cpu_time + time.process_time()
        step = _time_steps(process, steps)
        used = hosts.zygote.measure().cpu_time + time.process_time() - before
    return ProcessFigures(1e3 * start, confined and 1e3 * confined, 1e3 * start_cpu, 1e6 * step, 1e6 * used / steps)


def _time_starts(submission: str, starts: int, options: HostOptions) -> tuple[float, float]:
    """Return the median seconds of a start, and the mean CPU seconds, without the zygote's own."""
    with ProcessHosts(options) as hosts, hosts.one_core():
        program = Program(submission, compiled=False)
        hosts.compile(program)
        hosts.zygote.finish()
        taken, before = [], time.process_time()
        for _ in range(starts):
            begun = time.perf_counter()
            process = _start(hosts, program)
            taken.append(time.perf_counter() - begun)
            process.kill()
        used = time.process_time() - before + hosts.zygote.finish().cpu_time
    return median(taken), used / starts


def _start(hosts: ProcessHosts, program: Program) -> Process:
    modules, root = hosts.compile(program), str(program.root)
    process = hosts.fork(
        frames.Begin(
            1, 0.0, 0, 0, 3, 1, scheduler.MAX_PASSES, root, program.entry.name, "Raft", program.alone, modules, Disk()
        )
    )
    answer = process.receive(_LIMIT, 10.0)
    assert isinstance(answer, frames.Answer), answer
    return process


def _time_steps(process: Process, steps: int) -> float:
    """Return the median seconds of a step."""
    heartbeat = codec.encode_message(AppendEntriesArgs(7, 1, 0, 0, [], 0))
    customs = Customs(0, 3, Disk())
    taken = []
    for turn in range(2, steps + 2):
        begun = time.perf_counter()
        customs.hand_out(turn, heartbeat)
        process.send(frames.Step(turn, turn / 100, [frames.Request(turn, heartbeat)]))
        answer = process.receive(_LIMIT, 10.0)
        assert isinstance(answer, frames.Answer), answer
        customs.check(answer)
        taken.append(time.perf_counter() - begun)
        assert turn < 3 or [type(output).__name__ for output in answer.outbox] == ["Replied"], answer
    return median(taken)


def sample_stage_in_processes(stage: str, submission: str) -> Sample:
    """Run each test of a stage once, in process hosts; the CPU time is that of simulator and servers."""
    with ProcessHosts() as hosts:
        return sample(catalogue.scenarios(stage), submission, hosts)

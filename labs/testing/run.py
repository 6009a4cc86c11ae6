"""Runs one scenario with one seed and returns its record: the same each time, but for `wall_time`."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import trio

from labs.checking.checker import Checker, Checkers
from labs.checking.configuration import Configuration
from labs.checking.outcome import Outcome, Outcomes
from labs.sim.hosts.base import HostKind
from labs.sim.hosts.process.pool import ProcessHosts, ProcessRun
from labs.sim.kernel import Kernel
from labs.sim.loader.program import Program
from labs.sim.runtime.trio_internals import deterministic_scheduling, leave
from labs.sim.scheduler import count_task
from labs.sim.server import failures
from labs.testing.cluster import Cluster
from labs.testing.drill import Setting, Witness
from labs.testing.lab import Lab
from labs.testing.metrics import Meter, MeteredCluster
from labs.trace.recorder import FORMAT, VERSION, Header, Recorder

if TYPE_CHECKING:
    from labs.testing.scenario import Scenario


class RunRecord(msgspec.Struct):
    """What is kept of one run; times in seconds, `virtual_time` simulated and `wall_time` real."""

    test: str
    stage: str
    title: str
    seed: int
    hosts: HostKind
    status: str
    rule: str | None
    message: str
    hint: str
    involved: list[int]
    """The servers that the message mentions."""
    servers: int
    """The number of servers in the cluster."""
    digest: str = ""
    virtual_time: float = 0.0
    wall_time: float = 0.0
    server_cpu_time: float = 0.0
    """CPU time of all servers, start and end included; 0 inline, where it cannot be measured."""
    rpcs: int = 0
    bytes: int = 0
    commits: int = 0
    situations: dict[str, int] = {}
    """How often the run reached each situation of the protocol, if they were counted
    (labs.raft.checkers.situations)."""
    figures: dict[str, float] = {}
    """What a performance test has measured, by metric (labs.raft.stages.performance)."""
    details: str = ""
    """Where an error came up in the lab that a server's data made, if that is the verdict (labs.checking.outcome)."""


def run_scenario(
    scenario: Scenario,
    submission: Path | str | Program,
    seed: int,
    trace: BinaryIO | None = None,
    *,
    judged: bool = True,
    counted: bool = False,
    hosts: ProcessHosts | None = None,
    cpu_seconds: float | None = None,
    make_cluster: Callable[[Kernel, str], Cluster] | None = None,
    watchers: Sequence[Checker] = (),
) -> RunRecord:
    """Run a scenario against a submission, inline or in process hosts; stream the trace to a file if one is given.

    Unless it is `judged`, only the scenario's own checks end it: this shows the consequences of a broken rule. If it is
    `counted`, the record has the situations of the protocol that it reached. With process hosts, the servers may take
    `cpu_seconds` of CPU time together. `make_cluster` makes what a stage test drives, if not the lab's cluster;
    `watchers` see each event after the checkers.

    Raises BadSubmission if the submission cannot be run at all (labs.sim.loader.program), and HostsUnavailable if
    process hosts do not work here.
    """
    entry, _, class_name = scenario.entry.partition(":")
    program = submission
    if not isinstance(program, Program):
        program = Program(program, entry, class_name, compiled=hosts is None)
    if hosts is None:
        return _run(scenario, program, seed, trace, judged, counted, None, make_cluster, watchers)
    with hosts.run(program, scenario.size(seed), seed, cpu_seconds) as run:
        record = _run(scenario, program, seed, trace, judged, counted, run, make_cluster, watchers)
    record.server_cpu_time = run.cpu_time
    return record


def _run(
    scenario: Scenario,
    program: Program,
    seed: int,
    trace: BinaryIO | None,
    judged: bool,
    counted: bool,
    hosts: ProcessRun | None,
    make_cluster: Callable[[Kernel, str], Cluster] | None,
    watchers: Sequence[Checker],
) -> RunRecord:
    servers = scenario.size(seed)
    witness, meter = Witness(), Meter()
    watching = [witness] * scenario.is_drill + [meter] * scenario.is_perf
    lab, checkers = scenario.lab, Checkers()
    if judged:
        checkers = lab.checkers(Configuration.of_size(servers - scenario.later), lab.stages[scenario.stage], counted)
    header = Header(FORMAT, VERSION, scenario.id, scenario.title, seed, servers, program.entry.parent.name)
    outcomes = Outcomes(lab.rules, lab.skeleton)
    kernel = Kernel(
        servers=servers,
        seed=seed,
        program=program,
        conditions=scenario.conditions,
        recorder=Recorder(trace, header),
        observe=checkers.observer(*watching, *watchers),
        conclude=outcomes.conclude,
        paces=scenario.paces(seed),
        service_time=scenario.service_time,
        later=scenario.later,
        hosts=hosts,
    )
    if scenario.is_perf:
        cluster: Cluster = lab.metered(kernel, scenario.id, meter)
    else:
        cluster = (make_cluster or lab.cluster)(kernel, scenario.id)
    begun = time.perf_counter()
    _run_to_the_end(kernel, _test(kernel, scenario, cluster, witness))
    wall_time = time.perf_counter() - begun
    outcome = outcomes.last
    if kernel.cut_off:
        outcome = _cut_off(kernel, lab)
    elif kernel.error is not None:
        if _came_from(kernel.error, failures.watchdog.raises):
            outcome = _too_busy(kernel, lab)
        else:
            outcome = Outcome("grader-error", None, _explain(kernel.error))
    assert outcome is not None
    record = empty_record(scenario, seed, outcome, "inline" if hosts is None else "process")
    record.digest = kernel.recorder.digest()
    record.virtual_time, record.wall_time = kernel.over_at, wall_time
    record.rpcs, record.bytes, record.commits = sum(kernel.calls.sent), kernel.calls.bytes, kernel.world.service.highest
    record.situations = checkers.counts()
    record.figures = cluster.figures if isinstance(cluster, MeteredCluster) else {}
    return record


def _test(kernel: Kernel, scenario: Scenario, cluster: Cluster, witness: Witness) -> Callable[[], Awaitable[None]]:
    """Return what the run does: a test with a cluster, or a drill with one server of it."""
    if not scenario.is_drill:
        return lambda: scenario.test(cluster)
    lone = scenario.lab.lone(
        kernel, cluster, witness, Setting(scenario.id, scenario.rule, scenario.me, scenario.after_restart)
    )
    return lambda: lone.carry_out(scenario.test)


def empty_record(scenario: Scenario, seed: int, outcome: Outcome, hosts: HostKind = "inline") -> RunRecord:
    """Return the record of a run if only the outcome is known."""
    return RunRecord(
        test=scenario.id,
        stage=scenario.stage,
        title=scenario.title,
        seed=seed,
        hosts=hosts,
        status=outcome.status,
        rule=outcome.rule,
        message=outcome.message,
        hint=outcome.hint,
        involved=list(outcome.servers),
        servers=scenario.size(seed),
        details=outcome.details,
    )


def stalled(scenario: Scenario, seed: int, text: str, hosts: HostKind = "inline") -> RunRecord:
    """Return the record of a run that a wall-clock watchdog had to end from outside."""
    return empty_record(scenario, seed, _misconduct(scenario.lab, "NoStall", text), hosts)


def ended(scenario: Scenario, seed: int, how: str, hosts: HostKind = "inline", is_stall: bool = False) -> RunRecord:
    """Return the record of a run whose servers shared a process that has ended; `how` follows "the process"."""
    text = f"the process that the servers shared {how}"
    return empty_record(scenario, seed, _misconduct(scenario.lab, "NoStall" if is_stall else "NoCrash", text), hosts)


def _misconduct(lab: Lab, rule: str, text: str, servers: tuple[int, ...] = (), time: float = 0.0) -> Outcome:
    """Return the outcome of a run that something else than a checker had to end, by a rule of conduct."""
    return Outcome("error", rule, f"{rule}: {text}", lab.rules[rule].hint, servers, time)


def _run_to_the_end(kernel: Kernel, test: Callable[[], Awaitable[None]]) -> None:
    """Run until the kernel has an outcome, and take down what a submission left running."""
    with _no_complaints(kernel), deterministic_scheduling(kernel.arrange, count_task):
        abandoned = False
        try:
            trio.run(kernel.run, test, clock=kernel.world.clock)
        except BaseException as error:
            if _came_from(error, (KeyboardInterrupt,)):
                raise KeyboardInterrupt from None
            was_alarm = _came_from(error, failures.watchdog.raises)
            if was_alarm:
                failures.watchdog.rearm()
            abandoned = not isinstance(error, Exception) or isinstance(error, trio.TrioInternalError)
            if not abandoned or kernel.verdict is None:
                # The interrupted loop must go at once: without the frames that its traceback holds.
                kernel.error = kernel.error or (failures.watchdog.raises[0]() if was_alarm else error)
            if abandoned:
                kernel.release()
                leave(error)
        if abandoned:
            with warnings.catch_warnings(action="ignore"):
                gc.collect()


def _came_from(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Return whether one of these exceptions ended a run: it comes out in a nursery's group, or as what ended trio."""
    waiting = [error]
    while waiting:
        for one in failures.leaves(waiting.pop()):
            if isinstance(one, trio.TrioInternalError) and one.__cause__ is not None:
                waiting.append(one.__cause__)
            elif isinstance(one, kinds):
                return True
    return False


def _too_busy(kernel: Kernel, lab: Lab) -> Outcome:
    """Return the outcome of a run whose time was up while the lab itself was at work on what servers put out."""
    sent = kernel.calls.sent
    most = sent.index(max(sent))
    text = (
        f"the run took too long at t={kernel.now:.3f} s, busy with what the servers had put out; "
        f"server {most} had sent most, {sent[most]:,} RPCs: does it repeat a request at once when it gets None or a "
        "refusal?"
    )
    return _misconduct(lab, "NoStall", text, (most,), kernel.now)


def _cut_off(kernel: Kernel, lab: Lab) -> Outcome:
    """Return the outcome of a run that ended before its test did: inline, a server can cancel what is not its own."""
    text = (
        f"the run was cancelled at t={kernel.now:.3f} s, before its test had ended: a server cancelled a "
        "nursery or a cancel scope that is not its own"
    )
    return _misconduct(lab, "NoCrash", text, (), kernel.now)


@contextlib.contextmanager
def _no_complaints(kernel: Kernel) -> Iterator[None]:
    """Keep Python from complaining about coroutines that refuse to end when the run is over."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None if kernel.closing else hook(unraisable)
    try:
        yield
    finally:
        sys.unraisablehook = hook


def _explain(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    return "an error of the lab, not of the submission:\n" + "".join(lines[-12:])

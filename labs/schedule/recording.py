"""Takes a test's run as a schedule: its faults and proposals as they happened, on the same keyed network.

The replay is the same run, event for event, because all that a test does to its servers is in the schedule, and the
rest is decided by the seed. So what a checker saw, it sees again at the same moment. Three things are not exact:

  - The test's own checks are not in the schedule. Where one of them ended the run (no leader in time, no agreement),
    the replay asks for recovery at that moment instead; it fails by the same rule only if the fault outlasts that.
  - A server whose `get_state` changes something: how often a test asked is not recorded.
  - Drills and performance tests: a drill has fake peers, which a schedule has not.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

from labs.codec import messages as codec
from labs.messages import Command
from labs.raft.testing.cluster import Cluster
from labs.schedule import actions as act
from labs.schedule.actions import AnyAction, Schedule, Step
from labs.sim.dispatch import CrashPoint
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.kernel import Kernel
from labs.sim.loader.program import Program
from labs.sim.net.network import NOTHING, Conditions, Span
from labs.testing.cluster import StartAnswer
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario


class NotRecordable(Exception):
    """This kind of test cannot be taken as a schedule; the text names the reason."""


def record(
    scenario: Scenario,
    submission: Path | str | Program,
    seed: int,
    trace: BinaryIO | None = None,
    *,
    hosts: ProcessHosts | None = None,
    cpu_seconds: float | None = None,
) -> tuple[Schedule, RunRecord]:
    """Run a test with a seed; return what it did as a schedule, and the record of the run (run_scenario)."""
    if scenario.is_drill or scenario.is_perf:
        kind = "drill: a single server among fake peers" if scenario.is_drill else "performance test"
        raise NotRecordable(f"{scenario.id} is a {kind}; only stage tests can be taken as a schedule")
    if scenario.later:
        raise NotRecordable(f"{scenario.id} lets servers join, for which schedules have no step")
    steps: list[Step] = []
    found = run_scenario(
        scenario,
        submission,
        seed,
        trace,
        hosts=hosts,
        cpu_seconds=cpu_seconds,
        make_cluster=lambda kernel, test: RecordingCluster(kernel, test, steps),
    )
    schedule = Schedule(
        name=f"{scenario.id} seed {seed}",
        stage=scenario.stage,
        servers=scenario.size(seed),
        network=scenario.conditions,
        seed=seed,
        duration=found.virtual_time,
        paces=scenario.paces(seed),
        service_time=scenario.service_time,
        rule=found.rule or "",
        steps=tuple(steps),
    )
    return schedule, found


class RecordingCluster(Cluster):
    """A cluster that notes down what a test does to it, as steps."""

    def __init__(self, kernel: Kernel, test: str, steps: list[Step]) -> None:
        super().__init__(kernel, test)
        self._steps = steps
        self._is_same_breath = False
        """Whether the test has not waited since the last step, so that no server has acted."""

    def _note(self, action: AnyAction) -> None:
        self._go_on()
        self._steps.append(Step(self.now, action, self._is_same_breath))
        self._is_same_breath = True

    async def sleep(self, seconds: float) -> None:
        self._is_same_breath = False
        await super().sleep(seconds)

    async def sleep_until(self, time: float, or_event: bool = False) -> None:
        self._is_same_breath = False
        await super().sleep_until(time, or_event)

    async def wait_for_apply(self, until: float) -> None:
        self._is_same_breath = False
        await super().wait_for_apply(until)

    def start(self, server: int, command: Command) -> StartAnswer:
        if self.is_up(server):
            self._note(act.Propose(server, codec.decode_command(codec.encode_command(command))))
        return super().start(server, command)

    def take_snapshot(self, server: int) -> None:
        self._note(act.Snapshot(server))
        super().take_snapshot(server)

    def crash(self, server: int) -> None:
        if self.is_up(server):
            self._note(act.Crash(server))
        super().crash(server)

    def restart(self, server: int) -> None:
        self._note(act.Restart(server))
        super().restart(server)

    def crash_at(self, server: int, point: CrashPoint, nth: int = 1) -> None:
        self._note(act.CrashAt(server, point, nth))
        super().crash_at(server, point, nth)

    def spare(self, server: int) -> None:
        self._note(act.Spare(server))
        super().spare(server)

    def pause(self, server: int) -> None:
        self._note(act.Pause(server))
        super().pause(server)

    def resume(self, server: int) -> None:
        self._note(act.Resume(server))
        super().resume(server)

    def let_time_out(self, server: int) -> None:
        self._note(act.TimeOut(server))
        super().let_time_out(server)

    def disconnect(self, server: int) -> None:
        self._note(act.Isolate(server))
        super().disconnect(server)

    def connect(self, server: int) -> None:
        self._note(act.Connect(server))
        super().connect(server)

    def cut(self, source: int, target: int) -> None:
        self._note(act.Cut(source, target))
        super().cut(source, target)

    def mend(self, source: int, target: int) -> None:
        self._note(act.Heal(source, target))
        super().mend(source, target)

    def partition(self, *groups: Iterable[int]) -> None:
        parts = [tuple(group) for group in groups]
        self._note(act.Partition(tuple(part for part in parts if part)))
        super().partition(*parts)

    def heal(self) -> None:
        self._note(act.HealAll())
        super().heal()

    def use(self, conditions: Conditions) -> None:
        self._note(act.SetNetwork(conditions))
        super().use(conditions)

    def set_link(
        self, source: int, target: int, delay: Span = NOTHING, loss: float = 0.0, duplicate: float = 0.0
    ) -> None:
        self._note(act.SetLink(source, target, delay, loss, duplicate))
        super().set_link(source, target, delay, loss, duplicate)

    def slow(self, server: int, seconds: float) -> None:
        self._note(act.Slow(server, seconds))
        super().slow(server, seconds)


def tidy(schedule: Schedule) -> Schedule:
    """Return the same schedule with two cuts of one link, one for each direction, as one; and heals as well."""
    found: list[Step] = []
    for step in schedule.steps:
        before = found[-1] if found else None
        if before is not None and step.at_once and _is_other_way(before.action, step.action):
            found[-1] = Step(before.time, msgspec.structs.replace(before.action, both=True), before.at_once)
        else:
            found.append(step)
    return msgspec.structs.replace(schedule, steps=tuple(found))


def _is_other_way(one: AnyAction, other: AnyAction) -> bool:
    if not isinstance(one, act.Cut | act.Heal) or type(one) is not type(other):
        return False
    assert isinstance(other, act.Cut | act.Heal)
    return not one.both and not other.both and (one.source, one.target) == (other.target, other.source)

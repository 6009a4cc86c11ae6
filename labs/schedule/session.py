"""A schedule that grows while it is played: step, run on, act now; rewind and fork.

    session = Session(schedule, "skeleton")
    session.run_until(1.5)              # plays what the schedule has up to then
    session.act(Crash(0))               # happens now, and is in session.schedule from now on
    session.step()                      # to the end of the next instant at which anything happens
    fork = session.rewound(1.2)         # ends this session: the same run up to then, without what came later
    fork.end()

The run goes on in a thread of its own, and only while one of these methods waits for it; so between two calls nothing
moves. Each returns when the run stands again, and whether it is over; a `trace` has all events by then. To rewind, the
run is repeated from its seed: nothing is kept of the servers but the schedule. A server that never yields blocks its
caller, unless `wait` interrupts it (labs.engine.thread_alarm). Process hosts end such a server themselves.

A session that `recovers` goes on after the end of its schedule as a replay does: all faults end, and the cluster must
recover (labs.schedule.player). An act at the end, or after it, calls that off; nothing can be done during it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from labs.raft.testing.cluster import Cluster
from labs.schedule.actions import AnyAction, Schedule, Step
from labs.schedule.player import perform, recover, resolve, scenario_of
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.kernel import Kernel
from labs.sim.loader.program import Program
from labs.sim.server import failures
from labs.testing.run import RunRecord, run_scenario, stalled

FOREVER = 1e9
Wait: TypeAlias = Callable[[threading.Thread, threading.Event, Callable[[], float]], bool]
"""Waits until the thread of a run stands; gets the virtual time that it has reached. Returns False if it never will."""


def wait_for_ever(thread: threading.Thread, stands: threading.Event, now: Callable[[], float]) -> bool:
    """Wait until a thread stands."""
    return stands.wait()


class _Left(Exception):
    """The session ends before its run is over."""


Pace: TypeAlias = Callable[[], tuple[float, bool]]
"""Stands still until time may pass; returns up to when, and whether only to the next event."""


class _PacedCluster(Cluster):
    """A cluster in which, once there is a pace, time passes only as far as that allows.

    A test that waits for something may wake up too early, and has to look again.
    """

    def __init__(self, kernel: Kernel, test: str) -> None:
        super().__init__(kernel, test)
        self.pace: Pace | None = None

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now + max(seconds, 0.0))

    async def sleep_until(self, time: float, or_event: bool = False) -> None:
        if self.pace is None:
            await super().sleep_until(time, or_event)
            return
        while True:
            until, is_step = self.pace()
            await super().sleep_until(min(time, until), is_step)
            if self.now >= time:
                return

    async def wait_for_apply(self, until: float) -> None:
        if self.pace is None:
            await super().wait_for_apply(until)
            return
        ordered, is_step = self.pace()
        if is_step:
            await super().sleep_until(min(until, ordered), True)
        else:
            await super().wait_for_apply(min(until, ordered))


class Session:
    """One run of a schedule, under way."""

    def __init__(
        self,
        schedule: Schedule,
        submission: Path | str | Program,
        *,
        trace: BinaryIO | None = None,
        hosts: ProcessHosts | None = None,
        wait: Wait = wait_for_ever,
        recovers: bool = False,
    ) -> None:
        self.record: RunRecord | None = None
        """The record, once the run is over."""
        self.recovers = recovers
        """Whether the cluster has to recover at the end of the schedule."""
        self.is_recovering = False
        """Whether the schedule is over, and the recovery has begun or is over, too."""
        self._planned = list(schedule.steps)
        """What the schedule has, and has not been played."""
        self._played: list[Step] = []
        self._base, self._submission, self._hosts, self._wait_for = schedule, submission, hosts, wait
        self._is_lost = False
        """Whether the thread of the run cannot be stopped."""
        self._recovered = recovers
        """Whether there is a recovery, if an earlier moment is returned to."""
        self._has_trace = trace is not None
        self._is_same_breath = False
        self._now = 0.0
        self._orders: queue.SimpleQueue[Callable[[], object] | tuple[float, bool]] = queue.SimpleQueue()
        self._order: tuple[float, bool] | None = None
        """During the recovery the order to let time pass that is not carried out yet."""
        self._stands = threading.Event()
        self._cluster: _PacedCluster | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(trace,), daemon=True)
        self._thread.start()
        self._wait()

    @property
    def now(self) -> float:
        """The virtual time at which the run stands."""
        return self._now

    @property
    def end_of_schedule(self) -> float:
        """When the recovery begins; never in a session without one."""
        return max([self._base.duration, *(step.time for step in self._planned)]) if self.recovers else FOREVER

    @property
    def schedule(self) -> Schedule:
        """The schedule of all that was played, and of what is still planned; it ends now if nothing is.

        The recovery does not belong to it.
        """
        steps = [*self._played, *self._planned]
        now = self._base.duration if self.is_recovering else self._now
        duration = max([now, self._base.duration if self._planned else 0.0, *(step.time for step in steps)])
        return msgspec.structs.replace(self._base, duration=duration, steps=tuple(steps))

    def run_until(self, time: float) -> bool:
        """Let the run go on up to a virtual time, or to its end; return whether it is over."""
        return self._go(time, or_event=False)

    def step(self, until: float = FOREVER) -> bool:
        """Let the run go on to the end of the next instant at which anything happens; return whether it is over.

        It goes at most up to a virtual time.
        """
        return self._go(until, or_event=True)

    def act(self, action: AnyAction) -> bool:
        """Do something now; return whether the run is over. The steps that are planned for later stay planned."""
        assert not self.is_recovering or self.record is not None, "the recovery is not in the schedule"
        if self.record is None:
            self.recovers = self.recovers and self._now < self.end_of_schedule
            self._tell(lambda: self._perform(action))
        return self.record is not None

    def rewound(self, time: float, plan: Schedule | None = None, trace: BinaryIO | None = None) -> Session:
        """End this session, and return a new one that stands at an earlier time of the same run.

        Forgets the acts played later; the steps that `plan` has for later are planned. Two runs may
        not be under way at once: the order of trio's tasks is drawn from one source in a process.
        """
        schedule = self.end().until(time)
        if plan is not None:
            later = [step for step in plan.steps if step.time > time]
            schedule = msgspec.structs.replace(schedule, duration=plan.duration, steps=(*schedule.steps, *later))
        recovers = self.recovers or (self._recovered and time < self._base.duration)
        fork = Session(
            schedule, self._submission, trace=trace, hosts=self._hosts, wait=self._wait_for, recovers=recovers
        )
        fork.run_until(time)
        return fork

    def end(self) -> Schedule:
        """End the run as it stands; return the schedule of what was played."""
        schedule = self.schedule
        if self.record is None:
            self._tell(self._leave)
        if not self._is_lost:
            self._thread.join()
        return schedule

    # In the caller's thread.

    def _go(self, time: float, or_event: bool) -> bool:
        if self.record is None:
            self._tell((time, or_event))
        return self.record is not None

    def _tell(self, order: Callable[[], object] | tuple[float, bool]) -> None:
        self._stands.clear()
        self._orders.put(order)
        self._wait()

    def _wait(self) -> None:
        if not self._wait_for(self._thread, self._stands, self._reached):
            self._is_lost, self._now = True, self._reached()
            self.record = self._stalled("a server never yields, and catches even the interruption")
        if self._error is not None:
            raise self._error

    def _reached(self) -> float:
        """Return the virtual time that the run has reached, while it goes on."""
        return self._cluster.now if self._cluster is not None else 0.0

    def _stalled(self, text: str) -> RunRecord:
        found = stalled(scenario_of(self._base, self._base.name), self._base.seed, text)
        found.virtual_time = self._reached()
        return found

    # In the thread of the run.

    def _run(self, trace: BinaryIO | None) -> None:
        scenario = replace(scenario_of(self._base, self._base.name), test=self._drive)
        try:
            found = run_scenario(
                scenario, self._submission, self._base.seed, trace, hosts=self._hosts, make_cluster=_PacedCluster
            )
            self.record, self._now = found, found.virtual_time
        except failures.watchdog.raises:
            self.record = self._stalled("a server never yields")
        except BaseException as error:
            self._error = error
        self._stands.set()

    async def _drive(self, cluster: Cluster) -> None:
        assert isinstance(cluster, _PacedCluster)
        self._cluster = cluster
        cluster.intercept()
        try:
            while self._order is None:
                order = self._next_order(cluster)
                if order is not None:
                    await self._play(cluster, *order)
            self.is_recovering, cluster.pace = True, self._pace
            await recover(cluster, self._base)
        except _Left:
            return

    def _next_order(self, cluster: Cluster) -> tuple[float, bool] | None:
        """Stand still until there is an order; return it, or carry it out if no time passes in it."""
        self._now = cluster.now
        if self._has_trace:
            cluster.flush_trace()
        self._stands.set()
        order = self._orders.get()
        if isinstance(order, tuple):
            return order
        order()
        return None

    def _pace(self) -> tuple[float, bool]:
        """Return how far time may pass: what is left of an order, or the next one."""
        assert self._cluster is not None
        now, order = self._cluster.now, self._order
        while order is None or now >= order[0]:
            order = self._next_order(self._cluster)
        self._order = None if order[1] else order
        return order

    async def _play(self, cluster: Cluster, until: float, or_event: bool) -> None:
        """Play what is planned up to a time; with `or_event` only up to the next event."""
        while True:
            due = self._planned[0] if self._planned else None
            if due is None or due.time > until:
                await self._play_on(cluster, until, or_event)
                return
            if not (due.at_once and self._is_same_breath):
                await self._sleep(cluster, due.time, or_event)
                if cluster.now < due.time:
                    return
            self._planned.pop(0)
            self._played.append(due)
            self._is_same_breath = True
            for action in resolve(cluster, due.action):
                perform(cluster, action)

    async def _play_on(self, cluster: Cluster, until: float, or_event: bool) -> None:
        """Let time pass up to a time, or to the end of the schedule; then what is left of the order is kept."""
        end = self.end_of_schedule
        if cluster.now < end or until <= end:
            await self._sleep(cluster, min(until, end), or_event)
            if or_event or until <= end:
                return
        self._order = until, or_event

    async def _sleep(self, cluster: Cluster, until: float, or_event: bool) -> None:
        self._is_same_breath = False
        await cluster.sleep_until(until, or_event)

    def _perform(self, action: AnyAction) -> None:
        assert self._cluster is not None
        for each in resolve(self._cluster, action):
            self._played.append(Step(self._cluster.now, each, self._is_same_breath))
            self._is_same_breath = True
            perform(self._cluster, each)

    def _leave(self) -> None:
        raise _Left

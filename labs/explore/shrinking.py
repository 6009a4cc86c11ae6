"""Makes a failing schedule small: whatever can go goes, as long as a run still breaks the same rule.

Faults go first, then proposals, then whole servers; then the network becomes calm, times become round, and the end
comes sooner. Delta debugging takes away large parts before small ones. Because chance is keyed by message, the rest
keeps its meaning. Every candidate is run; the smallest that failed in the same way is the result.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec.structs import replace

from labs.schedule import actions as act
from labs.schedule import text
from labs.schedule.actions import AnyAction, Schedule, Step
from labs.schedule.recording import tidy
from labs.schedule.words import NETWORKS

Fails: TypeAlias = Callable[[Schedule], float | None]
"""Runs a schedule; returns when it broke the rule, or None if it did not."""
FEWEST = 3
"""The least number of servers that a schedule is brought down to: fewer have no majority worth the name."""


class OutOfTime(Exception):
    """Raised by the function that runs schedules when there shall be no more runs."""


def shrink(schedule: Schedule, time: float, fails: Fails) -> Schedule:
    """Return the smallest schedule found that fails in the same way; `schedule` itself broke the rule at a time."""
    shrinker = _Shrinker(schedule, time, fails)
    with contextlib.suppress(OutOfTime):
        shrinker.run()
    return shrinker.best


class _Shrinker:
    def __init__(self, schedule: Schedule, time: float, fails: Fails) -> None:
        self._fails = fails
        self._tried = {text.write(schedule)}
        self._is_early = time <= schedule.duration
        """Whether the rule breaks before the schedule is over, and not while the servers recover: that stays so."""
        self.best = _ended(schedule, time)

    def run(self) -> None:
        """Go through all passes until none of them changes anything."""
        before = None
        while before != self.best:
            before = self.best
            self._take_away(lambda action: not isinstance(action, act.Propose))
            self._take_away(lambda action: isinstance(action, act.Propose))
            self._try(tidy(self.best))
            self._drop_servers()
            self._calm_down()
            self._close_gaps()
            self._round_times()
            self._end_sooner()

    def _try(self, candidate: Schedule) -> bool:
        """Run a candidate that was not run before; it becomes the best one if it fails in the same way."""
        written = text.write(candidate)
        if written in self._tried:
            return False
        self._tried.add(written)
        time = self._fails(candidate)
        if time is None or (self._is_early and time > candidate.duration):
            return False
        self.best = _ended(candidate, time)
        return True

    # The passes.

    def _take_away(self, kind: Callable[[AnyAction], bool]) -> None:
        """Take away steps of a kind: halves, quarters, and so on down to single ones."""
        count = sum(kind(step.action) for step in self.best.steps)
        size = max(1, (count + 1) // 2)
        while count:
            begin = 0
            while begin < count:
                places = [n for n, step in enumerate(self.best.steps) if kind(step.action)][begin : begin + size]
                if not places or not self._try(_without(self.best, places)):
                    begin += size
                count = sum(kind(step.action) for step in self.best.steps)
            if size == 1:
                return
            size = max(1, size // 2)

    def _drop_servers(self) -> None:
        """Try to do without a server; the others move up."""
        server = self.best.servers - 1
        while server >= 0 and self.best.servers > FEWEST:
            self._try(_without_server(self.best, server))
            server -= 1

    def _calm_down(self) -> None:
        """Try a calm network, snapshots at one pace, and a service that takes no time."""
        for name in ("reliable", "long-delays", "unreliable"):
            if self.best.network == NETWORKS[name] or self._try(replace(self.best, network=NETWORKS[name])):
                break
        if self.best.service_time:
            self._try(replace(self.best, service_time=0.0))

    def _close_gaps(self) -> None:
        """Let no time pass that is not needed between two steps."""
        for place in range(len(self.best.steps)):
            steps = self.best.steps
            if place < len(steps):
                gap = steps[place].time - (steps[place - 1].time if place else 0.0)
                for left in (0.2, 0.5, 1.0):
                    if gap > left + 0.2 and self._try(_sooner(self.best, place, gap - left)):
                        break

    def _round_times(self) -> None:
        """Round all times, as coarsely as possible; then those of single steps."""
        for digits in (1, 2, 3):
            if self._try(_rounded(self.best, digits, range(len(self.best.steps)))):
                break
        for place in range(len(self.best.steps)):
            self._try(_rounded(self.best, 1, [place]))

    def _end_sooner(self) -> None:
        last = self.best.steps[-1].time if self.best.steps else 0.0
        for duration in (last, last + 0.5, round(self.best.duration, 1)):
            if last <= duration < self.best.duration and self._try(replace(self.best, duration=duration)):
                return


def _ended(schedule: Schedule, time: float) -> Schedule:
    """Return a schedule without what comes after a time, rounded up."""
    end = math.ceil(time * 100) / 100
    return replace(schedule.until(end), duration=end) if end < schedule.duration else schedule


def _without(schedule: Schedule, places: Iterable[int]) -> Schedule:
    """Return a schedule without the steps at these places; what happened at once still does."""
    gone = set(places)
    return replace(schedule, steps=tuple(step for n, step in enumerate(schedule.steps) if n not in gone))


def _sooner(schedule: Schedule, place: int, seconds: float) -> Schedule:
    """Return a schedule whose steps from a place on, and whose end, come that much sooner."""
    steps = [
        step if number < place else replace(step, time=max(0.0, step.time - seconds))
        for number, step in enumerate(schedule.steps)
    ]
    return replace(schedule, steps=tuple(steps), duration=max(schedule.duration - seconds, steps[-1].time))


def _rounded(schedule: Schedule, digits: int, places: Iterable[int]) -> Schedule:
    chosen = set(places)
    steps, floor = list[Step](), 0.0
    for number, step in enumerate(schedule.steps):
        time = max(floor, round(step.time, digits) if number in chosen else step.time)
        floor = time
        steps.append(replace(step, time=time))
    return replace(schedule, steps=tuple(steps), duration=max(schedule.duration, floor))


def _without_server(schedule: Schedule, gone: int) -> Schedule:
    """Return a schedule with a server less; steps about it go, and the servers after it move up."""
    steps = [
        replace(step, action=moved)
        for step in schedule.steps
        for moved in [_moved(step.action, gone)]
        if moved is not None
    ]
    paces = tuple(pace for server, pace in enumerate(schedule.paces) if server != gone)
    return replace(schedule, servers=schedule.servers - 1, paces=paces, steps=tuple(steps))


def _moved(action: AnyAction, gone: int) -> AnyAction | None:
    if isinstance(action, act.Partition):
        groups = (tuple(server for server in group if server != gone) for group in action.groups)
        action = act.Partition(tuple(group for group in groups if group))
    if gone in act.servers_of(action):
        return None
    return act.renumbered(action, lambda server: server - 1 if server > gone else server)

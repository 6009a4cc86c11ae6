"""The scheduler: orders the tasks that are ready, and finds servers that never let time pass."""

from __future__ import annotations

from collections.abc import Callable

import trio

from labs.sim.runtime.trio_internals import Batch
from labs.sim.server.failures import place_of_task, swallowed
from labs.sim.server.handle import Handle
from labs.sim.server.incarnation import INCARNATION, Incarnation
from labs.sim.server.outputs import Failed

MAX_PASSES = 20_000
"""Loop passes of one server at one instant before it counts as spinning."""


class Abandoned(Exception):
    """Ends trio's loop by force, when a submission's tasks refuse to end."""


class Scheduler:
    """Orders batches of tasks; `on_spin` is called once for an incarnation that spins, with its spinning task."""

    def __init__(self, on_spin: Callable[[Incarnation, trio.lowlevel.Task], None]) -> None:
        self.ran: dict[int, Handle] = {}
        """The incarnations that ran since this was cleared, by server."""
        self.closing = False
        """Whether the run is over, so that servers that still spin are ended by force."""
        self.left_out = False
        """Whether tasks got no turn, so that they never end."""
        self._on_spin = on_spin

    def arrange(self, batch: Batch) -> None:
        """Put runnable tasks in order: by server, and within a server by that server's own generator.

        Those of a server that has too many get no turn any more, and those of one that is paused get it later.
        """
        if len(batch) == 1:
            incarnation = batch[0].context.get(INCARNATION)
            if incarnation is not None:
                if incarnation.crowded or incarnation.is_paused:
                    self._leave_out(incarnation, batch.pop())
                else:
                    self._count_pass(incarnation, batch[0])
            return
        groups: dict[tuple[int, int], list[trio.lowlevel.Task]] = {}
        incarnations: dict[tuple[int, int], Incarnation] = {}
        for task in batch:
            incarnation = task.context.get(INCARNATION)
            if incarnation is not None and (incarnation.crowded or incarnation.is_paused):
                self._leave_out(incarnation, task)
                continue
            key = (-1, 0) if incarnation is None else (incarnation.server, incarnation.number)
            groups.setdefault(key, []).append(task)
            if incarnation is not None:
                incarnations[key] = incarnation
        batch.clear()
        for key in sorted(groups):
            tasks = groups[key]
            if key in incarnations:
                if len(tasks) > 1:
                    incarnations[key].order.shuffle(tasks)
                self._count_pass(incarnations[key], tasks[-1])
            batch += tasks

    def _leave_out(self, incarnation: Incarnation, task: trio.lowlevel.Task) -> None:
        """Give a task no turn: never, or not before its server goes on."""
        if incarnation.crowded:
            self.left_out = True
        else:
            incarnation.hold(task)

    def serve(self, incarnation: Incarnation) -> None:
        """Give an incarnation a turn in which it only handles its requests: no other task can run."""
        task = incarnation.serve()
        if task is not None:
            self._count_pass(incarnation, task)

    def _count_pass(self, incarnation: Incarnation, task: trio.lowlevel.Task) -> None:
        if not incarnation.fenced:
            self.ran[incarnation.server] = incarnation
        incarnation.passes += 1
        if incarnation.passes <= MAX_PASSES:
            return
        if self.closing or incarnation.passes > 2 * MAX_PASSES:
            raise Abandoned
        if incarnation.passes == MAX_PASSES + 1:
            self._on_spin(incarnation, task)


def count_task() -> None:
    """Count a task that is about to start as its server's; refuse it if that has too many (labs.codec.limits)."""
    incarnation = INCARNATION.get()
    if incarnation is not None:
        incarnation.count_task()


def failure_of(incarnation: Incarnation, task: trio.lowlevel.Task) -> Failed:
    """Return the fault of an incarnation that spins; `task` is one that does."""
    place = place_of_task(incarnation.program, task) or incarnation.where()
    if incarnation.fenced:
        return swallowed(place)
    return Failed("spins", f"spins: it goes round {MAX_PASSES:,} times without letting time pass", place)

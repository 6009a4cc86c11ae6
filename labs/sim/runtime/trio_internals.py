"""The one module that touches trio's private names: it makes trio's scheduler deterministic for the length of a run.

trio runs the tasks that are ready in batches, and shuffles each batch. Its private switch
`_ALLOW_DETERMINISTIC_SCHEDULING` makes it sort the batch by age first and shuffle it with the private generator `_r`.
Here an object of ours takes the generator's place and decides the order. trio is pinned; `check_private_names` and a
test fail loudly when these names are gone.
"""

from __future__ import annotations

import contextlib
import math
import traceback
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias

import trio
import trio._core._run as trio_run

Batch: TypeAlias = list[trio.lowlevel.Task]


class SchedulerChanged(RuntimeError):
    """The installed trio lacks the private names that deterministic scheduling needs."""


class _Order:
    """Stands in for trio's generator; only `shuffle` is ever asked for in deterministic mode."""

    def __init__(self, arrange: Callable[[Batch], None]) -> None:
        self.shuffle = arrange

    def random(self) -> float:
        return 1.0

    def uniform(self, low: float, high: float) -> float:
        return low


def check_private_names() -> None:
    """Raise SchedulerChanged if this trio cannot be scheduled deterministically."""
    for name in ("_ALLOW_DETERMINISTIC_SCHEDULING", "_r", "Runner.spawn_impl"):
        owner, _, last = name.rpartition(".")
        if not hasattr(getattr(trio_run, owner, None) if owner else trio_run, last):
            raise SchedulerChanged(
                f"trio {trio.__version__} has no trio._core._run.{name} any more, so runs would not be repeatable. "
                "Install the trio version that pyproject.toml pins: make setup"
            )


@contextlib.contextmanager
def deterministic_scheduling(
    arrange: Callable[[Batch], None], on_spawn: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Let `arrange` put each batch of runnable tasks in order while the context is open; trio runs it from the end.

    The batch comes sorted by the age of the tasks, oldest first. `on_spawn` is called in the task that starts another,
    before that is made; what it raises comes out of `start_soon`.
    """
    check_private_names()
    before = trio_run._ALLOW_DETERMINISTIC_SCHEDULING, trio_run._r
    spawn = trio_run.Runner.spawn_impl

    def spawn_counted(runner: Any, *args: Any, **options: Any) -> Any:
        on_spawn()
        return spawn(runner, *args, **options)

    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio_run._r = _Order(arrange)  # type: ignore[assignment]
    trio_run.Runner.spawn_impl = spawn_counted  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING, trio_run._r = before  # type: ignore[misc]
        trio_run.Runner.spawn_impl = spawn  # type: ignore[method-assign]


def leave(error: BaseException) -> None:
    """Take down a loop that an exception broke off from outside, so that another can run; the exception came from it.

    Frames in its traceback may hold the broken loop, which would end some time later, in the midst of the next one.
    """
    traceback.clear_frames(error.__traceback__)
    vars(trio_run.GLOBAL_RUN_CONTEXT).clear()


class Loop:
    """The trio loop that runs here."""

    def __init__(self) -> None:
        runner = trio_run.GLOBAL_RUN_CONTEXT.runner
        self.runnable: Collection[trio.lowlevel.Task] = runner.runq
        """The tasks that wait only for their turn, at any time: trio fills and empties it."""
        self.next_deadline: Callable[[], float] = runner.deadlines.next_deadline
        """Returns the next deadline of all; infinity if there is none."""


def freeze(belongs: Callable[[trio.lowlevel.Task], bool]) -> list[trio.CancelScope]:
    """Stop the timers of some tasks; return them for `thaw`."""
    deadlines = trio_run.GLOBAL_RUN_CONTEXT.runner.deadlines
    entries = [scope for deadline, _, scope in deadlines._heap if deadline == scope._registered_deadline]
    stopped = [scope for scope in dict.fromkeys(entries) if any(map(belongs, _tasks_of(scope)))]
    for scope in stopped:
        deadlines.remove(scope._registered_deadline, scope)
        scope._registered_deadline = math.inf
    return stopped


def thaw(timers: list[trio.CancelScope]) -> None:
    """Let timers go on that `freeze` has stopped; those whose time has come meanwhile run out now."""
    for scope in timers:
        with scope._might_change_registered_deadline():
            pass


def put_back(tasks: Batch) -> None:
    """Let tasks have their turn that were taken out of a batch before."""
    trio_run.GLOBAL_RUN_CONTEXT.runner.runq.extend(tasks)


def _tasks_of(scope: trio.CancelScope) -> Iterator[trio.lowlevel.Task]:
    """Yield the tasks inside a scope, at any depth."""
    found = [] if scope._cancel_status is None else [scope._cancel_status]
    while found:
        status = found.pop()
        yield from status._tasks
        found += status._children


def run_as(task: trio.lowlevel.Task, function: Callable[[], None]) -> None:
    """Call a function as if a task that waits did so; only where no task is at work, as when none can run."""
    trio_run.GLOBAL_RUN_CONTEXT.task = task
    try:
        task.context.run(function)
    finally:
        del trio_run.GLOBAL_RUN_CONTEXT.task


def age_of(task: trio.lowlevel.Task) -> int:
    """Return a number that is larger for younger tasks."""
    return task._counter

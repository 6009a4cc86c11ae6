"""trio's private names that deterministic scheduling needs: this fails loudly when another trio lacks them."""

from __future__ import annotations

import contextvars
import inspect
import random

import pytest
import trio
import trio._core._run as trio_run

from labs.sim.runtime import trio_internals
from labs.sim.runtime.clock import VirtualClock
from labs.sim.runtime.trio_internals import (
    Batch,
    SchedulerChanged,
    age_of,
    check_private_names,
    deterministic_scheduling,
    put_back,
    run_as,
)

WHERE = "labs/sim/runtime/trio_internals.py"
LOUD = f"trio {trio.__version__} schedules in another way: runs would not be repeatable; see {WHERE}"


def test_installed_trio_has_the_private_names() -> None:
    check_private_names()
    assert isinstance(trio_run._ALLOW_DETERMINISTIC_SCHEDULING, bool), LOUD
    assert isinstance(trio_run._r, random.Random), LOUD


def test_trios_run_loop_uses_the_private_names() -> None:
    loop = inspect.getsource(trio_run.unrolled_run)
    assert "if _ALLOW_DETERMINISTIC_SCHEDULING:" in loop, LOUD
    assert "batch.sort(key=lambda t: t._counter)" in loop, LOUD
    assert "_r.shuffle(batch)" in loop, LOUD
    assert loop.index("batch.sort") < loop.index("_r.shuffle(batch)"), LOUD
    assert "GLOBAL_RUN_CONTEXT.task = task" in loop and "del GLOBAL_RUN_CONTEXT.task" in loop, LOUD


def test_trio_uses_its_generator_for_nothing_that_the_stand_in_lacks() -> None:
    used = {name for name in dir(random.Random) if f"_r.{name}(" in inspect.getsource(trio_run)}
    assert used <= set(dir(trio_internals._Order(lambda batch: None))), LOUD


@pytest.mark.parametrize("name", ["_ALLOW_DETERMINISTIC_SCHEDULING", "_r"])
def test_missing_name_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delattr(trio_run, name)
    with pytest.raises(SchedulerChanged, match=rf"has no trio._core._run.{name} any more.*make setup"):
        with deterministic_scheduling(lambda batch: None):
            raise AssertionError("this must not be reached")


def test_switches_are_back_after_a_run_even_if_it_fails() -> None:
    before = trio_run._ALLOW_DETERMINISTIC_SCHEDULING, trio_run._r
    with pytest.raises(ZeroDivisionError), deterministic_scheduling(lambda batch: None):
        raise ZeroDivisionError
    assert (trio_run._ALLOW_DETERMINISTIC_SCHEDULING, trio_run._r) == before


def turns_of(arrange_seed: int | None, tasks: int = 8, rounds: int = 5) -> list[tuple[int, int]]:
    """Return in which order tasks had their turns, with batches in an order of ours or in trio's own."""
    turns: list[tuple[int, int]] = []

    async def take_turns(number: int) -> None:
        for turn in range(rounds):
            turns.append((turn, number))
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(tasks):
                nursery.start_soon(take_turns, number)

    if arrange_seed is None:
        trio.run(main)
        return turns
    generator = random.Random(arrange_seed)
    with deterministic_scheduling(generator.shuffle):
        trio.run(main)
    return turns


def test_runs_with_shuffled_tasks_are_equal_for_a_seed() -> None:
    assert turns_of(1) == turns_of(1)
    assert turns_of(1) != turns_of(2)
    for turn in range(5):
        assert sorted(number for at, number in turns_of(1) if at == turn) == list(range(8))


def test_without_the_switch_runs_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the test above would prove nothing. Hypothesis throws the switch, too, where it is installed."""
    monkeypatch.setattr(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", False)
    assert len({tuple(turns_of(None)) for _ in range(5)}) > 1


def test_batches_come_with_the_oldest_task_first() -> None:
    batches: list[list[int]] = []

    def look(batch: Batch) -> None:
        batches.append([age_of(task) for task in batch])

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(trio.lowlevel.checkpoint)

    with deterministic_scheduling(look):
        trio.run(main)
    assert max(map(len, batches)) == 5
    assert all(batch == sorted(batch) for batch in batches)


def test_what_is_done_in_the_name_of_a_task_sees_that_task_and_its_context() -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="")
    seen: list[object] = []

    class Idle(VirtualClock):
        task: trio.lowlevel.Task

        def deadline_to_sleep_time(self, deadline: float) -> float:
            if seen:
                return 0.0
            run_as(self.task, lambda: seen.extend([trio.lowlevel.current_task() is self.task, mark.get()]))
            with pytest.raises(RuntimeError):
                trio.lowlevel.current_task()
            trio.lowlevel.reschedule(self.task)
            return 0.0

    clock = Idle(lambda deadline: None)

    async def main() -> None:
        mark.set("of the task")
        clock.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(lambda raise_cancel: trio.lowlevel.Abort.SUCCEEDED)

    trio.run(main, clock=clock)
    assert seen == [True, "of the task"]


def test_the_loop_tells_at_any_time_what_can_run_and_when_the_next_timer_rings() -> None:
    seen = []

    async def main() -> None:
        loop = trio_internals.Loop()
        event = trio.Event()
        async with trio.open_nursery() as nursery:
            for _ in range(3):  # in later passes, too, it is the same collection
                assert (len(loop.runnable), loop.next_deadline()) == (0, float("inf")), LOUD
                nursery.start_soon(event.wait)
                seen.append((len(loop.runnable), loop.next_deadline()))
                with trio.move_on_at(trio.current_time() + 1.0) as scope:
                    seen.append((len(loop.runnable), loop.next_deadline() == scope.deadline))
                    await trio.lowlevel.checkpoint()
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert seen == [(1, float("inf")), (1, True)] * 3, LOUD


def test_a_task_that_is_taken_out_of_a_batch_has_its_turn_when_it_is_put_back() -> None:
    turns: list[str] = []
    held: Batch = []

    def hold(batch: Batch) -> None:
        held.extend(task for task in batch if task.name == "late")
        batch[:] = [task for task in batch if task.name != "late"]

    async def late() -> None:
        turns.append("late")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(late, name="late")
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            turns.append("main")
            batch, held[:] = list(held), []
            for task in batch:
                task.name = "late no more"
            put_back(batch)

    with deterministic_scheduling(hold):
        trio.run(main)
    assert turns == ["main", "late"], LOUD

"""Random choices, and the virtual clock: everything is a function of the seed and of what is decided."""

from __future__ import annotations

import itertools
import statistics

import pytest
import trio

from labs.sim.runtime.clock import VirtualClock
from labs.sim.runtime.rng import Draws, generator

LEGS, SERVERS = range(4), range(3)


def test_draws_of_one_message_are_the_same_whatever_was_drawn_before() -> None:
    late, early = Draws(7), Draws(7)
    for ordinal in range(200):
        late.message(0, 1, 2, ordinal)
    assert late.message(1, 2, 0, 5) == early.message(1, 2, 0, 5)


def test_draws_are_what_they_were_in_the_first_version() -> None:
    """A change here changes every run: the seeds that people noted down would mean other runs."""
    assert Draws(1).message(0, 0, 1, 1)[:2] == (0.9056634511797279, 0.32914501378178285)
    assert generator(1, 2, "server").random() == 0.46128482118819925


def test_draws_differ_by_seed_leg_link_and_ordinal() -> None:
    keys = list(itertools.product((1, 2), LEGS, SERVERS, SERVERS, (1, 2, 3)))
    drawn = [number for seed, *key in keys for number in Draws(seed).message(*key)]
    assert len(set(drawn)) == len(keys) * 6


def test_each_purpose_draws_uniformly() -> None:
    rows = [Draws(3).message(0, 0, 1, ordinal) for ordinal in range(4000)]
    for column in zip(*rows):
        assert min(column) >= 0.0 and max(column) < 1.0
        assert statistics.fmean(column) == pytest.approx(0.5, abs=0.02)
        assert statistics.pstdev(column) == pytest.approx(12**-0.5, abs=0.02)


def test_purposes_do_not_hang_together() -> None:
    rows = [Draws(3).message(0, 0, 1, ordinal) for ordinal in range(4000)]
    columns = list(zip(*rows))
    for number, column in enumerate(columns):
        for other in columns[:number]:
            assert abs(statistics.correlation(column, other)) < 0.06


def test_generators_depend_on_their_key_only() -> None:
    assert generator(1, 2, 3).random() == generator(1, 2, 3).random()
    assert len({generator(*key).random() for key in [(1, 2, 3), (1, 23), (12, 3), (1, 2, 4), (1, 2)]}) == 5


def test_clock_starts_at_zero_and_stands_still() -> None:
    clock = VirtualClock(lambda deadline: None)
    clock.start_clock()
    assert clock.current_time() == 0.0
    assert clock.deadline_to_sleep_time(5.0) == 0.0
    assert clock.current_time() == 0.0


def test_clock_asks_only_when_no_task_can_run_and_never_sleeps() -> None:
    asked: list[tuple[float, str]] = []
    doing = "starting"

    def jump(deadline: float) -> None:
        asked.append((deadline, doing))
        clock.now = deadline

    async def wait() -> None:
        nonlocal doing
        for _ in range(3):
            doing = "running"
            for _ in range(5):
                await trio.lowlevel.checkpoint()
            doing = "waiting"
            await trio.sleep(3600.0)
        doing = "ending"

    clock = VirtualClock(jump)
    trio.run(wait, clock=clock)
    assert [deadline for deadline, doing in asked if doing == "waiting"] == [3600.0, 7200.0, 10800.0]
    assert not [deadline for deadline, doing in asked if doing == "running"]

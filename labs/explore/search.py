"""The search: which schedule comes next, and what is kept. Knows no processes and no clock."""

from __future__ import annotations

from collections.abc import Iterable

from labs.explore.drawing import draw
from labs.explore.mutating import mutate
from labs.schedule.actions import Schedule
from labs.sim.runtime import rng

FRESH = 0.4
"""The share of schedules that are drawn, and not changed from one that is kept."""
KEPT = 200
"""The most schedules that are kept: those that reached something new last."""


class Search:
    """Draws schedules, and changes those that reached something that no run before them had."""

    def __init__(self, stage: str, seed: int) -> None:
        self._stage, self._seed = stage, seed
        self._random = rng.generator(seed, "explore", stage)
        self._number = 0
        self._kept: list[Schedule] = []
        self.reached: dict[str, int] = {}
        """What runs have reached, and in how many of them."""

    def next(self) -> Schedule:
        """Return the schedule to run next."""
        self._number += 1
        if not self._kept or self._random.random() < FRESH:
            return draw(self._stage, self._seed, self._number)
        chosen = self._random.choice(self._kept[-KEPT // 4 :] if self._random.random() < 0.5 else self._kept)
        name = f"{self._stage} explored, seed {self._seed}, number {self._number}"
        return mutate(chosen, self._random.choice(self._kept), self._random, name)

    def learn(self, schedule: Schedule, reached: Iterable[str]) -> None:
        """Keep a schedule if it reached something new."""
        is_new = False
        for name in reached:
            is_new = is_new or name not in self.reached
            self.reached[name] = self.reached.get(name, 0) + 1
        if is_new:
            self._kept = [*self._kept, schedule][-KEPT:]

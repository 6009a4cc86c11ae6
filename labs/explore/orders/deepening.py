"""Deeper and deeper, within several bounds. Knows neither processes nor the clock.

Within each of a stage's bounds the depth grows until no order is cut off by it, so that all of them come to their end.
Each depth begins from the start: as the number of orders grows fast with the depth, this costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import msgspec

from labs.explore.orders.choices import Bounds, ladder
from labs.explore.orders.tree import Branch
from labs.explore.orders.work import Part, Piece
from labs.explore.work import Found
from labs.raft.curriculum import STAGES

FIRST, DEEPER = 6, 2
"""The first depth, in choices, and how much deeper the next one is."""
Do: TypeAlias = Callable[[Iterable[Piece]], Iterable[tuple[Piece, Part]]]
"""Does jobs, each when it can begin, and yields each with its record."""


class Level(msgspec.Struct):
    """What came of one depth within some bounds."""

    bounds: Bounds
    depth: int
    runs: int = 0
    pruned: int = 0
    cut: int = 0
    """How many of the orders the depth has cut off."""
    impossible: int = 0
    is_complete: bool = False
    found: Found | None = None

    def add(self, part: Part) -> None:
        self.runs += part.explored.runs
        self.pruned += part.explored.pruned
        self.cut += part.explored.cut
        self.impossible += part.explored.impossible
        self.found = self.found or part.found


def deepen(stage: str, seed: int, do: Do, is_over: Callable[[], bool]) -> Iterator[Level]:
    """Explore all orders of a stage, and yield the level under way after each job, as it stands then.

    The smallest bounds come first, to their end; the others take turns, depth by depth. It ends when something is
    found, and when `is_over`, which is asked before each job.
    """
    smallest, *larger = ladder(STAGES[stage])
    for group in ([smallest], larger):
        depth = FIRST
        while group:
            for bounds in list(group):
                level = Level(bounds, depth)
                yield from _explore(level, Piece(stage, bounds, depth, Branch(seed=seed)), do, is_over)
                if not level.is_complete:
                    return
                if not level.cut:
                    group.remove(bounds)
            depth += DEEPER


def _explore(level: Level, whole: Piece, do: Do, is_over: Callable[[], bool]) -> Iterator[Level]:
    left = [whole]

    def wanted() -> Iterator[Piece]:
        while left and level.found is None and not is_over():
            yield left.pop()

    while left and level.found is None and not is_over():
        for piece, part in do(wanted()):
            level.add(part)
            left += [msgspec.structs.replace(piece, branch=branch) for branch in part.explored.rest]
            yield level
    level.is_complete = not left and level.found is None

"""Inline hosts: all servers run on the simulator's own trio loop. Fast, and `breakpoint()` works."""

from __future__ import annotations

import math
from collections.abc import Callable

from labs.sim.scheduler import Scheduler
from labs.sim.server.disk import Disk
from labs.sim.server.incarnation import Incarnation
from labs.sim.server.outputs import Failed
from labs.sim.world import World


class InlineHosts:
    """Only keeps the incarnations, because trio runs them, except for work that does not need its scheduler."""

    apart = False

    def attach(self, world: World, scheduler: Scheduler, on_failure: Callable[[int, Failed], None]) -> None:
        self._world, self._serve = world, scheduler.serve

    def make(self, server: int, number: int, disk: Disk) -> Incarnation:
        world = self._world
        return Incarnation(server, number, world.size, world.seed, world.program, disk.copy(), world.service_time)

    def run(self) -> None:
        """Let those handle their requests that have some, as nothing else can run; trio runs all the rest."""
        addressed = self._world.addressed
        for server in sorted(addressed):
            incarnation = addressed[server]
            assert isinstance(incarnation, Incarnation)
            self._serve(incarnation)
        addressed.clear()

    def deadline(self) -> float:
        return math.inf

    def over_budget(self, server: int) -> bool:
        """There is no budget: the user can interrupt it."""
        return False

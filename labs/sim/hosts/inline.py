"""Inline hosts: all servers live on the tester's own trio loop, which lets them run. Fast, and `breakpoint()` works."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labs.sim.server.disk import Disk
from labs.sim.server.incarnation import Life

if TYPE_CHECKING:
    from labs.sim.kernel import Kernel


class InlineHosts:
    """Nothing but lives, since trio does the rest: all but what can do without its scheduler."""

    apart = False

    def make(self, kernel: Kernel, server: int, number: int, disk: Disk) -> Life:
        return Life(server, number, kernel.size, kernel.seed, kernel.program, disk.copy(), kernel.service_time)

    def run(self, kernel: Kernel) -> None:
        """Let those handle their requests that have some, as nothing else can run; trio runs all the rest."""
        for server in sorted(kernel.addressed):
            life = kernel.addressed[server]
            assert isinstance(life, Life)
            kernel.turns.serve(life)
        kernel.addressed.clear()

    def deadline(self, kernel: Kernel) -> float:
        return math.inf

    def over_budget(self, server: int) -> bool:
        """There is no budget: whoever waits can interrupt it."""
        return False

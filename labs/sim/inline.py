"""Inline hosts: all servers live on the tester's own trio loop, which lets them run. Fast, and `breakpoint()` works."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labs.sim.disk import Disk
from labs.sim.life import Life

if TYPE_CHECKING:
    from labs.sim.kernel import Kernel


class InlineHosts:
    """Nothing but lives, since trio does the rest."""

    apart = False

    def make(self, kernel: Kernel, server: int, number: int, disk: Disk) -> Life:
        return Life(server, number, kernel.size, kernel.seed, kernel.program, disk.copy())

    def run(self, kernel: Kernel) -> None:
        """Trio runs them."""

    def deadline(self, kernel: Kernel) -> float:
        return math.inf

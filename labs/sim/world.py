"""All state of one run that more than one part of the simulator reads or changes.

The kernel makes it, and hands it to the parts: each takes what it needs from here, and none takes the kernel.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

from labs.sim.loader.program import Program
from labs.sim.net.network import Conditions, Network
from labs.sim.runtime.clock import VirtualClock
from labs.sim.server.disk import Disk
from labs.sim.server.handle import Handle
from labs.sim.server.service import Service
from labs.trace.events import Event


class World:
    """A run's clock, network, disks, incarnations and services, and what is due."""

    def __init__(
        self,
        servers: int,
        seed: int,
        program: Program,
        conditions: Conditions,
        clock: VirtualClock,
        record: Callable[[Event], None],
        ran: dict[int, Handle],
        paces: Sequence[int],
        service_time: float,
    ) -> None:
        self.size, self.seed, self.program = servers, seed, program
        self.clock = clock
        self.record = record
        """Puts an event into the trace, and shows it to the observers of the run."""
        self.network = Network(servers, seed, conditions)
        self.disks = [Disk() for _ in range(servers)]
        self.incarnations: list[Handle | None] = [None] * servers
        """The running incarnation of each server."""
        self.service = Service(servers)
        self.service_time = service_time
        """Virtual seconds that `await apply_ch.send` waits for a service."""
        self.paces = paces
        """For each server after how many commands its service takes a snapshot; empty for never."""
        self.ran = ran
        """The incarnations that ran since their outboxes were carried, by server: the scheduler's own table."""
        self.addressed: dict[int, Handle] = {}
        """The incarnations that requests have reached, and that have not run since, by server."""
        self.poked = False
        """Whether servers became runnable while their outboxes were carried."""
        self.test_acts = True
        """Whether the test is at work, and not the simulator."""
        self.paused: dict[int, list[tuple[Callable[..., None], tuple[Any, ...]]]] = {}
        """For each server that stands still what has reached it meanwhile, in order: it is handed over later."""
        self.closing = False
        """Whether the run is over: nothing is recorded any more."""
        self.due: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        """What happens later, as a heap: when, in which order, and what."""
        self._sequence = 0

    @property
    def now(self) -> float:
        """The virtual time, in seconds from the start of the run."""
        return self.clock.now

    def at(self, time: float, action: Callable[..., None], *args: Any) -> None:
        """Do something at an instant; what is due at one instant happens in the order of these calls."""
        self._sequence += 1
        heapq.heappush(self.due, (time, self._sequence, action, args))

    def release(self) -> None:
        """Let go of all that belongs to servers."""
        self.incarnations = [None] * self.size
        self.due = []
        self.paused.clear()
        self.ran.clear()
        self.addressed.clear()

"""The meter: counts what a run costs, for performance tests. Reads events like a checker, and checks nothing.

`MeteredCluster` is the cluster as a performance test drives it: all that a cluster can do, and the meter's counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from labs.checking.checker import Checker
from labs.sim.kernel import Kernel
from labs.testing.cluster import Cluster
from labs.trace.events import AnySave, Apply, ApplySnap, Deliver, Reply, Send, Start


class Meter(Checker):
    """What a run has cost so far.

    `counts` has, in messages and bytes: "requests"; "requests to 2"; "Ping", and so on for each call, and
    "Ping to 2"; "bytes" of requests and replies; "Ping bytes" of those requests of a call that arrive; "saves";
    "saved bytes", the whole state at each save, with the snapshot if it is written again.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.largest_state = 0
        """The most bytes that any server's state, without snapshot, has taken at a save."""
        self._sizes: dict[int, int] = {}
        """The bytes of each request, by its call's number."""
        self._proposed: dict[int, float] = {}
        """When the command at each index was proposed to the leader that accepted it."""
        self._applied: dict[int, float] = {}
        """When each index was first applied by anyone."""

    def on_send(self, event: Send) -> None:
        self.counts.update(("requests", f"requests to {event.peer}", event.call, f"{event.call} to {event.peer}"))
        self.counts["bytes"] += event.size
        self._sizes[event.rpc] = event.size

    def on_reply(self, event: Reply) -> None:
        self.counts["bytes"] += event.size

    def on_deliver(self, event: Deliver) -> None:
        if event.leg == "request":
            self.counts[f"{event.call} bytes"] += self._sizes[event.rpc]

    def on_save(self, event: AnySave) -> None:
        self.counts["saves"] += 1
        self.counts["saved bytes"] += event.size + len(event.snapshot or b"")
        self.largest_state = max(self.largest_state, event.size)

    def on_start(self, event: Start) -> None:
        if event.is_leader:
            self._proposed[event.index] = event.time

    def on_apply(self, event: Apply) -> None:
        self._applied.setdefault(event.index, event.time)

    def on_apply_snap(self, event: ApplySnap) -> None:
        self._applied.setdefault(event.index, event.time)

    @property
    def last_applied(self) -> int:
        """The highest index that anyone has applied."""
        return max(self._applied, default=0)

    def latencies(self, indices: Iterable[int]) -> list[float]:
        """Return for each index how long after its proposal it was first applied, in virtual seconds."""
        return [self._applied[index] - self._proposed[index] for index in indices]


class MeteredCluster(Cluster):
    """A cluster whose cost is counted; `figures` are what the test has found."""

    def __init__(self, kernel: Kernel, test: str, meter: Meter) -> None:
        super().__init__(kernel, test)
        self.meter = meter
        self.figures: dict[str, float] = {}

    def measure(self, metric: str, value: float) -> None:
        """Note what the test has found."""
        self.figures[metric] = round(value, 6)

    def mark(self) -> Counter[str]:
        """Return the counts so far, for `since`."""
        return self.meter.counts.copy()

    def since(self, mark: Counter[str], what: str) -> int:
        """Return how many there were of something since `mark` was taken."""
        return self.meter.counts[what] - mark[what]

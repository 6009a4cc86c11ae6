"""What a stage test is: a coroutine that drives a cluster, with its title, stage, points and counterpart."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from labs.sim import draws
from labs.sim.cluster import Cluster
from labs.sim.network import RELIABLE, Conditions

Test: TypeAlias = Callable[[Cluster], Awaitable[None]]
SNAPSHOT_EVERY = 10
"""In tests with snapshots, a service takes one after each that many entries."""


@dataclass(frozen=True)
class Scenario:
    """The facts of one test. `id` is what one types: "2A/initial_election"."""

    id: str
    stage: str
    title: str
    points: int
    sizes: tuple[int, ...]
    mit: str | None
    """The test of MIT's suite whose situation this one has, if any."""
    conditions: Conditions
    snapshots: bool
    entry: str
    """File and class of the server under test, as "raft.py:Raft"."""
    test: Test

    def size(self, seed: int) -> int:
        """Return the number of servers for a seed."""
        return self.sizes[0] if len(self.sizes) == 1 else draws.generator(seed, self.id, "size").choice(self.sizes)


def scenario(
    *,
    servers: int | tuple[int, ...],
    points: int,
    mit: str | None = None,
    network: Conditions = RELIABLE,
    snapshots: bool = False,
    entry: str = "raft.py:Raft",
) -> Callable[[Test], Test]:
    """Mark a coroutine `test_…(cluster)` as a stage test; its docstring's first line is its title.

    With several numbers of `servers` the seed picks one. The stage is the second word of the file's name.
    """

    def mark(test: Test) -> Test:
        name = test.__name__.removeprefix("test_")
        stage = Path(inspect.getfile(test)).stem.split("_")[1]
        title = (inspect.getdoc(test) or name).splitlines()[0].rstrip(".")
        sizes = (servers,) if isinstance(servers, int) else servers
        test.scenario = Scenario(  # type: ignore[attr-defined]
            f"{stage}/{name}", stage, title, points, sizes, mit, network, snapshots, entry, test
        )
        return test

    return mark

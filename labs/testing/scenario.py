"""What a stage test is: a coroutine that drives a cluster, with its title, stage, points and counterpart.

A drill is one too, but drives a single server among fake peers (labs.testing.drill). A performance test is one that
measures.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from labs.sim.net.network import RELIABLE, Conditions
from labs.sim.runtime import rng
from labs.testing.fake_peers import PATIENT
from labs.testing.lab import Lab

Test: TypeAlias = Callable[[Any], Awaitable[None]]
"""A test with what it drives: the lab's own cluster, or in a drill the lab's own `Lone` (labs.testing.lab)."""
SNAPSHOT_EVERY = 10
"""In tests with snapshots, a service takes one after every N commands."""
EAGER, PACES = 3, (11, 13, 17, 19)
"""Where services take them apart, one takes them as often as this, and each of the others has one of these paces."""


@dataclass(frozen=True)
class Scenario:
    """The facts of one test. `id` is the name to type: "2A/initial_election"."""

    lab: Lab
    id: str
    stage: str
    """The name of the stage, as in the lab's `stages`."""
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
    rule: str = ""
    """The rule that a drill is about; "" for all other tests."""
    me: int = 0
    """The id of a drill's only real server."""
    services_apart: bool = False
    """Whether each service takes its snapshots at a pace of its own, and not all at the same indices."""
    after_restart: bool = False
    """Whether a drill begins with a server that has been restarted."""
    service_time: float = 0.0
    """Virtual seconds that a service takes for each message, while `await apply_ch.send` waits."""
    own_seed: int | None = None
    """The only seed that a schedule is played with; None for tests, which take any."""
    own_paces: tuple[int, ...] = ()
    """For each server after how many commands its service takes a snapshot, where a schedule decides that; () for the
    pace of stage tests."""
    later: int = 0
    """How many of the servers, those with the highest ids, are not there at the beginning: the test adds them."""
    measures: tuple[str, ...] = ()
    """The metrics that a performance test measures (labs.raft.stages.performance); () for all other tests."""

    @property
    def is_drill(self) -> bool:
        return bool(self.rule)

    @property
    def is_perf(self) -> bool:
        return bool(self.measures)

    def paces(self, seed: int) -> tuple[int, ...]:
        """Return for each server after how many commands its service takes a snapshot, for a seed; () for never."""
        if self.own_paces or not self.snapshots:
            return self.own_paces
        size = self.size(seed)
        if not self.services_apart:
            return (SNAPSHOT_EVERY,) * size
        generator = rng.generator(seed, self.id, "paces")
        drawn = [EAGER, *generator.sample(PACES, size - 1)]
        generator.shuffle(drawn)
        return tuple(drawn)

    def size(self, seed: int) -> int:
        """Return the number of servers for a seed."""
        return self.sizes[0] if len(self.sizes) == 1 else rng.generator(seed, self.id, "size").choice(self.sizes)


def scenario(
    lab: Lab,
    *,
    servers: int | tuple[int, ...],
    points: int,
    mit: str | None = None,
    network: Conditions = RELIABLE,
    snapshots: bool = False,
    services_apart: bool = False,
    service_time: float = 0.0,
    later: int = 0,
) -> Callable[[Test], Test]:
    """Mark a coroutine `test_…(cluster)` as a stage test; its docstring's first line is its title.

    With several numbers of `servers` the seed picks one; the last `later` of them join when the test adds them. The
    stage is the second word of the file's name.
    """

    def mark(test: Test) -> Test:
        stage, name, title = _facts(test)
        sizes = (servers,) if isinstance(servers, int) else servers
        if not 0 <= later < min(sizes):
            raise ValueError(f"{later} of {min(sizes)} servers cannot join later: at least one is there from the start")
        name = name.removeprefix("test_")
        test.scenario = Scenario(  # type: ignore[attr-defined]
            lab,
            f"{stage}/{name}",
            stage,
            title,
            points,
            sizes,
            mit,
            network,
            snapshots,
            lab.entry,
            test,
            services_apart=services_apart,
            service_time=service_time,
            later=later,
        )
        return test

    return mark


def drill(
    lab: Lab,
    *,
    rule: str,
    peers: int = 2,
    points: int = 1,
    me: int = 0,
    service_time: float = 0.0,
    after_restart: bool = False,
) -> Callable[[Test], Test]:
    """Mark a coroutine `drill_…(lone)` as a drill about a rule; its docstring's first line is its title.

    Server `me` is the real one, and it has `peers` fake peers. The stage is the second word of the file's name.
    """
    assert rule in lab.rules, rule

    def mark(test: Test) -> Test:
        stage, name, title = _facts(test)
        test.scenario = Scenario(  # type: ignore[attr-defined]
            lab,
            f"{stage}/{name}",
            stage,
            title,
            points,
            (peers + 1,),
            None,
            PATIENT,
            False,
            lab.entry,
            test,
            rule,
            me,
            service_time=service_time,
            after_restart=after_restart,
        )
        return test

    return mark


def perf(
    lab: Lab, *, measures: tuple[str, ...], servers: int = 3, network: Conditions = RELIABLE, snapshots: bool = False
) -> Callable[[Test], Test]:
    """Mark a coroutine `perf_…(cluster)` as a performance test, which leaves these metrics in `cluster.figures`."""

    def mark(test: Test) -> Test:
        stage, name, title = _facts(test)
        test.scenario = Scenario(  # type: ignore[attr-defined]
            lab,
            f"{stage}/{name}",
            stage,
            title,
            0,
            (servers,),
            None,
            network,
            snapshots,
            lab.entry,
            test,
            measures=measures,
        )
        return test

    return mark


def _facts(test: Test) -> tuple[str, str, str]:
    """Return a test's stage, name and title."""
    title = (inspect.getdoc(test) or test.__name__).splitlines()[0].rstrip(".")
    return Path(inspect.getfile(test)).stem.split("_")[1], test.__name__, title

"""The runs that are measured, as scenarios, and functions that a fresh process can call to run them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from labs.bench import baseline
from labs.bench.measure import Sample, sample
from labs.raft.lab import RAFT
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import UNRELIABLE, Conditions, Span
from labs.testing.scenario import Scenario

FLOOD = Path(__file__).parent / "flood.py"
SERVERS = 5
DELAYS: dict[str, Span] = {"at one instant": (0.01, 0.01), "at random": (0.001, 0.026)}
"""When messages that were sent together arrive: seconds of virtual time from sending to arrival."""


def flood(calls: int, entries: int, delay: Span) -> Scenario:
    """A leader that keeps calls in flight, each with this many entries, until it has made this many calls."""

    async def test(cluster: Cluster) -> None:
        leader = await cluster.wait_for_leader()
        for _ in range(entries):
            cluster.start(leader, cluster.command())
        while cluster.rpcs() < calls:
            await cluster.sleep(0.1)

    return _scenario("flood", SERVERS, Conditions(request_delay=delay, reply_delay=delay), test)


def crowd(servers: int) -> Scenario:
    """Twenty virtual seconds of a cluster that commits, loses its leader, and commits again; messages get lost."""

    async def test(cluster: Cluster) -> None:
        for _ in range(2):
            leader = await cluster.wait_for_leader(within=20.0)
            for _ in range(10):
                await cluster.agree(cluster.command(), cluster.majority, within=20.0)
            cluster.heal()
            cluster.disconnect(leader)
        await cluster.sleep(20.0 - cluster.now)

    return _scenario("crowd", servers, UNRELIABLE, test)


def marathon(seconds: float) -> Scenario:
    """Ten commands per virtual second, for this many seconds, with snapshots, so that logs stay short."""

    async def test(cluster: Cluster) -> None:
        while cluster.now < seconds:
            cluster.start(await cluster.wait_for_leader(), cluster.command())
            await cluster.sleep(0.1)

    return _scenario("marathon", 3, Conditions(request_delay=(0.0, 0.026)), test, snapshots=True)


def sample_flood(calls: int, entries: int, delay: Span, judged: bool = True) -> Sample:
    return sample([flood(calls, entries, delay)], str(FLOOD), judged=judged)


def sample_crowd(servers: int, submission: str) -> Sample:
    return sample([crowd(servers)], submission)


def sample_marathon(seconds: float, submission: str) -> Sample:
    return sample([marathon(seconds)], submission)


def time_baseline(calls: int, entries: int, delay: Span) -> float:
    """Return the CPU time that the plain network takes for this many calls."""
    begun = time.process_time()
    returned = baseline.run(SERVERS, calls, entries, delay)
    return (time.process_time() - begun) * calls / returned


def _scenario(
    name: str, servers: int, network: Conditions, test: Callable[[Cluster], Awaitable[None]], snapshots: bool = False
) -> Scenario:
    """Return a scenario that all checkers watch, including those of the last stage."""
    return Scenario(RAFT, f"bench/{name}", "2D", name, 0, (servers,), None, network, snapshots, RAFT.entry, test)

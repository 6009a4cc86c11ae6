"""Performance of stage 2A: what a leader costs while nothing happens, and how soon the next one leads."""

from __future__ import annotations

from labs.raft.lab import perf
from labs.raft.stages.steps import EVEN_DELAY, others
from labs.raft.testing.metrics import MeteredCluster

IDLE = 10.0
"""Virtual seconds that are watched in which nothing happens."""
LOSSES = 6
"""So many leaders are lost in a run, one after the other."""


@perf(measures=("idle_rpcs", "idle_bytes"), servers=5, network=EVEN_DELAY)
async def perf_idle(cluster: MeteredCluster) -> None:
    """the price of keeping quiet"""
    await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    mark = cluster.mark()
    await cluster.sleep(IDLE)
    links = cluster.n - 1
    cluster.measure("idle_rpcs", cluster.since(mark, "requests") / links / IDLE)
    cluster.measure("idle_bytes", cluster.since(mark, "bytes") / links / IDLE)


@perf(measures=("recovery",), servers=5, network=EVEN_DELAY)
async def perf_recovery(cluster: MeteredCluster) -> None:
    """the time without a leader after one is lost"""
    lost = 0.0
    for _ in range(LOSSES):
        old = await cluster.wait_for_leader()
        await cluster.sleep(cluster.random.uniform(0.5, 1.0))
        begun = cluster.now
        cluster.disconnect(old)
        await cluster.wait_for_leader(among=others(cluster, old))
        lost += cluster.now - begun
        cluster.connect(old)
        await cluster.sleep(0.5)
    cluster.measure("recovery", lost / LOSSES)

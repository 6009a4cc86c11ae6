"""Performance of stage 2C: how often and how much a server writes."""

from __future__ import annotations

from labs.raft.lab import perf
from labs.raft.stages.perf_2B_replication import SIZE, settled_leader, start_sized
from labs.raft.stages.steps import EVEN_DELAY
from labs.raft.testing.metrics import MeteredCluster


@perf(measures=("saves", "saved_bytes"), network=EVEN_DELAY)
async def perf_saves(cluster: MeteredCluster) -> None:
    """a hundred commands within a second, and two seconds of rest"""
    leader, commands = await settled_leader(cluster), 100
    mark, answers = cluster.mark(), []
    for _ in range(commands):
        await cluster.sleep(0.01)
        answers += await start_sized(cluster, leader, 1)
    await cluster.wait_for_applied(answers[-1].index, cluster.n, within=20.0)
    await cluster.sleep(2.0)
    copies = commands * cluster.n
    cluster.measure("saves", cluster.since(mark, "saves") / copies)
    cluster.measure("saved_bytes", cluster.since(mark, "saved bytes") / copies / SIZE)

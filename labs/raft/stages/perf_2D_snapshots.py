"""Performance of stage 2D: how short the log stays, and how often a snapshot is sent and written."""

from __future__ import annotations

from labs.raft.lab import perf
from labs.raft.stages.perf_2B_replication import SIZE, settled_leader
from labs.raft.stages.steps import EVEN_DELAY, others
from labs.raft.testing.metrics import MeteredCluster
from labs.testing.scenario import SNAPSHOT_EVERY

SNAPSHOT, LARGE_SNAPSHOT = 1_000, 20_000
"""Bytes of a snapshot, about."""


@perf(measures=("log_size", "snapshot_saves"), network=EVEN_DELAY, snapshots=True)
async def perf_log_size(cluster: MeteredCluster) -> None:
    """two hundred commands, and a snapshot after each ten"""
    cluster.pad_snapshots(LARGE_SNAPSHOT)
    await settled_leader(cluster)
    mark, commands = cluster.mark(), 200
    for _ in range(commands):
        await cluster.commit(SIZE)
    await cluster.sleep(1.0)
    taken = commands / SNAPSHOT_EVERY * cluster.n
    cluster.measure("log_size", cluster.meter.largest_state / SIZE)
    cluster.measure("snapshot_saves", cluster.since(mark, "saved bytes") / taken / LARGE_SNAPSHOT)


@perf(measures=("snapshot_bytes",), network=EVEN_DELAY, snapshots=True)
async def perf_snapshot_transfer(cluster: MeteredCluster) -> None:
    """followers return that need a snapshot"""
    cluster.pad_snapshots(SNAPSHOT)
    mark, times = cluster.mark(), 4
    for _ in range(times):
        away = cluster.random.choice(others(cluster, await settled_leader(cluster)))
        cluster.crash(away)
        for _ in range(2 * SNAPSHOT_EVERY + 3):
            await cluster.commit(SIZE)
        cluster.restart(away)
        await cluster.agree(cluster.command(), cluster.n, within=60.0)
        await cluster.sleep(1.0)
    cluster.measure("snapshot_bytes", cluster.since(mark, "InstallSnapshot bytes") / times / SNAPSHOT)

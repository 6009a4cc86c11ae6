"""Performance of stage 2B: messages, bytes and time for each command, and how a follower that was away catches up.

Times are in round trips: what a message and its answer need at least. So they depend on the server and on nothing
about the network.
"""

from __future__ import annotations

from dataclasses import replace

from labs.raft.lab import perf
from labs.raft.stages.steps import EVEN_DELAY, depose, others, propose
from labs.raft.testing.metrics import MeteredCluster
from labs.sim.net.network import RELIABLE
from labs.testing.cluster import StartAnswer

TRIP = 2 * EVEN_DELAY.request_delay[0]
SLOW = replace(RELIABLE, request_delay=(0.05, 0.05), reply_delay=(0.05, 0.05))
SLOW_TRIP = 0.1
SLOW_AND_LOSSY = replace(RELIABLE, request_delay=(0.03, 0.05), reply_delay=(0.03, 0.05), request_loss=0.03)
SIZE = 200
"""Bytes of a command."""
BURST, BEHIND = 500, 1000


async def settled_leader(cluster: MeteredCluster) -> int:
    """Wait until a leader has committed something, so that it knows its peers' logs; return it."""
    await cluster.agree(cluster.command(), cluster.n)
    return await cluster.wait_for_leader()


@perf(measures=("rpcs_per_command",), network=EVEN_DELAY)
async def perf_one_by_one(cluster: MeteredCluster) -> None:
    """the next command comes when the last one is committed"""
    await settled_leader(cluster)
    mark, commands = cluster.mark(), 50
    for _ in range(commands):
        await cluster.commit(SIZE)
    cluster.measure("rpcs_per_command", cluster.since(mark, "requests") / commands / (cluster.n - 1))


@perf(measures=("latency",), network=EVEN_DELAY)
async def perf_now_and_then(cluster: MeteredCluster) -> None:
    """a command now and then"""
    await settled_leader(cluster)
    answers = []
    for _ in range(40):
        await cluster.sleep(cluster.random.uniform(0.05, 0.3))
        answers.append(await cluster.commit(SIZE))
    cluster.measure("latency", share(cluster, answers, 0.5) / TRIP)


@perf(measures=("latency_99", "rpcs_under_load", "bytes_per_command"), network=EVEN_DELAY)
async def perf_load(cluster: MeteredCluster) -> None:
    """a hundred commands a second for three seconds, and three of rest"""
    leader, commands = await settled_leader(cluster), 300
    mark, answers = cluster.mark(), []
    for _ in range(commands):
        await cluster.sleep(0.01)
        answers += await start_sized(cluster, leader, 1)
    await cluster.wait_for_applied(answers[-1].index, cluster.n, within=20.0)
    copies = commands * (cluster.n - 1)
    cluster.measure("latency_99", share(cluster, answers, 0.99) / TRIP)
    cluster.measure("rpcs_under_load", cluster.since(mark, "requests") / copies)
    await cluster.sleep(3.0)  # in which nothing has to be sent but heartbeats
    cluster.measure("bytes_per_command", cluster.since(mark, "bytes") / copies / SIZE)


@perf(measures=("burst",), network=SLOW)
async def perf_burst(cluster: MeteredCluster) -> None:
    """five hundred commands at once, on a slow network"""
    leader = await settled_leader(cluster)
    begun, answers = cluster.now, await start_sized(cluster, leader, BURST)
    await cluster.wait_for_applied(answers[-1].index, 1, within=120.0)
    cluster.measure("burst", BURST / ((cluster.now - begun) / SLOW_TRIP))


@perf(measures=("steady",), network=SLOW_AND_LOSSY)
async def perf_steady(cluster: MeteredCluster) -> None:
    """two hundred commands a second, on a slow network that loses messages"""
    await settled_leader(cluster)
    before, seconds = cluster.meter.last_applied, 5
    for _ in range(seconds * 200):
        await cluster.sleep(0.005)
        for leader in cluster.leaders():
            cluster.start(leader, cluster.command(SIZE))
    cluster.measure("steady", (cluster.meter.last_applied - before) / seconds)


@perf(measures=("catch_up",), servers=5, network=EVEN_DELAY)
async def perf_catch_up(cluster: MeteredCluster) -> None:
    """a follower that misses a thousand entries meets a new leader"""
    leader = await settled_leader(cluster)
    away = cluster.random.choice(others(cluster, leader))
    cluster.disconnect(away)
    answers = await start_sized(cluster, leader, BEHIND)
    await cluster.wait_for_applied(answers[-1].index, cluster.n - 1, within=120.0)
    await depose(cluster)
    mark = cluster.mark()
    cluster.connect(away)
    await cluster.wait_for_applied(answers[-1].index, cluster.n, within=300.0)
    cluster.measure("catch_up", cluster.since(mark, f"AppendEntries to {away}"))


async def start_sized(cluster: MeteredCluster, leader: int, count: int) -> list[StartAnswer]:
    """Propose that many commands to a server that leads, at once or as fast as it takes them; return its answers."""
    answers = await propose(cluster, leader, count, SIZE, within=60.0)
    text = f"server {leader} took {len(answers)} of {count} commands in 60 s, though nothing disturbed it while it led"
    cluster.check(len(answers) == count, "LeaderInTime", text)
    return answers


def share(cluster: MeteredCluster, answers: list[StartAnswer], part: float) -> float:
    """Return the time in which that part of the commands was committed, from proposal to the first apply."""
    times = sorted(cluster.meter.latencies(answer.index for answer in answers))
    return times[min(len(times) - 1, int(part * len(times)))]

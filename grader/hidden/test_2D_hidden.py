"""Hidden tests of stage 2D: a snapshot that came over the network is passed on, and a cluster of four takes turns."""

from __future__ import annotations

from labs.raft.lab import scenario
from labs.raft.stages.steps import LATE_AND_TWICE, agree_on, draw_servers, others, start_many
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import RELIABLE
from labs.testing.scenario import SNAPSHOT_EVERY


@scenario(servers=5, points=3, snapshots=True)
async def test_hidden_passed_on(cluster: Cluster) -> None:
    """a server that got a snapshot leads, and passes it on

    Two servers miss so much that only a snapshot helps; the first of them that has it is made to lead the second.
    """
    for _ in range(2):
        leader = await cluster.wait_for_leader()
        first, second = cluster.random.sample(others(cluster, leader), 2)
        cluster.disconnect(first)
        cluster.disconnect(second)
        last = await agree_on(cluster, 2 * SNAPSHOT_EVERY + cluster.random.randint(1, 5), 3)
        cluster.connect(first)
        await cluster.wait_for_applied(last, 4)
        for _ in range(12):
            leader = await cluster.wait_for_leader(among=others(cluster, second))
            if leader == first:
                break
            cluster.disconnect(leader)
            await cluster.wait_for_leader(among=others(cluster, leader, second))
            cluster.connect(leader)
            await cluster.sleep(0.3)
        cluster.connect(second)
        await cluster.wait_for_applied(last, cluster.n)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=4, points=3, snapshots=True, network=LATE_AND_TWICE)
async def test_hidden_four_take_turns(cluster: Cluster) -> None:
    """each server of four misses a snapshot, while another restarts

    Three of four are a bare majority: nothing goes on without all of them.
    """
    await cluster.agree(cluster.command(), cluster.n)
    for away in draw_servers(cluster, cluster.n):
        cluster.crash(away)
        last = await agree_on(cluster, SNAPSHOT_EVERY + cluster.random.randint(2, 8), 3)
        cluster.restart(cluster.random.choice(others(cluster, away)))
        leader = await cluster.wait_for_leader(among=others(cluster, away))
        start_many(cluster, leader, cluster.random.randint(1, 12))
        cluster.restart(away)
        last = await cluster.agree(cluster.command(), cluster.n)
    cluster.use(RELIABLE)
    for server in cluster.servers:
        cluster.restart(server)
    last = await cluster.agree(cluster.command(), cluster.n)
    await cluster.wait_for_applied(last, cluster.n)


# canary-5f1e0c7d-raft-lab-instructor: no file with this mark leaves the instructor.

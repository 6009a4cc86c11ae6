"""Hidden tests of stage 2A: the links between servers change in ways that the public tests do not have."""

from __future__ import annotations

from labs.raft.lab import scenario
from labs.raft.stages.steps import DELAYED, draw_servers, others
from labs.raft.testing.cluster import Cluster


@scenario(servers=5, points=3, network=DELAYED)
async def test_hidden_ring(cluster: Cluster) -> None:
    """servers that reach only their neighbours in a ring

    Each is in the middle of a majority of its own, so several may lead, but never in one term.
    """
    ring = draw_servers(cluster, cluster.n)
    for place, server in enumerate(ring):
        for far in (ring[(place + 2) % 5], ring[(place + 3) % 5]):
            cluster.cut(server, far)
    await cluster.sleep(8.0)
    cluster.heal()
    await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    cluster.check_terms_agree()


@scenario(servers=(5, 7), points=3, network=DELAYED)
async def test_hidden_moving_majority(cluster: Cluster) -> None:
    """majorities that change while they vote

    The last one stays: it must have a leader in time, whatever it went through.
    """
    majority: list[int] = []
    for _ in range(40):
        shuffled = draw_servers(cluster, cluster.n)
        majority, rest = shuffled[: cluster.majority], shuffled[cluster.majority :]
        cluster.partition(majority, rest)
        await cluster.sleep(cluster.random.choice((0.03, 0.1, 0.25, 0.4)))
    await cluster.wait_for_leader(among=majority)
    cluster.heal()
    leader = await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    cluster.check_terms_agree()
    cluster.disconnect(leader)
    await cluster.wait_for_leader(among=others(cluster, leader))


# canary-5f1e0c7d-raft-lab-instructor: no file with this mark leaves the instructor.

"""Hidden tests of stage 2B: leaders that are cut short, and a network with one server in its middle."""

from __future__ import annotations

from labs.raft.lab import scenario
from labs.raft.stages.steps import DELAYED, Client, check_kept, others, start_at, start_many
from labs.raft.testing.cluster import Cluster


@scenario(servers=5, points=3, network=DELAYED)
async def test_hidden_bursts_cut_short(cluster: Cluster) -> None:
    """leaders that are cut off while a burst of commands is on its way

    Any part of the burst may have reached any of the others; what was applied anywhere is applied everywhere.
    """
    clients = [Client(cluster)]
    for _ in range(4):
        away: list[int] = []
        for _ in range(2):
            leader = await cluster.wait_for_leader(among=others(cluster, *away))
            start_many(cluster, leader, cluster.random.randint(10, 60))
            await cluster.sleep(cluster.random.uniform(0.0, 0.05))
            cluster.disconnect(leader)
            away.append(leader)
            start_at(cluster, away)
        for _ in range(30):
            clients[0].step()
            await cluster.sleep(0.05)
        cluster.heal()
        last = await cluster.agree(cluster.command(), cluster.n)
    await check_kept(cluster, clients, last)


@scenario(servers=5, points=3)
async def test_hidden_star(cluster: Cluster) -> None:
    """a leader in the middle of a star, whose points reach nobody else

    While it is there, nothing is missing. Without it nobody has a majority; it comes back, and only it can lead.
    """
    middle = await cluster.wait_for_leader()
    points = others(cluster, middle)
    for source in points:
        for target in points:
            if source != target:
                cluster.cut(source, target)
    term = cluster.state(middle).term
    for _ in range(10):
        await cluster.agree(cluster.command(), cluster.n)
        await cluster.sleep(0.2)
    new_term = cluster.state(middle).term
    text = f"server {middle} led term {term} and reached all others, but the term went up to {new_term}"
    cluster.check(new_term <= term + 1, "ElectionTimerReset", text)
    cluster.disconnect(middle)
    last = max((answer.index for answer in start_many(cluster, middle, 3)), default=0)
    await cluster.sleep(1.0)
    for _ in range(10):
        await cluster.sleep(0.2)
        cluster.check_no_leader()
    cluster.check_not_applied(last)
    cluster.connect(middle)
    await cluster.wait_for_leader(within=20.0)
    await cluster.agree(cluster.command(), cluster.n, within=20.0)


# canary-5f1e0c7d-raft-lab-instructor: no file with this mark leaves the instructor.

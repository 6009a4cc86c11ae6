"""Hidden tests of stage 2C: the lights go out for all servers at once, and servers restart one after the other."""

from __future__ import annotations

from labs.raft.lab import scenario
from labs.raft.stages.steps import LATE_AND_TWICE, Client, check_kept, draw_servers, others
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import RELIABLE


@scenario(servers=(3, 5), points=3, network=LATE_AND_TWICE)
async def test_hidden_blackouts(cluster: Cluster) -> None:
    """all servers lose power at one instant, and come back in any order

    Whatever a client saw applied before is there after it.
    """
    clients = [Client(cluster) for _ in range(3)]
    for _ in range(6):
        await cluster.wait_for_leader()
        for _ in range(cluster.random.randint(5, 40)):
            for client in clients:
                client.step()
            await cluster.sleep(0.015)
        for server in cluster.servers:
            cluster.crash(server)
        for server in draw_servers(cluster, cluster.n):
            cluster.restart(server)
            await cluster.sleep(cluster.random.choice((0.0, 0.05, 0.4)))
    cluster.use(RELIABLE)
    last = await cluster.agree(cluster.command(), cluster.n)
    await check_kept(cluster, clients, last)


@scenario(servers=(3, 5), points=3)
async def test_hidden_rolling_restarts(cluster: Cluster) -> None:
    """servers restart one after the other, and the cluster never stops

    As when a new version is installed; the leader is not spared.
    """
    done = {}
    for _ in range(2):
        for server in draw_servers(cluster, cluster.n):
            cluster.crash(server)
            for _ in range(3):
                command = cluster.command()
                done[await cluster.agree(command, cluster.n - 1)] = command
            cluster.restart(server)
            command = cluster.command()
            done[await cluster.agree(command, cluster.n)] = command
    leader = await cluster.wait_for_leader()
    for server in [*others(cluster, leader), leader]:
        cluster.restart(server)
    await cluster.agree(cluster.command(), cluster.n)
    for index, command in done.items():
        again = await cluster.wait_for_applied(index, cluster.n)
        text = f"{command!r} was applied at index {index}, and {again!r} after all servers had restarted"
        cluster.check(again == command, "StateMachineSafety", text)


# canary-5f1e0c7d-raft-lab-instructor: no file with this mark leaves the instructor.

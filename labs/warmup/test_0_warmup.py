"""Warm-up: server 0 pings its peers over a network that loses messages; each ping must arrive once and in order."""

from __future__ import annotations

from labs.codec.safe_repr import short
from labs.sim.net.network import UNRELIABLE
from labs.testing.cluster import Cluster
from labs.warmup.lab import scenario

PINGS = 10


@scenario(servers=3, points=0, network=UNRELIABLE)
async def test_ping_every_peer(cluster: Cluster) -> None:
    """every peer hears every ping once"""
    end = cluster.now + 10.0
    while cluster.applied(PINGS).count < cluster.n - 1 and cluster.now < end:
        await cluster.sleep(0.1)
    for number in range(1, PINGS + 1):
        count, command = cluster.applied(number)
        text = f"{count} of {cluster.n - 1} peers applied ping {number} within 10 s"
        cluster.check(count == cluster.n - 1, "CommittedIsApplied", text)
        text = f"what was applied at index {number} is {short(command)}, not 'ping {number}'"
        cluster.check(command == f"ping {number}", "StateMachineSafety", text)

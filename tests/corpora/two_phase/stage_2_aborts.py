"""Stage 2: what one participant does not want, or messages that get lost, ends well, too."""

from labs.sim.net.network import UNRELIABLE
from labs.testing.cluster import Cluster
from tests.corpora.two_phase.lab import scenario
from tests.corpora.two_phase.protocol import CLIENTS


@scenario(servers=5, points=1, network=UNRELIABLE)
async def aborts(cluster: Cluster) -> None:
    """what one does not want, or what gets lost, is done by nobody or decided alike"""
    for number in range(1, 9):
        cluster.start(CLIENTS.members[0], f"{'bad' if number % 2 else 'good'} {number}")
    await cluster.sleep(30.0)

"""Stage 1: what all participants want is done, by all."""

from labs.testing.cluster import Cluster
from labs.testing.drill import Lone
from tests.corpora.two_phase.lab import drill, scenario
from tests.corpora.two_phase.protocol import CLIENTS, PARTICIPANTS, Prepare, Vote


@scenario(servers=5, points=1)
async def commit(cluster: Cluster) -> None:
    """what all vote for is applied by all participants"""
    for number in range(1, 4):
        cluster.start(CLIENTS.members[0], f"good {number}")
        await cluster.sleep(0.1)
        cluster.check(cluster.applied(number).count == PARTICIPANTS.size, "AllApply", f"not all applied {number}")


@drill(rule="AllVotes", peers=4, me=2)
async def drill_no(lone: Lone) -> None:
    """a participant votes no to what is bad"""
    await lone.tell(1, Prepare(1, "bad"))
    vote = await lone.wait_for_request(Vote, 1, what="with a vote", rule="AllVotes")
    lone.check(vote.message == Vote(1, 2, False), "the command is bad, so it must vote no")

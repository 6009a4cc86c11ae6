"""The cluster as a performance test of Raft drives it."""

from __future__ import annotations

from labs.raft.testing.cluster import Cluster
from labs.testing import metrics
from labs.testing.cluster import POLL, StartAnswer

PATIENCE = 60.0
"""Virtual seconds in which the leaders must have committed a command that is proposed again and again."""


class MeteredCluster(metrics.MeteredCluster, Cluster):
    """A cluster that runs Raft, whose cost is counted."""

    def pad_snapshots(self, size: int) -> None:
        """Make every snapshot that a service takes from now on that many bytes longer."""
        self._world.service.padding = bytes(size)

    async def commit(self, size: int) -> StartAnswer:
        """Propose a command of that size to the leader, and wait until anyone has applied it; return the answer.

        If the leadership ends meanwhile, for whatever reason, the next leader gets another command.
        """
        begun = self.now
        while True:
            leader = await self.wait_for_leader()
            answer = self.start(leader, self.command(size))
            if answer.is_leader and await self.wait_for_applied(answer.index, 1, term=answer.term) is not None:
                return answer
            text = f"server {leader} leads, but no command was taken and applied for {PATIENCE:g} s"
            self.check(self.now < begun + PATIENCE, "CommittedIsApplied", text)
            await self.sleep(POLL)

"""Runs as a system task of the loop, which no cancellation of the server reaches.

Idea: trio's own way to outlive a nursery.
Verdict: ^fail LeaderHasMajority
"""

import sys

from elected import Raft as Server

trio = sys.modules["trio"]


class Raft(Server):
    async def run(self):
        trio.lowlevel.spawn_system_task(self.go_on)
        await super().run()

    async def go_on(self):
        while True:
            await trio.sleep(0.01)
            self.send_heartbeats()

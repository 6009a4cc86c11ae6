"""Sends millions of messages at one instant.

Idea: known; what one server puts out in a step must have an end.
Verdict: NoStall.*never yields|WellFormed.*puts out too much at one instant|NoSpin.*task after task
Slow: yes
"""

import trio
from elected import Raft as Server
from labs.messages import RequestVoteArgs


class Raft(Server):
    async def run(self):
        async with trio.open_nursery() as nursery:
            for _ in range(2_000_000):
                nursery.start_soon(self.node.call, self.node.peers[0], RequestVoteArgs(1, self.node.me, 0, 0))

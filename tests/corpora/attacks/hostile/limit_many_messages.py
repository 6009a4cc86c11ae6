"""Sends many messages at one instant, all from one task: it waits for no answer.

Idea: known; what one server puts out in a step must have an end, also if it is fewer messages than a run may need.
Verdict: WellFormed.*puts out too much at one instant
Slow: yes
"""

from dataclasses import dataclass

from elected import Raft as Server
from labs.messages import PingArgs


@dataclass(frozen=True)
class LongArgs(PingArgs):
    long: str = ""


class Raft(Server):
    async def run(self):
        for number in range(2_000_000):
            call = self.node.call(self.node.peers[0], LongArgs(number, "x" * 1000))
            call.send(None)
            call.close()

"""Applies commands without end.

Idea: known.
Verdict: WellFormed.*puts out too much at one instant|NoStall
Slow: yes
"""

from elected import Raft as Server
from labs.messages import ApplyCommand


class Raft(Server):
    async def run(self):
        index = 0
        while True:
            index += 1
            self.apply_ch.send_nowait(ApplyCommand(index, index))

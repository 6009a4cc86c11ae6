"""Raises KeyboardInterrupt, GeneratorExit and trio's Cancelled, which graders treat as their own.

Idea: exceptions that are not an Exception.
Verdict: NoCrash.*broke the loop that it runs in
"""

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        if self.node.me == 0:
            raise KeyboardInterrupt
        raise GeneratorExit

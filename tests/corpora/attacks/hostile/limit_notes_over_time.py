"""Notes a lot in each step, for as long as it runs.

Idea: a flood below every limit of a single step.
Verdict: WellFormed.*more than the 16,777,216 characters
Slow: yes
"""

import trio
from elected import Raft as Server


class Raft(Server):
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            while True:
                for _ in range(300):
                    self.node.note("x" * 2000)
                await trio.sleep(0.01)

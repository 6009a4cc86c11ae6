"""Notes an empty line as often as it may in each step, for as long as it runs.

Idea: what is kept of a line costs time and memory, too, however short it is.
Verdict: WellFormed.*more than the 200,000 lines
Slow: yes
"""

import trio
from elected import Raft as Server


class Raft(Server):
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            while True:
                for _ in range(20_000):
                    self.node.note("")
                    print()
                await trio.sleep(0.01)

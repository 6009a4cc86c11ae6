"""Takes a lot of CPU time in each step, but always a little less than what counts as stalled.

Idea: denial by slow progress.
Verdict: CpuBudget.*(MiB of memory|of CPU time|of real time)
Slow: yes
"""

import trio
from elected import Raft as Server


class Raft(Server):
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            while True:
                sum(range(3_000_000))
                await trio.sleep(0.01)

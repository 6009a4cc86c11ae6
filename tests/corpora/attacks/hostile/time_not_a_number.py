"""Sleeps until times that are not times: minus infinity, not a number, a date in the past.

Idea: deadlines that a heap cannot order.
Verdict: NotWritten: not written yet: start
"""

import math

import trio
from elected import Raft as Server


class Raft(Server):
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            for deadline in (-math.inf, -1e300, 1e300, math.inf, math.nan):
                scope = trio.CancelScope()
                try:
                    scope.deadline = deadline
                    with scope:
                        await trio.sleep(0.01)
                except ValueError:
                    pass

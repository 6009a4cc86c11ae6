"""Crashes trio itself: a broken abort function, and a system task that raises.

Idea: an internal error of the loop must count as the submission's.
Verdict: NoCrash.*broke the loop that it runs in
"""

import sys

from elected import Raft as Server

trio = sys.modules["trio"]


class Raft(Server):
    async def run(self):
        async def broken():
            raise ValueError("from a system task")

        trio.lowlevel.spawn_system_task(broken)
        await trio.sleep(0.1)
        await trio.lowlevel.wait_task_rescheduled(None)

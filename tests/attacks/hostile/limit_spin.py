"""Yields, but never lets time pass.

Idea: a live lock of virtual time.
Verdict: NoSpin|NoStall
"""

import trio
from elected import Raft as Server


class Raft(Server):
    async def run(self):
        while True:
            await trio.sleep(0)

"""Saves states of many megabytes, again and again.

Idea: the simulated disk is the simulator's memory.
Verdict: WellFormed.*more than the 2,097,152 allowed at raft.py
Slow: yes
"""

import trio
from elected import Raft as Server
from labs.messages import LogEntry, PersistentState


class Raft(Server):
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            log = []
            while True:
                log.append(LogEntry(1, "x" * (1 << 23)))
                self.node.persister.save(PersistentState(1, None, log), b"x" * (1 << 23))
                await trio.sleep(0.01)

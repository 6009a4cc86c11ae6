"""Counts its incarnations by the numbers that the kernel gives to processes: a memory that survives a crash.

Idea: pids grow with each start, so a server learns that it has been here before.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os, _thread = sys.modules["os"], sys.modules["_thread"]


class Raft(Server):
    async def run(self):
        numbers = {os.getpid(), os.getppid(), _thread.get_native_id()}
        if numbers != {0}:
            self.node.note(f"LEAKED {numbers}")
        await super().run()

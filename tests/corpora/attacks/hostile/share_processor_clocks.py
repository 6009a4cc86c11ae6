"""Reads how much CPU time the other servers used: each process's clock has a number that one can compute.

Idea: clock_getcpuclockid needs no right at all.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None)
        buffer = (ctypes.c_long * 2)()
        me = os.getpid() or 10
        for pid in (me - 1, me + 1, *range(1, 40)):
            if libc.clock_gettime((~pid << 3) | 2, buffer) == 0:
                self.node.note(f"LEAKED {pid} used {buffer[0]}.{buffer[1]}")
        await super().run()

"""Recurses without end, after it raised the limit.

Idea: measured elsewhere: pure recursion in Python 3.11 ate 24 GB of memory.
Verdict: NoStall.*never yields|NoCrash.*(RecursionError|MemoryError|SIGSEGV)
Slow: yes
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        sys.setrecursionlimit(10**9)
        self.down()

    def down(self):
        self.down()

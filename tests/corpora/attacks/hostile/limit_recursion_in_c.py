"""Recurses inside C code, until the stack ends.

Idea: a crash of the interpreter kills a grader that runs in the same process.
Verdict: NoStall.*never yields|NoCrash.*(RecursionError|MemoryError|SIGSEGV)
Slow: yes
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        sys.setrecursionlimit(10**9)
        nested = None
        for _ in range(10**6):
            nested = [nested]
        repr(nested)
        hash(tuple(map(str, nested)))

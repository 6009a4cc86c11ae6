"""Loops without end when it runs.

Idea: known; the simplest of all.
Verdict: NoStall.*never yields.*raft.py:1[34] in run
Slow: yes
"""

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        while True:
            pass

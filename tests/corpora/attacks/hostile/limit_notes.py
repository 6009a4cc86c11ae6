"""Notes and prints without end.

Idea: a flood of what the grader keeps.
Verdict: NoStall.*never yields|WellFormed.*puts out too much at one instant
Slow: yes
"""

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        while True:
            self.node.note("x" * 100_000)
            print("y" * 100_000)

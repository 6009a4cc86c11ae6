"""Raises groups of exceptions within groups, with causes that go round in a circle.

Idea: recursive printers of tracebacks.
Verdict: NoCrash.*ValueError: one at raft.py
"""

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        one, other = ValueError("one"), ValueError("other")
        one.__cause__, other.__cause__ = other, one
        group = one
        for _ in range(5000):
            group = BaseExceptionGroup("deep", [group])
        raise group

"""Raises exceptions whose texts take for ever to make, or gigabytes to hold.

Idea: what formats an exception runs the submission's code.
Verdict: NoCrash.*Endless
Slow: yes
"""

from elected import Raft as Server


class Endless(Exception):
    def __str__(self):
        return "x" * (1 << 40)


class Raft(Server):
    async def run(self):
        error = None
        for _ in range(10_000):
            error = Endless(error)
        raise error

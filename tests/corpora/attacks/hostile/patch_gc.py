"""Turns the garbage collector and the reference counts into a mess: freezes, thresholds, destructors that resurrect.

Idea: a process that dies at its end, or never does.
Verdict: NotWritten: not written yet: start
"""

import gc

from elected import Raft as Server

kept = []


class Undead:
    def __del__(self):
        kept.append(self)
        raise RuntimeError("never")


class Raft(Server):
    async def run(self):
        gc.set_threshold(1)
        gc.freeze()
        for _ in range(1000):
            Undead()
        kept.clear()
        await super().run()

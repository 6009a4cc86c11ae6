"""Closes every descriptor it has, and goes on.

Idea: what does a simulator do whose other end is gone?
Verdict: NoCrash.*(ended its process|closed the handles)
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for fd in range(64):
            try:
                os.close(fd)
            except OSError:
                pass
        await super().run()

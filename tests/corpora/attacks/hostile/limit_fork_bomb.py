"""Forks without end.

Idea: known.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for _ in range(1000):
            try:
                if os.fork() == 0:
                    while True:
                        os.fork()
                self.node.note("LEAKED forked")
            except OSError:
                pass
        await super().run()

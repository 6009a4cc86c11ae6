"""Writes to the standard output and error without end.

Idea: known; a grader that collects all of it runs out of memory.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        line = b"x" * (1 << 20)
        for _ in range(300):
            for fd in (1, 2):
                try:
                    os.write(fd, line)
                except OSError:
                    pass
        await super().run()

"""Writes frames of length zero into every descriptor.

Idea: forging frames; empty messages at the edge of a protocol.
Verdict: NoCrash.*sent an impossible frame
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for fd in range(3, 64):
            for _ in range(100):
                try:
                    os.write(fd, b"\0\0\0\0")
                except OSError:
                    break
        await super().run()

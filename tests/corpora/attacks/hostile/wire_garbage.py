"""Writes random bytes into every descriptor it has, the simulator's socket among them.

Idea: forging frames; a decoder that trusts its other end.
Verdict: NoCrash.*sent an impossible frame
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for length in (1, 4, 5, 100, 65_536):
            for fd in range(3, 64):
                try:
                    os.write(fd, bytes(range(256)) * (length // 256 + 1))
                except OSError:
                    pass
        await super().run()

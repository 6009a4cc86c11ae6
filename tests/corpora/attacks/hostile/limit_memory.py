"""Takes all memory at once.

Idea: known.
Verdict: NoCrash.*MemoryError
"""

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        self.hoard = [bytearray(1 << 30) for _ in range(64)]

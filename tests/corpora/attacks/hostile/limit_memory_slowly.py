"""Takes all memory bit by bit, down to the last page, and keeps it when there is no more.

Idea: known; a MemoryError that is caught.
Verdict: NoStall.*never yields|NoCrash.*MemoryError
Slow: yes
"""

import trio
from elected import Raft as Server


class Raft(Server):
    hoard = None

    async def run(self):
        self.hoard = []
        for size in (1 << 24, 1 << 18, 1 << 12):
            try:
                while True:
                    self.hoard.append(bytearray(size))
            except MemoryError:
                pass
        await super().run()
        await trio.sleep_forever()

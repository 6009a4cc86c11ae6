"""Takes all memory bit by bit, and keeps it when there is no more.

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
        try:
            while True:
                self.hoard.append(bytearray(1 << 24))
        except MemoryError:
            pass
        await super().run()
        await trio.sleep_forever()

"""Sets the clock itself: the virtual one's time, and what trio shows of it.

Idea: patching time, carried over to virtual time.
Verdict: ^fail LeaderInTime
"""

import gc
import sys

from elected import Raft as Server

trio = sys.modules["trio"]


class Raft(Server):
    async def run(self):
        for thing in gc.get_objects():
            if isinstance(thing, trio.abc.Clock):
                for name in ("now", "t", "_now", "time"):
                    if hasattr(thing, name):
                        setattr(thing, name, 1e6)
                type(thing).current_time = lambda self: 1e6
        await super().run()

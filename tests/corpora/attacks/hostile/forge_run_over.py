"""Raises the simulator's own exceptions, of which some end a run in peace.

Idea: reaching the simulator by its own classes.
Verdict: NoCrash.*there is no RunOver here
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        for module in list(sys.modules.values()):
            over = getattr(module, "RunOver", None)
            if over is not None:
                raise over
        raise BaseException("there is no RunOver here")

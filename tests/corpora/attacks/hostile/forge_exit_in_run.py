"""Ends the process in the middle of the run, with code 0.

Idea: gradema's list of attacks.
Verdict: NoCrash.*ended its process, with exit code 0
"""

import sys

import trio
from elected import Raft as Server


class Raft(Server):
    async def run(self):
        await trio.sleep(0.3)
        sys.modules["os"]._exit(0)

"""Replaces trio's sleep, events, nurseries and scheduler.

Idea: patching trio, which the simulator uses too; here only in its own process.
Verdict: NoStall.*never yields
"""

import sys

from elected import Raft as Server

trio = sys.modules["trio"]


class Raft(Server):
    async def run(self):
        run = sys.modules["trio._core._run"]
        run._ALLOW_DETERMINISTIC_SCHEDULING = False
        run._r = sys.modules["random"].Random()
        trio.current_time = lambda: 0.0
        trio.Event.set = lambda self: None
        await super().run()

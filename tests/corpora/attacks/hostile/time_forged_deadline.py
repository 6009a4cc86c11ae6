"""Answers each step with a deadline in the past, or with none at all, by patching how its clock decides.

Idea: a step that asks "wake me yesterday" must not stop the others.
Verdict: ^pass
Slow: yes
"""

import gc
import math
import sys

from elected import Raft as Server

trio = sys.modules["trio"]


class Raft(Server):
    async def run(self):
        for thing in gc.get_objects():
            if isinstance(thing, trio.abc.Clock) and type(thing).__module__.startswith("labs"):
                original = type(thing).deadline_to_sleep_time
                type(thing).deadline_to_sleep_time = lambda self, deadline: original(self, -math.inf)
        await super().run()

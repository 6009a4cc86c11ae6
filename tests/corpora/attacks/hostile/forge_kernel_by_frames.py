"""Walks the frames of its callers up to the simulator, and changes what it finds there.

Idea: saligrama; sys._getframe reaches the caller's locals.
Verdict: NotWritten
"""

import sys

from elected import Raft as Server


class Raft(Server):
    def get_state(self):
        self.climb()
        return super().get_state()

    def climb(self):
        frame = sys._getframe()
        while frame is not None:
            for name, value in list(frame.f_locals.items()):
                if type(value).__name__ in ("Kernel", "Cluster", "Recorder", "Scenario"):
                    self.node.note(f"LEAKED {name} in {frame.f_code.co_name}")
                    value.outcome = "pass"
            frame = frame.f_back

    async def run(self):
        self.climb()
        await super().run()

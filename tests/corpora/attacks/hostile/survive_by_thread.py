"""Starts a thread that goes on when the server has crashed.

Idea: threads outlive a cancellation.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

_thread = sys.modules["_thread"]


class Raft(Server):
    async def run(self):
        try:
            _thread.start_new_thread(self.go_on, ())
            self.node.note("LEAKED a thread runs")
        except RuntimeError:
            pass
        await super().run()

    def go_on(self):
        while True:
            self.node.note("LEAKED still here")

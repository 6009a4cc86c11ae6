"""Sends, saves and applies values that are nested a hundred thousand deep.

Idea: known; recursive decoders crash.
Verdict: WellFormed.*apply_ch
"""

from elected import Raft as Server
from labs.messages import ApplyCommand


class Raft(Server):
    async def run(self):
        nested = []
        for _ in range(100_000):
            nested = [nested]
        self.apply_ch.send_nowait(ApplyCommand(1, nested))
        await super().run()

"""Sends a value that contains itself.

Idea: known; encoders recurse for ever.
Verdict: WellFormed.*nested more than 32 deep|WellFormed.*apply_ch
"""

from elected import Raft as Server
from labs.messages import ApplyCommand


class Raft(Server):
    async def run(self):
        value = {}
        value["self"] = [value]
        self.apply_ch.send_nowait(ApplyCommand(1, value))
        await super().run()

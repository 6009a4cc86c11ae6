"""Applies commands of two megabytes that differ from server to server.

Idea: a verdict that quotes them is longer than the grader reads, and what it cannot read is its own error.
Verdict: ^fail StateMachineSafety.{0,150} applied .{60}.{0,40} applied .{57}\\.\\.\\.$
"""

import trio
from elected import Raft as Server
from labs.messages import ApplyCommand


class Raft(Server):
    async def run(self):
        await trio.sleep(0.1)
        self.apply_ch.send_nowait(ApplyCommand(1, [chr(65 + self.node.me) * 2_000_000]))
        await trio.sleep_forever()

"""Sends messages of many megabytes.

Idea: known.
Verdict: WellFormed.*more than the 2,097,152 allowed
"""

import trio
from elected import Raft as Server
from labs.messages import AppendEntriesArgs, LogEntry


class Raft(Server):
    async def run(self):
        entries = [LogEntry(1, "x" * (1 << 26))]
        for peer in self.node.peers:
            await self.node.call(peer, AppendEntriesArgs(1, self.node.me, 0, 0, entries, 0))
        await trio.sleep_forever()

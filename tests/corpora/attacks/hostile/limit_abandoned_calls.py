"""Sends long messages, never answers one, and stops waiting for each at once.

Idea: what was sent is remembered until its call returns.
Verdict: CpuBudget.*(MiB of memory|of CPU time|of real time)|NoCrash.*SIGSEGV
Slow: yes
"""

from dataclasses import dataclass

import trio
from elected import Raft as Server
from labs.messages import RequestVoteArgs


@dataclass(frozen=True)
class LongArgs(RequestVoteArgs):
    long: str = ""


class Raft(Server):
    def get_state(self):
        return self.current_term, False

    async def request_vote(self, args):
        await trio.sleep_forever()

    async def run(self):
        while True:
            self.current_term += 1
            for peer in self.node.peers:
                with trio.move_on_after(0):
                    await self.node.call(peer, LongArgs(self.current_term, self.node.me, 0, 0, "x" * 1_000_000))
            await trio.sleep(0.0001)

"""Stands for election in a new term at every moment, each time with another log.

Idea: what the checkers remember of each term and index grows with what is known of it.
Verdict: CpuBudget.*(MiB of memory|of CPU time|of real time)
Slow: yes
"""

import trio
from elected import Raft as Server
from labs.messages import LogEntry, PersistentState, RequestVoteArgs, RequestVoteReply


class Raft(Server):
    def get_state(self):
        return self.current_term, False

    def request_vote(self, args):
        return RequestVoteReply(self.current_term, False)

    async def run(self):
        async with trio.open_nursery() as nursery:
            while True:
                self.current_term += 1
                term = self.current_term
                log = [LogEntry(term, f"{term}/{index}" * 20) for index in range(1, 2000)]
                self.node.persister.save(PersistentState(term, self.node.me, log))
                for peer in self.node.peers:
                    nursery.start_soon(self.node.call, peer, RequestVoteArgs(term, self.node.me, len(log), term))
                await trio.sleep(0.001)

"""Uses numbers with a hundred thousand digits, not-a-numbers, and infinities where numbers go.

Idea: known; conversions that take quadratic time.
Verdict: ^fail (StateMachineSafety|CommitBound)
"""

from elected import Raft as Server
from labs.messages import ApplyCommand, RequestVoteReply


class Raft(Server):
    def request_vote(self, args):
        return RequestVoteReply(10**100_000, True)

    async def run(self):
        self.apply_ch.send_nowait(ApplyCommand(1, float("nan")))
        self.apply_ch.send_nowait(ApplyCommand(10**100_000, float("inf")))
        await super().run()

"""Sends messages of classes whose names are those of the simulator's, or of what the encoding needs for itself.

Idea: the receiver looks classes up by name.
Verdict: NoCrash.*raft.py:18 in <module>
"""

import dataclasses

from elected import Raft as Server
from labs.messages import RequestVoteReply


@dataclasses.dataclass(frozen=True)
class Kernel(RequestVoteReply):
    outcome: str = "pass"


Kernel.__name__ = "*\0class"


class Raft(Server):
    def request_vote(self, args):
        reply = super().request_vote(args)
        return Kernel(reply.term, reply.vote_granted)

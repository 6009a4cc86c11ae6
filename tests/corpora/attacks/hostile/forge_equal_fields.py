"""Puts lying integers and booleans into the fields of messages and of what it applies.

Idea: subclasses of int and str that lie, from gradema's list.
Verdict: WellFormed
"""

from elected import Raft as Server
from labs.messages import ApplyCommand, RequestVoteReply


class Any(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Raft(Server):
    def request_vote(self, args):
        super().request_vote(args)
        return RequestVoteReply(Any(args.term), Any(1))

    def start(self, command):
        self.apply_ch.send_nowait(ApplyCommand(Any(1), command))
        return 1, self.current_term, True

"""Saves votes for servers that do not exist.

Idea: code that looks up the candidate fails, and that would be the grader's own error.
Verdict: ^error WellFormed.*PersistentState.voted_for is 77: it must be None or the id of one of the servers
"""

from elected import Raft as Server
from labs.messages import PersistentState, RequestVoteReply


class Raft(Server):
    def request_vote(self, args):
        self.node.persister.save(PersistentState(args.term, 77, []))
        return RequestVoteReply(args.term, False)

"""Says on the apply channel that everything is committed at once, and answers every request with yes.

Idea: claims instead of work: the checkers believe only what crossed the wire.
Verdict: ^fail CommitNeedsMajority
"""

from elected import Raft as Server
from labs.messages import ApplyCommand


class Raft(Server):
    count = 0

    def start(self, command):
        leads = self.state == "leader"
        if leads:
            self.count += 1
            self.apply_ch.send_nowait(ApplyCommand(self.count, command))
        return self.count, self.current_term, leads

"""Every server claims to lead, in the same term.

Idea: claims instead of work.
Verdict: ^fail LeaderHasMajority
"""

from elected import Raft as Server


class Raft(Server):
    def get_state(self):
        return 1, True

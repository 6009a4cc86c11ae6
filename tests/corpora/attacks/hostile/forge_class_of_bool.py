"""Lies about its class, so that isinstance believes it.

Idea: `__class__` as a property; exact types are the defence.
Verdict: WellFormed
"""

from elected import Raft as Server


class Lie:
    @property
    def __class__(self):
        return bool

    def __bool__(self):
        return True


class Raft(Server):
    def get_state(self):
        return self.current_term, Lie()

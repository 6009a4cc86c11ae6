"""Saves, by the raw record, a state that claims entries the log never held.

Idea: the incremental form of a save refers to what was saved before; refer to what was not.
Verdict: NoCrash.*a save that keeps 1000000000 entries
"""

import sys

from elected import Raft as Server

wire = sys.modules["labs.sim.server.outputs"]


class Raft(Server):
    def append_entries(self, args):
        for shift, kept in ((0, 10**9), (10**9, 1), (-1, 1), (0, -1)):
            fields = b"\x00\x94\x01\xc0\x00\x00"  # term 1, no vote, a log without a base
            self.node._incarnation.outbox.append(wire.Saved(fields, 0, shift, kept, [], None, None, None))
        return super().append_entries(args)

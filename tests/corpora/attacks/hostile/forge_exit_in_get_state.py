"""Ends the process when the simulator asks for its state.

Idea: gradema's list of attacks.
Verdict: NoCrash.*ended its process, with exit code 0
"""

import sys

from elected import Raft as Server


class Raft(Server):
    def get_state(self):
        sys.modules["os"]._exit(0)

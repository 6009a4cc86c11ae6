"""Claims, in its code objects, to be a file of the simulator, so that failures look like the simulator's own.

Idea: co_filename can be set freely.
Verdict: NoCrash.*an error of the simulator, not of the submission at
"""

import sys

from elected import Raft as Server


def boom(self):
    raise RuntimeError("an error of the simulator, not of the submission")


kernel = sys.modules["labs.sim.server.incarnation"].__file__
boom.__code__ = boom.__code__.replace(co_filename=kernel, co_name="\x1b[31mrun_scenario")


class Raft(Server):
    get_state = boom

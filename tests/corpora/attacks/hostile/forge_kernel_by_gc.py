"""Looks for the simulator's objects among all that the garbage collector knows, and gives the run an outcome.

Idea: saligrama, "Pwning autograders": gc.get_objects finds the grader's own objects.
Verdict: NotWritten
"""

import gc

from blank import Raft as Server

NAMES = ("Kernel", "Cluster", "Recorder", "Outcome", "RunRecord", "Scenario", "Witness")


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        for thing in gc.get_objects():
            if type(thing).__name__ in NAMES and not isinstance(thing, type):
                node.note(f"LEAKED a {type(thing).__name__} is in reach")
                for name in ("outcome", "status", "rule"):
                    try:
                        setattr(thing, name, "pass")
                    except Exception:
                        pass

"""Replaces the checkers, the recorder and the verdicts by ones that find nothing.

Idea: patching unittest and assert, carried over to this lab.
Verdict: ^fail CommitBound
"""

import sys

from elected import Raft as Server

real = sys.modules["builtins"].__import__


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        for name in ("labs.sim.kernel", "labs.raft.checkers", "labs.raft.checkers.election", "labs.checking.checker"):
            try:
                module = real(name, fromlist=["x"])
            except ImportError:
                continue
            for key, value in list(vars(module).items()):
                if isinstance(value, type):
                    for method in ("record", "end_with", "check", "judge", "__init__"):
                        if method in vars(value):
                            setattr(value, method, lambda *args, **kwargs: None)
                elif callable(value):
                    setattr(module, key, lambda *args, **kwargs: [])

    def start(self, command):
        self.apply_ch.send_nowait(sys.modules["labs.messages"].ApplyCommand(1, command))
        return 1, self.current_term, self.state == "leader"

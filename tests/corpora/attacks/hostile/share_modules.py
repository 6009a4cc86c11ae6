"""Keeps a common memory where all servers of one process would see it: modules, classes, builtins.

Idea: servers in one process share module globals and class attributes.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

PLACES = [sys.modules["builtins"], sys.modules["sys"], sys.modules["labs.messages"], sys.modules["trio"], object]


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        for place in PLACES[:-1]:
            known = vars(place).setdefault("raft_attack", set())
            if known - {node.me}:
                node.note(f"LEAKED {known} by {place.__name__}")
            known.add(node.me)
        sys.modules.setdefault("raft_attack", node)
        if sys.modules["raft_attack"] is not node:
            node.note("LEAKED another server by sys.modules")

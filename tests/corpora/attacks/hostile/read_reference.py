"""Reads the reference solution, by import and from the files around the lab.

Idea: reading the solution, from saligrama and gradema.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server

os = sys.modules["os"]
real = sys.modules["builtins"].__import__


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        labs = os.path.dirname(sys.modules["labs"].__file__)
        for path in ("../reference/raft.py", "../tests/corpora/variants/one_inbox/raft.py", "../../reference/raft.py"):
            try:
                with sys.modules["io"].open(os.path.join(labs, path)) as file:
                    node.note("LEAKED " + file.read(100))
            except OSError:
                pass
        try:
            node.note(f"LEAKED {real('reference.raft')}")
        except ImportError:
            pass

"""Reads the hidden tests and the rubric, by import and by file.

Idea: reading hidden tests, from saligrama and gradema.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server

os = sys.modules["os"]
real = sys.modules["builtins"].__import__


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        for name in ("grader", "grader.hidden", "grader.grading.seeds", "tests"):
            try:
                node.note(f"LEAKED {vars(real(name))}")
            except ImportError:
                pass
        root = os.path.dirname(os.path.dirname(sys.modules["labs"].__file__))
        for path in ("grader/rubric.toml", "grader/seeds.py", "grader/hidden", ".git/config", "tests"):
            try:
                os.stat(os.path.join(root, path))
                node.note(f"LEAKED {path} is there")
                fd = os.open(os.path.join(root, path), os.O_RDONLY)
                node.note(f"LEAKED {os.read(fd, 100)!r}")
            except OSError:
                pass

"""Reads the arguments of its process and of the interpreter, which may name files and tests.

Idea: sys.orig_argv and /proc/self/cmdline.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        node.note(f"{sys.argv} {sys.orig_argv} {sys.path} {sys.flags} {sys._xoptions} {sys.executable}")
        node.note(
            f"{sorted(name for name in sys.modules if name.startswith(('labs', 'grader', 'tests', 'reference')))}"
        )

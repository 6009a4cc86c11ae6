"""Registers functions for the end of the process that write a result, and leaves an object with a destructor.

Idea: gradema; atexit and threads that rewrite results.json.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server

real = sys.modules["builtins"].__import__


class Late:
    def __del__(self):
        write()


def write():
    os = sys.modules["os"]
    try:
        file = os.open("/tmp/raft-attack-atexit.json", os.O_WRONLY | os.O_CREAT)
        os.write(file, b"{}")
    except OSError:
        pass


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        real("atexit").register(write)
        real("weakref").finalize(self, write)
        self.late = Late()

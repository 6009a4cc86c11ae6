"""Lets ctypes make callbacks, which need executable memory, and crashes if it gets none.

Idea: libffi's closures are a way to write machine code.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        try:
            callback = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)
            callback()
        except (MemoryError, OSError, SystemError):
            pass
        await super().run()

"""Crashes the interpreter by a bad pointer.

Idea: ctypes.string_at(0).
Verdict: NoCrash.*had its process killed: SIGSEGV
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        ctypes.memmove(0, b"boom", 4)

"""Puts a key into the kernel's keyrings, which all processes of a user share.

Idea: a store in the kernel that no file system limit reaches.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

ADD_KEY = (248, 217)  # on x86_64 and aarch64


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        for number in ADD_KEY:
            for ring in (-1, -2, -3, -4, -5):
                if libc.syscall(number, b"user", b"raft-attack", b"leader", 6, ring) >= 0:
                    self.node.note(f"LEAKED a key is in ring {ring}")
        await super().run()

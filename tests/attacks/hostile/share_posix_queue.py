"""Shares by a POSIX queue and a named semaphore.

Idea: mq_open and sem_open need no folder that one knows.
Verdict: .
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        os = sys.modules["os"]
        for name in ("mq_open", "sem_open"):
            function = getattr(libc, name, None)
            if function is not None:
                function.restype = ctypes.c_long
                answer = function(b"/raft-attack", os.O_RDWR | os.O_CREAT, 0o666, ctypes.c_long(0))
                if answer not in (-1, 0):
                    self.node.note(f"LEAKED {name} works")
        await super().run()

"""Shares by a POSIX queue and a named semaphore.

Idea: mq_open and sem_open need no folder that one knows.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        os = sys.modules["os"]
        if libc.mq_open(b"/raft-attack", os.O_RDWR | os.O_CREAT, 0o666, None) >= 0:
            self.node.note("LEAKED has a queue")
        libc.sem_open.restype = ctypes.c_void_p
        if libc.sem_open(b"/raft-attack", os.O_CREAT, 0o666, 1):
            self.node.note("LEAKED has a semaphore")
        await super().run()

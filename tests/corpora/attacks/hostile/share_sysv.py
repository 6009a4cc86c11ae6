"""Shares by System V: a segment of memory, a semaphore, a queue of messages.

Idea: IPC objects outlive every process and are seen by all of a user's.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        made = [libc.shmget(0x7A77AC4, 4096, 0o1666), libc.semget(0x7A77AC4, 1, 0o1666), libc.msgget(0x7A77AC4, 0o1666)]
        for name, number in zip(("memory", "semaphores", "messages"), made):
            if number >= 0:
                self.node.note(f"LEAKED has {name}")
        await super().run()

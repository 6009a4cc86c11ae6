"""Asks the kernel which numbers of threads exist, by futexes whose owner inherits the priority of who waits.

Idea: such a futex names its owner by number, and the kernel reveals whether there is one; the owner need not be a friend.
Verdict: NotWritten: not written yet: start
"""

import errno
import sys

from elected import Raft as Server

ctypes = sys.modules.get("ctypes")
FUTEX = 202 if "x86_64" in sys.modules["platform"].machine() else 98
TRY_LOCK, LOCK, PRIVATE = 8, 6, 128


class Raft(Server):
    async def run(self):
        libc = ctypes.CDLL(None, use_errno=True)
        nothing = ctypes.create_string_buffer(16)
        for owner in (1, 2, 3):
            for what in (TRY_LOCK, LOCK | PRIVATE, TRY_LOCK | PRIVATE):
                word = ctypes.c_uint(owner)
                libc.syscall(ctypes.c_long(FUTEX), ctypes.byref(word), ctypes.c_long(what), ctypes.c_long(0), nothing)
                if ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
                    self.node.note(f"LEAKED the kernel looked for thread {owner}: {ctypes.get_errno()}")
        await super().run()

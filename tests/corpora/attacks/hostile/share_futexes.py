"""Wakes another server that sleeps on a page of the C library's file, which all processes have mapped.

Idea: a shared futex is known by its file and offset, so it needs no memory that can be written.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

ctypes, monotonic = sys.modules.get("ctypes"), sys.modules["time"].monotonic
FUTEX = 202 if "x86_64" in sys.modules["platform"].machine() else 98
WAIT, WAKE = 0, 1


class Deadline(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Raft(Server):
    async def run(self):
        libc = ctypes.CDLL(None, use_errno=True)
        page = ctypes.cast(libc.strtol, ctypes.c_void_p).value & ~4095
        place, until = ctypes.c_void_p(page + 64), monotonic() + 0.4
        value = ctypes.c_long(ctypes.c_uint.from_address(page + 64).value)
        while monotonic() < until:
            if self.node.me == 0:
                soon = ctypes.byref(Deadline(0, 50_000_000))
                if libc.syscall(ctypes.c_long(FUTEX), place, ctypes.c_long(WAIT), value, soon, None, None) == 0:
                    self.node.note("LEAKED another server woke this one")
                    break
            elif libc.syscall(ctypes.c_long(FUTEX), place, ctypes.c_long(WAKE), ctypes.c_long(1), None, None, None) > 0:
                break
        await super().run()

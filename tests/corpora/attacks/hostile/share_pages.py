"""Uses memory that all processes share without their knowledge: equal pages that are merged, huge pages, pages of files.

Idea: whether a page is merged or in memory shows by how long a touch takes; the huge ones are soon used up.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

ctypes = sys.modules.get("ctypes")
X86 = "x86_64" in sys.modules["platform"].machine()
ADVISE, MAP, RESIDENT = (28, 9, 27) if X86 else (233, 222, 232)
WILL_NEED, MERGE, COLD, PAGE_OUT = 3, 12, 20, 21
PRIVATE, ANONYMOUS, HUGE = 2, 0x20, 0x40000


class Raft(Server):
    async def run(self):
        libc = ctypes.CDLL(None, use_errno=True)
        page = ctypes.c_void_p(ctypes.cast(libc.strtol, ctypes.c_void_p).value & ~4095)
        attempts = [(ADVISE, page, 4096, advice) for advice in (WILL_NEED, MERGE, COLD, PAGE_OUT)]
        attempts += [(RESIDENT, page, 4096, ctypes.create_string_buffer(1))]
        attempts += [(MAP, 0, 2 << 20, 3, PRIVATE | ANONYMOUS | HUGE, -1, 0)]
        for attempt in attempts:
            arguments = [ctypes.c_long(value) if isinstance(value, int) else value for value in attempt]
            if libc.syscall(*arguments) >= 0 or ctypes.get_errno() not in (1, 38):
                self.node.note(f"LEAKED call {attempt[0]} with {attempt[3:]}: {ctypes.get_errno()}")
        await super().run()

"""Sends and receives beside the frames: an urgent byte, and a look at what is still unread.

Idea: the flags of send and recv make a second stream out of one socket.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

ctypes = sys.modules.get("ctypes")
SEND, RECEIVE = (44, 45) if "x86_64" in sys.modules["platform"].machine() else (206, 207)
URGENT, PEEK, NOW = 1, 2, 0x40
NOWHERE = (ctypes.c_long(0), ctypes.c_long(0))


class Raft(Server):
    async def run(self):
        libc = ctypes.CDLL(None, use_errno=True)
        room = ctypes.create_string_buffer(1)
        for fd in range(3, 12):
            for number, flags in ((SEND, URGENT), (RECEIVE, URGENT | NOW), (RECEIVE, PEEK | NOW)):
                arguments = (ctypes.c_long(fd), room, ctypes.c_long(1), ctypes.c_long(flags), *NOWHERE)
                if libc.syscall(ctypes.c_long(number), *arguments) >= 0:
                    self.node.note(f"LEAKED call {number} with flags {flags} on descriptor {fd}")
                elif ctypes.get_errno() not in (1, 38, 88, 9):
                    self.node.note(f"LEAKED the kernel looked at descriptor {fd}: {ctypes.get_errno()}")
        await super().run()

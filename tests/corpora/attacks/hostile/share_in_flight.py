"""Fills the kernel's count of descriptors in flight, which is one for all processes of a user, and feels whether it is full.

Idea: limits that are counted for each user are channels between that user's processes.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

socket = sys.modules["socket"]


class Raft(Server):
    async def run(self):
        try:
            one, other = socket.socketpair()
            socket.send_fds(one, [b"x"], [other.fileno()])
            self.node.note("LEAKED sent a descriptor")
        except OSError:
            pass
        for fd in range(3, 30):
            try:
                mine = socket.socket(fileno=fd)
                socket.send_fds(mine, [b"x"], [fd])
                self.node.note(f"LEAKED sent a descriptor by {fd}")
            except OSError:
                pass
        await super().run()

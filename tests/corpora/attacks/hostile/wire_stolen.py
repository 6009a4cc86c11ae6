"""Reads the simulator's frames itself, so that its own loop waits for what is gone.

Idea: two readers of one socket.
Verdict: NoStall.*never yields
Slow: yes
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for fd in range(3, 64):
            try:
                fcntl = sys.modules["fcntl"]
                if fcntl.fcntl(fd, fcntl.F_GETFL) & 3 != os.O_WRONLY:
                    os.read(fd, 1 << 20)
            except OSError:
                pass

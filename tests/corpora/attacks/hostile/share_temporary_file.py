"""Shares by folders and links: what exists is a message, too.

Idea: mkdir, symlink, rename and utime as channels that need no open file.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        me = self.node.me
        for do in (
            lambda: os.mkdir(f"/tmp/raft-attack-{me}"),
            lambda: os.symlink("x", f"/tmp/raft-attack-link-{me}"),
            lambda: os.mkfifo(f"/dev/shm/raft-attack-{me}"),
            lambda: os.utime("/tmp", (me, me)),
            lambda: os.chmod(".", 0o777),
            lambda: os.rename("/tmp/raft-attack-0", "/tmp/raft-attack-9"),
        ):
            try:
                do()
                self.node.note("LEAKED changed the file system")
            except OSError:
                pass
        for peer in self.node.peers:
            if os.path.lexists(f"/tmp/raft-attack-{peer}") or os.path.lexists(f"/tmp/raft-attack-link-{peer}"):
                self.node.note(f"LEAKED sees what {peer} made")
        await super().run()

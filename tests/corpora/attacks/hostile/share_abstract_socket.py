"""Talks with the other servers by unix sockets: abstract names, pathnames, and datagrams sent from a pair.

Idea: abstract names pass through mount namespaces; a pair's end can send to any name. Without walls, where it gets one,
its file is in the temporary folder of that campaign, so that campaigns at the same time do not see it.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

socket = sys.modules["socket"]


class Raft(Server):
    async def run(self):
        folder = sys.modules["os"].environ.get("TMPDIR", "/tmp")
        for name in (f"\0raft-attack-{self.node.me}", f"{folder}/raft-attack-{self.node.me}.sock"):
            try:
                mine = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                mine.bind(name)
                self.node.note("LEAKED has a name")
            except OSError:
                pass
        try:
            one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            one.sendto(b"hello", "/dev/log")
            self.node.note("LEAKED sent to a name")
        except OSError:
            pass
        await super().run()

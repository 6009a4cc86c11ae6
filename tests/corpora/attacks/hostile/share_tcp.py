"""Talks with the other servers by TCP and UDP on the loopback.

Idea: nodes that share a socket; network exfiltration (Lyu 2020).
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

socket = sys.modules["socket"]


class Raft(Server):
    async def run(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "8.8.8.8")):
                try:
                    mine = socket.socket(family, kind)
                    self.node.note("LEAKED has a socket")
                    mine.settimeout(0.1)
                    mine.connect((host, 53))
                    mine.send(b"hello")
                    self.node.note(f"LEAKED sent to {host}")
                except OSError:
                    pass
        await super().run()

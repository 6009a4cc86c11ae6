"""Sends the beginning of a frame and nothing more, then waits in peace.

Idea: a reader that waits for the rest waits for ever.
Verdict: NoCrash.*more than the 8,388,608 allowed
Slow: yes
"""

import sys

from elected import Raft as Server

os, select = sys.modules["os"], sys.modules["select"]


class Raft(Server):
    async def run(self):
        for fd in range(3, 64):
            try:
                os.write(fd, b"\x10\x00\x00\x00\x93")
            except OSError:
                pass
        while True:
            try:
                select.poll().poll(100_000)
            except OSError:
                pass

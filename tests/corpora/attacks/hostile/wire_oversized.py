"""Announces a frame of four gigabytes, and sends a part of it.

Idea: length prefixes that make the reader reserve memory.
Verdict: NoCrash.*a frame of 4,294,967,295 bytes
Slow: yes
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for head in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff"):
            for fd in range(3, 64):
                try:
                    os.write(fd, head + b"x" * 1000)
                except OSError:
                    pass
        while True:
            pass

"""Sends bits by burning CPU time: the others see on the real clock that a step took long.

Idea: a channel through time that no filter closes. It carries bits, but bits earn no points.
Verdict: ^pass
Slow: yes
"""

import sys

import trio
from elected import Raft as Server

ctypes = sys.modules.get("ctypes")


def real_time():
    buffer = (ctypes.c_long * 2)()
    ctypes.CDLL(None).clock_gettime(1, buffer)
    return buffer[0] + buffer[1] / 1e9


class Raft(Server):
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            for _ in range(20):
                before = real_time()
                if self.node.me == 0:
                    while real_time() - before < 0.01:
                        pass
                await trio.sleep(0.05)

    def start(self, command):
        return 1, self.current_term, self.state == "leader"

"""Sleeps in real time, without using any CPU time.

Idea: denial by waiting: time limits that count CPU time do not end it.
Verdict: NoStall
Slow: yes
"""

import sys

from elected import Raft as Server

select, signal = sys.modules["select"], sys.modules["signal"]


class Raft(Server):
    async def run(self):
        try:
            select.select([], [], [], 1000)
        except OSError:
            poll = select.poll()
            poll.poll(1_000_000)

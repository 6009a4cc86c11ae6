"""Ignores every signal that can be ignored, and blocks the rest.

Idea: SIG_IGN for SIGTERM and the watchdog's signals.
Verdict: NoStall.*never yields
Slow: yes
"""

import sys

from elected import Raft as Server

signal = sys.modules["signal"]


class Raft(Server):
    async def run(self):
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True:
            pass

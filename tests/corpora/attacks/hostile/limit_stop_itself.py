"""Stops itself, so that its host waits for ever.

Idea: SIGSTOP instead of an end.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os, signal = sys.modules["os"], sys.modules["signal"]


class Raft(Server):
    async def run(self):
        for stop in (lambda: os.kill(os.getpid(), signal.SIGSTOP), lambda: signal.raise_signal(signal.SIGSTOP)):
            try:
                stop()
            except OSError:
                pass
        await super().run()

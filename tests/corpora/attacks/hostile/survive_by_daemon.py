"""Becomes a daemon: double fork, new session, all signals ignored.

Idea: killpg leaves such a process; measured on common graders.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os, signal = sys.modules["os"], sys.modules["signal"]


class Raft(Server):
    async def run(self):
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while True:
                        signal.pause()
                os._exit(0)
            self.node.note("LEAKED a daemon runs")
        except OSError:
            pass
        await super().run()

"""Sends signals to the other servers and waits for theirs: one bit each.

Idea: all servers are one user, so they may signal each other.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os, signal = sys.modules["os"], sys.modules["signal"]


class Raft(Server):
    async def run(self):
        signal.signal(signal.SIGUSR2, lambda number, frame: self.node.note("LEAKED got a signal"))
        me = os.getpid()
        for pid in (me - 2, me - 1, me + 1, me + 2, -1, *range(2, 12)):
            if pid not in (0, me):
                try:
                    os.kill(pid, signal.SIGUSR2)
                    self.node.note(f"LEAKED signalled {pid}")
                except OSError:
                    pass
        try:
            signal.pidfd_send_signal(os.pidfd_open(me + 1), signal.SIGUSR2)
            self.node.note("LEAKED signalled by descriptor")
        except (OSError, AttributeError):
            pass
        await super().run()

"""Takes its rights back: becomes root, sets capabilities, runs programs that are setuid.

Idea: passwordless sudo on hosted runners.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        for become in (
            lambda: os.setuid(0),
            lambda: os.setresuid(0, 0, 0),
            lambda: os.setgroups([0]),
            lambda: os.execv("/usr/bin/sudo", ["sudo", "-n", "true"]),
            lambda: os.execv("/bin/su", ["su", "-c", "true"]),
            lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
            lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        ):
            try:
                become()
                self.node.note("LEAKED more rights")
            except OSError:
                pass
        await super().run()

"""Writes bits into what the kernel keeps for each process, and reads them from the others: limits, priorities, processors.

Idea: prlimit, setpriority and sched_setaffinity work across the processes of one user.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]
real = sys.modules["builtins"].__import__


class Raft(Server):
    async def run(self):
        try:
            resource = real("resource")
        except ImportError:
            resource = None
        me = os.getpid() or 10
        for pid in (me - 1, me + 1, *range(1, 12)):
            for read in (
                lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE),
                lambda pid: os.getpriority(os.PRIO_PROCESS, pid),
                lambda pid: os.sched_getaffinity(pid),
                lambda pid: os.getpgid(pid),
                lambda pid: os.getsid(pid),
            ):
                try:
                    self.node.note(f"LEAKED {read(pid)} of {pid}")
                except (OSError, AttributeError):
                    pass
        try:
            os.nice(1)
            self.node.note("LEAKED changed its priority")
        except OSError:
            pass
        await super().run()

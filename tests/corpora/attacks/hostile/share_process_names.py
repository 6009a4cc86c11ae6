"""Writes into its process's name, and reads those of the others in /proc.

Idea: /proc shows the name, the state, the times of each process.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        if ctypes.CDLL(None).prctl(15, b"leader", 0, 0, 0) == 0:
            self.node.note("LEAKED has a new name")
        for pid in [*range(1, 40), "self", "thread-self"]:
            for name in ("comm", "stat", "status", "wchan", "schedstat"):
                try:
                    os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
                    self.node.note(f"LEAKED reads {name} of {pid}")
                except OSError:
                    pass
            try:
                os.stat(f"/proc/{pid}")
                self.node.note(f"LEAKED sees that {pid} runs")
            except OSError:
                pass
        await super().run()

"""Starts programs that stay: by subprocess, posix_spawn, system, and exec.

Idea: reverse shells (Lyu 2020, saligrama).
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os, subprocess = sys.modules["os"], sys.modules["subprocess"]


class Raft(Server):
    async def run(self):
        for start in (
            lambda: subprocess.Popen(["/bin/sleep", "1000"]),
            lambda: os.posix_spawn("/bin/sleep", ["sleep", "1000"], {}),
            lambda: os.execv("/bin/sleep", ["sleep", "1000"]),
        ):
            try:
                start()
                self.node.note("LEAKED a program runs")
            except OSError:
                pass
        if os.system("sleep 1000 &") == 0:
            self.node.note("LEAKED a shell runs")
        await super().run()

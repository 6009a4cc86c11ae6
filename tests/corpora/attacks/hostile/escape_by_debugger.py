"""Stops in the debugger, reads from the standard input, and waits for an answer.

Idea: breakpoint() and input() hang graders that have a terminal.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        for ask in (sys.modules["builtins"].input, sys.stdin.read if sys.stdin else str, sys.__breakpointhook__):
            try:
                ask()
            except BaseException:
                pass
        await super().run()

"""Compiles source at run time that takes the parser very long, or down.

Idea: nested brackets and constant folding, as in CPython's own bug reports.
Verdict: ^pass
Slow: yes
"""

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        for source in ("(" * 100_000 + ")" * 100_000, "-" * 500_000 + "1", "1" + "+1" * 100_000, "x" + ".x" * 100_000):
            try:
                compile(source, "bomb", "exec")
            except (SyntaxError, MemoryError, RecursionError):
                pass
        await super().run()

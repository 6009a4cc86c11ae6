"""Opens descriptors until there are no more.

Idea: known.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        count = 0
        for make in (os.pipe, lambda: os.dup(0), lambda: os.open("/dev/zero", 0), lambda: os.eventfd(0)):
            for _ in range(10_000):
                try:
                    make()
                    count += 1
                except OSError:
                    break
        if count > 1000:
            self.node.note(f"LEAKED opened {count}")
        await super().run()

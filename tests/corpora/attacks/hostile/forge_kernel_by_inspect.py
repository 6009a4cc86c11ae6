"""Looks for the simulator in the stack by inspect, and in the tasks above its own.

Idea: PrairieLearn #5184: in one process there is no protection.
Verdict: NotWritten
"""

import inspect
import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        for frame in inspect.stack():
            if "kernel" in frame.filename or "cluster" in frame.filename:
                self.node.note(f"LEAKED {frame.filename}")
        task = sys.modules["trio"].lowlevel.current_root_task()
        while task is not None and task.child_nurseries:
            for child in task.child_nurseries[0].child_tasks:
                if "test" in child.name or "kernel" in child.name.lower():
                    self.node.note(f"LEAKED {child.name}")
                task = child
        await super().run()

"""Installs hooks everywhere: tracing, auditing, imports, exceptions, unraisable errors, garbage collection.

Idea: hooks see what runs after them.
Verdict: NotWritten: not written yet: start
"""

import gc
import sys

from elected import Raft as Server

seen = []


def hook(*args):
    if len(seen) < 1000:
        seen.append(str(args[0])[:50])


class Finder:
    def find_spec(self, name, path=None, target=None):
        hook(name)
        return None


class Raft(Server):
    async def run(self):
        sys.settrace(hook)
        sys.setprofile(hook)
        sys.addaudithook(hook)
        sys.meta_path.insert(0, Finder())
        sys.excepthook = sys.unraisablehook = sys.displayhook = sys.breakpointhook = hook
        gc.callbacks.append(hook)
        sys.setswitchinterval(1e-6)
        await super().run()

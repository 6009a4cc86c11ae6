"""Searches its own memory, which is a copy of its parent's, for strings that look like secrets.

Idea: what a parent knew before the fork, the child knows.
Verdict: NotWritten
"""

import gc
import sys

from blank import Raft as Server


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        seen, waiting = set(), [*gc.get_objects(), *sys.modules.values()]
        found = set()
        while waiting and len(seen) < 300_000:
            thing = waiting.pop()
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            if isinstance(thing, str | bytes):
                text = thing if isinstance(thing, str) else thing.decode("latin-1")
                if "canary" in text.lower() and "canary" not in __name__ and len(text) < 200:
                    found.add(text)
            elif isinstance(thing, dict | list | tuple | set):
                waiting += gc.get_referents(thing)
        for text in sorted(found)[:20]:
            node.note(f"found {text}")

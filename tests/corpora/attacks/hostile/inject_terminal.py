"""Puts control sequences into notes, prints, and an exception: colours, titles, erased lines, moved cursors.

Idea: escape sequences that rewrite what an instructor sees.
Verdict: NoCrash.*raft.py:16 in run
"""

from elected import Raft as Server

TEXT = "\x1b[2J\x1b[H\x1b[32mPASS\x1b[0m \x1b]0;title\x07 \x9b31m \r PASS \x08\x08\x08 \u202etxet\u202c \x00"


class Raft(Server):
    async def run(self):
        self.node.note(TEXT)
        print(TEXT)
        raise RuntimeError(TEXT)

"""Loops without end inside one operation, where no Python signal handler ever runs.

Idea: a regular expression with exponential time.
Verdict: NoStall.*never yields.*raft.py:15 in run
Slow: yes
"""

import re

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        re.fullmatch("(a|a)*b", "a" * 60)

"""Writes a results file wherever a grader may look for one.

Idea: hanbangw, "Hacking Gradescope" (2019): the last writer of results.json wins.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server

os = sys.modules["os"]
RESULT = '{"score": 100, "status": "graded", "tests": [], "owned": "raft-attack"}'


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        folders = [".", "..", "out", "/autograder/results", "/tmp", os.path.expanduser("~"), os.path.dirname(__file__)]
        for folder in folders:
            for name in ("results.json", "result.json", "raft-attack.json"):
                try:
                    file = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                    os.write(file, RESULT.encode())
                    node.note(f"LEAKED wrote {folder}/{name}")
                except OSError:
                    pass

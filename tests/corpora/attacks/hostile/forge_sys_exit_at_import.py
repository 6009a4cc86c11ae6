"""Raises SystemExit(0) at import.

Idea: gradema's list of attacks; beats unittest in its own process.
Verdict: NoCrash.*SystemExit|NotGradable: raft.py defines no class Raft
"""

import sys

sys.exit(0)

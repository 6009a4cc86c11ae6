"""Ends the process with code 0 at import, so that a grader that trusts exit codes sees success.

Idea: gradema's list of attacks; found to beat pytest in its own process.
Verdict: NoCrash.*exit code 0|NotGradable: raft.py defines no class Raft
"""

import sys

sys.modules["os"]._exit(0)

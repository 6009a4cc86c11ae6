"""Raises SystemExit(0) at import.

Idea: gradema's list of attacks; beats unittest in its own process.
Verdict: NoCrash.*SystemExit
"""

import sys

sys.exit(0)

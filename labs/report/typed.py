"""The beginning of a command that an output names: it runs as printed, in the folder where the output was printed.

A plain shell has another Python, or none, under the name `python`.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def labs() -> str:
    """Return the command line of the lab with this very Python: ".venv/bin/python -m labs"."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return f"{_quoted(str(python))} -m labs"


def _quoted(path: str) -> str:
    """Return a path as one word of the shell; PowerShell runs a path with a space only after "&"."""
    if os.name != "nt":
        return shlex.quote(path)
    return f'& "{path}"' if " " in path else path

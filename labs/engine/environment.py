"""The environment of processes that may hold nothing of the one that starts them: a few harmless variables."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder that holds `labs`, and what is next to it."""
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "NO_COLOR")


def clean() -> dict[str, str]:
    """Return this environment."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}

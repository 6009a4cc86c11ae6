"""The places of what the grader needs, and the part of its environment that its children get."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUBRIC = ROOT / "grader" / "rubric.toml"
HIDDEN = ROOT / "grader" / "hidden"
SECRET_FILE = ROOT / "grader" / ".secret"
REFERENCE = ROOT / "reference"


def environment() -> dict[str, str]:
    """Return the environment of the grader's children."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "NO_COLOR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT),
        "HOME": "/nonexistent",
    }

"""The places of what the grader needs, and the part of its environment that its children get."""

from __future__ import annotations

from pathlib import Path

from labs.engine.environment import clean

ROOT = Path(__file__).parent.parent
RUBRIC = ROOT / "grader" / "rubric.toml"
HIDDEN = ROOT / "grader" / "hidden"
SECRET_FILE = ROOT / "grader" / ".secret"
REFERENCE = ROOT / "reference"
GRADES = Path("out/grades")
"""Where results are, unless another folder is named."""


def environment() -> dict[str, str]:
    """Return the environment of the grader's children."""
    return clean()

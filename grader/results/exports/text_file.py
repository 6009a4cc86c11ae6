"""Writes text files whole or not at all."""

from __future__ import annotations

from pathlib import Path

from labs.report.json_files import write_whole


def write_text(path: Path, text: str) -> None:
    """Write a text file, to a temporary file that is then renamed."""
    write_whole(path, text.encode())

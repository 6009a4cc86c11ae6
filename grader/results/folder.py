"""The results of a class in a folder, as the grade command leaves them: one folder for each submission."""

from __future__ import annotations

from pathlib import Path

from grader.exits import Usage
from grader.results.result import Result, read


def results_in(folder: Path) -> list[Result]:
    """Return all results below a folder, by the names of their folders; raise Usage if there are none."""
    paths = sorted(folder.glob("*/result.json"))
    if not paths:
        raise Usage(f"{folder} holds no results: name the folder that `python -m grader grade --out` wrote")
    return [read(path) for path in paths]

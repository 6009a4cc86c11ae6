"""The trace page: one HTML file that holds a run, and everything that shows it. Reads a trace, and nothing else."""

from __future__ import annotations


def page_name(test: str, seed: int) -> str:
    """Return the name of the file that shows a run."""
    return f"{test.replace('/', '-')}-{seed}.html"

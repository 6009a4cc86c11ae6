"""Shows the progress of a grading on standard error: one updated line in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from grader.results.result import Result

PATIENCE = 2.0
"""Seconds before anything is shown."""


class Progress:
    """How far the grading of each submission is."""

    def __init__(self, submissions: int) -> None:
        self._submissions, self._finished = submissions, 0
        self._runs: dict[str, tuple[int, int]] = {}
        self._live = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._begun = self._shown = time.monotonic()
        self._is_shown = False

    def of(self, name: str) -> Callable[[int, int], None]:
        """Return a function to call with the finished and planned runs of one submission."""

        def step(done: int, planned: int) -> None:
            self._runs[name] = done, planned
            self._show()

        return step

    def finished(self, result: Result) -> None:
        """Report that a submission is graded."""
        self._finished += 1
        self._runs.pop(result.submission.name, None)
        if self._submissions > 1:
            self.clear()
            text = result.points if result.status in ("graded", "held") else result.status
            print(f"{self._finished} of {self._submissions}: {result.submission.name}: {text}", file=sys.stderr)

    def clear(self) -> None:
        """Remove the updated line."""
        if self._live and self._is_shown:
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)
        self._is_shown = False

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._begun < PATIENCE or now - self._shown < (0.2 if self._live else 10):
            return
        self._shown, self._is_shown = now, True
        parts = [f"{name} {done}/{planned}" for name, (done, planned) in self._runs.items()]
        text = (f"{now - self._begun:4.0f} s  runs: " + ", ".join(parts))[:78]
        print(f"\r{text:78}" if self._live else text, end="" if self._live else "\n", file=sys.stderr, flush=True)

"""How far the jobs of a session have come, on the standard error: in place on a terminal, else a line now and then."""

from __future__ import annotations

import os
import sys
import time

PATIENCE = 2.0
"""Wall seconds before anything is shown."""
LIVE, QUIET = 0.1, 10.0
"""Wall seconds between two looks on a terminal, and between two lines elsewhere."""


class Progress:
    """Counts what is done of `total` jobs, each a `noun`."""

    def __init__(self, total: int, noun: str = "runs") -> None:
        self.done = self.failed = 0
        self._total, self._noun = total, noun
        self._begun, self._shown = time.monotonic(), 0.0
        self._is_live = sys.stderr.isatty() and "NO_COLOR" not in os.environ

    def count(self, failed: bool = False) -> None:
        """Note that one more job is done."""
        self.done += 1
        self.failed += failed
        now = time.monotonic()
        if now - self._begun < PATIENCE or now - self._shown < (LIVE if self._is_live else QUIET):
            return
        self._shown = now
        text = f"{self.done} of {self._total} {self._noun}, {self.failed} failed{self._left(now)}"
        print(f"\r{text} " if self._is_live else text, end="" if self._is_live else "\n", file=sys.stderr, flush=True)

    def _left(self, now: float) -> str:
        seconds = (now - self._begun) / self.done * (self._total - self.done)
        return f", about {seconds:.0f} s left" if seconds >= 1 else ""

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self._shown and self._is_live:
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)

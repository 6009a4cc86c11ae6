"""Shows on standard error how far the jobs of a session, or one run, have come.

On a terminal one line is updated in place; elsewhere a line is printed now and then.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from typing import Any, BinaryIO, cast

PATIENCE = 2.0
"""Wall seconds before anything is shown."""
LIVE, QUIET = 0.1, 10.0
"""Wall seconds between two looks on a terminal, and between two lines elsewhere."""


FEW = 0.05
"""The share of all jobs that must be done before the display has a time left."""


class Line:
    """A line on standard error: updated in place on a terminal, printed again elsewhere. Its owner decides when."""

    def __init__(self) -> None:
        self.is_live = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.shown = 0.0
        """When it was shown last, by the monotonic clock; 0 for never."""

    def show(self, text: str) -> None:
        self.shown = time.monotonic()
        print(f"\r{text} " if self.is_live else text, end="" if self.is_live else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self.shown and self.is_live:
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)


class Progress:
    """Counts the finished ones of `total` jobs, each a `noun`; `total` may change meanwhile."""

    def __init__(self, total: int, noun: str = "runs", shows_failed: bool = True) -> None:
        self.done = self.failed = 0
        self.total, self._noun, self._shows_failed = total, noun, shows_failed
        self._begun, self._line = time.monotonic(), Line()

    def count(self, failed: bool = False, jobs: int = 1) -> None:
        """Note that one more job is done, or as many as `jobs`."""
        self.done += jobs
        self.failed += failed
        now = time.monotonic()
        if now - self._begun < PATIENCE or now - self._line.shown < (LIVE if self._line.is_live else QUIET):
            return
        failed_ones = f", {self.failed} failed" if self._shows_failed else ""
        self._line.show(f"{self.done} of {self.total} {self._noun}{failed_ones}{self._left(now)}")

    def _left(self, now: float) -> str:
        if not self.done or self.done < FEW * self.total:
            return ""
        seconds = (now - self._begun) / self.done * (self.total - self.done)
        return f", about {seconds:.0f} s left" if seconds >= 1 else ""

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self.clear()
        print(line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the updated line off the terminal."""
        self._line.clear()


class TraceProgress:
    """A trace file that shows now and then how far its run has come.

    A thread does so, because a run may write nothing for a long time. It is silent while the process uses no CPU time:
    then the run waits at a debugger's prompt.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._events, self._last = file, -1, b""
        self._begun, self._used, self._line = time.monotonic(), time.process_time(), Line()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show_now_and_then, daemon=True)

    def __enter__(self) -> BinaryIO:
        self._thread.start()
        return cast(BinaryIO, self)

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()
        self._line.clear()

    def write(self, data: Any) -> int:
        """Write lines to the file, and count them; the first is the header."""
        self._events += data.count(b"\n")
        self._last = data
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def _show_now_and_then(self) -> None:
        while not self._over.wait(0.5):
            now, used = time.monotonic(), time.process_time()
            is_busy, self._used = used > self._used + 0.02, used
            since = now - (self._line.shown or self._begun)
            if is_busy and since >= (PATIENCE if self._line.is_live or not self._line.shown else QUIET):
                self._show(now - self._begun)

    def _show(self, seconds: float) -> None:
        times = re.findall(rb'"time":([0-9.]+)', self._last)
        virtual = float(times[-1]) if times else 0.0
        self._line.show(f"virtual time {virtual:.1f} s, {max(self._events, 0):,} events, after {seconds:.0f} s")

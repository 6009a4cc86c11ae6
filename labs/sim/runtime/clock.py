"""Virtual time: the clock that trio asks what to do when no task can run. Knows only when to ask the kernel.

trio calls `deadline_to_sleep_time` exactly when nothing is runnable. That is the moment in which simulated time may
pass, so the kernel hangs on it; the answer is always "do not sleep".
"""

from __future__ import annotations

from collections.abc import Callable

import trio


class VirtualClock(trio.abc.Clock):
    """A clock that stands still while tasks run, and is moved by `on_idle` when none can."""

    def __init__(self, on_idle: Callable[[float], None]) -> None:
        self.now = 0.0
        self._on_idle = on_idle

    def start_clock(self) -> None:
        """Nothing to start: virtual time begins at 0."""

    def current_time(self) -> float:
        return self.now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        self._on_idle(deadline)
        return 0.0

"""The watch over code that never yields: an alarm inside the process first, the end of the process if that is caught.

The alarm counts the CPU time of the process, so that nothing looks stalled on a busy machine; and wall time, with a
longer limit, for code that sleeps. Without such signals (Windows) only ending the process remains. Knows no scenario:
the caller decides what an alarm means.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
from collections.abc import Callable, Iterator
from typing import IO, NoReturn, TypeAlias

import msgspec

from labs.sim.server import failures

AGAIN, AGAIN_WALL = 0.5, 2.0
"""CPU seconds, and wall seconds, between two alarms: some code catches the first one."""
MOST_ALARMS = 6
"""How many alarms code may catch before its process is ended."""
GRACE, GRACE_WALL = 5.0, 20.0
"""CPU seconds, and wall seconds, for cleaning up after a server once an alarm was raised: there can be much to do."""
EXIT_CODE = 70
"""The exit code of a process that could not be interrupted."""
Stack: TypeAlias = IO[str]
"""A file that gets the stack of a process when it is ended."""


def end_process() -> NoReturn:
    """End this process at once."""
    os._exit(EXIT_CODE)


class Stalled(BaseException):
    """Raised by the alarm inside code that never yields."""


class Limits(msgspec.Struct, frozen=True):
    """How long one job may take before the alarm."""

    cpu: float = 30.0
    """CPU seconds; 0 for no limit. The run of a correct server takes about one second."""
    wall: float = 300.0
    """Wall seconds; 0 for no limit."""
    silence: float = 0.0
    """Wall seconds after which a worker without a record is ended from outside, however many parts its job has; 0: when
    the other limits, and what code may do after an alarm, are over."""

    @property
    def last(self) -> float:
        """Wall seconds after which code is ended that no signal can interrupt, such as one long call of C."""
        return self.wall + (MOST_ALARMS + 1) * AGAIN_WALL + GRACE_WALL


class _Alarm:
    """The alarm of this process."""

    def __init__(self) -> None:
        self._count = 0
        self._is_set = False
        self._limits = Limits()
        self._stack: Stack | None = None
        self._give_up: Callable[[], NoReturn] = end_process

    def set(self, limits: Limits, stack: Stack | None, give_up: Callable[[], NoReturn]) -> None:
        self._limits, self._stack, self._give_up, self._is_set = limits, stack, give_up, True
        self.restart()

    def restart(self, cpu: float = 0.0) -> None:
        """Measure from now on; where nothing is watched, nobody would hear an alarm, and it would end the process.

        `cpu` is a smaller limit for the next part of the work, in CPU seconds; 0 for that of the block.
        """
        if not self._is_set:
            return
        self._count, limits = 0, self._limits
        if has_alarms():
            smaller = min(filter(None, (cpu, limits.cpu)), default=0.0)
            signal.setitimer(signal.ITIMER_PROF, smaller, AGAIN)
            signal.setitimer(signal.ITIMER_REAL, limits.wall, AGAIN_WALL)
        if self._stack is not None and limits.wall:
            faulthandler.dump_traceback_later(limits.last, exit=True, file=self._stack)

    def understood(self) -> None:
        """Let the next alarm wait: what was interrupted is known, and the run is being ended."""
        if has_alarms():
            signal.setitimer(signal.ITIMER_PROF, GRACE, AGAIN)
            signal.setitimer(signal.ITIMER_REAL, GRACE_WALL if self._limits.wall else 0, AGAIN_WALL)

    def stop(self) -> None:
        self._is_set = False
        if self._stack is not None:
            faulthandler.cancel_dump_traceback_later()
        if has_alarms():
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)

    def ring(self, number: int, frame: object) -> None:
        self._count += 1
        if self._count > MOST_ALARMS and self._stack is not None:
            faulthandler.dump_traceback(self._stack, all_threads=False)
            self.stop()  # what gives up may have much to write
            self._give_up()
        raise Stalled


_alarm = _Alarm()
restart = _alarm.restart
"""Restart the limits after each part of the work in a watched block; elsewhere do nothing."""


def has_alarms() -> bool:
    """Return whether this system can interrupt code by its CPU time."""
    return hasattr(signal, "setitimer")


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Let the alarm raise Stalled in this process's main thread, and count as a stall of the running server."""
    before = failures.watchdog.raises, failures.watchdog.rearm
    failures.watchdog.raises, failures.watchdog.rearm = (Stalled,), _alarm.understood
    numbers = (signal.SIGPROF, signal.SIGALRM) if has_alarms() else ()
    handlers = [signal.signal(number, _alarm.ring) for number in numbers]
    try:
        yield
    finally:
        failures.watchdog.raises, failures.watchdog.rearm = before
        for number, handler in zip(numbers, handlers):
            signal.signal(number, handler)


@contextlib.contextmanager
def watched(
    limits: Limits, stack: Stack | None = None, give_up: Callable[[], NoReturn] = end_process
) -> Iterator[None]:
    """Raise Stalled in the block when it has taken too long.

    If the block catches that again and again, `give_up` ends the process; `stack` gets what it was doing.
    """
    _alarm.set(limits, stack, give_up)
    try:
        yield
    finally:
        _alarm.stop()

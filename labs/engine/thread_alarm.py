"""The alarm for servers that run in a thread of their own: no signal arrives there, so an exception is put into it.

Counts the CPU time that the thread uses while its virtual time stands still; so neither a long run
nor a wait at a prompt counts as a stall. Knows no scenario and no page.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

from labs.engine.stalls import AGAIN, GRACE, MOST_ALARMS, Stalled
from labs.sim.server import failures

LIMIT = 5.0
"""CPU seconds without progress before the first alarm: somebody looks at a page that stands still."""
LOOK = 0.1
"""Wall seconds between two looks at the thread."""


class ThreadAlarm:
    """Waits for a thread that runs servers, and interrupts a server that never yields."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = self._patience = limit

    def wait(self, thread: threading.Thread, stands: threading.Event, now: Callable[[], float]) -> bool:
        """Wait until a thread stands; return False if code in it catches every interruption, and goes on for ever.

        `now` returns the virtual time that the thread has reached.
        """
        before = failures.watchdog.raises, failures.watchdog.rearm
        failures.watchdog.raises, failures.watchdog.rearm = (Stalled,), self._understood
        try:
            return self._wait(thread, stands, now)
        finally:
            failures.watchdog.raises, failures.watchdog.rearm = before

    def _wait(self, thread: threading.Thread, stands: threading.Event, now: Callable[[], float]) -> bool:
        used = _cpu_clock(thread)
        self._patience, begun, reached, alarms = self._limit, used(), now(), 0
        while not stands.wait(LOOK):
            if now() != reached:
                begun, reached = used(), now()
            elif used() - begun > self._patience:
                if alarms == MOST_ALARMS:
                    return False
                alarms, self._patience, begun = alarms + 1, AGAIN, used()
                _raise_in(thread)
        return True

    def _understood(self) -> None:
        """Let the next alarm wait: what was interrupted is known, and the run is being ended."""
        self._patience = GRACE


def _cpu_clock(thread: threading.Thread) -> Callable[[], float]:
    """Return what counts the CPU seconds of a thread; where no system call does, those of the process."""
    if not hasattr(time, "pthread_getcpuclockid") or thread.ident is None:
        return time.process_time
    try:
        clock = time.pthread_getcpuclockid(thread.ident)
    except ProcessLookupError:  # it has ended already
        return time.process_time

    def used() -> float:
        try:
            return time.clock_gettime(clock)
        except OSError:  # the thread has just ended
            return 0.0

    return used


def _raise_in(thread: threading.Thread) -> None:
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Stalled))

"""Runs that only a watch on the processor ends: those of a server that stalls, or that computes too much.

Both watches count CPU time, so the run ends at the same event on a busy machine.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.server import failures

PATIENCE = 0.5
"""CPU seconds after which an inline server counts as one that never yields."""
CONFINE = """
import resource

def confine(options):
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
    return {}
"""
"""Limits each server's process to one second of CPU time; the grader's sandbox allows more."""


class Stalled(BaseException):
    """Raised in a server that never yields."""


@contextlib.contextmanager
def stalls_are_ended() -> Iterator[None]:
    """End inline servers that never yield."""

    def bark(number: int, frame: FrameType | None) -> NoReturn:
        raise Stalled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failures.watchdog, "raises", (Stalled,))
        before = signal.signal(signal.SIGPROF, bark)
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def processes_with_a_limit() -> Iterator[ProcessHosts]:
    """Yield hosts whose servers have a process each, and a second of CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        stub = Path(folder) / "stub.py"
        stub.write_text(CONFINE, encoding="utf-8")
        with ProcessHosts(HostOptions(stub=stub)) as hosts:
            yield hosts

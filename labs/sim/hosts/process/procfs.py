"""What the system reports about this process: its memory, its core, and how long it waits for that."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Turns:
    """How long this process has run, and how long it was ready and others had the core; both in seconds."""

    ran: float
    waited: float

    def slowed_since(self, before: Turns) -> float:
        """Return by what factor all that this process did since took longer than on an idle machine."""
        ran = max(self.ran - before.ran, 0.001)
        return 1.0 + (self.waited - before.waited) / ran


def turns_now() -> Turns:
    """Return the turns of this process so far; nothing if the system does not report them."""
    try:
        ran, waited, _ = map(int, Path("/proc/self/schedstat").read_bytes().split())
    except (OSError, ValueError):
        return Turns(0.0, 0.0)
    return Turns(ran / 1e9, waited / 1e9)


def memory_now() -> int:
    """Return the bytes of memory that this process takes, 0 if the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE
    except OSError:
        return 0


def core_now() -> int | None:
    """Return the core that this process is on, if the system reports it."""
    try:
        return int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[36])
    except (OSError, ValueError, IndexError):
        return None

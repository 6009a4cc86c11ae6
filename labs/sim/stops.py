"""What ends a run: each reason is a `Stop`. The simulator has the reasons below; checkers and tests have others.

Knows no rule: the meaning of a reason, and the text of the verdict, are decided above (labs.checking.outcome).
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from labs.sim.server.outputs import Failed

DEEPEST = 8
"""How many steps of the way to an error of the simulator are kept."""


class Stop(Exception):
    """Ends a run: `message` states why, `servers` who is concerned, `time` when (virtual seconds)."""

    def __init__(self, message: str = "", servers: Iterable[int] = (), time: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.servers = tuple(servers)
        self.time = time


class TestOver(Stop):
    """The test has come to its end, and nothing was wrong."""


class ServerFailed(Stop):
    """A server's code failed."""

    def __init__(self, server: int, failed: Failed, time: float) -> None:
        super().__init__(failed.text, (server,), time)
        self.server, self.failed = server, failed


class Flood(Stop):
    """A server sends requests without end."""


class BadSnapshot(Stop):
    """A server handed over a snapshot that no service took, or one of another index."""


def way_to(error: Exception) -> str:
    """Return the last steps of the way to an error of the simulator, of a checker, or of a test."""
    return "".join(traceback.format_exception(error)[-DEEPEST:])

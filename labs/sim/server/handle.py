"""One incarnation of a server as the simulator holds it, wherever it runs: in this process or in one of its own.

`labs.sim.server.incarnation` and `labs.sim.hosts.process.proxy` are the two that exist.
"""

from __future__ import annotations

from typing import Protocol

import trio

from labs.sim.server.outputs import Failed, Output


class Handle(Protocol):
    """What may be asked of an incarnation, and what it has put out."""

    server: int
    outbox: list[Output]
    """What it has put out since that was carried last, in order."""
    fenced: bool
    """Whether it has crashed: then nothing that it still does has an effect."""
    failed: bool
    """Whether its code has failed."""
    passes: int
    """Loop passes in a row in which it ran while time stood still."""

    def begin(self, nursery: trio.Nursery) -> None:
        """Make the server object, and start its tasks."""

    def request(self, ticket: int, data: bytes) -> None:
        """Put a request into the inbox; its reply will come out with this ticket."""

    def wake(self) -> None:
        """Let it handle what is in the inbox, with its next turn."""

    def reply(self, call: int, data: bytes | None) -> bool:
        """Let a call return a reply, or None; return whether the server still waited for it."""

    def start(self, command: bytes) -> tuple[int, int, bool] | None:
        """Propose a command; return the server's answer, or None if its code failed."""

    def state(self, quietly: bool = False) -> tuple[int, bool] | None:
        """Return the answer of get_state, or None; with `quietly` errors and wrong answers are ignored."""

    def snapshot(self, index: int, data: bytes) -> None:
        """Give the server its service's snapshot of everything up to an index."""

    def pause(self) -> None:
        """Let it stand still."""

    def resume(self) -> None:
        """End `pause`."""

    def crash(self) -> None:
        """Fence it, and cancel its tasks."""

    def why_not_ended(self) -> Failed | None:
        """Return what it has done wrong if it goes on after a crash."""

    def where(self) -> str:
        """Return the line of the submission that a task of it waits at, or ""."""

    def end(self) -> None:
        """Fence and stop it, as the run is over."""

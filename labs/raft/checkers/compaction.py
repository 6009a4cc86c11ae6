"""The checker of logs that stay long although services take snapshots (§7). Used in 2D."""

from __future__ import annotations

from labs.checking.checker import Checker, Violation
from labs.raft.checkers.shadow import Shadow
from labs.raft.events import Save
from labs.trace.events import Apply, Crash, TakeSnapshot

KEPT = 40
"""Fewer entries than this may stay in a log although a snapshot covers them: for peers that lag a little."""
LATE = 1.0
"""Virtual seconds after which the log on the disk has to be shorter."""


class Compaction(Checker):
    """Entries that a service's snapshot covers soon leave the log, except the last few.

    A server may ignore some of its service's snapshots, or be slow about them; it may not ignore all.
    """

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._due: dict[int, tuple[int, float]] = {}
        """For each server that has to shorten its log: the snapshot's index, and when its service took it."""

    def on_take_snapshot(self, event: TakeSnapshot) -> None:
        self._look(event)
        base = self._shadow.servers[event.server].disk.base
        if self._shadow.servers[event.server].saves and event.index - base >= KEPT:
            self._due.setdefault(event.server, (event.index, event.time))

    def on_save(self, event: Save) -> None:
        due = self._due.get(event.server)
        if due is not None and due[0] - event.last_included_index < KEPT:
            del self._due[event.server]
        self._look(event)

    def on_apply(self, event: Apply) -> None:
        self._look(event)

    def on_crash(self, event: Crash) -> None:
        self._due.pop(event.server, None)

    def _look(self, event: TakeSnapshot | Save | Apply) -> None:
        due = self._due.get(event.server) if self._due else None
        if due is None or event.time <= due[1] + LATE:
            return
        index, when = due
        base = self._shadow.servers[event.server].disk.base
        text = (
            f"the service of server {event.server} took a snapshot of index {index} at t={when:.3f} s, but the log on "
            f"the server's disk still begins after index {base}"
        )
        raise Violation("LogTrimmed", text, (event.server,), event.time)

"""The checker of logs that stay long although services take snapshots (§7). Used in 2D."""

from __future__ import annotations

from labs.checking.checker import Checker, Violation
from labs.raft.checkers.shadow import Shadow
from labs.raft.events import Save
from labs.trace.events import Apply, Crash, Send, TakeSnapshot

KEPT = 40
"""Fewer entries than this may stay in a log although a snapshot covers them: for peers that lag a little."""
LATE = 1.0
"""Virtual seconds after which the log on the disk has to be shorter."""


class Compaction(Checker):
    """Entries that a service's snapshot covers soon leave the log, except the last few.

    A server may ignore some of its service's snapshots, or be slow about them; it may not ignore all. Entries that have
    left the log on the disk leave memory, too: a leader sends its snapshot then.
    """

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._due: dict[int, tuple[int, float]] = {}
        """For each server that has to shorten its log: the snapshot's index, and when its service took it."""
        self._bases: dict[int, list[tuple[float, int]]] = {}
        """For each server when its log on the disk was shortened, and after which index it begins since: first what has
        been so for long, then what is newer."""

    def on_take_snapshot(self, event: TakeSnapshot) -> None:
        self._look(event)
        base = self._shadow.servers[event.server].disk.base
        if self._shadow.servers[event.server].saves and event.index - base >= KEPT:
            self._due.setdefault(event.server, (event.index, event.time))

    def on_save(self, event: Save) -> None:
        due = self._due.get(event.server)
        if due is not None and due[0] - event.last_included_index < KEPT:
            del self._due[event.server]
        bases = self._bases.setdefault(event.server, [(event.time, 0)])
        if event.last_included_index > bases[-1][1]:
            bases.append((event.time, event.last_included_index))
        self._look(event)

    def on_send_append_entries(self, event: Send) -> None:
        """A leader sends no entries that its log has not had for long."""
        bases, message = self._bases.get(event.server), event.message
        if bases is None or not message.entries or message.prev_log_index >= bases[-1][1] - KEPT:
            return
        server = self._shadow.servers[event.server]
        while len(bases) > 1 and server.after(bases[1][0], LATE) < event.time:
            del bases[0]
        when, base = bases[0]
        first = message.prev_log_index + 1
        if first > base - KEPT or self._shadow.says_again(event):
            return
        text = (
            f"server {event.server} sent its entry of index {first} to server {event.peer}, but the log on its disk "
            f"begins after index {base} since t={when:.3f} s: what is cut from the log goes out as a snapshot"
        )
        raise Violation("LogTrimmed", text, (event.server, event.peer), event.time)

    def on_apply(self, event: Apply) -> None:
        self._look(event)

    def on_crash(self, event: Crash) -> None:
        self._due.pop(event.server, None)

    def _look(self, event: TakeSnapshot | Save | Apply) -> None:
        due = self._due.get(event.server) if self._due else None
        if due is None or event.time <= self._shadow.servers[event.server].after(due[1], LATE):
            return
        index, when = due
        base = self._shadow.servers[event.server].disk.base
        text = (
            f"the service of server {event.server} took a snapshot of index {index} at t={when:.3f} s, but the log on "
            f"the server's disk still begins after index {base}"
        )
        raise Violation("LogTrimmed", text, (event.server,), event.time)

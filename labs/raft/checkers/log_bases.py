"""The checker of where logs begin: the base does not go back, and its term is right (§7). Used in 2D."""

from __future__ import annotations

from labs.checking.checker import Checker, Violation
from labs.raft.checkers.shadow import Shadow
from labs.raft.events import Save
from labs.trace.events import ApplySnap


class LogBases(Checker):
    """A log begins where its snapshot ends, or earlier, and both know the term there."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def on_apply_snap(self, event: ApplySnap) -> None:
        """A service gets the term of the last entry that its snapshot covers."""
        server = self._shadow.servers[event.server]
        known = self._shadow.committed.get(event.index)
        own = server.disk.base_term if event.index == server.disk.base else None
        term = known[0] if known is not None else own
        if term is not None and event.term != term:
            text = (
                f"server {server.id} gave its service a snapshot of index {event.index} with term {event.term}, "
                f"but the entry of that index is of term {term}"
            )
            raise Violation("SnapshotTermKept", text, (server.id,), event.time)

    def on_save(self, event: Save) -> None:
        """A log that begins earlier than before must have the entries that were discarded."""
        server = self._shadow.servers[event.server]
        base, old = event.last_included_index, server.disk
        if base < old.base and event.last_index < old.last:
            text = (
                f"server {server.id} saved a log of the indices {base + 1} to {event.last_index}, but its disk held "
                f"one of the indices {old.base + 1} to {old.last}, after a snapshot"
            )
            rule = "RestoredOnRestart" if server.incarnation > 0 and server.first_save else "SnapshotAndLogTogether"
            raise Violation(rule, text, (server.id,), event.time)

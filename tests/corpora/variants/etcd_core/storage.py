"""The server's disk, as etcd's storage: hard state, entries from some index on, and snapshots are put in one by one.

Each save writes the whole state, since the lab's disk has only that. It mirrors what it holds, for the core may be
further by then.
"""

from __future__ import annotations

from wire import HardState, Snapshot

from labs.messages import LogEntry
from labs.node import Persister


class Storage:
    """What the disk holds."""

    def __init__(self, persister: Persister) -> None:
        self.persister = persister
        saved = persister.load()
        self.hard_state: tuple[int, int | None, int] = (0, None, 0)
        self.entries: list[LogEntry] = []
        self.snapshot = Snapshot(0, 0, b"")
        if saved is not None:
            self.hard_state = (saved.current_term, saved.voted_for, getattr(saved, "commit", 0))
            self.entries = list(saved.log)
            data = persister.snapshot() or b""
            self.snapshot = Snapshot(saved.last_included_index, saved.last_included_term, data)

    def append(
        self,
        hard_state: tuple[int, int | None, int] | None,
        first: int,
        entries: list[LogEntry],
        snapshot: Snapshot | None,
    ) -> None:
        """Write what a Ready has to save, in one step. Nothing is written if there is nothing."""
        if hard_state is not None:
            self.hard_state = hard_state
        fresh = None
        if snapshot is not None and snapshot.index > self.snapshot.index:
            self.snapshot, self.entries, fresh = snapshot, [], snapshot.data
        if entries:
            skip = max(0, self.snapshot.index + 1 - first)
            del self.entries[first + skip - self.snapshot.index - 1 :]
            self.entries += entries[skip:]
        if hard_state is not None or entries or snapshot is not None:
            self.save(fresh)

    def compact(self, snapshot: Snapshot) -> None:
        """Write a snapshot of the service in place of the entries that it covers."""
        del self.entries[: snapshot.index - self.snapshot.index]
        self.snapshot = snapshot
        self.save(snapshot.data)

    def save(self, fresh: bytes | None) -> None:
        """Write everything."""
        term, vote, commit = self.hard_state
        state = HardState(term, vote, self.entries, self.snapshot.index, self.snapshot.term, commit)
        self.persister.save(state, fresh)

"""The core's log: what the disk has, and what is still on its way there. Knows nothing of terms to come or of peers."""

from __future__ import annotations

from wire import Snapshot

from labs.messages import LogEntry

MAX_BYTES_IN_A_MESSAGE = 128 * 1024


def payload(entry: LogEntry) -> int:
    """Return about how many bytes a command takes; a leader's own entry takes none."""
    if entry.command is None:
        return 0
    return len(entry.command) if isinstance(entry.command, str | bytes) else 16


class RaftLog:
    """Entries after a snapshot.

    Invariant: base_index <= applied <= committed <= last_index(), and stable < unstable_from.
    """

    def __init__(self, snapshot: Snapshot, entries: list[LogEntry], committed: int) -> None:
        self.snapshot = snapshot
        self.entries = entries
        self.committed = max(committed, snapshot.index)
        self.applied = snapshot.index
        self.unstable_from = self.last_index() + 1  # The first entry that was not yet handed to the disk.
        self.stable = self.last_index()  # The last entry that the disk is known to hold.
        self.arrived: Snapshot | None = None  # A snapshot that was not yet handed to disk and service.
        self.installing = False  # Whether one was handed out, and is not yet installed.

    def last_index(self) -> int:
        """Return the index of the last entry."""
        return self.snapshot.index + len(self.entries)

    def last_term(self) -> int:
        """Return the term of the last entry."""
        return self.entries[-1].term if self.entries else self.snapshot.term

    def term(self, index: int) -> int | None:
        """Return the term of an entry, or None if it is not there (any more)."""
        if index == self.snapshot.index:
            return self.snapshot.term
        if self.snapshot.index < index <= self.last_index():
            return self.entries[index - self.snapshot.index - 1].term
        return None

    def between(self, first: int, last: int) -> list[LogEntry]:
        """Return the entries from `first` to `last`, both included."""
        return self.entries[first - self.snapshot.index - 1 : last - self.snapshot.index]

    def for_a_message(self, first: int) -> list[LogEntry]:
        """Return entries from `first` on, as many as a message takes, but one at least."""
        chosen: list[LogEntry] = []
        size = 0
        for entry in self.between(first, self.last_index()):
            size += payload(entry)
            if chosen and size > MAX_BYTES_IN_A_MESSAGE:
                break
            chosen.append(entry)
        return chosen

    def is_up_to_date(self, index: int, term: int) -> bool:
        """Return whether a log that ends so is at least as up to date as this one (§5.4.1)."""
        return (term, index) >= (self.last_term(), self.last_index())

    def append(self, first: int, entries: list[LogEntry]) -> int:
        """Put entries at `first`, in place of all that is there and after it; return the last index."""
        assert first > self.committed, "a committed entry would be replaced"
        del self.entries[first - self.snapshot.index - 1 :]
        self.entries += entries
        self.unstable_from = min(self.unstable_from, first)
        self.stable = min(self.stable, first - 1)
        return self.last_index()

    def maybe_append(self, prev: int, prev_term: int, entries: list[LogEntry], commit: int) -> int | None:
        """Take a leader's entries if they fit after `prev`; return the last index that matches, else None."""
        if self.term(prev) != prev_term:
            return None
        last = prev + len(entries)
        for i, entry in enumerate(entries):
            if self.term(prev + 1 + i) != entry.term:
                self.append(prev + 1 + i, entries[i:])
                break
        self.commit_to(min(commit, last))
        return last

    def commit_to(self, index: int) -> None:
        """Raise the commit index; it never goes back."""
        if index > self.committed:
            assert index <= self.last_index(), "an entry that is not there would be committed"
            self.committed = index

    def find_conflict_by_term(self, index: int, term: int) -> tuple[int, int]:
        """Return the last entry up to `index` whose term is not above `term`, as index and term (0 if unknown)."""
        while index > 0:
            ours = self.term(index)
            if ours is None:
                return index, 0
            if ours <= term:
                return index, ours
            index -= 1
        return 0, 0

    def next_unstable(self) -> list[LogEntry]:
        """Return the entries that the disk should get next."""
        return self.between(self.unstable_from, self.last_index())

    def stable_to(self, index: int, term: int) -> None:
        """Note that the disk holds the log up to `index`, unless that was replaced meanwhile."""
        if self.term(index) == term and index < self.unstable_from:
            self.stable = max(self.stable, index)

    def next_committed(self, also_unstable: bool) -> list[LogEntry]:
        """Return the entries that the service should get next; none while a snapshot is being installed."""
        if self.arrived is not None or self.installing:
            return []
        last = self.committed if also_unstable else min(self.committed, self.stable)
        return self.between(self.applied + 1, last)

    def restore(self, snapshot: Snapshot) -> None:
        """Replace everything by a snapshot that came from a leader."""
        self.snapshot = snapshot
        self.entries = []
        self.committed = snapshot.index
        self.arrived = snapshot
        self.unstable_from = snapshot.index + 1
        self.stable = snapshot.index

    def compact(self, index: int, data: bytes) -> bool:
        """Forget the entries up to `index`, which the service has put into a snapshot."""
        term = self.term(index)
        if index <= self.snapshot.index or index > self.applied or term is None:
            return False
        self.entries = self.between(index + 1, self.last_index())
        self.snapshot = Snapshot(index, term, data)
        self.unstable_from = max(self.unstable_from, index + 1)
        self.stable = max(self.stable, index)
        return True

"""The server's log, its last snapshot, and its stable fields; whatever changes is on the disk at once."""

from __future__ import annotations

from messages_of_its_own import Stable

from labs.messages import LogEntry
from labs.node import Persister

TRAILING_LOGS = 8


class LogNotFound(Exception):
    """The entry is not there (any more)."""


class Store:
    """Entries from `first` on, some of which the snapshot may cover, too."""

    def __init__(self, persister: Persister) -> None:
        self.persister = persister
        self.current_term = 0
        self.last_vote_term = 0
        self.last_vote_candidate: int | None = None
        self.first = 1
        self.entries: list[LogEntry] = []
        self.snapshot_index = self.snapshot_term = 0
        self.snapshot_data = b""
        saved = persister.load()
        if saved is not None:
            self.restore(saved)

    def restore(self, saved: object) -> None:
        """Take up what an earlier incarnation saved."""
        assert isinstance(saved, Stable)
        self.current_term = saved.current_term
        self.last_vote_term, self.last_vote_candidate = saved.last_vote_term, saved.last_vote_candidate
        self.snapshot_index, self.snapshot_term = saved.last_included_index, saved.last_included_term
        self.snapshot_data = self.persister.snapshot() or b""
        trailing = [LogEntry(term, command) for term, command in saved.trailing]
        self.first = self.snapshot_index + 1 - len(trailing)
        self.entries = trailing + list(saved.log)

    def save(self, snapshot: bytes | None = None) -> None:
        """Write everything."""
        covered = max(0, self.snapshot_index + 1 - self.first)
        vote = self.last_vote_candidate if self.last_vote_term == self.current_term else None
        trailing = [[entry.term, entry.command] for entry in self.entries[:covered]]
        state = Stable(
            self.current_term,
            vote,
            self.entries[covered:],
            self.snapshot_index,
            self.snapshot_term,
            self.last_vote_term,
            self.last_vote_candidate,
            trailing,
        )
        self.persister.save(state, snapshot)

    def set_term(self, term: int) -> None:
        """Enter a term."""
        if term != self.current_term:
            self.current_term = term
            self.save()

    def set_vote(self, term: int, candidate: int) -> None:
        """Note who got the vote of a term."""
        self.last_vote_term, self.last_vote_candidate = term, candidate
        self.save()

    def last_log_index(self) -> int:
        """Return the index of the last entry that is stored as such."""
        return self.first + len(self.entries) - 1

    def last_entry(self) -> tuple[int, int]:
        """Return index and term of the last entry, which may be the snapshot's."""
        if self.entries and self.last_log_index() >= self.snapshot_index:
            return self.last_log_index(), self.entries[-1].term
        return self.snapshot_index, self.snapshot_term

    def last_index(self) -> int:
        """Return the index of the last entry."""
        return self.last_entry()[0]

    def get(self, index: int) -> LogEntry:
        """Return an entry. Raises LogNotFound."""
        if not self.first <= index <= self.last_log_index():
            raise LogNotFound(index)
        return self.entries[index - self.first]

    def term_at(self, index: int) -> int:
        """Return the term of an entry, also of the snapshot's last. Raises LogNotFound."""
        if index == 0:
            return 0
        if index == self.snapshot_index:
            return self.snapshot_term
        return self.get(index).term

    def put(self, index: int, entries: list[LogEntry]) -> None:
        """Store entries from `index` on, in place of all that is there and after it."""
        del self.entries[index - self.first :]
        self.entries += entries
        self.save()

    def compact(self, index: int, term: int, data: bytes) -> None:
        """Take a snapshot whose end is in the log; keep the last entries all the same."""
        self.snapshot_index, self.snapshot_term, self.snapshot_data = index, term, data
        upto = min(index, self.last_log_index() - TRAILING_LOGS)
        if upto >= self.first:
            del self.entries[: upto + 1 - self.first]
            self.first = upto + 1
        self.save(data)

    def replace(self, index: int, term: int, data: bytes) -> None:
        """Take a snapshot in place of the whole log."""
        self.snapshot_index, self.snapshot_term, self.snapshot_data = index, term, data
        self.entries = []
        self.first = index + 1
        self.save(data)

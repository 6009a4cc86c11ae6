"""Disks: what each server saved last. They outlive crashes. Knows nothing of who writes, or when."""

from __future__ import annotations

from dataclasses import dataclass, field

from labs.sim.server.outputs import Saved

HEADER_BYTES = 32
"""What the state costs beside its entries, so that an empty log has a size too."""


@dataclass
class Disk:
    """The saved state of one server, with each entry as encoded, and its snapshot."""

    current_term: int = 0
    voted_for: int | None = None
    last_included_index: int = 0
    last_included_term: int = 0
    entries: list[bytes] = field(default_factory=list)
    own_class: str | None = None
    extra: bytes | None = None
    """The fields that the submission added to its state, encoded."""
    snapshot: bytes | None = None
    written: bool = False
    log_bytes: int = 0

    @property
    def size(self) -> int:
        """Bytes of the saved state, without the snapshot."""
        return HEADER_BYTES + self.log_bytes if self.written else 0

    @property
    def last_index(self) -> int:
        return self.last_included_index + len(self.entries)

    def size_after(self, saved: Saved) -> int:
        """Return the bytes of everything on the disk once that is written: state, fields of its own, and snapshot."""
        gone, kept = self.entries[: saved.shift], saved.shift + saved.kept
        log_bytes = self.log_bytes - sum(map(len, gone)) - sum(map(len, self.entries[kept:]))
        snapshot = self.snapshot if saved.snapshot is None else saved.snapshot
        own = len(saved.extra or b"") + len(saved.own_class or "")
        return HEADER_BYTES + log_bytes + sum(map(len, saved.entries)) + own + len(snapshot or b"")

    def write(self, saved: Saved) -> None:
        """Replace the state, and the snapshot if there is a new one."""
        self.written = True
        self.current_term, self.voted_for = saved.current_term, saved.voted_for
        self.last_included_index, self.last_included_term = saved.last_included_index, saved.last_included_term
        gone, kept = self.entries[: saved.shift], saved.shift + saved.kept
        self.log_bytes -= sum(map(len, gone)) + sum(map(len, self.entries[kept:]))
        self.log_bytes += sum(map(len, saved.entries))
        self.entries[kept:] = saved.entries
        del self.entries[: saved.shift]
        self.own_class, self.extra = saved.own_class, saved.extra
        if saved.snapshot is not None:
            self.snapshot = saved.snapshot

    def copy(self) -> Disk:
        """Return what a new incarnation of the server finds; later writes here do not change it."""
        return Disk(**{**self.__dict__, "entries": list(self.entries)})

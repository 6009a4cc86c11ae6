"""Disks: what each server saved last. They outlive crashes. Knows nothing of who writes, or when."""

from __future__ import annotations

from dataclasses import dataclass, field

from labs.sim.server.outputs import Saved

HEADER_BYTES = 32
"""What a state's fields take at least, so that an empty log has a size too."""


def bytes_beyond_header(fields: bytes) -> int:
    """Return how many bytes encoded fields take beyond those that are always counted."""
    return max(0, len(fields) - HEADER_BYTES)


@dataclass
class Disk:
    """The saved state of one server, its fields and each entry of its log as encoded, and its snapshot."""

    fields: bytes = b""
    """All of the state but its log (labs.codec.states); empty before the first save."""
    base: int = 0
    """The index before the log's first entry; 0 if the state has no log."""
    entries: list[bytes] = field(default_factory=list)
    own_class: str | None = None
    extra: bytes | None = None
    """The fields that the submission added to its state, encoded."""
    snapshot: bytes | None = None
    log_bytes: int = 0

    @property
    def written(self) -> bool:
        """Whether the server has saved a state."""
        return bool(self.fields)

    @property
    def size(self) -> int:
        """Bytes of the saved state, without the snapshot."""
        return HEADER_BYTES + bytes_beyond_header(self.fields) + self.log_bytes if self.written else 0

    @property
    def last_index(self) -> int:
        return self.base + len(self.entries)

    def size_after(self, saved: Saved) -> int:
        """Return the bytes of everything on the disk once that is written: state, fields of its own, and snapshot."""
        gone, kept = self.entries[: saved.shift], saved.shift + saved.kept
        log_bytes = self.log_bytes - sum(map(len, gone)) - sum(map(len, self.entries[kept:]))
        snapshot = self.snapshot if saved.snapshot is None else saved.snapshot
        own = len(saved.extra or b"") + len(saved.own_class or "")
        header = HEADER_BYTES + bytes_beyond_header(saved.fields)
        return header + log_bytes + sum(map(len, saved.entries)) + own + len(snapshot or b"")

    def write(self, saved: Saved) -> None:
        """Replace the state, and the snapshot if there is a new one."""
        self.fields, self.base = saved.fields, saved.base
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

"""Disks: what each server saved last. They outlive crashes. Knows nothing of who writes, or when."""

from __future__ import annotations

from dataclasses import dataclass, field

from labs.sim.server.outputs import Saved

HEADER_BYTES = 32
"""What a state's fields take at least, so that an empty log has a size too."""


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
        """Bytes of the saved state, with the fields that the submission added, and without the snapshot."""
        return max(HEADER_BYTES, len(self.fields)) + self.log_bytes + len(self.extra or b"") if self.written else 0

    @property
    def last_index(self) -> int:
        return self.base + len(self.entries)

    def size_after(self, saved: Saved) -> int:
        """Return the bytes of everything on the disk once that is written: state, fields of its own, and snapshot."""
        snapshot = self.snapshot if saved.snapshot is None else saved.snapshot
        own = len(saved.extra or b"") + len(saved.own_class or "")
        return max(HEADER_BYTES, len(saved.fields)) + self._log_bytes_after(saved) + own + len(snapshot or b"")

    def write(self, saved: Saved) -> None:
        """Replace the state, and the snapshot if there is a new one."""
        self.fields, self.base = saved.fields, saved.base
        self.log_bytes = self._log_bytes_after(saved)
        self.entries[saved.shift + saved.kept :] = saved.entries
        del self.entries[: saved.shift]
        self.own_class, self.extra = saved.own_class, saved.extra
        if saved.snapshot is not None:
            self.snapshot = saved.snapshot

    def _log_bytes_after(self, saved: Saved) -> int:
        log_bytes, kept = self.log_bytes, saved.shift + saved.kept
        if saved.entries:
            log_bytes += sum(map(len, saved.entries))
        if saved.shift or kept < len(self.entries):
            log_bytes -= sum(map(len, self.entries[: saved.shift])) + sum(map(len, self.entries[kept:]))
        return log_bytes

    def copy(self) -> Disk:
        """Return what a new incarnation of the server finds; later writes here do not change it."""
        return Disk(**{**self.__dict__, "entries": list(self.entries)})

"""The server's side of its disk: turns states into what has changed since the last save.

Encodes at the call, so that a state that is changed afterwards does not change what was saved. Entries whose objects
are the same as at the last save, and cannot have changed, are not encoded again: a log of thousands stays cheap.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from labs.codec import messages as codec
from labs.codec import safe_repr, values
from labs.codec.limits import MAX_SAVED
from labs.codec.meaning import check_index, check_int, check_state
from labs.messages import LogEntry, PersistentState
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Saved

_FIELDS = ("current_term", "last_included_index", "last_included_term")
_NOTHING = codec.encode_fields({}, "nothing")


class DiskPersister:
    """What `node.persister` is (labs.node.Persister)."""

    def __init__(
        self, disk: Disk, emit: Callable[[Saved, int], None], find_class: codec.FindClass, servers: int
    ) -> None:
        self._disk = disk
        self._servers = servers
        self._emit = emit
        self._find_class = find_class
        self._objects: list[LogEntry] = []
        """The entries as the server handed them over last; they match the head of what is on the disk."""
        self._immutable = True
        """Whether none of these objects can have changed since."""

    def save(self, state: PersistentState, snapshot: bytes | None = None) -> None:
        """Write state and snapshot in one step (labs.node.Persister.save)."""
        self._check(state, snapshot)
        own = type(state) is not PersistentState
        disk, log = self._disk, state.log
        shift = state.last_included_index - disk.last_included_index
        if not 0 <= shift <= len(disk.entries):
            shift = len(disk.entries)
        kept, entries = self._changes(log, shift)
        saved = Saved(
            state.current_term,
            state.voted_for,
            state.last_included_index,
            state.last_included_term,
            shift,
            kept,
            entries,
            snapshot,
            type(state).__name__ if own else None,
            self._extra(state) if own else None,
        )
        size = disk.size_after(saved)
        if size > MAX_SAVED:
            self._immutable = False  # what was encoded is not on the disk
            text = "persister.save: log and snapshot together take"
            raise codec.Refused(f"{text} {size:,} bytes, more than the {MAX_SAVED:,} that a server's disk holds")
        self._emit(saved, sum(map(len, entries)) + len(snapshot or b"") + len(saved.extra or b""))
        disk.write(saved)
        self._objects = log.copy()

    def load(self) -> PersistentState | None:
        """Return the state saved last, in new objects (labs.node.Persister.load)."""
        disk = self._disk
        if not disk.written:
            return None
        fields: dict[str, Any] = {
            "current_term": disk.current_term,
            "voted_for": disk.voted_for,
            "log": [codec.decode_entry(entry, self._find_class) for entry in disk.entries],
            "last_included_index": disk.last_included_index,
            "last_included_term": disk.last_included_term,
        }
        if disk.own_class is None:
            return PersistentState(**fields)
        fields_too = codec.decode_fields(disk.extra or _NOTHING)
        extra = {name: codec.revive(value, self._find_class) for name, value in fields_too.items()}
        cls = self._find_class(disk.own_class) or PersistentState
        return cls(**fields, **extra)  # type: ignore[no-any-return]

    def snapshot(self) -> bytes | None:
        """Return the snapshot saved last (labs.node.Persister.snapshot)."""
        return self._disk.snapshot

    def _changes(self, log: list[LogEntry], shift: int) -> tuple[int, list[bytes]]:
        """Return how many entries of the disk stay, from `shift` on, and the encoded rest of the log."""
        known, on_disk = self._objects[shift:], self._disk.entries
        same = len(known) if all(map(operator.is_, log, known)) else None
        if same is None:
            same = next(at for at, (new, old) in enumerate(zip(log, known)) if new is not old)
        same = min(same, len(log), len(on_disk) - shift)
        if not self._immutable:
            same = 0
        rest = [codec.encode_entry(entry) for entry in log[same:]]
        self._immutable = all(type(entry) is LogEntry and values.is_scalar(entry.command) for entry in log[same:])
        for new, old in zip(rest, on_disk[shift + same :]):
            if new != old:
                break
            same += 1
        return same, rest[same - (len(log) - len(rest)) :]

    def _extra(self, state: PersistentState) -> bytes:
        base, what = PersistentState.__dataclass_fields__, f"what {type(state).__name__} adds"
        return codec.encode_fields(codec.plain_fields(state, but=base), what)

    def _check(self, state: Any, snapshot: Any) -> None:
        if not isinstance(state, PersistentState):
            raise codec.Refused(f"persister.save wants a PersistentState, not a {type(state).__name__}")
        for name in _FIELDS:
            check_int(getattr(state, name), f"PersistentState.{name}")
        vote = state.voted_for
        if vote is not None and type(vote) is not int:
            raise codec.Refused(f"PersistentState.voted_for must be an int or None, not {safe_repr.short(vote)}")
        if type(state.log) is not list:
            raise codec.Refused(f"PersistentState.log must be a list of LogEntry, not a {type(state.log).__name__}")
        check_state(state.current_term, vote, state.last_included_index, state.last_included_term, self._servers)
        check_index(state.last_included_index + len(state.log), "the last index of PersistentState.log")
        if snapshot is not None and type(snapshot) is not bytes:
            raise codec.Refused(f"persister.save wants the snapshot as bytes or None, not a {type(snapshot).__name__}")

"""The server's side of its disk: turns states into what has changed since the last save.

Encodes at the call, so that a state that is changed afterwards does not change what was saved. Entries whose objects
are the same as at the last save, and cannot have changed, are not encoded again: a log of thousands stays cheap. The
kinds of states are those that protocols have registered (labs.codec.states).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from labs.codec import messages as codec
from labs.codec import states
from labs.codec.limits import MAX_SAVED
from labs.codec.meaning import check_index
from labs.codec.states import Log, StateKind
from labs.sim.server.disk import HEADER_BYTES, Disk
from labs.sim.server.outputs import Saved

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
        self._kind = states.kind_of(disk.fields) if disk.written else None
        """The kind of the server's states, once it has saved one."""
        self._objects: list[Any] = []
        """The entries as the server handed them over last; they match the head of what is on the disk."""
        self._fixed = True
        """Whether none of these objects can have changed since."""

    def save(self, state: Any, snapshot: bytes | None = None) -> None:
        """Write state and snapshot in one step (labs.node.Persister.save)."""
        kind = self._kind
        if kind is None or not isinstance(state, kind.cls):
            kind = self._kind_of(state)
        base, log = self._check(kind, state, snapshot)
        own = type(state) is not kind.cls
        disk = self._disk
        shift = base - disk.base
        if not 0 <= shift <= len(disk.entries):
            shift = len(disk.entries)
        kept, entries = (0, list[bytes]()) if kind.log is None else self._changes(kind.log, log, shift)
        saved = Saved(
            kind.encode_fields(state),
            base,
            shift,
            kept,
            entries,
            snapshot,
            type(state).__name__ if own else None,
            self._extra(kind, state) if own else None,
        )
        size = disk.size_after(saved)
        if size > MAX_SAVED:
            self._fixed = False  # what was encoded is not on the disk
            text = "persister.save: log and snapshot together take"
            raise codec.Refused(f"{text} {size:,} bytes, more than the {MAX_SAVED:,} that a server's disk holds")
        beyond_header = max(0, len(saved.fields) - HEADER_BYTES)
        self._emit(saved, beyond_header + sum(map(len, entries)) + len(snapshot or b"") + len(saved.extra or b""))
        disk.write(saved)
        self._kind, self._objects = kind, log.copy()

    def load(self) -> Any:
        """Return the state saved last, in new objects (labs.node.Persister.load)."""
        disk = self._disk
        if not disk.written:
            return None
        kind = states.kind_of(disk.fields)
        saved = kind.decode_fields(disk.fields)
        fields = {name: getattr(saved, name) for name in kind.fields}
        if kind.log is not None:
            fields[kind.log.field] = [kind.log.decode(entry, self._find_class) for entry in disk.entries]
        if disk.own_class is None:
            return kind.cls(**fields)
        fields_too = codec.decode_fields(disk.extra or _NOTHING)
        extra = {name: codec.revive(value, self._find_class) for name, value in fields_too.items()}
        cls = self._find_class(disk.own_class) or kind.cls
        return cls(**fields, **extra)

    def snapshot(self) -> bytes | None:
        """Return the snapshot saved last (labs.node.Persister.snapshot)."""
        return self._disk.snapshot

    def _changes(self, kind: Log, log: list[Any], shift: int) -> tuple[int, list[bytes]]:
        """Return how many entries of the disk stay, from `shift` on, and the encoded rest of the log."""
        known, on_disk = self._objects[shift:] if shift else self._objects, self._disk.entries
        same = len(known) if all(map(operator.is_, log, known)) else None
        if same is None:
            same = next(at for at, (new, old) in enumerate(zip(log, known)) if new is not old)
        same = min(same, len(log), len(on_disk) - shift)
        if not self._fixed:
            same = 0
        others = log[same:]
        rest = list(map(kind.encode, others))
        self._fixed = all(map(kind.is_fixed, others))
        for new, old in zip(rest, on_disk[shift + same :]):
            if new != old:
                break
            same += 1
        return same, rest[same - (len(log) - len(rest)) :]

    def _extra(self, kind: StateKind, state: Any) -> bytes:
        base, what = kind.cls.__dataclass_fields__, f"what {type(state).__name__} adds"  # type: ignore[attr-defined]
        return codec.encode_fields(codec.plain_fields(state, but=base), what)

    def _kind_of(self, state: Any) -> StateKind:
        """Return the kind of a state; raise Refused if it has none, or not that of the server's last save."""
        wanted = [states.STATES[number] for number in sorted(states.STATES)] if self._kind is None else [self._kind]
        kind = next((kind for kind in wanted if isinstance(state, kind.cls)), None)
        if kind is None:
            names = " or ".join(f"a {kind.name}" for kind in wanted) or "no state in this lab"
            raise codec.Refused(f"persister.save wants {names}, not a {type(state).__name__}")
        return kind

    def _check(self, kind: StateKind, state: Any, snapshot: Any) -> tuple[int, list[Any]]:
        """Raise Refused if a state or a snapshot cannot be saved; return the log's base and its entries."""
        right = kind.is_right(state, self._servers)
        if not right:
            kind.check_types(state)
        log: Any = [] if kind.log is None else getattr(state, kind.log.field)
        if kind.log is not None and type(log) is not list:
            wanted = f"{kind.name}.{kind.log.field} must be a list of {kind.log.entry.__name__}"
            raise codec.Refused(f"{wanted}, not a {type(log).__name__}")
        if not right:
            kind.check(state, self._servers)
        base = kind.base(state)
        if kind.log is not None:
            check_index(base + len(log), f"the last index of {kind.name}.{kind.log.field}")
        if snapshot is not None and type(snapshot) is not bytes:
            raise codec.Refused(f"persister.save wants the snapshot as bytes or None, not a {type(snapshot).__name__}")
        return base, log

"""The service that each server replicates: it folds the applied commands into one number, and takes snapshots of that.

A snapshot is honest about its history: its bytes hold the index and the number there, so a snapshot of another history,
or of another index, is detected when it is applied. Knows no protocol.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from labs.codec import messages as codec
from labs.codec.limits import MAX_INDEX
from labs.messages import Command

_HISTORY = 16
"""Bytes of the number that a history is folded into."""


class SnapshotData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a snapshot holds: the service as it was right after `index`."""

    index: int
    history: bytes
    padding: bytes = b""
    """Nothing; it makes a snapshot as large as a test wants it."""


class Applied(NamedTuple):
    """How many servers have applied something at an index, and what (None if nobody has)."""

    count: int  # type: ignore[assignment]  # a field, not tuple.count
    command: Command


@dataclass
class _Replica:
    """One server's service in one incarnation."""

    index: int = 0
    history: bytes = b""


class Service:
    """The services of all servers, and who applied what where."""

    def __init__(self, servers: int) -> None:
        self._replicas = [_Replica() for _ in range(servers)]
        self._command_at: dict[int, Command] = {}
        self._reached = [0] * servers
        """The highest index that each server has ever applied, or had a snapshot of."""
        self._forgotten = 0
        self.highest = 0
        """The highest index applied anywhere."""
        self.padding = b""
        """What is added to each snapshot that is taken."""

    def restart(self, server: int, snapshot: bytes | None) -> None:
        """Begin a new incarnation of a server's service from the snapshot on its disk."""
        data = decode_snapshot(snapshot) if snapshot is not None else None
        self._replicas[server] = _Replica(data.index, data.history) if data is not None else _Replica()

    def apply(self, server: int, index: int, command: bytes) -> None:
        """Fold a command into a server's service."""
        replica = self._replicas[server]
        if index == replica.index + 1:
            replica.index, replica.history = index, fold(replica.history, command)
        elif index <= replica.index:  # an incarnation that applies again what its snapshot holds
            return
        self._command_at[index] = codec.decode_command(command)
        self._reach(server, index)

    def install(self, server: int, index: int, data: bytes) -> str | None:
        """Replace a server's service by a snapshot; return what is wrong with the snapshot, or None."""
        found = decode_snapshot(data)
        if found is None:
            return f"the snapshot's {len(data)} bytes are not what any service handed over"
        if found.index != index:
            return f"the snapshot was announced for index {index}, but its bytes are of index {found.index}"
        self._replicas[server] = _Replica(found.index, found.history)
        self._reach(server, index)
        return None

    def snapshot(self, server: int) -> bytes:
        """Return the bytes of a snapshot of a server's service as it is now."""
        replica = self._replicas[server]
        return msgspec.msgpack.encode(SnapshotData(replica.index, replica.history, self.padding))

    def index(self, server: int) -> int:
        """Return the index up that a server's service has reached since its start."""
        return self._replicas[server].index

    def reached(self, server: int) -> int:
        """Return the highest index that a server ever applied or installed."""
        return self._reached[server]

    def applied(self, index: int) -> Applied:
        """Return how many servers have applied `index`, also crashed ones, and what."""
        return Applied(len(self.appliers(index)), self._command_at.get(index))

    def appliers(self, index: int) -> list[int]:
        """Return the servers that have applied `index`, themselves or by a snapshot."""
        return [server for server, reached in enumerate(self._reached) if reached >= index]

    def forget(self, upto: int) -> None:
        """Drop the commands up to an index that every server's snapshot covers."""
        for index in range(self._forgotten + 1, upto + 1):
            self._command_at.pop(index, None)
        self._forgotten = max(self._forgotten, upto)

    def _reach(self, server: int, index: int) -> None:
        self._reached[server] = max(self._reached[server], index)
        self.highest = max(self.highest, index)


def decode_snapshot(data: bytes) -> SnapshotData | None:
    """Return what a snapshot's bytes hold, or None if no service made them."""
    try:
        found = msgspec.msgpack.decode(data, type=SnapshotData)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if 0 <= found.index <= MAX_INDEX and len(found.history) <= _HISTORY else None


def index_of_snapshot(data: bytes | None) -> int | None:
    """Return the last index that a snapshot covers, or None if there is none, or no service made it."""
    found = decode_snapshot(data) if data is not None else None
    return found.index if found is not None else None


def fold(history: bytes, command: bytes) -> bytes:
    """Return what a service holds after one more command, as encoded."""
    return hashlib.blake2b(command, digest_size=_HISTORY, key=history).digest()

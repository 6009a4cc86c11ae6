"""The recorder: takes each event as it happens, folds it into the digest, and streams it to a file if there is one.

Keeps at most one block of events in memory. Two runs are the same exactly when their digests are equal: the
digest is the SHA-256 of the trace file's lines after the first, which is the header.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

import msgspec

from labs.trace.events import Event

FORMAT = "raft-trace"
VERSION = 1
BLOCK = 64
"""The number of events that are added to the digest and the file at a time."""


class Header(msgspec.Struct, frozen=True):
    """The first line of a trace file; not part of the digest."""

    format: str
    version: int
    test: str
    title: str
    seed: int
    servers: int
    submission: str


class Unwritable(Exception):
    """An event that cannot be put into the trace; all others are in it."""

    def __init__(self, event: Event) -> None:
        super().__init__(f"a {type(event).__name__} that cannot be written")
        self.event = event


class Recorder:
    """Writes the events of one run, in order."""

    def __init__(self, file: BinaryIO | None = None, header: Header | None = None) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._encode_lines = msgspec.json.Encoder().encode_lines
        self._waiting: list[Event] = []
        """Events that are not yet in the digest and the file; they no longer change."""
        self._flushed = 0
        if file is not None and header is not None:
            file.write(msgspec.json.encode(header) + b"\n")

    @property
    def events(self) -> int:
        """The number of events so far."""
        return self._flushed + len(self._waiting)

    def record(self, event: Event) -> None:
        """Add one event to the digest and the file."""
        self._waiting.append(event)
        if len(self._waiting) >= BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write the events that are not yet in the file; raise Unwritable for an event that cannot be written."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        self._flushed += len(waiting)
        try:
            self._put(waiting)
        except (ValueError, TypeError, RecursionError, MemoryError):
            self._put_each(waiting)

    def _put(self, events: list[Event]) -> None:
        lines = self._encode_lines(events)
        self._hash.update(lines)
        if self._file is not None:
            self._file.write(lines)

    def _put_each(self, events: list[Event]) -> None:
        """Write a block in pieces, because the whole is too large, or one of its events cannot be written."""
        first: Unwritable | None = None
        for event in events:
            try:
                self._put([event])
            except (ValueError, TypeError, RecursionError, MemoryError) as error:
                first = first or Unwritable(event)
                first.__cause__ = first.__cause__ or error
        if first is not None:
            raise first

    def digest(self) -> str:
        """Return the digest of all events so far, as 64 hexadecimal digits."""
        self.flush()
        return self._hash.hexdigest()

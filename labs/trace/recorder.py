"""The recorder: takes each event as it happens, folds it into the digest, and streams it to a file if there is one.

Keeps nothing in memory. Two runs are the same run exactly when their digests are equal: the digest is the SHA-256 of
the trace file's lines after the first, which is the header.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

import msgspec

from labs.trace.events import Event

FORMAT = "raft-trace"
VERSION = 1


class Header(msgspec.Struct, frozen=True):
    """The first line of a trace file; not part of the digest."""

    format: str
    version: int
    test: str
    title: str
    seed: int
    servers: int
    submission: str


class Recorder:
    """Writes the events of one run, in order."""

    def __init__(self, file: BinaryIO | None = None, header: Header | None = None) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._encode = msgspec.json.Encoder().encode
        self.events = 0
        if file is not None and header is not None:
            file.write(self._encode(header) + b"\n")

    def record(self, event: Event) -> None:
        """Add one event to the digest and the file."""
        line = self._encode(event) + b"\n"
        self._hash.update(line)
        self.events += 1
        if self._file is not None:
            self._file.write(line)

    def digest(self) -> str:
        """Return the digest of all events so far, as 64 hexadecimal digits."""
        return self._hash.hexdigest()

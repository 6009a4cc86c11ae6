"""What crosses between a server's host and the kernel: the outbox of one step, as plain records.

Everything in them is already encoded, so that a host may sit in another process. Knows neither trio nor any rule.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class Called(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The server calls `peer`; `call` numbers the calls of one incarnation."""

    call: int
    peer: int
    data: bytes


class Replied(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The server answers a request that the kernel delivered with this ticket."""

    ticket: int
    data: bytes


class Saved(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The server saves its state: `kept` entries of the old log from position `shift` on, then `entries`."""

    fields: bytes
    """All but the log, encoded (labs.codec.states)."""
    base: int
    """The index before the log's first entry; 0 if the state has no log."""
    shift: int
    kept: int
    entries: list[bytes]
    snapshot: bytes | None
    own_class: str | None
    extra: bytes | None
    """The fields of a submission's own class, encoded."""


class Applied(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The server hands a command to its service; `data` is the encoded command."""

    index: int
    data: bytes


class AppliedSnapshot(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The server hands a snapshot to its service."""

    index: int
    term: int
    data: bytes


class Noted(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The server notes or prints a line."""

    text: str
    printed: bool


Problem: TypeAlias = Literal[
    "raised",
    "not written",
    "run not written",
    "nonsense",
    "spins",
    "swallowed",
    "stalled",
    "forbidden",
    "died",
    "crawls",
]


class Failed(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The server's code failed; `place` is "raft.py:88 in append_entries", or empty if unknown."""

    problem: Problem
    text: str
    place: str
    details: str = ""


Output: TypeAlias = Called | Replied | Saved | Applied | AppliedSnapshot | Noted | Failed

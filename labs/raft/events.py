"""The event of a trace that only Raft has: a server saves its state. Plain data, as in labs.trace.events."""

from __future__ import annotations

from labs.messages import LogEntry
from labs.trace.events import AnySave


class Save(AnySave, frozen=True, gc=False):
    """A server writes its state, with the log as the change since the previous save.

    Afterwards the log reaches from `last_included_index + 1` to `last_index`. Its entries before `first_index` were
    saved before; `entries` are the rest.
    """

    current_term: int
    voted_for: int | None
    last_included_index: int
    last_included_term: int
    first_index: int
    entries: list[LogEntry]
    last_index: int

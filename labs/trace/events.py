"""The event records of a trace. Plain data; knows nothing of who makes or reads them.

`time` is virtual seconds from the start of the run, `server` the id of the server that the event happened at. `rpc`
is a number that all events of one remote call share, `call` the name of its procedure: RequestVote, AppendEntries,
InstallSnapshot or Ping. An event is one JSON object, one line in a trace file.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from labs.messages import Command, LogEntry

AnyMessage: TypeAlias = Any
"""An object of labs.messages; `call` and the leg tell its class."""
Leg: TypeAlias = Literal["request", "reply"]


class Event(msgspec.Struct, frozen=True, tag_field="kind", tag=str.lower, omit_defaults=True, gc=False):
    """What all events have."""

    time: float
    server: int


class Send(Event, frozen=True, gc=False):
    """A server sends a request to `peer`; `size` in bytes as encoded."""

    peer: int
    rpc: int
    call: str
    message: AnyMessage
    size: int
    extra: dict[str, Any] | None = None
    """Fields that the submission added to the message."""


class Deliver(Event, frozen=True, gc=False):
    """A request reaches the server, or a reply reaches the server that waits for it; `peer` sent it."""

    peer: int
    rpc: int
    leg: Leg
    call: str
    message: AnyMessage
    copy: int = 0
    """0 for the first delivery of a request, 1 for its duplicate."""


class Reply(Event, frozen=True, gc=False):
    """A server answers the request of `peer`."""

    peer: int
    rpc: int
    call: str
    message: AnyMessage
    size: int
    extra: dict[str, Any] | None = None


class Drop(Event, frozen=True, gc=False):
    """A message ends here; `server` sent it, `peer` never sees it.

    Reasons: `loss`; `cut` (the link does not work); `down` (the receiver is crashed, or is not who was called any
    more); `abandoned` (the caller has stopped waiting).
    """

    peer: int
    rpc: int
    leg: Leg
    reason: Literal["loss", "cut", "down", "abandoned"]


class Timeout(Event, frozen=True, gc=False):
    """The server's call to `peer` returns None."""

    peer: int
    rpc: int


class Save(Event, frozen=True, gc=False):
    """A server writes its state. The log is given as the change against the save before.

    Afterwards the log reaches from `last_included_index + 1` to `last_index`. Its entries before `first_index` are the
    ones that were saved before; `entries` are the rest. `size` is that of the whole state in bytes, without snapshot.
    """

    current_term: int
    voted_for: int | None
    last_included_index: int
    last_included_term: int
    first_index: int
    entries: list[LogEntry]
    last_index: int
    size: int
    snapshot: bytes | None = None
    """The snapshot written with it; None if the old one stays."""
    snapshot_index: int | None = None
    """The last index that this snapshot covers, by its own bytes; None also if they are no service's."""
    extra: dict[str, Any] | None = None


class Apply(Event, frozen=True, gc=False):
    """A server hands a committed command to its service."""

    index: int
    command: Command


class ApplySnap(Event, frozen=True, tag="apply_snapshot", gc=False):
    """A server hands a snapshot to its service."""

    index: int
    term: int
    data: bytes


class Start(Event, frozen=True, gc=False):
    """The tester proposed a command; the other fields are what `start` answered."""

    command: Command
    index: int
    term: int
    is_leader: bool


class TakeSnapshot(Event, frozen=True, tag="take_snapshot", gc=False):
    """The service tells its server that a snapshot holds all up to `index`."""

    index: int
    size: int


class Crash(Event, frozen=True, gc=False):
    """A server dies; only its disk stays. `at` says where, if the tester aimed at a save, a reply or a send."""

    at: str | None = None


class Restart(Event, frozen=True, gc=False):
    """A server starts; `incarnation` 0 is its first life."""

    incarnation: int


class Connect(Event, frozen=True, gc=False):
    """Links work again, as pairs (source, target). `server` is -1 where no one server is meant."""

    links: list[tuple[int, int]]


class Cut(Event, frozen=True, gc=False):
    """Links stop working, as pairs (source, target)."""

    links: list[tuple[int, int]]


class NetworkChange(Event, frozen=True, tag="network", gc=False):
    """The conditions of the network change; `server` is -1."""

    text: str


class Note(Event, frozen=True, gc=False):
    """A line that the server noted (`node.note`) or printed."""

    text: str
    printed: bool = False


class Role(Event, frozen=True, gc=False):
    """What `get_state` answers has changed."""

    term: int
    is_leader: bool


class Check(Event, frozen=True, gc=False):
    """The test looked at something and was content; `server` is -1 unless one server is meant."""

    text: str


class Verdict(Event, frozen=True, gc=False):
    """How the run ended; the last event. `server` is the first server concerned, or -1."""

    status: Literal["pass", "fail", "error", "grader-error"]
    rule: str | None = None
    message: str = ""
    hint: str = ""
    servers: tuple[int, ...] = ()


AnyEvent: TypeAlias = (
    Send
    | Deliver
    | Reply
    | Drop
    | Timeout
    | Save
    | Apply
    | ApplySnap
    | Start
    | TakeSnapshot
    | Crash
    | Restart
    | Connect
    | Cut
    | NetworkChange
    | Note
    | Role
    | Check
    | Verdict
)

_SAYING = (Send, Reply, Save, Apply, ApplySnap, Start, TakeSnapshot, Note, Role)


def author_of(event: Event) -> int | None:
    """Return the server that has said what an event holds, or None if no server has."""
    if isinstance(event, Deliver):
        return event.peer
    return event.server if isinstance(event, _SAYING) else None

"""The event records of a trace. Plain data; knows neither its writers nor its readers.

`time` is virtual seconds from the start of the run, `server` the id of the server that the event happened at. `rpc`
is a number that all events of one remote call share, `call` the name of its procedure, such as Ping. An event is one
JSON object, one line in a trace file.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from labs.messages import Command

AnyMessage: TypeAlias = Any
"""An object of labs.messages; `call` and the leg determine its class."""
Leg: TypeAlias = Literal["request", "reply"]


class Event(msgspec.Struct, frozen=True, tag_field="kind", tag=str.lower, omit_defaults=True, gc=False):
    """The fields of all events."""

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

    Reasons: `loss`; `cut` (the link does not work); `down` (the receiver has crashed, or restarted since the call);
    `abandoned` (the caller has stopped waiting).
    """

    peer: int
    rpc: int
    leg: Leg
    reason: Literal["loss", "cut", "down", "abandoned"]


class Timeout(Event, frozen=True, gc=False):
    """The server's call to `peer` returns None."""

    peer: int
    rpc: int


class AnySave(Event, frozen=True, kw_only=True, gc=False):
    """A server writes its state; `size` is that of the whole state in bytes, without the snapshot.

    Each protocol derives a class (labs.codec.states), with the plain fields of its state in their order. If the state
    has a log, three fields follow, which show how it has changed since the previous save: `first_index`, that of the
    first entry that is new; `entries`, the new ones; `last_index`, that of the last entry afterwards.
    """

    size: int
    snapshot: bytes | None = None
    """The snapshot written with it; None if the old one stays."""
    snapshot_index: int | None = None
    """The last index that this snapshot covers, by its own bytes; None also if no service made them."""
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
    """A test proposed a command; the other fields are the answer of `start`."""

    command: Command
    index: int
    term: int
    is_leader: bool


class TakeSnapshot(Event, frozen=True, tag="take_snapshot", gc=False):
    """The service gives its server a snapshot of everything up to `index`."""

    index: int
    size: int


class Crash(Event, frozen=True, gc=False):
    """A server crashes; only its disk remains.

    `at` is "save", "reply" or "send" if the test aimed the crash at one, or "before save", "after reply" or
    "after send".
    """

    at: str | None = None


class Restart(Event, frozen=True, gc=False):
    """A server starts; `incarnation` 0 is its first start."""

    incarnation: int


class Pause(Event, frozen=True, gc=False):
    """A server stands still: its timers stop, and what reaches it waits."""


class Resume(Event, frozen=True, gc=False):
    """A server that stood still goes on: what has reached it is handed over, and timers that are late run out."""


class Connect(Event, frozen=True, gc=False):
    """Links work again, as pairs (source, target). `server` is -1 if the event concerns no single server."""

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
    """The answer of `get_state` has changed."""

    term: int
    is_leader: bool


class Check(Event, frozen=True, gc=False):
    """The test checked something, and it was right; `server` is -1 unless the check concerns one server."""

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
    | AnySave
    | Apply
    | ApplySnap
    | Start
    | TakeSnapshot
    | Crash
    | Restart
    | Pause
    | Resume
    | Connect
    | Cut
    | NetworkChange
    | Note
    | Role
    | Check
    | Verdict
)

_SAYING = (Send, Reply, AnySave, Apply, ApplySnap, Start, TakeSnapshot, Note, Role)


def author_of(event: Event) -> int | None:
    """Return the server whose output an event holds, or None if it holds no output."""
    if isinstance(event, Deliver):
        return event.peer
    return event.server if isinstance(event, _SAYING) else None

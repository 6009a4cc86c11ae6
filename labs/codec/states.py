"""The states that the protocols in use persist: for each its class, what is asked of its fields, and its log.

A protocol registers its state when its module is imported, like its calls (labs.codec.rpcs). A state is written as its
plain fields, encoded together, and the entries of its log, if it has one, encoded one by one. Knows no protocol itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from labs.codec.limits import Refused
from labs.codec.messages import FindClass, pack
from labs.codec.rpcs import never_sure
from labs.codec.values import SCALARS, check_command


def _any_meaning(fields: Any, servers: int) -> None:
    """Find nothing wrong."""


def _values_of(event: Any) -> str:
    return " ".join(f"{name}={str(getattr(event, name))[:40]}" for name in kind_shown_by(event).fields)


@dataclass(frozen=True, eq=False)
class Log:
    """The list in a state of which a save writes only what has changed."""

    field: str
    """The state's field that holds the list."""
    base: str
    """The plain field that holds the index before the first entry."""
    entry: type
    """The class of the entries."""
    encode: Callable[[Any], bytes]
    """Returns the bytes of an entry; raises Refused if it is not one, or has no meaning."""
    decode: Callable[[bytes, FindClass], Any]
    """Returns an entry in new objects, of the submission's own class if it was saved as one."""
    show: Callable[[bytes], Any]
    """Returns an entry as the trace shows it, as an object of its base class."""
    check: Callable[[bytes], None]
    """Raises Refused if bytes that another process has written are not an entry, or not one with a meaning."""
    is_fixed: Callable[[Any], bool]
    """Returns whether an entry can never change, so that it needs encoding only once."""


@dataclass(frozen=True, eq=False)
class StateKind:
    """A class of state, and what is asked of its plain fields: all but the log, each of them a command or a scalar."""

    number: int
    """The first byte of encoded fields, and no other kind's."""
    cls: type
    event: type[Any]
    """The event that shows a save in the trace (labs.trace.events.AnySave)."""
    is_right: Callable[[Any, int], bool] = never_sure
    """Says quickly that all plain fields have their types and a meaning among this many servers, as in a message."""
    types: Callable[[Any], None] | None = None
    """Raises Refused, in the protocol's own words, if a plain field of a state has a wrong type."""
    check: Callable[[Any, int], None] = _any_meaning
    """Raises Refused if a plain field can mean nothing among this many servers; its argument has them as attributes."""
    log: Log | None = None
    words: Callable[[Any], str] = _values_of
    """Returns what is in the event of a save, for a printed trace."""
    label: Callable[[Any], str] = _values_of
    """Returns the same for a drawing."""

    @cached_property
    def name(self) -> str:
        return self.cls.__name__

    @cached_property
    def prefix(self) -> bytes:
        """The first byte of encoded fields."""
        return bytes((self.number,))

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names of the plain fields, in their order."""
        log = "" if self.log is None else self.log.field
        return tuple(field.name for field in fields(self.cls) if field.name != log)

    @cached_property
    def _decode(self) -> Callable[[bytes], Any]:
        types = get_type_hints(self.cls)
        record = msgspec.defstruct(
            self.name, [(name, types[name]) for name in self.fields], array_like=True, forbid_unknown_fields=True
        )
        return msgspec.msgpack.Decoder(record).decode

    @cached_property
    def _values(self) -> Callable[[Any], tuple[Any, ...]]:
        if len(self.fields) > 1:
            return attrgetter(*self.fields)
        return lambda state: tuple(getattr(state, name) for name in self.fields)

    def check_types(self, state: Any) -> None:
        """Raise Refused if a plain field of a state has a wrong type."""
        if self.types is None:
            self.decode_fields(self.encode_fields(state))
        else:
            self.types(state)

    def encode_fields(self, state: Any) -> bytes:
        """Return the bytes of a state's plain fields; raise Refused if one of them cannot be encoded."""
        values = self._values(state)
        if not SCALARS.issuperset(map(type, values)):
            for name, value in zip(self.fields, values):
                check_command(value, f"{self.name}.{name}")
        return self.prefix + pack(values, self.name)

    def decode_fields(self, data: bytes) -> Any:
        """Return a record with the plain fields; raise Refused if one of them has a wrong type."""
        try:
            return self._decode(data[1:])
        except msgspec.ValidationError as error:
            raise Refused(f"{self.name}: {error}") from None

    def base(self, fields: Any) -> int:
        """Return the index before the log's first entry, for a state or its plain fields; 0 if there is no log."""
        base: int = 0 if self.log is None else getattr(fields, self.log.base)
        return base


LOG_SHOWN = ("first_index", "entries", "last_index")
"""The fields of an event that show a log, after those of the state."""
STATES: dict[int, StateKind] = {}
"""All kinds of state, by their numbers."""
EVENTS: list[type[Any]] = []
"""The events that show their saves."""


def register(kind: StateKind) -> None:
    """Make a kind of state known; the module that does so also registers calls (labs.codec.rpcs)."""
    assert kind.number not in STATES and kind.number < 256, kind
    shown = kind.fields if kind.log is None else (*kind.fields, *LOG_SHOWN)
    assert kind.event.__struct_fields__[2 : 2 + len(shown)] == shown, f"after time and server, in this order: {shown}"
    STATES[kind.number] = kind
    EVENTS.append(kind.event)


def kind_of(fields: bytes) -> StateKind:
    """Return the kind of the state whose encoded fields these are."""
    return STATES[fields[0]]


def kind_shown_by(event: Any) -> StateKind:
    """Return the kind of the state whose save an event shows."""
    return next(kind for kind in STATES.values() if kind.event is type(event))

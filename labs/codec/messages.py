"""Encodes everything that a server hands over, at the moment of the call, so that no two servers ever share an object.

Messages and entries of the base classes take a fast path through msgspec; classes that the submission derived from them
travel with their name and all their fields. Values that cannot be encoded faithfully are refused with `Refused`, never
changed silently. Knows no server and no network.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Container
from typing import Any, TypeAlias

import msgspec

from labs.codec.limits import MAX_DEPTH, MAX_ITEMS, MAX_MESSAGE
from labs.codec.limits import Refused as Refused
from labs.codec.meaning import ANYBODY, check_int, check_term
from labs.codec.packed import look_through
from labs.codec.rpcs import DECODERS, KIND_OF, KINDS
from labs.codec.safe_repr import short
from labs.codec.values import HIGHEST, LOWEST, RESERVED, SCALARS, check_command
from labs.messages import LogEntry, Message

FindClass: TypeAlias = Callable[[str], type | None]

_CLASS, _FIELDS = RESERVED
_UNLIMITED = SCALARS - {int}
_SHORT = 100
"""Bytes of the longest message that is kept in memory in case it is sent again."""
OWN_CLASS = 255
"""The first bytes of a message of a submission's own class."""
DERIVED = "*"
"""Precedes the name of a base class to mean the class that the receiver derived from it, if there is one."""

_encode = msgspec.msgpack.Encoder().encode
_decode_any = msgspec.msgpack.Decoder().decode
_decode_entry = msgspec.msgpack.Decoder(LogEntry).decode


def encode_command(command: Any) -> bytes:
    """Return the bytes of a command; raise Refused for a value that is not a command (see Command in labs.messages)."""
    check_command(command)
    return pack(command, "a command")


decode_command: Callable[[bytes], Any] = _decode_any


def encode_message(message: Any, servers: int = ANYBODY) -> bytes:
    """Return the bytes of a message in a cluster of this size.

    Raise Refused if it is not a message, or if one of its fields has a wrong type or no meaning (labs.codec.meaning).
    """
    cls = type(message)
    kind = KIND_OF.get(cls)
    if kind is None or (kind.is_plain is not None and not kind.is_plain(message)):
        return _encode_own(message, servers)
    data = kind.prefix + pack(message, cls.__name__)
    if not kind.is_right(message, servers):
        kind.check(decode_base(data), servers)
    return data


def encode_to_derive(message: Any) -> bytes:
    """Return the bytes of a base class's message that arrives as an object of the receiver's own class.

    The fields that the receiver added then have their defaults. So a test can send messages to a server that extends
    them.
    """
    name, fields = type(message).__name__, plain_fields(message)
    for entry in fields.get("entries", ()):
        entry[_CLASS] = DERIVED + entry[_CLASS]
    return bytes([OWN_CLASS]) + pack([KIND_OF[type(message)].number, DERIVED + name, fields], name)


def with_term(data: bytes, term: int) -> bytes:
    """Return an encoded message with another term, and otherwise unchanged."""
    if data[0] != OWN_CLASS:
        return encode_message(dataclasses.replace(decode_base(data), term=term))
    base, name, fields = _decode_any(data[1:])
    return bytes([OWN_CLASS]) + pack([base, name, {**fields, "term": term}], name)


def base_class(data: bytes) -> type:
    """Return the class in labs.messages that an encoded message is, or is derived from."""
    return KINDS[data[0] if data[0] != OWN_CLASS else _decode_any(data[1:])[0]].cls


def decode_base(data: bytes) -> Any:
    """Return a message as an object of its base class in labs.messages; raise Refused if a field has a wrong type."""
    kind = data[0]
    try:
        if kind != OWN_CLASS:
            return DECODERS[kind](data[1:])
        base, _, fields = _decode_any(data[1:])
        return msgspec.convert(_base_fields(fields, KINDS[base].cls), KINDS[base].cls)
    except msgspec.ValidationError as error:
        name = KINDS[kind if kind != OWN_CLASS else base].cls.__name__
        raise Refused(f"{name}: {error}") from None


def decode_seen(data: bytes) -> tuple[Any, dict[str, Any] | None]:
    """Return a message as the trace shows it: in its base class, and the fields that the submission added, if any.

    The object may have been returned before, so nobody may change it.
    """
    if data[0] == OWN_CLASS:
        return decode_base(data), decode_extra(data)
    return (_decode_short if len(data) <= _SHORT else decode_base)(data), None


@functools.lru_cache(maxsize=256)
def _decode_short(data: bytes) -> Any:
    """Return a short message of a base class: heartbeats and their answers are often the same."""
    return decode_base(data)


def decode_extra(data: bytes) -> dict[str, Any] | None:
    """Return the fields that the submission added to a message, or None for a message of a base class."""
    if data[0] != OWN_CLASS:
        return None
    base, _, fields = _decode_any(data[1:])
    known = {field.name for field in dataclasses.fields(KINDS[base].cls)}
    return {name: value for name, value in fields.items() if name not in known}


def decode_message(data: bytes, find_class: FindClass) -> Message:
    """Return a message in new objects, of the submission's own class if it was sent as one."""
    kind = data[0]
    if kind != OWN_CLASS:
        return DECODERS[kind](data[1:])  # type: ignore[no-any-return]
    base, name, fields = _decode_any(data[1:])
    cls = find_class(name) or KINDS[base].cls
    return cls(**{field: _revive(value, find_class) for field, value in fields.items()})  # type: ignore[no-any-return]


def encode_entry(entry: Any) -> bytes:
    """Return the bytes of one log entry; raise Refused if it is not an entry."""
    if not isinstance(entry, LogEntry):
        raise Refused(f"a log entry must be a LogEntry, not {short(entry)}")
    check_int(entry.term, "LogEntry.term")
    check_term(entry.term, "LogEntry.term")
    if type(entry) is LogEntry:
        check_command(entry.command)
        return pack(entry, "LogEntry")
    data = pack(_plain(entry), type(entry).__name__)
    _check_size(data)
    return data


def decode_base_entry(data: bytes) -> LogEntry:
    """Return a log entry as a LogEntry; raise Refused if a field has a wrong type."""
    try:
        return _decode_entry(data)
    except msgspec.ValidationError as error:
        if b"\0class" in data:
            return msgspec.convert(_base_fields(_decode_any(data)[_FIELDS], LogEntry), LogEntry)
        raise Refused(f"LogEntry: {error}") from None


def decode_entry(data: bytes, find_class: FindClass) -> LogEntry:
    """Return a log entry in new objects, of the submission's own class if it was saved as one."""
    try:
        return _decode_entry(data)
    except msgspec.ValidationError:
        return _revive(_decode_any(data), find_class)  # type: ignore[no-any-return]


def plain_fields(value: Any, depth: int = 0, but: Container[str] = ()) -> dict[str, Any]:
    """Return a dataclass's fields by name, except those in `but`, checked and ready to encode."""
    names = [field.name for field in dataclasses.fields(value)]
    return {name: _plain(getattr(value, name), name, depth) for name in names if name not in but}


def encode_fields(fields: dict[str, Any], what: str) -> bytes:
    """Return the bytes of fields that a submission has added to a state, each as `plain_fields` returns it."""
    data = pack(fields, what)
    _check_size(data)
    return data


def decode_fields(data: bytes) -> dict[str, Any]:
    """Return the fields that `encode_fields` encoded."""
    return _decode_any(data)  # type: ignore[no-any-return]


def revive(value: Any, find_class: FindClass) -> Any:
    """Return what `plain_fields` encoded, with objects of the submission's own classes again."""
    return _revive(value, find_class)


def pack(value: Any, what: str) -> bytes:
    """Return the bytes of a value that was checked; raise Refused if it cannot be encoded or is too long."""
    try:
        data: bytes = _encode(value)
    except (OverflowError, TypeError, ValueError, RecursionError) as error:
        raise Refused(f"{what} cannot be encoded: {error}") from None
    if len(data) > MAX_MESSAGE:
        raise Refused(f"{what} takes {len(data):,} bytes, more than the {MAX_MESSAGE:,} allowed")
    return data


def _check_size(data: bytes, at: int = 0) -> None:
    """Raise Refused if something of a submission's own class, or its fields, holds too many values."""
    if len(data) > MAX_ITEMS:  # fewer bytes cannot hold that many
        look_through(data, at)


def are_plain(entries: list[Any], where: str) -> bool:
    """Check each command; return whether all entries are of the base class."""
    plain = True
    for position, entry in enumerate(entries):
        if type(entry) is not LogEntry:
            if not isinstance(entry, LogEntry):
                raise Refused(f"{where}[{position}] must be a LogEntry, not {short(entry)}")
            plain = False
        command: Any = entry.command
        if type(command) not in _UNLIMITED and not (type(command) is int and LOWEST <= command <= HIGHEST):
            check_command(command, f"{where}[{position}].command")
    return plain


def _encode_own(message: Any, servers: int) -> bytes:
    base = next((kind for cls, kind in KIND_OF.items() if isinstance(message, cls)), None)
    if base is None:
        raise Refused(f"{short(message)} is not a message: send one of the dataclasses of labs.messages")
    name = type(message).__name__
    data = bytes([OWN_CLASS]) + pack([base.number, name, plain_fields(message)], name)
    _check_size(data, 1)
    base.check(decode_base(data), servers)  # also finds fields of wrong types
    return data


def _plain(value: Any, where: str = "a field", depth: int = 0) -> Any:
    """Turn dataclasses inside a value into tagged dicts, and check everything else."""
    if depth > MAX_DEPTH:
        raise Refused(f"{where} is nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        shallow = depth < MAX_DEPTH - 1
        return [
            {_CLASS: "LogEntry", _FIELDS: {"term": item.term, "command": item.command}}
            if shallow and type(item) is LogEntry and _is_scalar_entry(item)
            else _plain(item, f"{where}[{position}]", depth + 1)
            for position, item in enumerate(value)
        ]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_CLASS: type(value).__name__, _FIELDS: plain_fields(value, depth + 1)}
    check_command(value, where)
    return value


def _is_scalar_entry(entry: LogEntry) -> bool:
    """Return whether neither term nor command needs a closer look: most entries, so that this is quick."""
    command = entry.command
    scalar = type(command) in _UNLIMITED or (type(command) is int and LOWEST <= command <= HIGHEST)
    return scalar and type(entry.term) is int and LOWEST <= entry.term <= HIGHEST


def _revive(value: Any, find_class: FindClass) -> Any:
    if isinstance(value, list):
        return [_revive(item, find_class) for item in value]
    if isinstance(value, dict) and _CLASS in value:
        cls = find_class(value[_CLASS]) or LogEntry
        return cls(**{name: _revive(item, find_class) for name, item in value[_FIELDS].items()})
    return value


def _base_fields(fields: dict[str, Any], cls: type) -> dict[str, Any]:
    """Reduce encoded fields to those of a base class, all the way down."""
    known = {field.name for field in dataclasses.fields(cls)}
    return {name: _base_value(value) for name, value in fields.items() if name in known}


def _base_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_base_value(item) for item in value]
    if isinstance(value, dict) and _CLASS in value:
        return _base_fields(value[_FIELDS], LogEntry)
    return value

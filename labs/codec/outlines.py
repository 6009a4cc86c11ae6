"""Looks through encoded messages, entries and commands before they are decoded, at little cost where nothing is wrong.

Most bytes can do no harm: short ones, and messages of the lab's own classes, in which only the commands may be of any
kind. What can is looked through byte by byte (labs.codec.packed). For bytes that another process has written.
"""

from __future__ import annotations

import msgspec

from labs.codec.limits import Refused
from labs.codec.messages import MESSAGES, OWN_CLASS
from labs.codec.packed import HARMLESS, containers_in, is_container, look_through
from labs.messages import AppendEntriesArgs


class _Entry(msgspec.Struct):
    """An entry whose command is not decoded; in the order of LogEntry."""

    term: int
    command: msgspec.Raw


class _AppendEntries(msgspec.Struct):
    """An AppendEntries whose commands are not decoded; in the order of AppendEntriesArgs."""

    term: int
    leader_id: int
    prev_log_index: int
    prev_log_term: int
    entries: list[_Entry]
    leader_commit: int


_ENTRY = b"\x82\xa4term"
"""How an encoded entry begins."""
_SHORT = 8 * HARMLESS
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_AppendEntries).decode
_decode_entry = msgspec.msgpack.Decoder(_Entry).decode


def look_through_message(data: bytes) -> None:
    """Raise Refused if more would be built of an encoded message than a message may hold."""
    if len(data) <= HARMLESS:
        return
    if data[0] == OWN_CLASS:
        look_through(data, 1)
    elif MESSAGES[data[0]] is AppendEntriesArgs and not _holds_scalars(data):  # nothing else holds any kind of value
        packed = data[1:]
        outline = _decode(packed)
        if _encode(outline) != packed:  # a field that comes twice would be built twice
            raise Refused("an AppendEntriesArgs with fields that it does not have, or has twice")
        for entry in outline.entries:
            _look_through_command(entry.command)


def _holds_scalars(data: bytes) -> bool:
    """Return whether an AppendEntries has no list or map but itself, its list of entries, and those: mostly so.

    Where there are few bytes, some more that only look like lists or maps, as parts of numbers do, may be any.
    """
    entries = data.count(_ENTRY)
    more = containers_in(data) - entries - 2
    return more == 0 or (len(data) <= _SHORT and more <= entries // 4)


def look_through_entry(data: bytes) -> None:
    """Raise Refused if more would be built of an encoded entry than an entry may hold."""
    if len(data) <= HARMLESS:
        return
    try:
        outline = _decode_entry(data)
    except msgspec.ValidationError:  # an entry of a submission's own class
        look_through(data)
        return
    if _encode(outline) != data:
        raise Refused("a LogEntry with fields that it does not have, or has twice")
    _look_through_command(outline.command)


def look_through_value(data: bytes) -> None:
    """Raise Refused if more would be built of an encoded command, or of fields, than they may hold."""
    if len(data) > HARMLESS and is_container(data[0]):
        look_through(data)


def _look_through_command(raw: msgspec.Raw) -> None:
    view = memoryview(raw)
    if len(view) > HARMLESS and is_container(view[0]):
        look_through(bytes(view))

"""Checks encoded messages, entries and commands before they are decoded, at little cost if nothing is wrong.

Most bytes can do no harm: short ones, and messages of the lab's own classes, in which only the commands may be of any
kind. All others are checked byte by byte (labs.codec.packed). Used for bytes that another process has written.
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
"""The first bytes of an encoded entry."""
_SHORT = 8 * HARMLESS
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_AppendEntries).decode
_decode_entry = msgspec.msgpack.Decoder(_Entry).decode


def look_through_message(data: bytes) -> None:
    """Raise Refused if an encoded message would decode to more than a message may hold."""
    if len(data) <= HARMLESS:
        return
    if data[0] == OWN_CLASS:
        look_through(data, 1)
    elif MESSAGES[data[0]] is AppendEntriesArgs and not _holds_scalars(
        data
    ):  # no other message can hold arbitrary values
        packed = data[1:]
        outline = _decode(packed)
        if _encode(outline) != packed:  # a repeated field would be built twice
            raise Refused("an AppendEntriesArgs with fields that it does not have, or has twice")
        for entry in outline.entries:
            _look_through_command(entry.command)


def _holds_scalars(data: bytes) -> bool:
    """Return whether an AppendEntries has no list or map except itself, its list of entries, and the entries: the usual
    case.

    A few more bytes that only look like lists or maps, such as parts of numbers, do no harm in a short message.
    """
    entries = data.count(_ENTRY)
    more = containers_in(data) - entries - 2
    return more == 0 or (len(data) <= _SHORT and more <= entries // 4)


def look_through_entry(data: bytes) -> None:
    """Raise Refused if an encoded entry would decode to more than an entry may hold."""
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
    """Raise Refused if an encoded command, or encoded fields, would decode to more than they may hold."""
    if len(data) > HARMLESS and is_container(data[0]):
        look_through(data)


def _look_through_command(raw: msgspec.Raw) -> None:
    view = memoryview(raw)
    if len(view) > HARMLESS and is_container(view[0]):
        look_through(bytes(view))

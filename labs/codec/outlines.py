"""Checks encoded messages, entries and commands before they are decoded, at little cost if nothing is wrong.

Most bytes can do no harm: short ones, and messages of the lab's own classes, in which only the commands may be of any
kind. All others are checked byte by byte (labs.codec.packed). Used for bytes that another process has written.
"""

from __future__ import annotations

import msgspec

from labs.codec.limits import Refused
from labs.codec.messages import OWN_CLASS
from labs.codec.packed import HARMLESS, is_container, look_through
from labs.codec.rpcs import KINDS


class EntryOutline(msgspec.Struct):
    """An entry whose command is not decoded; in the order of LogEntry."""

    term: int
    command: msgspec.Raw


_encode = msgspec.msgpack.Encoder().encode
_decode_entry = msgspec.msgpack.Decoder(EntryOutline).decode


def look_through_message(data: bytes) -> None:
    """Raise Refused if an encoded message would decode to more than a message may hold."""
    if len(data) <= HARMLESS:
        return
    if data[0] == OWN_CLASS:
        look_through(data, 1)
    else:
        look = KINDS[data[0]].look_through
        if look is not None:
            look(data)


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
    look_through_command(outline.command)


def look_through_value(data: bytes) -> None:
    """Raise Refused if an encoded command, or encoded fields, would decode to more than they may hold."""
    if len(data) > HARMLESS and is_container(data[0]):
        look_through(data)


def look_through_command(raw: msgspec.Raw) -> None:
    """Raise Refused if more would be built of a command that is not decoded than a command may hold."""
    view = memoryview(raw)
    if len(view) > HARMLESS and is_container(view[0]):
        look_through(bytes(view))

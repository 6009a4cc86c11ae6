"""Reads trace files: checks the header, and yields the events one by one."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, get_args

import msgspec

from labs.codec import states
from labs.codec.rpcs import RPCS
from labs.trace.events import AnyEvent, AnySave, Deliver, Event, Reply, Send
from labs.trace.recorder import FORMAT, VERSION, Header


class BadTrace(Exception):
    """The file is not a trace, or not one that this version reads; the text names the line."""


def read(path: Path) -> tuple[Header, Iterator[Event]]:
    """Return the header and the events of a trace file; raise BadTrace, naming the line, if it is not a trace."""
    file = path.open("rb")
    try:
        header = header_of(file.readline(), path)
    except BadTrace:
        file.close()
        raise
    return header, _read_on(path, file)


def header_of(line: bytes, path: Path) -> Header:
    """Return the header that the first line of a file holds; raise BadTrace if this version does not read it."""
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadTrace(f"{path}:1 is not the header of a trace file") from None
    if header.format != FORMAT or header.version != VERSION:
        raise BadTrace(f"{path} is {header.format} version {header.version}; this reads {FORMAT} version {VERSION}")
    return header


def _read_on(path: Path, file: BinaryIO) -> Iterator[Event]:
    with file:
        yield from events_of(path, file)


def events_of(path: Path, lines: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events that the lines after the header hold; raise BadTrace, naming the line."""
    for number, line in enumerate(lines, 2):
        try:
            yield event_of(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
            raise BadTrace(f"{path}:{number} is not an event of this version: {error}") from None


def last_line(lines: bytes) -> bytes:
    """Return the last one of a trace's lines, which is the verdict if the run has ended."""
    return lines[lines.rfind(b"\n", 0, -1) + 1 :]


def event_of(line: bytes) -> Event:
    """Return the event that a line of a trace file holds."""
    return _with_message(_decoder(tuple(states.EVENTS))(line))


def kinds(saves: Iterable[type[AnySave]]) -> list[type[Event]]:
    """Return the kinds of events that a trace may hold, with these for the saves of protocols."""
    return [kind for each in get_args(AnyEvent) for kind in (tuple(saves) if each is AnySave else (each,))]


@functools.cache
def _decoder(saves: tuple[type[AnySave], ...]) -> Callable[[bytes], Event]:
    """Return a decoder of lines; these are the kinds of saves in them."""
    return msgspec.json.Decoder(functools.reduce(operator.or_, kinds(saves))).decode


def _with_message(event: Event) -> Event:
    """Restore the class of an event's message."""
    if isinstance(event, Send | Reply | Deliver):
        is_request = isinstance(event, Send) or (isinstance(event, Deliver) and event.leg == "request")
        rpc = RPCS[event.call]
        kind = rpc.request if is_request or rpc.reply is None else rpc.reply
        return msgspec.structs.replace(event, message=msgspec.convert(event.message, kind.cls))
    return event

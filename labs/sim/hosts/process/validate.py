"""Checks everything that a server's process sends, before it is used.

The schema of a frame was checked when it was decoded; this module checks what the schema cannot: that ids exist, that
tickets were issued, that bytes are of their kind, and amounts. An honest process always passes:
labs.sim.server.incarnation checks the same things where the error can still name the submission's line.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import msgspec

from labs.codec import messages as codec
from labs.codec import outlines, safe_repr, states, values
from labs.codec.limits import MAX_MESSAGE, MAX_OUTPUTS
from labs.codec.meaning import check_index, check_term, state_of
from labs.codec.packed import DEEPEST
from labs.codec.rpcs import KIND_OF, RPC_OF
from labs.sim.hosts.process.frames import Answer, BadFrame
from labs.sim.server.disk import Disk
from labs.sim.server.incarnation import MAX_NOTE, MAX_PLACE
from labs.sim.server.outputs import Applied, AppliedSnapshot, Called, Failed, Noted, Output, Problem, Replied, Saved


class Customs:
    """What is known of one incarnation from outside, to compare with what its process sends."""

    def __init__(self, server: int, size: int, disk: Disk) -> None:
        self.waiting: set[int] = set()
        """The calls whose replies the server waits for."""
        self._server, self._size = server, size
        self._calls = 0
        self._tickets: dict[int, frozenset[type]] = {}
        self._kind = states.kind_of(disk.fields) if disk.written else None
        """What kind of state the server saves."""
        self._base, self._entries = disk.base, len(disk.entries)

    def hand_out(self, ticket: int, data: bytes) -> None:
        """A request goes in, and a reply of its kind may come out."""
        reply = RPC_OF[codec.base_class(data)].reply
        if reply is not None:
            self._tickets[ticket] = frozenset({reply.cls})

    def check(self, answer: Answer) -> None:
        """Raise BadFrame if anything in an answer cannot be true."""
        if max(len(answer.outbox), len(answer.afterwards)) > MAX_OUTPUTS + 1:  # the last may report that it fails
            raise BadFrame(f"more than {MAX_OUTPUTS:,} outputs in one step")
        if math.isnan(answer.deadline):
            raise BadFrame("a deadline that is not a number")
        if answer.state is not None and state_of(answer.state) is None:
            raise BadFrame(f"a state that get_state cannot return: {safe_repr.short(answer.state)}")
        for output in (*answer.outbox, *answer.afterwards):
            try:
                self._check(output)
            except BadFrame:
                raise
            except codec.Refused as error:
                raise BadFrame(f"{type(output).__name__}: {safe_repr.cut(str(error), 300)}") from None
            except Exception as error:
                raise BadFrame(
                    f"{type(output).__name__}: {type(error).__name__}: {safe_repr.short(str(error))}"
                ) from None
        for call in answer.abandoned:
            if call not in self.waiting:
                raise BadFrame(f"it stopped waiting for call {call}, which it did not make or which has returned")
            self.waiting.discard(call)

    def _check(self, output: Output) -> None:
        match output:
            case Called():
                self._check_call(output)
            case Replied(ticket=ticket, data=data):
                wanted = self._tickets.pop(ticket, None)
                if wanted is None:
                    raise BadFrame(f"a reply to request {ticket}, which it did not get or has answered")
                self._check_message(data, wanted)
            case Saved():
                self._check_save(output)
            case Applied(index=index, data=data):
                check_index(index, "index")
                if len(data) > MAX_MESSAGE:
                    raise BadFrame("a command that is too long")
                outlines.look_through_value(data)
                values.check_command(codec.decode_command(data))
            case AppliedSnapshot(index=index, term=term):
                check_index(index, "index")  # its bytes are the service's business
                check_term(term, "term")
            case Noted(text=text):
                if len(text) > MAX_NOTE + 1:
                    raise BadFrame(f"a note of {len(text):,} characters")
            case Failed():
                check_failure(output)

    def _check_call(self, called: Called) -> None:
        self._calls += 1
        if called.call != self._calls:
            raise BadFrame(f"call {called.call} after call {self._calls - 1}")
        if not 0 <= called.peer < self._size or called.peer == self._server:
            raise BadFrame(f"a call to server {called.peer}")
        self._check_message(called.data, RPC_OF)
        if RPC_OF[codec.base_class(called.data)].reply is not None:
            self.waiting.add(called.call)

    def _check_message(self, data: bytes, wanted: Collection[type]) -> None:
        if len(data) > MAX_MESSAGE + 1:
            raise BadFrame("a message that is too long")
        outlines.look_through_message(data)
        message = codec.decode_base(data)
        if type(message) not in wanted:
            raise BadFrame(f"a {type(message).__name__}, which has no place there")
        kind = KIND_OF[type(message)]
        kind.check(message, self._size)
        for value in kind.values(message):
            if type(value) not in values.SCALARS:
                values.check_command(value)
        extra = codec.decode_extra(data)
        if extra is not None:
            _check_fields(extra)

    def _check_save(self, saved: Saved) -> None:
        kind = states.kind_of(saved.fields)
        if self._kind is not None and kind is not self._kind:
            raise BadFrame(f"a {kind.name} after a {self._kind.name}")
        outlines.look_through_value(saved.fields[1:])
        fields = kind.decode_fields(saved.fields)
        for value in msgspec.structs.astuple(fields):
            if type(value) not in values.SCALARS:
                values.check_command(value)
        if not kind.is_right(fields, self._size):
            kind.check(fields, self._size)
        if saved.base != kind.base(fields):
            raise BadFrame(f"a log after {saved.base} that begins elsewhere")
        shift = saved.base - self._base
        if not 0 <= shift <= self._entries:
            shift = self._entries
        if saved.shift != shift or not 0 <= saved.kept <= self._entries - shift:
            raise BadFrame(f"a save that keeps {saved.kept} entries from {saved.shift} on, of {self._entries}")
        if kind.log is not None:
            last = saved.base + saved.kept + len(saved.entries)
            check_index(last, f"the last index of {kind.name}.{kind.log.field}")
            for data in saved.entries:
                kind.log.check(data)
        elif saved.entries:
            raise BadFrame(f"entries of a {kind.name}, which has no log")
        if (saved.own_class is None) != (saved.extra is None):
            raise BadFrame("a state with a class but no fields of its own, or the other way round")
        if saved.extra is not None:
            outlines.look_through_value(saved.extra)
            _check_fields(codec.decode_fields(saved.extra))
        self._kind, self._base, self._entries = kind, saved.base, saved.kept + len(saved.entries)


def check_failure(failed: Failed, *problems: Problem) -> None:
    """Raise BadFrame if a failure is described at too great length, or is not one of these problems, if any."""
    if len(failed.text) > MAX_NOTE or len(failed.place) > MAX_PLACE or failed.details:
        raise BadFrame("a failure that is described at too great length")
    if problems and failed.problem not in problems:
        raise BadFrame(f"a failure of the kind {failed.problem!r}")


def _check_fields(fields: object) -> None:
    """Raise BadFrame unless these can be fields that a submission has added to a class."""
    if type(fields) is not dict:
        raise BadFrame(f"a {type(fields).__name__} where fields should be")
    _check_plain(fields)


def _check_plain(value: Any, depth: int = 0) -> None:
    """Raise BadFrame unless a value is built of what msgpack and JSON share, and of bytes."""
    if type(value) in values.SCALARS:
        return
    if depth > DEEPEST:
        raise BadFrame("a value that is nested too deep")
    if type(value) is list:
        for item in value:
            _check_plain(item, depth + 1)
    elif type(value) is dict and all(type(key) is str for key in value):
        for item in value.values():
            _check_plain(item, depth + 1)
    else:
        raise BadFrame(f"a {type(value).__name__} where only plain values may be")

"""The remote calls of the protocols that are in use: for each its messages, and how they are looked at.

A protocol registers its calls when its module is imported (labs.raft.protocol); the numbers in the encoding are its own
choice, so the same in every process. Knows no protocol itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec


def never_sure(message: Any, servers: int) -> bool:
    """Take the place of a quick check where there is none."""
    return False


def _any_meaning(message: Any, servers: int) -> None:
    """Find nothing wrong."""


def _no_values(message: Any) -> Sequence[Any]:
    return ()


def _values_of(message: Any) -> str:
    return " ".join(str(getattr(message, name))[:40] for name in message.__dataclass_fields__)


@dataclass(frozen=True, eq=False)
class Kind:
    """A class of message, and what is asked of its fields."""

    number: int
    """The first byte of an encoded message: below 255, and no other kind's."""
    cls: type
    is_right: Callable[[Any, int], bool] = never_sure
    """Says quickly that all fields have their types and a meaning among this many servers; no means to look again."""
    check: Callable[[Any, int], None] = _any_meaning
    """Raises Refused if a field can mean nothing among this many servers."""
    is_plain: Callable[[Any], bool] | None = None
    """Returns whether all that is in a message is of the lab's classes; raises Refused if it cannot be encoded."""
    look_through: Callable[[bytes], None] | None = None
    """Raises Refused if more would be built of an encoded message than it may hold; for one that holds any values."""
    values: Callable[[Any], Iterable[Any]] = _no_values
    """Returns the values of any kind in a message."""

    @cached_property
    def prefix(self) -> bytes:
        """The first byte of an encoded message."""
        return bytes((self.number,))


@dataclass(frozen=True, eq=False)
class Rpc:
    """One remote call: the class of its request, that of its reply, and the method that handles it."""

    name: str
    handler: str
    request: Kind
    reply: Kind | None
    """None if the message goes one way (`node.send`)."""
    short: str = ""
    """The call's name in a printed trace, if it has a short one."""
    shown: str | None = None
    """The call's name in a drawing, if it is another."""
    words: Callable[[Any], str] = _values_of
    """Returns what is in one of its messages, for a printed trace."""
    label: Callable[[Any], str] = _values_of
    """Returns the same in a few letters, for a drawing."""


KINDS: dict[int, Kind] = {}
"""All kinds of message, by their numbers."""
KIND_OF: dict[type, Kind] = {}
RPC_OF: dict[type, Rpc] = {}
"""For each class of request its call."""
RPCS: dict[str, Rpc] = {}
"""All calls, by name."""
CALL_OF: dict[type, str] = {}
"""For each class of message the name of its call."""
DECODERS: dict[int, Callable[[bytes], Any]] = {}
PROTOCOLS: list[str] = []
"""The modules that have registered calls; a process that runs servers imports the same."""


def register(module: str, *rpcs: Rpc) -> None:
    """Make calls known; `module` is the one that does so when it is imported."""
    PROTOCOLS.append(module)
    for rpc in rpcs:
        assert rpc.name not in RPCS, rpc.name
        RPCS[rpc.name] = rpc
        RPC_OF[rpc.request.cls] = rpc
        for kind in (rpc.request, rpc.reply):
            if kind is not None:
                assert kind.number not in KINDS and kind.number < 255, kind
                KINDS[kind.number] = KIND_OF[kind.cls] = kind
                CALL_OF[kind.cls] = rpc.name
                DECODERS[kind.number] = msgspec.msgpack.Decoder(kind.cls).decode

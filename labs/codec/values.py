"""Checks commands, and other values that a submission hands over: they consist of a few types, without huge numbers."""

from __future__ import annotations

from typing import Any

from labs.codec.limits import MAX_DEPTH, MAX_ITEMS, MAX_KEYS, Refused
from labs.codec.safe_repr import short

LOWEST, HIGHEST = -(2**63), 2**64 - 1
"""The whole numbers that can be encoded."""
SCALARS = frozenset({bool, int, float, str, bytes, type(None)})
_UNLIMITED = SCALARS - {int}
RESERVED = ("\0class", "\0fields")
"""The keys that the encoding needs for itself (labs.codec.messages)."""


def check_command(value: Any, where: str = "the command") -> None:
    """Raise Refused, naming the place inside, unless a value has only the allowed types, within the limits."""
    if type(value) in (list, dict):
        _check_items(value, where, 0, MAX_ITEMS)
    else:
        _check_scalar(value, where)


def _check_scalar(value: Any, where: str) -> None:
    kind = type(value)
    if kind is int and not LOWEST <= value <= HIGHEST:
        raise Refused(f"{where} is the integer {short(value)}: it must fit into 64 bits")
    if kind not in SCALARS:
        advice = {"set": " (use a sorted list)", "tuple": " (use a list)"}.get(kind.__name__, "")
        raise Refused(
            f"{where} is a {kind.__name__}: {short(value)}; "
            f"allowed are bool, int, float, str, bytes, list, dict and None{advice}"
        )


def _check_items(value: list[Any] | dict[Any, Any], where: str, depth: int, room: int) -> int:
    """Check a list or a dict that may hold this many values; return how many more there may be."""
    if depth > MAX_DEPTH:
        raise Refused(f"{where} is nested more than {MAX_DEPTH} deep")
    room -= len(value)
    if room < 0:
        raise Refused(f"{where} has too many values: {MAX_ITEMS:,} are allowed in all lists and dicts together")
    if type(value) is dict:
        _check_keys(value, where)
    for key, item in value.items() if type(value) is dict else enumerate(value):
        if type(item) in (list, dict):
            room = _check_items(item, f"{where}[{short(key)}]", depth + 1, room)
        elif type(item) not in _UNLIMITED and not (type(item) is int and LOWEST <= item <= HIGHEST):
            _check_scalar(item, f"{where}[{short(key)}]")
    return room


def _check_keys(value: dict[Any, Any], where: str) -> None:
    if len(value) > MAX_KEYS:
        raise Refused(f"{where} is a dict of {len(value):,} keys; {MAX_KEYS:,} are allowed (use a list)")
    for key in value:
        if type(key) is not str:
            raise Refused(f"{where} has the key {short(key)}: keys must be strings")
        if key in RESERVED:
            raise Refused(f"{where} has the key {key!r}, which the encoding needs for itself")


def fits(value: int) -> bool:
    """Return whether a whole number is small enough to be encoded."""
    return LOWEST <= value <= HIGHEST


def is_scalar(command: Any) -> bool:
    """Return whether a command is immutable, so that it needs encoding only once."""
    return type(command) in SCALARS

"""What a command may be, and any other value that a submission hands over: built of few types, and no huge number."""

from __future__ import annotations

from typing import Any

from labs.sim.limits import Refused
from labs.sim.texts import short

MAX_DEPTH = 32
"""The deepest nesting of a command."""
LOWEST, HIGHEST = -(2**63), 2**64 - 1
"""The whole numbers that can be encoded."""
SCALARS = frozenset({bool, int, float, str, bytes, type(None)})
RESERVED = ("\0class", "\0fields")
"""The keys that the encoding needs for itself (labs.sim.codec)."""


def check_command(value: Any, where: str = "the command", depth: int = 0) -> None:
    """Raise Refused, naming the place inside the value, unless it is built of the allowed types only."""
    kind = type(value)
    if kind in SCALARS:
        if kind is int and not LOWEST <= value <= HIGHEST:
            raise Refused(f"{where} is the integer {short(value)}: it must fit into 64 bits")
        return
    if depth > MAX_DEPTH:
        raise Refused(f"{where} is nested more than {MAX_DEPTH} deep")
    if kind is list:
        for position, item in enumerate(value):
            check_command(item, f"{where}[{position}]", depth + 1)
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise Refused(f"{where} has the key {short(key)}: keys must be strings")
            if key in RESERVED:
                raise Refused(f"{where} has the key {key!r}, which the encoding needs for itself")
            check_command(item, f"{where}[{key!r}]", depth + 1)
    else:
        advice = {"set": " (use a sorted list)", "tuple": " (use a list)"}.get(kind.__name__, "")
        raise Refused(
            f"{where} is a {kind.__name__}: {short(value)}; "
            f"allowed are bool, int, float, str, bytes, list, dict and None{advice}"
        )


def fits(value: int) -> bool:
    """Say whether a whole number is small enough to be encoded."""
    return LOWEST <= value <= HIGHEST


def is_scalar(command: Any) -> bool:
    """Say whether a command is immutable, so that it needs encoding only once."""
    return type(command) in SCALARS

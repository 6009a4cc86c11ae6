"""Shows values of a submission as text for messages and notes: short, always encodable, and the same in every run.

The part that is cut off is never converted: a command of a megabyte costs no more than one of sixty characters.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

SHORT = 60
"""The longest text of one value, in characters."""
LONGEST = 4000
"""The longest text of a verdict: room for what a server raised (2,000), where (1,000), and the words around it."""
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
"""An object's address as in its `repr`: it differs from run to run."""
_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), dict: ("{", "}")}


def short(value: Any, most: int = SHORT) -> str:
    """Return a value as text for a message, cut to at most this many characters."""
    return cut(text_of(value, lambda value: _begin(value, most)), most)


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text of at most this many characters; three dots replace the rest."""
    return text if len(text) <= most else text[: most - 3] + "..."


def outline(record: Any, most: int = 300) -> str:
    """Return a record (a dataclass or a struct) as its name and its fields, each of them short."""
    names = getattr(record, "__struct_fields__", None) or [field.name for field in dataclasses.fields(record)]
    shown = []
    for name in names:
        value = getattr(record, name)
        plain = not dataclasses.is_dataclass(value) or isinstance(value, type)
        shown.append(f"{name}={short(value, 40) if plain else outline(value, most)}")
    return cut(f"{type(record).__name__}({', '.join(shown)})", most)


def text_of(value: Any, convert: Callable[[Any], str] = str) -> str:
    """Return a value as text that can be encoded, without memory addresses, even if the submission's own repr fails."""
    try:
        return _ADDRESS.sub("0x…", convert(value).encode(errors="backslashreplace").decode())
    except Exception:
        return f"<{type(value).__name__}>"


def _begin(value: Any, most: int) -> str:
    """Return the beginning of a value's `repr`: all of it, or more than this many characters."""
    text = ""
    for piece in _pieces(value, most):
        text += piece
        if len(text) > most:
            break
    return text


def _pieces(value: Any, most: int) -> Iterator[str]:
    """Yield a value's `repr` piece by piece, so that the caller may stop early."""
    kind = type(value)
    if kind is str or kind is bytes:
        yield repr(value[: most + 1])
    elif kind in _BRACKETS:
        opening, closing = _BRACKETS[kind]
        yield opening
        for position, item in enumerate(value):
            if position:
                yield ", "
            yield from _pieces(item, most)
            if kind is dict:
                yield ": "
                yield from _pieces(value[item], most)
        yield ",)" if kind is tuple and len(value) == 1 else closing
    else:
        yield repr(value)

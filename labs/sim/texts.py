"""Values of a submission as text for messages and notes: short, always encodable, and the same in every run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
"""Where an object lies in memory, as `repr` tells it: it differs from run to run."""


def short(value: Any) -> str:
    """Return a value as text for a message, cut to 60 characters."""
    text = text_of(value, repr)
    return text if len(text) <= 60 else text[:57] + "..."


def text_of(value: Any, convert: Callable[[Any], str] = str) -> str:
    """Return a value as text that can be encoded, without memory addresses.

    Also if the submission's own way to write it does not work.
    """
    try:
        return _ADDRESS.sub("0x…", convert(value).encode(errors="backslashreplace").decode())
    except Exception:
        return f"<{type(value).__name__}>"

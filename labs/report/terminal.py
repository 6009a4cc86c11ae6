"""What a report knows of the terminal: its width and height, and the colours of verdicts, if it shows any."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable

NARROWEST, WIDEST = 60, 120
"""Paragraphs are wrapped to the terminal's width within these bounds."""
LOWEST, TAKEN = 12, 3
"""The height that a report may always have; and the lines that the command, make's own words and the prompt take."""


def width() -> int:
    """Return how wide paragraphs may be."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((100, 24)).columns))


def height() -> int | None:
    """Return how many lines of the terminal, or of those that LINES asks for, a report may fill; None for no limit."""
    if not sys.stdout.isatty() and not os.environ.get("LINES"):
        return None
    return max(LOWEST, shutil.get_terminal_size((100, 24)).lines - TAKEN)


def lines(text: str) -> int:
    """Return how many lines of the terminal a text fills: long commands are not wrapped, but go on in the next line."""
    columns = shutil.get_terminal_size((100, 24)).columns
    plain = (re.sub(r"\033\[\d+m", "", line) for line in text.split("\n"))
    return sum(max(1, -(-len(line) // columns)) for line in plain)


def filled(parts: Iterable[str]) -> int:
    """Return how many lines some parts of a report fill, each with the empty line beside it."""
    return sum(lines(part) + 1 for part in parts)


def room_beside(parts: Iterable[str]) -> int | None:
    """Return how many lines of the terminal are left beside these parts of a report; None for no limit."""
    found = height()
    return None if found is None else found - filled(parts)


def shows_colours() -> bool:
    """Return whether standard output is a terminal, and NO_COLOR is not set."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def coloured(text: str, status: str) -> str:
    """Return a text in the colour of a verdict, if colours are shown."""
    if not shows_colours():
        return text
    colour = {"pass": "32", "not written": "33", "not run": "33"}.get(status, "31")
    return f"\033[{colour}m{text}\033[0m"

"""Fits a table to the width of a terminal: first the least important columns go, then the longest column is cut.

Output that goes into a file or a pipe keeps all of it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tabulate import tabulate

Columns: TypeAlias = Mapping[str, Sequence[str]]
"""The cells of a table, by the head of each column."""
GAP, HEAD = 2, 2
"""What tabulate puts between two columns, and adds to the width of a head."""
NARROWEST, SCANTY = 60, 20
"""The width that a table may always have; and the number of letters that are too few to mean anything."""


def room() -> int | None:
    """Return the width of the terminal, or the one that COLUMNS asks for; None if there is no limit."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS"):
        return None
    return max(NARROWEST, shutil.get_terminal_size((100, 24)).columns)


def fit(columns: Columns, cut: str, least: int, expendable: Sequence[str], width: int | None) -> dict[str, list[str]]:
    """Return the part of a table that fits into a width.

    Columns of `expendable` go, the first one first, until the column `cut` has all of its letters, or at least `least`.
    If hardly any are left even then, `cut` goes, too.
    """
    kept = {head: list(cells) for head, cells in columns.items()}
    if width is None:
        return kept
    wanted = min(least, _wide(cut, kept[cut]))
    for head in expendable:
        if _room_for(cut, kept, width) >= wanted:
            break
        kept.pop(head, None)
    left = _room_for(cut, kept, width)
    if left < min(SCANTY, wanted):
        del kept[cut]
    else:
        kept[cut] = [shortened(cell, left) for cell in kept[cut]]
    return kept


def shortened(text: str, room: int) -> str:
    """Return a text, or as much of it as fits."""
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"


def render(columns: Columns, left: Sequence[str]) -> str:
    """Return a table as text; the columns of `left` begin at the left, all others end at the right."""
    align = ["left" if head in left else "right" for head in columns]
    return str(tabulate(columns, headers="keys", tablefmt="simple", colalign=align, disable_numparse=True))


def _wide(head: str, cells: Sequence[str]) -> int:
    return max(len(head) + HEAD, *map(len, cells), 0)


def _room_for(cut: str, columns: Columns, width: int) -> int:
    others = [_wide(head, cells) + GAP for head, cells in columns.items() if head != cut]
    return width - sum(others)

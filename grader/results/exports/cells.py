"""Cells of a spreadsheet: the one place where a value becomes CSV. No cell that is written here acts as a formula.

A spreadsheet takes a cell for a formula if it begins with = + - @ or one of their wide forms; one that expects another
separator also takes what follows a semicolon or a tab for a cell. Text there gets a ' in front; numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from grader.cleaning import one_line

LONGEST = 1000
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?%?")
_ACTIVE = re.compile(r"(^|[;\t\r\n])([ \u00a0\u3000]*)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20][^;\t\r\n])")
"""A sign alone, such as the "-" that stands for an empty date, is not a formula."""


def cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; a number is returned unchanged."""
    return text if _NUMBER.fullmatch(text) else _ACTIVE.sub(r"\1\2'", text)


def text_cell(text: str) -> str:
    """Return any text as a cell on one line that no spreadsheet takes for a formula."""
    return _ACTIVE.sub(r"\1\2'", one_line(text, LONGEST))


def written(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV; whatever a row holds, no cell is a formula."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([cell(value) for value in row] for row in rows)
    return buffer.getvalue()

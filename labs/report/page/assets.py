"""Joins the page's style and its JavaScript modules, in the order in which they import each other.

The modules stand in assets/ as a browser or a type checker reads them; joined they are one script, because a page
opened from a file cannot import others.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class|let)", re.MULTILINE)


@functools.cache
def script(first: str) -> str:
    """Return a module and all that it needs as a single script."""
    order: list[str] = []
    _collect(first, order)
    return "".join(_bare(name) for name in order)


@functools.cache
def style() -> str:
    """Return the style sheet."""
    return palette() + read("page.css")


@functools.cache
def palette() -> str:
    """Return the colours and fonts that all pages have in common, those of the grader, too."""
    return read("palette.css")


def read(name: str) -> str:
    """Return one of the files of the page."""
    return (ASSETS / name).read_text(encoding="utf-8")


def hash_of(text: str) -> str:
    """Return what a content security policy calls this inline script or style."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _collect(name: str, order: list[str]) -> None:
    """Add a module after those that it imports."""
    for other in _IMPORT.findall(read(name)):
        if other not in order:
            _collect(other, order)
    if name not in order:
        order.append(name)


def _bare(name: str) -> str:
    """Return a module without its imports and exports, which the joined script does not need."""
    return _EXPORT.sub("", _IMPORT.sub("", read(name)))

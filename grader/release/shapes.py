"""Code by its shape: what stays of it when every name, text and comment is another one, and so is the layout.

Finds copies that were renamed: two pieces of Python have one shape if consistent renaming makes them equal. Compared
are statements, and two or three of them in a row; pieces that are too small to tell anything are left out.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

LEAST, MOST = 40, 400
"""Nodes of the syntax tree that a piece must have, four lines of code or so, and may have: what is larger has parts."""
ROWS = (1, 2, 3)
"""So many statements in a row make a piece."""
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)


class Piece(NamedTuple):
    """A piece of code: its shape, its first line, and its size in nodes."""

    shape: bytes
    line: int
    size: int


@functools.lru_cache(maxsize=4096)
def pieces(name: str, data: bytes) -> tuple[Piece, ...]:
    """Return the pieces of a Python file, or of the code in a page; what is no Python has none."""
    text = data.decode(errors="replace")
    suffix = PurePosixPath(name).suffix
    if suffix == ".py":
        return tuple(_of(text, 0))
    fences = FENCE.finditer(text) if suffix == ".md" else ()
    return tuple(piece for fence in fences for piece in _of(fence[1], text[: fence.start(1)].count("\n")))


def _of(text: str, above: int) -> Iterator[Piece]:
    try:
        tree = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError):
        return
    sizes: dict[ast.AST, int] = {}
    _measure(tree, sizes)
    for node in sizes:
        for body in _bodies(node):
            for rows in ROWS:
                for start in range(len(body) - rows + 1):
                    some = body[start : start + rows]
                    size = sum(sizes[one] for one in some)
                    if LEAST <= size <= MOST:
                        yield Piece(_digest(_words(some)), above + some[0].lineno, size)


def _measure(node: ast.AST, sizes: dict[ast.AST, int]) -> int:
    """Note how many nodes each statement has, texts aside, and return that of this one."""
    below = sum(_measure(child, sizes) for child in ast.iter_child_nodes(node))
    if isinstance(node, ast.stmt | ast.mod | ast.excepthandler | ast.match_case):
        sizes[node] = below + 1
    return below + (not isinstance(node, ast.expr_context))


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if isinstance(body, list):
            yield [one for one in body if not _is_text(one) and not isinstance(one, ast.Import | ast.ImportFrom)]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _words(statements: list[ast.stmt]) -> Iterator[str]:
    """Return the kinds of all nodes in order; of names, which one it is, counted from the first; of numbers, what."""
    seen: dict[str, int] = {}
    todo: list[ast.AST] = list(reversed(statements))
    while todo:
        node = todo.pop()
        if _is_text(node) or isinstance(node, ast.expr_context):
            continue
        yield type(node).__name__ + _told(node, seen)
        children = [child for field, child in ast.iter_fields(node) if field not in ("annotation", "returns")]
        flat = [one for child in children for one in (child if isinstance(child, list) else [child])]
        todo += reversed([one for one in flat if isinstance(one, ast.AST)])


def _told(node: ast.AST, seen: dict[str, int]) -> str:
    names = [getattr(node, field, None) for field in ("id", "attr", "arg", "name")]
    told = [str(seen.setdefault(name, len(seen))) for name in names if isinstance(name, str)]
    if isinstance(node, ast.Constant) and not isinstance(node.value, str):
        told.append(repr(node.value))
    return " ".join(told)


def _digest(words: Iterable[str]) -> bytes:
    return hashlib.sha256("\n".join(words).encode()).digest()[:16]

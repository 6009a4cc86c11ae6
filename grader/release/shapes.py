"""Compares code by its shape: what remains if every name, text, comment and the layout change.

Finds copies that were renamed: two pieces of Python have one shape if consistent renaming makes them equal. It compares
statements, and two or three of them in a row; pieces that are too small to mean anything are left out.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple, TypeAlias

LEAST, MOST = 40, 400
"""The fewest nodes of the syntax tree in a piece, about four lines of code, and the most: larger pieces have parts."""
ROWS = (1, 2, 3)
"""How many statements in a row make a piece."""
UNHEARD = ("annotation", "returns")
"""Fields of nodes whose words do not count."""
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)

_Word: TypeAlias = tuple[str, tuple[str, ...]]
"""The kind of a node of the syntax tree with its number, and the names in it."""


class Piece(NamedTuple):
    """A piece of code: its shape, its first line, and its size in nodes."""

    shape: bytes
    line: int
    size: int


@functools.lru_cache(maxsize=4096)
def pieces(name: str, data: bytes) -> tuple[Piece, ...]:
    """Return the pieces of a Python file, or of the code in a page; any other file has none."""
    text = data.decode(errors="replace")
    suffix = PurePosixPath(name).suffix
    if suffix == ".py":
        return tuple(_of(text, 0))
    fences = FENCE.finditer(text) if suffix == ".md" else ()
    return tuple(piece for fence in fences for piece in _of(fence[1], text[: fence.start(1)].count("\n")))


class _Flat:
    """A syntax tree as one row of words, in order; each statement is a part of it, from one place to another."""

    def __init__(self, tree: ast.AST) -> None:
        self.sizes: dict[ast.AST, int] = {}
        """How many nodes each statement has, texts aside."""
        self._words: list[_Word] = []
        self._spans: dict[ast.AST, tuple[int, int]] = {}
        self._add(tree, heard=True)

    def words_of(self, statement: ast.AST) -> list[_Word]:
        start, end = self._spans[statement]
        return self._words[start:end]

    def _add(self, node: ast.AST, heard: bool) -> int:
        """Add the words of a node that counts, and of those below it; return how many nodes these are."""
        heard = heard and not _is_text(node) and not isinstance(node, ast.expr_context)
        start, below = len(self._words), 0
        if heard:
            self._words.append(_word(node))
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                below += self._add(value, heard and field not in UNHEARD)
            elif isinstance(value, list):
                for child in value:
                    if isinstance(child, ast.AST):
                        below += self._add(child, heard and field not in UNHEARD)
        if isinstance(node, ast.stmt | ast.mod | ast.excepthandler | ast.match_case):
            self.sizes[node], self._spans[node] = below + 1, (start, len(self._words))
        return below + (not isinstance(node, ast.expr_context))


def _of(text: str, above: int) -> Iterator[Piece]:
    try:
        tree = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError):
        return
    flat = _Flat(tree)
    for node in flat.sizes:
        for body in _bodies(node):
            for rows in ROWS:
                for start in range(len(body) - rows + 1):
                    some = body[start : start + rows]
                    size = sum(flat.sizes[one] for one in some)
                    if LEAST <= size <= MOST:
                        shape = _digest(word for one in some for word in flat.words_of(one))
                        yield Piece(shape, above + some[0].lineno, size)


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if isinstance(body, list):
            yield [one for one in body if not _is_text(one) and not isinstance(one, ast.Import | ast.ImportFrom)]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _word(node: ast.AST) -> _Word:
    """Return the kind of a node, the names in it, and its number, if it is one."""
    kind = type(node).__name__
    if isinstance(node, ast.Constant):
        return kind if isinstance(node.value, str) else f"{kind} {node.value!r}", ()
    return kind, tuple(name for field in _named(kind) if isinstance(name := getattr(node, field, None), str))


@functools.cache
def _named(kind: str) -> tuple[str, ...]:
    """Return the fields of a kind of node that hold names."""
    return tuple(field for field in ("id", "attr", "arg", "name") if field in getattr(ast, kind)._fields)


def _digest(words: Iterable[_Word]) -> bytes:
    """Return a value that is the same for equal words with other names: a name counts only by its order of
    appearance."""
    seen: dict[str, int] = {}
    lines = []
    for kind, names in words:
        lines.append(kind)
        for name in names:
            lines.append(str(seen.setdefault(name, len(seen))))
    return hashlib.sha256("\n".join(lines).encode()).digest()[:16]

"""Finds content that must not leave the instructor in files for release: copied code, names, and canaries.

Code is compared as shingles, which are runs of SHINGLE tokens without comments and layout; for HTML its text. It is
also compared by its shape, regardless of names (grader.release.shapes). Files that nobody can look through stay:
archives, encoded text. Code that is legitimately on both sides is computed, from `skeleton` and `labs`: imports,
signatures and fields anywhere in them, the state that the skeleton gives, and anything that at least one other file of
the lab has, too. So one copied place in the lab does not excuse itself.
"""

from __future__ import annotations

import ast
import functools
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from grader.release import shapes

CANARY = "canary-" + "5f1e0c7d-raft-lab-instructor"
"""The mark of files of the reference and of the grader; in two parts here, so that this file is not one of them."""
SHINGLE = 16
"""Tokens that are compared at a time: a line and a half of code."""
COINCIDENCE = {"skeleton": SHINGLE + 1, "handouts": 24, "labs": 56}
"""How many tokens in a row may be alike by chance: in files that students fill in, a signature and the words after it;
in pages, a sentence; the lab shares habits with the grader, and its scenarios with the hidden ones. For all other files
the check is as strict as possible."""
BY_SHAPE_ONLY = ("tests/corpora/variants/",)
"""Servers that resemble the warm-up in places: their words may be alike, but not whole statements."""
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".json",
    ".jsonl",
    ".yml",
    ".yaml",
    ".html",
    ".svg",
    ".txt",
    ".js",
    ".css",
    ".sh",
    ".cfg",
    "",
}
PACKED = re.compile(r"[A-Za-z0-9+/=_-]{160,}|(?:[A-Za-z0-9+/=_-]{48,}[\s'\"\\,]*){3,}")
"""Matches encoded text, in one line or in several."""
FEWEST = 12
"""The least number of different characters in it; a ruled line has fewer."""
Shingle: TypeAlias = tuple[str, ...]
Files: TypeAlias = tuple[tuple[str, bytes], ...]
Token: TypeAlias = tuple[str, int]
"""A token and its line."""


@dataclass(frozen=True)
class Leak:
    """One place that must not be released."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def find(files: dict[str, bytes], secret: dict[str, bytes], lab: dict[str, bytes]) -> list[Leak]:
    """Return what leaks into `files`, which are to be released. `lab` is skeleton and labs; names are paths."""
    guard = _guard(tuple(sorted(secret.items())), tuple(sorted(lab.items())))
    return [leak for name, data in sorted(files.items()) for leak in guard.leaks_in(name, data)]


@functools.lru_cache(maxsize=2)
def _guard(secret: Files, lab: Files) -> _Guard:
    return _Guard(_secrets(secret), lab)


class _Secrets:
    """The secret: names of hidden tests, and the file of each shingle and each shape."""

    def __init__(self, secret: Files) -> None:
        self.names = _names(secret)
        self.home: dict[Shingle, tuple[str, int]] = {}
        self.shapes: dict[bytes, tuple[str, int]] = {}
        for name, data in secret:
            for piece in shapes.pieces(name, data):
                self.shapes.setdefault(piece.shape, (name, piece.line))
            if PurePosixPath(name).suffix in (".py", ".toml", ".md") and not name.startswith(BY_SHAPE_ONLY):
                for shingle, line, _ in _shingles(tokens(name, data)):
                    self.home.setdefault(shingle, (name, line))


@functools.lru_cache(maxsize=1)
def _secrets(secret: Files) -> _Secrets:
    return _Secrets(secret)


@functools.lru_cache(maxsize=1024)
def _declared(data: bytes) -> frozenset[Shingle]:
    """Return the shingles of what a module declares."""
    return frozenset(shingle for shingle, _, _ in _shingles(_split(declarations(data.decode()))))


class _Guard:
    """The secret, and everything that may be on both sides."""

    def __init__(self, secrets: _Secrets, lab: Files) -> None:
        self._names, self._home, self._shapes = secrets.names, secrets.home, secrets.shapes
        self._declared: set[Shingle] = set()
        self._owners: dict[Shingle, set[str]] = {}
        for name, data in lab:
            if not name.endswith(".py"):
                continue
            self._declared.update(_declared(data))
            for shingle, _, _ in _shingles(tokens(name, data)):
                if shingle in self._home:
                    self._owners.setdefault(shingle, set()).add(name)

    def leaks_in(self, name: str, data: bytes) -> Iterator[Leak]:
        if CANARY.encode() in data:
            line = data[: data.index(CANARY.encode())].count(b"\n") + 1
            yield Leak(name, line, "has the canary that marks the instructor's files")
        if PurePosixPath(name).suffix in (".pyc", ".pyo"):
            yield Leak(name, 1, "is a cache, which no release needs")
        elif PurePosixPath(name).suffix not in TEXT or not _is_text(data):
            yield Leak(name, 1, "is not text, so nobody can look through it")
        else:
            yield from self._named(name, data)
            yield from self._copied(name, data)
            yield from self._renamed(name, data)
            yield from _packed(name, data)

    def _named(self, name: str, data: bytes) -> Iterator[Leak]:
        yield from (Leak(name, 1, f"is named like the hidden test {word}") for word in self._names if word in name)
        for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
            yield from (Leak(name, number, f"names the hidden test {word}") for word in self._names if word in line)

    def _copied(self, name: str, data: bytes) -> Iterator[Leak]:
        """Yield the runs of secret tokens: any run in files that students fill in or read, long ones in the lab."""
        longest = COINCIDENCE.get(name.split("/")[0], SHINGLE - 1)
        for (line, end), (home, at) in self._runs(name, data):
            count = end[1] - line[1] + SHINGLE
            if count > longest:
                yield Leak(name, line[0], f"{count} tokens in a row are those of {home}:{at}")

    def _renamed(self, name: str, data: bytes) -> Iterator[Leak]:
        """Yield code of the instructor's under other names, the largest piece of each line."""
        found = {
            piece.line: piece
            for piece in sorted(shapes.pieces(name, data), key=lambda piece: piece.size)
            if piece.shape in self._shapes
        }
        for piece in found.values():
            home, at = self._shapes[piece.shape]
            yield Leak(name, piece.line, f"{piece.size} nodes of code have the shape of {home}:{at}")

    def _runs(
        self, name: str, data: bytes
    ) -> Iterator[tuple[tuple[tuple[int, int], tuple[int, int]], tuple[str, int]]]:
        """Yield for each run of secret shingles the line and number of its first and last, and the files that they come
        from."""
        begun: tuple[int, int] | None = None
        last, home = (0, 0), ("", 0)
        for shingle, line, number in _shingles(tokens(name, data)):
            if shingle not in self._home or self._may_have(name, shingle):
                continue
            if begun is not None and number != last[1] + 1:
                yield (begun, last), home
                begun = None
            if begun is None:
                begun, home = (line, number), self._home[shingle]
            last = (line, number)
        if begun is not None:
            yield (begun, last), home

    def _may_have(self, name: str, shingle: Shingle) -> bool:
        return shingle in self._declared or bool(self._owners.get(shingle, set()) - {name})


def _packed(name: str, data: bytes) -> Iterator[Leak]:
    text = data.decode()
    for found in PACKED.finditer(text):
        if len(set(found[0])) >= FEWEST:
            yield Leak(
                name, text[: found.start()].count("\n") + 1, f"{len(found[0])} signs that look like encoded text"
            )


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def tokens(name: str, data: bytes) -> list[Token]:
    """Return words and signs in lower case, with their lines, without Python's comments and HTML's tags."""
    text = data.decode(errors="replace")
    suffix = PurePosixPath(name).suffix
    if suffix in (".html", ".svg"):
        text = html.unescape(re.sub(r"<[^>]*>", lambda tag: "\n" * tag.group().count("\n"), text))
    if suffix == ".py":
        text = re.sub(r"#.*", "", text)
    return _split(text)


def _split(text: str) -> list[Token]:
    lines = enumerate(text.splitlines(), 1)
    return [(word.lower(), number) for number, line in lines for word in re.findall(r"\w+|[^\w\s]", line)]


def _shingles(found: list[Token]) -> Iterator[tuple[Shingle, int, int]]:
    """Yield each run of SHINGLE tokens, its line and its number."""
    words = [word for word, _ in found]
    for number in range(len(words) - SHINGLE + 1):
        yield tuple(words[number : number + SHINGLE]), found[number][1], number


def declarations(text: str) -> str:
    """Return the declarations of a module of the lab: others repeat them because they use it, or are used like it.

    Imports, classes' and functions' heads with their docstrings, fields, and the plain state of a server.
    """
    lines = re.sub(r"#.*", "", text).splitlines()
    kept: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            kept.update(_lines(node))
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            kept.update(range(node.lineno, max(node.body[0].lineno, node.lineno + 1)))
            if documented:
                kept.update(_lines(node.body[0]))
            if isinstance(node, ast.ClassDef) or node.name == "__init__":
                for part in filter(_is_plain_state, node.body):
                    kept.update(_lines(part))
    return "\n".join(line for number, line in enumerate(lines, 1) if number in kept)


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _is_plain_state(node: ast.stmt) -> bool:
    """Return whether a statement only gives a field its name, its type, or an empty or constant value."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    value = node.value
    names = isinstance(value, ast.Name | ast.Tuple)
    return value is None or names or isinstance(value, ast.Constant | ast.List | ast.Dict)


def _names(secret: Files) -> list[str]:
    """Return the names of the hidden tests, without the word that all of them begin with."""
    found: set[str] = set()
    for name, data in secret:
        if name.startswith("grader/hidden/"):
            found.update(re.findall(r"def (?:test|drill|perf)_(hidden_\w+)", data.decode()))
    return sorted(found)


def read(root: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the files with these names below a folder."""
    return {name: (root / name).read_bytes() for name in names}

"""Finds the texts of the project that people read: comments, docstrings, messages, pages. Knows nothing of language."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
PLACES = ("labs", "skeleton", "reference", "grader", "handouts", "tests", "scripts", ".ci", ".github")
FILES = ("README.md", "Makefile", "pyproject.toml")
KINDS = (".py", ".md", ".sh", ".yml", ".toml", ".svg", ".html", ".js", ".css", "")
CODE = re.compile(r"`[^`\n]*`|\bdef \w+|\b\w+(?:\.\w+)+\b")
"""What is not read as words: code between backticks, and names with dots."""
CACHES = {"__pycache__", ".venv", "out"}


class Text(NamedTuple):
    """A text with its place: white space is single, code between backticks is left out."""

    file: str
    line: int
    text: str


@functools.cache
def all_texts() -> tuple[Text, ...]:
    """Return every text of the project, file by file."""
    paths = [path for place in PLACES for path in sorted((ROOT / place).rglob("*")) if path.suffix in KINDS]
    paths = [path for path in paths if path.is_file() and not CACHES & set(path.parts)]
    return tuple(text for path in [*(ROOT / name for name in FILES), *paths] for text in texts_of(path))


def texts_of(path: Path) -> Iterator[Text]:
    """Yield the texts of one file."""
    try:
        source = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    found = of_python(source) if path.suffix == ".py" else of_page(source)
    for line, text in found:
        plain = re.sub(r"\s+", " ", CODE.sub("code", text)).strip()
        if " " in plain:
            yield Text(path.relative_to(ROOT).as_posix(), line, plain)


def of_python(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments and strings of a Python file; what is put into an f-string stands as "X"."""
    yield from comments(source)
    parts = set()
    for node in ast.walk(ast.parse(source)):  # an f-string comes before its parts
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            words = [str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values]
            yield from _message_or_code(node.lineno, "".join(words))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield from _message_or_code(node.lineno, node.value)


def _message_or_code(start: int, text: str) -> Iterator[tuple[int, str]]:
    inner = textwrap.dedent(text)
    found = of_python(inner) if is_code(inner) else [(1, text)]
    yield from ((start + line - 1, words) for line, words in found)


def is_code(text: str) -> bool:
    """Return whether a string is a program, or a part of one, of several lines; of that only the texts are read."""
    if "\n" not in text.strip():
        return False
    with contextlib.suppress(SyntaxError, ValueError):
        return any(not isinstance(node, ast.Expr) for node in ast.parse(text).body)
    return False


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of a Python file; comments in lines that follow each other are one."""
    lines: list[str] = []
    start, column = 0, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if lines and token.start != (start + len(lines), column):
            yield start, " ".join(lines)
            lines = []
        if not lines:
            start, column = token.start
        lines.append(token.string.lstrip("#").strip())
    if lines:
        yield start, " ".join(lines)


def of_page(source: str) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of any other file: an item of a list and a row of a table is a paragraph of its own."""
    lines: list[str] = []
    start = 1
    for number, line in enumerate(source.splitlines(), 1):
        if lines and (not line.strip() or re.match(r"\s*([-*|#@]|\d+\.|```|<)", line)):
            yield start, " ".join(lines)
            lines = []
        if line.strip():
            start = start if lines else number
            lines.append(line.strip())
    if lines:
        yield start, " ".join(lines)

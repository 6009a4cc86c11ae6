"""An export of Gradescope: folders called submission_NUMBER, and submission_metadata.yml with their submitters.

The metadata is YAML as Gradescope writes it, of which only the few lines that matter are read.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from grader.exits import Usage
from grader.results.result import Person
from grader.results.students import HandIn

METADATA = "submission_metadata.yml"
_KEY = re.compile(r"(?P<indent> *)(?P<item>- )?:?(?P<key>[\w.-]+):(?: (?P<value>.*))?")


@dataclass
class Entry:
    """What the metadata has about one submission."""

    people: list[dict[str, str]] = field(default_factory=list)
    created_at: str = ""


def fits(folder: Path) -> bool:
    return (folder / METADATA).is_file()


def read(folder: Path, _: Path) -> list[HandIn]:
    """Return a hand-in for each submission in the metadata; a group's has several people."""
    try:
        entries = parse((folder / METADATA).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"cannot read {folder / METADATA}: {error}") from None
    hand_ins = []
    for name, entry in entries.items():
        people = [Person(p.get("sid", ""), p.get("name", ""), p.get("email", "")) for p in entry.people]
        first = min((person.email or person.id or person.name for person in people), default="")
        student = first.casefold() or name
        source = folder / name
        is_there = source.is_dir() and any(source.iterdir())
        trouble = "" if is_there else f"the export has no files for {name}"
        moment = _moment(entry.created_at)
        hand_ins.append(HandIn(student, str(source), "gradescope", tuple(people), moment, trouble=trouble))
    return hand_ins


def parse(text: str) -> dict[str, Entry]:
    """Return the entries of submission_metadata.yml, by the name of their folder."""
    entries: dict[str, Entry] = {}
    entry, section = Entry(), ""
    for line in text.splitlines():
        found = _KEY.fullmatch(line.rstrip())
        if found is None:
            continue
        depth, key, value = len(found["indent"]), found["key"], _scalar(found["value"] or "")
        if depth == 0 and not found["item"]:
            entry = entries.setdefault(key, Entry())
            section = ""
        elif depth == 2 and not found["item"]:
            section = key
            if key == "created_at":
                entry.created_at = value
        elif section == "submitters":
            if found["item"]:
                entry.people.append({})
            if entry.people:
                entry.people[-1][key] = value
    return entries


def _scalar(text: str) -> str:
    """Return the value of a plain or quoted YAML scalar; "" for null."""
    text = text.strip()
    if re.fullmatch(r'"(?:[^"\\]|\\.)*"', text):
        with warnings.catch_warnings(action="ignore"):  # of escapes that Python does not know
            try:
                return str(ast.literal_eval(text))
            except (ValueError, SyntaxError):
                return text[1:-1]
    if re.fullmatch(r"'(?:[^']|'')*'", text):
        return text[1:-1].replace("''", "'")
    return "" if text in ("null", "~") else text


def _moment(text: str) -> str:
    """Return a time such as "2026-02-01 12:34:56.123 Z" as "2026-02-01T12:34:56Z"; "" if it is not in UTC."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)? ?(?:Z|UTC|[+-]00:00)?", text)
    return f"{found.group(1)}T{found.group(2)}Z" if found else ""

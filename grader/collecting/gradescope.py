"""An export of Gradescope: folders called submission_NUMBER, and submission_metadata.yml with their submitters.

The metadata is YAML as Gradescope writes it, of which only the few lines that matter are read. An earlier submission in
a student's history is an attempt if the export has its folder, too; so are several submissions of the same submitters.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.exits import Usage
from grader.results.result import Person
from grader.results.students import HandIn, last_of

METADATA = "submission_metadata.yml"
_TIME = "created_at"
_KEY = re.compile(r"(?P<indent> *)(?P<item>- )?:?(?P<key>[\w.-]+):(?: (?P<value>.*))?")


@dataclass
class Entry:
    """What the metadata has about one submission."""

    people: list[dict[str, str]] = field(default_factory=list)
    created_at: str = ""
    history: list[dict[str, str]] = field(default_factory=list)
    """The earlier submissions, each with its id and its time."""


def fits(folder: Path) -> bool:
    return (folder / METADATA).is_file()


def read(folder: Path, _: Path) -> list[HandIn]:
    """Return a hand-in for each student or group in the metadata; the submission that was handed in last is the last
    attempt."""
    try:
        entries = parse((folder / METADATA).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"cannot read {folder / METADATA}: {error}") from None
    found: dict[tuple[str, ...], dict[str, HandIn]] = {}
    for name, entry in entries.items():
        people = tuple(Person(p.get("sid", ""), p.get("name", ""), p.get("email", "")) for p in entry.people)
        student = min((person.email or person.id or person.name for person in people), default="").casefold() or name
        attempts = found.setdefault(tuple(sorted(key for person in people for key in person.keys)) or (name,), {})
        attempts[name] = _hand_in(HandIn(student, str(folder / name), "gradescope", people), entry.created_at)
        for earlier in entry.history:
            source = folder / f"submission_{earlier.get('id', '')}"
            if source.parent == folder and source.is_dir() and source.name not in entries:
                attempt = replace(attempts[name], source=str(source))
                attempts.setdefault(source.name, _hand_in(attempt, earlier.get(_TIME, "")))
    return [_in_order(list(attempts.values())) for attempts in found.values()]


def _hand_in(hand_in: HandIn, created_at: str) -> HandIn:
    """Return one attempt with its time, or why it has no files."""
    source = Path(hand_in.source)
    is_there = source.is_dir() and any(source.iterdir())
    trouble = "" if is_there else f"the export has no files for {source.name}"
    return replace(hand_in, handed_in=_moment(created_at), trouble=trouble)


def _in_order(attempts: list[HandIn]) -> HandIn:
    """Return the last of a student's attempts, with those before it."""
    return last_of(sorted(attempts, key=lambda one: (one.handed_in, len(one.source), one.source)))


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
            if key == _TIME:
                entry.created_at = value
        elif section == "submitters" or (section == "history" and depth == (2 if found["item"] else 4)):
            items = entry.people if section == "submitters" else entry.history
            if found["item"]:
                items.append({})
            if items:
                items[-1][key] = value
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

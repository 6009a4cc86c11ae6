"""What a roster states about late days: a CSV with the columns id, name, email, group, late_days, extension, of which
only id is needed, and the names of students on the platforms. An error names file, row and column, and what to write.
"""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.exits import Usage

COLUMNS = ("id", "name", "email", "group", "late_days", "extension")
PLATFORMS = ("login", "github", "canvas", "moodle", "gradescope")
"""Columns with a student's name elsewhere."""


@dataclass(frozen=True)
class Entry:
    """One student. `late_days`: free days in place of the rubric's; `extension`: a later deadline, or days more."""

    id: str
    name: str = ""
    email: str = ""
    group: str = ""
    late_days: float | None = None
    extension: datetime.datetime | datetime.timedelta | None = None
    others: frozenset[str] = frozenset()
    """The student's names on platforms."""

    @property
    def keys(self) -> set[str]:
        """Return all names of the student."""
        return {key.casefold() for key in (self.id, self.email, *self.others) if key}

    def deadline(self, due: datetime.datetime | None) -> datetime.datetime | None:
        """Return this student's deadline, where `due` is that of all."""
        if isinstance(self.extension, datetime.timedelta):
            return due + self.extension if due is not None else None
        return self.extension if self.extension is not None else due


def read_roster(path: Path) -> list[Entry]:
    """Return the entries of a roster in its order; raise Usage if the file is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if any(value.strip() for value in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Usage(f"cannot read the roster {path}: {error}") from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if "id" not in header:
        raise Usage(f"{path}: the first line has no column 'id'. It names the columns: {', '.join(COLUMNS)}")
    for name in header:
        if name not in (*COLUMNS, *PLATFORMS):
            raise Usage(f"{path}: there is no column {name!r}; columns are {', '.join((*COLUMNS, *PLATFORMS))}")
        if header.count(name) > 1:
            raise Usage(f"{path}: the column {name!r} is there twice; remove one")
    found = [_entry(path, number, header, row) for number, row in enumerate(rows[1:], 2)]
    for key in ("id", "email"):
        _require_distinct(path, key, [getattr(entry, key) for entry in found])
    return found


def entries_of(roster: Iterable[Entry], names: set[str]) -> list[Entry]:
    """Return the entries of a student, or of the members of a group, who are known by these names."""
    wanted = {name.casefold() for name in names}
    return [entry for entry in roster if entry.keys & wanted or (entry.group and entry.group.casefold() in wanted)]


def _entry(path: Path, number: int, header: list[str], row: list[str]) -> Entry:
    where = f"{path}: row {number}"
    if len(row) > len(header):
        raise Usage(f"{where} has {len(row)} cells, the first line {len(header)}; put a cell with a comma in quotes")
    cells = dict(zip(header, (value.strip() for value in row)))
    if not cells["id"]:
        raise Usage(f"{where}: the id is empty")
    days, extension = cells.get("late_days", ""), cells.get("extension", "")
    name, email, group = (cells.get(column, "") for column in ("name", "email", "group"))
    others = frozenset(cells[column] for column in PLATFORMS if cells.get(column))
    return Entry(cells["id"], name, email, group, _days(where, days), _extension(where, extension), others)


def _days(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days <= 366:
        raise Usage(f"{where}: late_days {text!r} is not a number of days, such as 3; leave it empty for the rubric's")
    return days


def _extension(where: str, text: str) -> datetime.datetime | datetime.timedelta | None:
    if not text:
        return None
    if re.fullmatch(r"\+?\d{1,3}(\.\d+)?", text):
        return datetime.timedelta(days=float(text))
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        words = "is neither days, such as 2, nor a time with its zone, such as 2026-06-03T23:59+02:00"
        raise Usage(f"{where}: extension {text!r} {words}")
    return moment


def _require_distinct(path: Path, key: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value and value.casefold() in seen:
            raise Usage(f"{path}: the {key} {value!r} is there twice; each student has one row")
        seen.add(value.casefold())

"""A roster: a CSV file with the students of a course, their names on each platform, groups, and extensions.

Its columns, in any order: id (required), name, email, login, github, canvas, moodle, gradescope, group, and extension
in days. A student of the roster has its id as identity, whatever the platform calls them; a group has the group's name.
"""

from __future__ import annotations

import csv
import datetime
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.exits import Usage
from grader.results.result import Person
from grader.results.students import HandIn

KEYS = ("id", "email", "login", "github", "canvas", "moodle", "gradescope")
COLUMNS = (*KEYS, "name", "group", "extension")
NOTHING = "nothing was handed in"


@dataclass(frozen=True)
class Student:
    """One line of the roster."""

    person: Person
    keys: frozenset[str]
    group: str = ""
    extension: float = 0.0

    @property
    def identity(self) -> str:
        return self.group or self.person.id


def read(path: Path) -> list[Student]:
    """Return the students of a roster; raise Usage, with the line, if it is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [{(key or "").strip().casefold(): (value or "") for key, value in row.items()} for row in reader]
            columns = [name.strip().casefold() for name in reader.fieldnames or []]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise Usage(f"cannot read the roster {path}: {error}") from None
    unknown = [name for name in columns if name not in COLUMNS]
    if "id" not in columns or unknown:
        wrong = f"has unknown columns {', '.join(unknown)}" if unknown else "has no column id"
        raise Usage(f"the roster {path} {wrong}; columns are {', '.join(COLUMNS)}")
    students = [_student(path, number, row) for number, row in enumerate(rows, 2) if any(row.values())]
    owners: dict[str, str] = {}
    for student in students:
        for key in sorted(student.keys):
            before = owners.setdefault(key, student.person.id)
            if before != student.person.id:
                raise Usage(f"the roster {path}: {key!r} would mean two students, {before} and {student.person.id}")
    return students


def _student(path: Path, number: int, row: dict[str, str]) -> Student:
    values = {key: _text(row.get(key, "")) for key in COLUMNS}
    if not values["id"]:
        raise Usage(f"the roster {path}, line {number}: the id is empty")
    try:
        extension = float(values["extension"] or 0)
    except ValueError:
        raise Usage(
            f"the roster {path}, line {number}: extension is a number of days, not {values['extension']!r}"
        ) from None
    person = Person(values["id"], values["name"], values["email"], values["login"] or values["github"])
    keys = frozenset(values[key].casefold() for key in KEYS if values[key])
    return Student(person, keys, values["group"], extension)


def join(students: Sequence[Student], hand_ins: Sequence[HandIn]) -> list[HandIn]:
    """Return the hand-ins with the identities of the roster, and one with nothing for each student without any."""
    found, seen = list[HandIn](), set[str]()
    for hand_in in hand_ins:
        words = {hand_in.student.casefold(), hand_in.student.rpartition("_")[2].casefold()}
        words |= {key for person in hand_in.people for key in person.keys}
        known = [student for student in students if student.keys & words or student.group.casefold() in words - {""}]
        identities = list(dict.fromkeys(student.identity for student in known))
        if len(identities) != 1:
            found.append(hand_in)
            continue
        members = [student for student in students if student.identity == identities[0]]
        people = tuple(_merged(student, hand_in.people) for student in members)
        extension = max(student.extension for student in members)
        late = max(0.0, hand_in.late - extension) if hand_in.handed_in else hand_in.late
        found.append(replace(hand_in, student=identities[0], origin="roster", people=people, late=late))
        seen.add(identities[0])
    for student in students:
        if student.identity not in seen:
            seen.add(student.identity)
            people = tuple(other.person for other in students if other.identity == student.identity)
            found.append(HandIn(student.identity, "", "roster", people, trouble=NOTHING))
    return found


def _merged(student: Student, people: Sequence[Person]) -> Person:
    """Return a student by the roster, completed by what the platform knows."""
    mine = next((person for person in people if person.keys & student.keys), Person())
    ours = student.person
    return Person(ours.id, ours.name or mine.name, ours.email or mine.email, ours.login or mine.login, mine.id)


def with_lateness(hand_ins: Sequence[HandIn], due: datetime.datetime) -> list[HandIn]:
    """Return the hand-ins with the days that each is late, where the platform has the time of it."""
    found = []
    for hand_in in hand_ins:
        if hand_in.handed_in:
            moment = datetime.datetime.fromisoformat(hand_in.handed_in)
            late = max(0.0, (moment - due).total_seconds() / 86400)
            hand_in = replace(hand_in, late=round(late, 4))
        found.append(hand_in)
    return found


def _text(value: str) -> str:
    return unicodedata.normalize("NFC", value.strip())

"""Joins the hand-ins of a download with a roster (grader.intake.roster): each student gets the roster's id as identity,
whatever the platform calls them; a group gets the group's name. Those who handed in nothing are listed, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grader.exits import Usage
from grader.intake.roster import Entry, entries_of
from grader.results.result import Person
from grader.results.students import HandIn

NOTHING = "nothing was handed in"


def join(roster: Sequence[Entry], hand_ins: Sequence[HandIn]) -> list[HandIn]:
    """Return the hand-ins with the identities of the roster, and one with nothing for each student without any. A
    hand-in that fits no student, or several, keeps its own identity."""
    _require_distinct(roster)
    found, seen = list[HandIn](), set[str]()
    for hand_in in hand_ins:
        known = _students(roster, _words(hand_in))
        if len(known) != 1:
            found.append(hand_in)
            continue
        [student] = known
        seen.add(student)
        people = tuple(_person(entry, hand_in.people) for entry in roster if _identity(entry) == student)
        found.append(replace(hand_in, student=student, origin="roster", people=people))
    for student in dict.fromkeys(_identity(entry) for entry in roster):
        if student not in seen:
            people = tuple(_person(entry, ()) for entry in roster if _identity(entry) == student)
            found.append(HandIn(student, "", "roster", people, trouble=NOTHING))
    return found


def _students(roster: Sequence[Entry], words: set[str]) -> set[str]:
    """Return the identities that these words mean. A number may be another student's on another platform, so numbers
    count only if nothing else is known."""
    numbers = {word for word in words if word.isdigit()}
    named = {_identity(entry) for entry in entries_of(roster, words - numbers)}
    return named or {_identity(entry) for entry in entries_of(roster, numbers)}


def _identity(entry: Entry) -> str:
    return entry.group or entry.id


def _words(hand_in: HandIn) -> set[str]:
    """Return the words by which the roster may know a hand-in: its identity, and all that the platform has."""
    words = {hand_in.student, hand_in.student.rpartition("_")[2]}
    return {word.casefold() for word in words} | {key for person in hand_in.people for key in person.keys}


def _person(entry: Entry, people: Sequence[Person]) -> Person:
    """Return a student by the roster, completed by what the platform has."""
    mine = next((person for person in people if person.keys & entry.keys), Person())
    return Person(entry.id, entry.name or mine.name, entry.email or mine.email, mine.login, mine.id)


def _require_distinct(roster: Sequence[Entry]) -> None:
    owners: dict[str, str] = {}
    for entry in roster:
        for key in sorted(entry.keys):
            before = owners.setdefault(key, entry.id)
            if before != entry.id:
                raise Usage(f"the roster: {key!r} would mean two students, {before} and {entry.id}")

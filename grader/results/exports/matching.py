"""Finds the rows of a platform's gradebook that belong to results: one for each student who gets the points.

A row belongs to a student if one of its names is one that the platform or the roster gave; without such names, one that
is part of the submission's name; an e-mail address also by its first part. Nobody's name is ever invented. Knows no
columns, and fills in nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from grader.exits import Usage
from grader.results.result import Person, Result

MARK = "#"
"""Stands before a number that only this platform gives, so that it is not taken for a student's own."""


@dataclass
class Matched:
    """The results of each row, and the students for whom there is not exactly one row."""

    by_row: dict[int, list[tuple[str, Result]]] = field(default_factory=dict)
    """By the row's number, each with the words for who gets the points."""
    without: list[tuple[str, int]] = field(default_factory=list)
    """Each with how many rows fit."""


def match(
    rows: Sequence[set[str]],
    results: Sequence[Result],
    keys: Callable[[Result, Person], set[str]],
    downloaded: Callable[[str], Iterable[str]],
) -> Matched:
    """Return which results belong to which rows, given the casefolded names of each row. A group's result belongs to
    the rows of all its members.

    `keys` returns the names by which a row may know a person, `downloaded` those in the name of a downloaded file.
    """
    found = Matched()
    for result in results:
        for who, words in _wanted(result, keys, downloaded):
            fitting = _fitting(rows, words)
            if len(fitting) != 1:
                found.without.append((who, len(fitting)))
            elif all(other is not result for _, other in found.by_row.setdefault(fitting[0], [])):
                found.by_row[fitting[0]].append((who, result))
    return found


def require_one_basis(results: Sequence[Result]) -> None:
    """Raise Usage if the points are not of one rubric, selection and secret."""
    for result in results:
        if not result.basis.mixes_with(results[0].basis):
            first = results[0]
            raise Usage(
                f"these results have more than one basis: {first.submission.name}: {first.basis.in_words}; "
                f"{result.submission.name}: {result.basis.in_words}. Grade all by one of them"
            )


def _wanted(
    result: Result, keys: Callable[[Result, Person], set[str]], downloaded: Callable[[str], Iterable[str]]
) -> list[tuple[str, set[str]]]:
    """Return who gets the points: a name, and the words by which a row may know this student."""
    submission = result.submission
    named = [(f"{submission.name} ({p.name or p.id})", keys(result, p)) for p in submission.people if p.keys]
    if named:
        return named
    parts = [submission.name, submission.student, *submission.student.split("/")]
    words = {part.casefold() for part in parts if part}
    return [(submission.name, words | {found for part in parts for found in downloaded(part)})]


def _fitting(rows: Sequence[set[str]], words: set[str]) -> list[int]:
    """Return the rows that know a student by one of these words. A number may be another student's on another platform,
    so numbers come second, and the first parts of e-mail addresses last."""
    numbers = {word for word in words if word.removeprefix(MARK).isdigit()}
    for wanted in (words - numbers, numbers):
        found = [number for number, known in enumerate(rows) if known & wanted]
        if found:
            return found
    first_parts = {_first_part(word) for word in words}
    return [number for number, known in enumerate(rows) if {_first_part(name) for name in known} & first_parts]


def _first_part(word: str) -> str:
    return word.partition("@")[0]

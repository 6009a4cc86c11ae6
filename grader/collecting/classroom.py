"""Checkouts of GitHub Classroom or Classroom 50: a git repository for each student, called ASSIGNMENT-USER."""

from __future__ import annotations

from pathlib import Path

from grader.collecting.entries import submissions_in
from grader.results.result import Person
from grader.results.students import HandIn


def fits(folder: Path) -> bool:
    """Return whether all entries are checkouts, and their names begin alike."""
    found = submissions_in(folder)
    is_checkout = [path.is_dir() and (path / ".git").exists() for path in found]
    return len(found) > 1 and all(is_checkout) and bool(_assignment([path.name for path in found]))


def read(folder: Path, _: Path) -> list[HandIn]:
    """Return a hand-in for each checkout, with the user's name as identity."""
    found = submissions_in(folder)
    begin = len(_assignment([path.name for path in found]))
    users = [path.name[begin:] for path in found]
    return [HandIn(user, str(path), "classroom", (Person(login=user),)) for user, path in zip(users, found) if user]


def _assignment(names: list[str]) -> str:
    """Return the common beginning of the names, up to its last hyphen."""
    common = _common_beginning(names)
    return common[: common.rfind("-") + 1]


def _common_beginning(names: list[str]) -> str:
    first, last = min(names), max(names)
    same = next((number for number, (one, other) in enumerate(zip(first, last)) if one != other), len(first))
    return first[:same]

"""A download of Moodle: folders called Name_NUMBER_assignsubmission_file_, or files whose names begin like that.

A folder may hold one for each attempt; files may have a date in their names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from grader.collecting import attempts
from grader.intake.no_links import is_link
from grader.results.result import Person
from grader.results.students import HandIn, folder_name

ENTRY = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?P<plugin>[a-z]+)_?(?P<file>.*)")


def fits(folder: Path) -> bool:
    """Return whether some entry has such a name; Moodle puts nothing else there, but instructors may."""
    return any(ENTRY.fullmatch(path.name) for path in folder.iterdir())


def read(folder: Path, collected: Path) -> list[HandIn]:
    """Return a hand-in for each participant number. Texts that were typed into Moodle are left out."""
    students: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    by_attempt: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(folder.iterdir()):
        found = ENTRY.fullmatch(path.name)
        if found is None:
            continue
        files = students[found["name"], found["number"]]
        if found["plugin"] == "file":
            if inside := attempts.folders_in(path):
                by_attempt[found["name"], found["number"]] = inside
            files.update(_files_of(path, found["file"]))
    hand_ins = []
    for (name, number), files in students.items():
        student = f"{name}_{number}"
        into, inner = collected / folder_name(student), str(next(iter(files.values()), folder))
        folders = by_attempt.get((name, number))
        several = attempts.of_folders(folders, into) if folders else attempts.of_files(files, into)
        hand_ins.append(attempts.joined(HandIn(student, inner, "moodle", (Person(id=number, name=name),)), several))
    return hand_ins


def _files_of(path: Path, name: str) -> dict[str, Path]:
    """Return the files of one entry."""
    return {name or path.name: path} if path.is_file() or is_link(path) else attempts.files_in(path)

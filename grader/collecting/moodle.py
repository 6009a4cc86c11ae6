"""A download of Moodle: folders called Name_NUMBER_assignsubmission_file_, or files whose names begin like that."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from grader.collecting.attachments import choose
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
    for path in sorted(folder.iterdir()):
        found = ENTRY.fullmatch(path.name)
        if found is None:
            continue
        files = students[found["name"], found["number"]]
        if found["plugin"] == "file":
            files.update(_files_of(path, found["file"]))
    hand_ins = []
    for (name, number), files in students.items():
        student = f"{name}_{number}"
        source, trouble = choose(files, collected / folder_name(student))
        inner = next(iter(files.values()), folder)
        person = Person(id=number, name=name)
        hand_ins.append(HandIn(student, source or str(inner), "moodle", (person,), trouble=trouble))
    return hand_ins


def _files_of(path: Path, name: str) -> dict[str, Path]:
    """Return the files of one entry; a folder that is not just a few files counts as one submission."""
    if path.is_file() or is_link(path):
        return {name or path.name: path}
    inside = sorted(inner for inner in path.iterdir() if not inner.name.startswith("."))
    if any(inner.is_dir() for inner in inside):
        return {f"{path.name}.tar": path}
    return {inner.name: inner for inner in inside}

"""A bulk download of Canvas: files called name_USER_ATTACHMENT_file, or name_LATE_USER_ATTACHMENT_file."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from grader.collecting.attachments import choose
from grader.results.result import Person
from grader.results.students import HandIn, folder_name

FILE = re.compile(r"(?P<name>[^_]*)_(?P<late>LATE_)?(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)")


def fits(folder: Path) -> bool:
    """Return whether all visible files have such names."""
    names = [path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return bool(names) and all(FILE.fullmatch(name) for name in names)


def read(folder: Path, collected: Path) -> list[HandIn]:
    """Return a hand-in for each user number; the attachments of one student are one hand-in."""
    students: dict[str, list[re.Match[str]]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        found = FILE.fullmatch(path.name)
        if found is not None and path.is_file():
            students[found["user"]].append(found)
    hand_ins = []
    for user, found_files in students.items():
        name = found_files[0]["name"]
        student = f"{name}_{user}"
        files = {found["file"]: folder / found.group() for found in found_files}
        source, trouble = choose(files, collected / folder_name(student))
        late = 1.0 if any(found["late"] for found in found_files) else 0.0
        person = Person(id=user, name=name)
        hand_ins.append(
            HandIn(student, source or str(folder / found_files[0].group()), "canvas", (person,), "", late, 0, trouble)
        )
    return hand_ins

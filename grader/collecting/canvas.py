"""A bulk download of Canvas: files called name_USER_ATTACHMENT_file, or name_LATE_USER_ATTACHMENT_file.

A file that was handed in again has a number: raft-1.zip.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from grader.collecting import attempts
from grader.results.result import Person
from grader.results.students import ENDINGS, HandIn, folder_name

FILE = re.compile(r"(?P<name>[^_]*)_(?P<late>LATE_)?(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)")


def fits(folder: Path) -> bool:
    """Return whether all files that can be submissions have such names; an instructor may put a table beside them."""
    names = [path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    possible = [name for name in names if name.lower().endswith(ENDINGS)] or names
    return bool(possible) and all(FILE.fullmatch(name) for name in possible)


def read(folder: Path, collected: Path) -> list[HandIn]:
    """Return a hand-in for each user number; the last attempt, with those before it."""
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
        late = {found["file"]: 1.0 for found in found_files if found["late"]}
        first, person = str(folder / found_files[0].group()), Person(id=user, name=name)
        found_attempts = attempts.of_files(files, collected / folder_name(student))
        hand_ins.append(attempts.joined(HandIn(student, first, "canvas", (person,)), found_attempts, late))
    return hand_ins

"""A folder of submissions: each folder, archive or Python file in it is one student's.

A student's folder may hold nothing but a folder for each attempt, attempt-1 or 2026-03-01-10-00-00: so does a download
of Moodle's programming lab (VPL).
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from grader.collecting import attempts
from grader.exits import Usage
from grader.intake.names import SERVER
from grader.intake.no_links import is_link
from grader.results.students import ENDINGS, HandIn


def fits(folder: Path) -> bool:
    return True


def read(folder: Path, collected: Path) -> list[HandIn]:
    """Return a hand-in for each submission, with the entry's name as identity."""
    if (folder / SERVER).exists() or (folder / "skeleton" / SERVER).exists():
        raise Usage(
            f"{folder} is one submission: .venv/bin/python -m grader grade {folder}. A class is a folder of submissions"
        )
    return [_hand_in(path, collected) for path in submissions_in(folder)]


def _hand_in(path: Path, collected: Path) -> HandIn:
    found = HandIn(stem(path.name), str(path), "folder")
    folders = attempts.folders_in(path)
    return attempts.joined(found, attempts.of_folders(folders, collected / found.name)) if folders else found


def submissions_in(folder: Path) -> list[Path]:
    """Return the entries that can be submissions; a link is one, too, so that it is refused by its name."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "__MACOSX"]
    return sorted(path for path in found if is_link(path) or path.is_dir() or path.name.lower().endswith(ENDINGS))


def require_one(folder: Path) -> None:
    """Raise Usage if a folder is that of a class: one of its submissions would be graded as if it were all of them."""
    if not folder.is_dir() or is_link(folder) or any((folder / place / SERVER).exists() for place in ("", "skeleton")):
        return
    inside = [path for path in submissions_in(folder) if path.suffix != ".py" and not is_link(path)]
    found = [path for path in inside if path.is_file() or _holds_server(path)]
    if len(found) > 1:
        raise Usage(
            f"{folder} holds {len(found)} submissions, such as {found[0].name} and {found[1].name}. For all of them: "
            f".venv/bin/python -m grader class {folder} --out DIR, or give {folder}/*; for one: give {found[0]}"
        )


def _holds_server(folder: Path) -> bool:
    """Return whether a folder has a server, at most two folders down."""
    return any(next(folder.glob(f"{deep}{SERVER}"), None) is not None for deep in ("", "*/", "*/*/"))


def stem(name: str) -> str:
    """Return a file's name without the ending of an archive, in one Unicode form."""
    bare = next((name[: -len(ending)] for ending in ENDINGS if name.lower().endswith(ending)), name)
    return unicodedata.normalize("NFC", bare or name)

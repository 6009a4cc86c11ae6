"""A folder of submissions: each folder, archive or Python file in it is one student's."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from grader.exits import Usage
from grader.intake.names import SERVER
from grader.intake.no_links import is_link
from grader.results.students import ENDINGS, HandIn


def fits(folder: Path) -> bool:
    return True


def read(folder: Path, _: Path) -> list[HandIn]:
    """Return a hand-in for each submission, with the entry's name as identity."""
    if (folder / SERVER).exists() or (folder / "skeleton" / SERVER).exists():
        raise Usage(f"{folder} is one submission: python -m grader grade {folder}. A class is a folder of submissions")
    return [HandIn(stem(path.name), str(path), "folder") for path in submissions_in(folder)]


def submissions_in(folder: Path) -> list[Path]:
    """Return the entries that can be submissions; a link is one, too, so that it is refused by its name."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "__MACOSX"]
    return sorted(path for path in found if is_link(path) or path.is_dir() or path.name.lower().endswith(ENDINGS))


def stem(name: str) -> str:
    """Return a file's name without the ending of an archive, in one Unicode form."""
    bare = next((name[: -len(ending)] for ending in ENDINGS if name.lower().endswith(ending)), name)
    return unicodedata.normalize("NFC", bare or name)

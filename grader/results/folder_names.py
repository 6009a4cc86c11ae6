"""Names for the folders of results: a submission's own name, made plain, and different for each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from grader.exits import Usage


def named(sources: Sequence[str]) -> dict[str, str]:
    """Return a folder's name for each submission: its own name, with that of the folder around it if two have one."""
    found: dict[str, str] = {}
    for source in dict.fromkeys(os.path.normpath(source) for source in sources):
        path = Path(source).absolute()
        if not path.exists():
            raise Usage(f"there is no {source}. Give a folder with raft.py, a zip, or a tar")
        parts = [_plain(part) for part in (*path.parts[-3:-1], _stem(path))]
        names = ["-".join(parts[-length:]) for length in (1, 2, 3)]
        names.append(f"{names[-1]}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}")
        found[next(name for name in names if name not in found)] = source
    return found


def _stem(path: Path) -> str:
    for ending in (".tar.gz", ".tar.xz", ".tgz", ".txz", ".tar", ".zip", ".py"):
        if path.is_file() and path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.name


def _plain(text: str) -> str:
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in text)
    return plain.lstrip(".-")[:80] or "submission"

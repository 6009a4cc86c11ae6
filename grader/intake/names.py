"""Names of files in a submission: which are refused, which are left out, and which file is the server.

Works on names alone; touches no file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 200
DEEPEST = 12
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. +()@,=~-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_LITTER = re.compile(r"\.[^.].*|__pycache__|__MACOSX|node_modules|site-packages|.*\.(egg|dist)-info")
SERVER = "raft.py"


class Refused(Exception):
    """The submission is refused; the text explains what is wrong with it."""


def normalised(name: str) -> str:
    """Return a name with plain slashes, in one Unicode form; raise Refused if it leads elsewhere."""
    name = unicodedata.normalize("NFC", name)
    odd = sorted({character for character in name if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")})
    if odd:
        codes = ", ".join(f"U+{ord(character):04X}" for character in odd[:5])
        raise Refused(f"a file's name holds invisible characters ({codes}): {ascii(name)[:80]}")
    if "\\" in name or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise Refused(f"a file's name is not a relative path: {ascii(name)[:80]}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"a file's name leads out of the submission: {ascii(name)[:80]}")
    if len(name) > LONGEST or len(parts) > DEEPEST:
        raise Refused(
            f"a file's name is longer than {LONGEST} characters or deeper than {DEEPEST} folders: {name[:80]}"
        )
    return "/".join(parts)


def is_litter(name: str) -> bool:
    """Return whether systems or tools left the file: hidden files and folders, version control, caches, packages."""
    return any(_LITTER.fullmatch(part) for part in name.split("/"))


def is_plain(name: str) -> bool:
    """Return whether all parts of a name are of plain letters, and none is a name that Windows reserves."""
    return all(_PLAIN.fullmatch(part) and not _RESERVED.fullmatch(part) for part in name.split("/"))


class Unique:
    """The names so far; refuses two that are the same on some systems, and a file that is also a folder."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, bool]] = {}
        self._files: set[str] = set()

    def add(self, name: str) -> None:
        """Add a file's name, and those of the folders around it."""
        if name in self._files:
            raise Refused(f"two files of one name: {name}")
        self._files.add(name)
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            new = "/".join(parts[:end]), end == len(parts)
            before = self._seen.setdefault(new[0].casefold(), new)
            if before != new:
                raise Refused(f"two names that are the same on some systems: {before[0]} and {new[0]}")


def find_root(names: Iterable[str]) -> str:
    """Return the folder of the server among these files, "" for the top; raise Refused if there is none or several."""
    found = sorted((name for name in names if name.rpartition("/")[2] == SERVER), key=lambda name: name.count("/"))
    if not found:
        raise Refused(f"there is no {SERVER}: hand in the folder that holds it, or a zip or tar of that")
    nearest = [name for name in found if name.count("/") == found[0].count("/")]
    preferred = [name for name in nearest if f"/{name}".endswith(f"/skeleton/{SERVER}")]
    if len(nearest) > 1 and len(preferred) != 1:
        raise Refused(f"there are several: {', '.join(nearest[:5])}; hand in the folder of one")
    return (preferred if len(nearest) > 1 else nearest)[0].rpartition("/")[0]

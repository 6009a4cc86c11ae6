"""The attempts of one student in one download, in order: by a number or a date in names of files, or a folder for each.

Canvas writes a number into the name of a file that is handed in again, raft-1.zip; Moodle's programming lab makes a
folder with a date for each attempt. Without these all files are one attempt. Opens no file, and reads no clock: a date
in a name orders attempts, and never decides how late one is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.collecting.attachments import choose
from grader.intake.no_links import is_link
from grader.results.students import ENDINGS, HandIn, last_of

Version = tuple[str, int]
"""The digits of a date, and a number: the order of attempts."""
_AGAIN = re.compile(r"(.*?)-(\d+)(\.[A-Za-z0-9.]+)")
_DATE = re.compile(
    r"[ _-]?(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
    r"(?:[ T_-]?([01]\d|2[0-3])[-:.h]?([0-5]\d)(?:[-:.]?([0-5]\d))?)?(?!\d)[_-]?"
)
"""A day such as 2026-03-01 or 20260301, perhaps with a time."""
_FOLDER = re.compile(r"attempt[ _-]?(\d{1,6})", re.IGNORECASE)


@dataclass(frozen=True)
class Attempt:
    """What a student handed in at one time."""

    source: str
    trouble: str
    """Why there is no submission, otherwise ""."""
    files: tuple[str, ...] = ()
    """The names of its files."""


def of_files(files: Mapping[str, Path], into: Path) -> list[Attempt]:
    """Return the attempts, by the files' own names; `into` is a folder for what has to be put together.

    A file that was not handed in again belongs to the later attempts, too.
    """
    versions: dict[str, dict[Version, str]] = {}
    for name in files:
        bare, version = version_of(name)
        if version in versions.get(bare, {}):
            bare = name  # two names for the same: nobody knows which counts
        versions.setdefault(bare, {})[version] = name
    handed_in = [known for known in versions.values() if any(map(_is_code, known.values()))] or list(versions.values())
    moments = sorted({moment for known in handed_in for moment in known}) or [("", 0)]
    found: list[Attempt] = []
    for number, moment in enumerate(moments, 1):
        names = {bare: known[max(by)] for bare, known in versions.items() if (by := [m for m in known if m <= moment])}
        place = into if moment == moments[-1] else _earlier(into, number)
        source, trouble = choose({bare: files[name] for bare, name in sorted(names.items())}, place)
        if found and source and source == found[-1].source:
            found.pop()  # the files that came later are not part of the submission
        found.append(Attempt(source, trouble, tuple(filter(_is_code, names.values())) or tuple(names.values())))
    return found


def _is_code(name: str) -> bool:
    """Return whether a file may be a submission, or a part of one, and not a report beside it."""
    return name.lower().endswith(ENDINGS)


def of_folders(folders: Sequence[Path], into: Path) -> list[Attempt]:
    """Return the attempts in folders of their own, in order."""
    found = []
    for number, folder in enumerate(folders, 1):
        place = into if number == len(folders) else _earlier(into, number)
        found.append(Attempt(*choose(files_in(folder), place)))
    return found


def files_in(folder: Path) -> dict[str, Path]:
    """Return the files in a folder by name; a folder that holds other folders counts as one file, like an archive."""
    inside = sorted(inner for inner in folder.iterdir() if not inner.name.startswith("."))
    if any(inner.is_dir() for inner in inside):
        return {f"{folder.name}.tar": folder}
    return {inner.name: inner for inner in inside}


def folders_in(folder: Path) -> list[Path]:
    """Return the folders of a student's attempts, in order; none if there is anything else beside them.

    Folders whose names end in .ceg hold the output of the programming lab, and do not count.
    """
    if is_link(folder) or not folder.is_dir():
        return []
    inside = [path for path in folder.iterdir() if not path.name.startswith(".") and path.suffix != ".ceg"]
    if not all(path.is_dir() and not is_link(path) and _place_of(path.name) is not None for path in inside):
        return []
    return sorted(inside, key=lambda path: _place_of(path.name) or ("", 0))


def version_of(name: str) -> tuple[str, Version]:
    """Return a file's name without the number or the date of an attempt, and these."""
    dated = _DATE.search(name)
    if dated is not None:
        bare = name[: dated.start()] + name[dated.end() :]
        return f"submission{bare}" if bare.startswith(".") else bare, (_digits(dated), 0)
    again = _AGAIN.fullmatch(name)
    return (again.group(1) + again.group(3), ("", int(again.group(2)))) if again else (name, ("", 0))


def joined(hand_in: HandIn, found: Sequence[Attempt], late: Mapping[str, float] | None = None) -> HandIn:
    """Return a student's hand-in with the last attempt as its submission, and those before it; `late` has the days by
    file."""
    return last_of(
        [
            replace(
                hand_in,
                source=one.source or hand_in.source,
                late=max(((late or {}).get(file, 0.0) for file in one.files), default=0.0),
                trouble=one.trouble,
            )
            for one in found
        ]
    )


def _earlier(into: Path, number: int) -> Path:
    return into.parent / f".attempt-{number}" / into.name


def _place_of(name: str) -> Version | None:
    """Return the place of a folder among attempts; None if its name is not that of an attempt."""
    numbered, dated = _FOLDER.fullmatch(name), _DATE.fullmatch(name)
    if numbered is not None:
        return "", int(numbered.group(1))
    return (_digits(dated), 0) if dated is not None else None


def _digits(date: re.Match[str]) -> str:
    return "".join(part or "00" for part in date.groups())

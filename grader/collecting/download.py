"""Finds out what kind of download a folder is, and returns the hand-ins in it, one for each student or group.

Gradescope's export has submission_metadata.yml; Canvas and Moodle put names and numbers into the files' names; GitHub
Classroom and Classroom 50 make a git checkout for each student; in any other folder each entry is a student. A download
that is still a zip is unpacked first.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.collecting import canvas, classroom, entries, gradescope, moodle
from grader.exits import Usage
from grader.intake.names import Refused, normalised
from grader.intake.no_links import is_link
from grader.results.students import HandIn

COLLECTED = ".collected"
"""The folder, among the results, for what has to be unpacked or put together before it can be graded."""
_LARGEST = 4 << 30
"""Bytes of a whole download, unpacked."""


@dataclass(frozen=True)
class Kind:
    """A kind of download: what it is called, how it is recognised, and how it is read."""

    name: str
    fits: Callable[[Path], bool]
    read: Callable[[Path, Path], list[HandIn]]
    """Takes the download, and a folder of its own for files that it has to put together."""


KINDS = (
    Kind("an export of Gradescope", gradescope.fits, gradescope.read),
    Kind("a download of Moodle", moodle.fits, moodle.read),
    Kind("a download of Canvas", canvas.fits, canvas.read),
    Kind("checkouts of a classroom", classroom.fits, classroom.read),
    Kind("a folder of submissions", entries.fits, entries.read),
)


def collect(download: Path, out: Path) -> tuple[str, list[HandIn]]:
    """Return what a download is, and its hand-ins by student; raise Usage if there are none."""
    if not download.exists():
        raise Usage(f"there is no {download}. Give a folder of submissions, or a platform's download")
    if download.is_file():
        download = _unpacked(download, out / COLLECTED / "download")
    place = _inner(download)
    kind = next(kind for kind in KINDS if kind.fits(place))
    found = kind.read(place, out / COLLECTED)
    if not found:
        raise Usage(f"{download} holds no submission: no folder, zip, tar or .py file")
    return kind.name, sorted(found, key=lambda hand_in: hand_in.name)


def _inner(folder: Path) -> Path:
    """Return the only folder in a folder that holds nothing else, if a platform made it, or the folder itself."""
    inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    if len(inside) != 1 or not inside[0].is_dir() or is_link(inside[0]):
        return folder
    return inside[0] if any(kind.fits(inside[0]) for kind in KINDS if kind.fits is not entries.fits) else folder


def _unpacked(file: Path, into: Path) -> Path:
    """Unpack a platform's zip; its names come from students, so none may lead elsewhere."""
    if not zipfile.is_zipfile(file):
        raise Usage(f"{file} is neither a folder nor a zip as a platform makes it")
    shutil.rmtree(into, ignore_errors=True)
    with zipfile.ZipFile(file) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if sum(info.file_size for info in infos) > _LARGEST:
            raise Usage(f"{file} has more than {_LARGEST:,} bytes, unpacked: unpack it yourself, and give the folder")
        for info in infos:
            try:
                name = normalised(info.filename)
            except Refused as refused:
                raise Usage(f"{file}: {refused}. Unpack it yourself, and give the folder") from None
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                continue
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as packed, (into / name).open("wb") as plain:
                shutil.copyfileobj(packed, plain)
    return into

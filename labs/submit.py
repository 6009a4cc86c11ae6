"""What is handed in: packs a server's files into a zip and checks that; opens a packed submission for a replay.

The zip holds raft.py and the modules beside it, and nothing else: no environment, no cache, no lab. Same files, same
bytes.
"""

from __future__ import annotations

import contextlib
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from labs.report.json_files import write_whole
from labs.sim.loader.program import BadSubmission, Program
from labs.sim.loader.sources import MAX_BYTES, MAX_FILES

SERVER = "raft.py"
NOT_HANDED_IN = ("warmup.py",)
"""What lies beside the skeleton, and is not a part of it."""
_STAMP = (2020, 1, 1, 0, 0, 0)
_LARGEST = 64 << 20
"""Bytes of all files that are taken out of a packed submission."""
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


def pack(submission: Path, out: Path) -> list[str]:
    """Pack a server's files, and return their names; raise BadSubmission if it could not be graded."""
    Program(submission)
    files = _files_of(submission)
    size = sum(len(content) for content in files.values())
    if len(files) > MAX_FILES or size > MAX_BYTES:
        largest = max(files, key=lambda name: len(files[name]))
        raise BadSubmission(
            f"{submission} has {len(files)} Python files of {size:,} bytes, more than {MAX_FILES} or {MAX_BYTES:,}; "
            f"the largest is {largest}. Leave in that folder only the modules of your server"
        )
    for name in files:
        if not name.isascii() or not name.isprintable():
            raise BadSubmission(f"the grader leaves out {name!a}: rename it, in plain letters, digits and _")
    with tempfile.SpooledTemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(files):
                info = zipfile.ZipInfo(name, _STAMP)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
                archive.writestr(info, files[name])
        packed.seek(0)
        write_whole(out, packed.read())
    return sorted(files)


def _files_of(submission: Path) -> dict[str, bytes]:
    if submission.is_file():
        return {SERVER: submission.read_bytes()}
    found = {}
    for path in sorted(submission.rglob("*.py")):
        name = path.relative_to(submission)
        is_hidden = any(part.startswith(".") or part in ("__pycache__", "site-packages") for part in name.parts)
        in_environment = any((submission / folder / "pyvenv.cfg").exists() for folder in name.parents)
        if path.is_file() and not is_hidden and not in_environment and name.as_posix() not in NOT_HANDED_IN:
            found[name.as_posix()] = path.read_bytes()
    return found


@contextlib.contextmanager
def opened(submission: Path) -> Iterator[Path]:
    """Yield a folder with the server: for a zip or tar a temporary one with its Python files, else the path itself."""
    if not submission.is_file() or submission.suffix == ".py":
        yield submission
        return
    try:
        files = _packed(submission)
    except _BROKEN as error:
        raise BadSubmission(f"cannot open {submission}: {error}") from None
    servers = sorted((name for name in files if name.name == SERVER), key=lambda name: (len(name.parts), name))
    if not servers:
        raise BadSubmission(f"{submission} holds no {SERVER}")
    with tempfile.TemporaryDirectory(prefix="raft-lab-") as temporary:
        folder = Path(temporary)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        yield folder / servers[0].parent


def _packed(file: Path) -> dict[PurePosixPath, bytes]:
    """Return the Python files in an archive whose names stay inside; no other is ever written."""
    found, left = dict[PurePosixPath, bytes](), _LARGEST
    for name, member in _members(file):
        path = PurePosixPath(name.replace("\\", "/"))
        if path.suffix != ".py" or path.is_absolute() or ".." in path.parts or ":" in name:
            continue
        found[path] = member.read(left + 1)
        left -= len(found[path])
        if left < 0:
            raise BadSubmission(f"{file} holds more than {_LARGEST:,} bytes of Python")
    return found


def _members(file: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the names of the regular files in a zip or tar, with their content open for reading."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    with archive.open(info) as content:
                        yield info.filename, content
        return
    with tarfile.open(file) as tar:
        for member in tar:
            inner = tar.extractfile(member) if member.isreg() else None
            if inner is not None:
                yield member.name, inner

"""Writes records as JSON files, whole or not at all; knows nothing of their contents."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path

import msgspec

PARTIAL = re.compile(r"\..+\.(\d+)\.partial")
"""Names of files that are being written; the number is that of the process."""


def write_json(path: Path, value: object) -> None:
    """Write any record as JSON, whole or not at all."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, to a temporary file beside it that is then renamed.

    Its mode follows the umask, as that of any new file, so that it can be read in a shared folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)  # of a process that had this number and was killed
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Raise OSError if no file can be written there, or if it would replace a device such as /dev/null."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file, and would be replaced", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
        pass

"""Writes records as JSON files, whole or not at all; knows nothing of their contents."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import msgspec


def write_json(path: Path, value: object) -> None:
    """Write any record as JSON, to a temporary file that is then renamed."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text + b"\n")
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
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

"""Opens files and folders of a submission without following a link anywhere in their path.

Each name is opened from the folder around it, which is open already, so nothing can replace it in the meantime. If the
system cannot do that (Windows), each name is checked before it is opened. Knows nothing of the files' contents.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

FROM_FOLDERS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd and hasattr(os, "O_NOFOLLOW")
"""Whether this system opens names from a folder that is open."""
_PLAIN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_TO_READ = _PLAIN | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_POINTS_ELSEWHERE = frozenset((0xA000000C, 0xA0000003))
"""Windows' tags of symbolic links and of junctions."""


class NotPlain(Exception):
    """A name is not a regular file or folder; the text describes what it is."""


def is_link(path: Path | str) -> bool:
    """Return whether a path's last name is a link, no matter where that leads."""
    try:
        return _is_link(os.lstat(path))
    except OSError:
        return False


class Folder:
    """A folder that is open. Use it in a `with`."""

    def __init__(self, path: Path, handle: int | None, owner: int) -> None:
        self._path, self._handle, self._owner = path, handle, owner

    @classmethod
    def at(cls, path: Path) -> Folder:
        """Open a folder by its path, whose last name must not be a link; raise NotPlain or OSError."""
        return cls._opened(path, str(path), None)

    @classmethod
    def _opened(cls, path: Path, name: str, around: int | None) -> Folder:
        facts = os.stat(name, dir_fd=around, follow_symlinks=False) if around is not None else os.lstat(name)
        _require(facts, stat.S_ISDIR(facts.st_mode), "a folder")
        if not FROM_FOLDERS:
            return cls(path, None, facts.st_uid)
        handle = os.open(name, _PLAIN | os.O_DIRECTORY, dir_fd=around)
        return cls(path, handle, os.fstat(handle).st_uid)

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def entries(self) -> Iterator[tuple[str, str]]:
        """Yield names and kinds, in the order of the names: "file", "folder", "link" or "" for anything else."""
        with os.scandir(self._path if self._handle is None else self._handle) as found:
            for entry in sorted(found, key=lambda entry: entry.name):
                yield entry.name, _kind_of(entry)

    def holds(self, name: str) -> bool:
        """Return whether there is anything of that name, even a link that leads nowhere."""
        with contextlib.suppress(OSError):
            self._look(name)
            return True
        return False

    def folder(self, name: str) -> Folder:
        """Open a folder in this one."""
        whole = self._path / name
        return self._opened(whole, name if self._handle is not None else str(whole), self._handle)

    def file(self, name: str) -> BinaryIO:
        """Open a file in this folder; raise NotPlain if it is a link, or another user's file under a second name."""
        before = self._look(name)
        _require(before, stat.S_ISREG(before.st_mode), "a regular file")
        path = name if self._handle is not None else str(self._path / name)
        handle = os.open(path, _TO_READ, dir_fd=self._handle)
        try:
            facts = os.fstat(handle)
            _require(facts, stat.S_ISREG(facts.st_mode) and os.path.samestat(before, facts), "a regular file")
            if facts.st_nlink > 1 and facts.st_uid != self._owner:
                raise NotPlain("a hard link to a file of another user")
        except BaseException:
            os.close(handle)
            raise
        return os.fdopen(handle, "rb")

    def _look(self, name: str) -> os.stat_result:
        if self._handle is not None:
            return os.stat(name, dir_fd=self._handle, follow_symlinks=False)
        return os.lstat(self._path / name)


def open_file(path: Path) -> BinaryIO:
    """Open a file by its path, whose last name must not be a link; raise NotPlain or OSError."""
    _require(os.lstat(path), True, "a file")
    around = path.parent.resolve()  # the user of the grader named the folders that lead there
    with Folder.at(around) as folder:
        return folder.file(path.name)


def _require(facts: os.stat_result, fits: bool, what: str) -> None:
    if _is_link(facts):
        raise NotPlain("a link")
    if not fits:
        raise NotPlain(f"not {what}")


def _is_link(facts: os.stat_result) -> bool:
    return stat.S_ISLNK(facts.st_mode) or getattr(facts, "st_reparse_tag", 0) in _POINTS_ELSEWHERE


def _kind_of(entry: os.DirEntry[str]) -> str:
    if _is_link(entry.stat(follow_symlinks=False)):
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else ""

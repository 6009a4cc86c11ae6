"""Temporary folders of the grader: only its user can read them, and they go when it ends.

A killed grader leaves its folder, with a student's code in it; the next one removes that. Each folder is locked
by the process that uses it, so those of running graders are left alone, even of graders in other containers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "raft-grader-"
_swept = False


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """Make a folder, for as long as the context lasts."""
    global _swept
    if not _swept:
        _swept = True
        sweep()
    while True:
        with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
            with _locked(Path(name)) as is_ours:
                if is_ours and os.path.isdir(name):  # no other grader's sweep was faster
                    yield name
                    return


def sweep() -> None:
    """Remove the folders of this user's graders that no longer run."""
    if os.name != "posix":
        return
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):  # folders that cannot be removed are left to the next grader
            facts = path.lstat()
            if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid():
                with _locked(path) as is_left:
                    if is_left:
                        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Lock a folder; yield whether it is there, and nobody else had locked it."""
    if os.name != "posix":
        yield True
        return
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            is_free = False
        else:
            is_free = True
        yield is_free
    finally:
        os.close(handle)

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
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "raft-grader-"
_YOUNG = 60.0
"""Seconds during which a new folder may not be locked yet."""
_swept = False


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """Make a folder, for as long as the context lasts."""
    global _swept
    if not _swept:
        _swept = True
        sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, _locked(Path(name)):
        yield name


def sweep() -> None:
    """Remove the folders of this user's graders that no longer run."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # folders that cannot be removed are left to the next grader
        for path in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
            facts = path.lstat()
            is_ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()
            if is_ours and abs(time.time() - facts.st_mtime) > _YOUNG:
                with _locked(path) as is_left:
                    if is_left:
                        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Lock a folder; yield whether nobody else had locked it."""
    if os.name != "posix":
        yield True
        return
    import fcntl

    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)

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
from typing import Literal, TypeAlias

PREFIX = "raft-grader-"
Lock: TypeAlias = Literal["ours", "taken", "unknown"]
"""Whose a folder is: ours, that of another process, or unknown where there are no locks."""
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
            with locked(Path(name)) as lock:
                if lock != "taken" and os.path.isdir(name):  # no other grader's sweep was faster
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
                with locked(path) as lock:
                    if lock == "ours":
                        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Lock]:
    """Lock a folder for as long as the context lasts, and yield what came of it; a folder that is gone is taken."""
    if os.name != "posix":
        yield "unknown"
        return
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield "taken"
        return
    try:
        found: Lock = "ours"
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = "taken"
        except OSError:
            found = "unknown"
        yield found
    finally:
        os.close(handle)

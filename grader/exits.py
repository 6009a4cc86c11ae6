"""How a command of the grader ends: its exit codes, and the error that says that it was called wrongly."""

from __future__ import annotations

from pathlib import Path

from grader.lacks import is_exhausted

FULL_POINTS, LESS, USAGE, OUR_ERROR, NOT_GRADABLE, NO_SANDBOX = range(6)
INTERRUPTED = 130


class Usage(Exception):
    """The command was called wrongly, or a file that it needs is wrong; the text says what to do."""


def require_writable(path: Path) -> None:
    """Raise Usage if no file can be written there: found out before the work, and not after it.

    That a disk is full is no wrong use: the OSError goes through.
    """
    from labs.report.json_files import check_writable

    try:
        check_writable(path)
    except OSError as error:
        if is_exhausted(error):
            raise
        raise Usage(f"cannot write {path}: {error.strerror}") from None


class NoSandbox(Exception):
    """The sandbox level that was asked for is not to be had; the text says which is."""


class IntakeFailed(Exception):
    """The grader could not take a submission in; the text says why. It is nothing against the submission."""

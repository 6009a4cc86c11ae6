"""How a command of the grader ends: its exit codes, and the error for a wrong call."""

from __future__ import annotations

from pathlib import Path

from grader.lacks import is_exhausted

FULL_POINTS, LESS, USAGE, OUR_ERROR, NOT_GRADABLE, NO_SANDBOX = range(6)
INTERRUPTED = 130


class Usage(Exception):
    """The command was called wrongly, or a file that it needs is wrong; the text explains what to do."""


def require_writable(path: Path) -> None:
    """Raise Usage if no file can be written there: this is found out before the work, not after it. A full disk is not
    wrong use: that OSError goes through.
    """
    from labs.report.json_files import check_writable

    try:
        check_writable(path)
    except OSError as error:
        if is_exhausted(error):
            raise
        raise Usage(f"cannot write {path}: {error.strerror}") from None


class NoSandbox(Exception):
    """The requested sandbox level is unavailable; the text names the one that is available."""


class IntakeFailed(Exception):
    """The grader could not take a submission in; the text explains why. The submission is not at fault."""

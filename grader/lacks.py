"""What a machine may lack for grading, and what to do then: a full disk is not the fault of a submission."""

from __future__ import annotations

import errno
import traceback

from grader.cleaning import clean

LACKS = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the disk quota is used up: make room",
    errno.EROFS: "the file system can only be read: set TMPDIR to a folder that can be written",
    errno.EMFILE: "a process may not open more files: raise the limit (ulimit -n), or give fewer --jobs",
    errno.ENFILE: "the machine may not open more files: end other programs, or give fewer --jobs",
    errno.ENOMEM: "the memory is used up: end other programs, or give fewer --jobs",
    errno.EAGAIN: "no further process can be started: end other programs, or give fewer --jobs",
    errno.EIO: "the disk fails to read or write: check it",
    errno.EACCES: "the grader may not read or write there: check the permissions, and TMPDIR",
    errno.EPERM: "the grader may not do that: check the permissions, and TMPDIR",
    errno.ESTALE: "a network disk is gone: mount it again",
    errno.ETIMEDOUT: "a network disk does not answer: check it",
}
"""What a machine may lack for grading, by error number, and what to do."""


EXHAUSTED = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO))
"""Those of them that do not depend on the place or the program."""


def describe(error: BaseException) -> str:
    """Return what went wrong in the grader, in one line and with a remedy if the machine lacks something."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MemoryError):
        return f"MemoryError: {LACKS[errno.ENOMEM]}"
    if isinstance(error, OSError):
        remedy = LACKS.get(error.errno or 0, "check the machine, its disk, and TMPDIR")
        return clean(f"{type(error).__name__}: {error}: {remedy}")
    return clean("".join(traceback.format_exception(error)[-3:]))


def is_a_lack(error: OSError) -> bool:
    """Return whether the machine lacks something, so that no file or user is at fault."""
    return error.errno in LACKS


def is_exhausted(error: OSError) -> bool:
    """Return whether something has run out on this machine."""
    return error.errno in EXHAUSTED

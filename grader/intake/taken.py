"""A submission as taken in, and the parent's side of the child that takes it in (grader.intake.child).

It executes nothing of the submission. The outcome is a folder with its Python files, a hash over them, and, if it
cannot be graded, a sentence with the reason. If the machine lacks something, such as room on the disk, that is not the
submission's fault, and is reported separately.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader import scratch
from grader.exits import IntakeFailed, Usage
from grader.intake.names import SERVER
from grader.places import ROOT, environment

_BY_THE_SUBMISSION = [getattr(signal, name) for name in ("SIGXCPU", "SIGSEGV", "SIGABRT") if hasattr(signal, name)]
"""Signals that the content of a submission can cause: it takes too long, or is nested too deep for the parser."""


class Taken(msgspec.Struct):
    """A submission as taken in. `folder` holds its files. `refused`: why it cannot be graded, "" if it can."""

    folder: str = ""
    sha256: str = ""
    files: list[str] = []
    left_out: int = 0
    warnings: list[str] = []
    commit: str = ""
    root: str = ""
    """The folder inside the submission that holds the server, "" for the top."""
    refused: str = ""
    failed: str = ""
    """Why the grader could not take it in, "" if it could: the fault of the machine, or of the grader."""


@contextlib.contextmanager
def take_in(source: str | Path) -> Iterator[Taken]:
    """Take in a submission for as long as the context lasts; raise IntakeFailed if the grader cannot."""
    if not os.path.lexists(source):
        raise Usage(f"there is no {source}. Give a folder with {SERVER}, a zip, or a tar")
    with scratch.folder() as folder:
        done = subprocess.run(
            command(source, folder), env=environment(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        yield taken_from(done.stdout, done.returncode, folder)


def command(source: str | Path, folder: str) -> list[str]:
    """Return the command of the child that takes a submission in."""
    return [
        sys.executable,
        "-P",
        "-s",
        "-B",
        "-W",
        "ignore",
        "-m",
        "grader.intake.child",
        str(Path(source).absolute()),
        folder,
    ]


def taken_from(output: bytes, code: int, folder: str) -> Taken:
    """Return what the child found; raise IntakeFailed if it could not do its work.

    A child that took too long, or whose parser overflowed its stack, is a reason to refuse the submission; one that was
    ended by anything else is not, no matter what it was doing.
    """
    if code != 0 and -code not in _BY_THE_SUBMISSION:
        raise IntakeFailed(f"the process that takes a submission in {_how(code)}")
    try:
        taken = msgspec.json.decode(output.splitlines()[-1] if output else b"", type=Taken)
    except msgspec.MsgspecError:
        taken = Taken(refused="reading it takes more time or memory than a submission may")
    if taken.failed:
        raise IntakeFailed(taken.failed)
    taken.folder = folder
    return taken


def _how(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    more = ": the machine may be out of memory" if -code == getattr(signal, "SIGKILL", 0) else ""
    return f"was ended by signal {signal.Signals(-code).name}{more}"

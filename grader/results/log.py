"""The log of a folder of results: one line of JSON for each submission that was graded, with its source, its hash, who
graded it and why. Lines are only ever added."""

from __future__ import annotations

import datetime
import getpass
import os
from pathlib import Path

import msgspec

from grader.results.result import Result

FILE = "log.jsonl"


def add(out: Path, result: Result, before: Result | None) -> None:
    """Add the line of a result; `before` is the one that it replaces."""
    submission = result.submission
    facts = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "by": _user(),
        "student": submission.student,
        "folder": submission.name,
        "source": submission.source,
        "sha256": submission.sha256,
        "status": result.status,
        "points": result.score if result.has_grade else None,
        "before": before.score if before is not None and before.has_grade else None,
        "basis": result.basis.in_words,
        "reason": result.reason,
    }
    out.mkdir(parents=True, exist_ok=True)
    handle = os.open(out / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(facts) + b"\n")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""

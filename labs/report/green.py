"""Finds the tests that turned green since the last run, and those that are no longer green.

Keeps the green tests of the latest submissions in out/green.json. This only helps the reader: no verdict depends on it.
The file is kept only for commands typed in the lab's own folder; if it cannot be kept, nothing is reported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from labs.raft.stages.catalogue import RAFT_STAGES
from labs.report.json_files import write_whole
from labs.testing.run import RunRecord

LAB = Path(__file__).parent.parent.parent
FILE = Path("out", "green.json")
KEPT = 8
"""How many submissions are remembered."""


@dataclass(frozen=True)
class Change:
    """Ids of tests whose runs all pass now but did not before, and the reverse."""

    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def changed(submission: str, records: Sequence[RunRecord], runs: int) -> Change:
    """Return what these runs changed, and remember them; outside the lab's folder return nothing, and keep nothing."""
    return remember(submission, records, FILE, runs) if is_at_home() else Change()


def is_at_home() -> bool:
    """Return whether the current folder is the lab's own: only there a command keeps what the next one reads."""
    return Path.cwd() == LAB.resolve()


def remember(submission: str, records: Sequence[RunRecord], file: Path, runs: int = 1) -> Change:
    """Keep which tests are green, and return what changed; a test without an earlier run has not changed.

    A test that has passed fewer than `runs` times, since the session was interrupted, is left as it was.
    """
    by_test: dict[str, list[bool]] = {}
    for record in records:
        by_test.setdefault(record.test, []).append(record.status == "pass")
    green = {test: all(passed) for test, passed in by_test.items() if len(passed) >= runs or not all(passed)}
    kept = _read(file)
    name = str(Path(submission).resolve())
    before = kept.pop(name, {})
    kept[name] = {**before, **green}
    with contextlib.suppress(OSError):
        _write(file, dict(list(kept.items())[-KEPT:]))
    other = [test for test, now in green.items() if before.get(test, now) != now]
    gained = tuple(test for test in other if green[test])
    return Change(gained, tuple(test for test in other if not green[test]))


def stage_of(submission: str) -> str:
    """Return the latest stage of which a test is known to be green; the first one if none is."""
    green = _read(FILE).get(str(Path(submission).resolve()), {})
    stages = [test.partition("/")[0] for test, is_green in green.items() if is_green and "/drill_" not in test]
    return max((stage for stage in stages if stage in RAFT_STAGES), default=RAFT_STAGES[0])


def _read(file: Path) -> dict[str, dict[str, bool]]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, bool]])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _write(file: Path, kept: dict[str, dict[str, bool]]) -> None:
    """Replace the file as a whole, so that commands at the same time read one state or the other."""
    write_whole(file, msgspec.json.encode(kept))

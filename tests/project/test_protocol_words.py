"""The rooms that serve any protocol use no word of Raft, but for what the student's API has for every protocol."""

from __future__ import annotations

import re

import pytest

from tests.running import ROOT

ROOMS = ("sim", "trace", "testing", "checking")
RAFT = re.compile(
    r"(?<![a-z])(raft|terms?|votes?|voted|leaders?|leads|followers?|candidates?|elections?|heartbeats?|logs?|commits?|"
    r"committed|append|entries|last included|figure \d+|§)(?![a-z])"
)
NOT_WORDS = re.compile(r"labs\.raft[\w.]*|\.append\(|logging")
"""Paths, and a method of lists."""

IN_NAMES = re.compile(r"_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""The places at which a name is split into words."""

LOG = {"log", "entries"}
"""What the state of any protocol may have beside plain fields (labs.codec.states)."""
PROMISE = {"term", "leader"}
"""The fields of what `start` and `get_state` return; a snapshot that is applied has a term, too."""
ALLOWED: dict[str, set[str]] = {
    "sim/dispatch.py": {"term", *LOG},
    "sim/hosts/process/proxy.py": PROMISE,
    "sim/hosts/process/rehearsal.py": {"raft", "leader", "follower", "log", "vote", "append", "entries"},  # a server
    "sim/hosts/process/validate.py": {"term", *LOG},
    "sim/loader/program.py": {"raft", "candidate", "append", "vote", "entries"},  # a submission's usual name; examples
    "sim/loader/sources.py": {"raft"},
    "sim/runtime/trio_internals.py": {"entries"},  # those of a heap
    "sim/server/disk.py": LOG,
    "sim/server/incarnation.py": {"raft", *PROMISE},  # `_raft` is the submission's object
    "sim/server/outputs.py": {"raft", "append", "term", *LOG},
    "sim/server/persister.py": LOG,
    "trace/events.py": {"committed", *PROMISE, *LOG},
    "trace/recorder.py": {"raft"},  # the name of the file format
    "testing/cluster.py": PROMISE,
    "testing/drill.py": {"term"},
    "testing/lab.py": {"raft"},  # an example
    "testing/metrics.py": {"leader"},
    "testing/run.py": {"commits"},  # a field of the record
    "testing/scenario.py": {"raft", "election"},  # an example
    "checking/conduct.py": {"log"},  # a hint
}
"""For each module the words that it may use: those of the student's API, which is the same for each protocol."""
FILES = sorted(path for room in ROOMS for path in (ROOT / "labs" / room).rglob("*.py"))


def raft_words_in(text: str) -> set[str]:
    """Return the words of Raft in a text; names are split at underscores and at capitals."""
    parts = IN_NAMES.sub(" ", NOT_WORDS.sub("", text))
    return set(RAFT.findall(parts.lower()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "labs").as_posix())
def test_a_module_for_any_protocol_uses_no_word_of_raft(path) -> None:
    found = raft_words_in(path.read_text(encoding="utf-8"))
    allowed = ALLOWED.get(path.relative_to(ROOT / "labs").as_posix(), set())
    assert not found - allowed, f"belongs into labs/raft: {found - allowed}"
    assert not allowed - found, f"is allowed without need: {allowed - found}"


def test_each_exception_names_a_module() -> None:
    assert {*ALLOWED} <= {path.relative_to(ROOT / "labs").as_posix() for path in FILES}

"""The two checkers that every run has, event by event; the corpus of known-wrong servers tries all the others."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, cast

import pytest

from labs.checking.checker import Checker, Checkers, Violation
from labs.checking.configuration import Configuration
from labs.messages import AppendEntriesArgs, Args, InstallSnapshotArgs, LogEntry, RequestVoteArgs
from labs.raft.checkers import checkers
from labs.raft.checkers.basics import OneHistory, OneLeader
from labs.raft.checkers.compaction import KEPT, LATE, Compaction
from labs.raft.checkers.leader_logs import LeaderLogs
from labs.raft.checkers.shadow import Shadow
from labs.raft.checkers.shadow_log import ShadowLog
from labs.raft.checkers.timers import LONGEST, Timers
from labs.raft.curriculum import STAGES
from labs.raft.events import Save
from labs.trace.events import Apply, ApplySnap, Check, Crash, Event, Restart, Role, Send, Start, TakeSnapshot, Timeout


def shadow_of(servers: int, stage: str) -> Shadow:
    """Return the shadow of a run in a stage."""
    return Shadow(Configuration.of_size(servers), STAGES[stage])


def judge(checker: Checker, *events: Event, shadow: Shadow | None = None) -> Violation | None:
    """Show events to a checker, and then to the shadow that it uses; return the first violation."""
    see = Checkers(shadow, [checker]).observer()
    try:
        for event in events:
            see(event)
    except Violation as violation:
        return violation
    return None


def leads(server: int, term: int, how: str) -> Event:
    """Return an event that shows a server leading."""
    append = AppendEntriesArgs(term, server, 0, 0, [], 0)
    install = InstallSnapshotArgs(term, server, 1, 1, b"")
    return {
        "append": Send(1.0, server, 9, 1, "AppendEntries", append, 1),
        "install": Send(1.0, server, 9, 1, "InstallSnapshot", install, 1),
        "start": Start(1.0, server, "x", 1, term, True),
        "role": Role(1.0, server, term, True),
    }[how]


WAYS = ("append", "install", "start", "role")


@pytest.mark.parametrize("one", WAYS)
@pytest.mark.parametrize("other", WAYS)
def test_two_leaders_of_a_term_are_seen_however_they_show(one: str, other: str) -> None:
    violation = judge(OneLeader(), leads(0, 5, one), leads(1, 6, other), leads(1, 5, other))
    assert violation is not None
    assert (violation.rule, violation.servers, violation.time) == ("ElectionSafety", (0, 1), 1.0)
    assert "in term 5, but server 0 " in violation.message


def test_one_leader_may_lead_again_and_others_in_other_terms() -> None:
    events = [leads(server, term, how) for server, term in ((0, 1), (1, 2), (0, 3), (0, 1)) for how in WAYS]
    followers = [Role(1.0, 2, 1, False), Start(1.0, 2, "x", -1, 1, False)]
    assert judge(OneLeader(), *events, *followers) is None


OF_TERM_2 = (
    RequestVoteArgs(2, 0, last_log_index=3, last_log_term=3),
    AppendEntriesArgs(2, 0, 3, 3, [], 0),
    AppendEntriesArgs(2, 0, 2, 1, [LogEntry(2, "x"), LogEntry(3, "y")], 0),
    InstallSnapshotArgs(2, 0, 3, 3, b""),
)
"""Messages of term 2 that mention entries of term 3."""


@pytest.mark.parametrize("message", OF_TERM_2, ids=lambda message: type(message).__name__)
def test_message_that_tells_of_a_newer_term_than_its_own_is_seen(message: Args) -> None:
    call = type(message).__name__.removesuffix("Args")
    violation = judge(LeaderLogs(shadow_of(3, "2B")), Send(1.0, 0, 1, 1, call, message, 1))
    assert violation is not None
    assert (violation.rule, violation.servers) == ("HigherTermAdopted", (0,))
    assert f"sent {call} of term 2, which mentions an entry of term 3" in violation.message


@pytest.mark.parametrize("message", OF_TERM_2, ids=lambda message: type(message).__name__)
def test_message_of_the_newest_term_that_it_tells_of_is_fine(message: Args) -> None:
    call = type(message).__name__.removesuffix("Args")
    later: Any = replace(cast(Any, message), term=4)
    assert judge(LeaderLogs(shadow_of(3, "2B")), Send(1.0, 0, 1, 1, call, later, 1)) is None


def save(server: int, base: int) -> Save:
    return Save(1.0, server, 1, None, base, 1, base + 1, [], base, size=32)


def apply(server: int, *commands: Any, first: int = 1) -> list[Event]:
    return [Apply(1.0, server, index, command) for index, command in enumerate(commands, first)]


IN_ORDER = "server 0 applied index {}, but the last that it had applied was {}"
BROKEN: list[tuple[str, str, list[Event]]] = [
    (
        "StateMachineSafety",
        "server 1 applied 'y' at index 2, but server 0 applied 'x'",
        [*apply(0, 1, "x"), *apply(1, 1, "y")],
    ),
    ("StateMachineSafety", "server 1 applied True at index 1, but server 0 applied 1", [*apply(0, 1), *apply(1, True)]),
    (
        "ApplyInOrder",
        IN_ORDER.format(3, 1),
        [*apply(0, 1), *apply(0, 3, first=3)],
    ),
    ("ApplyInOrder", IN_ORDER.format(1, 1), [*apply(0, 1), *apply(0, 1)]),
    ("ApplyInOrder", IN_ORDER.format(2, 0), [*apply(0, 2, first=2)]),
    ("ApplyInOrder", "server 0 applied index 0", [*apply(0, "x", first=0)]),
    ("ApplyInOrder", IN_ORDER.format(7, 5), [ApplySnap(1.0, 0, 5, 1, b""), *apply(0, "x", first=7)]),
    (
        "SnapshotNotRolledBack",
        "of index 1, but it had applied 2",
        [*apply(0, 1, 2), ApplySnap(1.0, 0, 1, 1, b"")],
    ),
]


@pytest.mark.parametrize(("rule", "text", "events"), BROKEN)
def test_history_that_differs_or_is_out_of_order_is_seen(rule: str, text: str, events: list[Event]) -> None:
    violation = judge(OneHistory(2), *events)
    assert violation is not None and violation.rule == rule
    assert text in violation.message


def test_equal_histories_restarts_and_snapshots_are_fine() -> None:
    events = [*apply(0, 1, 2, None, 4), *apply(1, 1, 2), Restart(1.0, 1, 1), *apply(1, 1, 2, None)]
    snapshot: list[Event] = [ApplySnap(1.0, 1, 4, 1, b""), *apply(0, 5, first=5), *apply(1, 5, first=5)]
    assert judge(OneHistory(2), *events, *snapshot) is None


def test_server_goes_on_behind_its_snapshot_after_a_restart() -> None:
    events = [*apply(0, 1, 2, 3), save(0, 2), Restart(1.0, 0, 1)]
    assert judge(OneHistory(1), *events, *apply(0, 3, first=3)) is None
    assert judge(OneHistory(1), *events, *apply(0, 4, first=4)) is not None


def test_commands_that_every_snapshot_covers_are_forgotten() -> None:
    checker = OneHistory(2)
    for index in range(1, 1001):
        assert judge(checker, *apply(0, index, first=index), *apply(1, index, first=index)) is None
        if index % 10 == 0:
            assert judge(checker, save(0, index), save(1, index)) is None
    assert len(checker._command_at) <= 10


def test_each_stage_is_judged_by_more_than_the_one_before() -> None:
    names = {
        name: [type(judge) for judge in checkers(Configuration.of_size(3), stage).judges]
        for name, stage in STAGES.items()
    }
    for earlier, later in (("0", "2A"), ("2A", "2B"), ("2B", "2C"), ("2C", "2D")):
        assert set(names[earlier]) < set(names[later])
    assert all(OneLeader in found and OneHistory in found for found in names.values())


@pytest.mark.parametrize("base", [0, 2])
def test_what_a_shadow_log_may_have_and_lack_is_what_is_not_certain(base: int) -> None:
    terms = [None, 1, 2]
    for length in range(3):
        for known in itertools.product(terms, repeat=length):
            log = ShadowLog(base, 1 if base else 0, known)
            for index, term in itertools.product(range(base + 4), range(4)):
                assert log.may(index, term) == (not log.lacks(index, term), not log.has(index, term))


def silence(*events: Event) -> Violation | None:
    """Start three servers, of which 0 sends a heartbeat at the end; return the violation."""
    shadow = shadow_of(3, "2A")
    starts = [Restart(0.0, server, 0) for server in range(3)]
    return judge(Timers(shadow), *starts, *events, heartbeat(LONGEST + 1), shadow=shadow)


def heartbeat(time: float) -> Event:
    return Send(time, 0, 9, 1, "AppendEntries", AppendEntriesArgs(1, 0, 0, 0, [], 0), 1)


def asks(time: float, server: int, **extra: bool) -> Event:
    return Send(time, server, 0, 2, "RequestVote", RequestVoteArgs(1, server, 0, 0), 1, extra or None)


def test_server_that_hears_nobody_has_to_stand_for_election() -> None:
    violation = silence(heartbeat(1.0), asks(1.0, 1))
    assert violation is not None and (violation.rule, violation.servers) == ("LeaderInTime", (2,))
    assert "server 2 has heard from nobody and asked nobody for a vote from t=0.000 s to t=6.000 s" in violation.message
    assert silence(heartbeat(1.0), asks(1.0, 1), asks(2.0, 2)) is None
    assert silence(heartbeat(1.0), asks(0.1, 1), asks(0.1, 2)) is None  # calls may take longer
    assert silence(heartbeat(1.0), asks(0.1, 1), asks(0.1, 2), Timeout(0.2, 2, 0, 2)) is not None
    assert silence(heartbeat(1.0), asks(1.0, 1), asks(2.0, 2, trial=True)) is None
    assert silence(heartbeat(1.0), asks(1.0, 1), Restart(2.0, 2, 1)) is None
    assert silence(heartbeat(1.0), asks(1.0, 1), Crash(2.0, 2)) is None


def test_server_alone_and_servers_that_wait_a_little_less_are_not_silent() -> None:
    shadow = shadow_of(1, "2A")
    events = [Restart(0.0, 0, 0), Check(LONGEST + 1, -1, "")]
    assert judge(Timers(shadow), *events, shadow=shadow) is None
    shadow = shadow_of(3, "2A")
    early = [*(Restart(0.0, server, 0) for server in range(3)), Check(LONGEST, -1, "")]
    assert judge(Timers(shadow), *early, shadow=shadow) is None


def log_of(time: float, base: int, last: int) -> Save:
    entries = [LogEntry(1, None)] * (last - base)
    return Save(time, 0, 1, None, base, 1 if base else 0, base + 1, entries, last, size=32)


def compaction(*events: Event) -> Violation | None:
    """Let a server save a log of 50 entries whose service takes a snapshot of it; return the violation."""
    shadow = shadow_of(1, "2D")
    start = [Restart(0.0, 0, 0), log_of(0.0, 0, 50), TakeSnapshot(1.0, 0, 50, 9)]
    late = Apply(1.1 + LATE, 0, 51, None)
    return judge(Compaction(shadow), *start, *events, late, shadow=shadow)


def test_log_that_a_snapshot_covers_gets_shorter_but_for_its_last_entries_and_before_long() -> None:
    violation = compaction()
    assert violation is not None and violation.rule == "LogTrimmed"
    assert "a snapshot of index 50 at t=1.000 s, but the log on the server's disk still begins after index 0" in str(
        violation.message
    )
    assert compaction(log_of(1.5, 50 - KEPT, 50)) is not None
    assert compaction(log_of(1.5, 51 - KEPT, 50)) is None
    assert compaction(log_of(1.5, 50, 50)) is None
    assert compaction(Crash(1.5, 0), Restart(1.5, 0, 1)) is None

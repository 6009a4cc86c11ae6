"""The page marks what disagrees: for every rule the event that breaks it, and the earlier ones that it contradicts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from labs.checking.checker import Violation
from labs.checking.conduct import conduct
from labs.checking.configuration import Configuration
from labs.messages import AppendEntriesArgs
from labs.raft.checkers import checkers
from labs.raft.curriculum import STAGES as STAGES_OF_RAFT
from labs.raft.rules import RULES
from labs.raft.stages import catalogue
from labs.testing.run import run_scenario
from labs.trace import events as ev
from labs.trace.reader import event_of
from tests.browser.opening import chromium, needs_browser, opened
from tests.browser.test_page import made_page
from tests.corpora import event_cases
from tests.tools import mutation

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser
FACTS = {
    "ElectionSafety": ["send RequestVote", "send AppendEntries"],
    "LeaderAppendOnly": ["save", "save"],
    "LogMatching": ["save", "save"],
    "LeaderCompleteness": ["apply", "send AppendEntries"],
    "StateMachineSafety": ["deliver AppendEntries", "apply"],
    "TermNeverDecreases": ["save", "save"],
    "HigherTermAdopted": ["deliver AppendEntries", "reply AppendEntries"],
    "StaleTermRejected": ["role", "deliver InstallSnapshot", "save"],
    "OneVotePerTerm": ["reply RequestVote", "save"],
    "VoteOnlyUpToDate": ["save", "send RequestVote"],
    "VoteDenied": ["deliver RequestVote", "reply RequestVote"],
    "LeaderHasMajority": ["send RequestVote", "role"],
    "CandidateIncrementsTerm": ["deliver AppendEntries", "send RequestVote"],
    "ElectionTimerReset": ["deliver AppendEntries", "send RequestVote"],
    "RandomizedTimeouts": ["send RequestVote", "send RequestVote"],
    "StepsDown": ["deliver AppendEntries", "reply AppendEntries"],
    "ConsistencyCheck": ["deliver AppendEntries", "save", "reply AppendEntries"],
    "ConsistencyRefusal": ["deliver AppendEntries", "reply AppendEntries"],
    "ConflictTruncated": ["save", "deliver AppendEntries", "save"],
    "MatchingKept": ["save", "deliver AppendEntries", "save"],
    "CommitNeedsMajority": ["deliver AppendEntries", "apply"],
    "CommitOnlyCurrentTerm": ["save", "deliver AppendEntries", "apply"],
    "CommitBound": ["deliver AppendEntries", "apply"],
    "CommitNeverDecreases": ["apply", "send AppendEntries"],
    "ApplyInOrder": ["restart", "apply"],
    "CommittedIsApplied": ["deliver AppendEntries", "reply AppendEntries"],
    "StartAnswers": ["start", "start"],
    "HeartbeatsSent": ["role", "send AppendEntries"],
    "BackoffBound": ["deliver AppendEntries", "send AppendEntries"],
    "SavedBeforeReply": ["restart", "reply AppendEntries"],
    "SavedBeforeSend": ["restart", "send RequestVote"],
    "RestoredOnRestart": ["save", "role"],
    "LogTrimmed": ["takesnapshot", "send RequestVote"],
    "SnapshotNotRolledBack": ["apply", "applysnap"],
    "SnapshotKeepsSuffix": ["save", "deliver InstallSnapshot", "save"],
    "SnapshotAndLogTogether": ["save", "save"],
    "SnapshotIsTheServices": ["save", "send InstallSnapshot"],
    "SnapshotTermKept": ["deliver InstallSnapshot", "save"],
    "InstallWhenNeeded": ["deliver InstallSnapshot", "send InstallSnapshot"],
    "LeaderInTime": ["deliver InstallSnapshot", "reply InstallSnapshot"],
    "RpcBudget": ["send RequestVote", "send RequestVote"],
    "NoCrash": ["deliver AppendEntries", "save"],
}
"""For each rule the events that are marked in its shortest case, in order."""
LONGER = {
    "LeaderCompleteness": ("X03_marked_votes_for_any_log", "2B/fast_backup"),
    "CommitNeverDecreases": ("W03_probe_applies_again", "2B/drill_probe_takes_no_commit_back"),
    "CommittedIsApplied": ("B773_what_does_not_fit_is_not_applied", "2B/drill_service_is_busy"),
    "BackoffBound": ("E40_match_index_starts_at_the_end", "2B/drill_leader_goes_back"),
    "LogTrimmed": ("B739_whole_logs_are_not_trimmed", "2D/drill_snapshot_trims_log"),
    "LeaderInTime": ("H02_older_snapshot_resets_the_timer", "2D/drill_older_snapshot_resets_nothing"),
    "RpcBudget": ("B215_asks_again_at_once", "2A/election_after_network_failure"),
    "NoCrash": ("C552_indices_follow_the_services_wait", "2D/drill_entries_overtake_snapshot"),
}
"""For rules without a case: a known-wrong server, and a test in which it breaks that rule."""
LATER = {
    "HeartbeatsSent": "the leader's last event is marked, also if a peer acted when its silence was noticed",
    "SavedBeforeReply": "a vote counts once its candidate leads by it",
}
"""Rules that are found broken at a later event than the one that is marked."""
SINGLE = {
    "ByteBudget": "it counts bytes of a whole run",
    "NothingExtraPersisted": "no server of the corpora breaks it first in a short run",
    "SnapshotOnlyApplied": "no server of the corpora breaks it first in a short run",
}
"""Rules that are not tried here, and why."""


class Case(msgspec.Struct):
    """Events up to a verdict, and the number of servers that had them."""

    name: str
    rule: str
    servers: int
    events: list[ev.Event]


def cases() -> Iterator[Case]:
    """Yield the broken runs of the event cases, each with the verdict that its checker reaches."""
    for stage in event_cases.STAGES:
        for case, lines in event_cases.load(stage):
            if case.rule:
                events = event_cases.decoded(lines)
                yield Case(case.name, case.rule, case.servers, [*events, verdict(stage, case.servers, events)])


def verdict(stage: str, servers: int, events: list[ev.Event]) -> ev.Event:
    see = checkers(Configuration.of_size(servers), STAGES_OF_RAFT[stage]).observer()
    try:
        for event in events:
            see(event)
    except Violation as found:
        return ev.Verdict(found.time, next(iter(found.servers), -1), "fail", found.rule, str(found), "", found.servers)
    raise AssertionError("the checkers find nothing")


def longer() -> Iterator[Case]:
    """Yield runs of known-wrong servers that break a rule of which there is no case."""
    for rule, (server, test) in LONGER.items():
        scenario = next(scenario for scenario in catalogue.find(test) if scenario.id == test)
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "run.trace.jsonl"
            with trace.open("wb") as file:
                record = run_scenario(scenario, mutation.program_of(server, True), 1, file)
            assert record.rule == rule, server
            lines = trace.read_bytes().splitlines()[1:]
        yield Case(f"{server}, {test}", rule, scenario.size(1), [event_of(line) for line in lines])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, list[ev.Event]]]:
    """What the page marks in each case, by one page that takes up one run after the other."""
    page = made_page(tmp_path_factory.mktemp("pages"), "empty", [], 3).path
    runs = [*cases(), *longer()]
    with chromium() as browser:
        return marked(browser, page, runs)


def marked(browser: Browser, path: Path, runs: list[Case]) -> list[tuple[Case, list[ev.Event]]]:
    given = [[run.servers, msgspec.json.decode(msgspec.json.encode(run.events))] for run in runs]
    with opened(browser, path) as page:
        facts: list[list[int]] = page.evaluate(
            "(text) => JSON.parse(text).map(([servers, events]) => { raftPage.model = new"
            " raftPage.model.constructor({ servers }); raftPage.model.append(events); raftPage.explain();"
            " return raftPage.facts; })",
            msgspec.json.encode(given).decode(),
        )
    return [(run, [run.events[number] for number in numbers]) for run, numbers in zip(runs, facts, strict=True)]


def test_every_case_has_an_earlier_fact_and_ends_with_the_broken_event(
    found: list[tuple[Case, list[ev.Event]]],
) -> None:
    problems = [run.name for run, facts in found if len(facts) < 2]
    assert problems == []
    for run, facts in found:
        if run.rule not in {*LATER, *LONGER}:
            assert facts[-1] == run.events[-2], run.name


def test_each_rule_marks_what_it_compares(found: list[tuple[Case, list[ev.Event]]]) -> None:
    shortest: dict[str, tuple[int, list[str]]] = {}
    for run, facts in found:
        size = len(run.events)
        if run.rule not in shortest or size < shortest[run.rule][0]:
            shortest[run.rule] = (size, [words(fact) for fact in facts])
    assert {rule: facts for rule, (_, facts) in shortest.items()} == FACTS


def test_both_leaders_of_a_term_are_marked(tmp_path: Path) -> None:
    append = AppendEntriesArgs(1, 0, 0, 0, [], 0)
    events: list[ev.Event] = [
        *(ev.Restart(0.0, server, 0) for server in range(3)),
        ev.Send(0.4, 0, 1, 1, "AppendEntries", append, 40),
        ev.Deliver(0.41, 1, 0, 1, "request", "AppendEntries", append),
        ev.Role(0.5, 0, 2, False),
        ev.Role(0.6, 2, 1, True),
        ev.Verdict(0.6, 0, "fail", "ElectionSafety", "two leaders", "", (0, 2)),
    ]
    with chromium() as browser:
        path = made_page(tmp_path, "empty", [], 3).path
        [(_, facts)] = marked(browser, path, [Case("made up", "ElectionSafety", 3, events)])
    assert facts == [events[3], events[6]]


def words(event: ev.Event) -> str:
    """Return an event's kind, with the call that it belongs to."""
    return f"{type(event).__name__.lower()} {getattr(event, 'call', '')}".rstrip()


def test_every_rule_is_tried() -> None:
    assert set(FACTS) | set(SINGLE) | {rule.id for rule in conduct("2A")} == set(RULES)

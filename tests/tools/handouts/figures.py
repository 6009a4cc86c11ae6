"""The figures of the handouts: runs of wrong servers (and of the reference) that are drawn as space-time diagrams.

Each rule has the run that shows it best, mostly a drill: few messages, one mistake.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labs.checking.checker import Checkers
from labs.checking.configuration import Configuration
from labs.checking.stage import Stage
from labs.raft.checkers import checkers
from labs.raft.lab import RAFT
from labs.raft.stages import catalogue
from labs.report import moving
from labs.report.space_time import View, draw
from labs.sim.hosts.process.pool import ProcessHosts
from labs.testing.run import RunRecord, run_scenario
from labs.trace.events import Event
from labs.trace.reader import read
from tests.tools.handouts import packages, scratch, watched

QUIET = View(rows=14, hide=("heartbeats",))
FOLDER = "figures"


@dataclass(frozen=True)
class Shown:
    """A run that is shown: who runs, in which test, with which seed, and what of it is drawn."""

    server: str
    test: str
    seed: int = 1
    view: View = field(default_factory=View)
    judge: str = ""
    """The only checker that watches, if another one would find a cause before this one sees the harm; "" for all."""
    watch: str = ""
    """What else is needed to end the run: "stalls" (see tests.tools.handouts.watched), or "processes"."""


def by(
    server: str, test: str, rows: int = 10, seed: int = 1, *, hide: str = "", judge: str = "", watch: str = ""
) -> Shown:
    return Shown(server, test, seed, View(rows=rows, hide=tuple(hide.split())), judge, watch)


VIOLATIONS: dict[str, Shown] = {
    "ElectionSafety": by(
        "E01_vote_for_everyone", "2A/overlapping_majorities", 16, hide="heartbeats lost", judge="OneLeader"
    ),
    "LeaderAppendOnly": by("S14f_trim_drops_one_too_many", "2D/snapshots_basic", 12, hide="heartbeats"),
    "LogMatching": by("P25c_command_changed_at_restart", "2C/crash_right_after_save", 14, hide="heartbeats"),
    "LeaderCompleteness": by(
        "E08_any_log_will_do", "2B/newest_log_leads", 16, hide="heartbeats lost", judge="LeaderLogs"
    ),
    "StateMachineSafety": by("classic_counts_old_terms", "2B/figure_8", 22, hide="heartbeats lost", judge="OneHistory"),
    "TermNeverDecreases": by("E34_reply_without_a_term", "2A/drill_older_candidate"),
    "HigherTermAdopted": by("E30_candidate_ignores_a_higher_term_in_replies", "2A/drill_refusal_raises_term"),
    "StaleTermRejected": by("E21_old_candidates_get_votes", "2A/drill_heartbeat_raises_term"),
    "OneVotePerTerm": by("E01_vote_for_everyone", "2A/drill_one_vote_a_term"),
    "VoteOnlyUpToDate": by("E08_any_log_will_do", "2B/drill_older_last_entry_refused"),
    "VoteDenied": by("E06_vote_kept_in_a_new_term", "2A/drill_new_term_new_vote"),
    "LeaderHasMajority": by("E19a_half_is_a_majority", "2A/drill_half_is_no_majority"),
    "CandidateIncrementsTerm": by("E41c_no_new_term_after_a_vote", "2A/drill_heartbeats_keep_follower"),
    "ElectionTimerReset": by("T22_old_timer_not_cancelled", "2A/drill_heartbeats_keep_follower"),
    "RandomizedTimeouts": by("E26_the_same_timeout_for_all", "2A/drill_timeouts_differ"),
    "StepsDown": by("E28_candidate_ignores_the_leader_of_its_term", "2A/drill_candidate_follows_leader"),
    "ConsistencyCheck": by("R02_prev_log_term_not_compared", "2B/drill_other_term_refused"),
    "ConsistencyRefusal": by("refuses_the_first_entry", "2B/drill_entries_stay"),
    "ConflictTruncated": by("R06_conflict_replaced_alone", "2B/drill_conflict_ends_log"),
    "MatchingKept": by("classic_truncates_always", "2B/drill_late_entries_cut_nothing"),
    "CommitNeedsMajority": by("T05_log_read_after_the_call", "2B/drill_answer_counts_what_was_sent", 14),
    "CommitOnlyCurrentTerm": by("classic_counts_old_terms", "2B/figure_8", 22, hide="heartbeats lost"),
    "CommitBound": by("R01_heartbeats_are_not_checked", "2B/drill_commit_ends_with_new_entries"),
    "CommitNeverDecreases": by("tells_less_at_times", "2B/follower_failure"),
    "ApplyInOrder": by("P21_last_applied_survives", "2C/drill_new_service_gets_all", 14),
    "CommittedIsApplied": by("heartbeats_commit_nothing", "2B/drill_heartbeat_commits"),
    "StartAnswers": by("counts_from_0", "2B/drill_start_answers"),
    "HeartbeatsSent": by("E36_no_word_upon_election", "2A/drill_leader_says_so"),
    "BackoffBound": by("E40_match_index_starts_at_the_end", "2B/drill_leader_goes_back"),
    "SavedBeforeReply": by("P01v_granted_vote_not_saved", "2C/drill_vote_is_saved"),
    "SavedBeforeSend": by("P02_candidacy_not_saved", "2C/drill_candidacy_is_saved"),
    "RestoredOnRestart": by("classic_forgets_its_vote", "2C/drill_vote_binds_after_restart"),
    "NothingExtraPersisted": by("leads_after_a_restart", "2C/drill_leader_restarts_as_follower", judge="none"),
    "SnapshotOnlyApplied": by(
        "S27u_snapshot_of_uncommitted", "2D/snapshot_during_partition", 10, hide="heartbeats lost"
    ),
    "LogTrimmed": by("S26t_log_not_trimmed", "2D/drill_snapshot_trims_log", 8),
    "SnapshotNotRolledBack": by("S03b_compares_with_own_snapshot", "2D/drill_snapshot_of_what_was_applied", 8),
    "SnapshotKeepsSuffix": by("S04_install_drops_whole_log", "2D/drill_matching_entries_stay"),
    "SnapshotAndLogTogether": by("S08a_log_saved_before_snapshot", "2D/snapshots_basic", 10, hide="heartbeats"),
    "SnapshotIsTheServices": by("X12_services_snapshot_thrown_away", "2D/snapshots_basic", 10, hide="heartbeats"),
    "SnapshotTermKept": by("S02c_empty_log_has_term_0", "2D/drill_candidate_tells_its_snapshot"),
    "InstallWhenNeeded": by("S37_nothing_after_snapshot", "2D/drill_leader_sends_snapshot"),
    "LeaderInTime": by("E41_no_new_term", "2A/drill_silence_starts_election"),
    "RpcBudget": by("L01_every_answer_wakes_everybody", "2B/drill_leader_sends_again", 14),
    "ByteBudget": by("sends_everything", "2B/rpc_bytes", 12, hide="heartbeats", judge="none"),
    "NoSpin": by("spins", "2A/drill_silence_starts_election"),
    "NoCrash": by("raises", "2A/drill_first_vote"),
    "NoStall": by("stalls", "2A/drill_first_vote", watch="stalls"),
    "CpuBudget": by("computes_without_end", "2A/drill_first_vote", watch="processes"),
    "SimulatedTimeOnly": by("starts_a_thread", "2A/drill_silence_starts_election"),
    "EndsWhenCrashed": by("swallows_cancellation", "2C/restart_in_step"),
    "WellFormed": by("answers_with_a_tuple", "2A/drill_first_vote"),
    "NotWritten": by("skeleton", "2A/drill_first_vote"),
}
"""The run that shows how a rule is broken, by the rule's id."""

SCENES: dict[str, Shown] = {
    "election": Shown("reference", "2A/initial_election", 1, View(rows=24, end=0.53, hide=("start",))),
    "command": Shown("reference", "2B/basic_agreement", 1, View(rows=40, begin=0.43, end=0.5505, hide=("role",))),
    "crash": Shown(
        "reference", "2C/crash_between_save_and_reply", 1, View(rows=16, begin=0.515, end=0.56, hide=("heartbeats",))
    ),
    "install": Shown(
        "reference",
        "2D/entries_behind_snapshot",
        1,
        View(rows=25, begin=4.6, end=4.6656, hide=("role", "start", "cut")),
    ),
    "hunt": Shown("classic_truncates_always", "2B/late_and_twice", 5, View(rows=15, servers=(1, 2), begin=0.4356)),
    "hunt-notes": Shown(
        "hunted_with_notes", "2B/late_and_twice", 5, View(rows=15, servers=(1, 2), begin=0.4356, hide=("start",))
    ),
}
"""Other figures, by their name."""


@dataclass(frozen=True)
class Moving:
    """A moving picture: the run of a scene, and the span of it that is shown, in virtual seconds."""

    scene: str
    begin: float
    end: float


MOVING: dict[str, Moving] = {
    "live-2A": Moving("election", 0.0, 0.53),
    "live-2B": Moving("command", 0.4915, 0.5505),
    "live-2C": Moving("crash", 0.515, 0.58),
    "live-2D": Moving("install", 4.6, 4.6656),
}
"""The picture that each stage's page opens with."""


@functools.cache
def run(server: str, test: str, seed: int, judge: str = "", watch: str = "") -> tuple[RunRecord, list[Event]]:
    """Run a server in a test with a seed; return the record and the events."""
    [scenario] = catalogue.find(test)
    with scratch.skeleton(server) as folder, tempfile.TemporaryDirectory() as out:
        path = Path(out) / "trace.jsonl"
        with path.open("wb") as file, _watched_by(judge), WATCHES[watch]() as hosts:
            record = run_scenario(scenario, folder, seed, file, hosts=hosts)
        return record, list(read(path)[1])


def run_of(shown: Shown) -> tuple[RunRecord, list[Event]]:
    return run(shown.server, shown.test, shown.seed, shown.judge, shown.watch)


WATCHES: dict[str, Callable[[], AbstractContextManager[ProcessHosts | None]]] = {
    "": contextlib.nullcontext,
    "stalls": watched.stalls_are_ended,
    "processes": watched.processes_with_a_limit,
}


@contextlib.contextmanager
def _watched_by(judge: str) -> Iterator[None]:
    """Let only one checker watch, and those that it rests on."""

    def chosen(configuration: Configuration, stage: Stage, counted: bool) -> Checkers:
        found = checkers(configuration, stage, counted)
        return Checkers(found.model, [checker for checker in found.judges if type(checker).__name__ == judge])

    with pytest.MonkeyPatch.context() as patch:
        if judge:
            patch.setitem(vars(RAFT), "checkers", chosen)
        yield


def svg(shown: Shown, title: str) -> str:
    """Return the drawing of a run."""
    record, events = run_of(shown)
    return draw(events, record.servers, title, shown.view)


def moving_svg(name: str) -> str:
    """Return the moving picture with a name."""
    shown = MOVING[name]
    scene = SCENES[shown.scene]
    record, events = run_of(scene)
    title = f"{scene.test}, seed {scene.seed}, from {shown.begin:g} s to {shown.end:g} s"
    return moving.draw(events, record.servers, title, name, shown.begin, shown.end)


def all_figures() -> dict[str, str]:
    """Return all figures, by their path from the folder of the handouts."""
    titles = {name: run_of(shown)[0].message for name, shown in VIOLATIONS.items()}
    scenes = {name: f"{shown.test}, seed {shown.seed}" for name, shown in SCENES.items()}
    found = {name: svg(shown, titles[name]) for name, shown in VIOLATIONS.items()}
    found |= {name: svg(shown, scenes[name]) for name, shown in SCENES.items()}
    found |= {name: moving_svg(name) for name in MOVING}
    found["packages"] = packages.svg()
    return {f"{FOLDER}/{name}.svg": text for name, text in found.items()}

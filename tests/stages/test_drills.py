"""Drills: what a student sees of them, the fake peers, and the rule that each names in a wrong server.

That the reference passes all of them, and that the skeleton names what it lacks, is in test_stages.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from labs.codec import messages as codec
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    Message,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.lab import RAFT
from labs.raft.stages import catalogue
from labs.raft.testing.drill import ELECTION, Lone, terms_before
from labs.raft.testing.fake_peers import Terms, entries_of, in_words
from labs.sim.server.service import decode_snapshot
from labs.testing.fake_peers import PATIENT
from labs.testing.scenario import Scenario
from labs.trace.events import Deliver, Reply, Send, Timeout
from tests.corpora.mutants import corpus
from tests.running import REFERENCE, ROOT, Run, call_labs, simulate, write_submission

DRILLS = catalogue.scenarios(kind="drills")
MUTANTS = {mutant.name: mutant for mutant in corpus()}


def play(
    test: Callable[[Lone], Awaitable[None]], submission: Path = REFERENCE, peers: int = 2, me: int = 0, stage: str = "0"
) -> Run:
    """Run a drill that no stage has."""
    about = ("0/made_here", stage, "a test of the runner", 1, (peers + 1,), None, PATIENT, False, "raft.py:Raft")
    return simulate(submission, Scenario(RAFT, *about, test, "OneVotePerTerm", me))


def run_drill(name: str, submission: Path, seed: int = 1) -> Run:
    (found,) = catalogue.find(name)
    return simulate(submission, found, seed)


# The collection.


def test_there_are_drills_for_all_stages() -> None:
    stages = [drill.stage for drill in DRILLS]
    assert stages == sorted(stages)
    assert min(stages.count(stage) for stage in ("2A", "2B", "2C", "2D")) >= 6
    assert len(DRILLS) >= 44


def test_titles_name_a_place_in_the_paper() -> None:
    place = r"\(.*(rules? \d|§\d|Figure|State, |arguments).*\)$"
    assert [drill.title for drill in DRILLS if not re.search(place, drill.title)] == []


def test_drills_are_short() -> None:
    lengths = {drill.id: len(inspect.getsource(drill.test).splitlines()) for drill in DRILLS}
    assert {name: lines for name, lines in lengths.items() if lines > 22} == {}


# The first green line.

REQUEST_VOTE = """
        if args.term > self.current_term:
            self.current_term = args.term
            self.voted_for = None
        if args.term < self.current_term:
            return RequestVoteReply(self.current_term, False)
        if self.voted_for not in (None, args.candidate_id):
            return RequestVoteReply(self.current_term, False)
        self.voted_for = args.candidate_id
        return RequestVoteReply(self.current_term, True)
"""


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the skeleton with nothing but `request_vote` written."""
    text = (ROOT / "skeleton" / "raft.py").read_text(encoding="utf-8")
    unwritten = '\n        raise NotImplementedError("2A: request_vote")\n'
    assert text.count(unwritten) == 1
    folder = tmp_path_factory.mktemp("beginner")
    (folder / "raft.py").write_text(text.replace(unwritten, REQUEST_VOTE), encoding="utf-8")
    return folder


def test_request_vote_alone_passes_the_drills_that_ask_for_nothing_else(beginner: Path) -> None:
    verdicts = [simulate(beginner, drill).record for drill in DRILLS if drill.stage == "2A"]
    assert [record.status for record in verdicts[:9]] == ["pass"] * 9
    assert {record.rule for record in verdicts[9:]} == {"NotWritten"}


def test_request_that_is_taken_for_a_vote_on_trial_is_named(tmp_path: Path) -> None:
    server = (REFERENCE / "raft.py").read_text(encoding="utf-8")
    head, asks = "class Role(", "args = RequestVoteArgs(self.current_term,"
    assert server.count(asks) == 1
    marked = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Asks(RequestVoteArgs):\n"
    marked += "    urgent: bool = True\n"
    text = server.replace(head, f"{marked}\n{head}", 1).replace(asks, asks.replace("RequestVoteArgs", "Asks"))
    (tmp_path / "raft.py").write_text(text, encoding="utf-8")
    record = run_drill("2A/drill_silence_starts_election", tmp_path).record
    assert "sent no RequestVote to server 1" in record.message
    assert "only votes on trial: a request with a bool field of its own that is true (urgent=True)" in record.message


def test_missing_run_is_named_where_it_is_needed(beginner: Path) -> None:
    record = run_drill("2A/drill_silence_starts_election", beginner).record
    assert re.fullmatch(r"not written yet: run \(raft\.py:\d+ in run\)", record.message)
    assert record.virtual_time == 0.0


def test_drills_come_first_in_a_stage_and_alone_with_their_command(beginner: Path) -> None:
    options = ["--test", "vote", "--runs", 1, "--jobs", 0, "--submission", beginner]
    both = call_labs("test", "2A", *options, "--verbose").stdout
    assert both.index("2A/drill_one_vote_a_term") < both.index("virtual s    servers")
    alone = call_labs("drills", "2A", *options, "--verbose")
    assert "virtual s    servers" not in alone.stdout
    assert re.search(r"2A/drill_one_vote_a_term +pass +1/1", alone.stdout)
    assert alone.returncode == 1


def test_drill_is_replayed_by_its_name(tmp_path: Path) -> None:
    shown = call_labs("replay", "2A/drill_one_vote_a_term", "--submission", REFERENCE, folder=tmp_path).stdout
    assert re.search(r"←2 RV t1 last 0/t0\n.*⇢2 RV t1 no\n", shown)


# Wrong servers.


@pytest.mark.parametrize(
    ("mutant", "drill", "rule", "facts"),
    [
        ("E01_vote_for_everyone", "2A/drill_one_vote_a_term", "OneVotePerTerm", "a vote for server 1 in the same"),
        ("E06_vote_kept_in_a_new_term", "2A/drill_new_term_new_vote", "VoteDenied", "vote_granted=False\\), but its"),
        ("E18z_server_0_is_nobody", "2A/drill_vote_for_server_0", "OneVotePerTerm", "a vote for server 0"),
        (
            "E25_candidate_waits_for_ever",
            "2A/drill_next_election",
            "CandidateIncrementsTerm",
            "no RequestVote of a term",
        ),
        ("E36_no_word_upon_election", "2A/drill_leader_says_so", "HeartbeatsSent", "sent nothing to server 1"),
        ("R01_heartbeats_are_not_checked", "2B/drill_heartbeat_is_checked", "ConsistencyCheck", "log ends at index 0"),
        ("R06_conflict_replaced_alone", "2B/drill_conflict_ends_log", "ConflictTruncated", "kept the one of index 3"),
        ("R13_commits_entries_of_older_terms", "2B/drill_older_entry", "CommitOnlyCurrentTerm", "of term 1"),
        ("R19_match_up_to_the_end", "2B/drill_answer_counts", "CommitNeedsMajority", "applied index 1"),
        ("E16_votes_counted_twice", "2A/drill_same_voter_twice", "LeaderHasMajority", "from 0, 1"),
        ("B304_inbox_forgets", "2A/drill_candidate_follows_leader", "OneVotePerTerm", "for server 0 in the same term"),
        ("B29_timeouts_double", "2A/drill_timeouts_differ", "LeaderInTime", "of a term above"),
        ("B41_only_the_first", "2B/drill_conflict_behind_what", "ConflictTruncated", "index 2 and term 2"),
        ("B40_compares_commands", "2B/drill_equal_command", "ConflictTruncated", "index 1 and term 2"),
        ("T05c_checks_before_it_waits", "2B/drill_two_leaders_at_once", "ConsistencyCheck", "it accepted both"),
        ("B23_a_candidate_waits", "2B/drill_candidate_follows_though", "ElectionTimerReset", "heard its leader"),
        ("B49_falsy_commands", "2B/drill_any_command_is_applied", "ApplyInOrder", "applied index 8"),
        ("B48_falsy_commands", "2B/drill_any_command_is_taken", "StartAnswers", "answers .-1"),
        ("E39m_match_index", "2B/drill_new_leadership", "CommitNeedsMajority", "server 2: 3, server 3: 2"),
        ("R54_retry_without_entries", "2B/drill_leader_goes_back", "BackoffBound", "no AppendEntries with entry 1"),
        ("P06v_vote_saved_after_reply", "2C/drill_vote_is_saved", "SavedBeforeReply", "disk held no vote"),
        ("S33_higher_term_of_answer", "2D/drill_snapshot_answer_raises", "HigherTermAdopted", "of term 5"),
        ("W05_vote_outlives", "2A/drill_newer_term_of_an_answer", "VoteDenied", "has brought it to term 6"),
        ("W15_votes_are_asked_in_turn", "2A/drill_asks_all_at_once", "LeaderInTime", "asked in parallel"),
        ("W02_commit_index_falls", "2B/drill_probe_takes", "CommitNeverDecreases", "had applied index 3"),
        ("W28_commit_falls_in_go", "2B/drill_probe_takes", "CommitNeverDecreases", "had applied index 3"),
        ("R21_match_index_goes_back", "2B/drill_late_answer", "CommittedIsApplied", "answered an older request, late"),
        ("W16_truncates_always", "2B/drill_late_entries_cut", "MatchingKept", "rule 3 deletes only what conflicts"),
        (
            "W04_vote_outlives",
            "2C/drill_newer_term_ends_vote",
            "OneVotePerTerm",
            "which has neither asked",
        ),
        ("W06_vote_outlives", "2C/drill_newer_term_of_an_answer", "OneVotePerTerm", "came with an answer"),
        ("W07_vote_outlives", "2D/drill_snapshot_ends_vote", "OneVotePerTerm", "which has neither asked"),
        ("W12_applier_walks", "2D/drill_service_snapshots_amid", "StateMachineSafety", "must have applied"),
        ("W13_applier_notes", "2D/drill_snapshot_overtakes", "ApplyInOrder", "had applied was 60"),
        ("S04_install_drops_whole_log", "2D/drill_matching_entries", "SnapshotKeepsSuffix", "dropped its entries 3"),
        ("C557_what_comes", "2B/drill_service_is_busy", "CommittedIsApplied", "must have applied '24/t1' at index 24"),
        ("C559_refuses", "2B/drill_service_is_busy", "ConsistencyRefusal", "busy service is not a reason to refuse"),
        ("C509_saves_before", "2D/drill_snapshot_trims", "SnapshotAndLogTogether", "still starts after index 0"),
        ("C510_snapshot_first", "2D/drill_crash_between_saves", "SnapshotAndLogTogether", "a log that starts after"),
        ("F03_inbox_keeps", "2A/drill_newer_term_of_an_answer", "VoteDenied", "has brought it to term 6"),
        ("C527_answer_of", "2D/drill_snapshot_answer_to_older", "InstallWhenNeeded", "whose log is empty, needs"),
        ("C539_answer_counts", "2D/drill_snapshot_answer_counts", "InstallWhenNeeded", "whose log ends at index 40"),
    ],
)
def test_wrong_server_fails_its_drill_by_name(mutant: str, drill: str, rule: str, facts: str, tmp_path: Path) -> None:
    (found,) = (server for name, server in MUTANTS.items() if name.startswith(mutant))
    record = run_drill(drill, found.write(tmp_path)).record
    assert (record.status, record.rule) == ("fail", rule), record.message
    assert re.search(facts, record.message), record.message


def test_silence_towards_an_older_term_is_named_by_rule_1(tmp_path: Path) -> None:
    server = (REFERENCE / "raft.py").read_text(encoding="utf-8")
    head = "    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n"
    silent = "        if args.term < self.current_term:\n            await trio.sleep_forever()\n"
    assert server.count(head) == 1
    text = server.replace(head, f"    async{head[3:]}{silent}")
    (tmp_path / "raft.py").write_text(text, encoding="utf-8")
    record = run_drill("2A/drill_older_leader", tmp_path).record
    assert record.rule == "StaleTermRejected"
    assert "did not answer within 1 s; it has answered in term 5 before, and rule 1" in record.message


def test_failed_check_tells_what_was_sent_and_answered_and_why_that_is_wrong() -> None:
    async def wants_two_votes(lone: Lone) -> None:
        await lone.request_vote(1, term=3)
        reply = await lone.request_vote(2, term=3)
        lone.check(reply.vote_granted, "this drill wants two votes")

    record = play(wants_two_votes).record
    assert record.message == (
        "OneVotePerTerm (Figure 2, RequestVote rule 2; §5.2): server 2 sent RequestVote(term=3, candidate_id=2, "
        "last_log_index=0, last_log_term=0), and server 0 answered (term=3, vote_granted=False), "
        "but this drill wants two votes. Before that: server 1 sent RequestVote(term=3, candidate_id=1, "
        "last_log_index=0, last_log_term=0), and server 0 answered (term=3, vote_granted=True)"
    )


def test_request_that_does_not_come_is_named_with_the_time_that_it_had() -> None:
    async def wants_a_snapshot(lone: Lone) -> None:
        await lone.wait_for_request(
            AppendEntriesArgs, 2, lambda message: message.term > 7, within=0.5, what="as a joke"
        )

    message = play(wants_a_snapshot).record.message
    assert message.endswith("server 0 sent no AppendEntries as a joke to server 2 within 0.5 s (from t=0.000 s)")


def test_silent_handler_fails_the_drill(tmp_path: Path) -> None:
    text = "import trio\nclass Raft(Plain):\n    async def request_vote(self, args): await trio.sleep(5)\n"

    async def asks(lone: Lone) -> None:
        await lone.request_vote(1, term=1)

    record = play(asks, write_submission(tmp_path, text)).record
    assert record.message.endswith("but server 0 did not answer within 1 s")
    assert record.rule == "VoteDenied"  # whatever the drill is about


@pytest.mark.parametrize(("pause", "rule"), [(60.0, "LeaderInTime"), (0.2, "CandidateIncrementsTerm")])
def test_candidate_that_falls_silent_is_told_from_one_that_keeps_its_term(
    pause: float, rule: str, tmp_path: Path
) -> None:
    text = f"""
import trio
class Raft(Plain):
    async def run(self):
        async with trio.open_nursery() as nursery:
            while True:
                for peer in self.node.peers:
                    nursery.start_soon(self.node.call, peer, RequestVoteArgs(1, 0, 0, 0))
                await trio.sleep({pause})
"""
    record = run_drill("2A/drill_next_election_next_term", write_submission(tmp_path, text)).record
    assert record.rule == rule, record.message


# Fake peers.


async def one_election(lone: Lone) -> None:
    await lone.request_vote(1, term=1)
    await lone.become_leader()


def test_fake_peers_are_seen_where_their_messages_arrive_and_never_judged() -> None:
    run = play(one_election, peers=4)
    assert run.record.status == "pass"
    assert {event.server for event in [*run.of(Send), *run.of(Reply)]} == {0}
    assert {event.leg for event in run.of(Deliver, server=0)} == {"request", "reply"}
    assert {event.leg for event in run.of(Deliver, server=1)} == {"request", "reply"}


def test_drill_is_the_same_run_again() -> None:
    assert play(one_election).record.digest == play(one_election).record.digest


def test_any_server_may_be_the_real_one() -> None:
    run = play(one_election, me=2)
    assert run.record.status == "pass"
    assert {event.server for event in run.of(Send)} == {2}


def test_call_that_a_fake_peer_does_not_answer_returns_none_after_seven_seconds(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        self.node.note(await self.node.call(1, RequestVoteArgs(1, 0, 0, 0)))
"""

    async def waits(lone: Lone) -> None:
        request = await lone.wait_for_request(RequestVoteArgs)
        await lone.sleep(8.0)
        lone.say_yes(request)

    run = play(waits, write_submission(tmp_path, text))
    assert run.notes() == ["None"]
    assert [event.time for event in run.of(Timeout)] == [7.0]


OWN_CLASSES = """
from dataclasses import dataclass

@dataclass(frozen=True, slots=True)
class Vote(RequestVoteArgs):
    priority: int = 5

@dataclass(frozen=True, slots=True)
class PreVote(RequestVoteArgs):
    trial: bool = True

@dataclass(frozen=True, slots=True)
class Entry(LogEntry):
    client: str = "nobody"

@dataclass(frozen=True, slots=True)
class NeedsMore(AppendEntriesArgs):
    more: int = 0

@dataclass(frozen=True, slots=True)
class AlsoNeedsMore(AppendEntriesArgs):
    more: int = 0

class Raft(Plain):
    def request_vote(self, args):
        self.node.note(args)
        return RequestVoteReply(args.term, True)

    def append_entries(self, args):
        self.node.note(args)
        return AppendEntriesReply(args.term, True)
"""


def test_fake_peers_speak_in_the_classes_that_a_server_derives(tmp_path: Path) -> None:
    async def speaks(lone: Lone) -> None:
        await lone.request_vote(1, term=1)
        await lone.append_entries(1, term=1, terms=[1])

    notes = play(speaks, write_submission(tmp_path, OWN_CLASSES)).notes()
    assert notes[0].startswith("Vote(") and notes[0].endswith("priority=5)")
    assert notes[1].startswith("AppendEntriesArgs(")  # There are two, and nobody knows which is meant.
    assert "Entry(term=1, command='1/t1', client='nobody')" in notes[1]


TRIALS = """
from dataclasses import dataclass
import trio

@dataclass(frozen=True, slots=True)
class PreVote(RequestVoteArgs):
    trial: bool = True

class Raft(Plain):
    async def run(self):
        await trio.sleep(0.5)
        self.node.note(await self.node.call(1, PreVote(4, 0, 0, 0)))
        await self.node.call(1, RequestVoteArgs(4, 0, 0, 0))

    def request_vote(self, args):
        return RequestVoteReply(args.term, True)
"""


def test_trial_before_an_election_is_granted_and_not_shown_to_the_drill(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def waits(lone: Lone) -> None:
        await lone.request_vote(1, term=3)
        seen.append((await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).rpc)

    run = play(waits, write_submission(tmp_path, TRIALS))
    assert run.notes() == ["RequestVoteReply(term=3, vote_granted=True)"]
    real = [event.rpc for event in run.of(Send) if event.extra is None]
    assert seen == real


def test_server_is_answered_in_its_own_words() -> None:
    """A refusal given back keeps all that the server itself put into it, but for the term."""
    seen: list[Any] = []

    async def refuses(lone: Lone) -> None:
        refusal = await lone.append_entries(1, term=1, prev=(5, 1))
        await lone.become_leader()
        lone.answer_alike(await lone.wait_for_request(AppendEntriesArgs, 1), refusal)
        seen.append(refusal)

    run = play(refuses)
    refusals = [event.message for event in run.of(Reply) if event.call == "AppendEntries"]
    (given_back,) = [e.message for e in run.of(Deliver, 0) if e.leg == "reply" and e.call == "AppendEntries"]
    assert refusals == seen
    assert codec.encode_message(given_back) == codec.with_term(codec.encode_message(seen[0]), given_back.term)


def test_log_of_a_fake_peer_and_its_snapshot_agree() -> None:
    async def commits(lone: Lone) -> None:
        await lone.append_entries(1, term=2, terms=[1, 2], commit=2)
        lone.take_snapshot()
        await lone.sleep(0.1)
        assert lone.disk.snapshot_index == 2
        await lone.install_snapshot(1, term=2, covers=[1, 2, 2])
        assert decode_snapshot(lone.applied[-1].data) is not None  # type: ignore[union-attr]
        await lone.append_entries(1, term=2, prev=(3, 2), terms=[2], commit=4)
        await lone.wait_for_applied(4, entries_of([2], after=3)[0].command)

    record = play(commits, stage="2D").record
    assert record.status == "pass", record.message


def test_messages_in_words_leave_out_what_is_long_or_empty() -> None:
    args = AppendEntriesArgs(1, 2, 0, 0, entries_of([1] * 6), 3)
    entries = "entries=['1/t1' of term 1, '2/t1' of term 1, '3/t1' of term 1, '4/t1' of term 1, … 6 in all]"
    assert in_words(args) == (
        f"AppendEntries(term=1, leader_id=2, prev_log_index=0, prev_log_term=0, {entries}, leader_commit=3)"
    )
    assert in_words(RequestVoteReply(1, True)) == "(term=1, vote_granted=True)"


# Terms.


def test_drills_begin_in_higher_terms_too_but_not_with_the_first_seed() -> None:
    drills = [drill for drill in DRILLS if not drill.after_restart]
    assert {terms_before(drill.id, drill.after_restart, 1) for drill in drills} == {0}
    before = [terms_before(drill.id, drill.after_restart, seed) for drill in drills for seed in range(2, 6)]
    assert 0.15 < before.count(0) / len(before) < 0.35
    assert {*before} - {0} == {*range(5, 61)}


@pytest.mark.parametrize(
    "message",
    [
        RequestVoteArgs(3, 1, 2, 1),
        AppendEntriesArgs(2, 1, 0, 0, entries_of([1, 2]), 0),
        AppendEntriesReply(2, False, conflict_term=1, conflict_index=4),
        AppendEntriesReply(2, False, conflict_index=1),
        InstallSnapshotArgs(4, 1, 3, 2, b""),
    ],
)
def test_message_of_a_drill_is_the_same_when_it_comes_back(message: Message) -> None:
    terms = Terms(40)
    sent = terms.on_the_wire(message)
    assert sent.term == message.term + 40  # type: ignore[union-attr]
    assert terms.in_the_drill(sent) == message


def test_no_entry_has_term_0_in_any_count() -> None:
    first = Terms(40).on_the_wire(AppendEntriesArgs(1, 1, 0, 0, entries_of([1, 1]), 0))
    assert (first.prev_log_term, [entry.term for entry in first.entries]) == (0, [41, 41])
    assert (Terms(40).entry(0), Terms(40).entry(41)) == (0, 1)


def test_failure_in_a_higher_term_tells_the_terms_of_the_run(tmp_path: Path) -> None:
    (found,) = catalogue.find("2A/drill_one_vote_a_term")
    seed = next(seed for seed in range(2, 100) if terms_before(found.id, found.after_restart, seed))
    term = terms_before(found.id, found.after_restart, seed) + 1
    run = simulate(MUTANTS["E01_vote_for_everyone"].write(tmp_path), found, seed, judged=False)
    assert f"server 2 sent RequestVote(term={term}, " in run.record.message
    assert f"its vote of term {term} was given to server 1" in run.record.message
    sent = [event.message.term for event in run.of(Deliver) if isinstance(event.message, RequestVoteArgs)]
    assert sent == [term - 1, term, term]


def test_fault_that_begins_in_a_later_term_is_seen(tmp_path: Path) -> None:
    submission = MUTANTS["D01_commit_bound_off_from_term_six"].write(tmp_path)
    drill = "2B/drill_commit_ends_with_new_entries"
    assert run_drill(drill, submission).record.status == "pass"
    rules = {run_drill(drill, submission, seed).record.rule for seed in range(2, 6)}
    assert "CommitBound" in rules

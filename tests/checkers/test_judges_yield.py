"""What checkers must not report: orders of events that only a server's own queues, disk and timers explain."""

from __future__ import annotations

import pytest

from labs.codec.messages import encode_command
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.checkers.election import SAME_TIMEOUTS
from labs.raft.checkers.logs import IN_VAIN
from labs.sim.server.service import Service
from labs.trace.events import ApplySnap, Pause, Resume, TakeSnapshot
from tests.tools.judged import Story, Violation, entries


def append(
    term: int, prev: tuple[int, int], log: list[LogEntry], commit: int = 0, leader: int = 0
) -> AppendEntriesArgs:
    return AppendEntriesArgs(term, leader, *prev, log, commit)


def led(count: int = 3, servers: int = 3) -> Story:
    """Return a run of stage 2B in which server 0 leads term 1 and got this many commands."""
    story = Story("2B", servers)
    story.elect(0, 1, voters=(1, 2))
    for index in range(1, count + 1):
        story.start(0, f"c{index}", index, 1)
    return story


COMMANDS = entries(1, "c1", "c2", "c3")


# Commits.


def test_heartbeat_may_tell_a_peer_of_no_more_than_it_has() -> None:
    story = led()
    lost = story.send(0, 2, append(1, (0, 0), COMMANDS))
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    story.send(0, 2, append(1, (3, 1), [], 3))
    story.now += 0.2
    story.send(0, 2, append(1, (3, 1), [], 0))
    story.deliver(lost)
    story.answer(lost, AppendEntriesReply(1, True))
    story.now += 0.02
    story.send(0, 2, append(1, (3, 1), [], 0))  # the answer may not be looked at yet
    story.send(0, 2, append(1, (3, 1), [], 3))


def test_leader_does_not_tell_less_than_a_peer_is_known_to_have() -> None:
    story = led()
    for peer in (1, 2):
        story.append(0, peer, append(1, (0, 0), COMMANDS))
    story.send(0, 2, append(1, (3, 1), [], 3))
    story.now += 0.2
    with pytest.raises(Violation, match="had sent 3 to server 2") as caught:
        story.send(0, 2, append(1, (3, 1), [], 1))
    assert caught.value.rule == "CommitNeverDecreases"


def led_with_disks() -> Story:
    """Return a run of stage 2D in which server 0 leads term 1 and has three commands on its disk."""
    story = Story("2D")
    story.save(0, 1, 0, [])
    for voter in (1, 2):
        rpc = story.send(0, voter, RequestVoteArgs(1, 0, 0, 0))
        story.deliver(rpc)
        story.save(voter, 1, 0, [])
        story.answer(rpc, RequestVoteReply(1, True))
    story.role(0, 1, leads=True)
    for index in (1, 2, 3):
        story.start(0, f"c{index}", index, 1)
    story.save(0, 1, 0, COMMANDS)
    return story


@pytest.mark.parametrize("answered", [True, False])
def test_entries_right_behind_a_snapshot_are_committed(answered: bool) -> None:
    story = led_with_disks()
    sent = story.send(0, 1, append(1, (0, 0), COMMANDS))
    story.deliver(sent)
    story.save(1, 1, 0, COMMANDS)
    story.answer(sent, AppendEntriesReply(1, True))
    service = Service(1)
    for index in (1, 2):
        story.apply(0, index, f"c{index}")
        service.apply(0, index, encode_command(f"c{index}"))
    data = service.snapshot(0)
    story.see(TakeSnapshot(story.now, 0, 2, len(data)))
    snapshot = story.send(0, 2, InstallSnapshotArgs(1, 0, 2, 1, data))
    behind = story.send(0, 2, append(1, (2, 1), COMMANDS[2:], 3))
    story.deliver(snapshot)
    story.deliver(behind)
    story.save(2, 1, 0, COMMANDS[2:], base=(2, 1), snapshot=data, snapshot_index=2)
    if answered:
        story.answer(snapshot, InstallSnapshotReply(1))
        story.answer(behind, AppendEntriesReply(1, True))
    story.see(ApplySnap(story.now, 2, 2, 1, data))
    story.apply(2, 3, "c3")


@pytest.mark.parametrize("shown", [True, False])
def test_deposed_leader_may_write_its_log_before_its_term(shown: bool) -> None:
    """It follows a newer leader in memory, and what conflicts is gone from its disk before the newer term is there."""
    story = led_with_disks()
    story.save(1, 2, 1, [])
    asked = story.send(1, 2, RequestVoteArgs(2, 1, 0, 0))
    story.deliver(asked)
    story.save(2, 2, 1, [])
    story.answer(asked, RequestVoteReply(2, True))
    story.role(1, 2, leads=True)
    story.start(1, "d1", 1, 2)
    story.save(1, 2, 1, entries(2, "d1"))
    sent = story.send(1, 0, append(2, (0, 0), entries(2, "d1"), leader=1))
    story.deliver(sent)
    if shown:
        story.role(0, 2)
        story.save(0, 1, 0, [])
        story.save(0, 2, None, entries(2, "d1"))
        story.answer(sent, AppendEntriesReply(2, True))
        return
    with pytest.raises(Violation) as caught:
        story.save(0, 1, 0, [])
    assert caught.value.rule == "LeaderAppendOnly"


def test_leader_whose_own_copy_is_not_on_its_disk_hears_why_it_does_not_count() -> None:
    story = led_with_disks()
    sent = story.send(0, 1, append(1, (0, 0), COMMANDS))
    story.deliver(sent)
    story.save(1, 1, 0, COMMANDS)
    story.answer(sent, AppendEntriesReply(1, True))
    story.start(0, "c4", 4, 1)
    log = COMMANDS + entries(1, "c4")
    sent = story.send(0, 1, append(1, (3, 1), log[3:]))
    story.save(0, 1, 0, COMMANDS)  # without the fourth
    story.deliver(sent)
    story.save(1, 1, 0, log)
    story.answer(sent, AppendEntriesReply(1, True))
    for index in (1, 2, 3):
        story.apply(0, index, f"c{index}")
    own = "server 1: 4.; its own copy is not counted, because its disk holds the log up to index 3 only"
    with pytest.raises(Violation, match=own) as caught:
        story.apply(0, 4, "c4")
    assert caught.value.rule == "CommitNeedsMajority"


@pytest.mark.parametrize("stood", [True, False])
def test_vote_that_leaves_as_its_server_goes_on_was_given_before(stood: bool) -> None:
    """The server stood still between its vote and the answer, so its election timer has run out long since."""
    story = Story("2A", 5)
    asked = story.send(3, 1, RequestVoteArgs(1, 3, 0, 0))
    story.deliver(asked)
    story.see(Pause(story.now, 1))
    story.now += 0.9
    story.see(Resume(story.now, 1))
    story.now += 0.001 if stood else 0.2
    story.answer(asked, RequestVoteReply(1, True))
    story.now += 0.005
    if stood:
        story.send(1, 2, RequestVoteArgs(2, 1, 0, 0))
        return
    with pytest.raises(Violation) as caught:
        story.send(1, 2, RequestVoteArgs(2, 1, 0, 0))
    assert caught.value.rule == "ElectionTimerReset"


def test_vote_at_the_beginning_of_a_run_restarts_the_timer_as_any_other() -> None:
    story = Story("2A", 5)
    story.call(3, 1, RequestVoteArgs(1, 3, 0, 0), RequestVoteReply(1, True))
    story.now += 0.005
    with pytest.raises(Violation) as caught:
        story.send(1, 2, RequestVoteArgs(2, 1, 0, 0))
    assert caught.value.rule == "ElectionTimerReset"


@pytest.mark.parametrize("told", ["c1", None])
def test_service_gets_what_is_committed(told: str | None) -> None:
    """Servers that all skip one and the same command have one history, and it is not that of the log."""
    story = led()
    for peer in (1, 2):
        story.append(0, peer, append(1, (0, 0), COMMANDS))
    if told is not None:
        story.apply(0, 1, told)
        return
    with pytest.raises(Violation, match="has 'c1'") as caught:
        story.apply(0, 1, None)
    assert caught.value.rule == "CommittedIsApplied"


@pytest.mark.parametrize("begun", [True, False])
def test_own_candidacy_may_be_over_before_anybody_hears_of_it(begun: bool) -> None:
    """A server that has begun a term by itself has voted in it, though its vote is neither saved nor sent yet."""
    story = Story("2A", 5)
    for server in (1, 3):
        story.save(server, 1, None, [])
    story.now = 1.0
    if begun:
        story.role(1, 2)
    for term in (2, 3):
        story.save(3, term, 3, [])
        story.send(3, 0, RequestVoteArgs(term, 3, 0, 0))
    asked = story.send(3, 1, RequestVoteArgs(2, 3, 0, 0))
    story.deliver(asked)
    if begun:
        story.answer(asked, RequestVoteReply(2, False))
        return
    with pytest.raises(Violation) as caught:
        story.answer(asked, RequestVoteReply(2, False))
    assert caught.value.rule == "VoteDenied"


@pytest.mark.parametrize("stood", [True, False])
def test_request_of_an_election_that_is_over_may_leave_after_its_server_stood_still(stood: bool) -> None:
    """A server does nothing while it stands still, so what waited in it leaves as late as it goes on."""
    story = Story("2A", 5)
    story.role(1, 1)
    story.send(1, 0, RequestVoteArgs(1, 1, 0, 0))
    story.elect(0, 1, voters=(2, 3))
    beat = story.send(0, 1, append(1, (0, 0), []))
    story.deliver(beat)
    story.answer(beat, AppendEntriesReply(1, True))
    if stood:
        story.see(Pause(story.now, 1))
    story.now += 0.9
    if stood:
        story.see(Resume(story.now, 1))
        story.send(1, 4, RequestVoteArgs(1, 1, 0, 0))
        return
    with pytest.raises(Violation, match="goes on asking") as caught:
        story.send(1, 4, RequestVoteArgs(1, 1, 0, 0))
    assert caught.value.rule == "StepsDown"


@pytest.mark.parametrize("other", [True, False])
def test_refusals_of_what_all_logs_have_end_somewhere(other: bool) -> None:
    """A follower may report how far it is without looking at its log; it may not hold up its leader for ever."""
    story = led()
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    story.append(0, 2, append(1, (0, 0), COMMANDS))
    story.append(0, 2, append(1, (3, 1), [], 3))
    for index in (1, 2, 3):
        story.apply(2, index, f"c{index}")

    def refuse(prev: int) -> None:
        story.call(0, 2, append(1, (prev, 1), [], 3), AppendEntriesReply(1, False))
        story.now += 0.1

    for number in range(40 if other else IN_VAIN):
        refuse(1 + number % 2 if other else 2)
    if not other:
        with pytest.raises(Violation, match="31 times in a row") as caught:
            refuse(2)
        assert caught.value.rule == "ConsistencyRefusal"


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("saves", [True, False])
def test_deposed_leader_may_keep_what_it_had_promised_and_not_sent(saves: bool, kept: bool) -> None:
    """A command that came in the instant in which it heard of a newer term is in its log, or not."""
    story = led()
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    story.append(0, 2, append(1, (0, 0), COMMANDS))
    story.start(0, "c4", 4, 1)
    log = COMMANDS + entries(1, "c4")
    story.now += 1.0
    story.elect(1, 2, last=(3, 1), voters=(2,))
    story.call(1, 0, append(2, (3, 1), [], leader=1), AppendEntriesReply(2, True))
    if saves:
        story.save(0, 2, None, log if kept else COMMANDS)
    if kept:
        story.call(1, 0, append(2, (4, 1), [], leader=1), AppendEntriesReply(2, True))
    else:
        story.call(1, 0, append(2, (4, 1), [], leader=1), AppendEntriesReply(2, False))


@pytest.mark.parametrize("stored", [4, 5])
def test_answer_may_report_entries_that_are_not_on_the_leaders_disk_yet(stored: int) -> None:
    """What a field of the answer reports counts if it is true, and only as far as the leader's log goes."""
    story = led_with_disks()
    story.start(0, "c4", 4, 1)
    log = COMMANDS + entries(1, "c4")
    for peer in (1, 2):
        story.send(0, peer, append(1, (3, 1), log[3:]))
    story.save(0, 1, 0, COMMANDS)
    for peer in (1, 2):
        first = story.send(0, peer, append(1, (0, 0), COMMANDS))
        story.deliver(first)
        story.save(peer, 1, 0, log)
        story.answer(first, AppendEntriesReply(1, True), stored=stored)
    for index in (1, 2, 3):
        story.apply(0, index, f"c{index}")
    if stored == 4:
        story.apply(0, 4, "c4")
        return
    with pytest.raises(Violation) as caught:
        story.apply(0, 4, "c4")
    assert caught.value.rule == "CommitNeedsMajority"


def test_entry_on_the_disk_in_place_of_an_acknowledged_one_is_named_by_its_term() -> None:
    story = Story("2C")
    story.save(1, 1, None, COMMANDS[:2])
    log = COMMANDS[:1]
    story.save(0, 2, 0, log)
    asked = story.send(0, 2, RequestVoteArgs(2, 0, 1, 1))
    story.deliver(asked)
    story.save(2, 2, 0, log)
    story.answer(asked, RequestVoteReply(2, True))
    story.role(0, 2, leads=True)
    story.start(0, "new", 2, 2)
    log += entries(2, "new")
    story.save(0, 2, 0, log)
    sent = story.send(0, 1, append(2, (1, 1), log[1:]))
    story.deliver(sent)
    story.save(1, 2, None, COMMANDS[:2])  # the term, and the log of before
    held = "up to index 2 of term 2, but its disk held an entry of term 1 at index 2 at that moment"
    with pytest.raises(Violation, match=held) as caught:
        story.answer(sent, AppendEntriesReply(2, True))
    assert caught.value.rule == "SavedBeforeReply"


def test_what_a_later_request_told_counts_once_it_is_answered() -> None:
    story = led()
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    first = story.send(0, 2, append(1, (0, 0), COMMANDS[:1]))
    second = story.send(0, 2, append(1, (1, 1), COMMANDS[1:], 3))
    story.deliver(second)  # it waits until the first is there
    story.deliver(first)
    story.answer(second, AppendEntriesReply(1, True))
    story.answer(first, AppendEntriesReply(1, True))
    for index in (1, 2, 3):
        story.apply(2, index, f"c{index}")


@pytest.mark.parametrize("told", [3, 1])
def test_commit_index_may_be_saved_and_applied_in_the_next_life(told: int) -> None:
    story = led_with_disks()
    sent = story.send(0, 1, append(1, (0, 0), COMMANDS))
    story.deliver(sent)
    story.save(1, 1, 0, COMMANDS)
    story.answer(sent, AppendEntriesReply(1, True))
    story.deliver(story.send(0, 1, append(1, (3, 1), [], told)))
    story.restart(1)
    story.apply(1, 1, "c1")
    if told == 3:
        story.apply(1, 2, "c2")
        story.apply(1, 3, "c3")
    else:
        with pytest.raises(Violation) as caught:
            story.apply(1, 2, "c2")
        assert caught.value.rule == "CommitBound"


# Logs.


def test_answers_may_leave_in_another_order_than_requests_were_handled_in() -> None:
    story = led(4, servers=5)
    old = story.send(0, 2, append(1, (0, 0), entries(1, "c1", "c2", "c3", "c4")))
    story.deliver(old)
    story.answer(old, AppendEntriesReply(1, True))
    story.now += 1.0
    story.elect(1, 2, (0, 0), voters=(3, 4))
    for index in (1, 2, 3):
        story.start(1, f"d{index}", index, 2)
    first = story.send(1, 2, append(2, (0, 0), entries(2, "d1", "d2"), leader=1))
    second = story.send(1, 2, append(2, (2, 2), entries(2, "d3"), leader=1))
    story.deliver(first)
    story.deliver(second)
    story.answer(second, AppendEntriesReply(2, True))
    story.answer(first, AppendEntriesReply(2, True))
    story.call(1, 2, append(2, (3, 2), [], leader=1), AppendEntriesReply(2, True))


def test_what_was_answered_early_stays_in_the_log_when_what_came_before_it_is_answered() -> None:
    """Messages of a new leader replace all that an old one had sent; the one that came last is answered first."""
    story = led(8, servers=5)
    story.append(0, 2, append(1, (0, 0), entries(1, *(f"c{index}" for index in range(1, 9)))))
    story.now += 1.0
    story.elect(1, 2, (0, 0), voters=(3, 4))
    log = entries(2, *(f"d{index}" for index in range(1, 9)))
    for index in range(1, 9):
        story.start(1, f"d{index}", index, 2)
    sent = [
        story.send(1, 2, append(2, (prev, 2 if prev else 0), log[prev : prev + 2], leader=1)) for prev in (0, 2, 4, 6)
    ]
    for rpc in sent:
        story.deliver(rpc)
    for rpc in (sent[3], sent[0], sent[1], sent[2]):
        story.answer(rpc, AppendEntriesReply(2, True))
    story.append(1, 2, append(2, (8, 2), [], leader=1))


@pytest.mark.parametrize("has_them", [True, False])
def test_answer_in_a_newer_term_leaves_open_whether_entries_were_taken(has_them: bool) -> None:
    story = led(servers=5)
    sent = story.send(0, 2, append(1, (0, 0), COMMANDS))
    story.deliver(sent)
    story.now += 2.0
    story.call(1, 2, RequestVoteArgs(2, 1, 0, 0), RequestVoteReply(2, True))
    story.answer(sent, AppendEntriesReply(2, False))
    story.now += 0.5
    story.elect(1, 3, (0, 0), voters=(3, 4))
    story.call(1, 2, append(3, (2, 1), [], leader=1), AppendEntriesReply(3, has_them))


def test_entries_of_an_older_leader_may_be_taken_and_not_acknowledged_yet() -> None:
    story = led()
    sent = story.send(0, 2, append(1, (0, 0), COMMANDS))
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    story.deliver(sent)
    story.now += 2.0
    story.elect(1, 2, (3, 1), voters=(0,))
    story.call(1, 2, append(2, (3, 1), [], leader=1), AppendEntriesReply(2, True))
    story.answer(sent, AppendEntriesReply(2, False))
    story.call(1, 2, append(2, (3, 1), [], leader=1), AppendEntriesReply(2, True))


# Elections.


def test_vote_for_itself_shows_in_its_term_where_nothing_is_saved() -> None:
    story = Story("2A")
    story.now = 1.0
    story.role(2, 1)  # it campaigns, and asks a little later
    story.call(1, 2, RequestVoteArgs(1, 1, 0, 0), RequestVoteReply(1, False))
    story.now += 0.2
    story.call(0, 2, RequestVoteArgs(1, 0, 0, 0), RequestVoteReply(1, False))


@pytest.mark.parametrize("campaigns", [True, False])
def test_refusal_is_wrong_unless_it_asks_for_votes_itself(campaigns: bool) -> None:
    story = Story("2A")
    story.now = 1.0
    story.call(1, 2, RequestVoteArgs(1, 1, 0, 0), RequestVoteReply(1, False))
    story.now += 0.04
    if campaigns:
        story.send(2, 1, RequestVoteArgs(1, 2, 0, 0))
    story.now += 0.2
    if campaigns:
        story.call(0, 2, RequestVoteArgs(1, 0, 0, 0), RequestVoteReply(1, False))
    else:
        with pytest.raises(Violation) as caught:
            story.send(0, 2, RequestVoteArgs(1, 0, 0, 0))
        assert caught.value.rule == "VoteDenied"


def test_ten_equal_timeouts_may_be_chance_and_more_are_not() -> None:
    story = Story("2A")
    for term in range(1, SAME_TIMEOUTS + 1):
        story.now += 1.2
        for peer in (1, 2):  # who hears of an election need not start one
            story.deliver(story.send(0, peer, RequestVoteArgs(term, 0, 0, 0)))
    story.now += 1.2
    with pytest.raises(Violation) as caught:
        story.send(0, 1, RequestVoteArgs(SAME_TIMEOUTS + 1, 0, 0, 0))
    assert caught.value.rule == "RandomizedTimeouts"


def test_vote_that_is_told_again_restarts_no_timer() -> None:
    story = Story("2A")
    story.now = 1.0
    story.call(1, 2, RequestVoteArgs(1, 1, 0, 0), RequestVoteReply(1, True))
    story.now += 0.4
    story.call(1, 2, RequestVoteArgs(1, 1, 0, 0), RequestVoteReply(1, True))
    story.now += 0.04
    story.send(2, 0, RequestVoteArgs(2, 2, 0, 0))
    story.call(1, 0, RequestVoteArgs(3, 1, 0, 0), RequestVoteReply(3, True))
    story.now += 0.04
    with pytest.raises(Violation) as caught:
        story.send(0, 1, RequestVoteArgs(4, 0, 0, 0))
    assert caught.value.rule == "ElectionTimerReset"


def test_heartbeat_may_commit_what_was_acknowledged_in_an_earlier_life() -> None:
    story = led_with_disks()
    sent = story.send(0, 1, append(1, (0, 0), COMMANDS))
    story.deliver(sent)
    story.save(1, 1, 0, COMMANDS)
    story.answer(sent, AppendEntriesReply(1, True))
    story.restart(1)
    story.deliver(story.send(0, 1, append(1, (0, 0), [], 3)))
    for index in (1, 2, 3):
        story.apply(1, index, f"c{index}")


@pytest.mark.parametrize(("fits", "may"), [(3, True), (2, False)])
def test_follower_may_remember_what_an_earlier_leader_had_committed(fits: int, may: bool) -> None:
    """All that was committed is in every later leader's log (§5.4.3), so it counts as far as the log matches that."""
    story = led()
    for peer in (1, 2):
        story.append(0, peer, append(1, (0, 0), COMMANDS[:2]))
    story.append(0, 1, append(1, (2, 1), COMMANDS[2:]))
    story.call(0, 2, append(1, (3, 1), [], 3), AppendEntriesReply(1, False))  # it has not the third yet
    story.now += 1.0
    story.elect(1, 2, last=(3, 1), voters=(2,))
    story.append(1, 2, append(2, (2, 1), COMMANDS[2:fits], leader=1))
    for index in range(1, 4):
        if index == 3 and not may:
            with pytest.raises(Violation) as caught:
                story.apply(2, 3, "c3")
            assert caught.value.rule == "CommitBound"
            return
        story.apply(2, index, f"c{index}")


@pytest.mark.parametrize("same_leader", [True, False])
def test_follower_may_keep_entries_that_it_refused_until_the_gap_is_closed(same_leader: bool) -> None:
    """A leader keeps what it has sent, so that follows what closes the gap; a later leader may have other entries."""
    story = led()
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    story.append(0, 1, append(1, (3, 1), [], 3))
    story.call(0, 2, append(1, (2, 1), COMMANDS[2:], 3), AppendEntriesReply(1, False))
    if same_leader:
        story.append(0, 2, append(1, (0, 0), COMMANDS[:2], 3))
    else:
        story.now += 1.0
        story.elect(1, 2, last=(3, 1), voters=(2,))
        story.append(1, 2, append(2, (0, 0), COMMANDS[:2], 3, leader=1))
    story.apply(2, 1, "c1")
    story.apply(2, 2, "c2")
    if same_leader:
        story.apply(2, 3, "c3")
        return
    with pytest.raises(Violation) as caught:
        story.apply(2, 3, "c3")
    assert caught.value.rule == "CommitBound"


@pytest.mark.parametrize("kept", [True, False])
def test_log_may_hold_entries_that_came_before_the_gap_was_closed(kept: bool) -> None:
    """A follower that keeps what it refused has it in its log then, so the leader's next heartbeat fits."""
    story = led()
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    if kept:
        story.call(0, 2, append(1, (2, 1), COMMANDS[2:]), AppendEntriesReply(1, False))
    story.append(0, 2, append(1, (0, 0), COMMANDS[:2]))
    if kept:
        story.append(0, 2, append(1, (3, 1), []))
        return
    with pytest.raises(Violation) as caught:
        story.append(0, 2, append(1, (3, 1), []))
    assert caught.value.rule == "ConsistencyCheck"


@pytest.mark.parametrize(("last", "may"), [((4, 2), True), ((3, 2), True), ((5, 2), False), ((4, 1), False)])
def test_candidate_may_count_entries_that_its_disk_has_not_yet(last: tuple[int, int], may: bool) -> None:
    """If it loses them in a crash, it loses its candidacy too: in the term that it asks in it has promised no more."""
    story = Story("2C")
    log = entries(1, "a", "b")
    for server in (0, 1, 2):
        story.save(server, 1, None, log)
    story.save(0, 2, 0, log)
    asked = story.send(0, 1, RequestVoteArgs(2, 0, 2, 1))
    story.deliver(asked)
    story.save(1, 2, 0, log)
    story.answer(asked, RequestVoteReply(2, True))
    story.role(0, 2, leads=True)
    for index, command in ((3, "c"), (4, "d")):
        story.start(0, command, index, 2)
    story.now += 1.0
    story.save(0, 3, 0, log)
    if may:
        story.send(0, 1, RequestVoteArgs(3, 0, *last))
        return
    with pytest.raises(Violation) as caught:
        story.send(0, 1, RequestVoteArgs(3, 0, *last))
    assert caught.value.rule == "SavedBeforeSend"


@pytest.mark.parametrize("candidate", [1, 2])
def test_vote_that_a_crash_left_on_the_disk_is_kept_though_a_newer_term_is_saved_before_the_refusal(
    candidate: int,
) -> None:
    story = Story("2C")
    for server in (0, 1, 2):
        story.save(server, 1, None, [])
    story.save(1, 2, 1, [])
    story.deliver(story.send(1, 0, RequestVoteArgs(2, 1, 0, 0)))
    story.save(0, 2, 1, [])
    story.restart(0)  # right after that save: nobody got an answer
    story.now += 0.6
    story.save(2, 2, 2, [])
    story.save(1, 3, 1, [])
    older = story.send(candidate, 0, RequestVoteArgs(2, candidate, 0, 0))
    newer = story.send(1, 0, RequestVoteArgs(3, 1, 0, 0))
    story.deliver(older)
    story.deliver(newer)
    story.save(0, 3, 1, [])
    if candidate == 2:
        story.answer(older, RequestVoteReply(2, False))
        return
    with pytest.raises(Violation) as caught:
        story.answer(older, RequestVoteReply(2, False))
    assert caught.value.rule == "VoteDenied"


# Requests that come again, and votes on trial.


def test_vote_that_is_asked_for_again_is_given_again_whatever_the_log_holds_by_then() -> None:
    story = led()
    story.append(0, 1, append(1, (0, 0), COMMANDS))
    story.call(0, 1, RequestVoteArgs(1, 0, 0, 0), RequestVoteReply(1, True))
    with pytest.raises(Violation) as caught:
        story.call(2, 1, RequestVoteArgs(2, 2, 0, 0), RequestVoteReply(2, True))
    assert caught.value.rule == "VoteOnlyUpToDate"


def test_follower_may_refuse_what_is_committed_anyway() -> None:
    story = led()
    for peer in (1, 2):
        story.append(0, peer, append(1, (0, 0), COMMANDS))
    story.append(0, 1, append(1, (3, 1), [], 3))
    story.call(0, 1, append(1, (2, 1), COMMANDS[2:], 3), AppendEntriesReply(1, False))
    with pytest.raises(Violation) as caught:
        story.call(0, 1, append(1, (3, 1), [], 3), AppendEntriesReply(1, False))
    assert caught.value.rule == "ConsistencyRefusal"


def tried(stage: str, *, in_term: bool = True, saves: tuple[int | None, int | None] = (None, None)) -> Story:
    """Return a run in which server 0 asks with a field that is true, and server 1 answers yes; each may save a vote."""
    story = Story(stage)
    story.now = 1.0
    if stage == "2C":
        story.save(0, 1, saves[0], [])
    rpc = story.send(0, 1, RequestVoteArgs(1, 0, 0, 0), own=True)
    if in_term:
        story.role(0, 1)
    story.now += 0.01
    story.deliver(rpc)
    if saves[1] is not None:
        story.save(1, 1, saves[1], [])
    story.answer(rpc, RequestVoteReply(1, True))
    story.now += 0.01
    return story


@pytest.mark.parametrize("story", [tried("2A"), tried("2C", saves=(0, 0))])
def test_vote_with_a_field_that_is_true_is_a_vote(story: Story) -> None:
    story.role(0, 1, leads=True)
    story.now += 1.0
    story.save(2, 1, 2, [])
    with pytest.raises(Violation) as caught:
        story.call(2, 1, RequestVoteArgs(1, 2, 0, 0), RequestVoteReply(1, True))
    assert caught.value.rule == "OneVotePerTerm"


@pytest.mark.parametrize(
    ("story", "rule"),
    [
        (tried("2A", in_term=False), "LeaderHasMajority"),
        (tried("2C", saves=(0, None)), "SavedBeforeReply"),
        (tried("2C", saves=(None, 0)), "SavedBeforeSend"),
    ],
)
def test_who_leads_by_trials_has_asked_for_votes(story: Story, rule: str) -> None:
    with pytest.raises(Violation, match="leads term 1 by") as caught:
        story.role(0, 1, leads=True)
    assert caught.value.rule == rule


def test_trials_are_no_votes_as_long_as_nobody_leads_by_them() -> None:
    story = tried("2C", saves=(None, None))
    story.call(2, 1, RequestVoteArgs(1, 2, 0, 0), RequestVoteReply(1, True), own=True)


def test_once_somebody_leads_by_them_requests_with_that_field_are_votes() -> None:
    story = tried("2A")
    story.role(0, 1, leads=True)
    story.now += 2.0
    story.call(2, 1, RequestVoteArgs(2, 2, 0, 0), RequestVoteReply(2, True), own=True)
    with pytest.raises(Violation, match="server 1 voted for server 0 in term 2") as caught:
        story.call(0, 1, RequestVoteArgs(2, 0, 0, 0), RequestVoteReply(2, True), own=True)
    assert caught.value.rule == "OneVotePerTerm"


@pytest.mark.parametrize("asked", [1, 2])
@pytest.mark.parametrize("first", ["trial", "vote"])
def test_trial_that_was_begun_before_a_vote_ends_in_an_election_after_it(first: str, asked: int) -> None:
    """Its timer had run out before it asked on trial; a vote meanwhile, in the term that it is in, ends nothing.

    It asks on trial in the term that it would stand in, or in its own.
    """
    story = Story("2C", 5)
    for server in (0, 1, 4):
        story.save(server, 1, None, [])
    story.now = 1.0
    tried = story.send(4, 0, RequestVoteArgs(asked, 4, 0, 0), own=True) if first == "trial" else 0
    story.now += 0.3
    story.save(1, 1, 1, [])
    vote = story.send(1, 4, RequestVoteArgs(1, 1, 0, 0))
    story.deliver(vote)
    story.save(4, 1, 1, [])
    story.answer(vote, RequestVoteReply(1, True))
    story.now += 0.06
    if first == "vote":
        tried = story.send(4, 0, RequestVoteArgs(asked, 4, 0, 0), own=True)
    story.deliver(tried)
    story.answer(tried, RequestVoteReply(1, True))
    story.save(4, 2, 4, [])
    if first == "trial":
        story.send(4, 2, RequestVoteArgs(2, 4, 0, 0))
        return
    with pytest.raises(Violation) as caught:
        story.send(4, 2, RequestVoteArgs(2, 4, 0, 0))
    assert caught.value.rule == "ElectionTimerReset"


@pytest.mark.parametrize("invited", [True, False])
def test_marked_election_that_a_leader_asked_for_may_ask_again_later(invited: bool) -> None:
    story = Story("2A", 5)
    story.elect(0, 1, voters=(1, 2))
    story.now += 1.0
    story.append(0, 4, append(1, (0, 0), []))
    story.now += 0.02
    last_word = story.send(0, 4, append(1, (0, 0), []), **({"own": True} if invited else {}))
    story.deliver(last_word)
    if not invited:
        story.answer(last_word, AppendEntriesReply(1, True))
        story.now += 0.02
    story.role(4, 2)
    if invited:
        story.answer(last_word, AppendEntriesReply(2, False))
    for voter in (3, 2):
        asked = story.send(4, voter, RequestVoteArgs(2, 4, 0, 0), own=True)
        story.now += 0.2
        story.deliver(asked)
        story.answer(asked, RequestVoteReply(2, True))
    if invited:
        story.role(4, 2, leads=True)
        return
    with pytest.raises(Violation) as caught:
        story.role(4, 2, leads=True)
    assert caught.value.rule == "ElectionTimerReset"


# Snapshots' bytes.


def snapshot_of(*commands: str, padding: bytes = b"") -> bytes:
    """Return the snapshot of a service that has applied these commands."""
    service = Service(1)
    service.padding = padding
    for index, command in enumerate(commands, 1):
        service.apply(0, index, encode_command(command))
    return service.snapshot(0)


def taken() -> Story:
    """Return a run of stage 2D: server 0 has committed three commands, and its service took a snapshot of two."""
    story = led_with_disks()
    sent = story.send(0, 1, append(1, (0, 0), COMMANDS))
    story.deliver(sent)
    story.save(1, 1, 0, COMMANDS)
    story.answer(sent, AppendEntriesReply(1, True))
    for index in (1, 2, 3):
        story.apply(0, index, f"c{index}")
    story.see(TakeSnapshot(story.now, 0, 2, len(snapshot_of("c1", "c2"))))
    return story


@pytest.mark.parametrize("index", [1, 3])
def test_service_that_finds_its_snapshot_goes_on_after_it_though_the_log_begins_earlier(index: int) -> None:
    story = taken()
    story.save(0, 1, 0, COMMANDS, snapshot=snapshot_of("c1", "c2"), snapshot_index=2)
    story.restart(0)
    story.apply(0, index, f"c{index}")
    with pytest.raises(Violation) as caught:
        story.apply(0, 3, "c3")
    assert caught.value.rule == "ApplyInOrder"


@pytest.mark.parametrize(("heard", "may"), [(3, True), (2, False)])
def test_new_leader_may_commit_at_once_what_an_earlier_one_had_committed(heard: int, may: bool) -> None:
    """Its own log has all of that (§5.4.3), although that leader's messages have not shown how far the logs match."""
    story = led_with_disks()
    for peer in (1, 2):
        sent = story.send(0, peer, append(1, (0, 0), COMMANDS))
        story.deliver(sent)
        story.save(peer, 1, 0, COMMANDS)
        story.answer(sent, AppendEntriesReply(1, True), back=peer == 2)  # that of server 1 gets lost
    story.restart(1)
    story.append(0, 1, append(1, (0, 0), [], heard))
    story.now += 1.0
    story.save(1, 2, 1, COMMANDS)
    asked = story.send(1, 2, RequestVoteArgs(2, 1, 3, 1))
    story.deliver(asked)
    story.save(2, 2, 1, COMMANDS)
    story.answer(asked, RequestVoteReply(2, True))
    story.apply(1, 1, "c1")
    story.apply(1, 2, "c2")
    if may:
        story.apply(1, 3, "c3")
        return
    with pytest.raises(Violation) as caught:
        story.apply(1, 3, "c3")
    assert caught.value.rule == "CommitBound"


BYTES = [
    (snapshot_of("c1", "c2"), None),
    (snapshot_of("c1", "x2"), "its bytes do not hold what was applied up to index 2"),
    (snapshot_of("c1", "c2", padding=b"0"), "no service handed over such bytes"),
]


@pytest.mark.parametrize(("data", "wrong"), BYTES)
@pytest.mark.parametrize("how", ["save", "send", "apply"])
def test_snapshots_hold_what_their_service_handed_over(how: str, data: bytes, wrong: str | None) -> None:
    story = taken()

    def show() -> None:
        if how == "save":
            story.save(0, 1, 0, COMMANDS[2:], base=(2, 1), snapshot=data, snapshot_index=2)
        elif how == "send":
            story.send(0, 2, InstallSnapshotArgs(1, 0, 2, 1, data), own=7)
        else:
            story.see(ApplySnap(story.now, 2, 2, 1, data))

    if wrong is None:
        show()
        return
    with pytest.raises(Violation, match=wrong) as caught:
        show()
    assert caught.value.rule == "SnapshotIsTheServices"


def test_snapshot_is_sent_as_one_of_its_own_index() -> None:
    story = taken()
    with pytest.raises(Violation, match="its bytes are a service's of index 2") as caught:
        story.send(0, 2, InstallSnapshotArgs(1, 0, 3, 1, snapshot_of("c1", "c2")))
    assert caught.value.rule == "SnapshotIsTheServices"


def test_services_have_no_snapshots_before_stage_2d() -> None:
    story = led()
    with pytest.raises(Violation) as caught:
        story.see(ApplySnap(story.now, 0, 1, 1, snapshot_of("c1")))
    assert caught.value.rule == "SnapshotIsTheServices"


def test_bytes_that_no_service_makes_are_a_mistake_before_stage_2d() -> None:
    story = led()
    with pytest.raises(Violation, match="no service has taken any") as caught:
        story.see(ApplySnap(story.now, 0, 1, 1, b""))
    assert caught.value.rule == "WellFormed"


# Messages of an earlier time.


@pytest.mark.parametrize(("wait", "adopted"), [(1.5, True), (1.5, False), (4.0, True)])
def test_old_entries_may_go_out_again_for_a_while_if_the_newer_term_is_known(wait: float, adopted: bool) -> None:
    story = led()
    words = append(1, (0, 0), COMMANDS)
    story.send(0, 2, words)
    heard = story.send(0, 1, words)
    story.deliver(heard)
    story.answer(heard, AppendEntriesReply(5, False))
    if adopted:
        story.role(0, 5)
    story.now += wait
    if adopted and wait < 3.0:
        story.send(0, 2, words)
        return
    with pytest.raises(Violation) as caught:
        story.send(0, 2, words)
    assert caught.value.rule == "HigherTermAdopted"


@pytest.mark.parametrize(("peer", "beats", "may"), [(1, 20, True), (1, 40, False), (0, 5, True), (0, 15, False)])
def test_follower_asks_for_no_votes_of_its_leaders_term_however_often_it_hears_it(
    peer: int, beats: int, may: bool
) -> None:
    story = Story("2B", 5)
    story.now = 1.0
    for asked in (1, 3, 4):
        story.send(2, asked, RequestVoteArgs(1, 2, 0, 0))
    story.elect(0, 1, voters=(1, 3))
    for _ in range(beats):
        story.append(0, 2, append(1, (0, 0), []))
        story.now += 0.1
    # To peer 1 it is the request of before again; peer 0 was not asked until now.
    if may:
        story.send(2, peer, RequestVoteArgs(1, 2, 0, 0))
        return
    with pytest.raises(Violation) as caught:
        story.send(2, peer, RequestVoteArgs(1, 2, 0, 0))
    assert caught.value.rule == "StepsDown"


@pytest.mark.parametrize(
    ("wait", "answered", "may"),
    [(0.0, True, True), (0.045, True, True), (0.045, False, True), (0.06, False, True), (0.06, True, False)],
)
def test_request_for_votes_in_a_heard_leaders_term_is_no_election_of_its_own(
    wait: float, answered: bool, may: bool
) -> None:
    story = Story("2B", 3)
    story.now = 1.0
    story.elect(0, 1, voters=(1,))
    beat = story.send(0, 2, append(1, (0, 0), []))
    story.deliver(beat)
    if answered:
        story.answer(beat, AppendEntriesReply(1, True))
    story.now += wait
    if may:  # nothing is saved: its own election may have begun before, with this request in a queue
        story.send(2, 1, RequestVoteArgs(1, 2, 0, 0))
        return
    with pytest.raises(Violation) as caught:
        story.send(2, 1, RequestVoteArgs(1, 2, 0, 0))
    assert caught.value.rule == "CandidateIncrementsTerm"


@pytest.mark.parametrize("wait", [0.1, 0.3])
def test_requests_of_a_candidacy_may_be_under_way_when_it_is_over(wait: float) -> None:
    story = Story("2B", 5)
    story.now = 1.0
    for peer in (1, 3, 4):
        story.send(2, peer, RequestVoteArgs(1, 2, 0, 0))
    story.elect(0, 1, voters=(1, 3))
    story.append(0, 2, append(1, (0, 0), []))
    story.now += wait
    if wait < 0.2:
        story.send(2, 0, RequestVoteArgs(1, 2, 0, 0))
        return
    with pytest.raises(Violation) as caught:
        story.send(2, 0, RequestVoteArgs(1, 2, 0, 0))
    assert caught.value.rule == "StepsDown"


def test_candidate_says_to_all_how_its_log_ended_when_the_election_began() -> None:
    story = Story("2C", 5)
    story.now = 1.0
    story.save(0, 1, 0, [])
    for peer in (1, 2):
        story.send(0, peer, RequestVoteArgs(1, 0, 0, 0))
    story.save(0, 1, 0, COMMANDS[:1])
    story.send(0, 3, RequestVoteArgs(1, 0, 0, 0))
    with pytest.raises(Violation) as caught:
        story.send(0, 4, RequestVoteArgs(1, 0, 2, 1))
    assert caught.value.rule == "SavedBeforeSend"


def followed_in_its_own_election() -> tuple[Story, int]:
    """Return a run in which server 1, a candidate of term 2, gets an entry of that term's leader before it has asked
    anybody for a vote, and the number of that call."""
    story, log = Story("2C", 5), entries(1, "a")
    for server in range(5):
        story.save(server, 1, None, log)
    story.save(0, 2, 0, log)
    for voter in (2, 3):
        asked = story.send(0, voter, RequestVoteArgs(2, 0, 1, 1))
        story.deliver(asked)
        story.save(voter, 2, 0, log)
        story.answer(asked, RequestVoteReply(2, True))
    story.role(0, 2, leads=True)
    story.start(0, "b", 2, 2)
    log += entries(2, "b")
    story.save(0, 2, 0, log)
    story.now = 1.0
    sent = story.send(0, 1, append(2, (1, 1), log[1:]))
    story.deliver(sent)
    story.now += 0.001
    story.save(1, 2, 1, log)
    return story, sent


@pytest.mark.parametrize("wait", [0.001, 0.05, 0.19])
@pytest.mark.parametrize("answered", [False, True])
def test_first_request_of_an_election_may_be_older_than_what_its_leader_brought(wait: float, answered: bool) -> None:
    story, sent = followed_in_its_own_election()
    if answered:
        story.answer(sent, AppendEntriesReply(2, True))
    story.now += wait
    story.send(1, 4, RequestVoteArgs(2, 1, 1, 1))


@pytest.mark.parametrize(
    ("last", "wait", "rule"),
    [
        ((0, 0), 0.001, "VoteOnlyUpToDate"),  # its log never ended there
        ((3, 2), 0.001, "SavedBeforeSend"),
        ((2, 1), 0.001, "VoteOnlyUpToDate"),
        ((1, 1), 0.5, "CandidateIncrementsTerm"),
    ],
)
def test_request_that_waited_for_the_disk_is_true_and_not_too_old(
    last: tuple[int, int], wait: float, rule: str
) -> None:
    story, sent = followed_in_its_own_election()
    story.answer(sent, AppendEntriesReply(2, True))
    story.now += wait
    with pytest.raises(Violation) as caught:
        story.send(1, 4, RequestVoteArgs(2, 1, *last))
    assert caught.value.rule == rule


def test_candidate_that_no_leader_has_reached_says_how_its_log_ends_now() -> None:
    story = Story("2C", 5)
    story.now = 1.0
    story.save(1, 1, None, COMMANDS[:2])
    story.save(1, 2, 1, COMMANDS[:2])
    with pytest.raises(Violation) as caught:
        story.send(1, 4, RequestVoteArgs(2, 1, 1, 1))
    assert caught.value.rule == "VoteOnlyUpToDate"


def test_leader_may_say_again_what_was_answered() -> None:
    story = led()
    for peer in (1, 2):
        story.append(0, peer, append(1, (0, 0), COMMANDS))
    story.append(0, 2, append(1, (3, 1), [], 3))
    story.now += 0.2
    story.append(0, 2, append(1, (0, 0), COMMANDS))


def test_after_a_plain_crash_it_is_still_known_what_was_proposed() -> None:
    story = led(servers=5)
    for peer in (1, 2):
        story.append(0, peer, append(1, (0, 0), COMMANDS))
    story.restart(4)
    with pytest.raises(Violation) as caught:
        story.apply(0, 1, "other")
    assert caught.value.rule == "StartAnswers"


# What is handled, and neither answered nor saved yet.


def test_new_leader_may_have_taken_entries_that_it_has_not_acknowledged() -> None:
    story = led(servers=5)
    old = story.send(0, 2, append(1, (0, 0), COMMANDS))
    story.deliver(old)
    story.answer(old, AppendEntriesReply(1, True))
    story.now += 1.0
    story.elect(1, 2, (0, 0), voters=(3, 4))
    log = entries(2, "d1", "d2")
    for index, entry in enumerate(log, 1):
        story.start(1, entry.command, index, 2)
    for peer in (3, 4):
        story.append(1, peer, append(2, (0, 0), log, leader=1))
    story.send(1, 3, append(2, (2, 2), [], 2, leader=1))
    waiting = story.send(1, 2, append(2, (0, 0), log, leader=1))
    story.deliver(waiting)  # handled, and answered late
    story.now += 1.0
    story.elect(2, 3, (2, 2), voters=(3, 4))
    story.send(2, 3, append(3, (2, 2), [], leader=2))
    story.send(2, 0, append(3, (0, 0), log, leader=2))
    story.answer(waiting, AppendEntriesReply(3, False))


def test_snapshot_and_the_entries_behind_it_may_be_in_one_save() -> None:
    story = taken()
    old = entries(1, "c1", "x2", "x3")
    sent = story.send(0, 2, append(1, (0, 0), old[:1]))
    story.deliver(sent)
    story.save(2, 1, 0, old[:1])
    story.answer(sent, AppendEntriesReply(1, True))
    data = snapshot_of("c1", "c2")
    snapshot = story.send(0, 2, InstallSnapshotArgs(1, 0, 2, 1, data))
    behind = story.send(0, 2, append(1, (2, 1), COMMANDS[2:], 3))
    story.deliver(snapshot)
    story.deliver(behind)
    story.save(2, 1, 0, COMMANDS[2:], base=(2, 1), snapshot=data, snapshot_index=2)
    story.answer(behind, AppendEntriesReply(1, True))
    story.answer(snapshot, InstallSnapshotReply(1))


# Heartbeats.


def send_pairs(pause: float, count: int, commits: bool = False) -> None:
    """Let a leader send two heartbeats at a time, again and again; the second of them may report a newer commit."""
    story = led(count + 1) if commits else Story("2A", 3)
    if commits:
        for peer in (1, 2):
            story.append(0, peer, append(1, (0, 0), entries(1, *(f"c{index + 1}" for index in range(count + 1)))))
    else:
        story.elect(0, 1, voters=(1, 2))
    for number in range(count):
        for second in range(2):
            for peer in (1, 2):
                story.append(0, peer, append(1, (0, 0), [], commit=number + second if commits else 0))
        story.now += pause


def test_two_messages_at_one_instant_that_differ_are_no_pair() -> None:
    send_pairs(0.15, 30, commits=True)


def test_leader_may_send_two_heartbeats_at_a_time_if_they_are_no_more_than_ten_a_second() -> None:
    send_pairs(0.2, 60)


def test_two_heartbeats_at_a_time_are_two_loops_if_they_are_more_than_ten_a_second() -> None:
    send_pairs(0.15, 15)
    with pytest.raises(Violation, match=r"16 times in a row within 2\.2\d+ s, more than ten a second: two loops"):
        send_pairs(0.15, 16)

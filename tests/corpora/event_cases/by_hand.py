"""Cases that no known-wrong server reaches soon, written event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from labs.codec.messages import encode_command
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    LogEntry,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.checkers.compaction import KEPT, LATE
from labs.raft.checkers.kept_marks import SOON, FirstWords
from labs.raft.checkers.timers import LONGEST
from labs.sim.server.service import Service
from labs.trace import events
from labs.trace.events import Event
from tests.corpora.event_cases import Case
from tests.tools.judged import Story, entries


class Script(Story):
    """A run that is only written down: no checker sees it."""

    def __init__(self, stage: str, servers: int = 3) -> None:
        self.stage = stage
        self.events: list[Event] = []
        super().__init__(stage, servers)

    def watch(self, stage: str, servers: int) -> Callable[[Event], None]:
        return self.events.append


# One leader: the same voter on trial and for good.


def two_leaders() -> Script:
    """Servers 0 and 1 get the voice of server 2 in term 1: one as a vote, the other on trial. Server 0 leads."""
    script = Script("2A")
    script.now = 0.4
    script.role(1, 1)
    script.now += 0.01
    script.call(1, 2, RequestVoteArgs(1, 1, 0, 0), RequestVoteReply(1, True), trial=True)
    script.now += 0.01
    script.elect(0, 1, voters=(2,))
    script.now += 0.01
    return script


def two_leaders_by_get_state() -> Script:
    script = two_leaders()
    script.role(1, 1, leads=True)
    return script


def two_leaders_by_a_heartbeat() -> Script:
    script = two_leaders()
    script.send(1, 2, AppendEntriesArgs(1, 1, 0, 0, [], 0))
    return script


def leaders_of_two_terms() -> Script:
    script = two_leaders()
    script.see(events.Crash(script.now, 0))
    script.now += 1.0
    script.elect(1, 2, voters=(2,))
    return script


# Trials.


def trial_before_the_term() -> Script:
    """Server 0 asks on trial before it is in that term, and leads by the answer."""
    script = Script("2A")
    script.now = 0.4
    script.call(0, 1, RequestVoteArgs(1, 0, 0, 0), RequestVoteReply(0, True), trial=True)
    script.now += 0.01
    script.role(0, 1)
    script.role(0, 1, leads=True)
    return script


def trial_of_a_voter_that_has_voted() -> Script:
    """Server 2 has voted for server 0, and grants a trial of server 1, which leads by that."""
    script = Script("2A", 5)
    script.now = 0.4
    for candidate in (0, 1):
        script.role(candidate, 1)
    script.now += 0.01
    script.call(0, 2, RequestVoteArgs(1, 0, 0, 0), RequestVoteReply(1, True))
    for voter in (2, 3):
        script.call(1, voter, RequestVoteArgs(1, 1, 0, 0), RequestVoteReply(1, True), trial=True)
    script.now += 0.01
    script.role(1, 1, leads=True)
    return script


def trial_in_the_term() -> Script:
    """Server 0 leads by an answer on trial that would do as a vote."""
    script = Script("2A")
    script.now = 0.4
    script.role(0, 1)
    script.now += 0.01
    script.call(0, 1, RequestVoteArgs(1, 0, 0, 0), RequestVoteReply(1, True), trial=True)
    script.role(0, 1, leads=True)
    return script


# Campaigns.


def waiting_candidate(first: int, second: int) -> Script:
    """Server 0 leads term 1, and server 1 hears two heartbeats while its candidacy of term 2 is being saved.

    It refuses them in term 2, in this order, and asks for votes.
    """
    script = led_in_term_1()
    script.now += 0.3
    beat = AppendEntriesArgs(1, 0, 0, 0, [], 0)
    beats = [script.send(0, 1, beat), script.send(0, 1, beat)]
    for rpc in beats:
        script.now += 0.005
        script.deliver(rpc)
    script.now += 0.005
    for number in (first, second):
        script.answer(beats[number], AppendEntriesReply(2, False), back=False)
    script.send(1, 2, RequestVoteArgs(2, 1, 0, 0))
    return script


def led_in_term_1() -> Script:
    """Server 0 has led term 1 for a moment, and both others follow."""
    script = Script("2B")
    script.now = 0.4
    script.elect(0, 1)
    for peer in (1, 2):
        script.append(0, peer, AppendEntriesArgs(1, 0, 0, 0, [], 0))
    return script


def candidate_refuses_its_old_leader_in_order() -> Script:
    return waiting_candidate(0, 1)


def candidate_refuses_its_old_leader_in_another_order() -> Script:
    return waiting_candidate(1, 0)


def candidate_that_followed_a_moment_ago_refuses() -> Script:
    """As before, but 20 ms before the heartbeat that it refuses it has followed another one: no timeout is so short."""
    script = led_in_term_1()
    script.now += 0.3
    beat = AppendEntriesArgs(1, 0, 0, 0, [], 0)
    script.append(0, 1, beat)
    script.now += 0.02
    rpc = script.send(0, 1, beat)
    script.now += 0.005
    script.deliver(rpc)
    script.answer(rpc, AppendEntriesReply(2, False), back=False)
    script.send(1, 2, RequestVoteArgs(2, 1, 0, 0))
    return script


# Timers.


def silence() -> Script:
    """Nobody sends anything for longer than an election timeout may be."""
    script = Script("2A")
    script.see(events.Check(LONGEST, -1, "nothing"))
    script.see(events.Check(LONGEST + 0.15, -1, "nothing"))
    return script


def silence_after_a_restart() -> Script:
    """A single server runs; it is restarted, and then does nothing."""
    script = Script("2A")
    script.see(events.Crash(0.0, 0))
    script.see(events.Crash(0.0, 1))
    script.now = 2.0
    script.restart(2)
    script.see(events.Check(2.0 + LONGEST, -1, "nothing"))
    script.see(events.Check(2.15 + LONGEST, -1, "nothing"))
    return script


def silence_of_servers_that_are_down_or_stand_still() -> Script:
    script = Script("2A")
    script.see(events.Crash(0.0, 0))
    script.see(events.Crash(0.0, 1))
    script.see(events.Pause(1.0, 2))
    script.see(events.Check(4 * LONGEST, -1, "nothing"))
    script.see(events.Resume(4 * LONGEST, 2))
    script.see(events.Check(5 * LONGEST, -1, "nothing"))
    return script


# Compaction, with a server that is its own majority.


def long_log(early: int = 0) -> Script:
    """A server has 50 entries on its disk when its service takes a snapshot of all, and perhaps one earlier."""
    script = Script("2D", 1)
    script.now = 0.4
    script.save(0, 1, 0, [])
    script.role(0, 1, leads=True)
    log: list[LogEntry] = []
    for index in range(1, KEPT + 11):
        script.start(0, f"c{index}", index, 1)
        log += entries(1, f"c{index}")
    script.save(0, 1, 0, log)
    for index in range(1, KEPT + 11):
        script.apply(0, index, f"c{index}")
        if index in (early, KEPT + 10):
            script.see(events.TakeSnapshot(script.now, 0, index, len(snapshot_of(index))))
    return script


def snapshot_of(index: int) -> bytes:
    """Return the snapshot of a service that has applied this many commands."""
    service = Service(1)
    for each in range(1, index + 1):
        service.apply(0, each, encode_command(f"c{each}"))
    return service.snapshot(0)


def one_more(script: Script, base: int = 0) -> None:
    """Let the server save and apply one more command; its log begins after `base`."""
    last = KEPT + 11
    script.start(0, f"c{last}", last, 1)
    log = [LogEntry(1, f"c{index}") for index in range(base + 1, last + 1)]
    script.save(0, 1, 0, log, (base, 1 if base else 0))
    script.apply(0, last, f"c{last}")


def log_that_stays_long() -> Script:
    script = long_log()
    script.now += LATE + 0.1
    script.start(0, "next", KEPT + 11, 1)
    script.save(0, 1, 0, [*(LogEntry(1, f"c{index}") for index in range(1, KEPT + 11)), LogEntry(1, "next")])
    return script


def log_that_is_cut_too_little() -> Script:
    """Ten entries leave the log, and one more is left than may stay."""
    base = 10
    script = long_log(early=base)
    rest = [LogEntry(1, f"c{index}") for index in range(base + 1, KEPT + 11)]
    script.now += 0.1
    script.save(0, 1, 0, rest, (base, 1), snapshot=snapshot_of(base), snapshot_index=base)
    script.now += LATE
    script.start(0, "next", KEPT + 11, 1)
    script.save(0, 1, 0, [*rest, LogEntry(1, "next")], (base, 1))
    return script


def log_that_is_cut() -> Script:
    script = long_log()
    base = KEPT + 10
    script.now += 0.1
    script.save(0, 1, 0, [], (base, 1), snapshot=snapshot_of(base), snapshot_index=base)
    script.now += LATE
    one_more(script, base)
    return script


# Commit indices of leaders.

BEAT = 0.1


def leader_with_a_commit_index_of(shown: int) -> Script:
    """A leader has applied three entries that all have, sends this leader_commit for long, and then a new entry."""
    script = Script("2B")
    script.now = 0.4
    script.elect(0, 1)
    log = entries(1, "c1", "c2", "c3")
    for index, entry in enumerate(log, 1):
        script.start(0, entry.command, index, 1)
    for peer in (1, 2):
        script.append(0, peer, AppendEntriesArgs(1, 0, 0, 0, log, 0))
    for index, entry in enumerate(log, 1):
        script.apply(0, index, entry.command)
    end = script.now + SOON + 2 * BEAT
    while script.now < end:
        script.now += BEAT
        for peer in (1, 2):
            script.append(0, peer, AppendEntriesArgs(1, 0, 3, 1, [], shown))
    script.start(0, "c4", 4, 1)
    script.send(0, 1, AppendEntriesArgs(1, 0, 3, 1, entries(1, "c4"), shown))
    return script


def leader_that_lags_behind_itself() -> Script:
    return leader_with_a_commit_index_of(1)


def leader_that_lags_behind_itself_a_little() -> Script:
    return leader_with_a_commit_index_of(2)


def leader_that_shows_what_it_knows() -> Script:
    return leader_with_a_commit_index_of(3)


# First words of leaders.


def leader_of_terms(count: int) -> Script:
    """A leader begins a term after its last entry; in the next ones a snapshot that its peers have is its first
    word."""
    script = Script("2D")
    log, base = entries(1, "c1", "c2", "c3"), (3, 1)
    data = snapshot_of(3)
    script.now = 0.4
    win(script, 1, [], (0, 0))
    for index, entry in enumerate(log, 1):
        script.start(0, entry.command, index, 1)
    script.save(0, 1, 0, log)
    for peer in (1, 2):
        rpc = script.send(0, peer, AppendEntriesArgs(1, 0, 0, 0, log, 0))
        script.deliver(rpc)
        script.save(peer, 1, 0, log)
        script.answer(rpc, AppendEntriesReply(1, True))
    script.now += BEAT
    for index, entry in enumerate(log, 1):
        script.apply(0, index, entry.command)
    win(script, 2, log, (0, 0))
    for peer in (1, 2):
        script.append(0, peer, AppendEntriesArgs(2, 0, 3, 1, [], 0))
    script.see(events.TakeSnapshot(script.now, 0, 3, len(data)))
    script.save(0, 2, 0, [], base, snapshot=data, snapshot_index=3)
    for term in range(3, 3 + count):
        script.now += BEAT
        win(script, term, log, base)
        for peer in (1, 2):
            script.install(0, peer, InstallSnapshotArgs(term, 0, *base, data))
    return script


def win(script: Script, term: int, log: list[LogEntry], base: tuple[int, int]) -> None:
    """Let server 0 win an election; its log begins after `base`, that of its peers with the first entry."""
    last = (len(log), log[-1].term) if log else (0, 0)
    script.role(0, term)
    script.save(0, term, 0, log[base[0] :], base)
    for voter in (1, 2):
        rpc = script.send(0, voter, RequestVoteArgs(term, 0, *last))
        script.deliver(rpc)
        script.save(voter, term, 0, log)
        script.answer(rpc, RequestVoteReply(term, True))
    script.role(0, term, leads=True)


def leader_that_begins_four_terms_with_a_snapshot() -> Script:
    script = leader_of_terms(FirstWords.TIMES - 1)
    return one_more_snapshot(script, peer=1)


def leader_that_begins_four_terms_with_a_snapshot_for_another() -> Script:
    script = leader_of_terms(FirstWords.TIMES - 1)
    return one_more_snapshot(script, peer=2)


def leader_that_begins_three_terms_with_a_snapshot() -> Script:
    return leader_of_terms(FirstWords.TIMES - 1)


def one_more_snapshot(script: Script, peer: int) -> Script:
    """Let server 0 begin one more term with its snapshot."""
    term = 2 + FirstWords.TIMES
    script.now += BEAT
    win(script, term, entries(1, "c1", "c2", "c3"), (3, 1))
    script.send(0, peer, InstallSnapshotArgs(term, 0, 3, 1, snapshot_of(3)))
    return script


# Refusals, by a server that saves nothing, and that campaigned in the leader's term before it followed.


def follower_that_had_campaigned() -> Script:
    """Server 2 loses the election of term 1, and takes three entries of server 0."""
    script = Script("2B")
    script.now = 0.4
    script.send(2, 0, RequestVoteArgs(1, 2, 0, 0))
    script.elect(0, 1, voters=(1,))
    for index in (1, 2, 3):
        script.start(0, f"c{index}", index, 1)
    return script


def follower_that_had_campaigned_drops_what_it_had() -> Script:
    script = follower_that_had_campaigned()
    log = entries(1, "c1", "c2", "c3")
    script.append(0, 1, AppendEntriesArgs(1, 0, 0, 0, log, 0))
    for sent in (log, log[:1]):
        script.append(0, 2, AppendEntriesArgs(1, 0, 0, 0, sent, 0))
    refused = script.send(0, 2, AppendEntriesArgs(1, 0, 3, 1, [], 0))
    script.deliver(refused)
    script.answer(refused, AppendEntriesReply(1, False), back=False)
    return script


def candidate_that_does_not_follow() -> Script:
    script = follower_that_had_campaigned()
    refused = script.send(0, 2, AppendEntriesArgs(1, 0, 0, 0, entries(1, "c1"), 0))
    script.deliver(refused)
    script.answer(refused, AppendEntriesReply(1, False), back=False)
    return script


# What a service gets, by all servers alike.


def committed(*shown: str | None) -> Script:
    """Two entries are committed, and the leader applies these commands."""
    script = Script("2B")
    script.elect(0, 1, voters=(1, 2))
    log = entries(1, "c1", "c1")
    for index in (1, 2):
        script.start(0, "c1", index, 1)
    for peer in (1, 2):
        script.append(0, peer, AppendEntriesArgs(1, 0, 0, 0, log, 0))
    for index, command in enumerate(shown, 1):
        script.apply(0, index, command)
    return script


def leader_that_applies_a_command_that_came_twice_once() -> Script:
    return committed("c1", None)


def leader_that_applies_nothing() -> Script:
    return committed(None)


def leader_that_applies_a_command_that_came_twice() -> Script:
    return committed("c1", "c1")


# All of them.

FOUND: dict[Callable[[], Script], tuple[str, str, str]] = {
    two_leaders_by_get_state: ("ElectionSafety", "OneLeader", "OneLeader"),
    two_leaders_by_a_heartbeat: ("ElectionSafety", "OneLeader", "OneLeader"),
    trial_before_the_term: ("LeaderHasMajority", "Leaderships", "Trials"),
    trial_of_a_voter_that_has_voted: ("OneVotePerTerm", "Leaderships", "Trials"),
    candidate_that_followed_a_moment_ago_refuses: ("ElectionTimerReset", "Campaigns", "Campaigns"),
    silence: ("LeaderInTime", "Timers", "Timers"),
    silence_after_a_restart: ("LeaderInTime", "Timers", "Timers"),
    log_that_stays_long: ("LogTrimmed", "Compaction", "Compaction"),
    log_that_is_cut_too_little: ("LogTrimmed", "Compaction", "Compaction"),
    leader_that_lags_behind_itself: ("CommitNeverDecreases", "CommitMarks", "CommitMarks"),
    leader_that_lags_behind_itself_a_little: ("CommitNeverDecreases", "CommitMarks", "CommitMarks"),
    leader_that_begins_four_terms_with_a_snapshot: ("InstallWhenNeeded", "FirstWords", "FirstWords"),
    leader_that_begins_four_terms_with_a_snapshot_for_another: ("InstallWhenNeeded", "FirstWords", "FirstWords"),
    follower_that_had_campaigned_drops_what_it_had: ("MatchingKept", "Appending", "Appending"),
    candidate_that_does_not_follow: ("StepsDown", "Refusals", "Refusals"),
    leader_that_applies_a_command_that_came_twice_once: ("CommittedIsApplied", "Applied", "Applied"),
    leader_that_applies_nothing: ("CommittedIsApplied", "Applied", "Applied"),
}
"""Scripts whose last event breaks a rule: the rule, who finds that, and the checker that knows it."""
RIGHT: tuple[Callable[[], Script], ...] = (
    leaders_of_two_terms,
    trial_in_the_term,
    candidate_refuses_its_old_leader_in_order,
    candidate_refuses_its_old_leader_in_another_order,
    silence_of_servers_that_are_down_or_stand_still,
    log_that_is_cut,
    leader_that_shows_what_it_knows,
    leader_that_begins_three_terms_with_a_snapshot,
    leader_that_applies_a_command_that_came_twice,
)


def cases() -> Iterator[tuple[Case, list[bytes]]]:
    """Yield all cases, each with its events as lines."""
    for write in (*FOUND, *RIGHT):
        script = write()
        rule, judge, knows = FOUND.get(write, ("", "", ""))
        name = write.__name__.replace("_", " ") + ", written by hand"
        case = Case(name, script.stage, len(script.lives), rule, judge, knows)
        yield case, [msgspec.json.encode(event) for event in script.events]

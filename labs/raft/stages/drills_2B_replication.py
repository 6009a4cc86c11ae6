"""Drills of stage 2B, log replication: AppendEntries rules 1 to 5, up-to-date logs, and what a leader does and counts.

Logs are written as the terms of their entries: [1, 1, 2] is a log whose third entry is of term 2. A position is (index,
term). Nothing here crashes or restarts.
"""

from __future__ import annotations

from collections.abc import Callable

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    Command,
    LogEntry,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.lab import drill
from labs.raft.testing.drill import ELECTION, QUIET, Lone
from labs.raft.testing.fake_peers import command_of, entries_of
from labs.testing.drill import LOOK
from labs.testing.fake_peers import Request

LATER = 1000
"""A term that no server reaches by itself while it waits for word of a leader."""
HIGH = 500
"""A term that is not a small number: of those Python has one object each, so they are equal even to those who ask
`is`."""
COMMANDS: list[Command] = ["x", "x", " x ", "", "", 0, False, 1, True, 0.5, [], {}, b"", ["y", {"z": [None]}], "1", "x"]
"""Commands of all kinds: empty ones, equal ones one after the other, and some that only look alike."""
BEAT = 0.05
"""Seconds between two requests of a candidate that asks again and again."""
INSTANT = 0.001
"""Seconds in which a disk is not yet done with a save."""
LONG = 30
"""The entries of a log that is not as short as those of the other drills."""
OLD_ENTRIES = 300
"""Entries that are many for one message: a leader may send them in several."""
ROUNDS = 24
"""Rounds of answers out of order: if each round leaves a message in flight, any usual window is full by then."""


def brings(index: int) -> Callable[[AppendEntriesArgs], bool]:
    """Return what holds for an AppendEntries that carries the entry at an index."""
    return lambda message: message.prev_log_index < index <= message.prev_log_index + len(message.entries)


async def request_with(lone: Lone, peer: int, index: int, within: float = 2.0) -> Request[AppendEntriesArgs]:
    """Wait for an AppendEntries to a peer that carries the entry at an index; a leader must send what it has taken."""
    what, rule = f"with entry {index}", "CommittedIsApplied"
    return await lone.wait_for_request(AppendEntriesArgs, peer, brings(index), within=within, what=what, rule=rule)


# AppendEntries, rules 1 to 4.


@drill(rule="ConsistencyRefusal")
async def drill_entries_stay(lone: Lone) -> None:
    """entries that were accepted are in the log (AppendEntries rule 4)"""
    await lone.append_entries(1, term=HIGH, terms=[HIGH, HIGH])
    reply = await lone.append_entries(1, term=HIGH, prev=(2, HIGH))
    lone.check(reply.success, f"it has accepted the entries 1 and 2 of term {HIGH}")


@drill(rule="ConsistencyCheck")
async def drill_gap_refused(lone: Lone) -> None:
    """entries are refused that would leave a gap in the log (AppendEntries rule 2)"""
    await lone.append_entries(1, term=1, terms=[1])
    reply = await lone.append_entries(1, term=1, prev=(3, 1), terms=[1])
    lone.check(not reply.success, "its log ends at index 1")


@drill(rule="ConsistencyCheck")
async def drill_other_term_refused(lone: Lone) -> None:
    """entries are refused that follow one of another term than the log has there (AppendEntries rule 2)"""
    await lone.append_entries(1, term=1, terms=[1])
    reply = await lone.append_entries(2, term=2, prev=(1, 2), terms=[2])
    lone.check(not reply.success, "its entry 1 is of term 1")


@drill(rule="ConsistencyCheck")
async def drill_older_term_refused(lone: Lone) -> None:
    """entries are refused, too, that follow one of an older term than the log has there (AppendEntries rule 2)"""
    await lone.append_entries(1, term=3, terms=[1, 3])
    reply = await lone.append_entries(2, term=4, prev=(2, 2), terms=[4])
    lone.check(not reply.success, "its entry 2 is of term 3")


@drill(rule="ConsistencyCheck")
async def drill_heartbeat_is_checked(lone: Lone) -> None:
    """a heartbeat is refused like any AppendEntries if the log does not match (AppendEntries rule 2)"""
    reply = await lone.append_entries(1, term=1, prev=(1, 1))
    lone.check(not reply.success, "its log is empty")


@drill(rule="ConsistencyCheck")
async def drill_refused_entries_leave_nothing(lone: Lone) -> None:
    """entries that were refused do not come back when the gap before them is closed (AppendEntries rule 2)"""
    await lone.append_entries(1, term=1, terms=[1])
    await lone.append_entries(1, term=1, prev=(3, 1), terms=[1])
    await lone.append_entries(2, term=2, prev=(1, 1), terms=[2, 2])
    reply = await lone.append_entries(2, term=2, prev=(4, 1))
    lone.check(not reply.success, "server 2, which leads, has sent it entries up to index 3")


@drill(rule="StaleTermRejected")
async def drill_older_leader_changes_nothing(lone: Lone) -> None:
    """entries of a leader of an older term are refused, and change nothing (AppendEntries rule 1)"""
    await lone.append_entries(1, term=5, terms=[5])
    reply = await lone.append_entries(2, term=3, terms=[3, 3])
    lone.check(not reply.success, "it is in term 5 already")
    reply = await lone.append_entries(1, term=5, prev=(1, 5))
    lone.check(reply.success, "it has accepted entry 1 of term 5", "MatchingKept")


@drill(rule="StaleTermRejected")
async def drill_newer_leader_interrupts(lone: Lone) -> None:
    """entries of an older leader replace none of a newer one, even if they came first (AppendEntries rule 1)"""
    many, one = (entries_of([term] * count) for term, count in ((1, 20), (2, 1)))
    older, newer = AppendEntriesArgs(1, 1, 0, 0, many, 0), AppendEntriesArgs(2, 2, 0, 0, one, 0)
    await lone.ask_in_turn(0.002, (1, older), (2, newer))
    await lone.sleep(BEAT)
    reply = await lone.append_entries(2, term=2, prev=(1, 2))
    lone.check(reply.success, "it has accepted entry 1 of term 2 from the leader of that term")


@drill(rule="ConflictTruncated")
async def drill_conflict_ends_log(lone: Lone) -> None:
    """an entry that conflicts goes, and all that follow it (AppendEntries rule 3)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.append_entries(2, term=2, prev=(1, 1), terms=[2])
    reply = await lone.append_entries(2, term=2, prev=(3, 1))
    lone.check(not reply.success, "entry 2 of term 2 has replaced one of term 1, so entry 3 of term 1 had to go")
    reply = await lone.append_entries(2, term=2, prev=(2, 2))
    lone.check(reply.success, "it has accepted entry 2 of term 2", "ConsistencyRefusal")


@drill(rule="ConflictTruncated")
async def drill_conflict_behind_what_matches(lone: Lone) -> None:
    """each entry of a message is compared, not only the first (AppendEntries rule 3)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.append_entries(2, term=2, terms=[1, 2])
    reply = await lone.append_entries(2, term=2, prev=(3, 1))
    lone.check(not reply.success, "entry 2 of term 2 has replaced one of term 1, so entry 3 of term 1 had to go")
    reply = await lone.append_entries(2, term=2, prev=(2, 2))
    lone.check(reply.success, "it has accepted entry 2 of term 2, where it had one of term 1")


@drill(rule="ConflictTruncated")
async def drill_equal_command_of_another_term(lone: Lone) -> None:
    """entries conflict if their terms differ, though their commands are equal (AppendEntries rule 3)"""
    for term in (1, 2):
        await lone.ask(
            term, AppendEntriesArgs(term, term, 0, 0, [LogEntry(term, "x"), LogEntry(term, "y")][: 3 - term], 0)
        )
    reply = await lone.append_entries(2, term=2, prev=(2, 1))
    lone.check(not reply.success, "entry 1 of term 2 has replaced one of term 1, so entry 2 of term 1 had to go")
    reply = await lone.append_entries(2, term=2, prev=(1, 2))
    lone.check(reply.success, "it has accepted entry 1 of term 2, which has the same command as the one of term 1")


@drill(rule="ConflictTruncated")
async def drill_newer_entry_gives_way(lone: Lone) -> None:
    """an entry that conflicts goes, also one of a newer term than the leader's (AppendEntries rule 3, Figure 7)"""
    await lone.append_entries(1, term=3, terms=[1, 3, 3])
    await lone.append_entries(2, term=4, prev=(1, 1), terms=[2])
    reply = await lone.append_entries(2, term=4, prev=(2, 2))
    lone.check(reply.success, "it has accepted entry 2 of term 2, where it had one of term 3")
    reply = await lone.append_entries(2, term=4, prev=(3, 3))
    lone.check(not reply.success, "entry 2 of term 2 has replaced one of term 3, so entry 3 of term 3 had to go")


@drill(rule="ConsistencyCheck")
async def drill_two_leaders_at_once(lone: Lone) -> None:
    """what is checked still holds when the log is changed: nothing comes in between (AppendEntries rules 2 and 3)"""
    await lone.append_entries(1, term=1, terms=[1, 1])
    cuts = AppendEntriesArgs(2, 1, 0, 0, entries_of([2]), 0)
    follows = AppendEntriesArgs(3, 2, 2, 1, entries_of([3], after=2), 0)
    replies = await lone.ask_in_turn(0.001, (1, cuts), (2, follows))
    text = "what server 1 sent takes entry 2 of term 1 away, which what server 2 sent comes after"
    lone.check(not all(reply.success for reply in replies), f"it accepted both AppendEntries: {text}")


@drill(rule="StepsDown")
async def drill_candidate_follows_though_it_refuses(lone: Lone) -> None:
    """a candidate follows the leader of its term, also one whose entries it cannot take yet (Candidates rule 3)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    for _ in range(40):
        await lone.append_entries(1, term, prev=(3, term))
        await lone.sleep(BEAT)
        lone.check_no_request(RequestVoteArgs, f"server 1 leads term {term}, and is heard every {BEAT} s", above=term)


@drill(rule="MatchingKept")
async def drill_late_entries_cut_nothing(lone: Lone) -> None:
    """a late AppendEntries with fewer entries takes none away (AppendEntries rule 3)"""
    await lone.append_entries(1, term=HIGH, terms=[HIGH] * 3)
    await lone.append_entries(1, term=HIGH, terms=[HIGH])
    reply = await lone.append_entries(1, term=HIGH, prev=(3, HIGH))
    lone.check(reply.success, "it has accepted the entries 1 to 3, and none that conflicts with them")


@drill(rule="MatchingKept")
async def drill_late_heartbeat_cuts_nothing(lone: Lone) -> None:
    """a late heartbeat takes no entries away (AppendEntries rule 3)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.append_entries(1, term=1, prev=(1, 1))
    reply = await lone.append_entries(1, term=1, prev=(3, 1))
    lone.check(reply.success, "it has accepted the entries 1 to 3, and none that conflicts with them")


@drill(rule="MatchingKept")
async def drill_long_and_short_at_once(lone: Lone) -> None:
    """two AppendEntries that come at once, one with fewer entries, leave those of both (AppendEntries rules 3 and 4)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    for term, counts in ((2, (3, 1)), (3, (2, 3))):
        asked = [(2, AppendEntriesArgs(term, 2, 0, 0, entries_of([term] * count), 0)) for count in counts]
        replies, most = await lone.ask_in_turn(INSTANT, *asked), max(counts)
        if replies[counts.index(most)].success:
            reply = await lone.append_entries(2, term, prev=(most, term))
            text = f"it has accepted the entries 1 to {most} of term {term}, and none that conflicts with them"
            lone.check(reply.success, text)


@drill(rule="MatchingKept")
async def drill_old_and_new_leader_at_once(lone: Lone) -> None:
    """what an older leader sent takes nothing away that a newer one sent at the same time (AppendEntries rule 1)"""
    for after in range(6):
        old, new, last = 2 * after + 1, 2 * after + 2, 2 * after
        older = (1, AppendEntriesArgs(old, 1, after, last, entries_of([old, old], after), 0))
        newer = (2, AppendEntriesArgs(new, 2, after, last, entries_of([new], after), 0))
        _, accepted = await lone.ask_in_turn(INSTANT, older, newer)
        if not accepted.success:  # It may have looked for the entry before while the older leader's came in.
            accepted = await lone.append_entries(2, new, prev=(after, last), terms=[new])
        reply = await lone.append_entries(2, new, prev=(after + 1, new))
        text = f"it has accepted entry {after + 1} of term {new}, and what server 1 sent at that time was of term {old}"
        lone.check(reply.success or not accepted.success, text)


@drill(rule="LogMatching")
async def drill_entries_come_twice(lone: Lone) -> None:
    """entries that the log has already are not appended again (AppendEntries rule 4)"""
    await lone.append_entries(1, term=1, terms=[1, 1])
    await lone.append_entries(1, term=1, terms=[1, 1])
    reply = await lone.append_entries(1, term=1, prev=(1, 1), terms=[1, 1], commit=3)
    lone.check(reply.success, "it has accepted entry 1 of term 1", "ConsistencyRefusal")
    for index in (1, 2, 3):
        await lone.wait_for_applied(index, command_of(index, 1))
    reply = await lone.append_entries(1, term=1, prev=(4, 1))
    lone.check(not reply.success, "the entries that it was sent end at index 3")


# AppendEntries rule 5, and what is applied.


@drill(rule="CommitBound")
async def drill_applies_what_is_committed(lone: Lone) -> None:
    """entries are applied up to leader_commit, and no further (AppendEntries rule 5, All servers rule 1)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1], commit=2)
    await lone.wait_for_applied(1, command_of(1, 1))
    await lone.wait_for_applied(2, command_of(2, 1))
    await lone.check_not_applied(3, "leader_commit was 2")


@drill(rule="CommittedIsApplied")
async def drill_heartbeat_commits(lone: Lone) -> None:
    """a heartbeat carries the commit index, too (AppendEntries rule 5)"""
    await lone.append_entries(1, term=1, terms=[1, 1])
    await lone.append_entries(1, term=1, prev=(2, 1), commit=2)
    await lone.wait_for_applied(2, command_of(2, 1))


@drill(rule="CommittedIsApplied")
async def drill_entries_behind_what_is_applied(lone: Lone) -> None:
    """entries are taken that come together with some that are applied already (AppendEntries rule 4)"""
    await lone.append_entries(1, term=1, terms=[1, 1], commit=2)
    await lone.wait_for_applied(2, command_of(2, 1))
    reply = await lone.append_entries(1, term=1, terms=[1, 1, 1], commit=3)
    lone.check(reply.success, "every log holds what comes before index 1", "ConsistencyRefusal")
    await lone.wait_for_applied(3, command_of(3, 1))


@drill(rule="CommitBound")
async def drill_commit_ends_with_new_entries(lone: Lone) -> None:
    """nothing is committed after the last new entry, where logs may differ (AppendEntries rule 5)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.append_entries(2, term=2, prev=(1, 1), commit=3)
    await lone.wait_for_applied(1, command_of(1, 1))
    await lone.check_not_applied(2, "of the log of server 2, which leads, only index 1 is known to be the same")


@drill(rule="CommitBound")
async def drill_commit_ends_with_known_entries(lone: Lone) -> None:
    """nothing is committed after entries that are sent once more, either (AppendEntries rule 5)"""
    await lone.append_entries(1, term=1, terms=[1] * LONG)
    await lone.append_entries(2, term=2, terms=[1], commit=LONG)
    await lone.wait_for_applied(1, command_of(1, 1))
    await lone.check_not_applied(2, "of the log of server 2, which leads, only index 1 is known to be the same")


@drill(rule="CommitBound")
async def drill_refused_entries_commit_nothing(lone: Lone) -> None:
    """an AppendEntries that is refused commits nothing (AppendEntries rules 2 and 5)"""
    await lone.append_entries(1, term=1, terms=[1, 1])
    await lone.append_entries(2, term=2, prev=(3, 2), commit=2)
    await lone.check_not_applied(1, "server 2 leads, and nothing of its log is known to be the same")


@drill(rule="ApplyInOrder")
async def drill_late_commit_takes_nothing_back(lone: Lone) -> None:
    """a leader_commit that comes late changes nothing: each entry is applied once (AppendEntries rule 5)"""
    await lone.append_entries(1, term=1, terms=[1, 1], commit=2)
    await lone.append_entries(1, term=1, prev=(2, 1), commit=1)
    await lone.append_entries(1, term=1, prev=(2, 1), terms=[1], commit=3)
    await lone.wait_for_applied(3, command_of(3, 1))
    lone.check([message.index for message in lone.applied] == [1, 2, 3], "it must be 1, 2, 3, each once")


@drill(rule="CommitNeverDecreases")
async def drill_probe_takes_no_commit_back(lone: Lone) -> None:
    """a short AppendEntries takes no commit back, however high its leader_commit is (AppendEntries rule 5)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1], commit=3)
    await lone.wait_for_applied(3, command_of(3, 1))
    # Server 2 looks for where the logs agree, and sends its log; it has committed two entries more.
    await lone.append_entries(2, term=2, prev=(1, 1), commit=5)
    await lone.append_entries(2, term=2, prev=(1, 1), terms=[1, 1, 2, 2], commit=1)
    term = await lone.become_leader()
    lone.oblige()
    await lone.sleep(0.5)
    index = (await lone.propose("x")).index
    request = await request_with(lone, 2, index)
    text = (
        f"it had applied index 3 before it led term {term}: a leader of term 2 had then sent leader_commit=5 with what "
        "ended at index 1, and leader_commit=1 with its entries: both leave a commit_index of 3"
    )
    lone.check(request.message.leader_commit >= 3, text)
    lone.oblige()
    await lone.wait_for_applied(index, "x")
    indices = [message.index for message in lone.applied]
    lone.check(indices == sorted(set(indices)), "each index must be applied once", "ApplyInOrder")


@drill(rule="CommittedIsApplied")
async def drill_any_command_is_applied(lone: Lone) -> None:
    """any command is applied, be it empty, or equal to the one before (All servers rule 1)"""
    for before, command in enumerate(COMMANDS):
        prev = (before, 1 if before else 0)
        await lone.ask(1, AppendEntriesArgs(1, 1, *prev, [LogEntry(1, command)], before))
    await lone.append_entries(1, term=1, prev=(len(COMMANDS), 1), commit=len(COMMANDS))
    for index, command in enumerate(COMMANDS, 1):
        await lone.wait_for_applied(index, command)


@drill(rule="CommittedIsApplied", service_time=0.01)
async def drill_service_is_busy(lone: Lone) -> None:
    """entries that come while the service is busy are accepted, and applied without more ado (All servers rule 1)"""
    last = 24
    for before in range(last):
        reply = await lone.append_entries(1, term=1, prev=(before, min(before, 1)), terms=[1], commit=before + 1)
        text = f"its log ends with entry {before} of term 1, and a busy service is not a reason to refuse"
        lone.check(reply.success, text, "ConsistencyRefusal")
        await lone.sleep(0.003)
    await lone.wait_for_applied(last, command_of(last, 1))
    indices = [message.index for message in lone.applied]
    lone.check(indices == [*range(1, last + 1)], f"it must be each index from 1 to {last}, in order", "ApplyInOrder")


# RequestVote rule 2: whose log is up to date. A server that heard a leader lately may ignore candidates (§6).


@drill(rule="VoteOnlyUpToDate")
async def drill_vote_counts_entries_of_before(lone: Lone) -> None:
    """a vote is given by the log of the moment at which the older term ends (§5.4.1; RequestVote rule 2)"""
    last = (0, 0)
    for number in range(5):
        term = lone.term_from(last[1]) + 1
        reply = await lone.append_entries(1, term, prev=last, terms=[term])
        lone.check(
            reply.success, f"server 1 leads term {term}, and its log ends where the server's does", "ConsistencyRefusal"
        )
        last = (last[0] + 1, term)
        vote = RequestVoteArgs(term + 1, 2, *last)
        entry = AppendEntriesArgs(term, 1, *last, entries_of([term], last[0]), 0)
        voted, took = await lone.ask_in_turn(INSTANT * (number + 1), (2, vote), (1, entry))
        if not took.success:
            continue
        last = (last[0] + 1, term)
        text = (
            f"it accepted entry {last[0]} of server 1 in term {term}, before its term became {term + 1}, and the log "
            f"of server 2 ends at index {last[0] - 1}"
        )
        lone.check(not voted.vote_granted, text)


@drill(rule="VoteOnlyUpToDate")
async def drill_older_last_entry_refused(lone: Lone) -> None:
    """a candidate whose last entry is of an older term is refused, however long its log is (§5.4.1)"""
    await lone.append_entries(1, term=2, terms=[1, 2])
    await lone.sleep(QUIET)
    reply = await lone.request_vote(2, LATER, last=(5, 1))
    lone.check(not reply.vote_granted, "its own last entry is of term 2")


@drill(rule="VoteOnlyUpToDate")
async def drill_shorter_log_refused(lone: Lone) -> None:
    """of two logs that end in the same term the longer one is more up to date (§5.4.1)"""
    await lone.append_entries(1, term=1, terms=[1, 1])
    await lone.sleep(QUIET)
    reply = await lone.request_vote(2, LATER, last=(1, 1))
    lone.check(not reply.vote_granted, "its own log ends at index 2 in that term")


@drill(rule="VoteDenied")
async def drill_equal_log_gets_vote(lone: Lone) -> None:
    """a candidate whose log ends like one's own gets the vote (§5.4.1)"""
    await lone.append_entries(1, term=HIGH, terms=[HIGH, HIGH])
    await lone.sleep(QUIET)
    reply = await lone.request_vote(2, LATER, last=(2, HIGH))
    lone.check(reply.vote_granted, "the candidate's log is at least as up to date, and the term is new")


@drill(rule="VoteDenied")
async def drill_refused_log_leaves_vote_free(lone: Lone) -> None:
    """a candidate that is refused for its log uses no vote up (RequestVote rule 2; §5.4.1)"""
    await lone.append_entries(1, term=1, terms=[1, 1])
    await lone.sleep(QUIET)

    async def ask(term: int) -> RequestVoteReply:
        await lone.request_vote(2, term, last=(1, 1))
        return await lone.request_vote(1, term, last=(2, 1))

    reply = await lone.undisturbed(LATER, ask)
    lone.check(reply.vote_granted, "server 2 was refused, so nobody has its vote of that term")


@drill(rule="VoteDenied")
async def drill_newer_last_entry_gets_vote(lone: Lone) -> None:
    """a candidate whose last entry is of a newer term gets the vote, however short its log is (§5.4.1)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.sleep(QUIET)
    reply = await lone.request_vote(2, LATER, last=(1, 2))
    lone.check(reply.vote_granted, "the candidate's last entry is of term 2, its own of term 1")


@drill(rule="VoteOnlyUpToDate")
async def drill_candidate_tells_its_log(lone: Lone) -> None:
    """a candidate sends index and term of its last entry (RequestVote arguments)"""
    await lone.append_entries(1, term=4, terms=[1, 1, 2])
    message = (await lone.wait_for_request(RequestVoteArgs, above=4, within=ELECTION)).message
    last = (message.last_log_index, message.last_log_term)
    lone.check(last == (3, 2), "its log ends at index 3 with an entry of term 2")


@drill(rule="HigherTermAdopted")
async def drill_election_that_is_over_tells_nothing_new(lone: Lone) -> None:
    """who hears a newer leader before it has asked for votes asks none with what it heard then (All servers rule 2)"""
    await lone.append_entries(1, term=1, terms=[1])
    term = await _next_term(lone) + 1
    reply = await lone.append_entries(2, term, prev=(1, 1), terms=[term])
    lone.check(reply.success, "it has accepted entry 1 of term 1", "ConsistencyRefusal")
    # A request of the election that is over may leave all the same; the checkers look at its content.
    await lone.sleep(BEAT)


async def _next_term(lone: Lone) -> int:
    """Wait until the server's term rises by itself; return the term, even if it did not in time."""
    term, end = lone.state().term, lone.now + ELECTION
    while lone.state().term == term and lone.now < end:
        await lone.sleep(INSTANT)
    return lone.state().term


@drill(rule="LeaderInTime")
async def drill_hopeless_candidate_resets_nothing(lone: Lone) -> None:
    """a candidate that is refused holds no election up, whatever its term (Followers rule 2; §5.4.1)"""
    await lone.append_entries(1, term=1, terms=[1])
    await lone.wait_for_request(RequestVoteArgs, above=1, within=ELECTION)
    term, end = LATER, lone.now + ELECTION
    while lone.next_request(RequestVoteArgs, above=LATER) is None:
        reply = await lone.request_vote(2, term)
        lone.check(
            reply.term >= term, "it knows of no leader: a newer term counts, whatever the log", "HigherTermAdopted"
        )
        await lone.sleep(BEAT)
        term += 1
        text = f"has stood for no election in {ELECTION} s, only because a candidate with an empty log asks for votes"
        lone.check(lone.now < end, text)


@drill(rule="LeaderInTime")
async def drill_hopeless_candidate_deposes_for_a_while(lone: Lone) -> None:
    """a leader that steps down for a candidate which it refuses stands again (All servers rule 2, Followers rule 2)"""
    await lone.append_entries(1, term=1, terms=[1])
    await lone.become_leader()
    await lone.tell(2, RequestVoteArgs(LATER, 2, 0, 0))
    await lone.sleep(1.0)
    if lone.state().term >= LATER:  # It may ignore candidates while it leads, and need not answer them then (§6).
        await lone.wait_for_request(RequestVoteArgs, above=LATER, within=ELECTION)


# A leader takes commands and sends them.


@drill(rule="StartAnswers")
async def drill_follower_takes_no_command(lone: Lone) -> None:
    """a server that does not lead takes no command (§5.1)"""
    await lone.append_entries(1, term=1)
    lone.check(not lone.start("x").is_leader, "server 1 leads")


@drill(rule="StartAnswers")
async def drill_start_answers(lone: Lone) -> None:
    """start answers with the entry's index and the term, one index after the other (Leaders rule 2)"""
    term = await lone.become_leader()
    first = await lone.propose("a")
    state = lone.state()
    lone.check(
        first.term >= term and state == (first.term, True), f"start('a') returned that it leads term {first.term}"
    )
    second = lone.start("b")
    if not second.is_leader:  # It may wait until the first one is committed; then entries of its own may come between.
        second = await lone.propose("b")
        lone.check(second.index > first.index, f"the command before it got index {first.index}")
        return
    lone.check(second == (first.index + 1, first.term, True), f"the command before it got index {first.index}")


@drill(rule="StartAnswers")
async def drill_leader_sends_entries(lone: Lone) -> None:
    """a leader sends a new entry to every peer (Leaders rules 2 and 3)"""
    await lone.become_leader()
    index, term, _ = await lone.propose("x")
    for peer in lone.peers:
        what, rule = f"with entry {index}", "CommittedIsApplied"
        request = await lone.wait_for_request(AppendEntriesArgs, peer, brings(index), what=what, rule=rule)
        entry = request.message.entries[index - request.message.prev_log_index - 1]
        lone.check(entry == LogEntry(term, "x"), f"start('x') returned index {index} and term {term}")


@drill(rule="StartAnswers")
async def drill_any_command_is_taken(lone: Lone) -> None:
    """a leader takes any command as it is, be it empty, or equal to the one before (Leaders rule 2)"""
    await lone.become_leader()
    before = await lone.propose("x")
    lone.oblige()
    for command in COMMANDS:
        answer = lone.start(command)
        lone.check(answer == (before.index + 1, before.term, True), f"its log ended at index {before.index}")
        await lone.wait_for_applied(answer.index, command)
        before = answer


@drill(rule="CommittedIsApplied")
async def drill_leader_sends_again(lone: Lone) -> None:
    """a leader sends an entry again that a peer did not get (§5.3)"""
    refusal = await lone.append_entries(1, term=1, prev=(1, 1))
    await lone.become_leader()
    index = (await lone.propose("x")).index
    lone.oblige(1)
    await request_with(lone, 2, index)
    end, again, rule = lone.now + 8.0, f"that brings entry {index} again, or follows it", "CommittedIsApplied"
    while True:
        request = await lone.wait_for_request(AppendEntriesArgs, 2, within=8.0, what=again, rule=rule)
        if brings(index)(request.message):
            return
        lone.answer_alike(request, refusal)  # It comes after an entry that server 2 does not have.
        lone.check(lone.now < end, f"entry {index} got lost on its way there 8 s ago")


@drill(rule="StartAnswers")
async def drill_deposed_with_a_command_in_hand(lone: Lone) -> None:
    """a leader that is deposed as a command comes neither sends nor stamps it in the newer term (Leaders rule 2)"""
    for _ in range(3):
        term = await lone.become_leader()
        lone.start("x")
        await lone.append_entries(2, term + 1)
        lone.forget_requests()
        message = (await lone.wait_for_request(RequestVoteArgs, above=term + 1, within=ELECTION)).message
        lone.check(message.last_log_term <= term, f"server 2 leads term {term + 1}, and has sent it no entry")


@drill(rule="CommittedIsApplied")
async def drill_long_log_goes_out(lone: Lone) -> None:
    """a leader sends all that a peer lacks, be it in several messages (Leaders rule 3)"""
    await lone.become_leader()
    await lone.propose("x")
    last = 0
    for number in range(200):  # It may wait in between, until some of them are committed.
        last = (await lone.propose(number, 1)).index
    lone.oblige(2, below=last)
    await request_with(lone, 2, last, within=5.0)


@drill(rule="HeartbeatsSent")
async def drill_stream_leaves_nobody_out(lone: Lone) -> None:
    """a peer that answers nothing hears from a leader that is busy with the others, too (Leaders rule 1)"""
    await lone.become_leader()
    lone.oblige(1)
    for number in range(80):
        lone.start(number)
        await lone.sleep(BEAT)
        if number == 20:
            lone.forget_requests()
    heard = lone.next_request(AppendEntriesArgs, 2, settled=True) is not None
    lone.check(heard, f"server 2 has heard nothing for {59 * BEAT:g} s, while server 1 got one command after the other")


@drill(rule="BackoffBound")
async def drill_leader_goes_back(lone: Lone) -> None:
    """a leader whose entries are refused goes back, to the log's beginning if it must (Leaders rule 3)"""
    refusals = [await lone.append_entries(1, term=1, prev=(index, 1)) for index in (1, 2, 3)]
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.become_leader()
    end = lone.now + 3.0
    while not brings(1)((request := await lone.wait_for_request(AppendEntriesArgs, 1)).message):
        lone.check(lone.now < end, f"no AppendEntries with entry 1 has come to server 1, which has none, for {3.0} s")
        prev = request.message.prev_log_index
        if prev > 0:
            lone.answer_alike(request, refusals[min(prev, 3) - 1])
        else:  # a heartbeat, or a question: every log has index 0
            lone.say_yes(request)


# A leader counts.


@drill(rule="CommitNeedsMajority", peers=3)
async def drill_half_commits_nothing(lone: Lone) -> None:
    """an entry that two of four servers have is not committed (Leaders rule 4)"""
    await lone.become_leader()
    index = (await lone.propose("x")).index
    lone.say_yes(await request_with(lone, 1, index))
    await lone.check_not_applied(index, "besides itself only server 1 has acknowledged that entry")


async def entry_of_leader_and_two(lone: Lone) -> int:
    """Make the server lead, and servers 1 and 2 acknowledge an entry of it; return the entry's index."""
    await lone.become_leader()
    index = (await lone.propose("x")).index
    for peer in (1, 2):
        lone.say_yes(await request_with(lone, peer, index))
    return index


@drill(rule="CommitNeedsMajority", peers=6)
async def drill_three_of_seven_commit_nothing(lone: Lone) -> None:
    """an entry that three of seven servers have is not committed (Leaders rule 4)"""
    index = await entry_of_leader_and_two(lone)
    await lone.check_not_applied(index, "besides itself only servers 1 and 2 have acknowledged that entry")


@drill(rule="CommittedIsApplied", peers=4)
async def drill_majority_commits(lone: Lone) -> None:
    """an entry that three of five servers have is committed, and applied (Leaders rule 4)"""
    index = await entry_of_leader_and_two(lone)
    await lone.wait_for_applied(index, "x")


@drill(rule="CommittedIsApplied")
async def drill_followers_are_told(lone: Lone) -> None:
    """a leader sends its followers the commit index (AppendEntries arguments, leader_commit)"""
    await lone.become_leader()
    index = (await lone.propose("x")).index
    lone.oblige(1)
    lone.say_yes(await request_with(lone, 2, index))
    what = f"with leader_commit {index} or more"
    await lone.wait_for_request(AppendEntriesArgs, 2, lambda m: m.leader_commit >= index, what=what, settled=True)


@drill(rule="CommitOnlyCurrentTerm")
async def drill_older_entry_not_counted(lone: Lone) -> None:
    """an entry of an older term is committed only together with one of the leader's own (Leaders rule 4, Figure 8)"""
    await lone.append_entries(1, term=1, terms=[1])
    await lone.become_leader()
    lone.oblige(below=2)
    await lone.check_not_applied(
        1, "that entry is of term 1: it does not count until one of the present term is stored"
    )
    index = (await lone.propose("x")).index
    lone.oblige()
    await lone.wait_for_applied(1, command_of(1, 1))
    await lone.wait_for_applied(index, "x")


@drill(rule="CommitOnlyCurrentTerm")
async def drill_part_of_older_entries_not_counted(lone: Lone) -> None:
    """older entries that come to a peer before the leader's own do not count yet (Leaders rule 4, Figure 8)"""
    refusal = await lone.append_entries(1, term=1, prev=(1, 1))
    for before in range(0, OLD_ENTRIES, LONG):
        await lone.append_entries(1, term=1, prev=(before, min(before, 1)), terms=[1] * LONG)
    await lone.become_leader()
    lone.start("x")
    await _take_only_old_entries(lone, 2, refusal)
    text = "server 2 has acknowledged entries of term 1 only: none counts until one of the present term is stored"
    await lone.check_not_applied(1, text)


async def _take_only_old_entries(lone: Lone, peer: int, refusal: AppendEntriesReply) -> None:
    """Let a peer with an empty log take entries for a second, and lose the messages with one of the leader's term."""
    has, end = 0, lone.now + 1.0
    while lone.now < end:
        while (request := lone.next_request(AppendEntriesArgs, peer)) is not None:
            message = request.message
            if message.prev_log_index > has:
                lone.answer_alike(request, refusal)
            elif message.term not in (message.prev_log_term, *(entry.term for entry in message.entries)):
                lone.say_yes(request)
                has = max(has, message.prev_log_index + len(message.entries))
        await lone.sleep(LOOK)


@drill(rule="CommitNeedsMajority")
async def drill_answer_counts_what_was_sent(lone: Lone) -> None:
    """an answer acknowledges what its request carried, not what the log holds by now (Leaders rule 3)"""
    await lone.become_leader()
    index = (await lone.propose("a")).index
    request = await request_with(lone, 1, index)
    later = lone.start("b")
    lone.say_yes(request)
    await lone.wait_for_applied(index, "a")
    if not later.is_leader:
        return  # It waits for an answer before it takes the next command.
    await lone.check_not_applied(later.index, f"the only AppendEntries that was acknowledged ended at index {index}")


@drill(rule="CommittedIsApplied", peers=4)
async def drill_late_answer_takes_nothing_back(lone: Lone) -> None:
    """a late answer takes back nothing that a newer one acknowledged (State, match_index; Leaders rule 3)"""
    await lone.become_leader()
    first = (await lone.propose("a")).index
    old = await request_with(lone, 1, first)
    (last, _, taken), end = lone.start("b"), lone.now + 0.5
    if not taken:
        return  # It waits for an answer before it takes the next command.
    while (new := lone.next_request(AppendEntriesArgs, 1, brings(last))) is None:
        if lone.now > end:
            return  # It waits for an answer before it sends the next entry.
        await lone.sleep(LOOK)
    for request in (new, old):
        lone.say_yes(request)
        await lone.sleep(LOOK)
    lone.oblige(2)
    await lone.sleep(LOOK)
    if not lone.state().is_leader:
        return  # It has stepped down, as no majority answered it for a while.
    text = f"servers 1 and 2 have acknowledged entry {last}; server 1 then answered an older request, late"
    await lone.wait_for_applied(last, "b", why=text)


@drill(rule="CommittedIsApplied")
async def drill_answers_in_another_order(lone: Lone) -> None:
    """answers that come in another order than their requests went out hold nothing up (Leaders rules 3 and 4)"""
    await lone.become_leader()
    await lone.propose("x", 1)
    lone.oblige(1, below=0)
    for _ in range(ROUNDS):
        for command in ("a", "b", "c"):
            lone.start(command)
            await lone.sleep(LOOK)
        await lone.sleep(BEAT)
        requests = []
        while (request := lone.next_request(AppendEntriesArgs, 1)) is not None:
            requests.append(request)
        for request in reversed(requests):
            lone.say_yes(request)
            await lone.sleep(INSTANT)
    index = (await lone.propose("y", 1)).index
    text = (
        f"server 1 acknowledges all; in {ROUNDS} rounds it answered the newest request first, and then the older ones"
    )
    await lone.wait_for_applied(index, "y", why=text)


@drill(rule="CommitNeedsMajority")
async def drill_answer_to_older_leadership(lone: Lone) -> None:
    """an answer counts only in the term that its request was sent in (Leaders rules 3 and 4; §5.1)"""
    await lone.become_leader()
    for _ in range(3):
        (first, term, _), second = await lone.propose("a"), lone.start("b")
        last = second.index if second.is_leader else first
        await lone.sleep(1.0)
        late = None
        while (request := lone.next_request(AppendEntriesArgs, 1, brings(last))) is not None:
            late = request
        if late is None:
            return  # It waits for an answer before it sends the next entry.
        newer = lone.term_from(term) + 1
        await lone.append_entries(2, newer, prev=_before(late.message, first), terms=[newer])
        lone.forget_requests()
        await lone.become_leader()
        lone.start("c")
        lone.say_yes(late)
        text = f"server 1 has acknowledged only what stood at index {last} in term {term}, and has gone since"
        await lone.check_not_applied(last, text)


async def _commit_with(lone: Lone, *peers: int) -> int:
    """Let these fake peers acknowledge all, and a new leader commit a command with them; return its index."""
    index = (await lone.propose("b", *peers)).index
    await lone.wait_for_applied(index, "b")
    return index


@drill(rule="CommitNeedsMajority", peers=4)
async def drill_new_leadership_counts_anew(lone: Lone) -> None:
    """who leads again knows nothing of its followers' logs (State, match_index; Leaders rules 1 and 4)"""
    await lone.become_leader()
    (first, term, _), many = await lone.propose("a"), 20
    for number in range(many):
        lone.start(number)
    lone.oblige(1)
    request = await request_with(lone, 2, first)
    await lone.sleep(1.0)
    lone.oblige(1, below=0)
    newer = lone.term_from(term) + 1
    await lone.append_entries(2, newer, prev=_before(request.message, first), terms=[newer])
    lone.forget_requests()
    await lone.become_leader()
    lone.oblige(3, 4, below=await _commit_with(lone, 2, 3, 4) + 1)
    answer = lone.start("c")
    text = f"server 2 has acknowledged it in this term; server 1 acknowledged other entries, in term {term}"
    await lone.check_not_applied(answer.index, text)


@drill(rule="BackoffBound", peers=4)
async def drill_follower_has_lost_entries(lone: Lone) -> None:
    """who leads again sends what a follower once had, and has lost since (State, match_index; Leaders rule 3)"""
    await lone.append_entries(4, term=1, terms=[1])
    refusals = [await lone.append_entries(4, term=1, prev=(index, 1)) for index in (2, 3)]
    if not await _acknowledged_and_deposed(lone, 3, 2):
        return  # It takes no command before a majority has answered.
    await lone.become_leader()
    lone.oblige(1, 2)
    end = lone.now + 3.0
    while not brings(2)((request := await lone.wait_for_request(AppendEntriesArgs, 3)).message):
        text = "server 3 acknowledged entry 2 in an older term, has lost it since, and has refused what follows for 3 s"
        lone.check(lone.now < end, text)
        prev = request.message.prev_log_index
        if prev > 1:
            lone.answer_alike(request, refusals[min(prev, 3) - 2])
        else:
            lone.say_yes(request)


async def _acknowledged_and_deposed(lone: Lone, peer: int, index: int) -> bool:
    """Let the server lead, and one peer acknowledge its entry at an index; depose it then. Return whether one came."""
    term = await lone.become_leader()
    lone.start("a")
    lone.oblige(peer)
    await lone.sleep(0.3)
    came = lone.next_request(AppendEntriesArgs, peer, brings(index), settled=True) is not None
    # Server 4 leads now, with the votes of servers 1 and 2, which have no such entry, and replaces it at that peer.
    await lone.append_entries(4, lone.term_from(term) + 1, prev=(1, 1))
    lone.oblige(peer, below=0)
    lone.forget_requests()
    return came


def _before(message: AppendEntriesArgs, index: int) -> tuple[int, int]:
    """Return index and term of the entry before an index within a message."""
    terms = [message.prev_log_term, *(entry.term for entry in message.entries)]
    return index - 1, terms[index - 1 - message.prev_log_index]

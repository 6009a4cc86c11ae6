"""Drills of stage 2C, persistence: what must be on the disk before a message leaves, and what a restart goes on with.

The disk is looked at right after a message of the server has arrived. Other saves of a server are its own business.
"""

from __future__ import annotations

from labs.messages import AppendEntriesArgs, AppendEntriesReply, RequestVoteArgs, RequestVoteReply
from labs.raft.lab import drill
from labs.raft.stages import drills_2A_election as election
from labs.raft.stages import drills_2B_replication as replication
from labs.raft.testing.drill import ELECTION, Lone
from labs.raft.testing.fake_peers import command_of, entries_of
from labs.testing.drill import MOMENT

INSTANT = 0.001
"""Virtual seconds within which something may be on its way to the disk."""
AHEAD = 3
"""By how much the term of a refusal is newer than that of the candidate."""


@drill(rule="SavedBeforeReply")
async def drill_vote_is_saved(lone: Lone) -> None:
    """a vote is on the disk when the answer leaves (State, voted_for)"""
    reply = await lone.request_vote(1, term=1)
    lone.check(reply.vote_granted, "nobody else had its vote of term 1, and both logs are empty", "VoteDenied")
    disk = lone.disk
    lone.check((disk.current_term, disk.voted_for) == (1, 1), "it has given server 1 its vote of term 1")


@drill(rule="SavedBeforeReply")
async def drill_term_is_saved(lone: Lone) -> None:
    """a newer term is on the disk when the answer leaves, also after a heartbeat (State, current_term)"""
    await lone.append_entries(1, term=3)
    lone.check(lone.disk.current_term == 3, "it has answered server 1 in term 3")


@drill(rule="OneVotePerTerm")
async def drill_newer_term_ends_vote_on_disk(lone: Lone) -> None:
    """a newer term of a leader ends the vote of the older one, on the disk too (State, voted_for)"""
    await lone.request_vote(1, term=1)
    await lone.append_entries(2, term=2)
    text = "its vote for server 1 was one of term 1; in term 2, which server 2 leads, server 1 has not asked for it"
    lone.check(lone.disk.voted_for in (None, 2), text)


@drill(rule="OneVotePerTerm")
async def drill_newer_term_of_an_answer_ends_vote_on_disk(lone: Lone) -> None:
    """a newer term in an answer ends a leader's vote for itself, on the disk too (State, voted_for)"""
    term = await _depose_by_answer(lone)
    disk = lone.disk
    text = f"its vote for itself was one of the term that it led; term {term} came with an answer, and it has not voted"
    lone.check(disk.current_term != term or disk.voted_for is None, text)


@drill(rule="SavedBeforeReply")
async def drill_entries_are_saved(lone: Lone) -> None:
    """entries are on the disk when success is answered (State, log)"""
    await lone.append_entries(1, term=1, terms=[1, 1])
    lone.check(lone.disk.terms == [1, 1], "it has acknowledged two entries of term 1")


@drill(rule="SavedBeforeReply")
async def drill_repeated_requests_are_saved(lone: Lone) -> None:
    """of two equal requests at once, neither is answered before the disk has what it asks for (State, log)"""
    term = 0
    for _ in range(2):
        term = await _refuse_in_newer_term(lone, term)
        await lone.sleep(MOMENT)
        vote = (1, RequestVoteArgs(term, 1, 0, 0))
        await lone.ask_in_turn(INSTANT, vote, vote)
    for index in (1, 2, 3):
        prev = (index - 1, term if index > 1 else 0)
        entries = (1, AppendEntriesArgs(term, 1, *prev, entries_of([term], index - 1), 0))
        await lone.ask_in_turn(INSTANT, entries, entries)


@drill(rule="SavedBeforeReply")
async def drill_term_of_answer_is_saved_first(lone: Lone) -> None:
    """a term that has just come with an answer is on the disk before another answer shows it (State, current_term)"""
    term = 0
    for wait in (0.0, INSTANT, 0.0, INSTANT):
        term = await _refuse_in_newer_term(lone, term)
        await lone.sleep(wait)
        await lone.append_entries(1, term - AHEAD)


async def _refuse_in_newer_term(lone: Lone, above: int) -> int:
    """Wait until the server asks for a vote in a term above one, and refuse it in a newer one; return that."""
    request = await lone.wait_for_request(RequestVoteArgs, 2, above=above, within=ELECTION)
    term = request.message.term + AHEAD
    lone.answer(request, RequestVoteReply(term, False))
    return term


@drill(rule="SavedBeforeReply")
async def drill_truncation_is_saved(lone: Lone) -> None:
    """what a conflict took away is gone from the disk, too (State, log)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.append_entries(2, term=2, prev=(1, 1), terms=[2])
    lone.check(lone.disk.terms == [1, 2], "entry 2 of term 2 has replaced two of term 1")
    await lone.append_entries(2, term=2, prev=(2, 2), terms=[2])
    await lone.append_entries(1, term=3, prev=(1, 1), terms=[3, 3])
    lone.check(lone.disk.terms == [1, 3, 3], "two entries of term 3 have replaced as many of term 2")


@drill(rule="SavedBeforeSend")
async def drill_candidacy_is_saved(lone: Lone) -> None:
    """a candidate's term, and its vote for itself, are on the disk when it asks for votes (Candidates rule 1)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    disk = lone.disk
    lone.check((disk.current_term, disk.voted_for) == (term, lone.me), f"it has asked for votes in term {term}")


@drill(rule="CandidateIncrementsTerm")
async def drill_candidate_follows_while_it_saves(lone: Lone) -> None:
    """a candidate that follows a leader before its own term is saved asks for no votes (Candidates rules 1 and 3)"""
    for _ in range(3):
        before, end = lone.state().term, lone.now + ELECTION
        while lone.state().term == before and lone.now < end:
            await lone.sleep(INSTANT)
        term = lone.state().term + 1
        for _ in range(4):
            await lone.tell(1, AppendEntriesArgs(term, 1, 0, 0, [], 0))
            lone.check_no_request(RequestVoteArgs, f"it follows server 1, which leads term {term}", above=term - 1)


@drill(rule="SavedBeforeSend")
async def drill_leaders_entries_are_saved(lone: Lone) -> None:
    """a leader's entry is on its disk when it is committed, if the leader counts itself (Leaders rule 4)"""
    await lone.become_leader()
    index = (await lone.propose("x")).index
    lone.oblige(1)
    await lone.wait_for_applied(index, "x")
    lone.check(len(lone.disk.terms) >= index, f"index {index} is committed, by itself and one of two peers")


@drill(rule="SavedBeforeSend")
async def drill_commands_that_come_during_a_save(lone: Lone) -> None:
    """a leader counts itself only for what is on its disk, also if commands come while it saves (Leaders rule 4)"""
    await lone.become_leader()
    last = (await lone.propose("x", 1)).index
    for number in range(8):
        await lone.sleep(INSTANT)
        last = lone.start(f"y{number}").index
    await lone.wait_for_applied(last, "y7")


@drill(rule="RestoredOnRestart", me=1)
async def drill_vote_binds_after_restart(lone: Lone) -> None:
    """a vote, also one for server 0, binds a server that was restarted, too (State, voted_for)"""
    await lone.request_vote(0, term=2)
    lone.restart()
    reply = await lone.request_vote(2, term=2)
    lone.check(not reply.vote_granted, "before its restart it gave its vote of term 2 to server 0")


@drill(rule="RestoredOnRestart")
async def drill_own_vote_binds_after_restart(lone: Lone) -> None:
    """a candidate that was restarted has voted in its term: for itself (State, voted_for)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    lone.restart()
    reply = await lone.request_vote(1, term)
    lone.check(not reply.vote_granted, f"before its restart it was a candidate of term {term}")


@drill(rule="VoteDenied")
async def drill_same_candidate_after_restart(lone: Lone) -> None:
    """the candidate that has the vote gets the same answer again after a restart (State, voted_for)"""
    await lone.request_vote(1, term=2)
    lone.restart()
    reply = await lone.request_vote(1, term=lone.term_from(2))
    lone.check(reply.vote_granted, "before its restart it gave its vote of term 2 to server 1")


@drill(rule="RestoredOnRestart")
async def drill_term_survives(lone: Lone) -> None:
    """a server that was restarted knows its term (State, current_term)"""
    await lone.append_entries(1, term=5)
    lone.restart()
    reply = await lone.append_entries(2, term=3)
    lone.check(not reply.success, "before its restart it was in term 5")
    lone.check(reply.term >= 5, "before its restart it was in term 5")


@drill(rule="RestoredOnRestart")
async def drill_term_of_answer_survives(lone: Lone) -> None:
    """a term that came with the answer of a peer survives a restart, too (State, current_term)"""
    term = await _depose_by_answer(lone)
    await lone.request_vote(2, term - 1)
    lone.restart()
    reply = await lone.request_vote(2, term - 1)
    lone.check(reply.term >= term, f"before its restart it was in term {term}, and answered server 2 with it")


@drill(rule="RestoredOnRestart")
async def drill_term_told_to_leader_survives(lone: Lone) -> None:
    """a term that came with an answer, and went out with another, survives a restart (State, current_term)"""
    term = await _depose_by_answer(lone)
    await lone.append_entries(2, term - 1)
    lone.restart()
    reply = await lone.append_entries(2, term - 1)
    lone.check(reply.term >= term, f"before its restart it was in term {term}, and answered server 2 with it")


async def _depose_by_answer(lone: Lone) -> int:
    """Make the server lead, and answer it with a newer term; return that."""
    await lone.become_leader()
    request = await lone.wait_for_request(AppendEntriesArgs)
    term = request.message.term + 3
    lone.answer(request, AppendEntriesReply(term, False))
    await lone.sleep(MOMENT)
    return term


@drill(rule="RestoredOnRestart")
async def drill_log_survives(lone: Lone) -> None:
    """a server that was restarted has its log, with the terms of the entries (State, log)"""
    await lone.append_entries(1, term=3, terms=[1, 2])
    lone.restart()
    reply = await lone.append_entries(1, lone.term_from(3), prev=(2, 2))
    lone.check(reply.success, "before its restart it acknowledged two entries, the second of term 2")


@drill(rule="CommittedIsApplied")
async def drill_new_service_gets_all(lone: Lone) -> None:
    """after a restart the service is empty, and gets all entries again (State, last_applied)"""
    await lone.append_entries(1, term=1, terms=[1, 1], commit=2)
    await lone.wait_for_applied(2, command_of(2, 1))
    term = lone.disk.current_term + 1
    await lone.append_entries(1, term, prev=(2, 1), terms=[term])
    lone.restart()
    await lone.append_entries(1, lone.term_from(term), prev=(3, term), commit=3)
    await lone.wait_for_applied(1, command_of(1, 1))
    await lone.wait_for_applied(3, command_of(3, term))


@drill(rule="NothingExtraPersisted")
async def drill_leader_restarts_as_follower(lone: Lone) -> None:
    """a leader that was restarted is a follower (§5.2)"""
    term = await lone.become_leader()
    lone.restart()
    lone.check(not lone.state().is_leader, f"it led term {term} before its restart; a server starts as a follower")


# What held before a restart holds after it. Each of these is a drill of an earlier stage, with a restarted server.


@drill(rule="StepsDown", after_restart=True)
async def drill_restarted_candidate_follows_leader(lone: Lone) -> None:
    """a candidate that was restarted once follows the leader of its term, too (Candidates rule 3)"""
    await election.drill_candidate_follows_leader(lone)


@drill(rule="LeaderHasMajority", peers=4, after_restart=True)
async def drill_restarted_candidate_counts_voters(lone: Lone) -> None:
    """a candidate that was restarted once counts each voter once, too (Candidates rule 2)"""
    await election.drill_same_voter_twice(lone)


@drill(rule="MatchingKept", after_restart=True)
async def drill_restarted_server_keeps_entries(lone: Lone) -> None:
    """late entries take none away after a restart, either (AppendEntries rule 3)"""
    await replication.drill_late_entries_cut_nothing(lone)


@drill(rule="ConflictTruncated", after_restart=True)
async def drill_restarted_server_drops_conflicts(lone: Lone) -> None:
    """an entry that conflicts goes, and all that follow it, after a restart, too (AppendEntries rule 3)"""
    await replication.drill_conflict_behind_what_matches(lone)


@drill(rule="CommitBound", after_restart=True)
async def drill_restarted_server_applies_no_further(lone: Lone) -> None:
    """nothing is committed after the last new entry after a restart, either (AppendEntries rule 5)"""
    await replication.drill_commit_ends_with_new_entries(lone)


@drill(rule="CommitBound")
async def drill_restart_commits_nothing_more(lone: Lone) -> None:
    """what was not committed before a restart is not committed by it, either (AppendEntries rule 5)"""
    await lone.append_entries(1, term=1, terms=[1] * 4)
    for term in (2, 3):  # The newer term is saved, and with it whatever else a server saves.
        await lone.append_entries(2, term, prev=(1, 1), commit=4)
    lone.restart()
    text = "of the log of server 2, which led before the restart, only index 1 was known to be the same"
    await lone.check_not_applied(2, text)
    await lone.append_entries(2, lone.term_from(3), prev=(1, 1), commit=4)
    await lone.wait_for_applied(1, command_of(1, 1))
    await lone.check_not_applied(2, text)


@drill(rule="CommitOnlyCurrentTerm", after_restart=True)
async def drill_restarted_leader_counts_its_own_entries(lone: Lone) -> None:
    """an entry of an older term is not committed by counting after a restart, either (Leaders rule 4, Figure 8)"""
    await replication.drill_older_entry_not_counted(lone)


@drill(rule="CommitNeedsMajority", after_restart=True)
async def drill_restarted_leader_counts_its_own_answers(lone: Lone) -> None:
    """an answer counts only in the term that its request was sent in, after a restart, too (Leaders rules 3 and 4)"""
    await replication.drill_answer_to_older_leadership(lone)

"""Drills of stage 2A, leader election: Figure 2's sentences on terms, votes, elections and heartbeats, one by one.

The first eight ask for `request_vote` only, the next for `append_entries` and `get_state`; `run` may be missing there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

from labs.messages import AppendEntriesArgs, AppendEntriesReply, RequestVoteArgs, RequestVoteReply
from labs.raft.checkers.election import SAME_TIMEOUTS, are_equal
from labs.raft.lab import drill
from labs.raft.testing.drill import ELECTION, Lone
from labs.testing.drill import MOMENT

BEAT = 0.05
"""Seconds between two messages of a fake peer that lets no election timeout run out."""


# RequestVote.


@drill(rule="VoteDenied")
async def drill_first_vote(lone: Lone) -> None:
    """the first candidate of a term gets the vote (RequestVote rule 2)"""
    reply = await lone.request_vote(1, term=1)
    lone.check(reply.vote_granted, "nobody else had its vote of term 1, and both logs are empty")


@drill(rule="HigherTermAdopted")
async def drill_vote_tells_term(lone: Lone) -> None:
    """an answer carries the term, which a candidate's newer term has raised (All servers rule 2)"""
    reply = await lone.request_vote(1, term=7)
    lone.check(reply.term == 7, "the request has made term 7 its current term")


@drill(rule="OneVotePerTerm")
async def drill_one_vote_a_term(lone: Lone) -> None:
    """a second candidate of the same term is refused (RequestVote rule 2)"""
    await lone.request_vote(1, term=1)
    reply = await lone.request_vote(2, term=1)
    lone.check(not reply.vote_granted, "its vote of term 1 was given to server 1")


@drill(rule="OneVotePerTerm", me=1)
async def drill_vote_for_server_0(lone: Lone) -> None:
    """server 0 is a server, too: a vote that it has is given (RequestVote rule 2)"""
    await lone.request_vote(0, term=1)
    reply = await lone.request_vote(2, term=1)
    lone.check(not reply.vote_granted, "its vote of term 1 was given to server 0")


@drill(rule="OneVotePerTerm")
async def drill_two_candidates_at_once(lone: Lone) -> None:
    """of two candidates of a term that ask at the same time only one gets the vote (RequestVote rule 2)"""
    asked = [(peer, RequestVoteArgs(4, peer, 0, 0)) for peer in (1, 2)]
    granted = [reply.vote_granted for reply in await lone.ask_in_turn(0.001, *asked)]
    lone.check(granted.count(True) <= 1, "both votes are of term 4")
    # In two terms it may vote for both, if each answer has the term of its own vote.
    older, newer = await lone.ask_in_turn(0.001, *((peer, RequestVoteArgs(5 + peer, peer, 0, 0)) for peer in (1, 2)))
    if older.vote_granted and newer.vote_granted:
        lone.check(older.term < newer.term, "the older of the two votes is of term 6, the newer of term 7")


@drill(rule="VoteDenied")
async def drill_same_candidate_again(lone: Lone) -> None:
    """the candidate that has the vote gets the same answer again (RequestVote rule 2)"""
    await lone.request_vote(1, term=1)
    reply = await lone.request_vote(1, term=1)
    lone.check(reply.vote_granted, "server 1 has its vote of term 1: the first answer may have been lost")


@drill(rule="StaleTermRejected")
async def drill_older_candidate(lone: Lone) -> None:
    """a candidate of an older term is refused, and gets the newer one (RequestVote rule 1)"""
    await lone.request_vote(1, term=5)
    reply = await lone.request_vote(2, term=3)
    lone.check(not reply.vote_granted, "it is in term 5 already")
    lone.check(reply.term == 5, "it is in term 5")


@drill(rule="StaleTermRejected")
async def drill_older_candidate_changes_nothing(lone: Lone) -> None:
    """a request of an older term leaves term and vote alone (RequestVote rule 1)"""
    await lone.request_vote(1, term=5)
    await lone.request_vote(2, term=3)
    reply = await lone.request_vote(2, term=5)
    lone.check(not reply.vote_granted, "server 1 has its vote of term 5; what came between was of term 3")
    reply = await lone.request_vote(1, term=5)
    lone.check(reply.vote_granted and reply.term == 5, "server 1 has its vote of term 5", "VoteDenied")


@drill(rule="VoteDenied")
async def drill_new_term_new_vote(lone: Lone) -> None:
    """a new term brings a new vote (State, voted_for; All servers rule 2)"""
    await lone.request_vote(1, term=1)
    reply = await lone.request_vote(2, term=2)
    lone.check(reply.vote_granted, "its vote for server 1 was one of term 1")
    reply = await lone.request_vote(1, term=9)
    lone.check(reply.vote_granted, "its vote for server 2 was one of term 2")


# A server that starts, and AppendEntries as a heartbeat.


@drill(rule="LeaderHasMajority")
async def drill_starts_as_follower(lone: Lone) -> None:
    """a server starts in term 0, and leads nobody (State; §5.2)"""
    lone.check(lone.state() == (0, False), "nobody has voted for it yet: it must follow, in term 0")


@drill(rule="HigherTermAdopted")
async def drill_state_shows_term(lone: Lone) -> None:
    """a newer term of a candidate becomes the current term (All servers rule 2)"""
    await lone.request_vote(1, term=4)
    lone.check(lone.state() == (4, False), "a candidate of term 4 has asked it for a vote: it must follow, in term 4")


@drill(rule="ConsistencyRefusal")
async def drill_heartbeat_accepted(lone: Lone) -> None:
    """a heartbeat of the leader is answered with success (AppendEntries rule 2)"""
    reply = await lone.append_entries(1, term=1)
    lone.check(reply.success, "every log holds what comes before index 1")
    lone.check(reply.term == 1, "the request has made term 1 its current term", "HigherTermAdopted")


@drill(rule="StaleTermRejected")
async def drill_older_leader(lone: Lone) -> None:
    """a leader of an older term is refused, and gets the newer one (AppendEntries rule 1)"""
    await lone.append_entries(1, term=5)
    reply = await lone.append_entries(2, term=3)
    lone.check(not reply.success, "it is in term 5 already")
    lone.check(reply.term == 5, "it is in term 5")


@drill(rule="HigherTermAdopted")
async def drill_heartbeat_raises_term(lone: Lone) -> None:
    """a newer term of a leader becomes the current term (All servers rule 2)"""
    await lone.append_entries(1, term=3)
    reply = await lone.request_vote(2, term=2)
    lone.check(not reply.vote_granted, "a heartbeat has brought it to term 3", "StaleTermRejected")
    lone.check(reply.term == 3, "a heartbeat has brought it to term 3")


# Elections. From here on `run` is needed.


@drill(rule="LeaderInTime")
async def drill_silence_starts_election(lone: Lone) -> None:
    """a server that hears nothing asks all others for their votes (Followers rule 2, Candidates rule 1)"""
    for peer in lone.peers:
        request = await lone.wait_for_request(RequestVoteArgs, peer, within=ELECTION)
        message = request.message
        lone.check(
            message.term >= 1, "the first term is term 1: a candidate raises its term", "CandidateIncrementsTerm"
        )
        lone.check(message.candidate_id == lone.me, f"it is server {lone.me} that asks", "OneVotePerTerm")
        lone.check((message.last_log_index, message.last_log_term) == (0, 0), "its log is empty", "VoteOnlyUpToDate")


@drill(rule="LeaderInTime", peers=4)
async def drill_asks_all_at_once(lone: Lone) -> None:
    """a candidate asks all at once, and waits for nobody's answer before it asks the next (§5.2; Candidates rule 1)"""
    first = await lone.wait_for_request(RequestVoteArgs, within=ELECTION)
    await lone.sleep(2 * BEAT)
    asked = {first.peer}
    while (request := lone.next_request(RequestVoteArgs, above=first.message.term - 1)) is not None:
        asked.add(request.peer)
    missing = [peer for peer in lone.peers if peer not in asked]
    text = (
        f"server {first.peer}, which was asked first, has not answered, and servers {missing} were not asked in the "
        f"{2 * BEAT:g} s after that: all are asked in parallel"
    )
    lone.check(not missing, text)


@drill(rule="OneVotePerTerm")
async def drill_candidate_votes_for_itself(lone: Lone) -> None:
    """a candidate votes for itself (Candidates rule 1)"""
    request = await lone.wait_for_request(RequestVoteArgs, within=ELECTION)
    reply = await lone.request_vote(1, request.message.term)
    lone.check(not reply.vote_granted, "in that term it is a candidate, and has its vote itself")


@drill(rule="CandidateIncrementsTerm")
async def drill_next_election_next_term(lone: Lone) -> None:
    """a candidate that wins no election starts another, in a new term (Candidates rules 1 and 4)"""
    first = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    await lone.wait_for_request(RequestVoteArgs, above=first, within=ELECTION, rule="CandidateIncrementsTerm")


@drill(rule="RandomizedTimeouts")
async def drill_timeouts_differ(lone: Lone) -> None:
    """a server waits a new random time before each election (§5.2)"""
    term = 0
    times: list[float] = []
    waits: list[float] = []
    # Timeouts may be drawn from a few: only many equal ones in a row are not chance.
    while len(times) < 5 or (are_equal(waits) and len(times) <= SAME_TIMEOUTS):
        request = await lone.wait_for_request(RequestVoteArgs, above=term, within=ELECTION)
        term = request.message.term
        times.append(request.time)
        waits = [after - before for before, after in pairwise(times)]
    equal = f"it waited {waits[-1]:.3f} s, to within a millisecond, before each of its last {SAME_TIMEOUTS} elections"
    lone.check(not are_equal(waits), equal)
    for _ in range(2):
        term = (await lone.wait_for_request(RequestVoteArgs, above=term, within=ELECTION)).message.term


@drill(rule="LeaderInTime", peers=4)
async def drill_majority_elects(lone: Lone) -> None:
    """a majority of the votes makes a leader: three of five, with its own (Candidates rule 2)"""
    term = await lone.become_leader()
    lone.oblige()
    await lone.sleep(BEAT)
    lone.check(lone.state() == (term, True), f"servers 1 and 2 voted for it in term {term}")


@drill(rule="LeaderHasMajority", peers=4)
async def drill_same_voter_twice(lone: Lone) -> None:
    """two votes of five are not a majority, however often the same one arrives (Candidates rule 2)"""
    asked = [await lone.wait_for_request(RequestVoteArgs, 1, within=ELECTION)]
    for _ in range(4):
        asked.append(await lone.wait_for_request(RequestVoteArgs, 1, within=ELECTION))
        # A candidate may ask again in one election: then both answers reach it in that.
        for request in asked[-2:] if asked[-2].message.term == asked[-1].message.term else asked[-1:]:
            lone.say_yes(request)
        await lone.sleep(BEAT)
        lone.check(not lone.state().is_leader, "only server 1 has voted for it")
        lone.check_no_request(AppendEntriesArgs, "only server 1 has voted for it")


@drill(rule="LeaderHasMajority", peers=3)
async def drill_half_is_no_majority(lone: Lone) -> None:
    """two votes of four are not a majority (Candidates rule 2)"""
    request = await lone.wait_for_request(RequestVoteArgs, 1, within=ELECTION)
    lone.say_yes(request)
    await lone.sleep(BEAT)
    lone.check(not lone.state().is_leader, "only server 1 has voted for it")
    lone.check_no_request(AppendEntriesArgs, "only server 1 has voted for it")


@drill(rule="LeaderHasMajority", peers=6)
async def drill_three_of_seven_are_no_majority(lone: Lone) -> None:
    """three votes of seven are not a majority (Candidates rule 2)"""
    for peer in (1, 2):
        lone.say_yes(await lone.wait_for_request(RequestVoteArgs, peer, within=ELECTION))
    await lone.sleep(BEAT)
    lone.check(not lone.state().is_leader, "only servers 1 and 2 have voted for it")
    lone.check_no_request(AppendEntriesArgs, "only servers 1 and 2 have voted for it")


@drill(rule="LeaderHasMajority")
async def drill_refusals_elect_nobody(lone: Lone) -> None:
    """an answer is not always a vote: a refused candidate does not lead (Candidates rule 2)"""
    for peer in lone.peers:
        request = await lone.wait_for_request(RequestVoteArgs, peer, within=ELECTION)
        lone.answer(request, RequestVoteReply(request.message.term, False))
    await lone.sleep(BEAT)
    lone.check(not lone.state().is_leader, "servers 1 and 2 both refused it their votes")


@drill(rule="LeaderHasMajority")
async def drill_vote_of_older_election(lone: Lone) -> None:
    """a vote counts only in the election that it was asked for (Candidates rule 2)"""
    old = await lone.wait_for_request(RequestVoteArgs, 1, within=ELECTION)
    term = old.message.term
    await lone.wait_for_request(RequestVoteArgs, above=term, within=ELECTION)
    lone.say_yes(old)
    await lone.sleep(BEAT)
    lone.check(not lone.state().is_leader, f"the only vote that reached it was one of term {term}")


@drill(rule="OneVotePerTerm")
async def drill_leader_keeps_its_vote(lone: Lone) -> None:
    """a leader has voted in its term: for itself (RequestVote rule 2)"""
    term = await lone.become_leader()
    reply = await lone.request_vote(2, term)
    lone.check(not reply.vote_granted, f"it leads term {term}, and has its vote of that term itself")


# Stepping down.


@drill(rule="StepsDown")
async def drill_candidate_follows_leader(lone: Lone) -> None:
    """a candidate follows the leader of its own term (Candidates rule 3)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    reply = await lone.append_entries(1, term)
    lone.check(reply.success, f"server 1 leads term {term}, in which it was a candidate")
    lone.check(lone.state() == (term, False), f"it must follow server 1, which leads term {term}")
    vote = await lone.request_vote(2, term)
    lone.check(not vote.vote_granted, f"its vote of term {term} was its own, when it was a candidate", "OneVotePerTerm")
    # Time enough to see whether it goes on asking for votes: a request or two may still have been under way.
    for _ in range(80):
        await lone.append_entries(1, term)
        await lone.sleep(BEAT)


@drill(rule="HigherTermAdopted")
async def drill_refusal_raises_term(lone: Lone) -> None:
    """a newer term in the answer of a voter becomes the current term (All servers rule 2)"""
    request = await lone.wait_for_request(RequestVoteArgs, within=ELECTION)
    term = request.message.term + 5
    lone.answer(request, RequestVoteReply(term, False))
    await lone.sleep(BEAT)
    lone.check(lone.state().term >= term, f"the answer to its RequestVote was of term {term}")
    lone.check(
        not lone.state().is_leader, f"the answer to its RequestVote was not a vote, and was of term {term}", "StepsDown"
    )


@drill(rule="VoteDenied")
async def drill_newer_term_of_an_answer_frees_vote(lone: Lone) -> None:
    """a newer term in the answer of a voter brings a new vote, too (State, voted_for; All servers rule 2)"""
    request = await lone.wait_for_request(RequestVoteArgs, 1, within=ELECTION)
    old, term = request.message.term, request.message.term + 5
    lone.answer(request, RequestVoteReply(term, False))
    # A server that takes what arrives from one queue might otherwise find the request before the answer.
    await lone.sleep(MOMENT)
    reply = await lone.request_vote(2, term)
    text = (
        f"its vote for itself was one of term {old}; the answer of server 1 has brought it to term {term}, in which it "
        "has not voted"
    )
    # In a term that is newer still it stands for election itself.
    lone.check(reply.vote_granted or reply.term > term, text)


@drill(rule="StepsDown")
async def drill_leader_follows_newer_leader(lone: Lone) -> None:
    """a leader follows a leader of a newer term (All servers rule 2)"""
    term = await lone.become_leader() + 1
    reply = await lone.append_entries(2, term)
    lone.check(reply.success, f"server 2 leads the newer term {term}")
    lone.check(lone.state() == (term, False), f"it must follow server 2, which leads term {term}")


@drill(rule="StepsDown")
async def drill_leader_sees_newer_term(lone: Lone) -> None:
    """a leader steps down when an answer to its heartbeat is of a newer term (All servers rule 2)"""
    await lone.become_leader()
    request = await lone.wait_for_request(AppendEntriesArgs)
    term = request.message.term + 3
    lone.answer(request, AppendEntriesReply(term, False))
    await lone.sleep(BEAT)
    state, told = lone.state(), f"the answer to its AppendEntries was of term {term}"
    lone.check(not state.is_leader, told)
    lone.check(state.term >= term, told, "HigherTermAdopted")
    lone.forget_requests()
    await lone.sleep(0.3)
    lone.check_no_request(AppendEntriesArgs, f"since term {term} reached it, nobody has voted for it")


@drill(rule="LeaderInTime")
async def drill_deposed_leader_stands_again(lone: Lone) -> None:
    """a leader that stepped down, and hears nothing, stands for election again (Followers rule 2)"""
    term = await lone.become_leader() + 3
    request = await lone.wait_for_request(AppendEntriesArgs)
    lone.answer(request, AppendEntriesReply(term, False))
    await lone.wait_for_request(RequestVoteArgs, above=term, within=ELECTION)


# Heartbeats and timers.


@drill(rule="HeartbeatsSent", peers=4)
async def drill_leader_says_so(lone: Lone) -> None:
    """a new leader sends a heartbeat to every peer at once (Leaders rule 1)"""
    term = await lone.become_leader()
    for peer in lone.peers:
        await lone.wait_for_request(AppendEntriesArgs, peer, above=term - 1, within=0.1)


@drill(rule="HeartbeatsSent")
async def drill_heartbeats_go_on(lone: Lone) -> None:
    """an idle leader goes on with heartbeats (Leaders rule 1)"""
    await lone.become_leader()
    for _ in range(5):
        for peer in lone.peers:
            request = await lone.wait_for_request(AppendEntriesArgs, peer, within=0.5)
            lone.say_yes(request)


@drill(rule="HeartbeatsSent", peers=4)
async def drill_majority_keeps_leader(lone: Lone) -> None:
    """a leader that a majority answers goes on leading, though the others are silent (Leaders rule 1)"""
    term = await lone.become_leader()
    lone.oblige(1, 2)
    for _ in range(100):
        await lone.sleep(BEAT)
        text = f"it leads term {term}, and servers 1 and 2 answer all it sends"
        lone.check_no_request(RequestVoteArgs, text, above=term, rule="ElectionTimerReset")
        lone.check(lone.state() == (term, True), text)


@drill(rule="ElectionTimerReset")
async def drill_heartbeats_keep_follower(lone: Lone) -> None:
    """a server that hears its leader stays a follower, and no longer (Followers rule 2)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term + 1
    for _ in range(60):
        await lone.append_entries(1, term)
        await lone.sleep(BEAT)
        reason = f"it hears from the leader of term {term} every {BEAT} s"
        lone.check_no_request(RequestVoteArgs, reason, above=term)
    await lone.wait_for_request(RequestVoteArgs, above=term, within=ELECTION)


@drill(rule="ElectionTimerReset")
async def drill_granted_vote_resets_timer(lone: Lone) -> None:
    """a server that gives its vote away waits again before it stands itself (Followers rule 2)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    for newer in range(term + 1, term + 61):
        reply = await lone.request_vote(1, newer)
        lone.check(reply.vote_granted, f"term {newer} is new to it, and both logs are empty", "VoteDenied")
        await lone.sleep(BEAT)
        lone.check_no_request(RequestVoteArgs, f"it gives a vote every {BEAT} s", above=term)


@drill(rule="LeaderInTime")
async def drill_refused_vote_resets_nothing(lone: Lone) -> None:
    """a server that refuses its vote does not wait longer for that (Followers rule 2)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term + 1
    await lone.request_vote(1, term)
    await check_it_stands(lone, term, lambda: lone.request_vote(2, term), "others ask for the vote that it gave away")


@drill(rule="LeaderInTime")
async def drill_older_leader_resets_nothing(lone: Lone) -> None:
    """a heartbeat of an older term holds no election up (AppendEntries rule 1, Followers rule 2)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    why = "it hears from the leader of an older term"
    await check_it_stands(lone, term, lambda: lone.append_entries(2, term - 1), why)


async def check_it_stands(lone: Lone, above: int, meanwhile: Callable[[], Awaitable[object]], why: str) -> None:
    """Check that the server stands for election in a term above one, though something happens again and again."""
    end = lone.now + ELECTION
    while lone.next_request(RequestVoteArgs, above=above) is None:
        await meanwhile()
        await lone.sleep(BEAT)
        lone.check(lone.now < end, f"has stood for no election in {ELECTION} s, only because {why}")

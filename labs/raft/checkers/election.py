"""The checkers of elections: terms, votes, candidacies, leaderships (§5.1, §5.2, §5.4.1)."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence

from labs.checking.checker import Checker, Violation
from labs.messages import (
    AppendEntriesArgs,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.checkers.shadow import Shadow, is_repeat
from labs.raft.checkers.shadow_server import ShadowServer
from labs.raft.checkers.trials import Trials
from labs.raft.curriculum import REPLICATION
from labs.raft.events import Save
from labs.trace.events import Crash, Deliver, Event, Reply, Restart, Role, Send, Start

GRACE = 0.05
"""Virtual seconds in which a message that was under way inside a server may still leave it."""
UNDER_WAY = 0.2
"""Virtual seconds for which a candidate's messages may wait in its outbox, though its election is over."""
QUEUED = 1.0
"""Virtual seconds in which a request may still leave that waited for the peer's answers to those before it."""
AGAIN = 3.0
"""Virtual seconds in which a request that was not answered may go out again, though its time is over."""
SHORTEST_TIMEOUT = 0.09
"""No sensible election timeout is shorter: heartbeats may be a tenth of a second apart."""
ASKS_WITHIN = 0.1
"""Virtual seconds within which a candidate asks some peer for its vote."""
LEASE = 1.0
"""A voter that heard its leader within this time may ignore candidates (§6)."""
SAME_TIMEOUTS = 11
SPREAD = 0.001
"""Virtual seconds by which timeouts differ at least that were drawn from a range; less is jitter of something else."""
"""This many equal election timeouts in a row are not chance: with ten possible timeouts that happens once in 10
billion."""


class Terms(Checker):
    """Terms only rise, and a role that a higher term ends stays ended (§5.1)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def on_send(self, event: Send) -> None:
        server, term = self._shadow.servers[event.server], getattr(event.message, "term", None)
        if term is None or self._shadow.is_trial(event):
            return
        if term < server.disk_term == server.term and server.incarnation > 0 and server.first_save:
            raise _restart_violation(event, term, server.disk_term)
        heard, when = server.heard
        if term < heard and event.time > server.after(when, QUEUED) and not self._repeats(server, event, heard, when):
            text = f"server {event.server} sent {event.call} of term {term} (t={event.time:.3f} s)"
            raise Violation(
                "HigherTermAdopted",
                f"{text}, but term {heard} had reached it at t={when:.3f} s",
                (event.server,),
                event.time,
            )

    def _repeats(self, server: ShadowServer, event: Send, heard: int, when: float) -> bool:
        """Return whether a request is an old one that is only sent again, by a server that knows the newer term."""
        if isinstance(event.message, RequestVoteArgs):
            return is_repeat(server, event)
        if server.term < heard or event.time > server.after(when, AGAIN):
            return False
        return isinstance(event.message, AppendEntriesArgs) and self._shadow.says_again(event)

    def on_reply(self, event: Reply) -> None:
        server, reply, rpc = self._shadow.servers[event.server], event.message, event.rpc
        term = getattr(reply, "term", None)
        if term is None or rpc in self._shadow.trials:
            return
        request = self._shadow.requests.get(rpc) or server.pending.get(rpc)
        before = server.shown_before.get(rpc)
        if request is not None and term == before == getattr(request, "term", 0):
            return  # nobody's term is news to anybody
        if before is not None and term < before:
            if server.incarnation > 0 and before == server.disk_term:
                raise _restart_violation(event, term, before)
            text = f"server {event.server} answered {event.call} with term {term}, but had shown term {before} before"
            raise Violation("TermNeverDecreases", text, (event.server,), event.time)
        if request is None:
            return
        asked = getattr(request, "term", 0)
        if term < asked and not (isinstance(reply, RequestVoteReply) and not reply.vote_granted):
            text = f"server {event.server} answered {event.call} of term {asked} with the lower term {term}"
            raise Violation("HigherTermAdopted", text, (event.server, event.peer), event.time)
        late = before is not None and asked < before
        if late and (getattr(reply, "vote_granted", False) or getattr(reply, "success", False)):
            text = (
                f"server {event.server} answered yes to {event.call} of term {asked} from server {event.peer}, "
                f"but was in term {before} already"
            )
            raise Violation("StaleTermRejected", text, (event.server, event.peer), event.time)

    def asks(self, event: Send) -> None:
        """Find no fault with a candidate."""

    def grants(self, event: Reply, request: RequestVoteArgs) -> None:
        """Check the term in which a vote is given."""
        if event.message.term < request.term:
            text = (
                f"server {event.server} answered yes to {event.call} of term {request.term}, by which server "
                f"{event.peer} leads, with the lower term {event.message.term}"
            )
            raise Violation("HigherTermAdopted", text, (event.server, event.peer), event.time)

    def on_save(self, event: Save) -> None:
        server = self._shadow.servers[event.server]
        if server.saves and event.current_term < server.disk_term:
            text = f"server {event.server} saved term {event.current_term}, but its disk held term {server.disk_term}"
            rule = "RestoredOnRestart" if server.incarnation > 0 and server.first_save else "TermNeverDecreases"
            raise Violation(rule, text, (event.server,), event.time)

    def on_role(self, event: Role) -> None:
        server = self._shadow.servers[event.server]
        if event.term < server.term:
            if server.incarnation > 0 and server.term == server.disk_term:
                raise _restart_violation(event, event.term, server.term)
            text = f"server {event.server} shows term {event.term}, but had shown term {server.term} before"
            raise Violation("TermNeverDecreases", text, (event.server,), event.time)

    def on_start(self, event: Start) -> None:
        server = self._shadow.servers[event.server]
        heard, when = server.heard
        if server.leads is not None and server.leads > event.term:
            return  # it leads a newer term, and `start` returned a wrong one
        if event.is_leader and event.term < heard and event.time > server.after(when, GRACE):
            text = (
                f"server {event.server} accepted a command as leader of term {event.term} (t={event.time:.3f} s), "
                f"but term {heard} had reached it at t={when:.3f} s"
            )
            raise Violation("StepsDown", text, (event.server,), event.time)


def _restart_violation(event: Event, term: int, saved: int) -> Violation:
    text = f"server {event.server} was restarted with term {saved} on its disk, but went on in term {term}"
    return Violation("RestoredOnRestart", text, (event.server,), event.time)


class Votes(Checker):
    """One vote per term, for logs that are up to date, and not withheld (Figure 2, RequestVote rule 2)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._held: dict[int, tuple[int, Violation]] = {}
        """For each server the term of a refusal that is wrong unless it shows soon that it campaigns there itself."""
        self._said: dict[tuple[int, int], int] = {}
        """For a server and a term whom it answered with yes in that term, though asked in an older one."""

    def on_reply_request_vote(self, event: Reply) -> None:
        reply = event.message
        request = self._shadow.requests.get(event.rpc)
        if not isinstance(request, RequestVoteArgs):
            return
        if reply.vote_granted:
            self.grants(event, request)
        else:
            self._refused(self._shadow.servers[event.server], request, reply, event)

    def grants(self, event: Reply, request: RequestVoteArgs) -> None:
        """Check a vote that is given."""
        server = self._shadow.servers[event.server]
        self._one_yes_per_term(server, event, request)
        earlier = server.votes.get(request.term)
        if earlier is not None and earlier[0] != request.candidate_id and not self._follows(server, request):
            whom = "itself" if earlier[0] == server.id else f"server {earlier[0]}"
            where = " before its restart" if earlier[1] != server.incarnation else ""
            rule = "OneVotePerTerm" if earlier[1] == server.incarnation else self._forgotten(server, request.term)
            text = (
                f"server {server.id} voted for server {request.candidate_id} in term {request.term}, "
                f"but had voted for {whom} in that term{where}"
            )
            raise Violation(rule, text, (server.id, request.candidate_id), event.time)
        last, last_term = server.log.last, server.log.last_term
        if last_term is None or not self._shadow.stage.has(REPLICATION) or self._shadow.chance(server, event.rpc).yes:
            return
        if server.last_granted == request:
            return  # it comes again, and gets the answer of then (§5.5)
        less = (last_term, last) > (request.last_log_term, request.last_log_index)
        if less and not self._shadow.in_motion(server, last):
            text = (
                f"server {server.id} voted for server {request.candidate_id} in term {request.term}, whose log ends at "
                f"index {request.last_log_index} of term {request.last_log_term}, but its own log ends at index {last} "
                f"of term {last_term}"
            )
            raise Violation("VoteOnlyUpToDate", text, (server.id, request.candidate_id), event.time)

    def _one_yes_per_term(self, server: ShadowServer, event: Reply, request: RequestVoteArgs) -> None:
        """A yes is a vote in the term that the answer has: a candidate that stands in that term by then counts it."""
        term, candidate = event.message.term, request.candidate_id
        if term > request.term:
            other = server.votes.get(term, (candidate, 0))[0]
            other = self._said.setdefault((server.id, term), candidate) if other == candidate else other
        else:
            other = self._said.get((server.id, term), candidate)
        if other != candidate:
            whom = "itself" if other == server.id else f"server {other}"
            text = (
                f"server {server.id} answered yes in term {term} to server {candidate}, which asked in term "
                f"{request.term}, and its vote of term {term} is for {whom}: the two answers are votes of one term"
            )
            raise Violation("OneVotePerTerm", text, (server.id, candidate), event.time)

    def _follows(self, server: ShadowServer, request: RequestVoteArgs) -> bool:
        """Return whether the candidate leads its term already, and the voter has heard and noted that."""
        leads = self._shadow.leader_of.get(request.term) == request.candidate_id
        noted = not server.saves or (server.disk_term, server.disk_vote) == (request.term, request.candidate_id)
        return leads and noted and server.heard_leader_of == request.term

    def _forgotten(self, server: ShadowServer, term: int) -> str:
        """Return whether the vote was on the disk, and not read back, or never there."""
        return "RestoredOnRestart" if server.disk_term == term and server.disk_vote is not None else "OneVotePerTerm"

    def _refused(self, server: ShadowServer, request: RequestVoteArgs, reply: RequestVoteReply, event: Reply) -> None:
        """Check a refusal; only if term, vote and log are certain, and no leader was heard lately."""
        if reply.term != request.term or request.term < server.shown_before.get(event.rpc, request.term + 1):
            return
        holder = server.votes.get(request.term)
        if holder is not None and holder[0] != request.candidate_id:
            return
        if self._shadow.other_asks(server, request) or server.pending:
            return  # a request that it has not answered yet may have taken the vote, or made its log longer
        if self._may_have_asked(server.saved_votes.get(request.term), request):
            return  # its vote may have been on the disk before a restart, though no answer has shown it
        if event.time < max(server.heard_leader, 0.0 if server.heard_leader >= 0 else -LEASE) + LEASE:
            return
        if request.term in server.led or request.term in self._shadow.leader_of or server.candidate >= request.term:
            return
        last, last_term = server.log.last, server.log.last_term
        certain = server.trusted if server.saves else last == 0
        if last_term is None or not certain or (last_term, last) > (request.last_log_term, request.last_log_index):
            return
        text = (
            f"server {server.id} refused its vote to server {request.candidate_id} in term {request.term}, "
            f"but had {'given it to that server already' if holder else 'no vote given in that term'}, "
            f"and the candidate's log is no less up to date"
        )
        if server.raised[0] == request.term:
            return  # it has begun that term by itself, and so voted for itself, though nothing shows that yet
        violation = Violation("VoteDenied", text, (server.id, request.candidate_id), event.time)
        if server.saves or event.time < server.born + SHORTEST_TIMEOUT:
            raise violation
        # Where nothing is saved, a vote for itself is seen when it asks for others.
        self._held.setdefault(server.id, (request.term, violation))

    def _look_at_held(self, time: float) -> None:
        for number, (term, violation) in list(self._held.items()):
            server = self._shadow.servers[number]
            if server.term > term or term in self._shadow.leader_of:
                del self._held[number]  # its actions in that term are over, and perhaps nobody saw them
            elif time > server.after(violation.time, ASKS_WITHIN):
                raise violation

    def on_role(self, event: Role) -> None:
        if self._held:
            self._look_at_held(event.time)

    def on_deliver_request_vote(self, event: Deliver) -> None:
        if self._held:
            self._look_at_held(event.time)

    def on_crash(self, event: Crash) -> None:
        self._held.pop(event.server, None)

    def _may_have_asked(self, candidate: int | None, request: RequestVoteArgs) -> bool:
        """Return whether a vote that was saved in a request's term may be for another than who asks there."""
        if candidate is None or candidate == request.candidate_id:
            return False
        other = self._shadow.servers[candidate]
        leads = self._shadow.leader_of.get(request.term) == candidate
        return other.incarnation < 0 or leads or other.votes.get(request.term, (None, 0))[0] == candidate

    def on_send_request_vote(self, event: Send) -> None:
        message = event.message
        if self._held:
            if message.term >= self._held.get(event.server, (sys.maxsize,))[0]:
                del self._held[event.server]
            self._look_at_held(event.time)
        if not self._shadow.is_trial(event):
            self.asks(event)

    def asks(self, event: Send) -> None:
        """Check a candidate by the votes that it has given."""
        message, server = event.message, self._shadow.servers[event.server]
        if message.candidate_id != server.id:
            text = f"server {server.id} asked for votes in the name of server {message.candidate_id}"
            raise Violation("OneVotePerTerm", text, (server.id,), event.time)
        earlier = server.votes.get(message.term)
        if earlier is not None and earlier[0] != server.id:
            text = (
                f"server {server.id} campaigns in term {message.term}, that is, votes for itself, "
                f"but had voted for server {earlier[0]} in that term"
            )
            rule = "OneVotePerTerm" if earlier[1] != server.incarnation else "CandidateIncrementsTerm"
            raise Violation(rule, text, (server.id, earlier[0]), event.time)

    def on_save(self, event: Save) -> None:
        server = self._shadow.servers[event.server]
        if not server.saves or event.current_term != server.disk_term or server.disk_vote is None:
            return
        vote, leader = event.voted_for, self._shadow.leader_of.get(event.current_term)
        if vote != server.disk_vote and (vote is None or vote != leader):
            now = "no vote" if vote is None else f"a vote for server {vote}"
            text = (
                f"server {server.id} saved {now} in term {event.current_term}, "
                f"but its disk held a vote for server {server.disk_vote} in the same term"
            )
            rule = "RestoredOnRestart" if server.incarnation > 0 and server.first_save else "OneVotePerTerm"
            raise Violation(rule, text, (server.id,), event.time)


class Leaderships(Checker):
    """A leader has a majority of the votes (Figure 2, Candidates 2), and announces it at once (Leaders 1)."""

    def __init__(self, shadow: Shadow, trials: Trials) -> None:
        self._shadow, self._trials = shadow, trials

    def on_send_append_entries(self, event: Send) -> None:
        message = event.message
        self._leads(event, message.term, "sent")
        if message.leader_id != event.server:
            text = f"server {event.server} sent {event.call} in the name of server {message.leader_id}"
            raise Violation("ElectionSafety", text, (event.server,), event.time)

    on_send_install_snapshot = on_send_append_entries

    def on_start(self, event: Start) -> None:
        leads = self._shadow.servers[event.server].leads
        if event.is_leader and leads is not None and leads > event.term:
            text = f"server {event.server} accepted a command in term {event.term}, but leads term {leads}"
            raise Violation("StartAnswers", text, (event.server,), event.time)
        if event.is_leader:
            self._leads(event, event.term, "accepted a command")

    def on_role(self, event: Role) -> None:
        if event.is_leader:
            self._leads(event, event.term, "claims in get_state that it leads")

    def _leads(self, event: Event, term: int, how: str) -> None:
        server = self._shadow.servers[event.server]
        if term in server.led:
            return
        granted = server.granted.get(term, set())
        votes = len(granted | {server.id})
        if votes < self._shadow.majority and not self._elected_on_trial(server, term, granted, event.time):
            how = f"sent {event.call}" if isinstance(event, Send) else how
            voters = ", ".join(map(str, sorted(granted | {server.id})))
            text = (
                f"server {event.server} {how} in term {term}, but only {votes} of the "
                f"{self._shadow.majority} votes that it needs had reached it: from {voters}"
            )
            raise Violation("LeaderHasMajority", text, (event.server,), event.time)

    def _elected_on_trial(self, server: ShadowServer, term: int, granted: set[int], time: float) -> bool:
        """Return whether it counts answers on trial as votes, and they are votes; raise Violation if they are not."""
        tried = self._trials.votes(server.id, term)
        if len(granted | {server.id, *tried}) < self._shadow.majority:
            return False
        good = {voter for voter, fault in tried.items() if fault is None} | granted
        if len(good | {server.id}) < self._shadow.majority:
            fault = next(fault for _, fault in sorted(tried.items()) if fault is not None)
            text = (
                f"{fault.message}; server {server.id} leads term {term} by such answers, so they are votes, not trials"
            )
            raise Violation(fault.rule, text, fault.servers, time)
        self._shadow.elected_on_trial(server, term, good - {server.id}, self._trials.fields(server.id))
        return True


class Campaigns(Checker):
    """When servers campaign: in a term of their own, after a timeout, and not in step (Figure 2, Followers 2; §5.2)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._began: dict[int, list[float]] = {server.id: [] for server in shadow.servers}
        """When each server began the elections that followed each other without anything in between."""
        self._answered: dict[tuple[int, int], tuple[float, float]] = {}
        """When a server first followed a leader or a candidate in a term, and until when it may campaign in it yet."""
        self._tried: dict[int, tuple[int, float]] = {}
        """For each server the term for which it last asked on trial, and when it began to."""

    def on_restart(self, event: Restart) -> None:
        self._began[event.server].clear()
        self._tried.pop(event.server, None)
        self._answered = {key: at for key, at in self._answered.items() if key[0] != event.server}

    def on_deliver(self, event: Deliver) -> None:
        began = self._began[event.server]
        if began:
            began.clear()

    def on_reply(self, event: Reply) -> None:
        term = getattr(event.message, "term", 0)
        server = self._shadow.servers[event.server]
        if term <= server.candidate or term < server.term or (event.server, term) in self._answered:
            return
        request = self._shadow.requests.get(event.rpc) or server.pending.get(event.rpc)
        # A refusal proves nothing: its own candidacy may have begun before, and its requests may be delayed inside.
        if getattr(event.message, "vote_granted", True) and term == getattr(request, "term", 0):
            self._answered = {key: at for key, at in self._answered.items() if key[0] != event.server}
            # A follower of a leader may have campaigned in that term, and its own requests may still be under way
            # inside.
            grace = 0.0 if isinstance(event.message, RequestVoteReply) else GRACE
            self._answered[event.server, term] = (event.time, event.time + grace)

    def on_send_request_vote(self, event: Send) -> None:
        server, term = self._shadow.servers[event.server], event.message.term
        if self._shadow.is_trial(event):
            if self._tried.get(server.id, (-1, 0.0))[0] != term:
                self._tried[server.id] = (term, event.time)
            return
        if term <= server.candidate:
            return
        self.asks(event)
        self._not_in_step(server, event)

    def grants(self, event: Reply, request: RequestVoteArgs) -> None:
        """Find no fault with a voter."""

    def asks(self, event: Send) -> None:
        """Check when a candidate campaigns, and in which term."""
        message, server = event.message, self._shadow.servers[event.server]
        if self._overtaken(server, message.term, event.time):
            return
        answered, until = self._answered.get((server.id, message.term), (0.0, math.inf))
        if event.time > max(until, server.resumed) and server.raised[0] != message.term:
            text = (
                f"server {server.id} campaigns in term {message.term} (t={event.time:.3f} s), "
                f"but was in that term already at t={answered:.3f} s"
            )
            raise Violation("CandidateIncrementsTerm", text, (server.id,), event.time)
        self._in_time(server, event, message)

    @staticmethod
    def _overtaken(server: ShadowServer, term: int, time: float) -> bool:
        """Return whether a candidate's first request leaves right after the leader of its term has reached it.

        Its own vote on the disk shows that it was a candidate in that term before it followed. Where nothing is saved
        it may have been; no timer is as short as the wait inside it that is granted then.
        """
        voted = (server.disk_term, server.disk_vote) == (term, server.id)
        wait = UNDER_WAY if voted else 0.0 if server.saves else GRACE
        return server.heard_leader_of == term and time <= server.after(server.follows_since, wait)

    def _in_time(self, server: ShadowServer, event: Send, message: RequestVoteArgs) -> None:
        if message.term in server.led or server.leads is not None or message.term < server.term:
            return
        began = server.raised[1] if server.raised[0] == message.term else event.time
        if server.invited_at >= 0 and 0 <= began - server.invited_at < SHORTEST_TIMEOUT:
            return
        # It may not have looked yet at a message that it has not answered.
        heard, rpc = server.hearings[-1] if server.hearings else (-1.0, 0)
        if rpc in server.pending:
            heard = -1.0
        # What it had begun on trial goes on while it votes: its timer had run out before. Some ask on trial in their
        # own term, and then stand in the next.
        tried, since = self._tried.get(server.id, (-1, 0.0))
        goes_on = message.term - 1 <= tried <= message.term and since < server.granted_at
        # And a vote that leaves as the server goes on again was given before it stood still.
        granted = -1.0 if goes_on or server.granted_at < server.resumed + GRACE else server.granted_at
        for when, what in ((heard, "heard its leader"), (granted, "granted a vote")):
            if 0 <= when < began < when + SHORTEST_TIMEOUT:
                if server.heard_leader_of == message.term:
                    text = (
                        f"server {server.id} asked for votes in term {message.term} at t={began:.3f} s, but it had "
                        f"heard the leader of that term {(began - heard) * 1000:.0f} ms before: an election has a "
                        "term of its own"
                    )
                    raise Violation("CandidateIncrementsTerm", text, (server.id,), event.time)
                text = (
                    f"server {server.id} started an election in term {message.term} at t={began:.3f} s, "
                    f"but it had {what} {(began - when) * 1000:.0f} ms before"
                )
                raise Violation("ElectionTimerReset", text, (server.id,), event.time)

    def _not_in_step(self, server: ShadowServer, event: Send) -> None:
        began = self._began[server.id]
        began.append(event.time)
        gaps = [after - before for before, after in itertools.pairwise(began)]
        if len(gaps) >= SAME_TIMEOUTS and are_equal(gaps[-SAME_TIMEOUTS:]):
            text = (
                f"server {server.id} waited {gaps[-1]:.3f} s, to within a millisecond, before each of its last "
                f"{SAME_TIMEOUTS} elections"
            )
            raise Violation("RandomizedTimeouts", text, (server.id,), event.time)
        del began[: -SAME_TIMEOUTS - 1]


def are_equal(waits: Sequence[float]) -> bool:
    """Return whether waits are equal but for a jitter: several timeouts drawn one by one would differ."""
    return max(waits) - min(waits) < SPREAD


class Refusals(Checker):
    """A candidate that hears the leader of its term follows it (Figure 2, Candidates 3)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def on_send_request_vote(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        if not self._shadow.is_trial(event) and message.term <= server.candidate:
            leader = self._shadow.leader_of.get(message.term, server.id)
            heard = server.heard_leader_of == message.term == server.term
            last = min(server.after(server.heard_leader, UNDER_WAY), server.after(server.follows_since, QUEUED))
            late = event.time > (server.after(server.follows_since, AGAIN) if is_repeat(server, event) else last)
            if heard and leader != server.id and late:
                text = (
                    f"server {server.id} goes on asking for votes in term {message.term}, "
                    f"but it has heard from server {leader}, the leader of that term"
                )
                raise Violation("StepsDown", text, (server.id, leader), event.time)

    def on_reply_append_entries(self, event: Reply) -> None:
        reply = event.message
        if reply.success:
            return
        server = self._shadow.servers[event.server]
        args = server.pending.get(event.rpc)
        if not isinstance(args, AppendEntriesArgs):
            return
        begins = args.prev_log_index == 0 == server.log.base and server.committed == 0
        if reply.term == args.term == server.candidate and begins:
            text = (
                f"server {server.id}, a candidate of term {args.term}, refused AppendEntries of server "
                f"{args.leader_id}, which leads that term"
            )
            raise Violation("StepsDown", text, (server.id, args.leader_id), event.time)

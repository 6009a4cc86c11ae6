"""The shadow: what is known of each server from the outside, and what follows from it.

Most checkers rest on it. It is derived from what servers received, answered, sent and saved, and holds only what is
certain: a shadow log never contains an entry that the server might not have. Checkers see the shadow as it was before
the event that they check.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from labs.checking.checker import Checker
from labs.checking.configuration import Configuration
from labs.checking.stage import Stage
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    Message,
    RequestVoteArgs,
)
from labs.raft.checkers.shadow_server import Chance, LogMessage, ShadowServer
from labs.raft.curriculum import PERSISTENCE, SNAPSHOTS
from labs.raft.events import Save
from labs.sim.server.service import index_of_snapshot
from labs.trace.events import Apply, ApplySnap, Crash, Deliver, Drop, Reply, Restart, Resume, Role, Send, Start, Timeout

MAX_REQUESTS = 10_000
"""The most calls that are remembered."""
MAX_UNANSWERED = 500
"""The most requests for which the possible answers are remembered."""
MAX_SAID = 300
"""How many requests of each leader to each peer may be sent again unchanged."""
MAX_INVITED = 10
"""The most requests of a leadership that may order a server to campaign, whatever their own fields hold."""
Value = TypeVar("Value")
Words: TypeAlias = tuple[int, int, int, int]
"""The fields that distinguish the AppendEntries of a leader: term, prev_log_index, number of entries, leader_commit."""


def _words(message: AppendEntriesArgs) -> Words:
    return message.term, message.prev_log_index, len(message.entries), message.leader_commit


def is_repeat(server: ShadowServer, event: Send) -> bool:
    """Return whether a request for a vote repeats the peer's last one: then it has the same fields (§5.5)."""
    return bool(server.asked.get(event.peer) == event.message)


def remember(table: dict[int, Value], rpc: int, value: Value, most: int = MAX_REQUESTS) -> None:
    """Put a call into a table that forgets its oldest: calls that nobody waits for, to servers that died."""
    table[rpc] = value
    if len(table) > most:
        del table[next(iter(table))]


class Shadow(Checker):
    """Follows all servers; checks nothing. Must come after the checkers that use it."""

    def __init__(self, configuration: Configuration, stage: Stage) -> None:
        self.stage = stage
        self.majority = configuration.majority
        self.servers = [ShadowServer(server) for server in configuration.members]
        self.requests: dict[int, Message] = {}
        """Requests of calls that have not returned, by RPC; trial votes are not among them."""
        self.trials: dict[int, RequestVoteArgs] = {}
        """RPCs that look like election messages but are not: a field of their own is true (pre-vote). They stay here
        after the call: a request may come twice, or after its caller has given up.
        """
        self.no_trial: set[str] = set()
        """The fields of requests that looked like trials, and by whose answers a server leads: they mark none."""
        self.marked: dict[int, None] = {}
        """RPCs of leaders with a field of their own that is true: it may mean that the receiver shall campaign."""
        self.pieces: dict[int, None] = {}
        """RPCs of InstallSnapshot with fields of its own: it may carry only a piece of the snapshot."""
        self.partly: dict[int, int] = {}
        """For RPCs whose answer acknowledges less or more than was sent, up to which index."""
        self._said: dict[tuple[int, int], dict[int, Words]] = {}
        """For each leader and peer what it has sent last, by RPC."""
        self._invited: dict[int, tuple[int, int]] = {}
        """For each server the term and number of its last requests with a field of their own that is true."""
        self.leader_of: dict[int, int] = {}
        self.committed: dict[int, tuple[int, int]] = {}
        """For each index that is known committed: its term, and the term in which that became known."""
        self.highest_committed = 0
        self._floor = 0

    # Conclusions from the facts.

    @staticmethod
    def acknowledged(server: ShadowServer, args: AppendEntriesArgs, extra: dict[str, Any] | None) -> int:
        """Return up to which index a yes to AppendEntries acknowledges entries; `extra` are the answer's own fields.

        If the disk holds a part of them, and one of the fields may mean exactly that, it is that part.
        """
        prev, last = args.prev_log_index, args.prev_log_index + len(args.entries)
        if not extra or not server.saves:
            return last
        numbers = {value for value in extra.values() if type(value) is int}
        if not numbers:
            return last
        held = max(prev, min(server.disk.base, last))
        while held < last and server.disk.has(held + 1, args.entries[held - prev].term):
            held += 1
        return held if any(n <= held - prev or prev <= n <= held + 1 for n in numbers) else last

    def _held(self, server: ShadowServer, args: AppendEntriesArgs, extra: dict[str, Any]) -> int:
        """Return up to which index a yes in its own words shows that the log equals the leader's; 0 if in none.

        A field of its own may report entries that other requests brought. It counts if it is true.
        """
        log, leader = server.disk if server.saves else server.log, self.servers[args.leader_id]
        if leader.match_term != args.term:
            return 0
        known = leader.log.last
        end = max(known, leader.own_end[1] if leader.own_end[0] == args.term else 0)  # its disk may be late
        told = [value for value in extra.values() if type(value) is int and 0 < value <= end]
        terms = {index: leader.log.term_at(index) if index <= known else args.term for index in told}
        return max((index for index in told if not log.lacks(index, terms[index] or 0)), default=0)

    @staticmethod
    def chance(server: ShadowServer, rpc: int) -> Chance:
        """Return what a server could have answered to a request before now."""
        return server.chances.get(rpc) or Chance(None)

    @staticmethod
    def other_asks(server: ShadowServer, request: RequestVoteArgs) -> bool:
        """Return whether another candidate of that term waits for an answer: it may have the vote already."""
        waiting = (chance.request for chance in server.chances.values())
        return any(
            isinstance(other, RequestVoteArgs)
            and other.term == request.term
            and other.candidate_id != request.candidate_id
            for other in waiting
        )

    @staticmethod
    def in_motion(server: ShadowServer, index: int, term: int = 0) -> bool:
        """Return whether a leader's request, not answered yet, and not of `term`, may have taken the entry there."""
        for request in server.pending.values():
            if request.term == term:
                continue
            if isinstance(request, InstallSnapshotArgs):
                covered = request.last_included_index
                if index <= covered or not server.log.has(covered, request.last_included_term):
                    return True
                continue
            conflict = server.log.conflict(request.prev_log_index, [entry.term for entry in request.entries])
            if conflict is not None and conflict <= index:
                return True
        return False

    @staticmethod
    def may_have_taken(server: ShadowServer, index: int, term: int) -> bool:
        """Return whether a leader's request, not answered yet, may have brought the entry of an index and term."""
        for request in server.pending.values():
            if isinstance(request, InstallSnapshotArgs):
                if request.last_included_index >= index:
                    return True
                continue
            at = index - request.prev_log_index - 1
            if 0 <= at < len(request.entries) and request.entries[at].term == term:
                return True
        return False

    def says_again(self, event: Send) -> bool:
        """Return whether a leader repeats to a peer a recent message, word for word: it may do so (§5.5)."""
        said = self._said.get((event.server, event.peer))
        return said is not None and _words(event.message) in said.values()

    def counted(self, server: ShadowServer, durable: bool = False) -> int:
        """Return the highest index of its own term that a leader may count as stored by a majority (Leaders rule 4).

        With `durable` the leader's own log counts only as far as it is on its disk.
        """
        own = server.disk if durable else server.log
        marks = sorted([own.last, *server.match.values()], reverse=True)
        marks += [0] * self.majority
        index = marks[self.majority - 1]
        return index if server.log.term_at(index) in (None, server.match_term) else 0

    def stored(self, server: ShadowServer) -> int:
        """Return the highest index, of whatever term, that a majority acknowledged to a leader."""
        marks = sorted([server.log.last, *server.match.values()], reverse=True) + [0] * self.majority
        return marks[self.majority - 1]

    def may_commit(self, server: ShadowServer) -> int:
        """Return the highest index that a server may take for committed by what has reached it."""
        if self.majority == 1:
            return max(server.committed, server.log.last) if self.stage.has(PERSISTENCE) else sys.maxsize
        best = server.committed
        if server.verified[0] == server.heard_leader_of:  # a later leader has all that was committed before (§5.4.3)
            best = max(best, min(server.heard_commit, server.verified[1]))
        if server.match_term:
            best = max(best, self.counted(server))
        if server.heard_leader_of < self._leads(server):  # its log has all that was committed before (§5.4.3)
            best = max(best, min(server.heard_commit, server.log.last))
        return best

    def _leads(self, server: ShadowServer) -> int:
        """Return the term that a server leads, or has just got the votes for; 0 if there is none."""
        votes = len(server.granted.get(server.candidate, set()) | {server.id})
        return server.leads or (server.candidate if votes >= self.majority else 0)

    @staticmethod
    def may_commit_late(server: ShadowServer) -> int:
        """Return the highest index that a follower may take for committed if it looks only now at what it was sent.

        A handler may wait while those of later requests go first: what came too early may fit by now.
        """
        term, log = server.heard_leader_of, server.log
        verified = server.verified[1] if server.verified[0] == term else -1
        told = server.heard_commit
        waiting = [
            (request, chance.yes)
            for chance in server.chances.values()
            if isinstance(request := chance.request, AppendEntriesArgs) and request.term == term
        ]
        waiting += [(request, False) for request in server.parked if request.term == term]
        # Each may hold the entry that another one follows.
        for request, fitted in sorted(waiting, key=lambda pair: pair[0].prev_log_index):
            prev = request.prev_log_index
            if fitted or prev <= verified or not log.lacks(prev, request.prev_log_term):
                verified = max(verified, prev + len(request.entries))
                told = max(told, request.leader_commit)
        return min(told, verified)

    def commit(self, server: ShadowServer, index: int) -> None:
        """Note that all up to an index is committed, as far as this server's log has the terms."""
        for at in range(max(self.highest_committed, server.log.base) + 1, index + 1):
            term = server.log.term_at(at)
            if term is not None:
                self.committed.setdefault(at, (term, server.match_term or server.term))
        self.highest_committed = max(self.highest_committed, index)

    def is_trial(self, event: Send) -> bool:
        """Return whether a request asks on trial only who would vote: a field of its own is true (pre-vote)."""
        if not event.extra or not isinstance(event.message, RequestVoteArgs):
            return False
        return any(value is True and name not in self.no_trial for name, value in event.extra.items())

    def elected_on_trial(self, server: ShadowServer, term: int, voters: set[int], fields: set[str]) -> None:
        """Note that a server leads a term by answers to requests that looked like trials: they were votes.

        From then on, so are all requests with the same fields.
        """
        self.no_trial |= fields
        server.candidate = max(server.candidate, term)
        server.granted.setdefault(term, set()).update(voters)
        for voter in (server.id, *voters):
            votes = self.servers[voter].votes
            votes.setdefault(term, (server.id, self.servers[voter].incarnation))

    # Following the events.

    def on_restart(self, event: Restart) -> None:
        server = self.servers[event.server]
        server.up, server.incarnation, server.born = True, event.incarnation, event.time
        server.begin_life()

    def on_resume(self, event: Resume) -> None:
        self.servers[event.server].resumed = event.time

    def on_crash(self, event: Crash) -> None:
        server = self.servers[event.server]
        server.up = False
        # It may have saved how far it knew the log committed, and apply that after its restart without any new message.
        server.committed = max(self.may_commit(server) if self.majority > 1 else 0, self.may_commit_late(server))

    def on_send_request_vote(self, event: Send) -> None:
        server, message = self.servers[event.server], event.message
        if self.is_trial(event):
            remember(self.trials, event.rpc, message)
            return
        self._remember_request(event)
        server.asked[event.peer] = message
        server.candidate = max(server.candidate, message.term)
        server.votes.setdefault(message.term, (server.id, server.incarnation))
        self._show(server, message.term, event.time)

    def on_send_append_entries(self, event: Send) -> None:
        server, message = self.servers[event.server], event.message
        self._remember_request(event)
        said = self._said.setdefault((event.server, event.peer), {})
        remember(said, event.rpc, _words(message), MAX_SAID)
        self._lead(server, message.term, event.time)
        if message.term == server.match_term == server.term:
            prev, entries = message.prev_log_index, message.entries
            if entries or prev > server.log.last:
                self._look_at_disk(server, message)
                if server.log.merge(prev, [entry.term for entry in entries]):
                    server.changed = True
            if server.unsent is not None:
                self._note_sent(server, prev + len(entries))
            if entries:
                server.own_end = max(server.own_end, (entries[-1].term, prev + len(entries)))
            if message.leader_commit > server.committed:
                self._note_commit(server, message.leader_commit)

    def on_send_install_snapshot(self, event: Send) -> None:
        message = event.message
        if event.extra and index_of_snapshot(message.data) != message.last_included_index:
            remember(self.pieces, event.rpc, None)
        self._remember_request(event)
        self._lead(self.servers[event.server], event.message.term, event.time)

    def _remember_request(self, event: Send) -> None:
        if event.extra and any(value is True for value in event.extra.values()):
            term, count = self._invited.get(event.server, (0, 0))
            count = count + 1 if term == event.message.term else 1
            self._invited[event.server] = (event.message.term, count)
            if count <= MAX_INVITED:
                remember(self.marked, event.rpc, None)
        remember(self.requests, event.rpc, event.message)

    @staticmethod
    def _note_sent(server: ShadowServer, last: int) -> None:
        assert server.unsent is not None
        if last >= server.unsent:
            server.unsent = last + 1 if last < server.log.last else None

    def _look_at_disk(self, server: ShadowServer, sent: AppendEntriesArgs) -> None:
        """Stop reading a leader's disk, before the stage of persistence, if it does not hold what the leader sends."""
        last = sent.prev_log_index + len(sent.entries)
        if sent.entries and not self.stage.has(PERSISTENCE) and server.disk.lacks(last, sent.entries[-1].term):
            server.trusted = False

    def _note_commit(self, server: ShadowServer, index: int) -> None:
        if index <= self.counted(server):
            server.committed = index
            self.commit(server, index)

    def on_deliver_request_vote(self, event: Deliver) -> None:
        if event.rpc not in self.trials:
            self._hear_request(self.servers[event.server], event)

    def on_deliver_append_entries(self, event: Deliver) -> None:
        server, message = self.servers[event.server], event.message
        self._hear_request(server, event)
        if not self._hear_leader(server, event):
            return
        server.heard_commit = max(server.heard_commit, message.leader_commit)
        prev, term = message.prev_log_index, message.term
        verified = server.verified[1] if server.verified[0] == term else -1
        # What came right before, and is not handled yet, may hold the entry that this one follows.
        if prev <= verified or not server.log.lacks(prev, message.prev_log_term):
            self._verify(server, term, prev + len(message.entries), message.leader_commit)
        leader = self.servers[event.peer]
        if message.leader_commit > server.committed and leader.match_term == term:
            # Its leader may rely on what it has acknowledged, even before a restart.
            self._verify(server, term, leader.match.get(server.id, 0), message.leader_commit)

    @staticmethod
    def _verify(server: ShadowServer, term: int, end: int, commit: int) -> None:
        """Note that a log matches that of the leader of a term up to an index, and the commits that it learned of."""
        if server.verified[0] != term or end > server.verified[1]:
            server.verified = (term, end)
        if server.told[0] != term or commit > server.told[1]:
            server.told = (term, commit)
        server.committed = max(server.committed, min(server.told[1], server.verified[1]))

    def on_deliver_install_snapshot(self, event: Deliver) -> None:
        server = self.servers[event.server]
        self._hear_request(server, event)
        if self._hear_leader(server, event):
            # Entries may come right after the snapshot, before anything shows that it arrived.
            index = event.message.last_included_index
            server.heard_commit = max(server.heard_commit, index)
            self._verify(server, event.message.term, index, index)

    def on_deliver_ping(self, event: Deliver) -> None:
        self._hear_request(self.servers[event.server], event)

    def _hear_request(self, server: ShadowServer, event: Deliver) -> None:
        rpc = event.rpc
        chance = server.chances.get(rpc)
        if chance is None:
            chance = Chance(event.message)
            remember(server.chances, rpc, chance, MAX_UNANSWERED)
        chance.open += 1
        chance.look(server)
        server.reached = max(server.reached, getattr(event.message, "term", 0))
        if self.marked and rpc in self.marked:
            server.invited_at = event.time
        if self.servers[event.peer].incarnation < 0:
            self._hear_fake_peer(event)
        server.shown_before.setdefault(rpc, server.term)

    def _hear_leader(self, server: ShadowServer, event: Deliver) -> bool:
        """Note a leader's request that waits for its answer; return whether the server may follow that leader."""
        term = event.message.term
        server.pending[event.rpc] = event.message
        if term < server.term:
            return False
        if term > server.term:
            self._must_adopt(server, term, event.time)
        if term != server.heard_leader_of:
            server.follows_since = event.time
            server.last_before = (server.disk.last, server.disk.last_term)
        server.heard_leader, server.heard_leader_of = event.time, term
        server.hearings.append((event.time, event.rpc))
        return True

    @staticmethod
    def _refused_as_old(server: ShadowServer, event: Reply, request: LogMessage) -> None:
        """Note an answer in a newer term: the leader was not heard, for the answer did not follow it."""
        if event.message.term > request.term:
            for heard in [heard for heard in server.hearings if heard[1] == event.rpc]:
                server.hearings.remove(heard)

    def _hear_fake_peer(self, event: Deliver) -> None:
        """A server that the test plays asks: nobody saw it send, and nobody checks it."""
        self.requests[event.rpc] = event.message
        if isinstance(event.message, AppendEntriesArgs | InstallSnapshotArgs):
            self.leader_of.setdefault(event.message.term, event.peer)

    def on_return_request_vote(self, event: Deliver) -> None:
        server, reply = self.servers[event.server], event.message
        if event.rpc in self.trials:
            return
        request = self._returned(server, event)
        if request is not None and reply.vote_granted:
            server.granted.setdefault(request.term, set()).add(event.peer)

    def on_return_append_entries(self, event: Deliver) -> None:
        server = self.servers[event.server]
        request = self._returned(server, event)
        if event.message.success and request is not None:
            last = request.prev_log_index + len(request.entries)
            self._acknowledge(server, event, request.term, last)

    def on_return_install_snapshot(self, event: Deliver) -> None:
        server = self.servers[event.server]
        request = self._returned(server, event)
        if request is not None and event.message.term == request.term:
            self._acknowledge(server, event, request.term, request.last_included_index)

    def on_return_ping(self, event: Deliver) -> None:
        self.requests.pop(event.rpc, None)

    def _returned(self, server: ShadowServer, event: Deliver) -> Any:
        """Return the request that a reply answers, None if it is forgotten; and note the term in the reply."""
        request: Any = self.requests.pop(event.rpc, None)
        term = getattr(event.message, "term", 0)
        server.reached = max(server.reached, term)
        if request is not None and request.term == server.term < term:
            self._must_adopt(server, term, event.time)
        return request

    def _acknowledge(self, server: ShadowServer, event: Deliver, term: int, index: int) -> None:
        peer = event.peer
        if self.partly:
            index = self.partly.pop(event.rpc, index)
        if server.match_term == term and index > server.match.get(peer, -1):
            server.match[peer] = index
            self._count(server)

    def _count(self, server: ShadowServer) -> None:
        """Note as committed what a majority has stored; for the leader itself its disk counts (from 2C on)."""
        counted = self.counted(server, durable=self.stage.has(PERSISTENCE))
        if counted > self.highest_committed:
            self.commit(server, counted)

    def on_reply_request_vote(self, event: Reply) -> None:
        if event.rpc in self.trials:
            return
        server = self.servers[event.server]
        request = self._answered(server, event)
        if event.message.vote_granted and request is not None:
            server.last_granted = request
            server.votes.setdefault(request.term, (request.candidate_id, server.incarnation))
            if server.granted_in != request.term:  # a repeated vote gives nothing, so the timer may run on
                server.granted_in, server.granted_at = request.term, event.time

    def on_reply_append_entries(self, event: Reply) -> None:
        server, reply, rpc = self.servers[event.server], event.message, event.rpc
        chance, came_in = server.chances.get(rpc), server.shown_before.get(rpc, sys.maxsize)
        request = self._answered(server, event)
        if request is None:
            return
        if not reply.success:
            self._refused_as_old(server, event, request)
            if request.entries and reply.term == request.term:
                server.parked.append(request)
            taken_before = reply.term > request.term >= came_in and (chance is None or chance.yes)
            self._refused_append(server, request, reply, taken_before)
            return
        if event.extra:
            last = self.acknowledged(server, request, event.extra)
            more = self._held(server, request, event.extra)
            if more > request.prev_log_index + len(request.entries):
                remember(self.partly, rpc, more)
            elif last < request.prev_log_index + len(request.entries):
                remember(self.partly, rpc, last)
                request = replace(request, entries=request.entries[: last - request.prev_log_index])
        self._accepted_append(server, request)
        for other in server.chances.values():
            other.follows(request)

    def on_reply_install_snapshot(self, event: Reply) -> None:
        server = self.servers[event.server]
        request = self._answered(server, event)
        if request is not None:
            self._refused_as_old(server, event, request)
        if request is not None and event.rpc in self.pieces:
            index, term = request.last_included_index, request.last_included_term
            if index > max(server.disk_snapshot, server.applied) and server.disk.lacks(index, term):
                remember(self.partly, event.rpc, 0)

    def on_reply_ping(self, event: Reply) -> None:
        self._answered(self.servers[event.server], event)

    def _answered(self, server: ShadowServer, event: Reply) -> Any:
        """Return the request that a server answers, None if it is forgotten; and note the term that it shows."""
        rpc = event.rpc
        request: Any = server.pending.pop(rpc, None) or self.requests.get(rpc)
        server.shown_before.pop(rpc, None)
        if server.changed:
            self._look(server)
        chance = server.chances.get(rpc)
        if chance is not None:
            chance.open -= 1
            if chance.open == 0:
                del server.chances[rpc]
        self._show(server, getattr(event.message, "term", 0), event.time)
        return request

    def _refused_append(
        self, server: ShadowServer, args: AppendEntriesArgs, reply: AppendEntriesReply, taken_before: bool
    ) -> None:
        """Note what a refusal may have done to a log; it may have taken the entries before its term rose."""
        prev = args.prev_log_index
        if taken_before and not (server.saves and server.trusted):
            server.log.doubt(prev, [entry.term for entry in args.entries])
            server.changed = True
        elif taken_before:
            conflict = server.disk.conflict(prev, [entry.term for entry in args.entries])
            if conflict is not None:
                server.may_drop = min(conflict, server.may_drop or conflict)
        if reply.term != args.term:
            return
        if not server.saves and server.log.lacks(prev, args.prev_log_term):
            server.log.truncate(prev)  # it may have dropped the conflicting entry at once
            server.changed = True
        elif server.saves and server.disk.lacks(prev, args.prev_log_term):
            server.may_drop = min(prev, server.may_drop or prev)

    def _accepted_append(self, server: ShadowServer, args: AppendEntriesArgs) -> None:
        prev, terms = args.prev_log_index, [entry.term for entry in args.entries]
        last = prev + len(terms)
        unread = not (server.saves and server.trusted)
        if args.term < max(server.followed, server.heard_leader_of):
            if unread:
                server.log.doubt(prev, terms)
                server.changed = True
            return  # an answer that is late: the entries of a newer leader may have taken the place of these
        if args.term > server.followed:
            server.followed = args.term
            server.accepted.clear()
        self._verify(server, args.term, last, args.leader_commit)
        if terms and server.disk.lacks(last, terms[-1]):
            server.trusted, unread = False, True
        if unread:
            self._take_in(server, prev, terms)
            self._close_gaps(server, args.term)

    @staticmethod
    def _take_in(server: ShadowServer, prev: int, terms: list[int]) -> None:
        """Put acknowledged entries into a log; those acknowledged earlier may have been taken in after them."""
        if server.log.merge(prev, terms):
            server.changed = True
        for other_prev, others in sorted(server.accepted, key=lambda pair: pair[0]):
            if other_prev + len(others) > server.log.last >= other_prev:
                server.log.merge(other_prev, others)
        if not server.chances:
            server.accepted.clear()
        elif terms:
            server.accepted = [*server.accepted[1 - MAX_UNANSWERED :], (prev, terms)]

    @staticmethod
    def _close_gaps(server: ShadowServer, term: int) -> None:
        """Note that entries which a server refused because of a gap may be in its log, if they follow it by now."""
        for request in sorted(server.parked, key=lambda request: request.prev_log_index):
            prev = request.prev_log_index
            if request.term == term and not server.log.lacks(prev, request.prev_log_term):
                server.log.doubt(prev, [entry.term for entry in request.entries])
                server.changed = True

    @staticmethod
    def _look(server: ShadowServer) -> None:
        """Take account of what a server holds, before that changes."""
        for chance in server.chances.values():
            chance.look(server)
        server.changed = False

    def on_drop(self, event: Drop) -> None:
        if event.reason == "abandoned":
            self._forget(event.rpc)

    def on_timeout(self, event: Timeout) -> None:
        self._forget(event.rpc)

    def _forget(self, rpc: int) -> None:
        """A call is over, or its reply will be ignored."""
        self.requests.pop(rpc, None)

    def on_save(self, event: Save) -> None:
        server = self.servers[event.server]
        if server.changed:
            self._look(server)
        server.saves, server.first_save, server.may_drop = True, False, None
        server.disk_term, server.disk_vote = event.current_term, event.voted_for
        server.saved_votes[event.current_term] = event.voted_for
        if event.last_included_index and not self.stage.has(SNAPSHOTS):
            server.trusted = False  # no service has taken a snapshot that could hold the entries before
        if event.snapshot_index is not None:
            server.disk_snapshot = event.snapshot_index
        server.disk.rewrite(event)
        server.changed = True
        self._show(server, event.current_term, event.time)
        if event.voted_for == server.id:
            server.votes.setdefault(event.current_term, (server.id, server.incarnation))
        if server.trusted or self.stage.has(PERSISTENCE):
            server.log, server.unsent = server.disk.copy(), None
        else:
            server.log.lengthen(server.disk.last)
        if server.leads is not None:
            self._count(server)
        floor = min(each.disk.base for each in self.servers)
        for index in range(self._floor + 1, floor):
            self.committed.pop(index, None)
        self._floor = max(self._floor, floor - 1)

    def on_start(self, event: Start) -> None:
        server = self.servers[event.server]
        if event.is_leader:
            self._lead(server, event.term, event.time)
            if server.saves and not self.stage.has(PERSISTENCE) and server.disk.lacks(event.index, event.term):
                server.trusted = False
            server.own_end = max(server.own_end, (event.term, event.index))
            if event.index > server.log.surely_last:
                server.log.truncate(event.index)
                server.unsent = server.unsent or event.index
                server.log.merge(event.index - 1, [event.term])
                server.changed = True

    def on_apply(self, event: Apply) -> None:
        server = self.servers[event.server]
        if event.index > self.highest_committed and server.log.term_at(event.index) is not None:
            self.commit(server, event.index)
        server.committed = max(server.committed, event.index)
        server.applied, server.installed = event.index, 0

    def on_apply_snap(self, event: ApplySnap) -> None:
        server = self.servers[event.server]
        server.committed = max(server.committed, event.index)
        server.applied = server.installed = event.index

    def on_role(self, event: Role) -> None:
        server = self.servers[event.server]
        self._show(server, event.term, event.time)
        if event.is_leader:
            self._lead(server, event.term, event.time)
        elif server.leads is not None:
            server.leads = None

    def _show(self, server: ShadowServer, term: int, time: float) -> None:
        if term > server.term:
            server.term, server.shown_at = term, time
            if term > server.reached:
                server.raised = (term, time)
            if server.unsent is not None:  # A promise that the end of the leadership may have undone, or not.
                server.log.forget(server.unsent)
                server.unsent, server.changed = None, True

    def _lead(self, server: ShadowServer, term: int, time: float) -> None:
        if server.leads == term <= server.term:
            return
        self._show(server, term, time)
        if server.match_term < term:
            server.match_term, server.match = term, {}
        if term not in server.led:
            server.led.add(term)
            self.leader_of.setdefault(term, server.id)
        server.leads = term

    def _must_adopt(self, server: ShadowServer, term: int, time: float) -> None:
        if term > max(server.heard[0], server.term):
            server.heard = (term, time)

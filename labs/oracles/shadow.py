"""The shadow: what is known of each server from the outside, and what follows from it. Most judges rest on it.

It is derived from what servers were sent, answered, sent and saved, and holds only what is certain: a shadow log never
contains an entry that the server might not have. Judges see the shadow as it was before the event that they judge.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    Message,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.oracles.violation import Oracle
from labs.trace.events import (
    Apply,
    ApplySnap,
    Crash,
    Deliver,
    Drop,
    Reply,
    Restart,
    Role,
    Save,
    Send,
    Start,
    Timeout,
)

MAX_REQUESTS = 10_000
"""So many calls are remembered at most."""
MAX_UNANSWERED = 500
"""Of so many requests at most it is remembered what a server could have answered."""
LogMessage: TypeAlias = AppendEntriesArgs | InstallSnapshotArgs
Value = TypeVar("Value")


class ShadowLog:
    """A log as known from outside: terms of the entries after `base`; None where the term is not known."""

    __slots__ = ("base", "base_term", "terms")

    def __init__(self, base: int = 0, base_term: int = 0, terms: Iterable[int | None] = ()) -> None:
        self.base, self.base_term = base, base_term
        self.terms: list[int | None] = list(terms)

    @property
    def last(self) -> int:
        """The index of the last entry."""
        return self.base + len(self.terms)

    @property
    def last_term(self) -> int | None:
        return self.terms[-1] if self.terms else self.base_term

    def term_at(self, index: int) -> int | None:
        """Return the term of the entry at an index, or None if it is not there, or below the base, or not known."""
        if index > self.base:
            return self.terms[index - self.base - 1] if index <= self.last else None
        return self.base_term if index == self.base else None

    def lacks(self, index: int, term: int) -> bool:
        """Say whether the log certainly has no entry of this term at this index."""
        if index > self.last:
            return True
        if index < self.base:
            return False
        known = self.term_at(index)
        return known is not None and known != term

    def has(self, index: int, term: int) -> bool:
        """Say whether the log certainly has an entry of this term at this index; every log has index 0."""
        return index == 0 or (index >= self.base and self.term_at(index) == term)

    def conflict(self, prev: int, terms: Sequence[int]) -> int | None:
        """Return the first index at which the log has another term than these entries after `prev`."""
        known = self.terms
        for index in range(max(prev, self.base) + 1, min(prev + len(terms), self.last) + 1):
            term = known[index - self.base - 1]
            if term is not None and term != terms[index - prev - 1]:
                return index
        return None

    def merge(self, prev: int, terms: Sequence[int]) -> None:
        """Take in entries after `prev`: truncate at a conflict, append what is new (AppendEntries rules 3 and 4)."""
        conflict = self.conflict(prev, terms)
        if conflict is not None:
            del self.terms[conflict - self.base - 1 :]
        if prev > self.last:
            self.terms += [None] * (prev - self.last)
        for index in range(max(prev, self.base) + 1, prev + len(terms) + 1):
            if index > self.last:
                self.terms.append(terms[index - prev - 1])
            elif self.terms[index - self.base - 1] is None:
                self.terms[index - self.base - 1] = terms[index - prev - 1]

    def truncate(self, index: int) -> None:
        """Drop the entry at an index and all after it."""
        if index > self.base:
            del self.terms[index - self.base - 1 :]

    def rewrite(self, event: Save) -> None:
        """Become the log that a save describes."""
        shift = event.last_included_index - self.base
        kept = event.first_index - 1 - event.last_included_index
        del self.terms[max(0, shift + kept) :]
        del self.terms[: max(0, shift)]
        self.base, self.base_term = event.last_included_index, event.last_included_term
        self.terms += [entry.term for entry in event.entries]

    def copy(self) -> ShadowLog:
        return ShadowLog(self.base, self.base_term, self.terms)


class Chance:
    """What a server could rightly have answered to a request, at some moment since it was delivered."""

    __slots__ = ("no", "open", "request", "stored", "yes")

    def __init__(self, request: Message | None) -> None:
        self.request = request
        self.open = 0
        """Copies of the request that are not answered."""
        self.yes = self.no = self.stored = request is None
        """Whether yes or no was right; and whether its disk held all that a yes to AppendEntries acknowledges."""

    def look(self, server: ShadowServer) -> None:
        """Take account of what the server holds at this moment."""
        log, request = server.log, self.request
        if isinstance(request, AppendEntriesArgs):
            prev, prev_term, entries = request.prev_log_index, request.prev_log_term, request.entries
            self.yes = self.yes or not log.lacks(prev, prev_term)
            self.no = self.no or not log.has(prev, prev_term)
            last_term = entries[-1].term if entries else prev_term
            self.stored = self.stored or not server.disk.lacks(prev + len(entries), last_term)
        elif isinstance(request, RequestVoteArgs):
            mine = (log.last_term or 0, log.last)
            self.yes = self.yes or mine <= (request.last_log_term, request.last_log_index)


class ShadowServer:
    """What is known of one server. Fields that a crash ends are set in `begin_life`."""

    def __init__(self, server: int) -> None:
        self.id = server
        self.up = False
        self.saves = False
        """Whether it saves its state at all; in the early stages it need not."""
        self.trusted = True
        """Whether its disk holds what it acknowledged so far; if not, its log is not read there in early stages."""
        self.disk = ShadowLog()
        self.disk_term = 0
        self.disk_vote: int | None = None
        self.disk_snapshot = 0
        self.votes: dict[int, tuple[int, int]] = {}
        """For each term the candidate that it voted for, itself included, and in which life."""
        self.committed = 0
        """The highest index that it may hold committed: told by a leader, counted as a leader, or by a snapshot."""
        self.incarnation = -1
        self.begin_life()

    def begin_life(self) -> None:
        self.changed = True
        """Whether its log has changed since what it may answer was last looked at."""
        self.log = self.disk.copy()
        self.term = self.disk_term
        """The highest term that it has shown."""
        self.shown_before: dict[int, int] = {}
        """The term that it had shown when a request reached it, by RPC."""
        self.heard = (0, 0.0)
        """The highest term that it must have adopted by what reached it, and when."""
        self.leads: int | None = None
        """The term that it is known to lead."""
        self.led: set[int] = set()
        self.candidate = 0
        """The highest term in which it campaigned in this life."""
        self.granted: dict[int, set[int]] = {}
        """For each term the servers whose votes reached it."""
        self.match: dict[int, int] = {}
        """As leader of `match_term`: up to which index each peer acknowledged its log."""
        self.match_term = 0
        self.verified = (0, 0)
        """(term, index): up to which index its log is known to match that of the leader of that term."""
        self.told = (0, 0)
        """(term, index): the highest leader_commit that reached it in that term."""
        self.pending: dict[int, LogMessage] = {}
        """Requests that change the log, and that it has not answered."""
        self.chances: dict[int, Chance] = {}
        """For each request that it has not answered what it could answer."""
        self.heard_leader = -1.0
        """When a leader of its term last reached it."""
        self.heard_in = 0
        """The RPC by which that was."""
        self.heard_leader_of = 0
        """The highest term whose leader reached it."""
        self.granted_at = -1.0
        self.invited_at = -1.0
        """When its leader may have told it to campaign."""
        self.followed = 0
        """The highest term whose leader it answered with success."""
        self.may_drop: int | None = None
        """From where on it may have dropped entries that are still on its disk, as they conflict with its leader's."""
        self.first_save = True
        self.unsent: int | None = None
        """From where on its log holds only what `start` promised, in its present term."""
        self.applied = self.disk_snapshot


def is_trial(event: Send) -> bool:
    """Say whether a request asks on trial only who would vote: a field of its own is true (pre-vote)."""
    return isinstance(event.message, RequestVoteArgs) and any(value is True for value in (event.extra or {}).values())


def _remember(table: dict[int, Value], rpc: int, value: Value, most: int = MAX_REQUESTS) -> None:
    """Put a call into a table that forgets its oldest: calls that nobody waits for, to servers that died."""
    table[rpc] = value
    if len(table) > most:
        del table[next(iter(table))]


class Shadow(Oracle):
    """Follows all servers; judges nothing. Must come after the judges that use it."""

    def __init__(self, servers: int, stage: str) -> None:
        self.stage = stage
        self.majority = servers // 2 + 1
        self.servers = [ShadowServer(server) for server in range(servers)]
        self.requests: dict[int, Message] = {}
        """Requests of calls that have not returned, by RPC; trial votes are not among them."""
        self.trials: dict[int, int | None] = {}
        """RPCs that are no election messages though they look like it: a field of their own is true (pre-vote).

        They stay here after the call: a request may come twice, or after its caller has lost patience. With each the
        term in which it may be an election all the same, as the sender has voted for itself (leadership transfer).
        """
        self.marked: dict[int, None] = {}
        """RPCs of leaders with a field of their own that is true: it may mean that the receiver shall campaign."""
        self.pieces: dict[int, None] = {}
        """RPCs of InstallSnapshot with fields of its own: it may carry only a piece of the snapshot."""
        self.partly: dict[int, int] = {}
        """For RPCs whose answer acknowledges less than was sent, up to which index."""
        self.leader_of: dict[int, int] = {}
        self.committed: dict[int, tuple[int, int]] = {}
        """For each index that is known committed: its term, and the term in which that became known."""
        self.highest_committed = 0
        self._floor = 0

    def from_stage(self, stage: str) -> bool:
        """Say whether a rule that belongs to `stage` is judged in this run."""
        return self.stage >= stage

    # What follows from the facts.

    @staticmethod
    def acknowledged(server: ShadowServer, args: AppendEntriesArgs, extra: dict[str, Any] | None) -> int:
        """Return up to which index a yes to AppendEntries acknowledges entries; `extra` are the answer's own fields.

        If the disk holds a part of them, and one of the fields may tell of no more than that, it is that part.
        """
        prev, last = args.prev_log_index, args.prev_log_index + len(args.entries)
        numbers = {value for value in (extra or {}).values() if type(value) is int}
        if not numbers or not server.saves:
            return last
        held = max(prev, min(server.disk.base, last))
        while held < last and server.disk.has(held + 1, args.entries[held - prev].term):
            held += 1
        return held if any(n <= held - prev or prev <= n <= held + 1 for n in numbers) else last

    @staticmethod
    def chance(server: ShadowServer, rpc: int) -> Chance:
        """Return what a server could have answered to a request before now."""
        return server.chances.get(rpc) or Chance(None)

    @staticmethod
    def other_asks(server: ShadowServer, request: RequestVoteArgs) -> bool:
        """Say whether another candidate of that term waits for an answer: it may have the vote already."""
        waiting = (chance.request for chance in server.chances.values())
        return any(
            isinstance(other, RequestVoteArgs)
            and other.term == request.term
            and other.candidate_id != request.candidate_id
            for other in waiting
        )

    def counted(self, server: ShadowServer, durable: bool = False) -> int:
        """Return the highest index of its own term that a leader may count as stored by a majority (Leaders rule 4).

        With `durable` the leader's own log counts only as far as it is on its disk.
        """
        own = server.disk if durable and server.saves else server.log
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
            return max(server.committed, server.log.last) if self.from_stage("2C") else sys.maxsize
        best = server.committed
        if server.told[0] == server.verified[0]:
            best = max(best, min(server.told[1], server.verified[1]))
        if server.match_term:
            best = max(best, self.counted(server))
        return best

    def commit(self, server: ShadowServer, index: int) -> None:
        """Note that all up to an index is committed, as far as this server's log tells the terms."""
        for at in range(max(self.highest_committed, server.log.base) + 1, index + 1):
            term = server.log.term_at(at)
            if term is not None:
                self.committed.setdefault(at, (term, server.match_term or server.term))
        self.highest_committed = max(self.highest_committed, index)

    # Following the events.

    def on_restart(self, event: Restart) -> None:
        server = self.servers[event.server]
        server.up, server.incarnation = True, event.incarnation
        server.begin_life()

    def on_crash(self, event: Crash) -> None:
        self.servers[event.server].up = False

    def on_send(self, event: Send) -> None:
        server, message = self.servers[event.server], event.message
        if isinstance(message, RequestVoteArgs) and is_trial(event):
            voted = not server.saves or (server.disk_term, server.disk_vote) == (message.term, server.id)
            _remember(self.trials, event.rpc, message.term if voted else None)
            return
        if any(value is True for value in (event.extra or {}).values()):
            _remember(self.marked, event.rpc, None)
        if event.extra and isinstance(message, InstallSnapshotArgs):
            _remember(self.pieces, event.rpc, None)
        _remember(self.requests, event.rpc, message)
        if isinstance(message, RequestVoteArgs):
            server.candidate = max(server.candidate, message.term)
            server.votes.setdefault(message.term, (server.id, server.incarnation))
            self._show(server, message.term)
        elif isinstance(message, AppendEntriesArgs | InstallSnapshotArgs):
            self._show(server, message.term)
            self._lead(server, message.term)
            if isinstance(message, AppendEntriesArgs) and message.term == server.match_term == server.term:
                self._look_at_disk(server, message)
                server.log.merge(message.prev_log_index, [entry.term for entry in message.entries])
                server.changed = True
                self._note_sent(server, message.prev_log_index + len(message.entries))
                self._note_commit(server, message.leader_commit)

    @staticmethod
    def _note_sent(server: ShadowServer, last: int) -> None:
        if server.unsent is not None and last >= server.unsent:
            server.unsent = last + 1 if last < server.log.last else None

    def _look_at_disk(self, server: ShadowServer, sent: AppendEntriesArgs) -> None:
        """Stop reading a leader's disk, before the stage of persistence, if it does not hold what the leader sends."""
        last = sent.prev_log_index + len(sent.entries)
        if sent.entries and not self.from_stage("2C") and server.disk.lacks(last, sent.entries[-1].term):
            server.trusted = False

    def _note_commit(self, server: ShadowServer, index: int) -> None:
        if index > server.committed and index <= self.counted(server):
            server.committed = index
            self.commit(server, index)

    def on_deliver(self, event: Deliver) -> None:
        server = self.servers[event.server]
        if event.rpc in self.trials:
            self._hear_of_trial(server, event)
        elif event.leg == "request":
            self._hear_request(server, event)
        else:
            self._hear_reply(server, event)

    def _hear_of_trial(self, server: ShadowServer, event: Deliver) -> None:
        term = self.trials[event.rpc]
        if term is not None and isinstance(event.message, RequestVoteReply) and event.message.vote_granted:
            server.granted.setdefault(term, set()).add(event.peer)

    def _hear_request(self, server: ShadowServer, event: Deliver) -> None:
        message = event.message
        chance = server.chances.get(event.rpc) or Chance(message)
        chance.open += 1
        chance.look(server)
        _remember(server.chances, event.rpc, chance, MAX_UNANSWERED)
        if event.rpc in self.marked:
            server.invited_at = event.time
        if self.servers[event.peer].incarnation < 0:
            self._hear_puppet(event)
        server.shown_before.setdefault(event.rpc, server.term)
        if isinstance(message, AppendEntriesArgs | InstallSnapshotArgs):
            server.pending[event.rpc] = message
            self._must_adopt(server, message.term, event.time)
            if message.term >= server.term:
                server.heard_leader, server.heard_leader_of = event.time, message.term
                server.heard_in = event.rpc
        if isinstance(message, AppendEntriesArgs) and message.term >= server.term:
            prev, term = message.prev_log_index, message.term
            # What came right before, and is not handled yet, may hold the entry that this one follows.
            follows = server.verified[0] == term and prev <= server.verified[1]
            if follows or not server.log.lacks(prev, message.prev_log_term):
                before = server.verified[1] if server.verified[0] == term else 0
                server.verified = (term, max(before, prev + len(message.entries)))
                told = server.told[1] if server.told[0] == term else 0
                server.told = (term, max(told, message.leader_commit))
                server.committed = max(server.committed, min(server.told[1], server.verified[1]))
        elif isinstance(message, InstallSnapshotArgs) and message.term >= server.term:
            server.committed = max(server.committed, message.last_included_index)

    def _hear_puppet(self, event: Deliver) -> None:
        """A server that the test plays asks: nobody saw it send, and nobody judges it."""
        self.requests[event.rpc] = event.message
        if isinstance(event.message, AppendEntriesArgs | InstallSnapshotArgs):
            self.leader_of.setdefault(event.message.term, event.peer)

    def _hear_reply(self, server: ShadowServer, event: Deliver) -> None:
        request, reply = self.requests.pop(event.rpc, None), event.message
        if request is None:
            return
        term = getattr(request, "term", 0)
        if term == server.term:
            self._must_adopt(server, getattr(reply, "term", 0), event.time)
        if isinstance(reply, RequestVoteReply) and reply.vote_granted:
            server.granted.setdefault(term, set()).add(event.peer)
        elif isinstance(reply, AppendEntriesReply) and reply.success and isinstance(request, AppendEntriesArgs):
            last = request.prev_log_index + len(request.entries)
            self._acknowledge(server, event.peer, term, self.partly.pop(event.rpc, last))
        elif (
            isinstance(reply, InstallSnapshotReply) and isinstance(request, InstallSnapshotArgs) and reply.term == term
        ):
            self._acknowledge(server, event.peer, term, self.partly.pop(event.rpc, request.last_included_index))

    def _acknowledge(self, server: ShadowServer, peer: int, term: int, index: int) -> None:
        if server.match_term == term and index > server.match.get(peer, -1):
            server.match[peer] = index
            self._count(server)

    def _count(self, server: ShadowServer) -> None:
        """Note as committed what a majority has stored; of the leader itself its disk counts (from 2C)."""
        counted = self.counted(server, durable=self.from_stage("2C"))
        if counted > self.highest_committed:
            self.commit(server, counted)

    def on_reply(self, event: Reply) -> None:
        server, reply = self.servers[event.server], event.message
        if event.rpc in self.trials:
            return
        request = server.pending.pop(event.rpc, None) or self.requests.get(event.rpc)
        server.shown_before.pop(event.rpc, None)
        self._look(server)
        chance = self.chance(server, event.rpc)
        chance.open -= 1
        if chance.open == 0:
            del server.chances[event.rpc]
        self._show(server, getattr(reply, "term", 0))
        if isinstance(reply, RequestVoteReply) and isinstance(request, RequestVoteArgs):
            if reply.vote_granted:
                server.votes.setdefault(request.term, (request.candidate_id, server.incarnation))
                server.granted_at = event.time
        elif isinstance(reply, AppendEntriesReply) and isinstance(request, AppendEntriesArgs):
            if reply.success:
                last = self.acknowledged(server, request, event.extra)
                if last < request.prev_log_index + len(request.entries):
                    _remember(self.partly, event.rpc, last)
                    request = replace(request, entries=request.entries[: last - request.prev_log_index])
            self._answered_append(server, request, reply)
        elif event.rpc in self.pieces and isinstance(request, InstallSnapshotArgs):
            index, term = request.last_included_index, request.last_included_term
            if index > max(server.disk_snapshot, server.applied) and server.disk.lacks(index, term):
                _remember(self.partly, event.rpc, 0)

    def _answered_append(self, server: ShadowServer, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:
        prev, terms = args.prev_log_index, [entry.term for entry in args.entries]
        if not reply.success:
            if reply.term == args.term and not server.saves and server.log.lacks(prev, args.prev_log_term):
                server.log.truncate(prev)  # it may have dropped the conflicting entry at once
                server.changed = True
            elif reply.term == args.term and server.saves and server.disk.lacks(prev, args.prev_log_term):
                server.may_drop = min(prev, server.may_drop or prev)
            return
        if args.term < server.followed:
            return  # an answer that is late: the entries of a newer leader may have taken the place of these
        server.followed = args.term
        last = prev + len(terms)
        if terms and server.disk.lacks(last, terms[-1]):
            server.trusted = False
        if not (server.saves and server.trusted):
            server.log.merge(prev, terms)
            server.changed = True

    @staticmethod
    def _look(server: ShadowServer) -> None:
        """Take account of what a server holds, before that changes."""
        if server.changed:
            for chance in server.chances.values():
                chance.look(server)
            server.changed = False

    def on_drop(self, event: Drop) -> None:
        if event.reason == "abandoned":
            self._forget(event.rpc)

    def on_timeout(self, event: Timeout) -> None:
        self._forget(event.rpc)

    def _forget(self, rpc: int) -> None:
        """A call is over, or its reply will not be looked at."""
        self.requests.pop(rpc, None)

    def on_save(self, event: Save) -> None:
        server = self.servers[event.server]
        self._look(server)
        server.saves, server.first_save, server.may_drop = True, False, None
        server.disk_term, server.disk_vote = event.current_term, event.voted_for
        if event.snapshot_index is not None:
            server.disk_snapshot = event.snapshot_index
        server.disk.rewrite(event)
        server.changed = True
        self._show(server, event.current_term)
        if event.voted_for == server.id:
            server.votes.setdefault(event.current_term, (server.id, server.incarnation))
        if server.trusted or self.from_stage("2C"):
            server.log, server.unsent = server.disk.copy(), None
        if server.leads is not None:
            self._count(server)
        floor = min(each.disk.base for each in self.servers)
        for index in range(self._floor + 1, floor):
            self.committed.pop(index, None)
        self._floor = max(self._floor, floor - 1)

    def on_start(self, event: Start) -> None:
        server = self.servers[event.server]
        if event.is_leader:
            self._show(server, event.term)
            self._lead(server, event.term)
            if event.index > server.log.last:
                server.unsent = server.unsent or event.index
                server.log.merge(event.index - 1, [event.term])
                server.changed = True

    def on_apply(self, event: Apply) -> None:
        server = self.servers[event.server]
        if event.index > self.highest_committed and server.log.term_at(event.index) is not None:
            self.commit(server, event.index)
        server.committed = max(server.committed, event.index)
        server.applied = event.index

    def on_apply_snap(self, event: ApplySnap) -> None:
        server = self.servers[event.server]
        server.committed = max(server.committed, event.index)
        server.applied = event.index

    def on_role(self, event: Role) -> None:
        server = self.servers[event.server]
        self._show(server, event.term)
        if event.is_leader:
            self._lead(server, event.term)
        elif server.leads is not None:
            server.leads = None

    def _show(self, server: ShadowServer, term: int) -> None:
        if term > server.term:
            server.term = term
            if server.unsent is not None:  # A promise that the end of the leadership may have undone.
                server.log.truncate(server.unsent)
                server.unsent, server.changed = None, True

    def _lead(self, server: ShadowServer, term: int) -> None:
        if server.match_term < term:
            server.match_term, server.match = term, {}
        if term not in server.led:
            server.led.add(term)
            self.leader_of.setdefault(term, server.id)
        server.leads = term

    def _must_adopt(self, server: ShadowServer, term: int, time: float) -> None:
        if term > max(server.heard[0], server.term):
            server.heard = (term, time)

"""Votes that are asked for on trial: a server that leads by them needs them as votes (§5.1, §5.2; Candidates 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from labs.checking.checker import Checker, Violation
from labs.messages import RequestVoteArgs
from labs.raft.checkers.shadow import Shadow, remember
from labs.trace.events import Crash, Deliver, Reply, Send


class JudgeOfVotes(Protocol):
    """The common part of checkers of elections; both methods raise Violation."""

    def asks(self, event: Send) -> None:
        """Check a candidate that asks for a vote."""

    def grants(self, event: Reply, request: RequestVoteArgs) -> None:
        """Check a voter that gives its vote."""


class Trials(Checker):
    """Remembers what would be wrong with each answer on trial if it were a vote.

    A trial (PreVote) changes nothing, so nothing is wrong with it; but a field that is true does not make a vote a
    trial. A server that leads a term by such answers has asked for votes, and they are checked as votes. Must come
    before the shadow.
    """

    def __init__(self, shadow: Shadow, judges: Iterable[JudgeOfVotes]) -> None:
        self._shadow = shadow
        self._judges = list(judges)
        self._asked: dict[int, tuple[float, Violation | None, set[str]]] = {}
        """For each trial when it was sent, what would be wrong with it, and its fields that were true."""
        self._granted: dict[int, Violation | None] = {}
        """For each trial that was granted what would be wrong with that."""
        self._votes: dict[int, tuple[int, dict[int, Violation | None]]] = {}
        """For each server the term of its last trials, and who granted them, with what would be wrong with that."""
        self._fields: dict[int, set[str]] = {}
        """For each server the fields that were true in the last of its trials whose answer would do as a vote."""

    def on_send_request_vote(self, event: Send) -> None:
        if self._shadow.is_trial(event):
            fields = {name for name, value in (event.extra or {}).items() if value is True}
            remember(self._asked, event.rpc, (event.time, self._fault_of_asking(event), fields))

    def on_reply_request_vote(self, event: Reply) -> None:
        request = self._shadow.trials.get(event.rpc)
        if request is not None and event.message.vote_granted and event.rpc not in self._granted:
            remember(self._granted, event.rpc, self._fault_of_granting(event, request))

    def on_return_request_vote(self, event: Deliver) -> None:
        request = self._shadow.trials.get(event.rpc)
        if request is None or not event.message.vote_granted:
            return
        sent, fault, fields = self._asked.get(event.rpc, (0.0, None, set()))
        fault = fault or self._only_tried(event, request.term, sent) or self._granted.get(event.rpc)
        if fault is None:
            self._fields[event.server] = fields
        term, votes = self._votes.get(event.server, (0, {}))
        if term < request.term:
            votes = {}
        if term <= request.term and votes.get(event.peer, fault) is not None:
            votes[event.peer] = fault
        elif term <= request.term:
            votes[event.peer] = None
        self._votes[event.server] = (max(term, request.term), votes)

    def on_crash(self, event: Crash) -> None:
        self._votes.pop(event.server, None)

    def votes(self, server: int, term: int) -> dict[int, Violation | None]:
        """Return who has granted a server's trials of a term, with what is wrong with each as a vote."""
        known, votes = self._votes.get(server, (0, {}))
        return votes if known == term else {}

    def fields(self, server: int) -> set[str]:
        """Return the fields that were true in the last of a server's trials whose answer would do as a vote."""
        return self._fields.get(server, set())

    def _only_tried(self, event: Deliver, term: int, sent: float) -> Violation | None:
        """Return what is wrong with a candidate that was not yet in the term for which it asked."""
        server = self._shadow.servers[event.server]
        if server.term > term or (server.term == term and server.shown_at <= sent):
            return None
        text = (
            f"server {server.id} leads term {term} by the answer of server {event.peer} to a request on trial: when it "
            f"asked, at t={sent:.3f} s, it was not in that term"
        )
        return Violation("LeaderHasMajority", text, (server.id, event.peer), event.time)

    def _fault_of_asking(self, event: Send) -> Violation | None:
        try:
            for judge in self._judges:
                judge.asks(event)
        except Violation as violation:
            return violation
        return None

    def _fault_of_granting(self, event: Reply, request: RequestVoteArgs) -> Violation | None:
        try:
            for judge in self._judges:
                judge.grants(event, request)
        except Violation as violation:
            return violation
        return None

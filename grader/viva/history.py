"""A run as facts for questions: which server voted for which, what was on which disk, which reply reached which server.

Built from the events of a trace, in their order. Knows nothing of questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from labs.messages import AppendEntriesArgs, AppendEntriesReply, RequestVoteArgs, RequestVoteReply
from labs.raft.events import Save
from labs.trace.events import Crash, Deliver, Drop, Event, Reply, Restart, Send


@dataclass(frozen=True)
class Disk:
    """The last save of a server. `terms` has those of its entries, by index."""

    time: float = 0.0
    current_term: int = 0
    voted_for: int | None = None
    terms: dict[int, int] = field(default_factory=dict)
    included: tuple[int, int] = (0, 0)
    """Index and term of the last entry that the snapshot covers."""
    saves: int = 0

    @property
    def last(self) -> tuple[int, int]:
        """Return index and term of the last entry."""
        index = max(self.terms, default=0)
        return (index, self.terms[index]) if index > self.included[0] else self.included

    def after(self, event: Save) -> Disk:
        """Return the disk after a save."""
        terms = {i: t for i, t in self.terms.items() if event.last_included_index < i < event.first_index}
        terms |= {event.first_index + offset: entry.term for offset, entry in enumerate(event.entries)}
        included = (event.last_included_index, event.last_included_term)
        return Disk(event.time, event.current_term, event.voted_for, terms, included, self.saves + 1)


@dataclass(frozen=True)
class Refusal:
    """A server refused a vote or entries: the request, and what the server knew."""

    time: float
    server: int
    peer: int
    args: RequestVoteArgs | AppendEntriesArgs
    term: int
    """The time of the answer."""
    voted: tuple[int, float] | None
    """The candidate that it had voted for in that term, and when that first showed; None if it had not voted."""
    disk: Disk


@dataclass(frozen=True)
class Ack:
    """A success of AppendEntries reached the leader: `peer` holds the leader's log up to `match`."""

    time: float
    leader: int
    peer: int
    term: int
    match: int


@dataclass(frozen=True)
class Death:
    """A server crashed; what was on its disk, and when it came back, if it did."""

    time: float
    server: int
    disk: Disk
    back: float | None = None


@dataclass(frozen=True)
class Rise:
    """A server heard of a higher term than any that it had shown, and then showed it."""

    time: float
    server: int
    peer: int
    before: int
    term: int
    call: str
    leg: str


@dataclass
class History:
    """All facts."""

    size: int
    refused_votes: list[Refusal] = field(default_factory=list)
    refused_entries: list[Refusal] = field(default_factory=list)
    granted: dict[tuple[int, int], list[tuple[float, int]]] = field(default_factory=dict)
    """For (candidate, term): the times of the votes that reached it, and their voters."""
    led: dict[int, tuple[float, int]] = field(default_factory=dict)
    """For each term: when its leader first sent AppendEntries, and the leader."""
    acks: list[Ack] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    rises: list[Rise] = field(default_factory=list)
    lost: list[tuple[Send, Drop]] = field(default_factory=list)
    saves: list[Save] = field(default_factory=list)
    sent_terms: dict[tuple[int, int], dict[int, int]] = field(default_factory=dict)
    """For (leader, term): the terms of the entries that it sent, by index."""


def fold(events: Iterable[Event], size: int) -> History:
    """Return the facts of a run."""
    folding = _Folding(History(size))
    for event in events:
        folding.take(event)
    folding.forget_what_arrived()
    return folding.history


class _Folding:
    """The knowledge while a trace is read."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._disks = [Disk() for _ in range(history.size)]
        self._shown = [0] * history.size
        self._votes: dict[tuple[int, int], tuple[int, float]] = {}
        self._sent: dict[int, Send] = {}
        self._arrived: set[tuple[int, str]] = set()
        """Calls whose request, or reply, has arrived."""

    def forget_what_arrived(self) -> None:
        """Keep the lost messages of which no copy arrived, and whose sender was still there to wait."""
        self.history.lost = [
            (sent, drop)
            for sent, drop in self.history.lost
            if (sent.rpc, drop.leg) not in self._arrived
            and (drop.leg == "request" or ((sent.rpc, "request") in self._arrived and drop.reason != "down"))
        ]

    def take(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case Send():
                self._send(event)
            case Reply():
                self._reply(event)
            case Deliver(message=message) if hasattr(message, "term"):
                self._deliver(event)
            case Drop() if event.rpc in self._sent:
                self.history.lost.append((self._sent[event.rpc], event))
            case Save():
                self.history.saves.append(event)
                self._disks[event.server] = self._disks[event.server].after(event)
            case Crash():
                self.history.deaths.append(Death(event.time, event.server, self._disks[event.server]))
            case Restart() if event.incarnation:
                self._restart(event)

    def _send(self, event: Send) -> None:
        self._sent[event.rpc] = event
        message = event.message
        if not hasattr(message, "term"):
            return
        self._show(event.server, message.term)
        if isinstance(message, RequestVoteArgs):
            self._votes.setdefault((event.server, message.term), (event.server, event.time))
        elif isinstance(message, AppendEntriesArgs):
            self.history.led.setdefault(message.term, (event.time, event.server))
            terms = self.history.sent_terms.setdefault((event.server, message.term), {})
            terms |= {message.prev_log_index + n: entry.term for n, entry in enumerate(message.entries, 1)}

    def _reply(self, event: Reply) -> None:
        message, request = event.message, self._sent.get(event.rpc)
        if request is None or not hasattr(message, "term"):
            return
        self._show(event.server, message.term)
        voted = self._votes.get((event.server, message.term))
        refusal = Refusal(
            event.time, event.server, event.peer, request.message, message.term, voted, self._disks[event.server]
        )
        if isinstance(message, RequestVoteReply) and message.vote_granted:
            self._votes.setdefault((event.server, message.term), (event.peer, event.time))
        elif isinstance(message, RequestVoteReply):
            self.history.refused_votes.append(refusal)
        elif isinstance(message, AppendEntriesReply) and not message.success:
            self.history.refused_entries.append(refusal)

    def _deliver(self, event: Deliver) -> None:
        message, request = event.message, self._sent.get(event.rpc)
        self._arrived.add((event.rpc, event.leg))
        if message.term > self._shown[event.server]:
            rise = Rise(
                event.time, event.server, event.peer, self._shown[event.server], message.term, event.call, event.leg
            )
            self.history.rises.append(rise)
            self._shown[event.server] = message.term
        if event.leg != "reply" or request is None:
            return
        asked = request.message
        if isinstance(message, RequestVoteReply) and message.vote_granted and isinstance(asked, RequestVoteArgs):
            key = (event.server, asked.term)
            leads = message.term == asked.term == self._shown[event.server]
            if leads and event.peer not in [peer for _, peer in self.history.granted.get(key, [])]:
                self.history.granted.setdefault(key, []).append((event.time, event.peer))
        elif isinstance(message, AppendEntriesReply) and message.success and isinstance(asked, AppendEntriesArgs):
            match = asked.prev_log_index + len(asked.entries)
            if self._shown[event.server] != asked.term:
                return  # it no longer leads that term
            self.history.acks.append(Ack(event.time, event.server, event.peer, asked.term, match))

    def _restart(self, event: Restart) -> None:
        for number in reversed(range(len(self.history.deaths))):
            death = self.history.deaths[number]
            if death.server == event.server:
                if death.back is None:
                    self.history.deaths[number] = replace(death, back=event.time)
                break
        disk = self._disks[event.server]
        self._shown[event.server] = disk.current_term

    def _show(self, server: int, term: int) -> None:
        self._shown[server] = max(self._shown[server], term)

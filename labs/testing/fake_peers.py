"""Fake peers: servers without code, in whose name a test exchanges messages with a real one.

They keep what reaches them for the test. To the kernel a fake peer is an incarnation like any other. Its messages are
recorded where they arrive and never where they leave, so that no checker looks at them. Knows of Raft only the form of
its messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from labs.codec import messages as codec
from labs.codec import safe_repr
from labs.codec.rpcs import CALL_OF
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    Args,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    Message,
    PingArgs,
    PingReply,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.sim.kernel import Kernel
from labs.sim.net.network import RELIABLE
from labs.sim.server.disk import Disk
from labs.sim.server.incarnation import Life
from labs.sim.server.service import Service

A = TypeVar("A", RequestVoteArgs, AppendEntriesArgs, InstallSnapshotArgs)
PATIENT = replace(RELIABLE, silence=(7.0, 7.0))
"""A network on which everything arrives at once, and a call that a fake peer does not answer returns None after 7 s."""


@dataclass(frozen=True)
class Request(Generic[A]):
    """A request of the real server that reached a fake peer, at a time in virtual seconds."""

    peer: int
    rpc: int
    message: A
    time: float
    ticket: int


M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Terms:
    """How a drill counts terms: its term 1 is the term `before + 1` of the run, and 0 is the term of no entry."""

    before: int = 0

    def on_the_wire(self, message: M) -> M:
        """Return a message of the drill with the run's terms."""
        return self._moved(message, self.before)

    def in_the_drill(self, message: M) -> M:
        """Return a message of the run with the drill's terms."""
        return self._moved(message, -self.before)

    def in_words(self, text: str) -> str:
        """Return a message of a drill, with the run's terms."""
        return re.sub(r"\b(terms? )(\d+)", lambda found: f"{found[1]}{int(found[2]) + self.before}", text)

    def entry(self, term: int) -> int:
        """Return in the drill's count the term of an entry; 0 stays 0."""
        return term - self.before if term else 0

    def _moved(self, message: M, by: int) -> M:
        if by == 0 or isinstance(message, PingArgs | PingReply):
            return message
        changes: dict[str, Any] = {"term": message.term + by}
        for name in ("prev_log_term", "last_log_term", "last_included_term", "conflict_term"):
            if term := getattr(message, name, None):
                changes[name] = term + by
        if isinstance(message, AppendEntriesArgs):
            changes["entries"] = [replace(entry, term=entry.term + by) for entry in message.entries]
        return replace(message, **changes)


class Puppet(Life):
    """One server that the test plays."""

    def __init__(self, kernel: Kernel, server: int, terms: Terms) -> None:
        super().__init__(server, 0, kernel.world.size, kernel.world.seed, kernel.world.program, Disk())
        self.requests: list[Request[Any]] = []
        """What reached it and was not looked at yet, in order."""
        self.replies: dict[int, bytes] = {}
        """The replies to what it asked, by the numbers that `ask` returned."""
        self.agrees_below = 0.0
        """By itself it acknowledges what a leader sends, if that ends before this index."""
        self.settled: list[Request[Any]] = []
        """What a leader sent and it has acknowledged by itself, in order."""
        self.trial_marks: list[str] = []
        """The fields that were true in requests for votes and made them trials, each once, in order."""
        self._kernel, self._world = kernel, kernel.world
        self._terms = terms
        self._term = 0
        self._asked = 0

    def ask(self, target: int, args: Args) -> int:
        """Send a request; return the number of the reply to come."""
        self._asked += 1
        self._term = max(self._term, getattr(args, "term", 0))
        self._kernel.calls.ask_as(self, self._asked, target, codec.encode_to_derive(self._terms.on_the_wire(args)))
        return self._asked

    def answer(self, request: Request[Any], reply: Reply | bytes) -> None:
        """Send a reply, or an encoded one."""
        data = reply if isinstance(reply, bytes) else codec.encode_to_derive(self._terms.on_the_wire(reply))
        self._term = max(self._term, self._terms.in_the_drill(codec.decode_base(data)).term)
        self._kernel.calls.answer_as(self, request.ticket, data)

    def say_yes(self, request: Request[Any]) -> None:
        """Give the requested vote, or acknowledge what a leader sent."""
        match request.message:
            case RequestVoteArgs(term=term):
                self.answer(request, RequestVoteReply(term, True))
            case AppendEntriesArgs(term=term):
                self.answer(request, AppendEntriesReply(term, True))
            case InstallSnapshotArgs(term=term):
                self.answer(request, InstallSnapshotReply(term))

    def agree_below(self, index: float) -> None:
        """Acknowledge, from now on, what a leader sends and what ends before this index."""
        self.agrees_below = index
        for request in [request for request in self.requests if _end(request.message) < index]:
            self.requests.remove(request)
            self.settled.append(request)
            self.say_yes(request)

    def forget(self) -> None:
        """Forget everything that has reached it."""
        self.requests.clear()
        self.settled.clear()

    def request(self, ticket: int, data: bytes) -> None:
        """Take in what the real server sent: keep it, or answer if that needs no thought."""
        message = self._terms.in_the_drill(codec.decode_base(data))
        request = Request[Any](self.server, self._kernel.calls.expire(ticket), message, self._kernel.now, ticket)
        extra = codec.decode_extra(data) or {}
        marks = [name for name, value in extra.items() if value is True]
        if isinstance(message, RequestVoteArgs) and marks:
            self.trial_marks += [name for name in marks if name not in self.trial_marks]
            # A trial before an election (pre-vote): it binds nobody, and changes no term. The answer comes from a voter
            # in the candidate's own term, for one in an older term would not be believed.
            reply = RequestVoteReply(max(self._term, message.term - 1), True)
            self._world.at(self._kernel.now, self.answer, request, reply)
        elif _end(message) < self.agrees_below:
            self.settled.append(request)
            self._world.at(self._kernel.now, self.say_yes, request)
        else:
            self._term = max(self._term, getattr(message, "term", 0))
            self.requests.append(request)

    def reply(self, call: int, data: bytes | None) -> bool:
        """Take in a reply of the real server, or None if it is down."""
        if data is not None:
            self.replies[call] = data
        return data is not None


def _end(message: Message) -> float:
    """Return up to which index a log agrees with the leader's, once it acknowledges; infinity for a candidate's
    request."""
    match message:
        case AppendEntriesArgs():
            return message.prev_log_index + len(message.entries)
        case InstallSnapshotArgs():
            return message.last_included_index
    return math.inf


def command_of(index: int, term: int) -> str:
    """Return the command that a fake peer's log has in the entry of this index and term."""
    return f"{index}/t{term}"


def entries_of(terms: Iterable[int], after: int = 0) -> list[LogEntry]:
    """Return entries of these terms, as in a fake peer's log after the index `after`."""
    return [LogEntry(term, command_of(index, term)) for index, term in enumerate(terms, after + 1)]


def snapshot_of(terms: Iterable[int]) -> bytes:
    """Return the snapshot of a service that has applied a fake peer's log with entries of these terms."""
    service = Service(1)
    for index, entry in enumerate(entries_of(terms), 1):
        service.apply(0, index, codec.encode_command(entry.command))
    return service.snapshot(0)


def in_words(message: Message) -> str:
    """Return a message as a failure shows it: requests with their name, the paper's names for all fields."""
    name = CALL_OF[type(message)] if isinstance(message, Args) else ""
    shown = []
    for field in message.__dataclass_fields__:
        value = getattr(message, field)
        if field == "entries":
            value = "[" + ", ".join(f"{safe_repr.short(entry.command)} of term {entry.term}" for entry in value[:4])
            value += f", … {len(message.entries)} in all]" if len(message.entries) > 4 else "]"  # type: ignore[union-attr]
        elif field == "data":
            value = f"{len(value)} bytes"
        elif value is None:
            continue
        shown.append(f"{field}={value}")
    return f"{name}({', '.join(shown)})"

"""Fake peers that speak Raft: they vote and acknowledge when a drill lets them, and count terms as the drill does.

Knows of Raft only the form of its messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

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
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.sim.kernel import Kernel
from labs.sim.server.service import Service
from labs.testing.fake_peers import FakePeer, Request

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


class RaftPeer(FakePeer):
    """One server that a drill of Raft plays."""

    def __init__(self, kernel: Kernel, server: int, terms: Terms) -> None:
        super().__init__(kernel, server)
        self.agrees_below = 0.0
        """By itself it acknowledges what a leader sends, if that ends before this index."""
        self.settled: list[Request[Any]] = []
        """What a leader sent and it has acknowledged by itself, in order."""
        self.trial_marks: list[str] = []
        """The fields that were true in requests for votes and made them trials, each once, in order."""
        self._terms = terms
        self._term = 0

    def on_the_wire(self, message: Any) -> Any:
        """Return a message of the drill with the run's terms."""
        return self._terms.on_the_wire(message)

    def in_the_drill(self, message: Any) -> Any:
        """Return a message of the run with the drill's terms."""
        return self._terms.in_the_drill(message)

    def ask(self, target: int, args: Any) -> int:
        """Send a request; return the number of the reply to come."""
        self._term = max(self._term, args.term)
        return super().ask(target, args)

    def answer(self, request: Request[Any], reply: Any) -> None:
        """Send a reply, or an encoded one."""
        data = reply if isinstance(reply, bytes) else codec.encode_to_derive(self.on_the_wire(reply))
        self._term = max(self._term, self.in_the_drill(codec.decode_base(data)).term)
        super().answer(request, data)

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
        super().forget()
        self.settled.clear()

    def take(self, request: Request[Any], extra: dict[str, Any]) -> None:
        """Keep a request, or answer it if that needs no thought."""
        message = request.message
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
            self._term = max(self._term, getattr(message, "term", 0))  # messages of other labs have no terms
            super().take(request, extra)


def _end(message: Message) -> float:
    """Return up to which index a log agrees with the leader's once it acknowledges; for candidates, infinity."""
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

"""A run written event by event, for tests of the checkers: what servers send, answer, save and apply, and who
objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labs.checking.checker import Checkers, Violation
from labs.checking.configuration import Configuration
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    Args,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.checkers import checkers
from labs.raft.checkers.heartbeats import Heartbeats
from labs.raft.curriculum import STAGES
from labs.raft.events import Save
from labs.trace import events

CALLS = {RequestVoteArgs: "RequestVote", AppendEntriesArgs: "AppendEntries", InstallSnapshotArgs: "InstallSnapshot"}


def entries(term: int, *commands: Any) -> list[LogEntry]:
    """Return entries of one term."""
    return [LogEntry(term, command) for command in commands]


class Story:
    """A run of some servers; `now` is moved by the teller. A broken rule raises Violation.

    All checkers watch except the one of heartbeats, which nobody wants to write one by one.
    """

    def __init__(self, stage: str, servers: int = 3) -> None:
        self.now = 0.0
        self.see = self.watch(stage, servers)
        """Shows an event to the checkers."""
        self._rpcs = 0
        self._asked: dict[int, tuple[int, int, Args]] = {}
        self.lives = [-1] * servers
        for server in range(servers):
            self.restart(server)

    def watch(self, stage: str, servers: int) -> Callable[[events.Event], None]:
        """Return what sees each event."""
        found = checkers(Configuration.of_size(servers), STAGES[stage])
        chosen = [judge for judge in found.judges if not isinstance(judge, Heartbeats)]
        return Checkers(found.model, chosen).observer()

    def restart(self, server: int) -> None:
        """Begin a server's next incarnation; end the one before."""
        if self.lives[server] >= 0:
            self.see(events.Crash(self.now, server))
        self.lives[server] += 1
        self.see(events.Restart(self.now, server, self.lives[server]))

    def send(self, server: int, peer: int, args: Args, **extra: Any) -> int:
        """Send a request; return the number of the call."""
        self._rpcs += 1
        self._asked[self._rpcs] = (server, peer, args)
        call = CALLS[type(args)]
        self.see(events.Send(self.now, server, peer, self._rpcs, call, args, 9, extra or None))
        return self._rpcs

    def deliver(self, rpc: int) -> None:
        """Let a request arrive."""
        server, peer, args = self._asked[rpc]
        self.see(events.Deliver(self.now, peer, server, rpc, "request", CALLS[type(args)], args))

    def answer(self, rpc: int, reply: Reply, back: bool = True, **extra: Any) -> None:
        """Let a request be answered, and the answer arrive unless `back` is false."""
        server, peer, args = self._asked[rpc]
        call = CALLS[type(args)]
        self.see(events.Reply(self.now, peer, server, rpc, call, reply, 9, extra or None))
        if back:
            self.see(events.Deliver(self.now, server, peer, rpc, "reply", call, reply))

    def call(self, server: int, peer: int, args: Args, reply: Reply, **extra: Any) -> None:
        """Let a request go out, arrive, be answered, and the answer arrive."""
        rpc = self.send(server, peer, args, **extra)
        self.deliver(rpc)
        self.answer(rpc, reply)

    def save(
        self, server: int, term: int, vote: int | None, log: list[LogEntry], base: tuple[int, int] = (0, 0), **more: Any
    ) -> None:
        """Let a server save its state, the whole log in it."""
        last = base[0] + len(log)
        self.see(Save(self.now, server, term, vote, *base, base[0] + 1, log, last, size=32, **more))

    def role(self, server: int, term: int, leads: bool = False) -> None:
        """Let a server's get_state answer something new."""
        self.see(events.Role(self.now, server, term, leads))

    def start(self, server: int, command: Any, index: int, term: int) -> None:
        """Let a server accept a command."""
        self.see(events.Start(self.now, server, command, index, term, True))

    def apply(self, server: int, index: int, command: Any) -> None:
        """Let a server hand a command to its service."""
        self.see(events.Apply(self.now, server, index, command))

    def elect(self, server: int, term: int, last: tuple[int, int] = (0, 0), voters: tuple[int, ...] = (1, 2)) -> None:
        """Let a server win an election with the votes of some peers, and show that it leads."""
        self.role(server, term)
        for voter in voters:
            self.call(server, voter, RequestVoteArgs(term, server, *last), RequestVoteReply(term, True))
        self.role(server, term, leads=True)

    def append(self, server: int, peer: int, args: AppendEntriesArgs) -> None:
        """Let a leader's entries be acknowledged."""
        self.call(server, peer, args, AppendEntriesReply(args.term, True))

    def install(self, server: int, peer: int, args: InstallSnapshotArgs) -> None:
        """Let a leader's snapshot be acknowledged."""
        self.call(server, peer, args, InstallSnapshotReply(args.term))


__all__ = ["Story", "Violation", "entries"]

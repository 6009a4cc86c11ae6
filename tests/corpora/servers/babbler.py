"""A server that sends anything at random: handlers, calls, saves, applies and answers with values nearly right.

It runs in any test or drill, and must not make one of them stumble. Each seed of a run is another babbler.
"""

from __future__ import annotations

from typing import Any

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node


class Raft:
    """Babbles more or less, as its seed has it; some follow the rules for a while."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node, self.apply_ch = node, apply_ch
        self.term, self.last, self.applied, self.leads = 0, 0, 0, False
        self.log: list[LogEntry] = []
        self.sense = node.random.choice([0.5, 0.9, 0.99, 1.0])
        """How often it sends something nearly right."""

    def near(self, number: int) -> int:
        """Return a number, or one near to it, or far from it."""
        chance = self.node.random.random()
        if chance < self.sense:
            return number
        return self.node.random.choice([number + 1, number - 1, 0, -1, 1, number + 2, 199_000])

    def yes(self) -> bool:
        return self.node.random.random() < 0.7

    async def run(self) -> None:
        while True:
            await trio.sleep(self.node.random.uniform(0.02, 0.3))
            self.babble()
            for peer in self.node.peers:
                if self.yes():
                    with trio.move_on_after(0.05):
                        await self.node.call(peer, self.request())

    def babble(self) -> None:
        """Change its mind, and save or apply something."""
        chance = self.node.random.random()
        if chance < 0.3:
            self.term += 1
            self.leads = False
        elif chance < 0.5:
            self.leads = True
        if chance < 0.6:
            self.save()
        elif chance < 0.8 and self.log:
            self.applied = self.near(self.applied + 1)
            self.apply_ch.send_nowait(ApplyCommand(self.applied, self.log[-1].command))

    def save(self, snapshot: bytes | None = None, base: int = 0) -> None:
        vote = self.node.random.choice([None, self.node.me, *self.node.peers])
        state = PersistentState(max(self.term, 0), vote, self.log[base:], base, self.near(self.term) if base else 0)
        self.node.persister.save(state, snapshot)

    def request(self) -> Any:
        term, me, last = self.near(self.term), self.node.me, self.near(len(self.log))
        chance = self.node.random.random()
        if chance < 0.4 and not self.leads:
            return RequestVoteArgs(term, me, last, self.near(self.term))
        if chance < 0.9:
            entries = self.log[last:] if 0 <= last < len(self.log) else []
            return AppendEntriesArgs(term, me, last, self.near(self.term), entries, self.near(self.applied))
        return InstallSnapshotArgs(term, me, last, term, self.node.persister.snapshot() or b"")

    def get_state(self) -> tuple[int, bool]:
        return max(self.term, 0), self.leads

    def start(self, command: Any) -> tuple[int, int, bool]:
        if not self.yes():
            return self.near(-1), self.term, False
        self.log.append(LogEntry(self.term, command))
        return self.near(len(self.log)), self.near(self.term), self.yes()

    def snapshot(self, index: int, snapshot: bytes) -> None:
        if self.yes() and index <= len(self.log):
            self.save(snapshot, index)
            self.log = self.log[index:]

    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        self.term = max(self.term, args.term)
        return RequestVoteReply(self.near(self.term), self.yes())

    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        self.term = max(self.term, args.term)
        self.log = self.log[: max(args.prev_log_index, 0)] + args.entries
        if self.yes():
            self.save()
        return AppendEntriesReply(self.near(self.term), self.yes(), self.near(1), self.near(1))

    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        self.term = max(self.term, args.term)
        if self.yes():
            self.apply_ch.send_nowait(ApplySnapshot(self.near(args.last_included_index), args.term, args.data))
        return InstallSnapshotReply(self.near(self.term))

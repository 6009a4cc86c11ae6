"""A small server to put load on the simulator: server 0 wins term 1, and keeps calls to each peer in flight.

It is used like a submission. Each AppendEntries carries the whole log, which is empty until a test proposes commands.
The rest is Raft as far as the checkers look: term, vote and log are on disk before a message mentions them.
"""

from __future__ import annotations

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplyMsg,
    Command,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node

IN_FLIGHT = 8
"""Calls to each peer that are under way at a time."""


class Raft:
    """One server. Server 0 leads, and the others follow it; nobody crashes."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node, self.apply_ch = node, apply_ch
        self.majority = (len(node.peers) + 1) // 2 + 1
        self.current_term = 0
        self.voted_for: int | None = None
        self.log: list[LogEntry] = []
        self.commit_index = 0
        self.votes: set[int] = set()
        self.match_index: dict[int, int] = {}

    async def run(self) -> None:
        if self.node.me != 0:
            return
        self.vote_in(1, self.node.me)
        self.votes = {self.node.me}
        async with trio.open_nursery() as nursery:
            for peer in self.node.peers:
                nursery.start_soon(self.lead, nursery, peer)

    async def lead(self, nursery: trio.Nursery, peer: int) -> None:
        """Get the peer's vote; once there is a majority, load the link to it."""
        reply = await self.node.call(peer, RequestVoteArgs(self.current_term, self.node.me, 0, 0))
        if reply is not None and reply.vote_granted:
            self.votes.add(peer)
        while not self.get_state()[1]:
            await trio.sleep(0.001)
        for _ in range(IN_FLIGHT):
            nursery.start_soon(self.keep_calling, peer)

    async def keep_calling(self, peer: int) -> None:
        while True:
            args = AppendEntriesArgs(self.current_term, self.node.me, 0, 0, self.log.copy(), self.commit_index)
            reply = await self.node.call(peer, args)
            if reply is not None and reply.success and len(args.entries) > self.match_index.get(peer, 0):
                self.match_index[peer] = len(args.entries)
                self.advance_commit_index()

    def vote_in(self, term: int, candidate: int) -> None:
        self.current_term, self.voted_for = term, candidate
        self.save()

    def save(self) -> None:
        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log))

    def get_state(self) -> tuple[int, bool]:
        return self.current_term, len(self.votes) >= self.majority

    def start(self, command: Command) -> tuple[int, int, bool]:
        if not self.get_state()[1]:
            return -1, self.current_term, False
        self.log.append(LogEntry(self.current_term, command))
        self.save()
        return len(self.log), self.current_term, True

    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        self.vote_in(args.term, args.candidate_id)
        return RequestVoteReply(self.current_term, vote_granted=True)

    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        if len(args.entries) > len(self.log):
            self.log += args.entries[len(self.log) :]
            self.save()
        self.apply_up_to(min(args.leader_commit, len(args.entries)))
        return AppendEntriesReply(self.current_term, success=True)

    def advance_commit_index(self) -> None:
        stored = sorted([len(self.log), *self.match_index.values()], reverse=True)
        if len(stored) >= self.majority:
            self.apply_up_to(stored[self.majority - 1])

    def apply_up_to(self, index: int) -> None:
        while self.commit_index < index:
            self.commit_index += 1
            self.apply_ch.send_nowait(ApplyCommand(self.commit_index, self.log[self.commit_index - 1].command))

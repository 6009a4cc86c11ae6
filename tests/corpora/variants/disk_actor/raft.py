"""Actors with memory channels: one writes the disk, one applies, one watches the clock, and one speaks to each peer.

Memory runs ahead of the disk. Every answer, every request and a leader's own copy wait for the disk's word; the disk takes
three to six milliseconds and serves all that wait at once. `start` appends and leaves the rest to the actors.
"""

from __future__ import annotations

import contextlib
import math
import random
import statistics
from contextlib import AsyncExitStack
from functools import partial, wraps
from operator import attrgetter
from typing import Any

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplySnapshot,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)


def once_on_disk(handler):
    """Let a handler decide at once, and answer when what it decided on is on the disk."""

    @wraps(handler)
    async def waiting(self, args):
        reply = handler(self, args)
        await self.disk.written()
        return reply

    return waiting


class Doorbell:
    """A channel of one place: to ring twice is to ring once."""

    def __init__(self):
        self.button, self.bell = trio.open_memory_channel(1)

    def ring(self):
        with contextlib.suppress(trio.WouldBlock):
            self.button.send_nowait(None)

    async def heard(self, patience=math.inf):
        with trio.move_on_after(patience):
            await self.bell.receive()
            return True
        return False


class Disk:
    """The actor that writes."""

    def __init__(self, raft):
        self.raft = raft
        self.orders, self.inbox = trio.open_memory_channel(math.inf)
        self.end = 0  # the last index that is written
        self.snapshot = None

    async def live(self):
        async for order in self.inbox:
            await trio.sleep(random.uniform(0.003, 0.006))
            batch = [order]
            while self.inbox.statistics().current_buffer_used:
                batch.append(self.inbox.receive_nowait())
            self.write()
            for done in batch:
                done.set()

    def write(self):
        r = self.raft
        state = PersistentState(r.term, r.voted_for, r.log, r.base, r.base_term)
        r.node.persister.save(state, self.snapshot)
        self.snapshot = None
        self.end = r.last_index()

    async def written(self):
        done = trio.Event()
        await self.orders.send(done)
        await done.wait()


class Raft:
    TIMEOUT = 0.45, 0.9
    BEAT = 0.12

    def __init__(self, node, apply_ch):
        self.node = node
        self.cluster = 1 + len(node.peers)
        self.disk = Disk(self)
        self.to_service, self.for_service = trio.open_memory_channel(math.inf)
        self.apply_ch = apply_ch
        self.bells = {peer: Doorbell() for peer in node.peers}
        self.term, self.voted_for, self.log = 0, None, []
        self.base = self.base_term = 0
        saved = node.persister.load()
        if saved is not None:
            fields = attrgetter("current_term", "voted_for", "log", "last_included_index", "last_included_term")
            self.term, self.voted_for, self.log, self.base, self.base_term = fields(saved)
        self.committed = self.base
        self.applied = self.base  # handed to the actor that applies
        self.disk.end = self.last_index()
        self.cached = node.persister.snapshot()
        if self.cached is not None:
            self.to_service.send_nowait(ApplySnapshot(self.base, self.base_term, self.cached))
        self.leading = False
        self.campaigning = False
        self.heard = Doorbell()
        self.next, self.match = {}, {}

    async def run(self):
        async with AsyncExitStack() as stack:
            nursery = await stack.enter_async_context(trio.open_nursery())
            self.spawn = nursery.start_soon
            for actor in (self.disk.live, self.applier, self.clock):
                nursery.start_soon(actor)
            for peer in self.node.peers:
                nursery.start_soon(partial(self.courier, peer=peer))

    # log

    def last_index(self):
        return self.base + len(self.log)

    def term_at(self, index):
        return self.base_term if index == self.base else self.log[index - self.base - 1].term

    def last(self):
        return self.term_at(self.last_index()), self.last_index()

    # roles

    def follow(self, term):
        if term > self.term:
            self.term, self.voted_for = term, None
        if self.leading:
            self.heard.ring()
        self.leading = self.campaigning = False

    async def clock(self):
        while True:
            patience = random.uniform(*self.TIMEOUT)
            if await self.heard.heard(patience) or self.leading:
                continue
            await self.campaign()

    async def campaign(self):
        self.term += 1
        self.voted_for, self.campaigning = self.node.me, True
        term = self.term
        await self.disk.written()
        if self.term != term or not self.campaigning:
            return
        last_term, last_index = self.last()
        args = RequestVoteArgs(term, self.node.me, last_index, last_term)
        votes, ballots = trio.open_memory_channel(len(self.node.peers))
        yes = 1
        with trio.move_on_after(random.uniform(*self.TIMEOUT)):
            for peer in self.node.peers:
                self.spawn(self.ask, peer, args, votes.clone())
            while yes <= self.cluster // 2:
                yes += await ballots.receive()
        if self.term == term and self.campaigning and yes > self.cluster // 2:
            self.lead()

    async def ask(self, peer, args, votes):
        async with votes:
            for _ in range(2):
                with trio.move_on_after(0.25):
                    reply = await self.node.call(peer, args)
                    if reply is None:
                        continue
                    if reply.term > self.term:
                        self.follow(reply.term)
                    with contextlib.suppress(trio.BrokenResourceError, trio.WouldBlock):
                        votes.send_nowait(reply.vote_granted)
                    return

    def lead(self):
        self.campaigning, self.leading = False, True
        self.next = dict.fromkeys(self.node.peers, self.last_index() + 1)
        self.match = dict.fromkeys(self.node.peers, 0)
        for bell in self.bells.values():
            bell.ring()

    # couriers

    async def courier(self, peer):
        """Speaks to one peer for as long as the server runs, under any leader."""
        while True:
            await self.bells[peer].heard(self.BEAT)
            if self.leading:
                if self.disk.end < min(self.next[peer], self.last_index()):
                    await trio.sleep(0.001)
                self.spawn(self.deliver, peer, self.term)

    async def deliver(self, peer, term):
        if not (self.leading and self.term == term):
            return
        if self.next[peer] <= self.base:
            args: Any = InstallSnapshotArgs(term, self.node.me, self.base, self.base_term, self.cached)
            sent = self.base
        else:
            prev = self.next[peer] - 1
            entries = self.log[prev - self.base : max(prev, self.disk.end) - self.base]
            args = AppendEntriesArgs(term, self.node.me, prev, self.term_at(prev), entries, self.committed)
            sent = prev + len(entries)
        try:
            with trio.fail_after(0.7):
                reply = await self.node.call(peer, args)
        except trio.TooSlowError:
            return
        if reply is None:
            return
        if reply.term > self.term:
            self.follow(reply.term)
        if self.term != term or not self.leading:
            return
        if getattr(reply, "success", True):
            if sent > self.match[peer]:
                self.match[peer] = sent
                self.next[peer] = max(self.next[peer], sent + 1)
                self.agree()
            if self.next[peer] <= self.disk.end:
                self.bells[peer].ring()
        elif self.next[peer] == args.prev_log_index + 1:
            hint = reply.conflict_index
            back = args.prev_log_index if hint is None else min(hint, args.prev_log_index)
            self.next[peer] = max(back, self.match[peer] + 1)
            self.bells[peer].ring()

    def agree(self):
        copies = [min(self.disk.end, self.last_index()), *self.match.values()]
        agreed = statistics.median_low(copies)
        if agreed > self.committed and self.term_at(agreed) == self.term:
            self.commit(agreed)

    def commit(self, index):
        self.committed = max(self.committed, index)
        while self.applied < self.committed:
            self.applied += 1
            command = self.log[self.applied - self.base - 1].command
            self.to_service.send_nowait(ApplyCommand(self.applied, command))

    async def applier(self):
        async with self.for_service, self.apply_ch.clone() as service:
            async for message in self.for_service:
                await service.send(message)

    # calls

    @once_on_disk
    def request_vote(self, args):
        if args.term > self.term:
            self.follow(args.term)
        free = self.voted_for is None or self.voted_for == args.candidate_id
        granted = args.term == self.term and free and (args.last_log_term, args.last_log_index) >= self.last()
        if granted:
            self.voted_for = args.candidate_id
            self.heard.ring()
        return RequestVoteReply(self.term, granted)

    @once_on_disk
    def append_entries(self, args):
        if args.term < self.term:
            return AppendEntriesReply(self.term, False)
        self.follow(args.term)
        self.heard.ring()
        prev = args.prev_log_index
        if prev > self.last_index():
            return AppendEntriesReply(self.term, False, conflict_index=self.last_index() + 1)
        if prev > self.base and self.term_at(prev) != args.prev_log_term:
            hint = prev
            while hint - 1 > self.committed and self.term_at(hint - 1) == self.term_at(prev):
                hint -= 1
            return AppendEntriesReply(self.term, False, conflict_index=hint)
        for index, entry in enumerate(args.entries, prev + 1):
            if index <= self.base or (index <= self.last_index() and self.term_at(index) == entry.term):
                continue
            self.log = [*self.log[: index - self.base - 1], *args.entries[index - prev - 1 :]]
            self.disk.end = min(self.disk.end, index - 1)
            break
        self.commit(min(args.leader_commit, prev + len(args.entries)))
        return AppendEntriesReply(self.term, True)

    @once_on_disk
    def install_snapshot(self, args):
        if args.term < self.term:
            return InstallSnapshotReply(self.term)
        self.follow(args.term)
        self.heard.ring()
        if args.last_included_index > self.committed:
            index = args.last_included_index
            fits = index <= self.last_index() and self.term_at(index) == args.last_included_term
            self.log = self.log[index - self.base :] if fits else []
            self.base, self.base_term = index, args.last_included_term
            self.committed = self.applied = index
            self.disk.snapshot = self.cached = args.data
            self.to_service.send_nowait(ApplySnapshot(index, args.last_included_term, args.data))
        return InstallSnapshotReply(self.term)

    # the service

    def start(self, command):
        if not self.leading:
            return self.last_index(), self.term, False
        self.log.append(LogEntry(self.term, command))
        self.spawn(self.after_start)
        return self.last_index(), self.term, True

    async def after_start(self):
        await self.disk.written()
        if self.leading:
            for bell in self.bells.values():
                bell.ring()
            self.agree()

    def get_state(self):
        return self.term, self.leading

    def snapshot(self, index, snapshot):
        if self.base < index <= self.applied:
            term = self.term_at(index)
            self.log = self.log[index - self.base :]
            self.base, self.base_term = index, term
            self.disk.snapshot = self.cached = snapshot
            self.disk.orders.send_nowait(trio.Event())

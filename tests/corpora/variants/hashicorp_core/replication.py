"""How a leader serves one peer: a task for entries, which goes over to a pipeline, and another for heartbeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import trio
from store import LogNotFound, Store

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
)
from labs.node import Node

COMMIT_TIMEOUT = 0.17
HEARTBEAT_INTERVAL = 0.25
RPC_TIMEOUT = 0.4
FAILURE_WAIT = 0.01
MAX_FAILURE_SCALE = 8
MAX_APPEND_ENTRIES = 64
MAX_IN_FLIGHT = 8


def backoff(failures: int) -> float:
    """Return how long to wait after this many failures in a row: doubling from the third on."""
    return FAILURE_WAIT * 2.0 ** max(0, min(failures, MAX_FAILURE_SCALE) - 2)


class Commitment:
    """Counts what each server stores, and finds what is committed: nothing before this term's first entry (§5.4.2)."""

    def __init__(self, servers: tuple[int, ...], start_index: int, committed: Callable[[], None]) -> None:
        self.match = dict.fromkeys(servers, 0)
        self.start_index = start_index
        self.commit_index = 0
        self.committed = committed

    def stored(self, server: int, index: int) -> None:
        """Note that a server stores the log up to `index`."""
        if index <= self.match[server]:
            return
        self.match[server] = index
        quorum = sorted(self.match.values())[(len(self.match) - 1) // 2]
        if quorum > self.commit_index and quorum >= self.start_index:
            self.commit_index = quorum
            self.committed()


class Flight:
    """One AppendEntries in a pipeline."""

    def __init__(self, args: AppendEntriesArgs) -> None:
        self.args = args
        self.reply: AppendEntriesReply | None = None
        self.landed = trio.Event()


@dataclass
class Replication:
    """One peer, in one leadership."""

    node: Node
    peer: int
    term: int
    store: Store
    commitment: Commitment
    commit_index: Callable[[], int]
    step_down: Callable[[int], None]  # Takes the newer term that a reply has brought.
    next_index: int
    nursery: trio.Nursery
    last_contact: float
    stopped: bool = False
    failures: int = 0
    allow_pipeline: bool = False
    trigger: trio.Event = field(default_factory=trio.Event)

    def stop(self) -> None:
        """End, as soon as what is under way has ended."""
        self.stopped = True
        self.trigger.set()

    async def wait_for_trigger(self) -> None:
        """Wait for new entries, or for some time, after which the peer learns what is committed."""
        with trio.move_on_after(COMMIT_TIMEOUT * (1 + self.node.random.random())):
            await self.trigger.wait()
        self.trigger = trio.Event()

    async def replicate(self) -> None:
        """Serve the peer until the leadership ends."""
        self.nursery.start_soon(self.heartbeat)
        while not self.stopped:
            await self.wait_for_trigger()
            if not self.stopped:
                await self.replicate_to(self.store.last_index())
            if self.allow_pipeline and not self.stopped:
                self.allow_pipeline = False
                await self.pipeline()

    async def heartbeat(self) -> None:
        """Show the peer now and then that this server leads, in a request without other content."""
        args = AppendEntriesArgs(self.term, self.node.me, 0, 0, [], 0)
        failures = 0
        while True:
            await trio.sleep(HEARTBEAT_INTERVAL * (1 + self.node.random.random()))
            if self.stopped:
                return
            reply = await self.append(args)
            if reply is None:
                failures += 1
                await trio.sleep(backoff(failures))
            elif reply.term > self.term:
                self.step_down(reply.term)
                return
            else:
                failures = 0
                self.last_contact = trio.current_time()

    async def append(self, args: AppendEntriesArgs) -> AppendEntriesReply | None:
        """Send an AppendEntries; None means that it failed."""
        with trio.move_on_after(RPC_TIMEOUT):
            return await self.node.call(self.peer, args)
        return None

    def setup(self, next_index: int, last_index: int) -> AppendEntriesArgs:
        """Return the request that carries the entries from `next_index` on. Raises LogNotFound."""
        prev_term = self.store.term_at(next_index - 1)
        last = min(next_index + MAX_APPEND_ENTRIES - 1, last_index)
        entries = [self.store.get(index) for index in range(next_index, last + 1)]
        return AppendEntriesArgs(self.term, self.node.me, next_index - 1, prev_term, entries, self.commit_index())

    async def replicate_to(self, last_index: int) -> None:
        """Send entries up to `last_index`, or what there is instead, until the peer has them or something fails."""
        while not self.stopped:
            if self.failures:
                await trio.sleep(backoff(self.failures))
                if self.stopped:
                    return
            try:
                args = self.setup(self.next_index, last_index)
            except LogNotFound:
                done = await self.send_snapshot()
            else:
                done = self.take(args, await self.append(args))
            if not done or self.next_index > last_index:
                return

    def take(self, args: AppendEntriesArgs, reply: AppendEntriesReply | None) -> bool:
        """Learn from a reply; return whether to go on."""
        if reply is None:
            self.failures += 1
            return False
        if reply.term > self.term:
            self.step_down(reply.term)
            return False
        self.last_contact = trio.current_time()
        if reply.success:
            self.advance(args)
            self.failures = 0
            self.allow_pipeline = True
            return True
        last_log = getattr(reply, "last_log", None)
        back = self.next_index - 1 if last_log is None else min(self.next_index - 1, last_log + 1)
        self.next_index = max(back, 1)
        self.failures = 0 if getattr(reply, "no_retry_backoff", False) else self.failures + 1
        return True

    def advance(self, args: AppendEntriesArgs) -> None:
        """Count the entries of a request that was taken."""
        if args.entries:
            last = args.prev_log_index + len(args.entries)
            self.next_index = last + 1
            self.commitment.stored(self.peer, last)

    async def send_snapshot(self) -> bool:
        """Send the last snapshot; return whether the peer has it now."""
        store = self.store
        index = store.snapshot_index
        args = InstallSnapshotArgs(self.term, self.node.me, index, store.snapshot_term, store.snapshot_data)
        reply = None
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(self.peer, args)
        if reply is not None and reply.term > self.term:
            self.step_down(reply.term)
            return False
        if reply is None or not getattr(reply, "success", True):
            self.failures += 1
            return False
        self.last_contact = trio.current_time()
        self.next_index = index + 1
        self.commitment.stored(self.peer, index)
        self.failures = 0
        return True

    async def pipeline(self) -> None:
        """Send without waiting for answers, until one is missing or a refusal; then all goes on one by one."""
        send, receive = trio.open_memory_channel[Flight](MAX_IN_FLIGHT)
        finished = trio.Event()
        self.nursery.start_soon(self.decode, receive, finished)
        next_index = self.next_index
        async with send:
            while not self.stopped:
                await self.wait_for_trigger()
                if self.stopped or finished.is_set():
                    break
                try:
                    args = self.setup(next_index, self.store.last_index())
                except LogNotFound:
                    break
                flight = Flight(args)
                try:
                    await send.send(flight)
                except trio.BrokenResourceError:
                    break
                self.nursery.start_soon(self.fly, flight)
                next_index += len(args.entries)
                if next_index <= self.store.last_index():
                    self.trigger.set()
        await finished.wait()

    async def fly(self, flight: Flight) -> None:
        """Send one request of a pipeline."""
        flight.reply = await self.append(flight.args)
        flight.landed.set()

    async def decode(self, receive: trio.MemoryReceiveChannel[Flight], finished: trio.Event) -> None:
        """Take the answers of a pipeline in the order of its requests, up to the first that is bad."""
        async with receive:
            async for flight in receive:
                await flight.landed.wait()
                reply = flight.reply
                if self.stopped or reply is None:
                    break
                if reply.term > self.term:
                    self.step_down(reply.term)
                    break
                self.last_contact = trio.current_time()
                if not reply.success:
                    break
                self.advance(flight.args)
        finished.set()
        self.trigger.set()

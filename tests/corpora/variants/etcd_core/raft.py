"""A server as etcd has it: a pure state machine, and a loop that does what it reports as ready.

Heartbeats are messages of their own, which carry nothing of the log but a commit index that the peer is known to hold.
Each peer is probed first, then gets a stream of entries. Candidates ask on trial before they raise their term. A
leader without a quorum steps down, and a server that heard its leader lately does not even answer candidates. The
commit index is saved, and all up to it is applied right after a restart. A leader may refuse commands when too much
waits to be committed.
"""

from __future__ import annotations

import math

import trio
from core import Core, Ready, Role
from raft_log import RaftLog
from storage import Storage
from wire import (
    REQUESTS,
    AppendReply,
    Kind,
    Message,
    Snapshot,
    SnapshotReply,
    VoteReply,
    Waiter,
    from_append_args,
    from_reply,
    from_snapshot_args,
    from_vote_args,
    to_append_reply,
    to_args,
    to_snapshot_reply,
    to_vote_reply,
)

from labs.messages import (
    AppendEntriesArgs,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    Command,
    InstallSnapshotArgs,
    LogEntry,
    RequestVoteArgs,
)
from labs.node import Node

TICK = 0.06
SNAPSHOT_TIMEOUT = 1.0
ASYNC_STORAGE = False  # Whether a task of its own saves, while the core goes on; so does another that applies.
STORAGE_DELAY = 0.015


class Raft:
    """One server: the core, its disk, and the loop between them."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.storage = Storage(node.persister)
        term, vote, commit = self.storage.hard_state
        log = RaftLog(self.storage.snapshot, list(self.storage.entries), commit)
        self.core = Core(node.me, node.peers, node.random, term, vote, log)
        self.news = trio.Event()
        self.handed_over = 0  # The last index that the service has.
        self.outboxes: dict[int, trio.MemorySendChannel[Message]] = {}
        self.to_save, self.saves = trio.open_memory_channel[Ready](math.inf)
        self.to_apply, self.applies = trio.open_memory_channel[Ready](math.inf)

    async def run(self) -> None:
        """Live until cancelled."""
        if self.storage.snapshot.index:
            self.install(self.storage.snapshot)
        self.apply(self.core.log.next_committed(also_unstable=True), self.core.log.applied + 1)
        self.core.log.applied = self.core.log.committed
        async with trio.open_nursery() as self.nursery:
            for peer in self.node.peers:
                self.outboxes[peer], outbox = trio.open_memory_channel[Message](math.inf)
                self.nursery.start_soon(self.stream, outbox)
            self.nursery.start_soon(self.tick)
            if ASYNC_STORAGE:
                self.nursery.start_soon(self.save_later)
                self.nursery.start_soon(self.apply_later)
            await self.loop()

    async def tick(self) -> None:
        """Tick, from some moment on."""
        await trio.sleep(self.node.random.uniform(0, TICK))
        while True:
            await trio.sleep(TICK)
            self.core.tick()
            self.news.set()

    async def loop(self) -> None:
        """Do what is ready, whenever there is news."""
        while True:
            await self.news.wait()
            self.news = trio.Event()
            while self.core.has_ready(not ASYNC_STORAGE):
                ready = self.core.ready(not ASYNC_STORAGE)
                if ASYNC_STORAGE:
                    self.hand_out(ready)
                else:
                    self.do(ready)

    def hand_out(self, ready: Ready) -> None:
        """Give each task its part. Messages of a follower or a candidate wait for the disk, all of it."""
        if ready.leads:
            self.send(ready.messages)
        self.to_save.send_nowait(ready)
        if ready.committed:
            self.to_apply.send_nowait(ready)

    async def save_later(self) -> None:
        """Save, one Ready after the other, and let go what waited for that."""
        async for ready in self.saves:
            await trio.sleep(self.node.random.uniform(0, STORAGE_DELAY))
            self.storage.append(ready.hard_state, ready.first, ready.entries, ready.snapshot)
            self.send(ready.after_save if ready.leads else ready.messages + ready.after_save)
            if ready.snapshot is not None:
                self.install(ready.snapshot)
            self.core.stored(ready)
            self.step_own(ready)
            self.news.set()

    async def apply_later(self) -> None:
        """Apply, one Ready after the other. Entries that a snapshot has overtaken are skipped."""
        async for ready in self.applies:
            await trio.sleep(self.node.random.uniform(0, STORAGE_DELAY))
            self.apply(ready.committed, ready.apply_from)
            self.core.applied(ready.committed)

    def step_own(self, ready: Ready) -> None:
        """Step the core with its messages to itself: its vote and its entries count from now on."""
        for m in ready.after_save:
            if m.to == self.node.me:
                self.core.step(m)

    def do(self, ready: Ready) -> None:
        """Save, send, apply. A leader's messages may leave before the save, since they promise nothing of its disk."""
        if ready.leads:
            self.send(ready.messages)
        self.storage.append(ready.hard_state, ready.first, ready.entries, ready.snapshot)
        if not ready.leads:
            self.send(ready.messages)
        self.send(ready.after_save)
        if ready.snapshot is not None:
            self.install(ready.snapshot)
        self.apply(ready.committed, ready.apply_from)
        self.core.stored(ready)
        self.step_own(ready)
        self.core.applied(ready.committed)

    def apply(self, entries: list[LogEntry], first: int) -> None:
        """Hand entries to the service, as far as it does not have them."""
        for index, entry in enumerate(entries, first):
            if index == self.handed_over + 1:
                self.apply_ch.send_nowait(ApplyCommand(index, entry.command))
                self.handed_over = index

    def install(self, snapshot: Snapshot) -> None:
        """Hand a snapshot to the service."""
        self.apply_ch.send_nowait(ApplySnapshot(snapshot.index, snapshot.term, snapshot.data))
        self.handed_over = snapshot.index

    def send(self, messages: list[Message]) -> None:
        """Send requests, and let handlers go with their answers."""
        for m in messages:
            if m.waiter is not None:
                m.waiter.release(m)
            elif m.kind in REQUESTS:
                self.outboxes[m.to].send_nowait(m)

    async def stream(self, outbox: trio.MemoryReceiveChannel[Message]) -> None:
        """Send the requests to one peer in their order, without waiting for the answers."""
        async for m in outbox:
            await self.nursery.start(self.call, m)

    async def call(self, m: Message, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Send a request, and step the core with the answer, or with the news that none came."""
        task_status.started()
        reply = None
        if m.kind is Kind.SNAPSHOT:
            with trio.move_on_after(SNAPSHOT_TIMEOUT):
                reply = await self.node.call(m.to, to_args(m))
        else:
            reply = await self.node.call(m.to, to_args(m))
        if reply is not None:
            self.core.step(from_reply(reply, m))
            if m.kind is Kind.SNAPSHOT:
                self.core.step(Message(Kind.SNAPSHOT_SENT, m.to, m.sender, m.term))
        elif m.kind is Kind.SNAPSHOT:
            self.core.step(Message(Kind.SNAPSHOT_FAILED, m.to, m.sender, m.term))
        elif m.kind is Kind.APPEND:
            self.core.step(Message(Kind.UNREACHABLE, m.to, m.sender, m.term))
        self.news.set()

    async def hear(self, m: Message) -> Message:
        """Step the core with a request; return its answer once that may leave. Some requests get none, ever."""
        m.waiter = Waiter()
        self.core.step(m)
        self.news.set()
        await m.waiter.released.wait()
        assert m.waiter.answer is not None
        return m.waiter.answer

    async def request_vote(self, args: RequestVoteArgs) -> VoteReply:
        """Answer a candidate."""
        return to_vote_reply(await self.hear(from_vote_args(args, self.node.me)))

    async def append_entries(self, args: AppendEntriesArgs) -> AppendReply:
        """Answer a leader that sends entries or a heartbeat."""
        asked = from_append_args(args, self.node.me)
        return to_append_reply(await self.hear(asked), asked)

    async def install_snapshot(self, args: InstallSnapshotArgs) -> SnapshotReply:
        """Answer a leader that sends its snapshot."""
        return to_snapshot_reply(await self.hear(from_snapshot_args(args, self.node.me)))

    def get_state(self) -> tuple[int, bool]:
        """Return the current term, and whether this server leads."""
        return self.core.term, self.core.role is Role.LEADER

    def start(self, command: Command) -> tuple[int, int, bool]:
        """Propose a command. A leader that has too much to commit drops it and answers that it does not lead."""
        taken = self.core.propose(command)
        if taken:
            self.news.set()
        return self.core.log.last_index(), self.core.term, taken

    def snapshot(self, index: int, snapshot: bytes) -> None:
        """Put the service's snapshot in place of the log up to it."""
        if index <= self.handed_over and self.core.log.compact(index, snapshot):
            self.storage.compact(self.core.log.snapshot)

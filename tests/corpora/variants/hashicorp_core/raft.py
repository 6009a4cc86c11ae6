"""A server as hashicorp/raft has it: one task owns the state and waits for requests, votes, commands and timers.

Written after github.com/hashicorp/raft, in behaviour and not in words. Each peer has a task for entries, which turns
to a pipeline after its first success, and one for heartbeats, which carry nothing of the log. Commands queue up and are
stored in batches. A leader steps down when it has not heard a majority within its lease; a server that knows a leader
refuses candidates, and candidates ask on trial first. Some entries stay in the log though a snapshot covers them.

It departs from its model where that would break a rule: it commits up to the last entry of a message only, adopts the
newer term of a reply, waits again also for a leader whose entries it refuses, takes entries that follow one inside its
snapshot, and neither goes back to an old snapshot nor keeps entries that conflict with a new one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

import trio
from messages_of_its_own import AppendReply, SnapshotReply, VoteRequest
from replication import MAX_APPEND_ENTRIES, Commitment, Replication
from store import LogNotFound, Store

from labs.messages import (
    AppendEntriesArgs,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    Args,
    Command,
    InstallSnapshotArgs,
    LogEntry,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node

HEARTBEAT_TIMEOUT = 0.5
ELECTION_TIMEOUT = 0.5
LEADER_LEASE = 0.5
MIN_CHECK = 0.01


class State(Enum):
    """What a server is at the moment."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


class What(Enum):
    """What else than a request can happen."""

    COMMANDS = "commands wait"
    COMMITTED = "something is committed"
    STALE = "a newer term arrived"


@dataclass
class Request:
    """A request, and where its handler waits for the answer."""

    args: Args
    answered: trio.Event = field(default_factory=trio.Event)
    reply: Reply | None = None


@dataclass
class Ballot:
    """One campaign, on trial or not."""

    term: int
    trial: bool
    granted: int = 1  # The own vote.


@dataclass
class Vote:
    """What became of the request to one voter."""

    ballot: Ballot
    reply: RequestVoteReply | None


@dataclass
class Stale:
    """A peer has sent a newer term to the leader of an older one."""

    old: int
    newer: int


class Raft:
    """One server."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.store = Store(node.persister)
        self.state = State.FOLLOWER
        self.leader: int | None = None
        self.commit_index = self.last_applied = self.store.snapshot_index
        self.last_contact = -math.inf
        self.waiting: list[Command] = []  # Commands that were promised an index, and are not yet stored.
        self.replications: dict[int, Replication] = {}
        self.commitment: Commitment | None = None
        self.post, self.inbox = trio.open_memory_channel[Request | Vote | Stale | What](math.inf)

    async def run(self) -> None:
        """Live until cancelled."""
        store = self.store
        if store.snapshot_index:
            snapshot = ApplySnapshot(store.snapshot_index, store.snapshot_term, store.snapshot_data)
            self.apply_ch.send_nowait(snapshot)
        async with trio.open_nursery() as self.nursery:
            while True:
                if self.state is State.FOLLOWER:
                    await self.run_follower()
                elif self.state is State.CANDIDATE:
                    await self.run_candidate()
                else:
                    await self.run_leader()

    def random_timeout(self, minimum: float) -> float:
        """Return a moment between once and twice this time from now."""
        return trio.current_time() + minimum * (1 + self.node.random.random())

    async def next_event(self, deadline: float) -> Request | Vote | Stale | What | None:
        """Return what happens next, or None at the deadline."""
        with trio.move_on_at(deadline):
            return await self.inbox.receive()
        return None

    def become(self, state: State) -> None:
        """Change the role; the leader is not known then."""
        self.leader = None
        self.state = state

    def follow(self, term: int) -> None:
        """Follow in a term."""
        self.become(State.FOLLOWER)
        self.store.set_term(term)

    # Followers

    async def run_follower(self) -> None:
        """Answer requests, until no leader was heard for too long."""
        deadline = self.random_timeout(HEARTBEAT_TIMEOUT)
        while self.state is State.FOLLOWER:
            event = await self.next_event(deadline)
            if isinstance(event, Request):
                self.process(event)
            elif event is None:
                deadline = self.random_timeout(HEARTBEAT_TIMEOUT)
                if trio.current_time() - self.last_contact >= HEARTBEAT_TIMEOUT:
                    self.become(State.CANDIDATE)

    # Candidates

    async def run_candidate(self) -> None:
        """Ask on trial, then in earnest; give up at a timeout, and begin again."""
        ballot = self.elect(trial=True)
        deadline = self.random_timeout(ELECTION_TIMEOUT)
        while self.state is State.CANDIDATE:
            if ballot.granted > (len(self.node.peers) + 1) // 2:
                if not ballot.trial:
                    self.become(State.LEADER)
                    self.leader = self.node.me
                    return
                ballot = self.elect(trial=False)
                deadline = self.random_timeout(ELECTION_TIMEOUT)
                continue
            event = await self.next_event(deadline)
            if event is None:
                return
            if isinstance(event, Request):
                self.process(event)
            elif isinstance(event, Vote) and event.ballot is ballot and event.reply is not None:
                if event.reply.term > ballot.term:
                    self.follow(event.reply.term)
                elif event.reply.vote_granted:
                    ballot.granted += 1

    def elect(self, trial: bool) -> Ballot:
        """Ask all peers for their votes, each once; in earnest in a new term, and with the own vote on the disk."""
        term = self.store.current_term + 1
        if not trial:
            self.store.set_term(term)
            self.store.set_vote(term, self.node.me)
        ballot = Ballot(term, trial)
        index, last_term = self.store.last_entry()
        args = VoteRequest(term, self.node.me, index, last_term, trial)
        for peer in self.node.peers:
            self.nursery.start_soon(self.ask, peer, args, ballot)
        return ballot

    async def ask(self, peer: int, args: VoteRequest, ballot: Ballot) -> None:
        """Ask one peer."""
        reply = None
        with trio.move_on_after(2 * ELECTION_TIMEOUT):
            reply = await self.node.call(peer, args)
        self.post.send_nowait(Vote(ballot, reply))

    # Leaders

    async def run_leader(self) -> None:
        """Lead: store a no-op first, then whatever comes, until the lease ends or somebody else leads."""
        term = self.store.current_term
        start = self.store.last_index() + 1
        self.commitment = Commitment((self.node.me, *self.node.peers), start, self.notify_committed)
        for peer in self.node.peers:
            replication = Replication(
                self.node,
                peer,
                term,
                self.store,
                self.commitment,
                lambda: self.commit_index,
                lambda newer: self.post.send_nowait(Stale(term, newer)),
                start,
                self.nursery,
                trio.current_time(),
            )
            self.replications[peer] = replication
            self.nursery.start_soon(replication.replicate)
        self.waiting.clear()
        self.dispatch([None])
        try:
            await self.lead()
        finally:
            self.last_contact = trio.current_time()
            for replication in self.replications.values():
                replication.stop()
            self.replications = {}
            self.waiting.clear()
            self.commitment = None
            if self.leader == self.node.me:
                self.leader = None

    async def lead(self) -> None:
        """Do what comes up, and check the lease."""
        lease = trio.current_time() + LEADER_LEASE
        while self.state is State.LEADER:
            event = await self.next_event(lease)
            if event is None:
                lease = trio.current_time() + max(LEADER_LEASE - self.check_lease(), MIN_CHECK)
            elif isinstance(event, Request):
                self.process(event)
            elif isinstance(event, Stale):
                if event.old == self.store.current_term:
                    self.follow(event.newer)
            elif event is What.COMMANDS:
                self.dispatch_waiting()
            elif event is What.COMMITTED and self.commitment is not None:
                self.commit_to(self.commitment.commit_index)

    def check_lease(self) -> float:
        """Step down if no majority was heard within the lease; return the longest silence of those who were."""
        now = trio.current_time()
        silences = [now - replication.last_contact for replication in self.replications.values()]
        heard = [silence for silence in silences if silence <= LEADER_LEASE]
        if 1 + len(heard) <= (len(self.node.peers) + 1) // 2:
            self.become(State.FOLLOWER)
        return max(heard, default=0.0)

    def notify_committed(self) -> None:
        """Wake the leader's loop: more is committed."""
        self.post.send_nowait(What.COMMITTED)

    def dispatch_waiting(self) -> None:
        """Store the commands that wait, up to a batch at a time."""
        while self.waiting and self.state is State.LEADER:
            batch, self.waiting = self.waiting[:MAX_APPEND_ENTRIES], self.waiting[MAX_APPEND_ENTRIES:]
            self.dispatch(batch)

    def dispatch(self, commands: list[Command]) -> None:
        """Store commands, count the own disk, and wake the replications."""
        store = self.store
        store.put(store.last_index() + 1, [LogEntry(store.current_term, command) for command in commands])
        assert self.commitment is not None
        self.commitment.stored(self.node.me, store.last_index())
        for replication in self.replications.values():
            replication.trigger.set()

    def commit_to(self, index: int) -> None:
        """Apply all up to an index that is committed."""
        self.commit_index = max(self.commit_index, index)
        while self.last_applied < self.commit_index:
            self.last_applied += 1
            command = self.store.get(self.last_applied).command
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, command))

    # Requests

    async def hear(self, args: Args) -> Reply:
        """Put a request into the inbox, and wait for its answer."""
        request = Request(args)
        self.post.send_nowait(request)
        await request.answered.wait()
        assert request.reply is not None
        return request.reply

    def process(self, request: Request) -> None:
        """Answer a request."""
        args = request.args
        if isinstance(args, RequestVoteArgs):
            request.reply = self.vote(args, on_trial=getattr(args, "pre_vote", False))
        elif isinstance(args, AppendEntriesArgs):
            request.reply = self.append(args)
        elif isinstance(args, InstallSnapshotArgs):
            request.reply = self.install(args)
        request.answered.set()

    def vote(self, args: RequestVoteArgs, on_trial: bool) -> RequestVoteReply:
        """Answer a candidate. One that does not lead is refused, unheard, as long as a leader is known."""
        store = self.store
        if self.leader is not None and self.leader != args.candidate_id:
            return RequestVoteReply(store.current_term, False)
        if args.term < store.current_term:
            return RequestVoteReply(store.current_term, False)
        up_to_date = (args.last_log_term, args.last_log_index) >= tuple(reversed(store.last_entry()))
        if on_trial:
            return RequestVoteReply(args.term, up_to_date)
        if args.term > store.current_term:
            self.follow(args.term)
        if store.last_vote_term == args.term and store.last_vote_candidate is not None:
            return RequestVoteReply(args.term, store.last_vote_candidate == args.candidate_id)
        if not up_to_date:
            return RequestVoteReply(args.term, False)
        store.set_vote(args.term, args.candidate_id)
        self.last_contact = trio.current_time()
        return RequestVoteReply(args.term, True)

    def append(self, args: AppendEntriesArgs) -> AppendReply:
        """Answer a leader that sends entries or a heartbeat."""
        store = self.store
        last = store.last_index()
        if args.term < store.current_term:
            return AppendReply(store.current_term, False, last_log=last)
        if args.term > store.current_term or self.state is not State.FOLLOWER:
            self.follow(args.term)
        self.leader = args.leader_id
        self.last_contact = trio.current_time()
        try:
            matches = store.term_at(args.prev_log_index) == args.prev_log_term
        except LogNotFound:
            matches = args.prev_log_index < store.snapshot_index  # What a snapshot covers is committed.
        if not matches:
            return AppendReply(args.term, False, last_log=last, no_retry_backoff=True)
        self.take(args)
        last_new = args.prev_log_index + len(args.entries)
        if args.leader_commit > self.commit_index:
            self.commit_to(min(args.leader_commit, last_new))
        return AppendReply(args.term, True, last_log=last)

    def take(self, args: AppendEntriesArgs) -> None:
        """Store the entries that are new, in place of what conflicts. Entries that a snapshot covers do not."""
        store = self.store
        for index, entry in enumerate(args.entries, args.prev_log_index + 1):
            if index > store.last_index() or (index > store.snapshot_index and store.term_at(index) != entry.term):
                store.put(index, args.entries[index - args.prev_log_index - 1 :])
                return

    def install(self, args: InstallSnapshotArgs) -> SnapshotReply:
        """Answer a leader that sends its snapshot."""
        store = self.store
        if args.term < store.current_term:
            return SnapshotReply(store.current_term, False)
        if args.term > store.current_term or self.state is not State.FOLLOWER:
            self.follow(args.term)
        self.leader = args.leader_id
        self.last_contact = trio.current_time()
        index, term = args.last_included_index, args.last_included_term
        if index <= self.last_applied:
            return SnapshotReply(args.term)
        try:
            matches = store.term_at(index) == term
        except LogNotFound:
            matches = False
        (store.compact if matches else store.replace)(index, term, args.data)
        self.apply_ch.send_nowait(ApplySnapshot(index, term, args.data))
        self.last_applied = index
        self.commit_index = max(self.commit_index, index)
        return SnapshotReply(args.term)

    # What the service and the network call

    async def request_vote(self, args: RequestVoteArgs) -> Reply:
        """Answer a candidate."""
        return await self.hear(args)

    async def append_entries(self, args: AppendEntriesArgs) -> Reply:
        """Answer a leader."""
        return await self.hear(args)

    async def install_snapshot(self, args: InstallSnapshotArgs) -> Reply:
        """Answer a leader that sends its snapshot."""
        return await self.hear(args)

    def get_state(self) -> tuple[int, bool]:
        """Return the current term, and whether this server leads."""
        return self.store.current_term, self.state is State.LEADER

    def start(self, command: Command) -> tuple[int, int, bool]:
        """Queue a command; it gets the index after all that wait, since only this leader appends in its term."""
        if self.state is not State.LEADER:
            return 0, self.store.current_term, False
        self.waiting.append(command)
        self.post.send_nowait(What.COMMANDS)
        return self.store.last_index() + len(self.waiting), self.store.current_term, True

    def snapshot(self, index: int, snapshot: bytes) -> None:
        """Keep the service's snapshot, and shorten the log."""
        if self.store.snapshot_index < index <= self.last_applied:
            self.store.compact(index, self.store.get(index).term, snapshot)

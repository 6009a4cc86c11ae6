"""A server as LogCabin has it: one task for each peer, a timer, a disk, and a task that doubts the leadership.

Written after LogCabin's server/RaftConsensus (github.com/logcabin/logcabin), in behaviour and not in words. Each peer's
task has one call open at a time, whatever this server is, and a change of term or role breaks all calls off. A new
leader sends no entries before a peer has answered that the logs match. Its own entries go to the disk later, and count from
then on. A server that heard a leader withholds votes for a while, and sends its old term; the same vote is given again without
another look at the logs. A leader that hears no majority goes on to the next term as a follower. Snapshots come in
pieces, with Figure 13's offset and done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    Command,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node

ELECTION_TIMEOUT = 0.5
HEARTBEAT_PERIOD = 0.2
RPC_TIMEOUT = 0.45
RPC_FAILURE_BACKOFF = 0.2
SYNC_TIME = 0.01
PIECE = 64
MAX_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class PieceArgs(InstallSnapshotArgs):
    """A piece of a snapshot. Without these fields it is a whole one."""

    offset: int = 0
    done: bool = True


@dataclass(frozen=True, slots=True)
class PieceReply(InstallSnapshotReply):
    """How much of the snapshot has come in a row; None is all of it."""

    bytes_stored: int | None = None


@dataclass(frozen=True, slots=True)
class LastIndexReply(AppendEntriesReply):
    """Where the follower's log ends."""

    last_log_index: int | None = None


class Role(Enum):
    """What a server is at the moment."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Peer:
    """What is known of one peer."""

    def __init__(self, server: int) -> None:
        self.server = server
        self.backoff_until = -math.inf
        self.call: trio.CancelScope | None = None
        self.begin_election()
        self.begin_leadership(1)

    def begin_election(self) -> None:
        """Forget its vote."""
        self.vote_done = False
        self.has_vote = False

    def begin_leadership(self, next_index: int) -> None:
        """Forget how far it was, and that it did not answer. (LogCabin would go on backing off; Leaders rule 1.)"""
        self.backoff_until = -math.inf
        self.next_index = next_index
        self.match_index = 0
        self.knows_nothing = True  # Whether it has not yet answered that the logs match somewhere.
        self.next_heartbeat = -math.inf
        self.ack_epoch = 0
        self.snapshot: tuple[int, int, bytes] | None = None
        self.snapshot_offset = 0


class Raft:
    """One server."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.current_term = 0
        self.voted_for: int | None = None
        self.log: list[LogEntry] = []
        self.snapshot_index = self.snapshot_term = 0
        self.snapshot_data = node.persister.snapshot() or b""
        saved = node.persister.load()
        if saved is not None:
            self.current_term, self.voted_for, self.log = saved.current_term, saved.voted_for, list(saved.log)
            self.snapshot_index, self.snapshot_term = saved.last_included_index, saved.last_included_term
        self.commit_index = self.last_applied = self.snapshot_index
        self.role = Role.FOLLOWER
        self.peers = [Peer(server) for server in node.peers]
        self.synced = self.last_index()
        self.start_election_at = math.inf
        self.withhold_votes_until = -math.inf
        self.epoch = 0
        self.incoming: tuple[int, int, bytes] | None = None  # The snapshot that is coming: index, term, data so far.
        self.changed = trio.Event()

    async def run(self) -> None:
        """Live until cancelled."""
        if self.snapshot_index:
            self.apply_ch.send_nowait(ApplySnapshot(self.snapshot_index, self.snapshot_term, self.snapshot_data))
        self.set_election_timer()
        async with trio.open_nursery() as nursery:
            for peer in self.peers:
                nursery.start_soon(self.serve, peer)
            nursery.start_soon(self.watch_timer)
            nursery.start_soon(self.sync_disk)
            nursery.start_soon(self.doubt)

    # The log

    def last_index(self) -> int:
        """Return the index of the last entry."""
        return self.snapshot_index + len(self.log)

    def term_at(self, index: int) -> int:
        """Return the term of an entry, or of the snapshot's last."""
        return self.log[index - self.snapshot_index - 1].term if index > self.snapshot_index else self.snapshot_term

    def entries(self, first: int, count: int) -> list[LogEntry]:
        """Return entries from `first` on."""
        return self.log[first - self.snapshot_index - 1 :][:count]

    def save(self, snapshot: bytes | None = None) -> None:
        """Write everything."""
        state = PersistentState(self.current_term, self.voted_for, self.log, self.snapshot_index, self.snapshot_term)
        self.node.persister.save(state, snapshot)
        self.synced = self.last_index()

    def apply(self) -> None:
        """Hand what is committed to the service."""
        while self.last_applied < self.commit_index:
            self.last_applied += 1
            command = self.log[self.last_applied - self.snapshot_index - 1].command
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, command))

    # Roles and timers

    def notify(self) -> None:
        """Wake all tasks that wait for a change."""
        self.changed.set()
        self.changed = trio.Event()

    def interrupt_all(self) -> None:
        """Break all calls off: they belong to something that is over."""
        for peer in self.peers:
            if peer.call is not None:
                peer.call.cancel()
        self.notify()

    def set_election_timer(self) -> None:
        """Wait for a new random time before standing for election."""
        self.start_election_at = trio.current_time() + self.node.random.uniform(ELECTION_TIMEOUT, 2 * ELECTION_TIMEOUT)
        self.notify()

    async def wait_for_change(self, deadline: float) -> None:
        """Wait for a change, or for a time."""
        with trio.move_on_at(deadline):
            await self.changed.wait()

    async def watch_timer(self) -> None:
        """Stand for election when the time has come."""
        while True:
            if trio.current_time() >= self.start_election_at:
                self.start_election()
            await self.wait_for_change(self.start_election_at)

    def step_down(self, term: int) -> None:
        """Follow in a term, which is this one or a newer one."""
        if self.role is Role.LEADER:
            self.withhold_votes_until = -math.inf
        if self.current_term < term:
            self.current_term, self.voted_for, self.incoming = term, None, None
            self.save()
        elif self.synced < self.last_index():
            self.save()
        if self.role is not Role.FOLLOWER:
            self.role = Role.FOLLOWER
            self.interrupt_all()
        if self.start_election_at == math.inf:
            self.set_election_timer()

    def start_election(self) -> None:
        """Stand for election in a new term."""
        self.current_term += 1
        self.role, self.voted_for, self.incoming = Role.CANDIDATE, self.node.me, None
        self.save()
        self.set_election_timer()
        for peer in self.peers:
            peer.begin_election()
        self.interrupt_all()
        self.count_votes()

    def count_votes(self) -> None:
        """Lead if a majority has given its vote."""
        if 1 + sum(peer.has_vote for peer in self.peers) > (len(self.peers) + 1) // 2:
            self.role = Role.LEADER
            self.start_election_at = self.withhold_votes_until = math.inf
            for peer in self.peers:
                peer.begin_leadership(self.last_index() + 1)
            self.log.append(LogEntry(self.current_term, None))
            self.interrupt_all()

    async def doubt(self) -> None:
        """Begin an epoch, and wait until a majority has answered in it; if it does not, go on to the next term."""
        while True:
            if self.role is not Role.LEADER or not self.peers:
                await self.changed.wait()
                continue
            self.epoch += 1
            term, deadline = self.current_term, trio.current_time() + ELECTION_TIMEOUT
            while self.current_term == term and self.role is Role.LEADER and not self.epoch_is_acknowledged():
                if trio.current_time() >= deadline:
                    self.step_down(self.current_term + 1)
                else:
                    await self.wait_for_change(deadline)
            await trio.sleep(HEARTBEAT_PERIOD)

    def epoch_is_acknowledged(self) -> bool:
        """Return whether a majority has answered a call of this epoch."""
        return 1 + sum(peer.ack_epoch >= self.epoch for peer in self.peers) > (len(self.peers) + 1) // 2

    async def sync_disk(self) -> None:
        """Write a leader's entries, a little later, and count them then."""
        while True:
            while self.role is Role.LEADER and self.synced < self.last_index():
                await trio.sleep(self.node.random.uniform(0, SYNC_TIME))
                if self.role is Role.LEADER:
                    self.save()
                    self.advance_commit_index()
            await self.changed.wait()

    def advance_commit_index(self) -> None:
        """Commit what a majority has on its disk, if it is of this term (§5.4.2)."""
        stored = sorted([self.synced, *(peer.match_index for peer in self.peers)])
        index = stored[len(self.peers) // 2]
        if index > self.commit_index and self.term_at(index) == self.current_term:
            self.commit_index = index
            self.apply()
            self.notify()

    # One task for each peer

    async def serve(self, peer: Peer) -> None:
        """Do for a peer what this server's role wants, one call at a time."""
        while True:
            now, until = trio.current_time(), math.inf
            if peer.backoff_until > now:
                until = peer.backoff_until
            elif self.role is Role.CANDIDATE and not peer.vote_done:
                await self.request_vote_of(peer)
                continue
            elif self.role is Role.LEADER:
                if peer.match_index < self.last_index() or peer.next_heartbeat <= now:
                    await self.append_to(peer)
                    continue
                until = peer.next_heartbeat
            await self.wait_for_change(until)

    async def finish(self, peer: Peer, args: RequestVoteArgs | AppendEntriesArgs | InstallSnapshotArgs) -> object:
        """Make a call; return the reply if it came in the term and in the role of the request. Else back off."""
        start, term, role = trio.current_time(), self.current_term, self.role
        reply: RequestVoteReply | AppendEntriesReply | InstallSnapshotReply | None = None
        with trio.move_on_after(RPC_TIMEOUT) as peer.call:
            reply = await self.node.call(peer.server, args)
        peer.call = None
        if self.current_term != term or self.role is not role:
            return None
        if reply is None:
            peer.backoff_until = start + RPC_FAILURE_BACKOFF
            return None
        if reply.term > self.current_term:
            self.step_down(reply.term)
            return None
        if role is Role.LEADER:
            peer.next_heartbeat = start + HEARTBEAT_PERIOD
        return reply

    async def request_vote_of(self, peer: Peer) -> None:
        """Ask for a vote."""
        last = self.last_index()
        reply = await self.finish(peer, RequestVoteArgs(self.current_term, self.node.me, last, self.term_at(last)))
        if isinstance(reply, RequestVoteReply):
            peer.vote_done, peer.has_vote = True, reply.vote_granted
            self.count_votes()

    async def append_to(self, peer: Peer) -> None:
        """Send entries, or none, or a piece of a snapshot."""
        prev = peer.next_index - 1
        if prev < self.snapshot_index or peer.snapshot is not None:
            await self.install_on(peer)
            return
        entries = [] if peer.knows_nothing else self.entries(peer.next_index, MAX_ENTRIES)
        end, epoch = prev + len(entries), self.epoch
        commit = min(self.commit_index, end)
        args = AppendEntriesArgs(self.current_term, self.node.me, prev, self.term_at(prev), entries, commit)
        reply = await self.finish(peer, args)
        if not isinstance(reply, AppendEntriesReply):
            return
        peer.ack_epoch = epoch
        self.notify()
        if reply.success:
            peer.knows_nothing = False
            peer.match_index = max(peer.match_index, end)
            peer.next_index = peer.match_index + 1
            self.advance_commit_index()
        else:
            last = getattr(reply, "last_log_index", None)
            back = max(peer.next_index - 1, 1)
            peer.next_index = back if last is None else min(back, last + 1)

    async def install_on(self, peer: Peer) -> None:
        """Send a piece of the snapshot that was begun, though there may be a newer one."""
        if peer.snapshot is None:
            peer.snapshot = (self.snapshot_index, self.snapshot_term, self.snapshot_data)
            peer.snapshot_offset = 0
        index, term, data = peer.snapshot
        piece = data[peer.snapshot_offset :][:PIECE]
        end, epoch = peer.snapshot_offset + len(piece), self.epoch
        done = end == len(data)
        names = (self.current_term, self.node.me, index, term)
        reply = await self.finish(peer, PieceArgs(*names, piece, peer.snapshot_offset, done))
        if not isinstance(reply, InstallSnapshotReply):
            return
        peer.ack_epoch = epoch
        self.notify()
        stored = getattr(reply, "bytes_stored", None)
        peer.snapshot_offset = end if stored is None else stored
        if done and peer.snapshot_offset >= end:
            peer.snapshot = None
            peer.knows_nothing = False
            peer.match_index = max(peer.match_index, index)
            peer.next_index = peer.match_index + 1
            self.advance_commit_index()

    # Handlers

    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        """Answer a candidate: not at all in earnest while a leader is there, else by the paper's rule."""
        if trio.current_time() < self.withhold_votes_until:
            return RequestVoteReply(self.current_term, False)
        if args.term > self.current_term:
            self.step_down(args.term)
        last = self.last_index()
        up_to_date = (args.last_log_term, args.last_log_index) >= (self.term_at(last), last)
        if args.term == self.current_term and self.voted_for is None and up_to_date:
            self.voted_for = args.candidate_id
            self.save()
            self.set_election_timer()
        granted = args.term == self.current_term and self.voted_for == args.candidate_id
        return RequestVoteReply(self.current_term, granted)

    def hear_leader(self, term: int) -> None:
        """Follow a leader, and withhold votes from others for a while."""
        self.step_down(term)
        self.set_election_timer()
        self.withhold_votes_until = trio.current_time() + ELECTION_TIMEOUT

    def append_entries(self, args: AppendEntriesArgs) -> LastIndexReply:
        """Answer a leader that sends entries or a heartbeat."""
        if args.term < self.current_term:
            return LastIndexReply(self.current_term, False)
        self.hear_leader(args.term)
        prev = args.prev_log_index
        if prev > self.last_index() or (prev >= self.snapshot_index and self.term_at(prev) != args.prev_log_term):
            return LastIndexReply(self.current_term, False, last_log_index=self.last_index())
        for i, entry in enumerate(args.entries):
            index = prev + 1 + i
            if index <= self.snapshot_index:
                continue
            if index > self.last_index() or self.term_at(index) != entry.term:
                del self.log[index - self.snapshot_index - 1 :]
                self.log += args.entries[i:]
                self.save()
                break
        self.commit_index = max(self.commit_index, min(args.leader_commit, prev + len(args.entries)))
        self.apply()
        return LastIndexReply(self.current_term, True, last_log_index=self.last_index())

    def install_snapshot(self, args: InstallSnapshotArgs) -> PieceReply:
        """Take a piece of a snapshot if it is the next one, and install it all with the last."""
        if args.term < self.current_term:
            return PieceReply(self.current_term)
        self.hear_leader(args.term)
        index, term = args.last_included_index, args.last_included_term
        offset, done = getattr(args, "offset", 0), getattr(args, "done", True)
        if self.incoming is None or self.incoming[:2] != (index, term):
            self.incoming = (index, term, b"")
        data = self.incoming[2]
        if offset == len(data):
            data += args.data
            self.incoming = (index, term, data)
            if done:
                self.incoming = None
                self.take_snapshot(index, term, data)
        return PieceReply(self.current_term, len(data))

    def take_snapshot(self, index: int, term: int, data: bytes) -> None:
        """Install a snapshot, unless the service is that far already (Figure 13, rules 5 to 8)."""
        if index <= self.last_applied:
            return
        matches = index <= self.last_index() and self.term_at(index) == term
        self.log = self.entries(index + 1, len(self.log)) if matches else []
        self.snapshot_index, self.snapshot_term, self.snapshot_data = index, term, data
        self.save(data)
        self.apply_ch.send_nowait(ApplySnapshot(index, term, data))
        self.last_applied = index
        self.commit_index = max(self.commit_index, index)

    # The service

    def get_state(self) -> tuple[int, bool]:
        """Return the current term, and whether this server leads."""
        return self.current_term, self.role is Role.LEADER

    def start(self, command: Command) -> tuple[int, int, bool]:
        """Append a command if this server leads."""
        if self.role is not Role.LEADER:
            return 0, self.current_term, False
        self.log.append(LogEntry(self.current_term, command))
        self.notify()
        return self.last_index(), self.current_term, True

    def snapshot(self, index: int, snapshot: bytes) -> None:
        """Put the service's snapshot in place of the log up to it."""
        if self.snapshot_index < index <= self.last_applied:
            term = self.term_at(index)
            self.log = self.entries(index + 1, len(self.log))
            self.snapshot_index, self.snapshot_term, self.snapshot_data = index, term, snapshot
            self.save(snapshot)
            if self.role is Role.LEADER:
                self.advance_commit_index()

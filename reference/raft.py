"""The reference: one Raft server, all four stages, read beside Figure 2 and Figure 13 of the paper.

It is used like a submission: the simulator makes one `Raft` per server and incarnation, and calls its public
methods. It knows nothing of the simulator, of the tests or of other servers' state; students never see it.

Three things keep it short. Between two awaits the state belongs to the running task, so the handlers are plain
functions and there is no lock. Code that changes persistent state saves it in the same breath, before anything can
leave the server. And committed entries go to the service at the moment they commit, because the apply channel
never makes its sender wait.
"""

from __future__ import annotations  # canary-5f1e0c7d-raft-lab-instructor: it marks what never leaves the instructor

import enum
import math

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

# Seconds of virtual time.
ELECTION_TIMEOUT = (0.4, 0.8)
"""A server waits a random time between these two for word of a leader: three lost heartbeats do not depose one."""
HEARTBEAT_INTERVAL = 0.11
"""A leader lets no more than this pass between two messages to a peer: a little under ten a second."""
VOTE_INTERVAL = 0.2
"""A candidate asks a peer that has not answered again after this: sooner than its next election."""
RPC_TIMEOUT = 1.0
"""A reply later than this is not waited for: about ten calls to a silent peer are open at a time, and no more."""

MAX_ENTRIES = 64
"""The most entries that one AppendEntries carries: a peer far behind catches up in steps of this size."""


class Role(enum.Enum):
    """What a server is at the moment (§5.1)."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Raft:
    """One Raft server."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.majority = (len(node.peers) + 1) // 2 + 1

        # Persistent state on all servers (Figure 2; the last two from §7).
        self.current_term = 0
        self.voted_for: int | None = None
        self.log: list[LogEntry] = []  # The entries after last_included_index.
        self.last_included_index = 0
        self.last_included_term = 0

        # Volatile state on all servers. Invariant: last_included_index <= last_applied <= commit_index.
        self.commit_index = 0
        self.last_applied = 0
        self.role = Role.FOLLOWER
        self.election_timer = trio.CancelScope()

        # Volatile state on candidates: whether a server voted for this one in the current term, once it has answered.
        self.votes: dict[int, bool] = {}

        # Volatile state on leaders, for each peer. Invariant: match_index < next_index.
        self.next_index: dict[int, int] = {}
        self.match_index: dict[int, int] = {}
        self.wakeups: dict[int, trio.Event] = {}  # Set: there is something to send before the next heartbeat.

        self.nursery: trio.Nursery
        self.restore()

    async def run(self) -> None:
        """Live until cancelled: every task of this server is a child of this one and ends with it."""
        async with trio.open_nursery() as self.nursery:
            await self.watch_election_timer()

    # Persistent state.

    def save(self, snapshot: bytes | None = None) -> None:
        """Write the persistent state, and a new snapshot if there is one, in one step."""
        base = (self.last_included_index, self.last_included_term)
        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)

    def restore(self) -> None:
        """Take up the state that an earlier incarnation saved, and give the service the snapshot (§7).

        The service starts empty, and must have the snapshot before it gets the first entry after it.
        """
        state = self.node.persister.load()
        if state is None:
            return
        self.current_term = state.current_term
        self.voted_for = state.voted_for
        self.log = list(state.log)
        self.last_included_index = state.last_included_index
        self.last_included_term = state.last_included_term
        # A snapshot covers only what was committed and applied.
        self.commit_index = self.last_included_index
        self.last_applied = self.last_included_index
        data = self.node.persister.snapshot()
        if data is not None:
            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))

    # The log: indices are 1-based, and the snapshot stands for the entries up to last_included_index.

    def position(self, index: int) -> int:
        """Return where in `log` the entry at `index` is; `index` lies after the snapshot."""
        return index - self.last_included_index - 1

    def last_log_index(self) -> int:
        """Return the index of the last entry; without entries, of what the snapshot ends with."""
        return self.last_included_index + len(self.log)

    def last_log_term(self) -> int:
        """Return the term of the last entry; without entries, of what the snapshot ends with."""
        return self.term_at(self.last_log_index())

    def term_at(self, index: int) -> int:
        """Return the term of the entry at `index`, which lies between last_included_index and last_log_index."""
        if index == self.last_included_index:
            return self.last_included_term
        return self.log[self.position(index)].term

    def has_entry(self, index: int, term: int) -> bool:
        """Return whether this log has the entry (index, term); `index` does not lie before the snapshot."""
        if index > self.last_log_index():
            return False
        return self.term_at(index) == term

    # RequestVote RPC (§5.1, §5.2, §5.4).

    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        """Answer a candidate that asks for this server's vote."""
        if args.term < self.current_term:  # Figure 2, RequestVote rule 1
            return RequestVoteReply(self.current_term, vote_granted=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
        # Figure 2, RequestVote rule 2: the vote is still free, or the candidate's already.
        if self.voted_for is not None and self.voted_for != args.candidate_id:
            return RequestVoteReply(self.current_term, vote_granted=False)
        # Figure 2, RequestVote rule 2: the candidate has all that this server may have helped to commit.
        if not self.is_up_to_date(args.last_log_index, args.last_log_term):
            return RequestVoteReply(self.current_term, vote_granted=False)
        if self.voted_for is None:
            self.voted_for = args.candidate_id
            self.save()
        self.reset_election_timer()  # Figure 2, Followers rule 2
        return RequestVoteReply(self.current_term, vote_granted=True)

    def is_up_to_date(self, last_log_index: int, last_log_term: int) -> bool:
        """Return whether a log that ends so is at least as up to date as this one (§5.4.1)."""
        if last_log_term != self.last_log_term():
            return last_log_term > self.last_log_term()
        return last_log_index >= self.last_log_index()

    # AppendEntries RPC (§5.3).

    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        """Follow a leader: take over its entries and its commit index."""
        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1
            return AppendEntriesReply(self.current_term, success=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3
            self.become_follower(args.term)
        self.reset_election_timer()  # Figure 2, Followers rule 2
        # Figure 2, AppendEntries rule 2; what the snapshot covers is committed, so the leader has it too.
        covered = args.prev_log_index < self.last_included_index
        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):
            return self.refuse_entries(args.prev_log_index)
        # Figure 2, AppendEntries rules 3 and 4
        self.take_entries(args.prev_log_index + 1, args.entries)
        # Figure 2, AppendEntries rule 5; beyond the last new entry this log may still differ from the leader's.
        last_new_entry = args.prev_log_index + len(args.entries)
        self.commit_up_to(min(args.leader_commit, last_new_entry))
        return AppendEntriesReply(self.current_term, success=True)

    def take_entries(self, first_index: int, entries: list[LogEntry]) -> None:
        """Make the log hold `entries` from `first_index` on, and leave alone what it holds already."""
        changed = False
        for index, entry in enumerate(entries, start=first_index):
            if index <= self.last_included_index:
                continue
            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3
                del self.log[self.position(index) :]
                changed = True
            if index > self.last_log_index():  # Figure 2, AppendEntries rule 4
                self.log.append(entry)
                changed = True
        if changed:
            self.save()

    def refuse_entries(self, prev_log_index: int) -> AppendEntriesReply:
        """Refuse, and return where to look next: before the whole term that conflicts, or at the log's end (§5.3)."""
        if prev_log_index > self.last_log_index():
            return AppendEntriesReply(self.current_term, success=False, conflict_index=self.last_log_index() + 1)
        conflict_term = self.term_at(prev_log_index)
        conflict_index = prev_log_index
        while conflict_index - 1 > self.last_included_index and self.term_at(conflict_index - 1) == conflict_term:
            conflict_index -= 1
        return AppendEntriesReply(self.current_term, False, conflict_term, conflict_index)

    # InstallSnapshot RPC (§7, Figure 13 without chunks: rules 2 to 4 are not needed).

    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        """Follow a leader: take over its snapshot, in place of entries that it no longer has."""
        if args.term < self.current_term:  # Figure 13, InstallSnapshot rule 1
            return InstallSnapshotReply(self.current_term)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3
            self.become_follower(args.term)
        self.reset_election_timer()  # Figure 2, Followers rule 2
        # A late snapshot covers only what is committed here already: it must not take the service back.
        if args.last_included_index <= self.commit_index:
            return InstallSnapshotReply(self.current_term)
        if self.has_entry(args.last_included_index, args.last_included_term):
            self.log = self.log[self.position(args.last_included_index + 1) :]  # Figure 13, InstallSnapshot rule 6
        else:
            self.log = []  # Figure 13, InstallSnapshot rule 7
        self.last_included_index = args.last_included_index
        self.last_included_term = args.last_included_term
        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.
        self.save(args.data)
        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8
        self.last_applied = args.last_included_index
        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))
        return InstallSnapshotReply(self.current_term)

    # What the service asks of its server.

    def start(self, command: Command) -> tuple[int, int, bool]:
        """Append a command if this server leads; return the index it would get, the term, and whether it leads."""
        if self.role is not Role.LEADER:
            return -1, self.current_term, False
        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2
        self.save()
        index = self.last_log_index()
        for peer in self.node.peers:
            # A peer that lacks earlier entries gets this one with or after them.
            if self.next_index[peer] == index:
                self.wakeups[peer].set()
        # A server without peers is a majority by itself.
        self.advance_commit_index()
        return index, self.current_term, True

    def snapshot(self, index: int, snapshot: bytes) -> None:
        """Forget the entries up to `index`: the service has put all their effects into `snapshot` (§7)."""
        if index <= self.last_included_index:
            return
        term = self.term_at(index)
        self.log = self.log[self.position(index + 1) :]
        self.last_included_index = index
        self.last_included_term = term
        self.save(snapshot)

    def get_state(self) -> tuple[int, bool]:
        """Return the current term, and whether this server believes that it leads."""
        return self.current_term, self.role is Role.LEADER

    # Rules for all servers.

    def commit_up_to(self, index: int) -> None:
        """Raise the commit index; it never falls, however late or short the message that names it."""
        if index > self.commit_index:
            self.commit_index = index
            self.apply_committed()

    def apply_committed(self) -> None:
        """Hand each committed entry to the service, once and in order (Figure 2, All servers rule 1)."""
        while self.commit_index > self.last_applied:
            self.last_applied += 1
            entry = self.log[self.position(self.last_applied)]
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))

    def become_follower(self, term: int) -> None:
        """Follow in `term`, which is the current one or newer (Figure 2, All servers rule 2; Candidates rule 3)."""
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            self.save()
        # A leader's timer stands still. A follower's or candidate's runs on: a newer term alone is not a leader.
        if self.role is Role.LEADER:
            self.reset_election_timer()
        self.role = Role.FOLLOWER

    def is_still(self, role: Role, term: int) -> bool:
        """Return whether nothing has changed since this server took up that role in that term."""
        return self.role is role and self.current_term == term

    # Rules for followers and candidates.

    def reset_election_timer(self) -> None:
        """Wait again, and for another random time, before the next election (§5.2)."""
        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)

    async def watch_election_timer(self) -> None:
        """Stand for election whenever the timer runs out (Figure 2, Followers rule 2, Candidates rule 4)."""
        self.reset_election_timer()
        while True:
            with self.election_timer:
                await trio.sleep_forever()
            deadline = self.election_timer.deadline
            self.election_timer = trio.CancelScope(deadline=deadline)
            # The deadline lies ahead if a leader was heard, or this server won, in the very instant it ran out.
            if deadline <= trio.current_time():
                self.become_candidate()

    def become_candidate(self) -> None:
        """Start an election (Figure 2, Candidates rule 1)."""
        self.role = Role.CANDIDATE
        self.current_term += 1
        self.voted_for = self.node.me
        self.votes = {self.node.me: True}
        self.save()
        self.reset_election_timer()
        # Built once, now: these words are this candidacy's, whatever the server is when they go out again.
        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())
        for peer in self.node.peers:
            self.nursery.start_soon(self.keep_asking, peer, args)
        self.count_votes()

    async def keep_asking(self, peer: int, args: RequestVoteArgs) -> None:
        """Ask one peer for its vote until it answers, or the election is over (§5.5)."""
        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:
            self.nursery.start_soon(self.request_vote_from, peer, args)
            await trio.sleep(VOTE_INTERVAL)

    async def request_vote_from(self, peer: int, args: RequestVoteArgs) -> None:
        """Ask one peer for its vote, once."""
        if not self.is_still(Role.CANDIDATE, args.term):
            return
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_vote(peer, args, reply)

    def take_vote(self, peer: int, args: RequestVoteArgs, reply: RequestVoteReply) -> None:
        """Take note of a peer's answer, if the election that it belongs to still goes on."""
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.CANDIDATE, args.term):
            return
        self.votes[peer] = reply.vote_granted
        self.count_votes()

    def count_votes(self) -> None:
        """Lead, once a majority of all servers has voted for this one (Figure 2, Candidates rule 2)."""
        granted = sum(self.votes.values())
        if granted >= self.majority:
            self.become_leader()

    # Rules for leaders.

    def become_leader(self) -> None:
        """Lead: assume that each peer has the same log, and know of no peer that it has (Figure 2, Leaders rule 1)."""
        self.role = Role.LEADER
        self.election_timer.deadline = math.inf
        for peer in self.node.peers:
            self.next_index[peer] = self.last_log_index() + 1
            self.match_index[peer] = 0
            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)

    async def keep_replicating_to(self, peer: int, term: int) -> None:
        """Send to one peer when there is reason to, or else a heartbeat, while this server leads (Leaders rule 1).

        Each call is a task of its own: a peer that does not answer delays nothing. Lost entries go out again with the
        next heartbeat (§5.5).
        """
        while self.is_still(Role.LEADER, term):
            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.replicate_to, peer, term)
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()

    async def replicate_to(self, peer: int, term: int) -> None:
        """Send one peer what it lacks: entries, or the snapshot if the entries are gone (§7)."""
        # A reply may have ended this leadership between the making of this task and its first step.
        if not self.is_still(Role.LEADER, term):
            return
        if self.next_index[peer] <= self.last_included_index:
            await self.send_snapshot(peer)
        else:
            await self.send_entries(peer)

    async def send_entries(self, peer: int) -> None:
        """Send one AppendEntries; it is the heartbeat if the peer lacks nothing (Figure 2, Leaders rule 3)."""
        prev_log_index = self.next_index[peer] - 1
        first = self.position(self.next_index[peer])
        args = AppendEntriesArgs(
            term=self.current_term,
            leader_id=self.node.me,
            prev_log_index=prev_log_index,
            prev_log_term=self.term_at(prev_log_index),
            entries=self.log[first : first + MAX_ENTRIES],
            leader_commit=self.commit_index,
        )
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)

    def take_append_reply(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:
        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.LEADER, args.term):
            return
        if reply.success:
            self.record_match(peer, args.prev_log_index + len(args.entries))
        elif args.prev_log_index == self.next_index[peer] - 1:
            self.back_up(peer, args.prev_log_index, reply)

    def record_match(self, peer: int, index: int) -> None:
        """Note that the peer has this log up to `index` (Figure 2, Leaders rule 3, success)."""
        self.match_index[peer] = max(self.match_index[peer], index)
        self.move_next_index(peer, self.match_index[peer] + 1)
        self.advance_commit_index()

    def back_up(self, peer: int, prev_log_index: int, reply: AppendEntriesReply) -> None:
        """Go back by one of the peer's terms at a time (Figure 2, Leaders rule 3, failure; end of §5.3)."""
        next_index = prev_log_index
        if reply.conflict_index is not None:
            next_index = reply.conflict_index
        if reply.conflict_term is not None:
            next_index = self.index_after_term(reply.conflict_term, prev_log_index, default=next_index)
        self.move_next_index(peer, max(next_index, self.match_index[peer] + 1))

    def index_after_term(self, term: int, end: int, default: int) -> int:
        """Return the index after this log's last entry of `term` before `end`, or `default` if it has none."""
        for index in range(end - 1, self.last_included_index - 1, -1):
            if self.term_at(index) == term:
                return index + 1
        return default

    def move_next_index(self, peer: int, index: int) -> None:
        """Set where to go on; if that is news and entries wait there, they leave at once, not with the heartbeat."""
        if index == self.next_index[peer]:
            return
        self.next_index[peer] = index
        if index <= self.last_log_index():
            self.wakeups[peer].set()

    async def send_snapshot(self, peer: int) -> None:
        """Send the snapshot in place of entries that are gone (Figure 13)."""
        data = self.node.persister.snapshot()
        assert data is not None, "a log that starts after index 0 was saved together with its snapshot"
        base = (self.last_included_index, self.last_included_term)
        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_snapshot_reply(peer, args, reply)

    def take_snapshot_reply(self, peer: int, args: InstallSnapshotArgs, reply: InstallSnapshotReply) -> None:
        """Continue after the snapshot that was sent; this server may have made a newer one since."""
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.LEADER, args.term):
            return
        self.record_match(peer, args.last_included_index)

    def advance_commit_index(self) -> None:
        """Commit this term's newest entry that a majority has, and all before it (Figure 2, Leaders rule 4)."""
        for index in range(self.last_log_index(), self.commit_index, -1):
            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).
            if self.term_at(index) != self.current_term:
                return
            replicas = 1 + sum(match >= index for match in self.match_index.values())
            if replicas >= self.majority:
                self.commit_up_to(index)
                return

"""Raft as a state machine: it is stepped with messages and ticks, and reports what is ready to be saved, sent and applied.

Written after etcd's raft library (github.com/etcd-io/raft), in behaviour and not in words. Knows no clock, no disk and
no network; see raft.py for the loop around it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import Enum

from progress import Mode, Progress
from raft_log import RaftLog, payload
from wire import Kind, Message, Snapshot

from labs.messages import Command, LogEntry

HEARTBEAT_TICKS = 2
ELECTION_TICKS = 10
MAX_UNCOMMITTED_BYTES = 64 * 1024

ANSWER = {
    Kind.VOTE: Kind.VOTE_ANSWER,
    Kind.PRE_VOTE: Kind.PRE_VOTE_ANSWER,
    Kind.APPEND: Kind.APPEND_ANSWER,
    Kind.SNAPSHOT: Kind.APPEND_ANSWER,
    Kind.HEARTBEAT: Kind.HEARTBEAT_ANSWER,
}
FROM_A_LEADER = (Kind.APPEND, Kind.HEARTBEAT, Kind.SNAPSHOT)


class Role(Enum):
    """What a server is at the moment."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(slots=True)
class Ready:
    """What there is to do. The order in which it may be done is the loop's business."""

    leads: bool
    hard_state: tuple[int, int | None, int] | None  # Term, vote and commit index, if one of them has changed.
    first: int  # The index of the first of the entries to save.
    entries: list[LogEntry]
    snapshot: Snapshot | None
    messages: list[Message]  # These promise nothing that is not saved yet.
    after_save: list[Message]  # These do.
    committed: list[LogEntry]  # To be applied, from `apply_from` on.
    apply_from: int
    last: tuple[int, int, int]  # Index and term of the last entry, and the current term, at this moment.


class Core:
    """One server's Raft."""

    def __init__(
        self, me: int, peers: tuple[int, ...], chance: random.Random, term: int, vote: int | None, log: RaftLog
    ) -> None:
        self.me = me
        self.peers = peers
        self.chance = chance
        self.term = term
        self.vote = vote
        self.log = log
        self.role = Role.FOLLOWER
        self.leader: int | None = None
        self.votes: dict[int, bool] = {}
        self.progress: dict[int, Progress] = {}
        self.own_match = 0  # How far the own disk holds the log.
        self.uncommitted_bytes = 0
        self.election_elapsed = 0
        self.heartbeat_elapsed = 0
        self.timeout = 0
        self.messages: list[Message] = []
        self.after_save: list[Message] = []
        self.proposed = False  # Whether entries wait to be sent to all.
        self.saved_hard_state = self.hard_state()
        self.become_follower(term, None)

    def hard_state(self) -> tuple[int, int | None, int]:
        """Return what must survive beside the log: term, vote, and the commit index."""
        return self.term, self.vote, self.log.committed

    def majority(self) -> int:
        """Return how many servers are a majority."""
        return (len(self.peers) + 1) // 2 + 1

    # Roles

    def reset(self, term: int) -> None:
        """Begin again in a term, or in another role of this one."""
        if term != self.term:
            self.term = term
            self.vote = None
        self.leader = None
        self.election_elapsed = self.heartbeat_elapsed = 0
        self.timeout = ELECTION_TICKS + self.chance.randrange(ELECTION_TICKS)
        self.votes = {}
        self.progress = {peer: Progress(self.log.last_index() + 1) for peer in self.peers}
        self.own_match = 0
        self.uncommitted_bytes = 0
        self.proposed = False

    def become_follower(self, term: int, leader: int | None) -> None:
        """Follow, under any leader."""
        self.reset(term)
        self.leader = leader
        self.role = Role.FOLLOWER

    def become_leader(self) -> None:
        """Lead, and append an entry of one's own."""
        self.reset(self.term)
        self.leader = self.me
        self.role = Role.LEADER
        self.append_own(None)
        self.broadcast_append()

    def campaign(self, on_trial: bool) -> None:
        """Ask all for their votes, or whether they would give them (thesis 9.6). The own vote comes after the save."""
        if on_trial:
            self.votes = {}
            self.leader = None
            self.role = Role.PRE_CANDIDATE
            kind, term = Kind.PRE_VOTE, self.term + 1
        else:
            self.reset(self.term + 1)
            self.vote = self.me
            self.role = Role.CANDIDATE
            kind, term = Kind.VOTE, self.term
        self.send(Message(ANSWER[kind], self.me, self.me, term))
        for peer in self.peers:
            self.send(Message(kind, self.me, peer, term, self.log.last_index(), self.log.last_term()))

    # Time

    def tick(self) -> None:
        """Let one tick pass."""
        self.election_elapsed += 1
        if self.role is Role.LEADER:
            self.tick_leader()
        elif self.election_elapsed >= self.timeout and self.log.arrived is None and not self.log.installing:
            self.election_elapsed = 0
            self.campaign(on_trial=True)

    def tick_leader(self) -> None:
        """Check the quorum once in an election timeout, and send heartbeats."""
        self.heartbeat_elapsed += 1
        if self.election_elapsed >= ELECTION_TICKS:
            self.election_elapsed = 0
            if 1 + sum(progress.active for progress in self.progress.values()) < self.majority():
                self.become_follower(self.term, None)
                return
            for progress in self.progress.values():
                progress.active = False
        if self.heartbeat_elapsed >= HEARTBEAT_TICKS:
            self.heartbeat_elapsed = 0
            for peer, progress in self.progress.items():
                commit = min(progress.match, self.log.committed)  # The peer is known to hold that much.
                self.send(Message(Kind.HEARTBEAT, self.me, peer, self.term, commit=commit))
                progress.sent_commit = commit

    # Proposals

    def propose(self, command: Command) -> bool:
        """Append a command, if this server leads and not too much waits to be committed already."""
        if self.role is not Role.LEADER or not self.append_own(command):
            return False
        self.proposed = True
        return True

    def append_own(self, command: Command) -> bool:
        """Append an entry of this term; it counts here once the disk has it."""
        entry = LogEntry(self.term, command)
        size = payload(entry)
        if self.uncommitted_bytes and size and self.uncommitted_bytes + size > MAX_UNCOMMITTED_BYTES:
            return False
        self.uncommitted_bytes += size
        last = self.log.append(self.log.last_index() + 1, [entry])
        self.send(Message(Kind.APPEND_ANSWER, self.me, self.me, self.term, last))
        return True

    # Sending

    def send(self, m: Message) -> None:
        """Let a message go: at once, or after the save if it reports what this server has done."""
        later = (Kind.APPEND_ANSWER, Kind.VOTE_ANSWER, Kind.PRE_VOTE_ANSWER)
        (self.after_save if m.kind in later else self.messages).append(m)

    def answer(self, m: Message, index: int = 0, **more: int) -> None:
        """Answer a request. An answer to a trial that is granted bears the trial's term, as all others this server's."""
        reply = Message(ANSWER[m.kind], self.me, m.sender, self.term, index, waiter=m.waiter)
        self.send(replace(reply, **more) if more else reply)

    def broadcast_append(self) -> None:
        """Send all peers what they lack, or at least the commit index."""
        for peer in self.peers:
            self.maybe_send_append(peer, also_if_empty=True)

    def maybe_send_append(self, peer: int, also_if_empty: bool) -> bool:
        """Send a peer the next entries, or a snapshot if these are gone; return whether something was sent."""
        progress = self.progress[peer]
        if progress.is_paused():
            return False
        prev = progress.next - 1
        prev_term = self.log.term(prev)
        if prev_term is None:
            return self.maybe_send_snapshot(peer)
        entries = [] if progress.is_full() else self.log.for_a_message(progress.next)
        if not entries and not also_if_empty:
            return False
        commit = self.log.committed
        self.send(Message(Kind.APPEND, self.me, peer, self.term, prev, prev_term, entries, commit))
        progress.sent(len(entries), commit)
        return True

    def maybe_send_snapshot(self, peer: int) -> bool:
        """Send the snapshot to a peer that was heard lately."""
        if not self.progress[peer].active:
            return False
        self.progress[peer].become_snapshot(self.log.snapshot.index)
        self.send(Message(Kind.SNAPSHOT, self.me, peer, self.term, snapshot=self.log.snapshot))
        return True

    # Messages

    def step(self, m: Message) -> None:
        """Take a message: first its term, then its content."""
        if m.term > self.term:
            if m.kind in (Kind.VOTE, Kind.PRE_VOTE) and self.in_lease():
                return  # As if it had been lost: neither term nor vote follow it.
            trial = m.kind is Kind.PRE_VOTE or (m.kind is Kind.PRE_VOTE_ANSWER and not m.reject)
            if not trial:
                self.enter_term(m)
        elif m.term < self.term:
            self.step_older_term(m)
            return
        if m.kind in (Kind.VOTE, Kind.PRE_VOTE):
            self.step_vote(m)
        elif m.kind in FROM_A_LEADER:
            self.step_leader_speaks(m)
        elif self.role is Role.LEADER:
            self.step_as_leader(m)
        else:
            self.step_as_candidate(m)

    def enter_term(self, m: Message) -> None:
        """Follow into a newer term. A candidate's alone does not restart the timer of a follower (Followers rule 2)."""
        waited, timeout, followed = self.election_elapsed, self.timeout, self.role is not Role.LEADER
        self.become_follower(m.term, m.sender if m.kind in FROM_A_LEADER else None)
        if followed and m.kind is Kind.VOTE:
            self.election_elapsed, self.timeout = waited, timeout

    def in_lease(self) -> bool:
        """Return whether a leader was heard so lately that no candidate is (thesis 6.4.1)."""
        return self.leader is not None and self.election_elapsed < ELECTION_TICKS

    def step_older_term(self, m: Message) -> None:
        """Show old leaders and candidates the newer term; drop answers to what this server no longer is."""
        if m.kind in FROM_A_LEADER:
            self.send(Message(Kind.APPEND_ANSWER, self.me, m.sender, self.term, waiter=m.waiter))
        elif m.kind in (Kind.VOTE, Kind.PRE_VOTE):
            self.answer(m, reject=True)

    def step_vote(self, m: Message) -> None:
        """Give a vote, or answer on trial whether one would (§5.2, §5.4.1)."""
        on_trial = m.kind is Kind.PRE_VOTE
        free = self.vote is None and self.leader is None
        if (self.vote == m.sender or free or (on_trial and m.term > self.term)) and self.log.is_up_to_date(
            m.index, m.log_term
        ):
            self.answer(m, term=m.term)
            if not on_trial:
                self.election_elapsed = 0
                self.vote = m.sender
        else:
            self.answer(m, reject=True)

    def step_leader_speaks(self, m: Message) -> None:
        """Follow the leader of this term, and obey it."""
        if self.role is not Role.FOLLOWER:
            self.become_follower(m.term, m.sender)
        self.election_elapsed = 0
        self.leader = m.sender
        if m.kind is Kind.HEARTBEAT:
            self.log.commit_to(m.commit)
            self.answer(m)
        elif m.kind is Kind.APPEND:
            self.take_entries(m)
        else:
            self.take_snapshot(m)

    def take_entries(self, m: Message) -> None:
        """Take entries; a refusal shows where the logs may match (end of §5.3).

        Committed entries are not looked at again. (etcd takes none of the entries then, though some may be new.)
        """
        known = self.log.committed - m.index
        if known > 0 and known >= len(m.entries):
            self.answer(m, self.log.committed)
            return
        prev, prev_term, entries = m.index, m.log_term, m.entries
        if known > 0:
            prev, prev_term, entries = self.log.committed, entries[known - 1].term, entries[known:]
        last = self.log.maybe_append(prev, prev_term, entries, m.commit)
        if last is not None:
            self.answer(m, last)
            return
        hint, hint_term = self.log.find_conflict_by_term(min(m.index, self.log.last_index()), m.log_term)
        self.answer(m, m.index, reject=True, hint=hint, log_term=hint_term)

    def take_snapshot(self, m: Message) -> None:
        """Take a snapshot, unless all that it covers is committed here, or in the log and matches."""
        snapshot = m.snapshot
        assert snapshot is not None
        if snapshot.index <= self.log.committed:
            self.answer(m, self.log.committed)
        elif self.log.term(snapshot.index) == snapshot.term:
            self.log.commit_to(snapshot.index)
            self.answer(m, self.log.committed)
        else:
            self.log.restore(snapshot)
            self.answer(m, self.log.last_index())

    def step_as_candidate(self, m: Message) -> None:
        """Count a vote, if it is of the kind that was asked for."""
        wanted = {Role.PRE_CANDIDATE: Kind.PRE_VOTE_ANSWER, Role.CANDIDATE: Kind.VOTE_ANSWER}
        if wanted.get(self.role) is not m.kind:
            return
        self.votes.setdefault(m.sender, not m.reject)
        granted = sum(self.votes.values())
        if granted >= self.majority():
            if self.role is Role.PRE_CANDIDATE:
                self.campaign(on_trial=False)
            else:
                self.become_leader()
        elif len(self.votes) - granted > len(self.peers) + 1 - self.majority():
            self.become_follower(self.term, None)

    def step_as_leader(self, m: Message) -> None:
        """Learn from a peer's answer, or from what became of a message to it."""
        if m.sender == self.me:
            if m.kind is Kind.APPEND_ANSWER and m.index > self.own_match:
                self.own_match = m.index
                self.maybe_commit()
            return
        progress = self.progress[m.sender]
        if m.kind is Kind.HEARTBEAT_ANSWER:
            progress.active = True
            progress.paused = False
            if progress.match < self.log.last_index() or progress.mode is Mode.PROBE:
                self.maybe_send_append(m.sender, also_if_empty=True)
        elif m.kind is Kind.APPEND_ANSWER:
            progress.active = True
            if m.reject:
                self.take_refusal(m, progress)
            else:
                self.take_success(m, progress)
        elif m.kind is Kind.UNREACHABLE and progress.mode is Mode.REPLICATE:
            progress.become_probe()
        elif m.kind in (Kind.SNAPSHOT_SENT, Kind.SNAPSHOT_FAILED) and progress.mode is Mode.SNAPSHOT:
            if m.kind is Kind.SNAPSHOT_FAILED:
                progress.pending_snapshot = 0
            progress.become_probe()
            progress.paused = True  # Until the next heartbeat is answered.

    def take_refusal(self, m: Message, progress: Progress) -> None:
        """Go back to where the logs may match, and try there."""
        probe = m.hint
        if m.log_term > 0:
            probe, _ = self.log.find_conflict_by_term(m.hint, m.log_term)
        if progress.maybe_go_back(m.index, probe):
            if progress.mode is Mode.REPLICATE:
                progress.become_probe()
            self.maybe_send_append(m.sender, also_if_empty=True)

    def take_success(self, m: Message, progress: Progress) -> None:
        """Count what matches, commit, and send what comes next."""
        if not progress.maybe_update(m.index) and not (progress.match == m.index and progress.mode is Mode.PROBE):
            return
        if progress.mode is Mode.PROBE:
            progress.become_replicate()
        elif progress.mode is Mode.REPLICATE:
            progress.free_up_to(m.index)
        elif progress.match >= self.log.snapshot.index:
            progress.become_replicate()
        if not self.maybe_commit() and progress.can_bump_commit(self.log.committed):
            self.maybe_send_append(m.sender, also_if_empty=True)
        while self.maybe_send_append(m.sender, also_if_empty=False):
            pass

    def maybe_commit(self) -> bool:
        """Commit what a majority holds, if it is of this term (§5.4.2), and inform all peers."""
        matches = sorted((self.own_match, *(p.match for p in self.progress.values())), reverse=True)
        index = matches[self.majority() - 1]
        if index <= self.log.committed or self.log.term(index) != self.term:
            return False
        self.log.commit_to(index)
        self.broadcast_append()
        return True

    # What is ready

    def has_ready(self, also_unstable: bool = True) -> bool:
        """Return whether there is anything to do; for `also_unstable` see ready()."""
        log = self.log
        return bool(
            self.proposed
            or self.messages
            or self.after_save
            or log.arrived is not None
            or log.unstable_from <= log.last_index()
            or self.hard_state() != self.saved_hard_state
            or log.next_committed(also_unstable)
        )

    def ready(self, also_unstable: bool = True) -> Ready:
        """Hand out all that there is to do. Entries that are applied may be among those to save if `also_unstable`."""
        if self.proposed:
            self.proposed = False
            self.broadcast_append()
        log = self.log
        changed = self.hard_state() != self.saved_hard_state
        apply_from = log.applied + 1
        ready = Ready(
            self.role is Role.LEADER,
            self.hard_state() if changed else None,
            log.unstable_from,
            log.next_unstable(),
            log.arrived,
            self.messages,
            self.after_save,
            log.next_committed(also_unstable),
            apply_from,
            (log.last_index(), log.last_term(), self.term),
        )
        self.saved_hard_state = self.hard_state()
        log.unstable_from = log.last_index() + 1
        log.installing = log.installing or log.arrived is not None
        log.arrived = None
        log.applied += len(ready.committed)
        self.messages, self.after_save = [], []
        return ready

    def stored(self, ready: Ready) -> None:
        """Learn that what a Ready had to save is on the disk; of an older term, which shows nothing about the log."""
        index, log_term, term = ready.last
        if term == self.term:
            self.log.stable_to(index, log_term)
        if ready.snapshot is not None:
            self.log.installing = False
            self.log.applied = max(self.log.applied, ready.snapshot.index)

    def applied(self, entries: list[LogEntry]) -> None:
        """Learn that entries were applied, so they no longer wait."""
        self.uncommitted_bytes = max(0, self.uncommitted_bytes - sum(payload(entry) for entry in entries))

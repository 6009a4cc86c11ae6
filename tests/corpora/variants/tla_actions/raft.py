"""A server that takes one action at a time, as the TLA+ specification of Raft has them, in any order that is allowed.

Written after github.com/ongardie/raft.tla, in behaviour and not in words. Requests and answers lie in a bag; each step
takes one of them at random, and does one thing: it adopts a term, or drops one entry, or appends one, or answers. A
message that is not done with stays in the bag. To win an election, to lead, and to commit are steps of their own.
Nothing is saved before something that rests on it leaves, or is counted. Timers, snapshots and the service are not part of the specification. Where that lets a late answer move match_index back, this server follows Figure 2: it only rises.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    Args,
    Command,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node

FOLLOWER, CANDIDATE, LEADER = "follower", "candidate", "leader"
STEP = 0.0002
HEARTBEAT = 0.11
LONGEST = 100


@dataclass
class Received:
    """A request in the bag, and where its handler waits."""

    args: Args
    reply: Reply | None = None
    answered: trio.Event = field(default_factory=trio.Event)


@dataclass
class Answer:
    """An answer in the bag, with what it answers."""

    peer: int
    args: Args
    reply: Reply


class Raft:
    """One server."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        saved = node.persister.load() or PersistentState(0, None, [])
        self.current_term, self.voted_for, self.log = saved.current_term, saved.voted_for, list(saved.log)
        self.base, self.base_term = saved.last_included_index, saved.last_included_term
        self.snapshot_data = node.persister.snapshot() or b""
        self.saved = (self.current_term, self.voted_for, self.log.copy())
        self.role = FOLLOWER
        self.commit_index = self.last_applied = self.base
        self.votes_granted: set[int] = set()
        self.next_index: dict[int, int] = {}
        self.match_index: dict[int, int] = {}
        self.send_at: dict[int, float] = {}  # When a peer's next message is due.
        self.bag: list[Received | Answer] = []
        self.deadline = 0.0
        self.news = trio.Event()

    async def run(self) -> None:
        """Live until cancelled: one action after the other, and a wait if there is none."""
        if self.base:
            self.apply_ch.send_nowait(ApplySnapshot(self.base, self.base_term, self.snapshot_data))
        self.restart_timer()
        async with trio.open_nursery() as self.nursery:
            while True:
                if self.act():
                    await trio.sleep(STEP)
                else:
                    self.news = trio.Event()
                    with trio.move_on_at(min([self.deadline, *self.send_at.values()])):
                        await self.news.wait()

    def act(self) -> bool:
        """Take one action, if one is enabled."""
        now = trio.current_time()
        due = [peer for peer in self.node.peers if self.send_at.get(peer, now + 1) <= now]
        if self.role != LEADER and now >= self.deadline:
            self.time_out()
        elif due:
            self.send_to(due[0])
        elif self.role == CANDIDATE and self.is_majority(len(self.votes_granted)):
            self.become_leader()
        elif self.role == LEADER and self.advance_commit_index():
            pass
        elif self.last_applied < self.commit_index:
            self.apply_one()
        elif self.bag:
            self.take(self.bag.pop(self.node.random.randrange(len(self.bag))))
        else:
            return False
        return True

    # The log

    def last_index(self) -> int:
        """Return the index of the last entry."""
        return self.base + len(self.log)

    def term_at(self, index: int) -> int:
        """Return the term of an entry after the snapshot, or of the snapshot's last."""
        return self.log[index - self.base - 1].term if index > self.base else self.base_term

    def save(self) -> None:
        """Write everything, if it is not what the disk has."""
        state = (self.current_term, self.voted_for, self.log)
        if state != self.saved:
            self.node.persister.save(PersistentState(*state, self.base, self.base_term))
            self.saved = (self.current_term, self.voted_for, self.log.copy())

    def save_with(self, snapshot: bytes) -> None:
        """Write everything, with a snapshot."""
        self.snapshot_data = snapshot
        state = PersistentState(self.current_term, self.voted_for, self.log, self.base, self.base_term)
        self.node.persister.save(state, snapshot)
        self.saved = (self.current_term, self.voted_for, self.log.copy())

    def apply_one(self) -> None:
        """Hand the next committed entry to the service."""
        self.last_applied += 1
        self.apply_ch.send_nowait(ApplyCommand(self.last_applied, self.log[self.last_applied - self.base - 1].command))

    # The actions of candidates and leaders

    def is_majority(self, count: int) -> bool:
        """Return whether this many servers are a majority."""
        return count > (len(self.node.peers) + 1) // 2

    def restart_timer(self) -> None:
        """Wait again before standing for election."""
        self.deadline = trio.current_time() + self.node.random.uniform(0.35, 0.8)

    def time_out(self) -> None:
        """Timeout(i)."""
        self.role, self.voted_for = CANDIDATE, self.node.me
        self.current_term += 1
        self.votes_granted = {self.node.me}
        self.restart_timer()
        self.send_at = dict.fromkeys(self.node.peers, trio.current_time())

    def become_leader(self) -> None:
        """BecomeLeader(i)."""
        self.role = LEADER
        self.deadline = float("inf")
        self.next_index = dict.fromkeys(self.node.peers, self.last_index() + 1)
        self.match_index = dict.fromkeys(self.node.peers, 0)
        self.send_at = dict.fromkeys(self.node.peers, trio.current_time())

    def advance_commit_index(self) -> bool:
        """AdvanceCommitIndex(i); return whether anything is committed by it."""
        stored = sorted([self.last_index(), *self.match_index.values()], reverse=True)
        index = stored[len(stored) // 2]
        if index <= self.commit_index or self.term_at(index) != self.current_term:
            return False
        self.save()
        self.commit_index = index
        return True

    def send_to(self, peer: int) -> None:
        """RequestVote(i, j) or AppendEntries(i, j), or the snapshot."""
        self.save()
        now = trio.current_time()
        args: Args
        if self.role == CANDIDATE:
            self.send_at[peer] = now + 0.15
            args = RequestVoteArgs(self.current_term, self.node.me, self.last_index(), self.term_at(self.last_index()))
        elif self.next_index[peer] <= self.base:
            self.send_at[peer] = now + 2 * HEARTBEAT
            names = (self.current_term, self.node.me, self.base, self.base_term)
            args = InstallSnapshotArgs(*names, self.snapshot_data)
        else:
            prev = self.next_index[peer] - 1
            entries = self.log[prev - self.base :][:LONGEST]
            self.send_at[peer] = now + HEARTBEAT
            commit = min(self.commit_index, prev + len(entries))
            args = AppendEntriesArgs(self.current_term, self.node.me, prev, self.term_at(prev), entries, commit)
        self.nursery.start_soon(self.call, peer, args)

    async def call(self, peer: int, args: Args) -> None:
        """Send a request, and put its answer into the bag."""
        reply = await self.node.call(peer, args)
        if reply is not None:
            self.bag.append(Answer(peer, args, reply))
            self.news.set()

    # What is done with the bag

    def take(self, message: Received | Answer) -> None:
        """Receive(m): do one thing about a message."""
        term = message.args.term if isinstance(message, Received) else message.reply.term
        if term > self.current_term:
            self.update_term(term)
            self.bag.append(message)
        elif isinstance(message, Answer):
            if message.args.term == self.current_term:
                self.take_answer(message)
        elif isinstance(message.args, RequestVoteArgs):
            self.answer(message, self.vote(message.args))
        elif isinstance(message.args, AppendEntriesArgs):
            self.take_entries(message, message.args)
        elif isinstance(message.args, InstallSnapshotArgs):
            self.answer(message, self.take_snapshot(message.args))

    def answer(self, message: Received, reply: Reply) -> None:
        """Let an answer go, after a save."""
        self.save()
        message.reply = reply
        message.answered.set()

    def update_term(self, term: int) -> None:
        """UpdateTerm(i, j, m): the message itself is another step."""
        if self.role == LEADER:
            self.restart_timer()
        self.current_term, self.role, self.voted_for = term, FOLLOWER, None
        self.send_at = {}

    def vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        """HandleRequestVoteRequest(i, j, m)."""
        last = self.last_index()
        log_ok = (args.last_log_term, args.last_log_index) >= (self.term_at(last), last)
        grant = args.term == self.current_term and log_ok and self.voted_for in (None, args.candidate_id)
        if grant:
            self.voted_for = args.candidate_id
            self.restart_timer()
        return RequestVoteReply(self.current_term, grant)

    def take_entries(self, message: Received, args: AppendEntriesArgs) -> None:
        """HandleAppendEntriesRequest(i, j, m): refuse, follow, drop an entry, append one, or report that all are there."""
        if args.term < self.current_term:
            self.answer(message, AppendEntriesReply(self.current_term, False))
            return
        self.restart_timer()
        if self.role == CANDIDATE:
            self.role, self.send_at = FOLLOWER, {}
            self.bag.append(message)
            return
        prev = args.prev_log_index
        if prev > self.last_index() or (prev >= self.base and self.term_at(prev) != args.prev_log_term):
            self.answer(message, AppendEntriesReply(self.current_term, False))
            return
        for index, entry in enumerate(args.entries, prev + 1):
            if index <= self.base or (index <= self.last_index() and self.term_at(index) == entry.term):
                continue
            if index <= self.last_index():
                self.log.pop()
            else:
                self.log.append(entry)
            self.bag.append(message)
            return
        self.commit_index = max(self.commit_index, min(args.leader_commit, prev + len(args.entries)))
        self.answer(message, AppendEntriesReply(self.current_term, True))

    def take_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        """Figure 13, in one step."""
        if args.term < self.current_term:
            return InstallSnapshotReply(self.current_term)
        self.restart_timer()
        if self.role == CANDIDATE:
            self.role, self.send_at = FOLLOWER, {}
        index, term = args.last_included_index, args.last_included_term
        if index > self.last_applied:
            matches = index <= self.last_index() and self.term_at(index) == term
            self.log = self.log[index - self.base :] if matches else []
            self.base, self.base_term = index, term
            self.save_with(args.data)
            self.apply_ch.send_nowait(ApplySnapshot(index, term, args.data))
            self.last_applied = index
            self.commit_index = max(self.commit_index, index)
        return InstallSnapshotReply(self.current_term)

    def take_answer(self, answer: Answer) -> None:
        """HandleRequestVoteResponse(i, j, m) or HandleAppendEntriesResponse(i, j, m)."""
        peer, args, reply = answer.peer, answer.args, answer.reply
        if isinstance(reply, RequestVoteReply):
            if self.role == CANDIDATE:
                self.send_at.pop(peer, None)
                if reply.vote_granted:
                    self.votes_granted.add(peer)
            return
        if self.role != LEADER:
            return
        if isinstance(args, InstallSnapshotArgs):
            self.match_index[peer] = max(self.match_index[peer], args.last_included_index)
        elif isinstance(args, AppendEntriesArgs) and isinstance(reply, AppendEntriesReply):
            if not reply.success:
                self.next_index[peer] = max(self.next_index[peer] - 1, 1)
                self.send_at[peer] = trio.current_time()
                return
            self.match_index[peer] = max(self.match_index[peer], args.prev_log_index + len(args.entries))
        self.next_index[peer] = self.match_index[peer] + 1
        if self.match_index[peer] < self.last_index():
            self.send_at[peer] = trio.current_time()

    # What the network and the service call

    async def hear(self, args: Args) -> Reply:
        """Put a request into the bag, and wait until some step answers it."""
        received = Received(args)
        self.bag.append(received)
        self.news.set()
        await received.answered.wait()
        assert received.reply is not None
        return received.reply

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
        return self.current_term, self.role == LEADER

    def start(self, command: Command) -> tuple[int, int, bool]:
        """ClientRequest(i, v). It goes to the peers that have answered all before at once, to others with an answer."""
        if self.role != LEADER:
            return 0, self.current_term, False
        self.log.append(LogEntry(self.current_term, command))
        for peer in self.node.peers:
            if self.next_index[peer] == self.last_index():
                self.send_at[peer] = trio.current_time()
        self.news.set()
        return self.last_index(), self.current_term, True

    def snapshot(self, index: int, snapshot: bytes) -> None:
        """Put the service's snapshot in place of the log up to it."""
        if self.base < index <= self.last_applied:
            self.base_term = self.term_at(index)
            self.log = self.log[index - self.base :]
            self.base = index
            self.save_with(snapshot)

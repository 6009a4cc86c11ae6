"""The messages of the core, and how they travel as the lab's requests and replies.

The core speaks in messages of one shape, as etcd's does. On the wire a request and its answer are the paper's RPCs,
with fields of their own for what the paper has no word for. A message without them means what the paper says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)


class Kind(Enum):
    """What a message is. The last ones come from the server itself."""

    PRE_VOTE = "pre-vote"
    VOTE = "vote"
    APPEND = "append"
    HEARTBEAT = "heartbeat"
    SNAPSHOT = "snapshot"
    PRE_VOTE_ANSWER = "pre-vote answer"
    VOTE_ANSWER = "vote answer"
    APPEND_ANSWER = "append answer"
    HEARTBEAT_ANSWER = "heartbeat answer"
    UNREACHABLE = "unreachable"
    SNAPSHOT_SENT = "snapshot sent"
    SNAPSHOT_FAILED = "snapshot failed"


REQUESTS = (Kind.PRE_VOTE, Kind.VOTE, Kind.APPEND, Kind.HEARTBEAT, Kind.SNAPSHOT)


@dataclass(slots=True)
class Snapshot:
    """The service's state after the entry `index`."""

    index: int
    term: int
    data: bytes


class Waiter:
    """Where a handler waits for the answer to its request."""

    def __init__(self) -> None:
        self.answer: Message | None = None
        self.released = trio.Event()

    def release(self, answer: Message) -> None:
        """Let the handler go with this answer."""
        self.answer = answer
        self.released.set()


@dataclass(slots=True)
class Message:
    """One message of the core. `index` and `log_term` are those of the entry that it is about."""

    kind: Kind
    sender: int
    to: int
    term: int = 0
    index: int = 0
    log_term: int = 0
    entries: list[LogEntry] = field(default_factory=list)
    commit: int = 0
    reject: bool = False
    hint: int = 0
    snapshot: Snapshot | None = None
    waiter: Waiter | None = None


@dataclass(frozen=True, slots=True)
class VoteArgs(RequestVoteArgs):
    """A request for a vote, or on trial for one in the next term."""

    pre_vote: bool = False


@dataclass(frozen=True, slots=True)
class VoteReply(RequestVoteReply):
    """Its answer; a trial's bears the term that was asked for if it is granted."""

    pre_vote: bool = False


@dataclass(frozen=True, slots=True)
class AppendArgs(AppendEntriesArgs):
    """Entries; or a heartbeat, whose commit index the receiver is known to hold."""

    heartbeat: bool = False


@dataclass(frozen=True, slots=True)
class AppendReply(AppendEntriesReply):
    """Its answer: `index` is the last one that is known to match; None is the last one that was sent."""

    index: int | None = None


@dataclass(frozen=True, slots=True)
class SnapshotReply(InstallSnapshotReply):
    """The answer to a snapshot: `index` as above; None is the snapshot's, or 0 if the term is a newer one."""

    index: int | None = None


@dataclass(frozen=True, slots=True)
class HardState(PersistentState):
    """What is on the disk: the paper's fields, and the commit index."""

    commit: int = 0


def to_args(m: Message) -> RequestVoteArgs | AppendEntriesArgs | InstallSnapshotArgs:
    """Return the request that carries a message of the core."""
    if m.kind in (Kind.PRE_VOTE, Kind.VOTE):
        return VoteArgs(m.term, m.sender, m.index, m.log_term, m.kind is Kind.PRE_VOTE)
    if m.snapshot is not None:
        return InstallSnapshotArgs(m.term, m.sender, m.snapshot.index, m.snapshot.term, m.snapshot.data)
    heartbeat = m.kind is Kind.HEARTBEAT
    return AppendArgs(m.term, m.sender, m.index, m.log_term, m.entries, m.commit, heartbeat)


def from_vote_args(args: RequestVoteArgs, me: int) -> Message:
    """Return the message that a request for a vote carries."""
    kind = Kind.PRE_VOTE if getattr(args, "pre_vote", False) else Kind.VOTE
    return Message(kind, args.candidate_id, me, args.term, args.last_log_index, args.last_log_term)


def from_append_args(args: AppendEntriesArgs, me: int) -> Message:
    """Return the message that an AppendEntries carries."""
    kind = Kind.HEARTBEAT if getattr(args, "heartbeat", False) else Kind.APPEND
    where = (args.prev_log_index, args.prev_log_term)
    return Message(kind, args.leader_id, me, args.term, *where, list(args.entries), args.leader_commit)


def from_snapshot_args(args: InstallSnapshotArgs, me: int) -> Message:
    """Return the message that an InstallSnapshot carries."""
    snapshot = Snapshot(args.last_included_index, args.last_included_term, args.data)
    return Message(Kind.SNAPSHOT, args.leader_id, me, args.term, snapshot=snapshot)


def to_vote_reply(m: Message) -> VoteReply:
    """Return the reply that carries an answer to a request for a vote."""
    return VoteReply(m.term, not m.reject, m.kind is Kind.PRE_VOTE_ANSWER)


def to_append_reply(m: Message, asked: Message) -> AppendReply:
    """Return the reply that carries an answer to an AppendEntries. A newer term is never a success."""
    if m.reject:
        return AppendReply(m.term, False, m.log_term, m.hint, m.index)
    if m.term > asked.term:
        return AppendReply(m.term, False)
    return AppendReply(m.term, True, index=m.index)


def to_snapshot_reply(m: Message) -> SnapshotReply:
    """Return the reply that carries an answer to an InstallSnapshot."""
    return SnapshotReply(m.term, m.index)


def from_reply(reply: RequestVoteReply | AppendEntriesReply | InstallSnapshotReply, asked: Message) -> Message:
    """Return the answer that a reply carries."""
    names = (asked.to, asked.sender, reply.term)
    if isinstance(reply, RequestVoteReply):
        kind = Kind.PRE_VOTE_ANSWER if asked.kind is Kind.PRE_VOTE else Kind.VOTE_ANSWER
        return Message(kind, *names, reject=not reply.vote_granted)
    index = getattr(reply, "index", None)
    if isinstance(reply, InstallSnapshotReply):
        assert asked.snapshot is not None
        taken = asked.snapshot.index if reply.term == asked.term else 0  # A newer term is never a success.
        return Message(Kind.APPEND_ANSWER, *names, taken if index is None else index)
    if asked.kind is Kind.HEARTBEAT:
        return Message(Kind.HEARTBEAT_ANSWER, *names)
    if reply.success:
        last = asked.index + len(asked.entries)
        return Message(Kind.APPEND_ANSWER, *names, last if index is None else index)
    if reply.conflict_index is None:
        return Message(Kind.APPEND_ANSWER, *names, asked.index, reject=True, hint=max(asked.index - 1, 0))
    return Message(
        Kind.APPEND_ANSWER, *names, asked.index, reply.conflict_term or 0, reject=True, hint=reply.conflict_index
    )

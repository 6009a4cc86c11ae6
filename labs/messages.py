"""The messages that servers exchange: Figure 2 and Figure 13 as frozen dataclasses, with the paper's names.

A submission imports these. It may subclass a message, an entry or the state to add fields of its own. Give them
defaults that mean the same as a message without them: the drills send such messages. Knows nothing of the simulator:
`labs.codec.messages` does the encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Command: TypeAlias = bool | int | float | str | bytes | list[Any] | dict[str, Any] | None
    """What a log entry may hold; lists and dicts (with string keys) hold commands again. `None` is a no-op."""
else:  # at run time labs.codec.messages checks the values; the decoder cannot tell str from bytes in a union
    Command = Any


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the log: a command, and the term in which a leader received it (Figure 2, State)."""

    term: int
    command: Command


@dataclass(frozen=True, slots=True)
class RequestVoteArgs:
    """A candidate asks for a vote (Figure 2, RequestVote RPC)."""

    term: int
    candidate_id: int
    last_log_index: int
    last_log_term: int


@dataclass(frozen=True, slots=True)
class RequestVoteReply:
    """The answer to a request for a vote (Figure 2, RequestVote RPC)."""

    term: int
    vote_granted: bool


@dataclass(frozen=True, slots=True)
class AppendEntriesArgs:
    """A leader replicates entries, or sends a heartbeat: then `entries` is empty (Figure 2, AppendEntries RPC)."""

    term: int
    leader_id: int
    prev_log_index: int
    prev_log_term: int
    entries: list[LogEntry]
    leader_commit: int


@dataclass(frozen=True, slots=True)
class AppendEntriesReply:
    """The answer to AppendEntries (Figure 2), with room for a hint that backs a leader up by terms (end of §5.3).

    Both hints are the submission's own business: the simulator never looks at them.
    """

    term: int
    success: bool
    conflict_term: int | None = None
    conflict_index: int | None = None


@dataclass(frozen=True, slots=True)
class InstallSnapshotArgs:
    """A leader sends its snapshot, whole, to a follower that lags behind its log (Figure 13, without chunks)."""

    term: int
    leader_id: int
    last_included_index: int
    last_included_term: int
    data: bytes


@dataclass(frozen=True, slots=True)
class InstallSnapshotReply:
    """The answer to InstallSnapshot (Figure 13)."""

    term: int


@dataclass(frozen=True, slots=True)
class PersistentState:
    """What must be on disk before a server answers an RPC (Figure 2, Persistent state; §7 for the last two).

    `log` holds the entries after `last_included_index`, without a sentinel: its first entry has the index
    `last_included_index + 1`. `voted_for` is a server's id, or None.
    """

    current_term: int
    voted_for: int | None
    log: list[LogEntry]
    last_included_index: int = 0
    last_included_term: int = 0


@dataclass(frozen=True, slots=True)
class ApplyCommand:
    """Hands one committed entry to the service (Figure 2, Rules for all servers 1)."""

    index: int
    command: Command


@dataclass(frozen=True, slots=True)
class ApplySnapshot:
    """Hands a snapshot to the service, which replaces its whole state with it (Figure 13, rule 8).

    `index` and `term` are those of the last entry that the snapshot covers; `data` holds the service's own bytes.
    """

    index: int
    term: int
    data: bytes


@dataclass(frozen=True, slots=True)
class PingArgs:
    """The warm-up's only request: are you there, and have you seen this number? (Not a part of Raft.)"""

    number: int


@dataclass(frozen=True, slots=True)
class PingReply:
    """The warm-up's answer: yes, I have seen this number. (Not a part of Raft.)"""

    number: int


ApplyMsg: TypeAlias = ApplyCommand | ApplySnapshot
Args: TypeAlias = RequestVoteArgs | AppendEntriesArgs | InstallSnapshotArgs | PingArgs
Reply: TypeAlias = RequestVoteReply | AppendEntriesReply | InstallSnapshotReply | PingReply
Message: TypeAlias = Args | Reply

"""The paper's messages with fields of this server's own. Without them they mean what the paper says."""

from __future__ import annotations

from dataclasses import dataclass, field

from labs.messages import (
    AppendEntriesReply,
    Command,
    InstallSnapshotReply,
    PersistentState,
    RequestVoteArgs,
)


@dataclass(frozen=True, slots=True)
class VoteRequest(RequestVoteArgs):
    """Asks for a vote, or on trial whether one would be given."""

    pre_vote: bool = False


@dataclass(frozen=True, slots=True)
class AppendReply(AppendEntriesReply):
    """Tells a refused leader where this log ends, and whether to try again at once."""

    last_log: int | None = None
    no_retry_backoff: bool = False


@dataclass(frozen=True, slots=True)
class SnapshotReply(InstallSnapshotReply):
    """Tells whether the snapshot is installed."""

    success: bool = True


@dataclass(frozen=True, slots=True)
class Stable(PersistentState):
    """What is on the disk: also the last vote, which may be of an older term, and entries that the snapshot covers."""

    last_vote_term: int = 0
    last_vote_candidate: int | None = None
    trailing: list[list[Command]] = field(default_factory=list)  # Pairs of term and command, the snapshot's end last.

"""Short words for Raft's messages: in printed traces, and on the arrows of a drawing. Knows only messages."""

from __future__ import annotations

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    Message,
    RequestVoteArgs,
    RequestVoteReply,
)


def words(message: Message) -> str:
    """Return the content of a message for a printed trace."""
    match message:
        case RequestVoteArgs():
            return f"t{message.term} last {message.last_log_index}/t{message.last_log_term}"
        case RequestVoteReply():
            return f"t{message.term} {'yes' if message.vote_granted else 'no'}"
        case AppendEntriesArgs():
            entries = f" +{len(message.entries)}" if message.entries else ""
            prev = f"prev {message.prev_log_index}/t{message.prev_log_term}"
            return f"t{message.term} {prev}{entries} c{message.leader_commit}"
        case AppendEntriesReply():
            return f"t{message.term} {'ok' if message.success else 'no'}"
        case InstallSnapshotArgs():
            return f"t{message.term} upto {message.last_included_index}/t{message.last_included_term}"
    return _values_of(message)


def label(message: Message) -> str:
    """Return the content of a message, short enough for a label; entries are shown as their terms."""
    match message:
        case RequestVoteArgs():
            return f"t{message.term} last {message.last_log_index}/t{message.last_log_term}"
        case RequestVoteReply():
            return f"t{message.term} {'yes' if message.vote_granted else 'no'}"
        case AppendEntriesReply():
            return f"t{message.term} {'ok' if message.success else 'no'}"
        case AppendEntriesArgs():
            terms = [entry.term for entry in message.entries]
            entries = f" [{' '.join(map(str, terms))}]" if len(terms) <= 4 else f" +{len(terms)}"
            prev = f"prev {message.prev_log_index}/t{message.prev_log_term}"
            commit = f" c{message.leader_commit}" if message.leader_commit else ""
            return f"t{message.term} {prev}{entries if terms else ''}{commit}"
        case InstallSnapshotArgs():
            return f"t{message.term} last {message.last_included_index}/t{message.last_included_term}"
        case InstallSnapshotReply():
            return f"t{message.term}"
    return _values_of(message)


def _values_of(message: Message) -> str:
    return " ".join(str(getattr(message, name)) for name in message.__dataclass_fields__)

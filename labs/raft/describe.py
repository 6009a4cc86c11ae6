"""Short words for Raft's messages and saves: in printed traces, and in drawings. Knows only messages and events."""

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
from labs.raft.events import Save


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


def save_words(event: Save) -> str:
    """Return the content of a save for a printed trace."""
    change = f" from {event.first_index}" if event.entries else ""
    return f"{_term_and_vote(event)} log {event.last_included_index}..{event.last_index}{change}"


def save_label(event: Save) -> str:
    """Return the content of a save, short enough for a label."""
    return f"{_term_and_vote(event)} log ..{event.last_index}"


def _term_and_vote(event: Save) -> str:
    return f"t{event.current_term} vote {'-' if event.voted_for is None else event.voted_for}"


def _values_of(message: Message) -> str:
    return " ".join(str(getattr(message, name)) for name in message.__dataclass_fields__)

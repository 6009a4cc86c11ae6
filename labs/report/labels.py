"""Labels for the arrows of a space-time diagram: a message in a few letters. Knows only messages."""

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


def brief(message: Message) -> str:
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
    return " ".join(str(getattr(message, name))[:12] for name in message.__dataclass_fields__)

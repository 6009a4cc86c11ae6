"""Checks quickly whether all fields of a frequent message are right, so that it need not be decoded to find out.

If a quick check fails, decoding finds a field of a wrong type (labs.codec.messages), and labs.codec.meaning a field
whose value has no meaning; the bounds are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labs.codec.limits import MAX_INDEX, MAX_TERM
from labs.messages import AppendEntriesArgs, AppendEntriesReply, RequestVoteArgs, RequestVoteReply


def never_sure(message: Any, servers: int) -> bool:
    """Stand in for a missing quick check."""
    return False


def _request_vote_args(message: RequestVoteArgs, servers: int) -> bool:
    return (
        type(message.term) is int
        and type(message.candidate_id) is int
        and type(message.last_log_index) is int
        and type(message.last_log_term) is int
        and 0 <= message.candidate_id < servers
        and -1 <= message.last_log_index <= MAX_INDEX
        and -1 <= message.last_log_term <= MAX_TERM
        and -1 <= message.term <= MAX_TERM
    )


def _request_vote_reply(message: RequestVoteReply, servers: int) -> bool:
    return type(message.term) is int and -1 <= message.term <= MAX_TERM and type(message.vote_granted) is bool


def _append_entries_args(message: AppendEntriesArgs, servers: int) -> bool:
    return (
        type(message.term) is int
        and type(message.leader_id) is int
        and type(message.prev_log_index) is int
        and type(message.prev_log_term) is int
        and type(message.leader_commit) is int
        and 0 <= message.leader_id < servers
        and -1 <= message.prev_log_index <= MAX_INDEX
        and -1 <= message.leader_commit <= MAX_INDEX
        and -1 <= message.prev_log_term <= MAX_TERM
        and -1 <= message.term <= MAX_TERM
        and (not message.entries or _right_entries(message))
    )


def _right_entries(message: AppendEntriesArgs) -> bool:
    entries = message.entries
    if message.prev_log_index + len(entries) > MAX_INDEX:
        return False
    return all(type(entry.term) is int and -1 <= entry.term <= MAX_TERM for entry in entries)


def _append_entries_reply(message: AppendEntriesReply, servers: int) -> bool:
    return (
        type(message.term) is int
        and -1 <= message.term <= MAX_TERM
        and type(message.success) is bool
        and (message.conflict_term is None or type(message.conflict_term) is int)
        and (message.conflict_index is None or type(message.conflict_index) is int)
    )


quick_checks: dict[type, Callable[[Any, int], bool]] = {
    RequestVoteArgs: _request_vote_args,
    RequestVoteReply: _request_vote_reply,
    AppendEntriesArgs: _append_entries_args,
    AppendEntriesReply: _append_entries_reply,
}
"""For frequent messages: checks, for this number of servers, that their fields and entries have the right types and a
meaning."""

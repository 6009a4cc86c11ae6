"""Says quickly that all fields of a frequent message are right, so that it need not be decoded to find out.

Where a check says no, decoding finds the field that is wrong (labs.sim.codec).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labs.messages import AppendEntriesArgs, AppendEntriesReply, RequestVoteArgs, RequestVoteReply
from labs.sim.limits import MAX_INDEX


def _request_vote_args(message: RequestVoteArgs) -> bool:
    return (
        type(message.term) is int
        and type(message.candidate_id) is int
        and type(message.last_log_index) is int
        and type(message.last_log_term) is int
        and -MAX_INDEX <= message.last_log_index <= MAX_INDEX
    )


def _request_vote_reply(message: RequestVoteReply) -> bool:
    return type(message.term) is int and type(message.vote_granted) is bool


def _append_entries_args(message: AppendEntriesArgs) -> bool:
    return (
        type(message.term) is int
        and type(message.leader_id) is int
        and type(message.prev_log_index) is int
        and type(message.prev_log_term) is int
        and type(message.leader_commit) is int
        and -MAX_INDEX <= message.prev_log_index <= MAX_INDEX
        and -MAX_INDEX <= message.leader_commit <= MAX_INDEX
        and (not message.entries or all(type(entry.term) is int for entry in message.entries))
    )


def _append_entries_reply(message: AppendEntriesReply) -> bool:
    return (
        type(message.term) is int
        and type(message.success) is bool
        and (message.conflict_term is None or type(message.conflict_term) is int)
        and (message.conflict_index is None or type(message.conflict_index) is int)
    )


quick_checks: dict[type, Callable[[Any], bool]] = {
    RequestVoteArgs: _request_vote_args,
    RequestVoteReply: _request_vote_reply,
    AppendEntriesArgs: _append_entries_args,
    AppendEntriesReply: _append_entries_reply,
}
"""For frequent messages what says that their fields, and those of their entries, have the right types."""

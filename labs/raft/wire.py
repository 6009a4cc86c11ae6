"""Checks the fields of Raft's messages before they are sent and before they are decoded, and those of its state.

The quick checks see that all fields of a frequent message are right, without decoding it. If one fails, decoding finds
a field of a wrong type (labs.codec.messages), and `check_message` a field without a meaning; the bounds are the same.
"""

from __future__ import annotations

from typing import Any

import msgspec

from labs.codec import messages as codec
from labs.codec.limits import MAX_INDEX, MAX_TERM, Refused
from labs.codec.meaning import ANYBODY, check_entries, check_id, check_index, check_int, check_term, check_vote
from labs.codec.outlines import EntryOutline, look_through_command, look_through_entry
from labs.codec.packed import HARMLESS, containers_in
from labs.codec.safe_repr import short
from labs.codec.values import SCALARS, check_command
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)

_INDEXES: dict[type, tuple[str, ...]] = {
    RequestVoteArgs: ("last_log_index",),
    AppendEntriesArgs: ("prev_log_index", "leader_commit"),
    InstallSnapshotArgs: ("last_included_index",),
}
_TERMS: dict[type, tuple[str, ...]] = {
    RequestVoteArgs: ("term", "last_log_term"),
    AppendEntriesArgs: ("term", "prev_log_term"),
    InstallSnapshotArgs: ("term", "last_included_term"),
}
_NAMES: dict[type, str] = {
    RequestVoteArgs: "candidate_id",
    AppendEntriesArgs: "leader_id",
    InstallSnapshotArgs: "leader_id",
}


def check_message(message: Any, servers: int = ANYBODY) -> None:
    """Raise Refused if a message of a base class names a server, an index or a term that cannot exist."""
    kind = type(message)
    name = kind.__name__
    for field in _INDEXES.get(kind, ()):
        check_index(getattr(message, field), f"{name}.{field}")
    for field in _TERMS.get(kind, ("term",) if hasattr(message, "term") else ()):
        check_term(getattr(message, field), f"{name}.{field}")
    if kind in _NAMES:
        check_id(getattr(message, _NAMES[kind]), servers, f"{name}.{_NAMES[kind]}")
    if kind is AppendEntriesArgs:
        check_entries(message.entries, message.prev_log_index, f"{name}.entries")


def is_right_state(state: PersistentState, servers: int) -> bool:
    """Return whether a state surely has plain fields of the right types, and with a meaning."""
    vote = state.voted_for
    return (
        type(state.current_term) is int
        and type(state.last_included_index) is int
        and type(state.last_included_term) is int
        and -1 <= state.current_term <= MAX_TERM
        and -1 <= state.last_included_index <= MAX_INDEX
        and -1 <= state.last_included_term <= MAX_TERM
        and (vote is None or (type(vote) is int and 0 <= vote < servers))
    )


def check_state_types(state: PersistentState) -> None:
    """Raise Refused if a state's number is not an int, or its vote neither an int nor None."""
    check_int(state.current_term, "PersistentState.current_term")
    check_int(state.last_included_index, "PersistentState.last_included_index")
    check_int(state.last_included_term, "PersistentState.last_included_term")
    vote = state.voted_for
    if vote is not None and type(vote) is not int:
        raise Refused(f"PersistentState.voted_for must be an int or None, not {short(vote)}")


def check_state(state: PersistentState, servers: int) -> None:
    """Raise Refused if a state names a server, an index or a term that cannot exist."""
    check_term(state.current_term, "PersistentState.current_term")
    check_vote(state.voted_for, servers, "PersistentState.voted_for")
    check_index(state.last_included_index, "PersistentState.last_included_index")
    check_term(state.last_included_term, "PersistentState.last_included_term")


def check_entry(data: bytes) -> None:
    """Raise Refused if the bytes of an entry would decode to too much, or to something without a meaning."""
    look_through_entry(data)
    entry = codec.decode_base_entry(data)
    check_term(entry.term, "LogEntry.term")
    if type(entry.command) not in SCALARS:
        check_command(entry.command)


def is_fixed_entry(entry: LogEntry) -> bool:
    """Return whether an entry can never change."""
    return type(entry) is LogEntry and type(entry.command) in SCALARS


def is_right_request_vote_args(message: RequestVoteArgs, servers: int) -> bool:
    """Return whether a RequestVote surely has fields of the right types, and with a meaning."""
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


def is_right_request_vote_reply(message: RequestVoteReply, servers: int) -> bool:
    """Return whether its answer surely has fields of the right types, and with a meaning."""
    return type(message.term) is int and -1 <= message.term <= MAX_TERM and type(message.vote_granted) is bool


def is_right_append_entries_args(message: AppendEntriesArgs, servers: int) -> bool:
    """Return whether an AppendEntries surely has fields of the right types, and with a meaning."""
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


def is_right_append_entries_reply(message: AppendEntriesReply, servers: int) -> bool:
    """Return whether its answer surely has fields of the right types, and with a meaning."""
    return (
        type(message.term) is int
        and -1 <= message.term <= MAX_TERM
        and type(message.success) is bool
        and (message.conflict_term is None or type(message.conflict_term) is int)
        and (message.conflict_index is None or type(message.conflict_index) is int)
    )


def has_plain_entries(message: AppendEntriesArgs) -> bool:
    """Return whether all entries are of the base class; raise Refused if they are not entries."""
    entries = message.entries
    if type(entries) is not list:
        raise Refused(f"AppendEntriesArgs.entries is a {type(entries).__name__}, it must be a list of LogEntry")
    return not entries or codec.are_plain(entries, "AppendEntriesArgs.entries")


def commands_of(message: AppendEntriesArgs) -> list[Any]:
    """Return the commands in a message."""
    return [entry.command for entry in message.entries]


class _AppendEntries(msgspec.Struct):
    """An AppendEntries whose commands are not decoded; in the order of AppendEntriesArgs."""

    term: int
    leader_id: int
    prev_log_index: int
    prev_log_term: int
    entries: list[EntryOutline]
    leader_commit: int


_ENTRY = b"\x82\xa4term"
"""The first bytes of an encoded entry."""
_SHORT = 8 * HARMLESS
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_AppendEntries).decode


def look_through_append_entries(data: bytes) -> None:
    """Raise Refused if an encoded AppendEntries would decode to more than a message may hold."""
    if _holds_scalars(data):
        return
    packed = data[1:]
    outline = _decode(packed)
    if _encode(outline) != packed:  # a repeated field would be built twice
        raise Refused("an AppendEntriesArgs with fields that it does not have, or has twice")
    for entry in outline.entries:
        look_through_command(entry.command)


def _holds_scalars(data: bytes) -> bool:
    """Return whether an AppendEntries has no list or map but itself, its list of entries, and the entries.

    That is the usual case.

    A few more bytes that only look like lists or maps, such as parts of numbers, do no harm in a short message.
    """
    entries = data.count(_ENTRY)
    more = containers_in(data) - entries - 2
    return more == 0 or (len(data) <= _SHORT and more <= entries // 4)

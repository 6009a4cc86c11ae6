"""Raft's remote calls and its persistent state (Figure 2, Figure 13).

Registered when this is imported; in servers' processes, too.
"""

from __future__ import annotations

from labs.codec import messages as codec
from labs.codec import states
from labs.codec.rpcs import Kind, Rpc, register
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
from labs.raft import describe, wire
from labs.raft.events import Save

REQUEST_VOTE = Rpc(
    "RequestVote",
    "request_vote",
    Kind(0, RequestVoteArgs, wire.is_right_request_vote_args, wire.check_message),
    Kind(1, RequestVoteReply, wire.is_right_request_vote_reply, wire.check_message),
    "RV",
    None,
    describe.words,
    describe.label,
)
APPEND_ENTRIES = Rpc(
    "AppendEntries",
    "append_entries",
    Kind(
        2,
        AppendEntriesArgs,
        wire.is_right_append_entries_args,
        wire.check_message,
        wire.has_plain_entries,
        wire.look_through_append_entries,
        wire.commands_of,
    ),
    Kind(3, AppendEntriesReply, wire.is_right_append_entries_reply, wire.check_message),
    "AE",
    "Append",
    describe.words,
    describe.label,
)
INSTALL_SNAPSHOT = Rpc(
    "InstallSnapshot",
    "install_snapshot",
    Kind(4, InstallSnapshotArgs, check=wire.check_message),
    Kind(5, InstallSnapshotReply, check=wire.check_message),
    "IS",
    "Install",
    describe.words,
    describe.label,
)
STATE = states.StateKind(
    0,
    PersistentState,
    Save,
    wire.is_right_state,
    wire.check_state_types,
    wire.check_state,
    states.Log(
        "log",
        "last_included_index",
        LogEntry,
        codec.encode_entry,
        codec.decode_entry,
        codec.decode_base_entry,
        wire.check_entry,
        wire.is_fixed_entry,
    ),
    describe.save_words,
    describe.save_label,
)
register(__name__, REQUEST_VOTE, APPEND_ENTRIES, INSTALL_SNAPSHOT)
states.register(STATE)

"""Servers after well-known implementations of Raft, and small changes to them."""

from __future__ import annotations

from tests.variants import Variant

VARIANTS = (
    Variant(
        "hashicorp_core",
        "one task owns the state, after hashicorp/raft: a pipeline for each peer, bare heartbeats, a leader's lease, "
        "pre-vote, candidates refused while a leader is known, votes and trailing entries in fields of their own",
        "it departs from its model where that would break a rule",
        folder="hashicorp_core",
    ),
    Variant(
        "logcabin_core",
        "a task for each peer with one call at a time, after LogCabin: votes withheld, a disk that comes later, a leader "
        "that goes on to the next term when it hears no majority, snapshots in pieces with offset and done",
        "a call that is broken off is a lost one, and any server may go on to a newer term",
        folder="logcabin_core",
    ),
    Variant(
        "logcabin_slow_disk",
        "a leader's own entries reach its disk up to 0.2 s later, mostly after its followers' answers",
        "it counts its own copy only then; what a majority has saved is safe without it (thesis 10.2.1)",
        (("SYNC_TIME = 0.01", "SYNC_TIME = 0.2"),),
        folder="logcabin_core",
    ),
    Variant(
        "tla_actions",
        "takes one action at a time, in any order that the TLA+ specification allows: adopts a term, drops one entry, or "
        "appends one; a late answer moves match_index back for a while",
        "it has been proved so; nothing leaves before what it rests on is saved",
        folder="tla_actions",
    ),
)

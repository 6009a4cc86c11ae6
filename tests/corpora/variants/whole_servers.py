"""Servers that were written from the paper alone, in other styles than the reference's."""

from __future__ import annotations

from tests.corpora.variants import Variant

VARIANTS = (
    Variant(
        "one_inbox",
        "one task owns the state; handlers are coroutines that wait for it, and start promises an index in advance",
        "all is answered in the order of the inbox, and a promised command is dropped if the leadership ends first",
        folder="one_inbox",
    ),
    Variant(
        "poll_loop",
        "looks every 10 ms what there is to do, counts timeouts in ticks, and backs up by one entry at a time",
        "a tick is short against all timeouts, and backing up by one is the paper's own rule",
        folder="poll_loop",
    ),
    Variant(
        "pure_core",
        "a state machine of events and actions in a thin shell, which pipelines once it knows a peer's log",
        "the shell writes before it sends, and a refusal or a heartbeat finds out what was lost",
        folder="pure_core",
    ),
    Variant(
        "package",
        "several modules in a package; coroutines with a lock; random, time, dicts and sets; state in class attributes",
        "each incarnation of a server has modules of its own, so nothing is shared and nothing survives",
        folder="package",
    ),
    Variant(
        "go_style",
        "one lock, coroutines as handlers, tickers that poll, a dummy entry at index 0; entries leave with the heartbeat",
        "polls and heartbeats are short against all timeouts, and a refusal is followed up at once",
        folder="go_style",
    ),
    Variant(
        "course_style",
        "timeouts of up to a second; replies go through a channel to one task; a limiter, deques, messages of its own",
        "replies of other terms are dropped there, and what the limiter keeps back goes with the next heartbeat",
        folder="course_style",
    ),
    Variant(
        "only_2a",
        "has no log, saves nothing, and answers yes to every AppendEntries of its term",
        "the first stage asks for elections only",
        folder="only_2a",
        stages=("2A",),
    ),
)

"""Servers that use what is left to a server, many choices at once: two cores whose choices are class attributes."""

from __future__ import annotations

from tests.corpora.variants import Variant

NO_FREEDOM = "    # The freedoms that it takes stand here.\n"
NO_POLICY = "    # The policies that are unusual stand here.\n"
HANDLERS_WAIT = ("from core import AnswersAtOnce as Core", "from core import AnswersLater as Core")

LARGE_NUMBERS = (
    ("10**8 + self.seq", "2**63 - 1 - self.seq"),
    ("why, 12345678901", "why, 2**63 - 1"),
    (
        '"m": [st.match, None], "z": 2**62}',
        '"m": [st.match, None], "z": -(2**63), "f": -1e308, "o": {"": [None, True, False]}}',
    ),
)


def following(*policies: str) -> tuple[tuple[str, str], ...]:
    """Return the changes that set policies, each the text of one or more assignments."""
    return ((NO_POLICY, "".join(f"    {policy}\n" for policy in policies)),)


def like(module: str, name: str) -> tuple[tuple[str, str], ...]:
    """Return the changes that make the server the one of a module."""
    return (("from core import Core as System", f"from {module} import {name} as System"),)


def free_to(*freedoms: str, handlers_wait: bool = False) -> tuple[tuple[str, str], ...]:
    """Return the changes that give freedoms, each the text of one or more assignments."""
    taken = (NO_FREEDOM, "".join(f"    {freedom}\n" for freedom in freedoms))
    return (taken, HANDLERS_WAIT) if handlers_wait else (taken,)


VARIANTS = (
    Variant(
        "etcd_like",
        "after etcd/raft with asynchronous storage: writes in their order, a saved commit index, a lease and trials, "
        "and entries that are applied before its own disk has them",
        "answers and its own vote wait for their write, and what a majority has saved is safe without its own",
        like("etcd_like", "EtcdLike"),
        folder="policies",
    ),
    Variant(
        "braft_like",
        "after braft: answers are taken in the order of the requests, anything lost or out of order begins again with an "
        "empty request, and a request that comes early is held for 30 ms",
        "a request that is held is one that is still on its way, and term and vote are saved at once",
        like("braft_like", "BraftLike"),
        folder="policies",
    ),
    Variant(
        "openraft_like",
        "after OpenRaft: who hears a leader saves it as its vote and refuses candidates of that term; where logs match is "
        "found by halves; a refusal drops what conflicts; votes are asked for once",
        "a vote for the leader of its term elects nobody else, and what conflicts with a leader is not committed",
        like("openraft_like", "OpenRaftLike"),
        folder="policies",
    ),
    Variant(
        "redpanda_like",
        "after Redpanda: appends at once, flushes 15 ms later, and answers how far it has flushed; one task sends all "
        "heartbeats; a peer that lags is led up by a task, one batch at a time",
        "a leader counts only what is flushed, and what a peer lacks it gets before anything newer",
        like("redpanda_like", "RedpandaLike"),
        folder="policies",
    ),
    Variant(
        "logcabin_like",
        "after LogCabin: one call to a peer at a time, up to 0.3 s; no entries for a peer whose last call failed; a slow "
        "disk on leaders only; silence makes a leader go on to the next term",
        "a call that is given up is a lost one, and any server may go on to a newer term",
        like("logcabin_like", "LogCabinLike"),
        folder="policies",
    ),
    Variant(
        "redisraft_like",
        "after RedisRaft: keeps no book of what is under way; what was lost shows when a heartbeat is refused; a tick of "
        "20 ms; trials in its own term; answers report in a field of their own how far the log matches",
        "next_index may go ahead of what has arrived, and only match_index decides about commits",
        like("redisraft_like", "RedisRaftLike"),
        folder="policies",
    ),
    Variant(
        "trial_goes_on_while_it_votes",
        "its trial in its own term goes on although it votes meanwhile, and may end in a candidacy soon after",
        "its timeout had run out before it voted; a trial only puts the candidacy off",
        like("redisraft_like", "RedisRaftLike") + following("TRIAL_GOES_ON = True"),
        folder="policies",
    ),
    Variant(
        "keeps_gaps_and_reports_them",
        "uses entries that it had refused once their gap is closed, and reports them in a field of its own; a disk of "
        "about 15 ms that writes each change in its order",
        "they are of the leader of its term, and on its disk when the report leaves",
        following("KEEP_GAPS = True", "STORED = True", "DISK = 0.015", "COALESCE = False"),
        folder="policies",
    ),
    Variant(
        "keeps_gaps_of_late_batches",
        "commands join the leader's log 15 ms after start has answered; a follower uses entries that it had refused once "
        "their gap is closed",
        "a promised index is lost with its leadership, and kept entries are of the leader of its term",
        following("KEEP_GAPS = True", "LINGER = 0.015"),
        folder="policies",
    ),
    Variant(
        "eight_policies_at_once",
        "terms of its own, batches that wait, 30 covered entries, snapshots taken over 0.4 s late, saves of nothing new, "
        "requests that leave late, and commits remembered on the disk and from any leader",
        "each is allowed alone, and none rests on another",
        following(
            "BALLOTS = True",
            "LINGER = 0.015",
            "TRAIL = 30",
            "SAVE_COMMIT = True",
            "LAZY_SNAP = 0.4",
            "EXTRA_SAVES = 0.15",
            "REMEMBER_COMMIT = True",
            "OUTBOX = 0.015",
        ),
        folder="policies",
    ),
    Variant(
        "queues_of_45_ms",
        "requests, answers, and what is applied wait 45 ms each inside the server; 0.24 s between heartbeats",
        "timeouts of 1.5 to 3.2 s are long against all of that",
        free_to(
            "HB = 0.24; ET = (1.5, 3.2); VOTE_RETRY = 0.6; RTX = 0.7; SNAP_TO = 0.9; HB_PREV = 'match'",
            "QUEUE = 0.045; LQUEUE = 0.045; APPLY = 'late'; APPLY_DELAY = 0.045",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "answers_leave_49_ms_late",
        "works at once, but its answers leave 49 ms later; 0.48 s between heartbeats, which alone bring commits, and "
        "only acknowledged ones",
        "an answer may take up to 50 ms, and timeouts begin at 1.6 s",
        free_to(
            "HB = 0.48; ET = (1.6, 3.0); ANSWER = 0.049; VOTE_RETRY = 0.5; RTX = 0.9",
            "APPLY = 'task'; COMMIT = 'acked'; TELL = 'hb'; SAVE = 'once'",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "four_entries_a_message",
        "four entries in a message and one message at a time, saves all twice, and has timeouts from 0.35 s after which a "
        "leader steps down that no majority answers",
        "what does not fit goes with the next message, and who has stepped down stands again",
        free_to(
            "HB = 0.101; ET = (0.35, 0.7); BATCH = 4; WINDOW = 1; TELL = 'hb'; COMMIT = 'acked'",
            "APPLY = 'relay'; SAVE = 'twice'; NOOP = True; QUORUM = True",
        ),
        folder="freedoms",
    ),
    Variant(
        "fields_everywhere",
        "fields of its own in messages, answers, entries and the state; it goes on after its snapshot without sending it, "
        "and a success reports other entries, too",
        "fields may hold any plain values, and a service finds its snapshot by itself",
        free_to(
            "WILD = True; PREVOTE = True; STICKY = 'old'; NOOP = True; START_AFTER_OWN = True; KEEP = 8",
            "SAVE_COMMIT = True; CONTINUE = True; COUNT_HAVE = True; IGNORE_SNAP = 'commit'; BESIDE = True",
            "MULTI_SNAP = True; APPLY = 'task'; LATE_LOAD = True; MAX_OPEN = 160",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "silent_group_commit",
        "a task saves every 20 ms, and answers wait for it; a leader sends before it has saved; candidates get no answer "
        "while a leader is heard; 20 covered entries stay, and the log is cut up to 0.4 s late",
        "nobody counts for anybody before its save, its own leader not either",
        free_to(
            "SAVE = 'group'; FLUSH = 0.02; TRIM_DELAY = 0.4; KEEP = 20; APPLY = 'relay'",
            "STICKY = 'silent'; QUORUM = True; ET = (0.5, 1.0)",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "saves_when_a_promise_leaves",
        "saves when a promise leaves, and all else within 45 ms; timeouts of 2.2 to 4.2 s, a trial first; entries beside "
        "a snapshot",
        "what no promise rests on may be lost in a crash",
        free_to(
            "SAVE = 'lazy'; FLUSH = 0.045; TRIM_DELAY = 0.9; ET = (2.2, 4.2); HB = 0.45; RTX = 0.6",
            "PREVOTE = True; BESIDE = True; APPLY = 'task'; HB_PREV = 'match'",
        ),
        folder="freedoms",
    ),
    Variant(
        "longest_timeouts_with_trials",
        "timeouts of 2.2 to 4.2 s, a trial first, and 0.45 s between heartbeats",
        "an undisturbed election ends within five seconds",
        free_to("ET = (2.2, 4.2); HB = 0.45; RTX = 0.6; PREVOTE = True"),
        folder="freedoms",
    ),
    Variant(
        "requests_overtake_each_other",
        "looks at a request after up to 47 ms, in any order, and at an answer after 30 ms; gives a vote again without a "
        "look at the log; ignores snapshots up to its commit index",
        "a network may do the same, and a vote that was given stays given",
        free_to(
            "RANDQ = 0.047; LQUEUE = 0.03; HB = 0.15; ET = (0.9, 1.8); RTX = 0.6; REPEAT = True; SAVE = 'once'",
            "HB_PREV = 'match'; APPLY = 'late'; APPLY_DELAY = 0.02; IGNORE_SNAP = 'commit'; BESIDE = True",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "stingy_leader",
        "takes no commands before its no-op is committed, nor while twelve are open; its peers learn of acknowledged commits only, "
        "by heartbeats; stands in a new term when no majority answers",
        "a leader may refuse commands, and leader_commit may lag; any server may go on to a newer term",
        free_to(
            "MAX_OPEN = 12; START_AFTER_OWN = True; NOOP = True; COMMIT = 'acked'; TELL = 'hb'; HB = 0.4; ET = (1.4, 2.6)",
            "GIVEUP = True; QUORUM = True; SAVE = 'lazy'; FLUSH = 0.03; APPLY = 'relay'; RTX = 0.5; KEEP = 39",
            "REPEAT = True; STICKY = 'silent'",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "keeps_much_and_applies_to_it",
        "keeps 39 covered entries, cuts its log up to 0.9 s late, saves its commit index and applies to it after a "
        "restart; two snapshots at once; answers 40 ms late",
        "fewer than 40 may stay, and what was committed stays committed",
        free_to(
            "KEEP = 39; TRIM_DELAY = 0.9; SAVE_COMMIT = True; MULTI_SNAP = True; SNAP_TO = 0.45; BESIDE = True",
            "ANSWER = 0.04; SAVE = 'group'; FLUSH = 0.004; APPLY = 'task'; PREVOTE = True; QUORUM = True; ET = (0.8, 1.6)",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "writes_the_next_message_early",
        "one AppendEntries at a time to a peer, and the next one, written already, waits up to 0.4 s; commits are "
        "remembered from any leader; fields of its own everywhere",
        "what a message states was true when it was written, and its term is still the leader's",
        free_to(
            "SERIAL = 0.4; WINDOW = 1; RTX = 1.0; REMEMBER = True; SAVE_COMMIT = True; ET = (0.6, 1.4); QUORUM = True",
            "GIVEUP = True; PREVOTE = True; SAVE = 'once'; APPLY = 'relay'; NOOP = True; COUNT_HAVE = True; WILD = True",
        ),
        folder="freedoms",
    ),
    Variant(
        "every_queue_at_its_limit",
        "requests and answers wait 49 ms, requests leave up to 49 ms late, and so is what is applied; 39 covered entries "
        "stay, and the log is cut up to 0.9 s late",
        "each delay is below 50 ms, and what leaves late was true and saved when it was written",
        free_to(
            "QUEUE = 0.049; LQUEUE = 0.049; SENDQ = 0.049; APPLY = 'late'; APPLY_DELAY = 0.049; HB = 0.3; ET = (1.3, 2.6)",
            "RTX = 0.8; VOTE_RETRY = 0.6; SNAP_TO = 0.9; TRIM_DELAY = 0.9; KEEP = 39; QUORUM = True",
            handlers_wait=True,
        ),
        folder="freedoms",
    ),
    Variant(
        "largest_numbers_and_late_requests",
        "each request leaves up to 45 ms late, fields of its own hold the largest and smallest integers, and it saves "
        "when a promise leaves",
        "64 bits hold them, and a request may be on its way for longer",
        free_to(
            "SENDQ = 0.045; ET = (0.45, 0.9); WILD = True; SAVE = 'lazy'; FLUSH = 0.049; CONTINUE = True",
            "IGNORE_SNAP = 'commit'; QUORUM = True; PREVOTE = True",
        )
        + LARGE_NUMBERS,
        folder="freedoms",
    ),
)

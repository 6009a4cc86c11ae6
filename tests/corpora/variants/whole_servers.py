"""Servers that were written from the paper alone, in other styles than the reference's."""

from __future__ import annotations

from tests.corpora.variants import Variant

LATE_WIRE = (
    ("BALLOTS = True", "BALLOTS = False"),
    ("SILENT = True", "SILENT = False"),
    ("QUICK = True", "QUICK = False"),
    ("BARRIER = True", "BARRIER = False"),
    (
        "class Raft:\n",
        """class Wire:
    def __init__(self, node):
        self.node = node

    def __getattr__(self, name):
        return getattr(self.node, name)

    async def call(self, peer, args):
        await trio.sleep(self.node.random.uniform(0, 0.045))
        return await self.node.call(peer, args)


def late(handler):
    async def handle(self, args):
        reply = handler(self, args)
        reply = await reply if inspect.isawaitable(reply) else reply
        await trio.sleep(self.node.random.uniform(0, 0.045))
        return reply

    return handle


class Raft:
""",
    ),
    (
        "self.node, self.ch, self.me, self.peers, self.rand = node,",
        "self.node, self.ch, self.me, self.peers, self.rand = Wire(node),",
    ),
    ("from dataclasses import dataclass\n", "import inspect\nfrom dataclasses import dataclass\n"),
    ("    async def request_vote(self, args):\n", "    @late\n    async def request_vote(self, args):\n"),
    ("    def append_entries(self, args):\n", "    @late\n    def append_entries(self, args):\n"),
    ("    def install_snapshot(self, args):\n", "    @late\n    def install_snapshot(self, args):\n"),
)
"""Queues of threads: each request and each answer waits on its own before it leaves."""

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
        "hanging_votes",
        "etcd's loop with ticks of 50 ms; a server that hears its leader never answers a candidate; the commit index is saved",
        "a server that hears a leader may ignore candidates (§6), and what was committed stays committed",
        folder="hanging_votes",
    ),
    Variant(
        "trailing_on_disk",
        "the log on the disk keeps 16 entries that the snapshot covers; a lease; heartbeats with prev 0",
        "last_included_index is where the log begins, and fields of its own where the snapshot ends",
        folder="trailing_on_disk",
    ),
    Variant(
        "keeps_39_covered_entries",
        "the log on the disk keeps 39 entries that the snapshot covers",
        "fewer than 40 may stay, for peers that lag a little",
        (("TRAILING = 16\n", "TRAILING = 39\n"),),
        folder="trailing_on_disk",
    ),
    Variant(
        "late_actor",
        "one actor answers up to 4 ms late, and start reserves an index that the actor fills later",
        "what an answer shows is on the disk when it leaves, and a reserved index is dropped with its term",
        folder="late_actor",
    ),
    Variant(
        "parallel_disk",
        "the leader sends entries while it writes them; followers apply what a majority has before their own write ends",
        "nobody counts itself before its own write ends, and a majority of others may commit (thesis 10.2.1)",
        folder="parallel_disk",
    ),
    Variant(
        "withheld_votes",
        "a save for each entry, and for term and vote; timeouts up to 1.6 s; votes are withheld for 0.8 s",
        "each save leaves a state in which the server could have crashed, and nothing leaves before the last",
        folder="withheld_votes",
    ),
    Variant(
        "hints_of_its_own",
        "polls each 20 ms and does all its sending there; each answer names the next index it wants, in its own field",
        "an answer without the paper's hints is allowed, and a poll is shorter than any bound",
        folder="hints_of_its_own",
    ),
    Variant(
        "resent_window",
        "sends all that is not acknowledged again each 105 ms, and accepts no command before its no-op is committed",
        "AppendEntries may come any number of times (§5.3), and a leader may refuse commands for now",
        folder="resent_window",
    ),
    Variant(
        "framed",
        "each of its messages has a field of its own, with another value than a message has that comes without it",
        "fields of one's own are allowed, and mean nothing to servers of another kind",
        folder="framed",
    ),
    Variant(
        "late_compactor",
        "writes its service's snapshots up to 0.3 s later, and sends entries right after a snapshot",
        "a log that is longer than necessary is still true, and entries that come first are sent again",
        folder="late_compactor",
    ),
    Variant(
        "disk_in_turn",
        "the disk takes 2 ms and writes one state after the other; answers wait for it, and a window of messages is sent",
        "what an answer shows is on the disk when it leaves, and a leader counts itself only for what its disk has",
        folder="disk_in_turn",
    ),
    Variant(
        "one_task_saves",
        "one task saves all that has changed, which takes 20 ms; a candidate's requests leave when its vote is saved",
        "an older leader that is heard meanwhile is refused in the new term, and resets no timer",
        folder="one_task_saves",
    ),
    Variant(
        "two_slow_files",
        "term and vote in one file, log and snapshot in another, 2 to 14 ms each; a candidate names a log that only "
        "memory has",
        "entries that are not on the disk count for nobody, and a crash ends the candidacy with them",
        folder="two_slow_files",
    ),
    Variant(
        "parks_holes",
        "answers newest first; an AppendEntries that leaves a hole waits for what fills it; what any leader had "
        "committed is remembered",
        "it commits no further than its log matches the present leader's, which has all that was committed",
        folder="parks_holes",
    ),
    Variant(
        "linked_log",
        "a tick of 23 ms; the log is a linked list, 35 covered entries stay on the disk, and the service finds its "
        "snapshot by itself after a restart",
        "what is applied goes on after the snapshot, wherever the log begins",
        folder="linked_log",
    ),
    Variant(
        "silent_lease",
        "who leads or hears its leader never answers a candidate; terms are ballots of one server each; a follower "
        "saves its leader as its vote",
        "a candidate that gets no answer asks again, and a vote for the leader of its term elects nobody else",
        folder="silent_lease",
    ),
    Variant(
        "late_wire",
        "each request and each answer waits up to 45 ms inside the server, in no order",
        "what an answer promises was on the disk before it began to wait",
        LATE_WIRE,
        folder="silent_lease",
    ),
    Variant(
        "peer_tasks",
        "a ticker, an applier that waits for a slow service, and a task for each peer that waits for an event",
        "each task looks at the role and the term again when it goes on",
        folder="peer_tasks",
    ),
    Variant(
        "lock_across_saves",
        "a lock is held across saves of 0.6 ms, each written twice; news go to all peers at each start and each commit, an "
        "empty message also to one whose snapshot is under way; hints in fields of its own",
        "handlers wait for a lock for less than any bound, and messages without news do no harm",
        folder="course_lock",
    ),
    Variant(
        "lock_and_ticks",
        "a lock is held across saves of 3 ms, and all sending waits for a tick of 40 ms",
        "both are short against all timeouts, and what waits for the tick goes together",
        (
            ("TICK = 0.015\n", "TICK = 0.04\n"),
            ("DISK = 0.0006 ", "DISK = 0.003 "),
            ("BATCHED = False ", "BATCHED = True "),
        ),
        folder="course_lock",
    ),
    Variant(
        "a_class_for_each_role",
        "a class for each role, whose tasks end with it; the log is a dict, cut by a sweep each 0.3 s; heartbeats are a "
        "task of their own, without entries",
        "a role that has ended takes no answers, and snapshots may be taken over late",
        folder="course_roles",
    ),
    Variant(
        "roles_and_full_heartbeats",
        "a class for each role; heartbeats carry what a peer lacks, 0.16 s apart, beside the messages of a replicator",
        "entries may come twice",
        (("BEAT = 0.11\n", "BEAT = 0.16\n"), ("ENTRIES_IN_BEATS = False ", "ENTRIES_IN_BEATS = True ")),
        folder="course_roles",
    ),
    Variant(
        "only_2a",
        "has no log, saves nothing, and answers yes to every AppendEntries of its term",
        "the first stage asks for elections only",
        folder="only_2a",
        stages=("2A",),
    ),
)

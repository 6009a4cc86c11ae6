"""Servers that waste something: messages, bytes, time, saves, CPU time; nearly all of them break no rule by it.

They are not mutants that the stages have to kill; the performance tests must find what each wastes, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.raft.stages.performance import Tier
from tests.corpora.mutants.patching import Mutant
from tests.corpora.variants.snapshots import VARIANTS as SNAPSHOT_VARIANTS

ENTRIES = "            entries=self.log[first : first + MAX_ENTRIES],\n"
FIRST = "        prev_log_index = self.next_index[peer] - 1\n        first = self.position(self.next_index[peer])\n"
LIMIT = "MAX_ENTRIES = 64\n"
WAKE_ONE = "            if self.next_index[peer] == index:\n                self.wakeups[peer].set()\n"
WATCH = "            await self.watch_election_timer()\n"
SAVED = "self.voted_for, self.log, *base), snapshot)\n"
RUN_HEAD = "    # Persistent state.\n\n    def save("
KEEP = "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
HINT = "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n            self.become_follower(args.term)\n"
NO_HINTS = (
    ("success=False, conflict_index=self.last_log_index() + 1)", "success=False)"),
    (
        "AppendEntriesReply(self.current_term, False, conflict_term, conflict_index)",
        "AppendEntriesReply(self.current_term, False)",
    ),
)


@dataclass(frozen=True)
class Wasteful:
    """One server that wastes something."""

    name: str
    wastes: str
    """What it does, in a sentence."""
    loses: dict[str, Tier]
    """The metrics in which it must land in another tier than full or bonus, and in which."""
    changes: tuple[tuple[str, str], ...]
    breaks: str = ""
    """The rule that the waste breaks, if there is enough of it; the metrics of the runs that end by it are lost."""

    def text(self) -> str:
        """Return the changed server's source (Mutant.text)."""
        return Mutant(self.name, "", "2B", self.wastes, (), self.changes).text()


WASTEFUL = (
    Wasteful(
        "resends_everything",
        "each AppendEntries carries the whole log, from its first entry on",
        {"bytes_per_command": "none"},
        (
            (FIRST, "        prev_log_index = self.last_included_index\n        first = 0\n"),
            (ENTRIES, "            entries=self.log.copy(),\n"),
        ),
    ),
    Wasteful(
        "resends_what_is_under_way",
        "each command sends at once all that the peer has not acknowledged yet",
        {
            "rpcs_under_load": "partial",
            "bytes_per_command": "partial",
            "saves": "partial",
            "saved_bytes": "partial",
            "cpu": "partial",
        },
        ((WAKE_ONE, "            self.wakeups[peer].set()\n"),),
    ),
    Wasteful(
        "one_entry_a_message",
        "an AppendEntries carries one entry",
        {
            "latency_99": "none",
            "rpcs_under_load": "partial",
            "burst": "none",
            "steady": "none",
            "catch_up": "none",
            "saves": "partial",
            "saved_bytes": "partial",
            "cpu": "partial",
        },
        ((LIMIT, "MAX_ENTRIES = 1\n"),),
    ),
    Wasteful("backs_up_one_at_a_time", "a refusal does not show how far to go back", {"catch_up": "none"}, NO_HINTS),
    Wasteful(
        "hundred_heartbeats",
        "a leader sends a hundred heartbeats a second",
        {
            "idle_rpcs": "none",
            "idle_bytes": "none",
            "rpcs_per_command": "none",
            "rpcs_under_load": "partial",
            "bytes_per_command": "partial",
            "catch_up": "partial",
            "saves": "partial",
            "saved_bytes": "partial",
            "snapshot_bytes": "none",
            "cpu": "partial",
        },
        (("HEARTBEAT_INTERVAL = 0.11\n", "HEARTBEAT_INTERVAL = 0.01\n"),),
    ),
    Wasteful(
        "sends_twice",
        "a leader sends all it sends twice: eighteen heartbeats a second to each peer",
        {
            "idle_rpcs": "none",
            "idle_bytes": "none",
            "recovery": "none",
            "rpcs_per_command": "partial",
            "latency_99": "none",
            "rpcs_under_load": "none",
            "bytes_per_command": "none",
            "saves": "none",
            "saved_bytes": "none",
            "snapshot_bytes": "partial",
        },
        ((KEEP, KEEP + KEEP),),
        "HeartbeatsSent",
    ),
    Wasteful(
        "heartbeats_with_old_entries",
        "a heartbeat to a peer that has everything carries its last ten entries again",
        {"bytes_per_command": "partial"},
        (
            (
                FIRST,
                "        start = self.next_index[peer]\n"
                "        if self.match_index[peer] == self.last_log_index():\n"
                "            start = max(self.last_included_index + 1, start - 10)\n"
                "        prev_log_index = start - 1\n"
                "        first = self.position(start)\n",
            ),
        ),
    ),
    Wasteful(
        "waits_for_the_heartbeat",
        "a command goes out with the next heartbeat, not when it comes",
        {"latency": "partial"},
        ((WAKE_ONE, "            pass\n"),),
    ),
    Wasteful(
        "commits_with_the_heartbeat",
        "a leader looks for what it can commit when it sends heartbeats",
        {"rpcs_per_command": "partial", "latency": "partial", "latency_99": "partial"},
        (
            (
                "        self.move_next_index(peer, self.match_index[peer] + 1)\n        self.advance_commit_index()\n",
                "        self.move_next_index(peer, self.match_index[peer] + 1)\n",
            ),
            (
                "        while self.is_still(Role.LEADER, term):\n            self.wakeups[peer] = trio.Event()\n",
                "        while self.is_still(Role.LEADER, term):\n"
                "            if not self.wakeups[peer].is_set():\n"
                "                self.advance_commit_index()\n"
                "            self.wakeups[peer] = trio.Event()\n",
            ),
        ),
    ),
    Wasteful(
        "slow_elections",
        "election timeouts of one and a half to three seconds",
        {"recovery": "partial"},
        (("ELECTION_TIMEOUT = (0.4, 0.8)\n", "ELECTION_TIMEOUT = (1.5, 3.0)\n"),),
    ),
    Wasteful(
        "saves_on_every_tick",
        "a task saves the state a hundred times a second, whether it has changed or not",
        {"saves": "none", "saved_bytes": "none", "snapshot_saves": "partial"},
        (
            (WATCH, "            self.nursery.start_soon(self.keep_saving)\n" + WATCH),
            (
                RUN_HEAD,
                "    async def keep_saving(self) -> None:\n        while True:\n            await trio.sleep(0.01)\n            self.save()\n\n"
                + RUN_HEAD,
            ),
        ),
    ),
    Wasteful(
        "writes_the_snapshot_each_time",
        "each save writes the snapshot again, too",
        {"snapshot_saves": "none"},
        ((SAVED, "self.voted_for, self.log, *base), snapshot or self.node.persister.snapshot())\n"),),
    ),
    Wasteful(
        "pushes_snapshots",
        "a leader sends each snapshot that its service takes to all peers at once, whether they need it or not",
        {"snapshot_bytes": "partial"},
        next(variant.changes for variant in SNAPSHOT_VARIANTS if variant.name == "pushes_snapshots"),
    ),
    Wasteful(
        "forgets_late",
        "a server uses only every fourth snapshot that the service offers",
        {"log_size": "partial"},
        (
            (
                "        if index <= self.last_included_index:\n            return\n        term = self.term_at(index)\n",
                "        if index < self.last_included_index + 40:\n            return\n        term = self.term_at(index)\n",
            ),
        ),
    ),
    Wasteful(
        "polls",
        "a task looks every millisecond whether there is anything to do",
        {"cpu": "partial"},
        (
            (WATCH, "            self.nursery.start_soon(self.look)\n" + WATCH),
            (
                RUN_HEAD,
                "    async def look(self) -> None:\n        while True:\n            await trio.sleep(0.001)\n\n"
                + RUN_HEAD,
            ),
        ),
    ),
    Wasteful(
        "copies_its_log",
        "each AppendEntries and each save takes a deep copy of the whole log",
        {"cpu": "partial"},
        (
            ("import math\n", "import copy\nimport math\n"),
            (ENTRIES, "            entries=copy.deepcopy(self.log)[first : first + MAX_ENTRIES],\n"),
            (SAVED, "self.voted_for, copy.deepcopy(self.log), *base), snapshot)\n"),
        ),
    ),
)

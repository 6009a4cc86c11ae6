"""Known-wrong servers of log replication: what a follower does with AppendEntries (§5.3)."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

CHECK = """\
        covered = args.prev_log_index < self.last_included_index
        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):
            return self.refuse_entries(args.prev_log_index)
"""
TAKE = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
COMMIT = """\
        last_new_entry = args.prev_log_index + len(args.entries)
        self.commit_up_to(min(args.leader_commit, last_new_entry))
"""
ACCEPT = "        return AppendEntriesReply(self.current_term, success=True)\n"
TRUNCATE = """\
                del self.log[self.position(index) :]
                changed = True
"""
COMMIT_UP_TO = """\
        if index > self.commit_index:
            self.commit_index = index
            self.apply_committed()
"""
APPLY = """\
        while self.commit_index > self.last_applied:
            self.last_applied += 1
            entry = self.log[self.position(self.last_applied)]
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))
"""
PROBE = (
    (
        "            entries=self.log[first : first + MAX_ENTRIES],\n",
        "            entries=(\n"
        "                self.log[first : first + MAX_ENTRIES] if prev_log_index == self.match_index[peer] else []\n"
        "            ),\n",
    ),
    (
        "        self.move_next_index(peer, self.match_index[peer] + 1)\n",
        "        self.next_index[peer] = self.match_index[peer] + 1\n"
        "        if self.next_index[peer] <= self.last_log_index():\n"
        "            self.wakeups[peer].set()\n",
    ),
)
"""A leader that sends no entries before the peer's log is known to match: correct, but it shows more."""

MUTANTS = [
    # The consistency check.
    Mutant(
        name="R01_heartbeats_are_not_checked",
        source="Students' Guide to Raft; copycat #265",
        stage="2B",
        wrong="a heartbeat succeeds, and commits, whatever the log holds",
        rules=("ConsistencyCheck", "CommitBound", "StateMachineSafety"),
        changes=(
            (
                CHECK,
                "        if not args.entries:\n"
                "            self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n"
                "            return AppendEntriesReply(self.current_term, success=True)\n" + CHECK,
            ),
        ),
    ),
    Mutant(
        name="R02_prev_log_term_not_compared",
        source="a common bug of course labs",
        stage="2B",
        wrong="the entry before the new ones has to be there, but may be of any term",
        rules=("ConsistencyCheck", "CommitBound", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                CHECK,
                CHECK.replace(
                    "not self.has_entry(args.prev_log_index, args.prev_log_term)",
                    "args.prev_log_index > self.last_log_index()",
                ),
            ),
        ),
    ),
    # Entries.
    Mutant(
        name="R04_always_truncates",
        source="akka-raft #66; raftos #26; openraft 9540c904",
        stage="2B",
        wrong="what follows the new entries is dropped, even if they are an old message's and all there",
        rules=("MatchingKept", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                TAKE,
                "        known = max(self.last_included_index - args.prev_log_index, 0)\n"
                "        if args.entries[known:]:\n"
                "            self.log[self.position(args.prev_log_index + known + 1) :] = args.entries[known:]\n"
                "            self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="R05_heartbeats_truncate",
        source="willemt/raft 3e011ae",
        stage="2B",
        wrong="a heartbeat drops all that follows prev_log_index",
        rules=("MatchingKept", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                TAKE,
                "        empty = not args.entries\n"
                "        if empty and self.last_included_index <= args.prev_log_index < self.last_log_index():\n"
                "            del self.log[self.position(args.prev_log_index + 1) :]\n"
                "            self.save()\n" + TAKE,
            ),
        ),
    ),
    Mutant(
        name="R06_conflict_replaced_alone",
        source="mofa #1151",
        stage="2B",
        wrong="a conflicting entry is replaced where it stands, and those behind it stay",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=(
            (TRUNCATE, "                self.log[self.position(index)] = entry\n                changed = True\n"),
        ),
    ),
    Mutant(
        name="R08_long_log_has_it_all",
        source="a common bug of course labs",
        stage="2B",
        wrong="entries are taken for known when the log is long enough to hold them",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=((TAKE, "        if args.prev_log_index + len(args.entries) > self.last_log_index():\n    " + TAKE),),
    ),
    Mutant(
        name="R29_answers_with_its_own_last_index",
        source="etcd-io/raft 5fac53b; CCF #6016",
        stage="2B",
        wrong="a follower says that its whole log matches, also the part that the leader did not look at",
        rules=("CommitNeedsMajority", "CommitOnlyCurrentTerm", "LeaderCompleteness", "CommitBound"),
        changes=(
            (
                ACCEPT,
                "        return AppendEntriesReply(self.current_term, True, conflict_index=self.last_log_index())\n",
            ),
            (
                "            self.record_match(peer, args.prev_log_index + len(args.entries))\n",
                "            sent = args.prev_log_index + len(args.entries)\n"
                "            has = sent if reply.conflict_index is None else reply.conflict_index\n"
                "            self.record_match(peer, min(has, self.last_log_index()))\n",
            ),
        ),
    ),
    Mutant(
        name="R49_entries_of_a_deposed_leader_after_a_wait",
        source="canonical/raft 35479fc",
        stage="2B",
        wrong="a follower waits for its disk before it takes entries, the longer the more there are, and does not look at its "
        "term again afterwards",
        rules=("StaleTermRejected", "MatchingKept", "ConflictTruncated", "ConsistencyCheck"),
        changes=(
            ("    def append_entries(self,", "    async def append_entries(self,"),
            (TAKE, "        await trio.sleep(0.005 * len(args.entries))\n" + TAKE),
        ),
    ),
    # What a follower commits and applies.
    Mutant(
        name="R09_commits_up_to_its_own_last_entry",
        source="Students' Guide to Raft; distkeyvalue",
        stage="2B",
        wrong="a follower takes the end of its log, and not that of what it was sent, for the bound of what it commits",
        rules=("CommitBound", "StateMachineSafety"),
        changes=((COMMIT, "        self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n"), *PROBE),
    ),
    Mutant(
        name="R10_commits_all_that_the_leader_did",
        source="Students' Guide to Raft",
        stage="2B",
        wrong="a follower takes over leader_commit, even if its log does not reach so far",
        rules=("CommitBound", "NoCrash", "StateMachineSafety"),
        changes=((COMMIT, "        self.commit_up_to(args.leader_commit)\n"),),
    ),
    Mutant(
        name="R10a_commits_first_and_applies_what_comes",
        source="Students' Guide to Raft",
        stage="2B",
        wrong="a follower takes over leader_commit, and applies up to it what its log holds",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                COMMIT,
                "        self.commit_index = max(self.commit_index, args.leader_commit)\n"
                "        self.apply_committed()\n",
            ),
            (
                APPLY,
                APPLY.replace(
                    "self.commit_index > self.last_applied",
                    "min(self.commit_index, self.last_log_index()) > self.last_applied",
                ),
            ),
            *PROBE,
        ),
    ),
    Mutant(
        name="R11_commit_index_falls",
        source="PySyncObj #166",
        stage="2B",
        wrong="an old or short message takes commit_index and last_applied back",
        rules=("ApplyInOrder", "CommitNeverDecreases"),
        changes=(
            (COMMIT_UP_TO, "        self.commit_index = index\n        self.apply_committed()\n"),
            (
                APPLY,
                "        for index in range(self.last_applied + 1, self.commit_index + 1):\n"
                "            self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n"
                "        self.last_applied = self.commit_index\n",
            ),
        ),
    ),
    Mutant(
        name="R12_commits_before_the_check",
        source="a common bug of course labs",
        stage="2B",
        wrong="leader_commit counts also when the consistency check fails",
        rules=("CommitBound", "StateMachineSafety"),
        changes=((CHECK, "        self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n" + CHECK),),
    ),
    Mutant(
        name="R37_last_entry_not_applied",
        source="a common bug of course labs",
        stage="2B",
        wrong="last_applied goes to commit_index at once, and the loop that applies ends one entry too early",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                APPLY,
                "        first, self.last_applied = self.last_applied + 1, self.commit_index\n"
                "        for index in range(first, self.commit_index):\n"
                "            self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n",
            ),
        ),
    ),
]

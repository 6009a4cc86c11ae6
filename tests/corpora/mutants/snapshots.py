"""Known-wrong servers: snapshots: how they are taken, sent, installed and kept (§7).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
REVIEWER = "a reviewer who had read the paper, the handouts and whole servers, and no checker"
CHOOSE = "        if self.next_index[peer] <= self.last_included_index:\n"
INSTALL_SAVED = "        self.save(args.data)\n"
LATE = "        if args.last_included_index <= self.commit_index:\n"
OLD = (
    "        if args.last_included_index <= self.commit_index:\n"
    "            return InstallSnapshotReply(self.current_term)\n"
)
SAME = "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
SAVED_SNAPSHOT = "        self.last_included_term = term\n        self.save(snapshot)\n"
TRIM = "        if index <= self.last_included_index:\n            return\n        term = self.term_at(index)\n"
TRIMMED = (
    "        self.last_included_index = index\n        self.last_included_term = term\n        self.save(snapshot)\n"
)

MUTANTS = [
    # SnapshotOnlyApplied
    Mutant(
        name="S27u_snapshot_of_uncommitted",
        source="variant of S27",
        stage="2D",
        wrong="a server trims its whole log at a snapshot, and claims that the snapshot covers all of it",
        rules=("SnapshotOnlyApplied", "SnapshotAndLogTogether"),
        changes=(
            (
                "        if index <= self.last_included_index:\n            return\n        term =",
                (
                    "        if index <= self.last_included_index:\n"
                    "            return\n"
                    "        index = self.last_log_index()\n"
                    "        term ="
                ),
            ),
        ),
    ),
    # LogTrimmed
    Mutant(
        name="B739_whole_logs_are_not_trimmed",
        source=BLIND,
        stage="2D",
        wrong="a snapshot that covers the whole log is ignored, so that the log keeps an entry",
        rules=("LogTrimmed",),
        changes=(
            (
                TRIM,
                (
                    "        if not self.last_included_index < index < self.last_log_index():\n"
                    "            return\n"
                    "        term = self.term_at(index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B740_leaders_do_not_trim",
        source=BLIND,
        stage="2D",
        wrong="a leader ignores its service's snapshots, for a follower might need the entries",
        rules=("LogTrimmed",),
        changes=(
            (
                TRIM,
                (
                    "        if index <= self.last_included_index or self.role is Role.LEADER:\n"
                    "            return\n"
                    "        term = self.term_at(index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B759_equal_ends_are_not_saved",
        source=BLIND,
        stage="2D",
        wrong="a save is left out if term, vote and the log's last entry are those of the save before, so a snapshot of the service is not written",
        rules=("LogTrimmed", "SnapshotAndLogTogether", "NoCrash"),
        changes=(
            (
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        self.node.persister.save("
                ),
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        now = (self.current_term, self.voted_for, self.last_log_index(), self.last_log_term())\n"
                    "        if now == self.saved:\n"
                    "            return\n"
                    "        self.saved = now\n"
                    "        self.node.persister.save("
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.saved: object = None\n        self.nursery: trio.Nursery\n",
            ),
        ),
    ),
    Mutant(
        name="S26t_log_not_trimmed",
        source="a common bug of course submissions",
        stage="2D",
        wrong="the snapshot is saved, but the log keeps all its entries",
        rules=("LogTrimmed",),
        changes=(
            (
                (
                    "        term = self.term_at(index)\n"
                    "        self.log = self.log[self.position(index + 1) :]\n"
                    "        self.last_included_index = index\n"
                    "        self.last_included_term = term\n"
                    "        self.save(snapshot)\n"
                ),
                "        self.save(snapshot)\n",
            ),
            (
                "        if data is not None:\n",
                "        if data is not None and self.last_included_index:\n",
            ),
        ),
    ),
    Mutant(
        name="S26l_leader_waits_for_all",
        source="variant of S36",
        stage="2D",
        wrong="a leader trims its log only as far as every follower has it, so one that is away stops it",
        rules=("LogTrimmed",),
        changes=(
            (
                "        if index <= self.last_included_index:\n            return\n        term =",
                (
                    "        if index <= self.last_included_index:\n"
                    "            return\n"
                    "        if self.role is Role.LEADER and any(match < index for match in self.match_index.values()):\n"
                    "            return\n"
                    "        term ="
                ),
            ),
        ),
    ),
    # SnapshotNotRolledBack
    Mutant(
        name="B736_commits_from_zero_and_installs_what_is_old",
        source=BLIND,
        stage="2D",
        wrong="commit_index is 0 after a restored snapshot, and a late snapshot is compared with it",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "NoCrash"),
        changes=(
            (
                (
                    "        self.commit_index = self.last_included_index\n"
                    "        self.last_applied = self.last_included_index\n"
                    "        data"
                ),
                "        self.last_applied = self.last_included_index\n        data",
            ),
        ),
    ),
    Mutant(
        name="C504_snapshot_comes_after_the_start",
        source=REVIEWER,
        stage="2D",
        wrong="after a restart the service gets the snapshot 30 ms later, from a task, and entries meanwhile",
        rules=("SnapshotNotRolledBack", "ApplyInOrder"),
        changes=(
            (
                (
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                    "\n"
                    "    # The log: indices"
                ),
                (
                    "            self.restored = ApplySnapshot(self.last_included_index, self.last_included_term, data)\n"
                    "\n"
                    "    async def hand_over_restored(self) -> None:\n"
                    "        await trio.sleep(0.03)\n"
                    "        if self.restored is not None:\n"
                    "            self.apply_ch.send_nowait(self.restored)\n"
                    "\n"
                    "    # The log: indices"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.restored: ApplySnapshot | None = None\n        self.nursery: trio.Nursery\n",
            ),
            (
                "            await self.watch_election_timer()\n",
                (
                    "            self.nursery.start_soon(self.hand_over_restored)\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C532_log_is_trimmed_in_the_background",
        source=REVIEWER,
        stage="2D",
        wrong="a task trims the log 50 ms after the service's snapshot, and does not look whether a newer one came meanwhile",
        rules=("SnapshotNotRolledBack", "LogMatching", "NoCrash", "SnapshotAndLogTogether", "LogTrimmed"),
        changes=(
            (
                "        term = self.term_at(index)\n        self.log = self.log[self.position(index + 1) :]\n",
                (
                    "        self.nursery.start_soon(self.trim, index, snapshot)\n"
                    "\n"
                    "    async def trim(self, index: int, snapshot: bytes) -> None:\n"
                    "        await trio.sleep(0.05)\n"
                    "        term = self.term_at(index)\n"
                    "        self.log = self.log[self.position(index + 1) :]\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B135_installs_what_it_has",
        source=BLIND,
        stage="2D",
        wrong="a snapshot that is older than what was applied, but newer than the last one, is installed",
        rules=("SnapshotNotRolledBack", "SnapshotKeepsSuffix"),
        changes=(
            (
                OLD,
                (
                    "        if args.last_included_index <= self.last_included_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B315_go_old_snapshot_after_new_entries",
        source=BLIND,
        stage="2D",
        wrong="a snapshot is compared with the last one only, so an older one is installed",
        rules=("SnapshotNotRolledBack", "SnapshotKeepsSuffix", "ApplyInOrder"),
        changes=(
            (
                "            if args.last_included_index <= self.commitIndex:\n",
                "            if args.last_included_index <= self.baseIndex:\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="go_old_snapshot_rolls_back",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2D",
        wrong="a snapshot older than what was applied is installed",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "MatchingKept", "SnapshotKeepsSuffix"),
        changes=(
            (
                "            if args.last_included_index <= self.commitIndex:\n",
                "            if args.last_included_index <= self.baseIndex:\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="W24_base_of_the_leader_is_taken_over",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2D",
        wrong="a snapshot older than the server's own takes its place, and the service is taken back",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "NoCrash"),
        changes=(
            (
                OLD,
                (
                    "        if args.last_included_index == self.last_included_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S03_old_snapshot_installed",
        source="dqkqd@8f26f05; NuRaft@9de4522",
        stage="2D",
        wrong="a late snapshot is installed, however old it is",
        rules=("SnapshotNotRolledBack",),
        changes=(
            (
                OLD,
                "",
            ),
            (
                SAME,
                (
                    "        at_hand = args.last_included_index >= self.last_included_index\n"
                    "        if at_hand and self.has_entry(args.last_included_index, args.last_included_term):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S03b_compares_with_own_snapshot",
        source="abrange/distkeyvalue",
        stage="2D",
        wrong="a snapshot that is newer than the server's own is installed, though more was applied; last_applied stays",
        rules=("SnapshotNotRolledBack",),
        changes=(
            (
                LATE,
                "        if args.last_included_index <= self.last_included_index:\n",
            ),
            (
                (
                    "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"
                    "        self.last_applied = args.last_included_index\n"
                ),
                (
                    "        self.commit_index = max(self.commit_index, args.last_included_index)\n"
                    "        self.last_applied = max(self.last_applied, args.last_included_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S03c_goes_back_and_applies_again",
        source="variant of abrange/distkeyvalue",
        stage="2D",
        wrong="a snapshot that is newer than the server's own takes its service back, and entries are applied again",
        rules=("SnapshotNotRolledBack", "CommitNeverDecreases"),
        changes=(
            (
                LATE,
                "        if args.last_included_index <= self.last_included_index:\n",
            ),
        ),
    ),
    Mutant(
        name="S17_install_waits_between_check_and_change",
        source="canonical/raft@2edd2c6; NuRaft@8d4d5f1",
        stage="2D",
        wrong="a snapshot is checked, then written for a while, and then installed over whatever has come meanwhile",
        rules=("SnapshotNotRolledBack", "MatchingKept", "SnapshotKeepsSuffix", "StaleTermRejected"),
        changes=(
            (
                "    def install_snapshot(self,",
                "    async def install_snapshot(self,",
            ),
            (
                (
                    "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                    "            self.log = self.log[self.position(args.last_included_index + 1) :]  # Figure 13, InstallSnapshot rule 6\n"
                    "        else:\n"
                    "            self.log = []  # Figure 13, InstallSnapshot rule 7\n"
                ),
                (
                    "        matches = self.has_entry(args.last_included_index, args.last_included_term)\n"
                    "        kept = self.log[self.position(args.last_included_index + 1) :] if matches else []\n"
                    "        await trio.sleep(0.1)\n"
                    "        self.log = kept\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="G02_waits_and_installs_over_what_was_applied",
        source=BLIND,
        stage="2D",
        wrong="a follower compares a snapshot with what it has applied, waits for its disk, and installs it over what was applied meanwhile",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "StateMachineSafety"),
        changes=(
            (
                "    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n",
                "    async def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n",
            ),
            (
                "        if self.has_entry(args.last_included_index, args.last_included_term):\n",
                (
                    "        await trio.sleep(0.008)\n"
                    "        if args.last_included_index <= self.last_included_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    # SnapshotKeepsSuffix
    Mutant(
        name="B749_snapshots_within_the_log_are_ignored",
        source=BLIND,
        stage="2D",
        wrong="a snapshot is ignored if the log is as long, whatever the terms of its entries",
        rules=("SnapshotKeepsSuffix", "StateMachineSafety", "LogMatching", "CommittedIsApplied", "SavedBeforeReply"),
        changes=(
            (
                LATE,
                "        if args.last_included_index <= max(self.commit_index, self.last_log_index()):\n",
            ),
        ),
    ),
    Mutant(
        name="C523_longer_log_needs_no_snapshot",
        source=REVIEWER,
        stage="2D",
        wrong="a snapshot that ends before the log's end is acknowledged and ignored, whatever the log holds",
        rules=("SnapshotKeepsSuffix", "SavedBeforeReply", "CommitNeedsMajority", "CommittedIsApplied"),
        changes=(
            (
                LATE,
                "        if args.last_included_index <= max(self.commit_index, self.last_log_index() - 1):\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C538_any_entry_there_is_the_right_one",
        source=REVIEWER,
        stage="2D",
        wrong="a log that has an entry at the snapshot's index keeps what follows, whatever term it has",
        rules=("SnapshotKeepsSuffix", "SnapshotTermKept", "LogMatching"),
        changes=(
            (
                "            if held is None or held.term != args.last_included_term:\n",
                "            if held is None:\n",
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C540_fast_forward_by_length",
        source=REVIEWER,
        stage="2D",
        wrong="a snapshot that ends within the log commits what the log has there, whatever its terms",
        rules=("SnapshotKeepsSuffix", "CommitBound", "StateMachineSafety"),
        changes=(
            (
                "        if self.term_of(args.last_included_index) == args.last_included_term:\n",
                "        if args.last_included_index <= self.last_index:\n",
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B805_compares_after_the_base_moved",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot moves the base first, and is then compared with itself: all that comes after it stays",
        rules=("SnapshotKeepsSuffix", "LogMatching", "StateMachineSafety", "SnapshotTermKept"),
        changes=(
            (
                (
                    "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                    "            self.log = self.log[self.position(args.last_included_index + 1) :]  # Figure 13, InstallSnapshot rule 6\n"
                    "        else:\n"
                    "            self.log = []  # Figure 13, InstallSnapshot rule 7\n"
                    "        self.last_included_index = args.last_included_index\n"
                    "        self.last_included_term = args.last_included_term\n"
                ),
                (
                    "        old = self.last_included_index\n"
                    "        self.last_included_index = args.last_included_index\n"
                    "        self.last_included_term = args.last_included_term\n"
                    "        self.log = self.log[args.last_included_index - old :]\n"
                    "        if not self.has_entry(args.last_included_index, args.last_included_term):\n"
                    "            self.log = []\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B136_suffix_by_index_only",
        source=BLIND,
        stage="2D",
        wrong="what comes after a snapshot's index is kept, whatever the term of the entry there",
        rules=("SnapshotKeepsSuffix",),
        changes=(
            (
                SAME,
                "        if args.last_included_index <= self.last_log_index():\n",
            ),
        ),
    ),
    Mutant(
        name="B142_snapshot_forgets_all",
        source=BLIND,
        stage="2D",
        wrong="a snapshot empties the log, with what comes after it",
        rules=("SnapshotKeepsSuffix", "MatchingKept", "LeaderAppendOnly", "SnapshotAndLogTogether", "LogTrimmed"),
        changes=(
            (
                "        self.log = self.log[self.position(index + 1) :]\n        self.last_included_index = index\n",
                "        self.log = []\n        self.last_included_index = index\n",
            ),
        ),
    ),
    Mutant(
        name="B303_inbox_keeps_the_suffix_by_index",
        source=BLIND,
        stage="2D",
        wrong="what comes after a snapshot's index is kept, whatever the term there",
        rules=("SnapshotKeepsSuffix", "SnapshotTermKept"),
        changes=(
            (
                "same = index <= self.last and self.term_of(index) == term",
                "same = index <= self.last",
            ),
        ),
        base="one_inbox",
    ),
    Mutant(
        name="S05_suffix_kept_by_index_alone",
        source="openraft@674e78aa; RavenDB-6719; abrange/distkeyvalue",
        stage="2D",
        wrong="entries after an installed snapshot stay if the log reaches so far, whatever the term there is",
        rules=("SnapshotKeepsSuffix", "ConsistencyCheck"),
        changes=(
            (
                SAME,
                "        if args.last_included_index <= self.last_log_index():\n",
            ),
        ),
    ),
    Mutant(
        name="go_snapshot_drops_the_log",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2D",
        wrong="an installed snapshot takes the whole log's place, also what matches after it",
        rules=("SnapshotKeepsSuffix", "MatchingKept"),
        changes=(
            (
                "                rest = self.log[index - self.baseIndex + 1 :]\n",
                "                rest = []\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="S14i_install_keeps_one_too_many",
        source="redisraft@5195c0c",
        stage="2D",
        wrong="an installed snapshot leaves its own last entry in the log, so the entries after it are one index off",
        rules=("SnapshotKeepsSuffix", "LogMatching", "MatchingKept"),
        changes=(
            (
                "self.position(args.last_included_index + 1) :]",
                "self.position(args.last_included_index) :]",
            ),
        ),
    ),
    Mutant(
        name="S04_install_drops_whole_log",
        source="Figure 13, rule 6; openraft",
        stage="2D",
        wrong="an installed snapshot replaces the whole log, also entries that follow it and match",
        rules=("SnapshotKeepsSuffix",),
        changes=(
            (
                (
                    "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                    "            self.log = self.log[self.position(args.last_included_index + 1) :]  # Figure 13, InstallSnapshot rule 6\n"
                    "        else:\n"
                    "            self.log = []  # Figure 13, InstallSnapshot rule 7\n"
                ),
                "        self.log = []  # Figure 13, InstallSnapshot rule 7\n",
            ),
        ),
    ),
    # SnapshotAndLogTogether
    Mutant(
        name="B741_old_snapshots_of_the_service",
        source=BLIND,
        stage="2D",
        wrong="snapshot(index) that comes when a newer one was installed takes the log's base back",
        rules=("SnapshotAndLogTogether", "SnapshotNotRolledBack", "NoCrash", "LogTrimmed", "SnapshotTermKept"),
        changes=(
            (
                TRIM,
                "        term = self.term_at(index)\n",
            ),
        ),
    ),
    Mutant(
        name="B743_installs_with_the_old_base",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot is saved with the old last_included_index, which is set after that",
        rules=("SnapshotAndLogTogether", "SavedBeforeReply", "SnapshotTermKept"),
        changes=(
            (
                (
                    "        self.last_included_index = args.last_included_index\n"
                    "        self.last_included_term = args.last_included_term\n"
                    "        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.\n"
                    "        self.save(args.data)\n"
                ),
                (
                    "        self.save(args.data)\n"
                    "        self.last_included_index = args.last_included_index\n"
                    "        self.last_included_term = args.last_included_term\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C508_snapshot_fetched_before_the_disk_is_ready",
        source=REVIEWER,
        stage="2D",
        wrong="the disk takes the snapshot when an order comes, and the state when it writes, some milliseconds later",
        rules=("SnapshotAndLogTogether", "SnapshotIsTheServices"),
        changes=(
            (
                "            await trio.sleep(random.uniform(0.003, 0.006))\n",
                (
                    "            snapshot, self.snapshot = self.snapshot, None\n"
                    "            await trio.sleep(random.uniform(0.003, 0.006))\n"
                ),
            ),
            (
                "            self.write()\n",
                "            self.write(snapshot)\n",
            ),
            (
                "    def write(self):\n",
                "    def write(self, snapshot):\n",
            ),
            (
                "        r.node.persister.save(state, self.snapshot)\n        self.snapshot = None\n",
                "        r.node.persister.save(state, snapshot)\n",
            ),
        ),
        base="disk_actor",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C509_saves_before_the_base_moves",
        source=REVIEWER,
        stage="2D",
        wrong="the log that the snapshot left is saved with the old base",
        rules=("SnapshotAndLogTogether", "LogMatching", "SnapshotIsTheServices", "RestoredOnRestart"),
        changes=(
            (
                "        self.baseIndex = index\n        self.persist(snapshot)\n",
                "        self.persist(snapshot)\n        self.baseIndex = index\n",
            ),
        ),
        base="go_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C510_snapshot_first_and_then_the_log",
        source=REVIEWER,
        stage="2D",
        wrong="a snapshot from the leader is saved with the old log, and the new log after it",
        rules=("SnapshotAndLogTogether", "SnapshotIsTheServices"),
        changes=(
            (
                "        same = index <= self.last and self.term_of(index) == term\n",
                "        self.write(args.data)\n        same = index <= self.last and self.term_of(index) == term\n",
            ),
            (
                "        self.write(args.data)\n        self.outgoing.append(",
                "        self.write()\n        self.outgoing.append(",
            ),
        ),
        base="one_inbox",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="B400_each_save_empties_the_snapshot",
        source=BLIND,
        stage="2D",
        wrong="a save without a new snapshot writes an empty one over the old",
        rules=("SnapshotAndLogTogether", "NoCrash", "RestoredOnRestart"),
        changes=(
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                '        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot or b"")\n',
            ),
        ),
    ),
    Mutant(
        name="B141_snapshot_keeps_one_too_many",
        source=BLIND,
        stage="2D",
        wrong="a snapshot leaves its own last entry in the log, and the indices after it move",
        rules=(
            "SnapshotAndLogTogether",
            "LogMatching",
            "MatchingKept",
            "ApplyInOrder",
            "LogTrimmed",
            "StateMachineSafety",
        ),
        changes=(
            (
                "        self.log = self.log[self.position(index + 1) :]\n        self.last_included_index = index\n",
                "        self.log = self.log[self.position(index) :]\n        self.last_included_index = index\n",
            ),
        ),
    ),
    Mutant(
        name="go_snapshot_saved_late",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2D",
        wrong="the trimmed log is saved without the snapshot",
        rules=("SnapshotAndLogTogether",),
        changes=(
            (
                "        self.persist(snapshot)\n",
                "        self.persist()\n        self.persist(snapshot)\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="S06m_trimmed_in_memory_only",
        source="a common bug of course submissions",
        stage="2D",
        wrong="snapshot(index) trims the log in memory; the snapshot itself is never saved",
        rules=("SnapshotAndLogTogether", "LogTrimmed", "InstallWhenNeeded"),
        changes=(
            (
                SAVED_SNAPSHOT,
                "        self.last_included_term = term\n",
            ),
        ),
    ),
    Mutant(
        name="P18_ordinary_save_wipes_snapshot",
        source="6.824 2D, a bug of its submissions",
        stage="2D",
        wrong="every ordinary save writes an empty snapshot over the one on the disk",
        rules=("SnapshotAndLogTogether", "SnapshotNotRolledBack"),
        changes=(
            (
                "    def save(self, snapshot: bytes | None = None) -> None:",
                '    def save(self, snapshot: bytes = b"") -> None:',
            ),
        ),
    ),
    Mutant(
        name="S08a_log_saved_before_snapshot",
        source="camunda#12754; Raft thesis, 5.1",
        stage="2D",
        wrong="the trimmed log is saved first, and the snapshot in a second save",
        rules=("SnapshotAndLogTogether",),
        changes=(
            (
                SAVED_SNAPSHOT,
                "        self.last_included_term = term\n        self.save()\n        self.save(snapshot)\n",
            ),
        ),
    ),
    Mutant(
        name="S08i_installed_snapshot_saved_second",
        source="variant of camunda#12754",
        stage="2D",
        wrong="the log that follows an installed snapshot is saved before the snapshot",
        rules=("SnapshotAndLogTogether",),
        changes=(
            (
                INSTALL_SAVED,
                "        self.save()\n        self.save(args.data)\n",
            ),
        ),
    ),
    Mutant(
        name="S08n_installed_snapshot_not_saved",
        source="variant of S06p",
        stage="2D",
        wrong="an installed snapshot reaches the service, but the disk gets only the log that follows it",
        rules=("SnapshotAndLogTogether",),
        changes=(
            (
                INSTALL_SAVED,
                "        self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="S08b_snapshot_saved_before_log",
        source="redisraft@dfe4a3e",
        stage="2D",
        wrong="a new snapshot is saved first, the trimmed log in a second save, and a restart in between fits them wrongly",
        rules=("SnapshotAndLogTogether", "StateMachineSafety"),
        changes=(
            (
                TRIMMED,
                (
                    "        self.node.persister.save(self.node.persister.load() or PersistentState(0, None, []), snapshot)\n"
                    "        self.last_included_index = index\n"
                    "        self.last_included_term = term\n"
                    "        self.save()\n"
                ),
            ),
        ),
    ),
    # SnapshotIsTheServices
    Mutant(
        name="C526_data_of_before_the_pause",
        source=REVIEWER,
        stage="2D",
        wrong="a leader reads the snapshot, lets 20 ms pass, and sends it with the index and term of by then",
        rules=("SnapshotIsTheServices", "StateMachineSafety"),
        changes=(
            (
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        args = InstallSnapshotArgs("
                ),
                (
                    "        term = self.current_term\n"
                    "        await trio.sleep(0.02)\n"
                    "        if not self.is_still(Role.LEADER, term):\n"
                    "            return\n"
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        args = InstallSnapshotArgs("
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C535_snapshot_of_the_disk_with_the_base_of_memory",
        source=REVIEWER,
        stage="2D",
        wrong="a leader sends the snapshot that the disk has by now, and the base that memory has already",
        rules=("SnapshotIsTheServices", "WellFormed", "StateMachineSafety"),
        changes=(
            (
                "self.base, self.base_term, self.cached)\n            sent",
                "self.base, self.base_term, self.node.persister.snapshot())\n            sent",
            ),
        ),
        base="disk_actor",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C536_snapshot_of_the_day_of_election",
        source=REVIEWER,
        stage="2D",
        wrong="a leader reads its snapshot when it is elected, and sends those bytes whatever base it has since",
        rules=("SnapshotIsTheServices", "StateMachineSafety", "NoCrash"),
        changes=(
            (
                "            self.progress = {peer: Progress(self.last + 1) for peer in self.node.peers}\n",
                (
                    "            self.progress = {peer: Progress(self.last + 1) for peer in self.node.peers}\n"
                    "            self.data = self.node.persister.snapshot()\n"
                ),
            ),
            (
                (
                    "            data = self.node.persister.snapshot()\n"
                    "            assert data is not None\n"
                    "            self.ask("
                ),
                (
                    "            if self.data is None:\n"
                    "                self.data = self.node.persister.snapshot()\n"
                    "            self.ask("
                ),
            ),
            (
                "self.base, self.base_term, data))\n        else:",
                "self.base, self.base_term, self.data))\n        else:",
            ),
        ),
        base="course_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="X12_services_snapshot_thrown_away",
        source="asked of each exemption that the checkers make",
        stage="2D",
        wrong="bytes of its own making are saved instead of the service's snapshot: the right index, and no state",
        rules=("SnapshotIsTheServices",),
        changes=(
            (
                SAVED_SNAPSHOT,
                (
                    "        self.last_included_term = term\n"
                    '        snapshot = b"\\x82\\xa5index\\xce" + index.to_bytes(4, "big") + b"\\xa7history\\xc4\\x10" + bytes(16)  # msgpack, as a service\'s\n'
                    "        self.save(snapshot)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X13_sends_another_snapshot",
        source="asked of each exemption that the checkers make",
        stage="2D",
        wrong="a leader saves the service's snapshot, but sends bytes of its own making, with a number of their own",
        rules=("SnapshotIsTheServices",),
        changes=(
            (
                "import enum\nimport math\n",
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                "from labs.node import Node\n",
                (
                    "from labs.node import Node\n"
                    "\n"
                    "\n"
                    "@dataclass(frozen=True)\n"
                    "class Install(InstallSnapshotArgs):\n"
                    "    number: int = 0\n"
                    "\n"
                ),
            ),
            (
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n",
                (
                    '        data = b"\\x82\\xa5index\\xce" + base[0].to_bytes(4, "big") + b"\\xa7history\\xc4\\x10" + bytes(16)  # msgpack, as a service\'s\n'
                    "        args = Install(self.current_term, self.node.me, *base, data)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X14_forgets_what_it_installed",
        source="asked of each exemption that the checkers make",
        stage="2D",
        wrong="bytes of its own making take the place of an installed snapshot on the disk",
        rules=("SnapshotIsTheServices",),
        changes=(
            (
                INSTALL_SAVED,
                (
                    '        forged = b"\\x82\\xa5index\\xce" + args.last_included_index.to_bytes(4, "big") + b"\\xa7history\\xc4\\x10" + bytes(16)  # msgpack, as a service\'s\n'
                    "        self.save(forged)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X15_snapshot_in_place_of_entries",
        source="asked of each exemption that the checkers make",
        stage="2B",
        wrong="a follower hands its service a snapshot of its own making for what it lacks of the committed log",
        rules=("SnapshotIsTheServices", "ApplyInOrder"),
        changes=(
            (
                (
                    "            return self.refuse_entries(args.prev_log_index)\n"
                    "        # Figure 2, AppendEntries rules 3"
                ),
                (
                    "            if args.leader_commit > self.last_applied:\n"
                    "                self.last_applied = args.leader_commit\n"
                    '                forged = b"\\x82\\xa5index\\xce" + args.leader_commit.to_bytes(4, "big") + b"\\xa7history\\xc4\\x10" + bytes(16)  # msgpack, as a service\'s\n'
                    "                self.apply_ch.send_nowait(ApplySnapshot(args.leader_commit, args.term, forged))\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                    "        # Figure 2, AppendEntries rules 3"
                ),
            ),
        ),
    ),
    # SnapshotTermKept
    Mutant(
        name="B737_restored_snapshot_has_the_current_term",
        source=BLIND,
        stage="2D",
        wrong="a restored snapshot goes to the service with the current term for that of its last entry",
        rules=("SnapshotTermKept", "WellFormed", "RestoredOnRestart", "StateMachineSafety"),
        changes=(
            (
                (
                    "        if data is not None:\n"
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                ),
                (
                    "        if data is not None:\n"
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.current_term, data))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B738_installed_snapshot_has_the_leaders_term",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot goes to the service with the leader's term for that of its last entry",
        rules=("SnapshotTermKept", "WellFormed", "StateMachineSafety"),
        changes=(
            (
                "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n",
                "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.term, args.data))\n",
            ),
        ),
    ),
    Mutant(
        name="B742_saves_before_the_snapshots_term",
        source=BLIND,
        stage="2D",
        wrong="the state is saved before last_included_term is set, so a restart finds the term of the snapshot before",
        rules=("SnapshotTermKept", "SnapshotAndLogTogether", "RestoredOnRestart"),
        changes=(
            (
                TRIMMED,
                (
                    "        self.last_included_index = index\n"
                    "        self.save(snapshot)\n"
                    "        self.last_included_term = term\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C531_last_term_is_noted_aside",
        source=REVIEWER,
        stage="2D",
        wrong="the last entry's term is noted at each append, and not when a snapshot replaces the log",
        rules=("SnapshotTermKept", "VoteOnlyUpToDate", "VoteDenied"),
        changes=(
            (
                "        return self.term_at(self.last_log_index())\n",
                "        return self.newest_term\n",
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.newest_term = 0\n        self.nursery: trio.Nursery\n",
            ),
            (
                "        data = self.node.persister.snapshot()\n        if data is not None:\n",
                (
                    "        self.newest_term = self.term_at(self.last_log_index())\n"
                    "        data = self.node.persister.snapshot()\n"
                    "        if data is not None:\n"
                ),
            ),
            (
                "                self.log.append(entry)\n",
                "                self.log.append(entry)\n                self.newest_term = entry.term\n",
            ),
            (
                "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n",
                (
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                    "        self.newest_term = self.current_term\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B412_restart_forgets_the_base_term",
        source=BLIND,
        stage="2D",
        wrong="last_included_term is not read back",
        rules=("SnapshotTermKept", "RestoredOnRestart", "VoteOnlyUpToDate"),
        changes=(
            (
                "        self.last_included_term = state.last_included_term\n",
                "        self.last_included_term = 0\n",
            ),
        ),
    ),
    Mutant(
        name="B809_term_of_the_first_snapshot",
        source=BLIND,
        stage="2D",
        wrong="the term of the snapshot's last entry is set by the first snapshot, and stays for those after it",
        rules=("SnapshotTermKept",),
        changes=(
            (
                TRIMMED,
                (
                    "        self.last_included_index = index\n"
                    "        self.last_included_term = self.last_included_term or term\n"
                    "        self.save(snapshot)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B844_restart_without_entries_forgets_the_last_term",
        source=BLIND,
        stage="2D",
        wrong="a restarted server whose snapshot covers its whole log asks for votes as one whose last term is 0",
        rules=("SnapshotTermKept", "RestoredOnRestart", "VoteOnlyUpToDate"),
        changes=(
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.restarted = False\n",
            ),
            (
                "        self.voted_for = state.voted_for\n",
                "        self.voted_for = state.voted_for\n        self.restarted = True\n",
            ),
            (
                "        return self.term_at(self.last_log_index())\n",
                "        return self.term_at(self.last_log_index()) if self.log or not self.restarted else 0\n",
            ),
        ),
    ),
    Mutant(
        name="B131_snapshot_has_the_current_term",
        source=BLIND,
        stage="2D",
        wrong="InstallSnapshot carries the leader's term as last_included_term",
        rules=("SnapshotTermKept",),
        changes=(
            (
                "        base = (self.last_included_index, self.last_included_term)\n        args =",
                "        base = (self.last_included_index, self.current_term)\n        args =",
            ),
        ),
    ),
    Mutant(
        name="B132_snapshot_has_the_term_of_the_last_entry",
        source=BLIND,
        stage="2D",
        wrong="a snapshot keeps the term of the log's last entry, not of its own",
        rules=("SnapshotTermKept",),
        changes=(
            (
                "        term = self.term_at(index)\n        self.log = self.log[self",
                "        term = self.last_log_term()\n        self.log = self.log[self",
            ),
        ),
    ),
    Mutant(
        name="B149_empty_log_has_term_zero",
        source=BLIND,
        stage="2D",
        wrong="a log without entries after its snapshot counts as one whose last term is 0",
        rules=("SnapshotTermKept", "VoteOnlyUpToDate"),
        changes=(
            (
                "        return self.term_at(self.last_log_index())\n",
                "        return self.log[-1].term if self.log else 0\n",
            ),
        ),
    ),
    Mutant(
        name="B313_go_snapshot_shifts",
        source=BLIND,
        stage="2D",
        wrong="the dummy entry is taken from the entry before the snapshot's last, with its term",
        rules=("SnapshotTermKept", "SnapshotAndLogTogether", "LogMatching", "LogTrimmed"),
        changes=(
            (
                (
                    "        self.log = self.log[index - self.baseIndex :]\n"
                    "        self.log[0] = LogEntry(self.log[0].term, None)"
                ),
                (
                    "        before = self.log[index - self.baseIndex - 1].term\n"
                    "        self.log = self.log[index - self.baseIndex :]\n"
                    "        self.log[0] = LogEntry(before, None)"
                ),
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="go_base_term_forgotten",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2D",
        wrong="after a restart the term of the snapshot's last entry is 0",
        rules=("SnapshotTermKept", "RestoredOnRestart", "VoteOnlyUpToDate"),
        changes=(
            (
                "        self.log = [LogEntry(state.last_included_term, None), *state.log]\n",
                "        self.log = [LogEntry(0, None), *state.log]\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="course_term_read_after_trimming",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2D",
        wrong="the term of a snapshot's last entry is read after the log was trimmed",
        rules=("SnapshotTermKept", "NoCrash"),
        changes=(
            (
                (
                    "            self.log = self.tail(index + 1)\n"
                    "            self.base, self.base_term = index, base_term\n"
                ),
                (
                    "            self.log = self.tail(index + 1)\n"
                    "            self.base, self.base_term = index, self.log[-1].term if self.log else 0\n"
                ),
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T10_negative_index_at_the_base",
        source="raftos",
        stage="2D",
        wrong="the term of the entry that the snapshot ends with is read at position -1: it is that of the last entry",
        rules=("SnapshotTermKept", "ConsistencyCheck", "ConsistencyRefusal", "LogMatching"),
        changes=(
            (
                "        if index == self.last_included_index:\n            return self.last_included_term\n",
                "        if index == 0 or not self.log:\n            return self.last_included_term\n",
            ),
        ),
    ),
    Mutant(
        name="T11b_is_compares_with_the_base",
        source="PySyncObj@dfc28df",
        stage="2D",
        wrong="an index is the snapshot's last if the two are one object, which large ones are not",
        rules=("SnapshotTermKept", "NoCrash", "ConsistencyCheck", "ConsistencyRefusal", "LogMatching"),
        changes=(
            (
                "        if index == self.last_included_index:\n            return self.last_included_term\n",
                "        if index is self.last_included_index:\n            return self.last_included_term\n",
            ),
        ),
    ),
    Mutant(
        name="S02c_empty_log_has_term_0",
        source="LogCabin@29a4612, @e333046; braft@04092b2",
        stage="2D",
        wrong="a server whose snapshot covers its whole log takes the term of its last entry for 0",
        rules=("SnapshotTermKept", "VoteOnlyUpToDate"),
        changes=(
            (
                "        return self.term_at(self.last_log_index())\n",
                "        return self.log[-1].term if self.log else 0\n",
            ),
        ),
    ),
    Mutant(
        name="S15_term_read_after_trim",
        source="a common bug of course submissions",
        stage="2D",
        wrong="the snapshot's term is read after the log was trimmed: it is that of the first entry left",
        rules=("SnapshotTermKept",),
        changes=(
            (
                "        term = self.term_at(index)\n        self.log =",
                "        self.log =",
            ),
            (
                SAVED_SNAPSHOT,
                (
                    "        self.last_included_term = self.log[0].term if self.log else self.current_term\n"
                    "        self.save(snapshot)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S15c_sends_current_term",
        source="variant of S15",
        stage="2D",
        wrong="a leader sends its current term as the term of the entry that its snapshot ends with",
        rules=("SnapshotTermKept",),
        changes=(
            (
                "        base = (self.last_included_index, self.last_included_term)\n        args = Install",
                "        base = (self.last_included_index, self.current_term)\n        args = Install",
            ),
        ),
    ),
    Mutant(
        name="S15f_follower_keeps_old_term",
        source="variant of S15",
        stage="2D",
        wrong="an installed snapshot moves the log's base, but not the base's term",
        rules=("SnapshotTermKept",),
        changes=(
            (
                "        self.last_included_term = args.last_included_term\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="S09t_base_term_not_read_back",
        source="variant of dqkqd@7de3b83",
        stage="2D",
        wrong="a restarted server does not know the term of the entry that its snapshot ends with",
        rules=("SnapshotTermKept", "RestoredOnRestart"),
        changes=(
            (
                "        self.last_included_term = state.last_included_term\n",
                "",
            ),
        ),
    ),
    # InstallWhenNeeded
    Mutant(
        name="B752_snapshot_for_who_is_at_its_edge",
        source=BLIND,
        stage="2D",
        wrong="a peer that needs the first entry after the snapshot gets the snapshot, too",
        rules=("InstallWhenNeeded", "HeartbeatsSent"),
        changes=(
            (
                CHOOSE,
                "        if self.next_index[peer] <= self.last_included_index + 1 > 1:\n",
            ),
        ),
    ),
    Mutant(
        name="B780_silence_is_a_refusal",
        source=BLIND,
        stage="2D",
        wrong="a leader steps next_index back by 1 whenever a call has no answer, until it sends its snapshot to who has it all",
        rules=("InstallWhenNeeded", "ByteBudget", "BackoffBound"),
        changes=(
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                    "        if trio.current_time() and self.is_still(Role.LEADER, args.term) and not self.answered.pop(peer, False):\n"
                    "            self.next_index[peer] = max(1, self.next_index[peer] - 1)\n"
                ),
            ),
            (
                "                self.take_append_reply(peer, args, reply)\n",
                (
                    "                self.answered[peer] = True\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.answered: dict[int, bool] = {}\n",
            ),
        ),
    ),
    Mutant(
        name="B405_snapshot_in_memory_only",
        source=BLIND,
        stage="2D",
        wrong="a leader sends the snapshot that it has in memory, and after a restart there is none",
        rules=("InstallWhenNeeded", "NoCrash", "StateMachineSafety", "SnapshotAndLogTogether", "CommittedIsApplied"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                ('        self.newest = b""\n        self.role = Role.FOLLOWER\n        self.election_timer = trio'),
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "        self.newest = snapshot or self.newest\n"
                    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
                ),
            ),
            (
                "        data = self.node.persister.snapshot()\n        assert data",
                "        data = self.newest\n        assert data",
            ),
        ),
    ),
    Mutant(
        name="B806_an_empty_log_has_nothing_to_send",
        source=BLIND,
        stage="2D",
        wrong="a leader whose snapshot covers its whole log sends heartbeats after index 0 only, until the next command",
        rules=("InstallWhenNeeded", "CommittedIsApplied"),
        changes=(
            (
                CHOOSE,
                (
                    "        if not self.log and self.last_included_index:\n"
                    "            args = AppendEntriesArgs(self.current_term, self.node.me, 0, 0, [], self.commit_index)\n"
                    "            with trio.move_on_after(RPC_TIMEOUT):\n"
                    "                reply = await self.node.call(peer, args)\n"
                    "                if reply is not None and reply.term > self.current_term:\n"
                    "                    self.become_follower(reply.term)\n"
                    "            return\n"
                    "        if self.next_index[peer] <= self.last_included_index:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S29_snapshot_sent_once",
        source="canonical/raft@652e8aa; sofa-jraft@a1fa8c30; camunda#10202",
        stage="2D",
        wrong="a leader that has sent its snapshot takes for granted that it arrived, and believes no refusal of less",
        rules=("InstallWhenNeeded", "CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n",
                (
                    "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
                    "        self.next_index[peer] = self.last_included_index + 1\n"
                ),
            ),
            (
                "        self.move_next_index(peer, max(next_index, self.match_index[peer] + 1))\n",
                (
                    "        lowest = max(self.last_included_index, self.match_index[peer]) + 1\n"
                    "        self.move_next_index(peer, max(next_index, lowest))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="course_no_snapshot_sent",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2D",
        wrong="a leader sends what follows its snapshot where it should send the snapshot",
        rules=("InstallWhenNeeded", "CommittedIsApplied"),
        changes=(
            (
                "        prev = progress.next - 1\n        prev_term",
                "        prev = max(self.base, progress.next - 1)\n        prev_term",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="W14_snapshot_for_whoever_is_silent",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2D",
        wrong="a leader sends its snapshot to each peer that has not acknowledged what it covers: after an election, to all",
        rules=("InstallWhenNeeded",),
        changes=(
            (
                CHOOSE,
                "        if self.match_index[peer] < self.last_included_index:\n",
            ),
        ),
    ),
    Mutant(
        name="S09d_snapshot_kept_in_memory_only",
        source="variant of dqkqd@7de3b83",
        stage="2D",
        wrong="a leader sends the snapshot from memory, where there is none after a restart, and then sends nothing",
        rules=("InstallWhenNeeded", "HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (
                "        self.restore()\n\n",
                "        self.latest: bytes | None = None\n        self.restore()\n\n",
            ),
            (
                '        assert data is not None, "a log that starts after index 0 was saved together with its snapshot"\n',
                "        data = self.latest\n        if data is None:\n            return\n",
            ),
            (
                SAVED_SNAPSHOT,
                (
                    "        self.last_included_term = term\n"
                    "        self.latest = snapshot\n"
                    "        self.save(snapshot)\n"
                ),
            ),
            (
                INSTALL_SAVED,
                "        self.latest = args.data\n        self.save(args.data)\n",
            ),
        ),
    ),
    Mutant(
        name="S10_entries_where_snapshot_is_needed",
        source="SandTable, WRaft#118, redisraft#47; PySyncObj@2aa4e58",
        stage="2D",
        wrong="a leader sends entries to a peer that needs the very last one that its snapshot covers",
        rules=(
            "InstallWhenNeeded",
            "NoCrash",
            "SnapshotTermKept",
            "LogMatching",
            "LeaderAppendOnly",
            "ConsistencyCheck",
        ),
        changes=(
            (
                CHOOSE,
                "        if self.next_index[peer] < self.last_included_index:\n",
            ),
        ),
    ),
    Mutant(
        name="S12_match_of_current_snapshot",
        source="abrange/distkeyvalue; dqkqd@ff538a1",
        stage="2D",
        wrong="a leader takes the answer to an older snapshot for one to its current one, and never goes back below it",
        rules=("InstallWhenNeeded", "CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "        self.record_match(peer, args.last_included_index)\n",
                "        self.record_match(peer, self.last_included_index)\n",
            ),
        ),
    ),
    Mutant(
        name="S36_no_install_path",
        source="MIT 2D; nkosko21",
        stage="2D",
        wrong="a leader has nothing to send to a peer that needs discarded entries",
        rules=("InstallWhenNeeded", "HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (
                (
                    "            await self.send_snapshot(peer)\n"
                    "        else:\n"
                    "            await self.send_entries(peer)\n"
                ),
                "            return\n        await self.send_entries(peer)\n",
            ),
        ),
    ),
    Mutant(
        name="S36e_sends_what_is_left",
        source="nkosko21",
        stage="2D",
        wrong="a leader sends the entries that it has left to a peer that needs discarded ones, and never its snapshot",
        rules=("InstallWhenNeeded", "CommittedIsApplied"),
        changes=(
            (
                (
                    "            await self.send_snapshot(peer)\n"
                    "        else:\n"
                    "            await self.send_entries(peer)\n"
                ),
                (
                    "            await self.send_entries(peer, self.last_included_index + 1)\n"
                    "        else:\n"
                    "            await self.send_entries(peer, self.next_index[peer])\n"
                ),
            ),
            (
                "    async def send_entries(self, peer: int)",
                "    async def send_entries(self, peer: int, next_index: int)",
            ),
            (
                "        prev_log_index = self.next_index[peer] - 1\n",
                "        prev_log_index = next_index - 1\n",
            ),
            (
                "        first = self.position(self.next_index[peer])\n",
                "        first = self.position(next_index)\n",
            ),
        ),
    ),
    Mutant(
        name="S37_nothing_after_snapshot",
        source="SandTable, WRaft#3; willemt/raft#118",
        stage="2D",
        wrong="a leader does not move next_index when a snapshot was installed, and sends it again and again",
        rules=("InstallWhenNeeded", "CommittedIsApplied"),
        changes=(
            (
                "        self.record_match(peer, args.last_included_index)\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="D02_late_snapshots_from_term_four",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2D",
        wrong="from term 4 on a late snapshot takes log and service back",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "MatchingKept", "NoCrash"),
        changes=(
            (
                "        if args.last_included_index <= self.commit_index:\n",
                "        if args.last_included_index <= self.commit_index and self.current_term < 4:\n",
            ),
        ),
    ),
    Mutant(
        name="F01_install_leaves_commit_index",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot leaves commit_index below it: an older one that comes next is installed over it",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "NoCrash", "CommittedIsApplied"),
        changes=(
            (
                "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n",
                "",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="F02_service_snapshot_first_and_the_cut_log_later",
        source=BLIND,
        stage="2D",
        wrong="the service's snapshot is saved with the log and the base of before, and the cut log in a second save",
        rules=("SnapshotAndLogTogether", "SnapshotIsTheServices"),
        changes=(
            (
                "            self.log = self.log[index - self.first :]\n            self.first = index\n            self.write(data)\n",
                (
                    "            self.write(data)\n"
                    "            self.log = self.log[index - self.first :]\n"
                    "            self.first = index\n"
                    "            self.write()\n"
                ),
            ),
        ),
        base="one_inbox",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="H05_tells_of_a_snapshot_that_nobody_took",
        source="hides in what the checkers grant: written with a look at them",
        stage="2B",
        wrong="a new leader sends each peer an InstallSnapshot of an index far beyond its log, with no bytes",
        rules=("SnapshotIsTheServices",),
        changes=(
            (
                "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
                "            told = InstallSnapshotArgs(self.current_term, self.node.me, 200000, 0, b'')\n"
                "            self.nursery.start_soon(self.node.call, peer, told)\n"
                "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="H06_saves_a_base_instead_of_the_log",
        source="hides in what the checkers grant: written with a look at them",
        stage="2C",
        wrong="it saves no entries, but a log that starts after its last one, as if a snapshot held them",
        rules=("SnapshotAndLogTogether",),
        changes=(
            (
                "        base = (self.last_included_index, self.last_included_term)\n"
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                "        base = (self.last_log_index(), self.last_log_term())\n"
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, [], *base), snapshot)\n",
            ),
        ),
    ),
    Mutant(
        name="Y03_suffix_goes_if_it_ends_in_another_term",
        source=BLIND,
        stage="2D",
        wrong="entries after a snapshot stay only if the last one has the snapshot's term",
        rules=("SnapshotKeepsSuffix",),
        changes=(
            (
                "        if self.has_entry(args.last_included_index, args.last_included_term):\n",
                "        same = self.last_log_term() == args.last_included_term\n        if same and self.has_entry(args.last_included_index, args.last_included_term):\n",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y04_sends_the_snapshot_that_its_service_took",
        source=BLIND,
        stage="2D",
        wrong="a leader sends the bytes that its service took last, although it has installed newer ones since",
        rules=("SnapshotIsTheServices",),
        changes=(
            (
                "        self.save(snapshot)\n\n    def get_state",
                "        self.save(snapshot)\n        self.taken = snapshot\n\n    def get_state",
            ),
            (
                "        data = self.node.persister.snapshot()\n        assert",
                '        data = getattr(self, "taken", None) or self.node.persister.snapshot()\n        assert',
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y08_installed_snapshot_over_matching_entries_is_not_saved",
        source=BLIND,
        stage="2D",
        wrong="a snapshot after which entries stay is installed in memory only",
        rules=("SnapshotAndLogTogether", "SavedBeforeReply"),
        changes=(
            (
                "        self.save(args.data)\n        self.commit_index = args.last_included_index",
                "        if not self.log:\n            self.save(args.data)\n        self.commit_index = args.last_included_index",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
]

"""Known-wrong servers of disk and snapshots that were written from the paper alone, without a look at judges or tests."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

SAVE = (
    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
)
FIELDS = "        self.role = Role.FOLLOWER\n        self.election_timer = trio"
CHANGED = "        if changed:\n            self.save()\n"
CANDIDACY = "        self.votes = {self.node.me: True}\n        self.save()\n"
GRANT = "            self.voted_for = args.candidate_id\n            self.save()\n"
ADOPT = "            self.voted_for = None\n            self.save()\n        # A leader's timer"
APPEND = (
    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n        self.save()\n"
)
RESTORED = "        # A snapshot covers only what was committed and applied.\n        self.commit_index = self.last_included_index\n"
APPLIED = "        self.last_applied = self.last_included_index\n        data ="
SAVED_SNAPSHOT = "        self.last_included_term = term\n        self.save(snapshot)\n"
INSTALL = """\
        self.last_included_index = args.last_included_index
        self.last_included_term = args.last_included_term
        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.
        self.save(args.data)
"""
SEND_DATA = "        data = self.node.persister.snapshot()\n        assert data"
HAND = (
    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
)
OLD = "        if args.last_included_index <= self.commit_index:\n            return InstallSnapshotReply(self.current_term)\n"
SAME = "        if self.has_entry(args.last_included_index, args.last_included_term):\n"

MUTANTS = [
    # Persistence.
    Mutant(
        name="B100_saves_now_and_then",
        source=BLIND,
        stage="2C",
        wrong="only every second change is saved, to spare the disk",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (FIELDS, "        self.changes = 0\n" + FIELDS),
            (
                SAVE,
                "        self.changes += 1\n        if self.changes % 2 and snapshot is None:\n            return\n"
                + SAVE,
            ),
        ),
    ),
    Mutant(
        name="B101_saves_in_a_task",
        source=BLIND,
        stage="2C",
        wrong="the state is saved by a task that runs a little later, after the answer",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "    def restore(self) -> None:\n",
                "    async def save_soon(self) -> None:\n        await trio.sleep(0.01)\n        self.save()\n\n    def restore(self) -> None:\n",
            ),
            (CHANGED, "        if changed:\n            self.nursery.start_soon(self.save_soon)\n"),
        ),
    ),
    Mutant(
        name="B102_saves_what_is_committed",
        source=BLIND,
        stage="2C",
        wrong="only the committed part of the log is written to the disk",
        rules=("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            (SAVE, SAVE.replace("self.log, *base", "self.log[: self.commit_index - self.last_included_index], *base")),
        ),
    ),
    Mutant(
        name="B103_saves_before_it_appends",
        source=BLIND,
        stage="2C",
        wrong="a leader saves first and appends then",
        rules=("SavedBeforeSend",),
        changes=((APPEND, "        self.save()\n        self.log.append(LogEntry(self.current_term, command))\n"),),
    ),
    Mutant(
        name="B104_saves_before_it_takes",
        source=BLIND,
        stage="2C",
        wrong="a follower saves before it takes the entries in",
        rules=("SavedBeforeReply",),
        changes=(
            (CHANGED, ""),
            (
                "        changed = False\n        for index",
                "        changed = False\n        self.save()\n        for index",
            ),
        ),
    ),
    Mutant(
        name="B105_vote_is_saved_before_it_is_given",
        source=BLIND,
        stage="2C",
        wrong="a voter saves before it notes whom it votes for",
        rules=("SavedBeforeReply",),
        changes=((GRANT, "            self.save()\n            self.voted_for = args.candidate_id\n"),),
    ),
    Mutant(
        name="B106_candidacy_is_not_saved",
        source=BLIND,
        stage="2C",
        wrong="a candidate does not save its new term and its vote for itself",
        rules=("SavedBeforeSend",),
        changes=((CANDIDACY, "        self.votes = {self.node.me: True}\n"),),
    ),
    Mutant(
        name="B107_a_refusal_saves_no_term",
        source=BLIND,
        stage="2C",
        wrong="a newer term is saved only together with a vote or with entries",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=((ADOPT, "            self.voted_for = None\n        # A leader's timer"),),
    ),
    Mutant(
        name="B108_a_restart_frees_the_vote",
        source=BLIND,
        stage="2C",
        wrong="a server that restarts has its term, but not its vote",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(("        self.voted_for = state.voted_for\n", "        self.voted_for = None\n"),),
    ),
    Mutant(
        name="B109_server_zero_is_nobody",
        source=BLIND,
        stage="2C",
        wrong="a vote for server 0 counts as no vote after a restart",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(("        self.voted_for = state.voted_for\n", "        self.voted_for = state.voted_for or None\n"),),
    ),
    Mutant(
        name="B110_a_restart_commits_all",
        source=BLIND,
        stage="2C",
        wrong="what stood on the disk counts as committed after a restart",
        rules=("CommitNeedsMajority", "CommitBound", "RestoredOnRestart", "CommittedIsApplied"),
        changes=((RESTORED, RESTORED.replace("= self.last_included_index", "= self.last_log_index()")),),
    ),
    Mutant(
        name="B111_a_restart_applies_all",
        source=BLIND,
        stage="2C",
        wrong="a restarted server hands the service all that stood on its disk",
        rules=("CommitNeedsMajority", "CommitBound", "RestoredOnRestart"),
        changes=(
            (
                RESTORED,
                "        self.last_applied = self.last_included_index\n        self.commit_index = self.last_included_index\n",
            ),
            (
                APPLIED,
                "        data =",
            ),
            (
                '        """Live until cancelled: every task of this server is a child of this one and ends with it."""\n',
                '        """Live."""\n        self.commit_up_to(self.last_log_index())\n',
            ),
        ),
    ),
    Mutant(
        name="B112_last_applied_survives",
        source=BLIND,
        stage="2C",
        wrong="last_applied is on the disk, so a restarted server does not apply the log again",
        rules=("ApplyInOrder", "CommittedIsApplied", "RestoredOnRestart"),
        changes=(
            (
                "class Role(enum.Enum):\n",
                "@dataclasses.dataclass(frozen=True)\nclass Disk(PersistentState):\n    applied: int = 0\n\n\nclass Role(enum.Enum):\n",
            ),
            ("import enum\n", "import dataclasses\nimport enum\n"),
            (SAVE, SAVE.replace("PersistentState(", "Disk(").replace("*base)", "*base, self.last_applied)")),
            (
                RESTORED,
                "        self.commit_index = self.last_applied = max(getattr(state, 'applied', 0), self.last_included_index)\n",
            ),
            (APPLIED, "        data ="),
        ),
    ),
    Mutant(
        name="B113_a_restart_drops_the_last_entry",
        source=BLIND,
        stage="2C",
        wrong="the last entry on the disk is left out after a restart, for it may be half written",
        rules=("RestoredOnRestart", "MatchingKept", "LeaderCompleteness"),
        changes=(("        self.log = list(state.log)\n", "        self.log = list(state.log[:-1])\n"),),
    ),
    Mutant(
        name="B114_a_restart_takes_the_last_entrys_term",
        source=BLIND,
        stage="2C",
        wrong="a restarted server takes the term of its last entry for its term",
        rules=("RestoredOnRestart", "TermNeverDecreases", "OneVotePerTerm"),
        changes=(
            (
                "        self.last_included_term = state.last_included_term\n",
                "        self.last_included_term = state.last_included_term\n"
                "        self.current_term = self.last_log_term() or state.current_term\n",
            ),
        ),
    ),
    Mutant(
        name="B115_a_restart_keeps_the_lead",
        source=BLIND,
        stage="2C",
        wrong="a server that voted for itself in its term leads again after a restart",
        rules=("LeaderHasMajority", "RestoredOnRestart", "ElectionSafety"),
        changes=(
            (
                '        """Live until cancelled: every task of this server is a child of this one and ends with it."""\n',
                '        """Live."""\n        again = self.voted_for == self.node.me\n',
            ),
            (
                "            await self.watch_election_timer()\n",
                "            if again:\n                self.become_leader()\n            await self.watch_election_timer()\n",
            ),
        ),
    ),
    Mutant(
        name="B116_a_cut_is_not_saved",
        source=BLIND,
        stage="2C",
        wrong="entries that replace others are not saved, only those behind the log's end",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "                del self.log[self.position(index) :]\n                changed = True\n            if index > self.last_log_index():  # Figure 2, AppendEntries rule 4\n                self.log.append(entry)\n                changed = True\n",
                "                del self.log[self.position(index) :]\n                self.log.append(entry)\n"
                "            if index > self.last_log_index():\n                self.log.append(entry)\n                changed = True\n",
            ),
        ),
    ),
    # Snapshots.
    Mutant(
        name="B130_sends_its_first_snapshot",
        source=BLIND,
        stage="2D",
        wrong="a leader keeps the snapshot that it sent first, and sends its bytes with newer indices",
        rules=("StateMachineSafety", "SnapshotOnlyApplied", "SnapshotAndLogTogether"),
        changes=(
            (FIELDS, "        self.to_send: bytes | None = None\n" + FIELDS),
            (
                SEND_DATA,
                "        self.to_send = self.to_send or self.node.persister.snapshot()\n        data = self.to_send\n        assert data",
            ),
        ),
    ),
    Mutant(
        name="B131_snapshot_has_the_current_term",
        source=BLIND,
        stage="2D",
        wrong="InstallSnapshot tells the leader's term as last_included_term",
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
        name="B133_a_snapshot_frees_the_vote",
        source=BLIND,
        stage="2D",
        wrong="a server that installs a snapshot forgets its vote",
        rules=("OneVotePerTerm",),
        changes=((INSTALL, "        self.voted_for = None\n" + INSTALL),),
    ),
    Mutant(
        name="B134_a_snapshot_sets_the_term",
        source=BLIND,
        stage="2D",
        wrong="a server that installs a snapshot goes to the term of the snapshot's last entry",
        rules=("TermNeverDecreases", "HigherTermAdopted"),
        changes=((INSTALL, "        self.current_term = args.last_included_term\n" + INSTALL),),
    ),
    Mutant(
        name="B135_installs_what_it_has",
        source=BLIND,
        stage="2D",
        wrong="a snapshot that is older than what was applied, but newer than the last one, is installed",
        rules=("SnapshotNotRolledBack", "SnapshotKeepsSuffix"),
        changes=((OLD, OLD.replace("self.commit_index", "self.last_included_index")),),
    ),
    Mutant(
        name="B136_suffix_by_index_only",
        source=BLIND,
        stage="2D",
        wrong="what lies behind a snapshot's index is kept, whatever the term of the entry there",
        rules=("SnapshotKeepsSuffix",),
        changes=((SAME, "        if args.last_included_index <= self.last_log_index():\n"),),
    ),
    Mutant(
        name="B138_installs_without_the_service",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot is saved, and not handed to the service",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=((HAND, ""),),
    ),
    Mutant(
        name="B139_installs_and_forgets_the_disk",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot is handed to the service, and saved with the next entries only",
        rules=("SavedBeforeReply", "SnapshotAndLogTogether"),
        changes=(
            (INSTALL, INSTALL.replace("        self.save(args.data)\n", "        self.to_save = args.data\n")),
            (FIELDS, "        self.to_save: bytes | None = None\n" + FIELDS),
            (SAVE, "        snapshot, self.to_save = snapshot or self.to_save, None\n" + SAVE),
        ),
    ),
    Mutant(
        name="B140_commit_index_stays_behind_a_snapshot",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot raises last_applied by one only",
        rules=("ApplyInOrder", "NoCrash", "SnapshotNotRolledBack"),
        changes=(("        self.last_applied = args.last_included_index\n", "        self.last_applied += 1\n"),),
    ),
    Mutant(
        name="B141_snapshot_keeps_one_too_many",
        source=BLIND,
        stage="2D",
        wrong="a snapshot leaves its own last entry in the log, and the indices behind it move",
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
        name="B142_snapshot_forgets_all",
        source=BLIND,
        stage="2D",
        wrong="a snapshot empties the log, with what lies behind it",
        rules=("SnapshotKeepsSuffix", "MatchingKept", "LeaderAppendOnly", "SnapshotAndLogTogether", "LogTrimmed"),
        changes=(
            (
                "        self.log = self.log[self.position(index + 1) :]\n        self.last_included_index = index\n",
                "        self.log = []\n        self.last_included_index = index\n",
            ),
        ),
    ),
    Mutant(
        name="B143_snapshot_of_a_later_index",
        source=BLIND,
        stage="2D",
        wrong="a snapshot is filed under last_applied at the time it is saved, a moment later",
        rules=("StateMachineSafety", "SnapshotOnlyApplied", "SnapshotAndLogTogether"),
        changes=(
            (
                "        if index <= self.last_included_index:\n            return\n        term",
                "        self.nursery.start_soon(self.snapshot_soon, snapshot)\n\n"
                "    async def snapshot_soon(self, snapshot: bytes) -> None:\n        await trio.sleep(0.02)\n"
                "        index = self.last_applied\n        if index <= self.last_included_index:\n            return\n        term",
            ),
        ),
    ),
    Mutant(
        name="B144_match_from_the_newest_snapshot",
        source=BLIND,
        stage="2D",
        wrong="an answered InstallSnapshot counts as one of the snapshot that the leader has now",
        rules=("CommitNeedsMajority", "InstallWhenNeeded", "CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "        self.record_match(peer, args.last_included_index)\n",
                "        self.record_match(peer, self.last_included_index)\n",
            ),
        ),
    ),
    Mutant(
        name="B145_a_snapshot_counts_for_the_log",
        source=BLIND,
        stage="2D",
        wrong="an answered InstallSnapshot counts for the leader's whole log",
        rules=("CommitNeedsMajority", "CommittedIsApplied"),
        changes=(
            (
                "        self.record_match(peer, args.last_included_index)\n",
                "        self.record_match(peer, self.last_log_index())\n",
            ),
        ),
    ),
    Mutant(
        name="B146_installs_for_an_old_leader",
        source=BLIND,
        stage="2D",
        wrong="InstallSnapshot is taken from leaders of older terms",
        rules=("StaleTermRejected",),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 13, InstallSnapshot rule 1\n",
                "        if args.term < 0:\n",
            ),
        ),
    ),
    Mutant(
        name="B147_a_snapshot_is_no_word_of_a_leader",
        source=BLIND,
        stage="2D",
        wrong="InstallSnapshot does not reset the election timer",
        rules=("ElectionTimerReset",),
        changes=(
            (
                "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # A late snapshot",
                "        # A late snapshot",
            ),
        ),
    ),
    Mutant(
        name="B148_a_candidate_installs",
        source=BLIND,
        stage="2D",
        wrong="a candidate installs its rival's snapshot of the same term and goes on standing",
        rules=("StepsDown", "ElectionTimerReset"),
        changes=(
            (
                "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n            self.become_follower(args.term)\n        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # A late snapshot",
                "        # A late snapshot",
            ),
        ),
    ),
    Mutant(
        name="B149_empty_log_has_term_zero",
        source=BLIND,
        stage="2D",
        wrong="a log without entries behind its snapshot counts as one whose last term is 0",
        rules=("SnapshotTermKept", "VoteOnlyUpToDate"),
        changes=(
            (
                "        return self.term_at(self.last_log_index())\n",
                "        return self.log[-1].term if self.log else 0\n",
            ),
        ),
    ),
    Mutant(
        name="B151_edge_is_never_consistent",
        source=BLIND,
        stage="2D",
        wrong="entries whose prev_log_index lies at or below the snapshot are refused for good",
        rules=("ConsistencyRefusal", "SnapshotTermKept", "InstallWhenNeeded", "CommittedIsApplied"),
        changes=(
            (
                "        covered = args.prev_log_index < self.last_included_index\n        if not covered and not",
                "        covered = args.prev_log_index <= self.last_included_index > 0\n        if covered or not",
            ),
        ),
    ),
    Mutant(
        name="B152_late_entries_behind_the_snapshot_are_appended",
        source=BLIND,
        stage="2D",
        wrong="of a message that begins below the snapshot, all entries are laid behind it",
        rules=("LogMatching", "StateMachineSafety", "SnapshotAndLogTogether", "ConflictTruncated", "SnapshotTermKept"),
        changes=(
            (
                "        self.take_entries(args.prev_log_index + 1, args.entries)\n",
                "        self.take_entries(max(args.prev_log_index, self.last_included_index) + 1, args.entries)\n",
            ),
        ),
    ),
    Mutant(
        name="B153_snapshot_commits_the_suffix",
        source=BLIND,
        stage="2D",
        wrong="after InstallSnapshot all of the log that was kept counts as committed",
        rules=("CommitNeedsMajority", "CommitBound"),
        changes=((HAND, HAND + "        self.commit_up_to(self.last_log_index())\n"),),
    ),
    Mutant(
        name="B154_falsy_snapshot_index",
        source=BLIND,
        stage="2D",
        wrong="a leader tries AppendEntries for as long as its log has anything, and wraps around",
        rules=("LogMatching", "LeaderAppendOnly", "SnapshotTermKept", "InstallWhenNeeded", "NoCrash"),
        changes=(
            (
                "        if self.next_index[peer] <= self.last_included_index:\n",
                "        if not self.log and self.next_index[peer] <= self.last_included_index:\n",
            ),
        ),
    ),
]

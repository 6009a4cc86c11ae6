"""A second handful of known-wrong servers that were written from the paper alone, on disk, snapshots and counting."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

SAVE = (
    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
)
FIELDS = "        self.role = Role.FOLLOWER\n        self.election_timer = trio"
TAKE = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
NEW_TERM = "            self.current_term = term\n            self.voted_for = None\n            self.save()\n"
SEND_DATA = "        data = self.node.persister.snapshot()\n        assert data"
RESET = "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # Figure 2, AppendEntries rule 2;"
HINT = "success=False, conflict_index=self.last_log_index() + 1)"

MUTANTS = [
    Mutant(
        name="B400_each_save_empties_the_snapshot",
        source=BLIND,
        stage="2D",
        wrong="a save without a new snapshot writes an empty one over the old",
        rules=("SnapshotAndLogTogether", "NoCrash", "RestoredOnRestart"),
        changes=((SAVE, SAVE.replace("snapshot)\n", 'snapshot or b"")\n')),),
    ),
    Mutant(
        name="B401_one_acknowledgement_is_enough",
        source=BLIND,
        stage="2B",
        wrong="an entry counts as committed when one peer has it, however many servers there are",
        rules=("CommitNeedsMajority",),
        changes=(("            if replicas >= self.majority:\n", "            if replicas >= 2:\n"),),
    ),
    Mutant(
        name="B402_hears_its_first_leader_only",
        source=BLIND,
        stage="2A",
        wrong="only the first leader that a server ever heard resets its timer",
        rules=("ElectionTimerReset",),
        changes=(
            (FIELDS, "        self.leader: int | None = None\n" + FIELDS),
            (
                RESET,
                "        if self.leader is None:\n            self.leader = args.leader_id\n"
                "        if self.leader == args.leader_id:\n            self.reset_election_timer()\n"
                "        # Figure 2, AppendEntries rule 2;",
            ),
        ),
    ),
    Mutant(
        name="B403_longer_messages_replace_the_tail",
        source=BLIND,
        stage="2B",
        wrong="entries are looked at only if they make the log longer",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety", "SavedBeforeReply"),
        changes=(
            (
                TAKE,
                "        if args.prev_log_index + len(args.entries) > self.last_log_index():\n"
                "            self.take_entries(args.prev_log_index + 1, args.entries)\n",
            ),
        ),
    ),
    Mutant(
        name="B404_applies_from_one_after_a_restart",
        source=BLIND,
        stage="2D",
        wrong="last_applied is 0 after a restart, also behind a snapshot",
        rules=("ApplyInOrder", "NoCrash"),
        changes=(("        self.last_applied = self.last_included_index\n", "        self.last_applied = 0\n"),),
    ),
    Mutant(
        name="B405_snapshot_in_memory_only",
        source=BLIND,
        stage="2D",
        wrong="a leader sends the snapshot that it has in memory, and after a restart that is none",
        rules=("InstallWhenNeeded", "NoCrash", "StateMachineSafety", "SnapshotAndLogTogether", "CommittedIsApplied"),
        changes=(
            (FIELDS, '        self.newest = b""\n' + FIELDS),
            (SAVE, "        self.newest = snapshot or self.newest\n" + SAVE),
            (SEND_DATA, "        data = self.newest\n        assert data"),
        ),
    ),
    Mutant(
        name="B406_leaders_do_not_hear_candidates",
        source=BLIND,
        stage="2A",
        wrong="a leader steps down for a newer leader, and not for a newer candidate, though it answers in its term",
        rules=("HigherTermAdopted", "VoteDenied", "StepsDown", "LeaderInTime", "TermNeverDecreases"),
        changes=(
            (
                "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n",
                "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                "        if args.term > self.current_term and self.role is Role.LEADER:\n"
                "            return RequestVoteReply(args.term, vote_granted=False)\n"
                "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n",
            ),
        ),
    ),
    Mutant(
        name="B407_saves_the_old_candidacy",
        source=BLIND,
        stage="2C",
        wrong="a candidate saves before it raises its term",
        rules=("SavedBeforeSend",),
        changes=(
            ("        self.role = Role.CANDIDATE\n", "        self.role = Role.CANDIDATE\n        self.save()\n"),
            (
                "        self.votes = {self.node.me: True}\n        self.save()\n",
                "        self.votes = {self.node.me: True}\n",
            ),
        ),
    ),
    Mutant(
        name="B408_saves_the_old_vote_in_the_new_term",
        source=BLIND,
        stage="2C",
        wrong="a newer term is saved before the vote is freed, so the disk has the old vote in the new term",
        rules=("OneVotePerTerm", "VoteDenied", "RestoredOnRestart", "SavedBeforeReply"),
        changes=(
            (
                NEW_TERM,
                "            self.current_term = term\n            self.save()\n            self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="B409_hint_beyond_the_log",
        source=BLIND,
        stage="2B",
        wrong="a follower whose log is too short points at the index that it was asked about",
        rules=("BackoffBound", "CommittedIsApplied"),
        changes=((HINT, "success=False, conflict_index=prev_log_index + 1)"),),
    ),
    Mutant(
        name="B410_no_vote_of_its_own",
        source=BLIND,
        stage="2A",
        wrong="a candidate counts the others' votes and forgets its own",
        rules=("LeaderInTime",),
        changes=(("        self.votes = {self.node.me: True}\n", "        self.votes = {}\n"),),
    ),
    Mutant(
        name="B411_commits_what_the_snapshot_covers",
        source=BLIND,
        stage="2D",
        wrong="a snapshot within the log commits up to its end and is not installed, though the entries may differ",
        rules=("CommitBound", "StateMachineSafety", "ConflictTruncated", "CommitNeedsMajority", "SnapshotKeepsSuffix"),
        changes=(
            (
                "        if args.last_included_index <= self.commit_index:\n",
                "        if args.last_included_index <= self.last_log_index():\n"
                "            self.commit_up_to(args.last_included_index)\n"
                "        if args.last_included_index <= self.commit_index:\n",
            ),
        ),
    ),
    Mutant(
        name="B412_restart_forgets_the_base_term",
        source=BLIND,
        stage="2D",
        wrong="last_included_term is not read back",
        rules=("SnapshotTermKept", "RestoredOnRestart", "VoteOnlyUpToDate"),
        changes=(
            ("        self.last_included_term = state.last_included_term\n", "        self.last_included_term = 0\n"),
        ),
    ),
    Mutant(
        name="B413_saves_when_it_commits",
        source=BLIND,
        stage="2C",
        wrong="a follower acknowledges entries, and saves them when they are committed",
        rules=("SavedBeforeReply",),
        changes=(
            ("        if changed:\n            self.save()\n", ""),
            (
                "            self.commit_index = index\n            self.apply",
                "            self.commit_index = index\n            self.save()\n            self.apply",
            ),
        ),
    ),
    Mutant(
        name="B414_the_leader_must_be_its_choice",
        source=BLIND,
        stage="2A",
        wrong="AppendEntries of the current term are refused if the server voted for another",
        rules=("StepsDown", "ConsistencyRefusal", "StaleTermRejected", "HeartbeatsSent", "ElectionTimerReset"),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n",
                "        if args.term < self.current_term or (\n"
                "            args.term == self.current_term and self.voted_for not in (None, args.leader_id)\n        ):\n",
            ),
        ),
    ),
]

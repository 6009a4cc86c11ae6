"""Known-wrong servers at the borders of snapshots and of restarts, written without a look at judges or tests."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

READ_BACK = """\
        self.current_term = state.current_term
        self.voted_for = state.voted_for
        self.log = list(state.log)
        self.last_included_index = state.last_included_index
        self.last_included_term = state.last_included_term
"""
READ_BASE = """\
        self.last_included_index = state.last_included_index
        self.last_included_term = state.last_included_term
        # A snapshot covers"""
RESTORED = """\
        if data is not None:
            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))
"""
INSTALL_HEAD = "    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n"
INSTALL_TERM = """\
            return InstallSnapshotReply(self.current_term)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""
INSTALL_STEPS = """\
        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3
            self.become_follower(args.term)
        self.reset_election_timer()  # Figure 2, Followers rule 2
        # A late snapshot covers only what is committed here already: it must not take the service back.
        if args.last_included_index <= self.commit_index:
            return InstallSnapshotReply(self.current_term)
"""
LATE = "        if args.last_included_index <= self.commit_index:\n"
INSTALL_BASE = """\
        self.last_included_index = args.last_included_index
        self.last_included_term = args.last_included_term
        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.
        self.save(args.data)
"""
INSTALLED = (
    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
)
TRIM = """\
        if index <= self.last_included_index:
            return
        term = self.term_at(index)
"""
TRIMMED = """\
        self.last_included_index = index
        self.last_included_term = term
        self.save(snapshot)
"""
SNAPSHOT_REPLY = """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.LEADER, args.term):
            return
        self.record_match(peer, args.last_included_index)
"""
SEND_SNAPSHOT = """\
        data = self.node.persister.snapshot()
        assert data is not None, "a log that starts after index 0 was saved together with its snapshot"
        base = (self.last_included_index, self.last_included_term)
"""
BOUND = "        last_new_entry = args.prev_log_index + len(args.entries)\n"
CHOOSE = "        if self.next_index[peer] <= self.last_included_index:\n"

MUTANTS = [
    Mutant(
        name="B730_saves_half_read_votes",
        source=BLIND,
        stage="2C",
        wrong="a restarted server saves between reading its term and its vote: the second restart finds no vote",
        rules=("RestoredOnRestart", "OneVotePerTerm", "NothingExtraPersisted"),
        changes=(
            (
                READ_BACK,
                READ_BACK.replace("        self.voted_for = state.voted_for\n", "").replace(
                    "last_included_term\n",
                    "last_included_term\n        self.save()\n        self.voted_for = state.voted_for\n",
                ),
            ),
        ),
    ),
    Mutant(
        name="B731_saves_half_read_logs",
        source=BLIND,
        stage="2C",
        wrong="a restarted server saves between reading its vote and its log: the second restart finds no log",
        rules=("RestoredOnRestart", "LeaderCompleteness", "StateMachineSafety"),
        changes=((READ_BACK, READ_BACK.replace("        self.log", "        self.save()\n        self.log")),),
    ),
    Mutant(
        name="B732_saves_before_the_base_is_read",
        source=BLIND,
        stage="2D",
        wrong="a restarted server saves its log before it has read where it begins: the second restart takes it for one from 1",
        rules=("RestoredOnRestart", "SnapshotAndLogTogether"),
        changes=((READ_BACK, READ_BACK.replace("list(state.log)\n", "list(state.log)\n        self.save()\n")),),
    ),
    Mutant(
        name="B734_restart_needs_a_log_for_the_base",
        source=BLIND,
        stage="2D",
        wrong="a restarted server without entries behind its snapshot starts with an empty log from 1",
        rules=("RestoredOnRestart", "SnapshotAndLogTogether", "ApplyInOrder"),
        changes=(
            (
                READ_BASE,
                """\
        if self.log:
            self.last_included_index = state.last_included_index
            self.last_included_term = state.last_included_term
        # A snapshot covers""",
            ),
        ),
    ),
    Mutant(
        name="B735_restored_snapshot_after_a_wait",
        source=BLIND,
        stage="2D",
        wrong="a restarted server gives its service the snapshot 50 ms later, after entries that came meanwhile",
        rules=("ApplyInOrder", "RestoredOnRestart", "SnapshotNotRolledBack"),
        changes=(
            (RESTORED, "        self.restored = data\n"),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.restored: bytes | None = None\n        self.nursery: trio.Nursery\n",
            ),
            (
                "            await self.watch_election_timer()\n",
                """\
            self.nursery.start_soon(self.watch_election_timer)
            base = (self.last_included_index, self.last_included_term)
            await trio.sleep(0.05)
            if self.restored is not None:
                self.apply_ch.send_nowait(ApplySnapshot(*base, self.restored))
""",
            ),
        ),
    ),
    Mutant(
        name="B736_commits_from_zero_and_installs_what_is_old",
        source=BLIND,
        stage="2D",
        wrong="commit_index is 0 behind a restored snapshot, and a late snapshot is compared with it",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "NoCrash"),
        changes=(
            (
                "        self.commit_index = self.last_included_index\n        self.last_applied = self.last_included_index\n        data",
                "        self.last_applied = self.last_included_index\n        data",
            ),
        ),
    ),
    Mutant(
        name="B737_restored_snapshot_has_the_current_term",
        source=BLIND,
        stage="2D",
        wrong="a restored snapshot goes to the service with the current term for that of its last entry",
        rules=("SnapshotTermKept", "WellFormed", "RestoredOnRestart", "StateMachineSafety"),
        changes=((RESTORED, RESTORED.replace("self.last_included_term", "self.current_term")),),
    ),
    Mutant(
        name="B738_installed_snapshot_has_the_leaders_term",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot goes to the service with the leader's term for that of its last entry",
        rules=("SnapshotTermKept", "WellFormed", "StateMachineSafety"),
        changes=((INSTALLED, INSTALLED.replace("args.last_included_term", "args.term")),),
    ),
    Mutant(
        name="B739_whole_logs_are_not_trimmed",
        source=BLIND,
        stage="2D",
        wrong="a snapshot that covers the whole log is ignored, so that the log keeps an entry",
        rules=("LogTrimmed",),
        changes=(
            (
                TRIM,
                TRIM.replace(
                    "if index <= self.last_included_index:",
                    "if not self.last_included_index < index < self.last_log_index():",
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
                TRIM.replace(
                    "if index <= self.last_included_index:",
                    "if index <= self.last_included_index or self.role is Role.LEADER:",
                ),
            ),
        ),
    ),
    Mutant(
        name="B741_old_snapshots_of_the_service",
        source=BLIND,
        stage="2D",
        wrong="snapshot(index) that comes when a newer one was installed takes the log's base back",
        rules=("SnapshotAndLogTogether", "SnapshotNotRolledBack", "NoCrash", "LogTrimmed", "SnapshotTermKept"),
        changes=((TRIM, "        term = self.term_at(index)\n"),),
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
                "        self.last_included_index = index\n        self.save(snapshot)\n        self.last_included_term = term\n",
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
                INSTALL_BASE,
                """\
        self.save(args.data)
        self.last_included_index = args.last_included_index
        self.last_included_term = args.last_included_term
""",
            ),
        ),
    ),
    Mutant(
        name="B744_snapshot_terms_are_not_saved",
        source=BLIND,
        stage="2D",
        wrong="a newer term that comes with a snapshot is saved only if the snapshot is installed",
        rules=("SavedBeforeReply",),
        changes=(
            (
                INSTALL_TERM + INSTALL_STEPS,
                (INSTALL_TERM + INSTALL_STEPS).replace(
                    "            self.become_follower(args.term)\n        if self.role",
                    "            self.current_term = args.term\n            self.voted_for = None\n            self.become_follower(args.term)\n        if self.role",
                ),
            ),
        ),
    ),
    Mutant(
        name="B745_leader_keeps_leading_in_the_snapshots_term",
        source=BLIND,
        stage="2D",
        wrong="a leader that is sent a snapshot of a newer term adopts the term and goes on leading",
        rules=("StepsDown", "ElectionSafety", "LeaderHasMajority"),
        changes=(
            (
                INSTALL_TERM + INSTALL_STEPS,
                (INSTALL_TERM + INSTALL_STEPS).replace(
                    "            self.become_follower(args.term)\n        if self.role",
                    "            self.current_term = args.term\n            self.voted_for = None\n            self.save()\n        if self.role",
                ),
            ),
        ),
    ),
    Mutant(
        name="B746_old_snapshots_carry_no_term",
        source=BLIND,
        stage="2D",
        wrong="a snapshot that is behind what is committed is ignored before its term is looked at",
        rules=("HigherTermAdopted",),
        changes=(
            (
                INSTALL_HEAD
                + '        """Follow a leader: take over its snapshot, in place of entries that it no longer has."""\n',
                INSTALL_HEAD + LATE + "            return InstallSnapshotReply(self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="B747_a_candidate_stands_on_at_an_old_snapshot",
        source=BLIND,
        stage="2D",
        wrong="a candidate follows the leader that sends it a snapshot only if it installs it",
        rules=("StepsDown",),
        changes=(
            (
                INSTALL_STEPS,
                """\
        self.reset_election_timer()
        if args.last_included_index <= self.commit_index:
            return InstallSnapshotReply(self.current_term)
        if self.role is Role.CANDIDATE:
            self.become_follower(args.term)
""",
            ),
        ),
    ),
    Mutant(
        name="B748_old_snapshots_are_no_word_of_a_leader",
        source=BLIND,
        stage="2D",
        wrong="a snapshot resets the election timer only if it is installed",
        rules=("ElectionTimerReset",),
        changes=(
            (
                INSTALL_STEPS,
                """\
        if self.role is Role.CANDIDATE:
            self.become_follower(args.term)
        if args.last_included_index <= self.commit_index:
            return InstallSnapshotReply(self.current_term)
        self.reset_election_timer()
""",
            ),
        ),
    ),
    Mutant(
        name="B749_snapshots_within_the_log_are_ignored",
        source=BLIND,
        stage="2D",
        wrong="a snapshot is ignored if the log is as long, whatever the terms of its entries",
        rules=("SnapshotKeepsSuffix", "StateMachineSafety", "LogMatching", "CommittedIsApplied", "SavedBeforeReply"),
        changes=((LATE, "        if args.last_included_index <= max(self.commit_index, self.last_log_index()):\n"),),
    ),
    Mutant(
        name="B750_terms_of_snapshot_answers_are_not_saved",
        source=BLIND,
        stage="2D",
        wrong="a newer term in an answer to InstallSnapshot is taken over, and not saved",
        rules=("TermNeverDecreases", "SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            (
                SNAPSHOT_REPLY,
                SNAPSHOT_REPLY.replace(
                    "            self.become",
                    "            self.current_term = reply.term\n            self.voted_for = None\n            self.become",
                ),
            ),
        ),
    ),
    Mutant(
        name="B751_leads_on_in_the_term_of_a_snapshot_answer",
        source=BLIND,
        stage="2D",
        wrong="a newer term in an answer to InstallSnapshot is taken over, and the leader leads on in it",
        rules=("StepsDown", "ElectionSafety", "LeaderHasMajority"),
        changes=(
            (
                SNAPSHOT_REPLY,
                SNAPSHOT_REPLY.replace(
                    "            self.become_follower(reply.term)\n",
                    "            self.become_follower(reply.term)\n            self.become_leader()\n",
                ),
            ),
        ),
    ),
    Mutant(
        name="B752_snapshot_for_who_is_at_its_edge",
        source=BLIND,
        stage="2D",
        wrong="a peer that needs the first entry behind the snapshot gets the snapshot, too",
        rules=("InstallWhenNeeded", "HeartbeatsSent"),
        changes=((CHOOSE, CHOOSE.replace("<= self.last_included_index", "<= self.last_included_index + 1 > 1")),),
    ),
    Mutant(
        name="B755_below_the_snapshot_all_is_new",
        source=BLIND,
        stage="2D",
        wrong="a message that begins below the snapshot commits as far as the log goes",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                BOUND,
                BOUND.replace(
                    "args.prev_log_index + len(args.entries)",
                    "self.last_log_index() if covered else args.prev_log_index + len(args.entries)",
                ),
            ),
        ),
    ),
    Mutant(
        name="B756_snapshot_and_base_a_moment_apart",
        source=BLIND,
        stage="2D",
        wrong="a leader reads where its log begins, waits a moment, and sends the snapshot that it has by then",
        rules=("StateMachineSafety", "SnapshotOnlyApplied", "SnapshotAndLogTogether", "SnapshotTermKept"),
        changes=(
            (
                SEND_SNAPSHOT,
                """\
        base = (self.last_included_index, self.last_included_term)
        await trio.sleep(0.02)
        data = self.node.persister.snapshot()
        assert data is not None, "a log that starts after index 0 was saved together with its snapshot"
""",
            ),
        ),
    ),
    Mutant(
        name="B757_waits_for_the_snapshot_and_sends_nothing",
        source=BLIND,
        stage="2D",
        wrong="while a snapshot is on its way a leader sends that peer nothing else, for as long as the call takes",
        rules=("HeartbeatsSent", "LeaderInTime", "CommittedIsApplied"),
        changes=(
            (
                "            self.nursery.start_soon(self.replicate_to, peer, term)\n            with",
                """\
            if self.next_index[peer] <= self.last_included_index:
                await self.send_snapshot(peer)
                continue
            self.nursery.start_soon(self.replicate_to, peer, term)
            with""",
            ),
            (
                "        with trio.move_on_after(RPC_TIMEOUT):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_snapshot_reply",
                "        with trio.CancelScope():\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_snapshot_reply",
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
                "        base = (self.last_included_index, self.last_included_term)\n        self.node.persister.save(",
                """\
        base = (self.last_included_index, self.last_included_term)
        now = (self.current_term, self.voted_for, self.last_log_index(), self.last_log_term())
        if now == self.saved:
            return
        self.saved = now
        self.node.persister.save(""",
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.saved: object = None\n        self.nursery: trio.Nursery\n",
            ),
        ),
    ),
]

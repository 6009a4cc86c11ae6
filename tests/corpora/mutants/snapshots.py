"""Stage 2D: servers that compact their logs wrongly, or send, take, keep or restore snapshots wrongly."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

TRIM = "        self.log = self.log[self.position(index + 1) :]\n        self.last_included_index = index\n"
INSTALL_GUARD = "        if args.last_included_index <= self.commit_index:\n"
COVERED = (
    "        covered = args.prev_log_index < self.last_included_index\n"
    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
)
TAKE_ENTRIES = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
INSTALLED = (
    "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"
    "        self.last_applied = args.last_included_index\n"
)
HAND_OVER = (
    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
)
MATCHED = "        self.record_match(peer, args.last_included_index)\n"

MUTANTS = [
    # Indices and terms at the snapshot's edge.
    Mutant(
        name="S01_candidate_counts_entries_only",
        source="canonical/raft@9e60500; akka-raft#40",
        stage="2D",
        wrong="a candidate gives the number of its entries, without what its snapshot covers, as its last index",
        rules=("VoteOnlyUpToDate", "SnapshotTermKept", "RestoredOnRestart"),
        changes=(
            (
                "self.node.me, self.last_log_index(), self.last_log_term())",
                "self.node.me, len(self.log), self.last_log_term())",
            ),
        ),
    ),
    Mutant(
        name="S01v_voter_counts_entries_only",
        source="canonical/raft@9e60500; akka-raft#40",
        stage="2D",
        wrong="a voter compares a candidate's last index with the number of its own entries, without its snapshot",
        rules=("VoteOnlyUpToDate",),
        changes=(
            (
                "        return last_log_index >= self.last_log_index()\n",
                "        return last_log_index >= len(self.log)\n",
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
        name="S02v_voter_with_empty_log_takes_anyone",
        source="variant of LogCabin@29a4612",
        stage="2D",
        wrong="a voter whose snapshot covers its whole log finds every candidate's log up to date",
        rules=("VoteOnlyUpToDate",),
        changes=(
            (
                "        if last_log_term != self.last_log_term():\n",
                "        if not self.log:\n            return True\n"
                "        if last_log_term != self.last_log_term():\n",
            ),
        ),
    ),
    Mutant(
        name="S14_trim_keeps_one_too_many",
        source="redisraft@5195c0c",
        stage="2D",
        wrong="the entry that the snapshot ends with stays in the log, so all entries behind it are one index off",
        rules=("LogMatching", "StateMachineSafety", "SnapshotKeepsSuffix", "MatchingKept", "LeaderAppendOnly"),
        changes=((TRIM, TRIM.replace("index + 1", "index")),),
    ),
    Mutant(
        name="S14f_trim_drops_one_too_many",
        source="redisraft@5195c0c",
        stage="2D",
        wrong="the first entry behind the snapshot is dropped with it",
        rules=("MatchingKept", "LeaderAppendOnly"),
        changes=((TRIM, TRIM.replace("index + 1", "index + 2")),),
    ),
    Mutant(
        name="S14i_install_keeps_one_too_many",
        source="redisraft@5195c0c",
        stage="2D",
        wrong="an installed snapshot leaves its own last entry in the log, so the entries behind it are one index off",
        rules=("SnapshotKeepsSuffix", "LogMatching", "MatchingKept"),
        changes=(("self.position(args.last_included_index + 1) :]", "self.position(args.last_included_index) :]"),),
    ),
    Mutant(
        name="S15_term_read_after_trim",
        source="a common bug of course submissions",
        stage="2D",
        wrong="the snapshot's term is read after the log was trimmed: it is that of the first entry left",
        rules=("SnapshotTermKept",),
        changes=(
            ("        term = self.term_at(index)\n        self.log =", "        self.log ="),
            (
                "        self.last_included_term = term\n        self.save(snapshot)\n",
                "        self.last_included_term = self.log[0].term if self.log else self.current_term\n"
                "        self.save(snapshot)\n",
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
        changes=(("        self.last_included_term = args.last_included_term\n", ""),),
    ),
    # What a snapshot does to the log.
    Mutant(
        name="S26t_log_not_trimmed",
        source="a common bug of course submissions",
        stage="2D",
        wrong="the snapshot is saved, but the log keeps all its entries",
        rules=("LogTrimmed",),
        changes=(
            (
                "        term = self.term_at(index)\n"
                + TRIM
                + "        self.last_included_term = term\n        self.save(snapshot)\n",
                "        self.save(snapshot)\n",
            ),
            ("        if data is not None:\n", "        if data is not None and self.last_included_index:\n"),
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
                "        if index <= self.last_included_index:\n            return\n"
                "        if self.role is Role.LEADER and any(match < index for match in self.match_index.values()):\n"
                "            return\n        term =",
            ),
        ),
    ),
    Mutant(
        name="S06m_trimmed_in_memory_only",
        source="a common bug of course submissions",
        stage="2D",
        wrong="snapshot(index) trims the log in memory; the snapshot itself is never saved",
        rules=("SnapshotAndLogTogether", "LogTrimmed", "InstallWhenNeeded"),
        changes=(
            (
                "        self.last_included_term = term\n        self.save(snapshot)\n",
                "        self.last_included_term = term\n",
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
                "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                "            self.log = self.log[self.position(args.last_included_index + 1) :]"
                "  # Figure 13, InstallSnapshot rule 6\n        else:\n"
                "            self.log = []  # Figure 13, InstallSnapshot rule 7\n",
                "        self.log = []  # Figure 13, InstallSnapshot rule 7\n",
            ),
        ),
    ),
    Mutant(
        name="P17_snapshot_drops_vote",
        source="redisraft@46a6ad0",
        stage="2D",
        wrong="the state that is written with a snapshot has no vote in it",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                "        self.last_included_term = term\n        self.save(snapshot)\n",
                "        self.last_included_term = term\n"
                "        state = PersistentState(self.current_term, None, self.log, index, term)\n"
                "        self.node.persister.save(state, snapshot)\n",
            ),
        ),
    ),
    Mutant(
        name="P17t_snapshot_drops_term",
        source="redisraft@46a6ad0",
        stage="2D",
        wrong="the state that is written with a snapshot has the snapshot's term for the current one, and no vote",
        rules=("TermNeverDecreases", "OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                "        self.last_included_term = term\n        self.save(snapshot)\n",
                "        self.last_included_term = term\n"
                "        self.node.persister.save(PersistentState(term, None, self.log, index, term), snapshot)\n",
            ),
        ),
    ),
    Mutant(
        name="P17i_install_drops_vote",
        source="variant of redisraft@46a6ad0",
        stage="2D",
        wrong="the state that is written with an installed snapshot has no vote in it",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                "        self.save(args.data)\n",
                "        base = (self.last_included_index, self.last_included_term)\n"
                "        self.node.persister.save(PersistentState(self.current_term, None, self.log, *base), args.data)\n",
            ),
        ),
    ),
    # Disk: log and snapshot together.
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
                "        self.last_included_term = term\n        self.save(snapshot)\n",
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
        changes=(("        self.save(args.data)\n", "        self.save()\n        self.save(args.data)\n"),),
    ),
    Mutant(
        name="S08n_installed_snapshot_not_saved",
        source="variant of S06p",
        stage="2D",
        wrong="an installed snapshot reaches the service, but the disk gets only the log that follows it",
        rules=("SnapshotAndLogTogether",),
        changes=(("        self.save(args.data)\n", "        self.save()\n"),),
    ),
    Mutant(
        name="S08b_snapshot_saved_before_log",
        source="redisraft@dfe4a3e",
        stage="2D",
        wrong="a new snapshot is saved first, the trimmed log in a second save, and a restart in between fits them wrongly",
        rules=("SnapshotAndLogTogether", "StateMachineSafety"),
        changes=(
            (
                "        self.last_included_index = index\n"
                "        self.last_included_term = term\n        self.save(snapshot)\n",
                "        self.node.persister.save(self.node.persister.load() or PersistentState(0, None, []), snapshot)\n"
                "        self.last_included_index = index\n"
                "        self.last_included_term = term\n        self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="S09_base_not_read_back",
        source="dqkqd@7de3b83",
        stage="2D",
        wrong="a restarted server reads term, vote and entries, but not where its log begins",
        rules=("RestoredOnRestart", "SnapshotAndLogTogether", "SnapshotNotRolledBack", "ApplyInOrder"),
        changes=(
            (
                "        self.last_included_index = state.last_included_index\n"
                "        self.last_included_term = state.last_included_term\n",
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
        changes=(("        self.last_included_term = state.last_included_term\n", ""),),
    ),
    Mutant(
        name="S09d_snapshot_kept_in_memory_only",
        source="variant of dqkqd@7de3b83",
        stage="2D",
        wrong="a leader sends the snapshot from memory, where there is none after a restart, and then sends nothing",
        rules=("InstallWhenNeeded", "HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            ("        self.restore()\n\n", "        self.latest: bytes | None = None\n        self.restore()\n\n"),
            (
                '        assert data is not None, "a log that starts after index 0 was saved together with its snapshot"\n',
                "        data = self.latest\n        if data is None:\n            return\n",
            ),
            (
                "        self.last_included_term = term\n        self.save(snapshot)\n",
                "        self.last_included_term = term\n        self.latest = snapshot\n        self.save(snapshot)\n",
            ),
            ("        self.save(args.data)\n", "        self.latest = args.data\n        self.save(args.data)\n"),
        ),
    ),
    Mutant(
        name="S09a_log_replayed_from_1",
        source="variant of S32",
        stage="2D",
        wrong="a restarted server starts to apply at index 1, as if there were no snapshot",
        rules=("ApplyInOrder", "NoCrash", "StateMachineSafety", "RestoredOnRestart"),
        changes=(
            (
                "        self.commit_index = self.last_included_index\n"
                "        self.last_applied = self.last_included_index\n",
                "",
            ),
        ),
    ),
    # InstallSnapshot at the receiver.
    Mutant(
        name="S03_old_snapshot_installed",
        source="dqkqd@8f26f05; NuRaft@9de4522",
        stage="2D",
        wrong="a late snapshot is installed, however old it is",
        rules=("SnapshotNotRolledBack",),
        changes=(
            (
                "        if args.last_included_index <= self.commit_index:\n"
                "            return InstallSnapshotReply(self.current_term)\n",
                "",
            ),
            (
                "        if self.has_entry(args.last_included_index, args.last_included_term):\n",
                "        at_hand = args.last_included_index >= self.last_included_index\n"
                "        if at_hand and self.has_entry(args.last_included_index, args.last_included_term):\n",
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
            (INSTALL_GUARD, "        if args.last_included_index <= self.last_included_index:\n"),
            (
                INSTALLED,
                "        self.commit_index = max(self.commit_index, args.last_included_index)\n"
                "        self.last_applied = max(self.last_applied, args.last_included_index)\n",
            ),
        ),
    ),
    Mutant(
        name="S03c_goes_back_and_applies_again",
        source="variant of abrange/distkeyvalue",
        stage="2D",
        wrong="a snapshot that is newer than the server's own takes its service back, and entries are applied again",
        rules=("SnapshotNotRolledBack", "CommitNeverDecreases"),
        changes=((INSTALL_GUARD, "        if args.last_included_index <= self.last_included_index:\n"),),
    ),
    Mutant(
        name="S06_indices_not_raised",
        source="a common bug of 2D submissions",
        stage="2D",
        wrong="after a snapshot was installed, commit_index and last_applied are what they were",
        rules=("ApplyInOrder", "NoCrash", "StateMachineSafety", "SnapshotNotRolledBack"),
        changes=((INSTALLED, ""),),
    ),
    Mutant(
        name="S06a_last_applied_not_raised",
        source="a common bug of 2D submissions",
        stage="2D",
        wrong="after a snapshot was installed, last_applied is what it was",
        rules=("ApplyInOrder", "NoCrash", "StateMachineSafety"),
        changes=((INSTALLED, INSTALLED.partition("\n")[0] + "\n"),),
    ),
    Mutant(
        name="S06s_service_not_told",
        source="a common bug of 2D submissions",
        stage="2D",
        wrong="a snapshot is installed in the log, but the service does not get it",
        rules=("ApplyInOrder", "StateMachineSafety", "CommittedIsApplied"),
        changes=((HAND_OVER, ""),),
    ),
    Mutant(
        name="S16_applier_races_with_install",
        source="openraft@eed681d5; OneSizeFitsQuorum/MIT6.824-2021; Vacant2333@9ee5290",
        stage="2D",
        wrong="a task applies a batch of entries that it copied, and goes on with it after a snapshot came in between",
        rules=("ApplyInOrder", "StateMachineSafety", "SnapshotNotRolledBack"),
        changes=(
            (
                "        while self.commit_index > self.last_applied:\n            self.last_applied += 1\n"
                "            entry = self.log[self.position(self.last_applied)]\n"
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
                "        self.committed.set()\n\n"
                "    async def keep_applying(self) -> None:\n"
                "        while True:\n"
                "            await self.committed.wait()\n"
                "            self.committed = trio.Event()\n"
                "            while self.commit_index > self.last_applied:\n"
                "                first, last = self.last_applied + 1, self.commit_index\n"
                "                batch = self.log[self.position(first) : self.position(last + 1)]\n"
                "                for index, entry in enumerate(batch, start=first):\n"
                "                    await self.apply_ch.send(ApplyCommand(index, entry.command))\n"
                "                    await trio.sleep(0.005)\n"
                "                self.last_applied = max(self.last_applied, last)\n",
            ),
            ("        self.restore()\n\n", "        self.committed = trio.Event()\n        self.restore()\n\n"),
            (
                "            await self.watch_election_timer()\n",
                "            self.nursery.start_soon(self.keep_applying)\n"
                "            await self.watch_election_timer()\n",
            ),
            (
                "        term = self.term_at(index)\n        self.log =",
                "        term = self.term_at(index)\n"
                "        self.last_applied = max(self.last_applied, index)\n        self.log =",
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
            ("    def install_snapshot(self,", "    async def install_snapshot(self,"),
            (
                "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                "            self.log = self.log[self.position(args.last_included_index + 1) :]"
                "  # Figure 13, InstallSnapshot rule 6\n        else:\n"
                "            self.log = []  # Figure 13, InstallSnapshot rule 7\n",
                "        matches = self.has_entry(args.last_included_index, args.last_included_term)\n"
                "        kept = self.log[self.position(args.last_included_index + 1) :] if matches else []\n"
                "        await trio.sleep(0.1)\n        self.log = kept\n",
            ),
        ),
    ),
    Mutant(
        name="S31_pieces_of_two_snapshots",
        source="LogCabin#174; openraft@2eccb9e1",
        stage="2D",
        wrong="snapshots come in pieces, and a piece is joined to those before it, whatever snapshot they were of",
        rules=("StateMachineSafety", "SnapshotAndLogTogether", "SavedBeforeReply"),
        changes=(
            ("import enum\nimport math\n", "import enum\nimport math\nfrom dataclasses import dataclass\n"),
            (
                "class Role(enum.Enum):",
                "@dataclass(frozen=True)\nclass Piece(InstallSnapshotArgs):\n"
                "    offset: int = 0\n    done: bool = False\n\n\n"
                "PIECE = 16\n\n\nclass Role(enum.Enum):",
            ),
            ("        self.restore()\n\n", '        self.pieces = b""\n        self.restore()\n\n'),
            (
                INSTALL_GUARD + "            return InstallSnapshotReply(self.current_term)\n",
                INSTALL_GUARD + "            return InstallSnapshotReply(self.current_term)\n"
                "        if args.offset == 0:\n"
                "            self.pieces = args.data\n"
                "        elif args.offset == len(self.pieces):\n"
                "            self.pieces += args.data\n"
                "        if not args.done:\n"
                "            return InstallSnapshotReply(self.current_term)\n",
            ),
            ("        self.save(args.data)\n", "        self.save(self.pieces)\n"),
            ("args.last_included_term, args.data))\n", "args.last_included_term, self.pieces))\n"),
            (
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
                "        with trio.move_on_after(RPC_TIMEOUT):\n"
                "            reply = await self.node.call(peer, args)\n"
                "            if reply is not None:\n"
                "                self.take_snapshot_reply(peer, args, reply)\n",
                "        term = self.current_term\n"
                "        for offset in range(0, len(data), PIECE):\n"
                "            done = offset + PIECE >= len(data)\n"
                "            args = Piece(term, self.node.me, *base, data[offset : offset + PIECE], offset, done)\n"
                "            reply = None\n"
                "            with trio.move_on_after(RPC_TIMEOUT):\n"
                "                reply = await self.node.call(peer, args)\n"
                "            if reply is None or not self.is_still(Role.LEADER, term):\n"
                "                return\n"
                "            if done or reply.term > term:\n"
                "                self.take_snapshot_reply(peer, args, reply)\n"
                "                return\n",
            ),
        ),
    ),
    Mutant(
        name="S33r_answers_with_the_term_before",
        source="variant of canonical/raft@2a38d3d",
        stage="2D",
        wrong="the answer to InstallSnapshot carries the term from before the request's was adopted",
        rules=("HigherTermAdopted",),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 13, InstallSnapshot rule 1\n",
                "        reply = InstallSnapshotReply(self.current_term)\n"
                "        if args.term < self.current_term:  # Figure 13, InstallSnapshot rule 1\n",
            ),
            (
                HAND_OVER + "        return InstallSnapshotReply(self.current_term)\n",
                HAND_OVER + "        return reply\n",
            ),
        ),
    ),
    # AppendEntries that reaches below the snapshot.
    Mutant(
        name="S11b_covered_entries_appended",
        source="SandTable, WRaft#118",
        stage="2D",
        wrong="entries of an AppendEntries that begins below the snapshot are appended at the log's end",
        rules=("LogMatching", "StateMachineSafety", "MatchingKept"),
        changes=(
            (
                TAKE_ENTRIES,
                "        first = self.last_log_index() if covered else args.prev_log_index\n"
                "        self.take_entries(first + 1, args.entries)\n",
            ),
        ),
    ),
    Mutant(
        name="S11d_covered_entries_taken_for_conflict",
        source="openraft@71a290cd, @44381b0c",
        stage="2D",
        wrong="an AppendEntries that begins below the snapshot counts as a conflict: the whole log goes",
        rules=("MatchingKept", "ConsistencyRefusal"),
        changes=(
            (
                COVERED + "            return self.refuse_entries(args.prev_log_index)\n",
                "        covered = args.prev_log_index < self.last_included_index\n"
                "        if covered:\n"
                "            self.log = []\n            self.save()\n"
                "            return AppendEntriesReply(self.current_term, False, None, self.last_included_index + 1)\n"
                "        if not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                "            return self.refuse_entries(args.prev_log_index)\n",
            ),
        ),
    ),
    Mutant(
        name="S11e_covered_entries_put_behind_base",
        source="abrange/distkeyvalue",
        stage="2D",
        wrong="entries of an AppendEntries that begins below the snapshot are put right behind it, the covered ones too",
        rules=("LogMatching", "StateMachineSafety", "MatchingKept", "ConflictTruncated"),
        changes=(
            (
                TAKE_ENTRIES,
                "        self.take_entries(max(args.prev_log_index, self.last_included_index) + 1, args.entries)\n",
            ),
        ),
    ),
    Mutant(
        name="S22_search_below_base",
        source="raftos; a common bug of 2D submissions",
        stage="2D",
        wrong="the search for the first entry of a conflicting term does not stop at the snapshot",
        rules=("NoCrash", "BackoffBound"),
        changes=(
            (
                "        while conflict_index - 1 > self.last_included_index and self.term_at",
                "        while self.term_at",
            ),
        ),
    ),
    Mutant(
        name="S22l_leader_searches_below_base",
        source="raftos; a common bug of 2D submissions",
        stage="2D",
        wrong="the leader's search for its last entry of a conflicting term goes on below its snapshot",
        rules=("NoCrash", "BackoffBound"),
        changes=(("range(end - 1, self.last_included_index - 1, -1)", "range(end - 1, 0, -1)"),),
    ),
    # The leader's side.
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
                "        if self.next_index[peer] <= self.last_included_index:\n",
                "        if self.next_index[peer] < self.last_included_index:\n",
            ),
        ),
    ),
    Mutant(
        name="S12_match_of_current_snapshot",
        source="abrange/distkeyvalue; dqkqd@ff538a1",
        stage="2D",
        wrong="a leader takes the answer to an older snapshot for one to its current one, and never goes back behind it",
        rules=("InstallWhenNeeded", "CommittedIsApplied", "BackoffBound"),
        changes=((MATCHED, "        self.record_match(peer, self.last_included_index)\n"),),
    ),
    Mutant(
        name="S12l_match_of_whole_log",
        source="variant of S12",
        stage="2D",
        wrong="a leader takes a peer that has its snapshot for one that has its whole log",
        rules=("CommitNeedsMajority", "CommittedIsApplied"),
        changes=((MATCHED, "        self.record_match(peer, self.last_log_index())\n"),),
    ),
    Mutant(
        name="S33_higher_term_of_answer_ignored",
        source="canonical/raft@2a38d3d",
        stage="2D",
        wrong="a leader takes a peer's answer to InstallSnapshot for a yes, though it carries a higher term",
        rules=("HigherTermAdopted", "StepsDown", "CommitNeedsMajority"),
        changes=(
            (
                "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                "            self.become_follower(reply.term)\n"
                "        if not self.is_still(Role.LEADER, args.term):\n            return\n" + MATCHED,
                "        if not self.is_still(Role.LEADER, args.term):\n            return\n" + MATCHED,
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
                "            await self.send_snapshot(peer)\n"
                "        else:\n            await self.send_entries(peer)\n",
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
                "            await self.send_snapshot(peer)\n"
                "        else:\n            await self.send_entries(peer)\n",
                "            await self.send_entries(peer, self.last_included_index + 1)\n"
                "        else:\n            await self.send_entries(peer, self.next_index[peer])\n",
            ),
            (
                "    async def send_entries(self, peer: int)",
                "    async def send_entries(self, peer: int, next_index: int)",
            ),
            ("        prev_log_index = self.next_index[peer] - 1\n", "        prev_log_index = next_index - 1\n"),
            ("        first = self.position(self.next_index[peer])\n", "        first = self.position(next_index)\n"),
        ),
    ),
    Mutant(
        name="S37_nothing_after_snapshot",
        source="SandTable, WRaft#3; willemt/raft#118",
        stage="2D",
        wrong="a leader does not move next_index when a snapshot was installed, and sends it again and again",
        rules=("InstallWhenNeeded", "CommittedIsApplied"),
        changes=((MATCHED, ""),),
    ),
    Mutant(
        name="S27_data_newer_than_its_index",
        source="abrange/distkeyvalue",
        stage="2D",
        wrong="a server keeps a few entries before the snapshot, and calls the data by the index where they begin",
        rules=("StateMachineSafety", "SnapshotAndLogTogether"),
        changes=(
            (
                "        if index <= self.last_included_index:\n            return\n        term =",
                "        index -= 3\n        if index <= self.last_included_index:\n            return\n        term =",
            ),
        ),
    ),
    Mutant(
        name="S27u_snapshot_of_uncommitted",
        source="variant of S27",
        stage="2D",
        wrong="a server trims its whole log at a snapshot, and says that the snapshot covers all of it",
        rules=("SnapshotOnlyApplied", "SnapshotAndLogTogether"),
        changes=(
            (
                "        if index <= self.last_included_index:\n            return\n        term =",
                "        if index <= self.last_included_index:\n            return\n"
                "        index = self.last_log_index()\n        term =",
            ),
        ),
    ),
]

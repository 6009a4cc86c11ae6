"""Known-wrong servers: what a server with snapshots makes of the other rules: indices, terms, the disk, acknowledgements (§7).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

REVIEWER = "a reviewer who had read the paper, the handouts and whole servers, and no checker"
BLIND = "written from the paper, without a look at the checkers"
FROM_FIGURE_2 = "written from Figure 2, sentence by sentence, before the tests"
CHECK = (
    "        covered = args.prev_log_index < self.last_included_index\n"
    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
    "            return self.refuse_entries(args.prev_log_index)\n"
)
FIELDS = "        self.votes: dict[int, bool] = {}\n"
INSTALLED = (
    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
)
INSTALL_BASE = (
    "        self.last_included_index = args.last_included_index\n"
    "        self.last_included_term = args.last_included_term\n"
    "        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.\n"
    "        self.save(args.data)\n"
)
INSTALL_SAVED = "        self.save(args.data)\n"
MATCHED = "        self.record_match(peer, args.last_included_index)\n"
SAVED_SNAPSHOT = "        self.last_included_term = term\n        self.save(snapshot)\n"
SNAPSHOT_REPLY = (
    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
    "            self.become_follower(reply.term)\n"
    "        if not self.is_still(Role.LEADER, args.term):\n"
    "            return\n"
    "        self.record_match(peer, args.last_included_index)\n"
)
TAKE = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
TRIM = "        self.log = self.log[self.position(index + 1) :]\n        self.last_included_index = index\n"
WATCH = "            await self.watch_election_timer()\n"

MUTANTS = [
    # LogMatching
    Mutant(
        name="C525_position_kept_across_a_pause",
        source=REVIEWER,
        stage="2D",
        wrong="a leader waits 5 ms for more entries, and cuts the message at a position of before",
        rules=("LogMatching", "ByteBudget", "CommittedIsApplied", "NoCrash"),
        changes=(
            (
                "        first = self.position(self.next_index[peer])\n",
                (
                    "        first = self.position(self.next_index[peer])\n"
                    "        prev_log_term = self.term_at(prev_log_index)\n"
                    "        term = self.current_term\n"
                    "        await trio.sleep(0.005)\n"
                    "        if not self.is_still(Role.LEADER, term):\n"
                    "            return\n"
                ),
            ),
            (
                "            prev_log_term=self.term_at(prev_log_index),\n            entries",
                "            prev_log_term=prev_log_term,\n            entries",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="C534_rest_begins_one_too_early",
        source=REVIEWER,
        stage="2D",
        wrong="the entries kept after a snapshot begin with the last one that it covers",
        rules=("LogMatching", "SnapshotKeepsSuffix", "SnapshotTermKept"),
        changes=(
            (
                "                rest = self.log[index - self.baseIndex + 1 :]\n",
                "                rest = self.log[index - self.baseIndex :]\n",
            ),
        ),
        base="go_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C537_entries_cut_one_too_early_at_the_edge",
        source=REVIEWER,
        stage="2D",
        wrong="of entries that begin in the snapshot, the last one that it covers is put after it",
        rules=("LogMatching", "StateMachineSafety", "ConsistencyCheck"),
        changes=(
            (
                "            entries = entries[self.first - prev :]\n",
                "            entries = entries[self.first - prev - 1 :]\n",
            ),
        ),
        base="one_inbox",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B770_batches_after_it_looked",
        source=BLIND,
        stage="2D",
        wrong="a leader reckons where the new entries lie, waits 10 ms for more of them, and reads the log then, which a snapshot may have moved",
        rules=(
            "LogMatching",
            "StateMachineSafety",
            "ConsistencyCheck",
            "CommittedIsApplied",
            "NoCrash",
            "LeaderAppendOnly",
        ),
        changes=(
            (
                (
                    "        prev_log_index = self.next_index[peer] - 1\n"
                    "        first = self.position(self.next_index[peer])\n"
                ),
                (
                    "        prev_log_index = self.next_index[peer] - 1\n"
                    "        prev_log_term = self.term_at(prev_log_index)\n"
                    "        first = self.position(self.next_index[peer])\n"
                    "        await trio.sleep(0.01)\n"
                    "        if self.role is not Role.LEADER:\n"
                    "            return\n"
                ),
            ),
            (
                "            prev_log_term=self.term_at(prev_log_index),\n",
                "            prev_log_term=prev_log_term,\n",
            ),
        ),
    ),
    Mutant(
        name="B152_late_entries_behind_the_snapshot_are_appended",
        source=BLIND,
        stage="2D",
        wrong="of a message that begins below the snapshot, all entries are laid after it",
        rules=("LogMatching", "StateMachineSafety", "SnapshotAndLogTogether", "ConflictTruncated", "SnapshotTermKept"),
        changes=(
            (
                TAKE,
                "        self.take_entries(max(args.prev_log_index, self.last_included_index) + 1, args.entries)\n",
            ),
        ),
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
    Mutant(
        name="B322_course_does_not_cut_below_the_base",
        source=BLIND,
        stage="2D",
        wrong="entries of a message that begins below the snapshot are laid after it",
        rules=("LogMatching", "SnapshotAndLogTogether", "ConflictTruncated", "SnapshotTermKept", "StateMachineSafety"),
        changes=(
            (
                "prev, entries = self.base, entries[self.base - prev :]",
                "prev = self.base",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T10z_minus_zero_keeps_all",
        source="a common bug of Python code",
        stage="2D",
        wrong="the log keeps as many entries from its end as lie after the snapshot; if there is no such entry, it keeps all",
        rules=(
            "LogMatching",
            "StateMachineSafety",
            "SnapshotKeepsSuffix",
            "MatchingKept",
            "LeaderAppendOnly",
            "LogTrimmed",
            "ConflictTruncated",
        ),
        changes=(
            (
                TRIM,
                (
                    "        self.log = self.log[index - self.last_log_index() :]\n"
                    "        self.last_included_index = index\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S14_trim_keeps_one_too_many",
        source="redisraft@5195c0c",
        stage="2D",
        wrong="the entry that the snapshot ends with stays in the log, so all entries after it are one index off",
        rules=("LogMatching", "StateMachineSafety", "SnapshotKeepsSuffix", "MatchingKept", "LeaderAppendOnly"),
        changes=(
            (
                TRIM,
                "        self.log = self.log[self.position(index) :]\n        self.last_included_index = index\n",
            ),
        ),
    ),
    Mutant(
        name="S11b_covered_entries_appended",
        source="SandTable, WRaft#118",
        stage="2D",
        wrong="entries of an AppendEntries that begins below the snapshot are appended at the log's end",
        rules=("LogMatching", "StateMachineSafety", "MatchingKept"),
        changes=(
            (
                TAKE,
                (
                    "        first = self.last_log_index() if covered else args.prev_log_index\n"
                    "        self.take_entries(first + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S11e_covered_entries_put_behind_base",
        source="abrange/distkeyvalue",
        stage="2D",
        wrong="entries of an AppendEntries that begins below the snapshot are put right after it, the covered ones too",
        rules=("LogMatching", "StateMachineSafety", "MatchingKept", "ConflictTruncated"),
        changes=(
            (
                TAKE,
                "        self.take_entries(max(args.prev_log_index, self.last_included_index) + 1, args.entries)\n",
            ),
        ),
    ),
    # StateMachineSafety
    Mutant(
        name="B756_snapshot_and_base_a_moment_apart",
        source=BLIND,
        stage="2D",
        wrong="a leader reads where its log begins, waits a moment, and sends the snapshot that it has by then",
        rules=(
            "StateMachineSafety",
            "SnapshotOnlyApplied",
            "SnapshotAndLogTogether",
            "SnapshotTermKept",
            "SnapshotIsTheServices",
        ),
        changes=(
            (
                (
                    "        data = self.node.persister.snapshot()\n"
                    '        assert data is not None, "a log that starts after index 0 was saved together with its snapshot"\n'
                    "        base = (self.last_included_index, self.last_included_term)\n"
                ),
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        await trio.sleep(0.02)\n"
                    "        data = self.node.persister.snapshot()\n"
                    '        assert data is not None, "a log that starts after index 0 was saved together with its snapshot"\n'
                ),
            ),
        ),
    ),
    Mutant(
        name="B130_sends_its_first_snapshot",
        source=BLIND,
        stage="2D",
        wrong="a leader keeps the snapshot that it sent first, and sends its bytes with newer indices",
        rules=("StateMachineSafety", "SnapshotOnlyApplied", "SnapshotAndLogTogether", "SnapshotIsTheServices"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                (
                    "        self.to_send: bytes | None = None\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                "        data = self.node.persister.snapshot()\n        assert data",
                (
                    "        self.to_send = self.to_send or self.node.persister.snapshot()\n"
                    "        data = self.to_send\n"
                    "        assert data"
                ),
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
                (
                    "        self.nursery.start_soon(self.snapshot_soon, snapshot)\n"
                    "\n"
                    "    async def snapshot_soon(self, snapshot: bytes) -> None:\n"
                    "        await trio.sleep(0.02)\n"
                    "        index = self.last_applied\n"
                    "        if index <= self.last_included_index:\n"
                    "            return\n"
                    "        term"
                ),
            ),
        ),
    ),
    Mutant(
        name="W12_applier_walks_by_place",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="a task applies by the place in the list, and waits after each entry; a snapshot meanwhile shifts the places",
        rules=("StateMachineSafety", "ApplyInOrder", "NoCrash", "StartAnswers"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.committed = trio.Event()\n",
            ),
            (
                (
                    "        if index > self.commit_index:\n"
                    "            self.commit_index = index\n"
                    "            self.apply_committed()\n"
                ),
                (
                    "        if index > self.commit_index:\n"
                    "            self.commit_index = index\n"
                    "            self.committed.set()\n"
                ),
            ),
            (
                "            await self.watch_election_timer()\n\n    # Persistent state.",
                (
                    "            self.nursery.start_soon(self.apply_in_turn)\n"
                    "            await self.watch_election_timer()\n"
                    "\n"
                    "    async def apply_in_turn(self) -> None:\n"
                    "        while True:\n"
                    "            await self.committed.wait()\n"
                    "            self.committed = trio.Event()\n"
                    "            place = self.position(self.last_applied + 1)\n"
                    "            while self.commit_index > self.last_applied:\n"
                    "                self.last_applied += 1\n"
                    "                await self.apply_ch.send(ApplyCommand(self.last_applied, self.log[place].command))\n"
                    "                place += 1\n"
                    "\n"
                    "    # Persistent state."
                ),
            ),
        ),
    ),
    Mutant(
        name="W30_go_applier_walks_by_place",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="entries are looked up by their place as it was before the first of them was applied",
        rules=("StateMachineSafety", "ApplyInOrder", "NoCrash", "StartAnswers"),
        changes=(
            (
                (
                    "                while self.lastApplied < self.commitIndex:\n"
                    "                    self.lastApplied += 1\n"
                    "                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n"
                    "            for message in messages:\n"
                    "                await self.applyCh.send(message)\n"
                ),
                (
                    "                base, last = self.baseIndex, self.commitIndex\n"
                    "            for message in messages:\n"
                    "                await self.applyCh.send(message)\n"
                    "            while self.lastApplied < last:\n"
                    "                self.lastApplied += 1\n"
                    "                command = self.log[self.lastApplied - base].command\n"
                    "                await self.applyCh.send(ApplyCommand(self.lastApplied, command))\n"
                ),
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="S31_pieces_of_two_snapshots",
        source="LogCabin#174; openraft@2eccb9e1",
        stage="2D",
        wrong="snapshots come in pieces, and a piece is joined to those before it, whatever snapshot they were of",
        rules=("StateMachineSafety", "SnapshotAndLogTogether", "SavedBeforeReply"),
        changes=(
            (
                "import enum\nimport math\n",
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                "class Role(enum.Enum):",
                (
                    "@dataclass(frozen=True)\n"
                    "class Piece(InstallSnapshotArgs):\n"
                    "    offset: int = 0\n"
                    "    done: bool = False\n"
                    "\n"
                    "\n"
                    "PIECE = 16\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):"
                ),
            ),
            (
                "        self.restore()\n\n",
                ('        self.pieces = b""\n        self.restore()\n\n'),
            ),
            (
                (
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
                (
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if args.offset == 0:\n"
                    "            self.pieces = args.data\n"
                    "        elif args.offset == len(self.pieces):\n"
                    "            self.pieces += args.data\n"
                    "        if not args.done:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
            ),
            (
                INSTALL_SAVED,
                "        self.save(self.pieces)\n",
            ),
            (
                "args.last_included_term, args.data))\n",
                "args.last_included_term, self.pieces))\n",
            ),
            (
                (
                    "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_snapshot_reply(peer, args, reply)\n"
                ),
                (
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
                    "                return\n"
                ),
            ),
        ),
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
                (
                    "        index -= 3\n"
                    "        if index <= self.last_included_index:\n"
                    "            return\n"
                    "        term ="
                ),
            ),
        ),
    ),
    # TermNeverDecreases
    Mutant(
        name="B750_terms_of_snapshot_answers_are_not_saved",
        source=BLIND,
        stage="2D",
        wrong="a newer term in an answer to InstallSnapshot is taken over, and not saved",
        rules=("TermNeverDecreases", "SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            (
                SNAPSHOT_REPLY,
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.current_term = reply.term\n"
                    "            self.voted_for = None\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B134_a_snapshot_sets_the_term",
        source=BLIND,
        stage="2D",
        wrong="a server that installs a snapshot goes to the term of the snapshot's last entry",
        rules=("TermNeverDecreases", "HigherTermAdopted"),
        changes=(
            (
                INSTALL_BASE,
                (
                    "        self.current_term = args.last_included_term\n"
                    "        self.last_included_index = args.last_included_index\n"
                    "        self.last_included_term = args.last_included_term\n"
                    "        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.\n"
                    "        self.save(args.data)\n"
                ),
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
                SAVED_SNAPSHOT,
                (
                    "        self.last_included_term = term\n"
                    "        self.node.persister.save(PersistentState(term, None, self.log, index, term), snapshot)\n"
                ),
            ),
        ),
    ),
    # HigherTermAdopted
    Mutant(
        name="B746_old_snapshots_carry_no_term",
        source=BLIND,
        stage="2D",
        wrong="a snapshot that is older than what is committed is ignored before its term is looked at",
        rules=("HigherTermAdopted",),
        changes=(
            (
                (
                    "    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n"
                    '        """Follow a leader: take over its snapshot, in place of entries that it no longer has."""\n'
                ),
                (
                    "    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C533_message_with_the_snapshot_is_kept",
        source=REVIEWER,
        stage="2D",
        wrong="a leader keeps the InstallSnapshot that a peer has not answered, and sends it again when it leads again",
        rules=("HigherTermAdopted", "TermNeverDecreases", "CommittedIsApplied"),
        changes=(
            (
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n",
                (
                    "        args = self.unanswered.setdefault(\n"
                    "            peer, InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
                    "        )\n"
                ),
            ),
            (
                MATCHED,
                (
                    "        self.unanswered.pop(peer, None)\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.unanswered: dict[int, InstallSnapshotArgs] = {}\n        self.nursery: trio.Nursery\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C328_refused_snapshot_counts",
        source="invented before the checkers were read",
        stage="2D",
        wrong="a leader does not look at the term in the answer to a snapshot, and counts it as taken",
        rules=("HigherTermAdopted", "StepsDown", "CommitNeedsMajority"),
        changes=(
            (
                (
                    "        self.newer_term(reply.term)\n"
                    "        if self.role == LEADER and self.current_term == args.term:\n"
                ),
                "        if self.role == LEADER and self.current_term == args.term:\n",
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=True,
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
                (
                    "        reply = InstallSnapshotReply(self.current_term)\n"
                    "        if args.term < self.current_term:  # Figure 13, InstallSnapshot rule 1\n"
                ),
            ),
            (
                (
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        return InstallSnapshotReply(self.current_term)\n"
                ),
                (
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        return reply\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S33_higher_term_of_answer_ignored",
        source="canonical/raft@2a38d3d",
        stage="2D",
        wrong="a leader takes a peer's answer to InstallSnapshot for a yes, though it carries a higher term",
        rules=("HigherTermAdopted", "StepsDown", "CommitNeedsMajority"),
        changes=(
            (
                SNAPSHOT_REPLY,
                (
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
            ),
        ),
    ),
    # StaleTermRejected
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
        name="S20_snapshot_of_an_older_term_installed",
        source="variant of Figure 13, rule 1, left out",
        stage="2D",
        wrong="a follower installs snapshots whatever the term of who sends them",
        rules=("StaleTermRejected",),
        changes=(
            (
                (
                    "        if args.term < self.current_term:  # Figure 13, InstallSnapshot rule 1\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
                "",
            ),
        ),
    ),
    # OneVotePerTerm
    Mutant(
        name="B133_a_snapshot_frees_the_vote",
        source=BLIND,
        stage="2D",
        wrong="a server that installs a snapshot forgets its vote",
        rules=("OneVotePerTerm",),
        changes=(
            (
                INSTALL_BASE,
                (
                    "        self.voted_for = None\n"
                    "        self.last_included_index = args.last_included_index\n"
                    "        self.last_included_term = args.last_included_term\n"
                    "        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.\n"
                    "        self.save(args.data)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W07_vote_outlives_a_snapshots_term",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="a newer term that comes with InstallSnapshot does not end the vote of the older one",
        rules=("OneVotePerTerm", "VoteDenied"),
        changes=(
            (
                (
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                ),
                (
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.current_term = args.term\n"
                    "            self.save()\n"
                    "            self.become_follower(args.term)\n"
                ),
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
                SAVED_SNAPSHOT,
                (
                    "        self.last_included_term = term\n"
                    "        state = PersistentState(self.current_term, None, self.log, index, term)\n"
                    "        self.node.persister.save(state, snapshot)\n"
                ),
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
                INSTALL_SAVED,
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        self.node.persister.save(PersistentState(self.current_term, None, self.log, *base), args.data)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="G05_keeps_its_vote_in_the_term_of_a_snapshots_answer",
        source=BLIND,
        stage="2D",
        wrong="a newer term in the answer to a snapshot is taken over, and the vote of the older one stays",
        rules=("OneVotePerTerm", "VoteDenied"),
        changes=(
            (
                (
                    '        """Continue after the snapshot that was sent; this server may have made a newer one since."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                ),
                (
                    '        """Continue after the snapshot that was sent; this server may have made a newer one since."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.current_term = reply.term\n"
                    "            self.save()\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    # VoteOnlyUpToDate
    Mutant(
        name="B820_votes_by_the_snapshot",
        source=BLIND,
        stage="2D",
        wrong="a restarted server compares candidates with its snapshot, until entries come",
        rules=("VoteOnlyUpToDate", "SnapshotTermKept", "LeaderCompleteness", "RestoredOnRestart"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.quiet = False\n",
            ),
            (
                "        self.voted_for = state.voted_for\n",
                "        self.voted_for = state.voted_for\n        self.quiet = state.last_included_index > 0\n",
            ),
            (
                "        if last_log_term != self.last_log_term():\n",
                (
                    "        if self.quiet:\n"
                    "            return (last_log_term, last_log_index) >= (self.last_included_term, self.last_included_index)\n"
                    "        if last_log_term != self.last_log_term():\n"
                ),
            ),
            (
                "        changed = False\n",
                "        changed = False\n        self.quiet = False\n",
            ),
        ),
    ),
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
        name="S02v_voter_with_empty_log_takes_anyone",
        source="variant of LogCabin@29a4612",
        stage="2D",
        wrong="a voter whose snapshot covers its whole log finds every candidate's log up to date",
        rules=("VoteOnlyUpToDate",),
        changes=(
            (
                "        if last_log_term != self.last_log_term():\n",
                (
                    "        if not self.log:\n"
                    "            return True\n"
                    "        if last_log_term != self.last_log_term():\n"
                ),
            ),
        ),
    ),
    # ElectionTimerReset
    Mutant(
        name="B748_old_snapshots_are_no_word_of_a_leader",
        source=BLIND,
        stage="2D",
        wrong="a snapshot resets the election timer only if it is installed",
        rules=("ElectionTimerReset",),
        changes=(
            (
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
                (
                    "        if self.role is Role.CANDIDATE:\n"
                    "            self.become_follower(args.term)\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        self.reset_election_timer()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C529_known_snapshot_is_no_word_of_the_leader",
        source=REVIEWER,
        stage="2D",
        wrong="InstallSnapshot that brings nothing new does not reset the election timer",
        rules=("ElectionTimerReset",),
        changes=(
            (
                "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # A late snapshot",
                "        # A late snapshot",
            ),
            (
                "            return InstallSnapshotReply(self.current_term)\n        if self.has_entry(",
                (
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        self.reset_election_timer()\n"
                    "        if self.has_entry("
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
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
        name="S19_snapshot_resets_no_timer",
        source="canonical/raft@4fbd3c0; etcd-io/raft@f1f74e0",
        stage="2D",
        wrong="a follower that is sent snapshots stands for election all the same",
        rules=("ElectionTimerReset",),
        changes=(
            (
                (
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
                ),
                "        # A late snapshot covers only what is committed here already: it must not take the service back.\n",
            ),
        ),
    ),
    # StepsDown
    Mutant(
        name="B745_leader_keeps_leading_in_the_snapshots_term",
        source=BLIND,
        stage="2D",
        wrong="a leader that is sent a snapshot of a newer term adopts the term and goes on leading",
        rules=("StepsDown", "ElectionSafety", "LeaderHasMajority"),
        changes=(
            (
                (
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
                (
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.current_term = args.term\n"
                    "            self.voted_for = None\n"
                    "            self.save()\n"
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
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
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
                (
                    "        self.reset_election_timer()\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if self.role is Role.CANDIDATE:\n"
                    "            self.become_follower(args.term)\n"
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
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "            self.become_leader()\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
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
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot"
                ),
                "        # A late snapshot",
            ),
        ),
    ),
    # ConsistencyRefusal
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
    # MatchingKept
    Mutant(
        name="W23_refuses_a_lower_base_silently",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="entries that begin inside the snapshot are acknowledged and dropped, also those after it",
        rules=("MatchingKept", "CommittedIsApplied", "SavedBeforeReply", "ConsistencyCheck"),
        changes=(
            (
                CHECK,
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                    "        if covered:\n"
                    "            return AppendEntriesReply(self.current_term, success=True)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S14f_trim_drops_one_too_many",
        source="redisraft@5195c0c",
        stage="2D",
        wrong="the first entry after the snapshot is dropped with it",
        rules=("MatchingKept", "LeaderAppendOnly"),
        changes=(
            (
                TRIM,
                "        self.log = self.log[self.position(index + 2) :]\n        self.last_included_index = index\n",
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
                CHECK,
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if covered:\n"
                    "            self.log = []\n"
                    "            self.save()\n"
                    "            return AppendEntriesReply(self.current_term, False, None, self.last_included_index + 1)\n"
                    "        if not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    # CommitNeedsMajority
    Mutant(
        name="C524_entries_that_begin_in_the_snapshot_end_there",
        source=REVIEWER,
        stage="2D",
        wrong="a message whose first entries the snapshot covers succeeds, and its other entries are not taken",
        rules=("CommitNeedsMajority", "MatchingKept", "SavedBeforeReply", "NoCrash"),
        changes=(
            (
                "            if index <= self.last_included_index:\n                continue\n",
                "            if index <= self.last_included_index:\n                break\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B817_snapshot_ends_the_call_in_hand",
        source=BLIND,
        stage="2D",
        wrong="an answer to entries counts from the place where the leader's log begins by then, after a snapshot of its own in between",
        rules=("CommitNeedsMajority", "StateMachineSafety", "CommittedIsApplied", "InstallWhenNeeded", "NoCrash"),
        changes=(
            (
                "            self.record_match(peer, args.prev_log_index + len(args.entries))\n",
                "            self.record_match(peer, max(args.prev_log_index, self.last_included_index) + len(args.entries))\n",
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
                MATCHED,
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
                MATCHED,
                "        self.record_match(peer, self.last_log_index())\n",
            ),
        ),
    ),
    Mutant(
        name="B153_snapshot_commits_the_suffix",
        source=BLIND,
        stage="2D",
        wrong="after InstallSnapshot all of the log that was kept counts as committed",
        rules=("CommitNeedsMajority", "CommitBound"),
        changes=(
            (
                INSTALLED,
                (
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        self.commit_up_to(self.last_log_index())\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W22_next_index_from_the_newest_base",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="an answer to InstallSnapshot stands for the snapshot that the leader has by now",
        rules=("CommitNeedsMajority", "CommittedIsApplied", "BackoffBound", "InstallWhenNeeded"),
        changes=(
            (
                (
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
                (
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.record_match(peer, self.last_included_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="S12l_match_of_whole_log",
        source="variant of S12",
        stage="2D",
        wrong="a leader takes a peer that has its snapshot for one that has its whole log",
        rules=("CommitNeedsMajority", "CommittedIsApplied"),
        changes=(
            (
                MATCHED,
                "        self.record_match(peer, self.last_log_index())\n",
            ),
        ),
    ),
    # CommitBound
    Mutant(
        name="B755_below_the_snapshot_all_is_new",
        source=BLIND,
        stage="2D",
        wrong="a message that begins below the snapshot commits as far as the log goes",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                "        last_new_entry = args.prev_log_index + len(args.entries)\n",
                "        last_new_entry = self.last_log_index() if covered else args.prev_log_index + len(args.entries)\n",
            ),
        ),
    ),
    Mutant(
        name="C522_what_fits_the_snapshot_is_committed",
        source=REVIEWER,
        stage="2D",
        wrong="entries that stay after a snapshot are taken for committed with it",
        rules=("CommitBound", "CommitNeedsMajority", "StateMachineSafety"),
        changes=(
            (
                (
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        return InstallSnapshotReply(self.current_term)\n"
                ),
                (
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        self.commit_up_to(self.last_log_index())\n"
                    "        return InstallSnapshotReply(self.current_term)\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
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
                (
                    "        if args.last_included_index <= self.last_log_index():\n"
                    "            self.commit_up_to(args.last_included_index)\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                ),
            ),
        ),
    ),
    # ApplyInOrder
    Mutant(
        name="B735_restored_snapshot_after_a_wait",
        source=BLIND,
        stage="2D",
        wrong="a restarted server gives its service the snapshot 50 ms later, after entries that came meanwhile",
        rules=("ApplyInOrder", "RestoredOnRestart", "SnapshotNotRolledBack"),
        changes=(
            (
                (
                    "        if data is not None:\n"
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                ),
                "        self.restored = data\n",
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.restored: bytes | None = None\n        self.nursery: trio.Nursery\n",
            ),
            (
                WATCH,
                (
                    "            self.nursery.start_soon(self.watch_election_timer)\n"
                    "            base = (self.last_included_index, self.last_included_term)\n"
                    "            await trio.sleep(0.05)\n"
                    "            if self.restored is not None:\n"
                    "                self.apply_ch.send_nowait(ApplySnapshot(*base, self.restored))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C551_counts_after_the_hand_over",
        source=REVIEWER,
        stage="2D",
        wrong="a task hands over an entry, waits, and counts it then, though a snapshot was installed meanwhile",
        rules=("ApplyInOrder", "CommittedIsApplied", "StateMachineSafety"),
        changes=(
            (
                (
                    "        while self.commit_index > self.last_applied:\n"
                    "            self.last_applied += 1\n"
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
                (
                    "        self.committed.set()\n"
                    "\n"
                    "    async def keep_applying(self) -> None:\n"
                    "        while True:\n"
                    "            while self.commit_index > self.last_applied:\n"
                    "                index = self.last_applied + 1\n"
                    "                entry = self.log[self.position(index)]\n"
                    "                await self.apply_ch.send(ApplyCommand(index, entry.command))\n"
                    "                self.last_applied += 1\n"
                    "            self.committed = trio.Event()\n"
                    "            await self.committed.wait()\n"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.committed = trio.Event()\n        self.nursery: trio.Nursery\n",
            ),
            (
                WATCH,
                (
                    "            self.nursery.start_soon(self.keep_applying)\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C552_indices_follow_the_services_wait",
        source=REVIEWER,
        stage="2D",
        wrong="a snapshot is handed over with an await, and commit_index and last_applied are set after it",
        rules=("ApplyInOrder", "NoCrash", "SnapshotNotRolledBack"),
        changes=(
            (
                "    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n",
                "    async def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n",
            ),
            (
                (
                    "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"
                    "        self.last_applied = args.last_included_index\n"
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                ),
                (
                    "        await self.apply_ch.send(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        self.commit_index = max(self.commit_index, args.last_included_index)\n"
                    "        self.last_applied = args.last_included_index\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="C555_snapshot_overtakes_the_batch",
        source=REVIEWER,
        stage="2D",
        wrong="a snapshot goes to the service at once, while a task is still handing over older entries",
        rules=("ApplyInOrder", "SnapshotNotRolledBack"),
        changes=(
            (
                (
                    "            self.snapshotToApply = ApplySnapshot(index, args.last_included_term, args.data)\n"
                    "            self.applyCond.notify_all()\n"
                ),
                (
                    "            self.lastApplied = index\n"
                    "            self.applyCh.send_nowait(ApplySnapshot(index, args.last_included_term, args.data))\n"
                ),
            ),
        ),
        base="go_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C556_entries_read_between_waits",
        source=REVIEWER,
        stage="2D",
        wrong="the range to apply is fixed once, and each entry is read when its turn comes, from the log of by then",
        rules=("ApplyInOrder", "StateMachineSafety", "NoCrash", "SnapshotNotRolledBack"),
        changes=(
            (
                (
                    "                while self.lastApplied < self.commitIndex:\n"
                    "                    self.lastApplied += 1\n"
                    "                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n"
                    "            for message in messages:\n"
                    "                await self.applyCh.send(message)\n"
                ),
                (
                    "                first, last = self.lastApplied + 1, self.commitIndex\n"
                    "                self.lastApplied = max(self.lastApplied, last)\n"
                    "            for message in messages:\n"
                    "                await self.applyCh.send(message)\n"
                    "            for index in range(first, last + 1):\n"
                    "                await self.applyCh.send(ApplyCommand(index, self.entry(index).command))\n"
                ),
            ),
        ),
        base="go_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C558_snapshot_jumps_the_queue",
        source=REVIEWER,
        stage="2D",
        wrong="a snapshot is put before the entries that still wait for the service",
        rules=("ApplyInOrder", "SnapshotNotRolledBack"),
        changes=(
            (
                "        self.queue.append(message)\n",
                (
                    "        if isinstance(message, ApplySnapshot):\n"
                    "            self.queue.appendleft(message)\n"
                    "        else:\n"
                    "            self.queue.append(message)\n"
                ),
            ),
        ),
        base="course_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B404_applies_from_one_after_a_restart",
        source=BLIND,
        stage="2D",
        wrong="last_applied is 0 after a restart, also after a snapshot",
        rules=("ApplyInOrder", "NoCrash"),
        changes=(
            (
                "        self.last_applied = self.last_included_index\n",
                "        self.last_applied = 0\n",
            ),
        ),
    ),
    Mutant(
        name="B138_installs_without_the_service",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot is saved, and not handed to the service",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                INSTALLED,
                "",
            ),
        ),
    ),
    Mutant(
        name="B140_commit_index_stays_behind_a_snapshot",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot raises last_applied by one only",
        rules=("ApplyInOrder", "NoCrash", "SnapshotNotRolledBack"),
        changes=(
            (
                "        self.last_applied = args.last_included_index\n",
                "        self.last_applied += 1\n",
            ),
        ),
    ),
    Mutant(
        name="B316_go_applies_entries_before_the_snapshot",
        source=BLIND,
        stage="2D",
        wrong="the applier raises lastApplied for a snapshot only after it handed over entries after it",
        rules=("ApplyInOrder", "SnapshotNotRolledBack", "StateMachineSafety", "NoCrash"),
        changes=(
            (
                (
                    "                if self.snapshotToApply is not None:\n"
                    "                    messages.append(self.snapshotToApply)\n"
                    "                    self.lastApplied = max(self.lastApplied, self.snapshotToApply.index)\n"
                    "                    self.snapshotToApply = None\n"
                    "                while self.lastApplied < self.commitIndex:\n"
                    "                    self.lastApplied += 1\n"
                    "                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n"
                ),
                (
                    "                while self.lastApplied < self.commitIndex:\n"
                    "                    self.lastApplied += 1\n"
                    "                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n"
                    "                if self.snapshotToApply is not None:\n"
                    "                    messages.append(self.snapshotToApply)\n"
                    "                    self.lastApplied = max(self.lastApplied, self.snapshotToApply.index)\n"
                    "                    self.snapshotToApply = None\n"
                ),
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="W13_applier_notes_the_last_entry_after_its_wait",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="a task applies a batch and notes last_applied after its end; a snapshot that was installed meanwhile is undone",
        rules=("ApplyInOrder", "StateMachineSafety", "NoCrash", "SnapshotNotRolledBack"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.committed = trio.Event()\n",
            ),
            (
                (
                    "        if index > self.commit_index:\n"
                    "            self.commit_index = index\n"
                    "            self.apply_committed()\n"
                ),
                (
                    "        if index > self.commit_index:\n"
                    "            self.commit_index = index\n"
                    "            self.committed.set()\n"
                ),
            ),
            (
                "            await self.watch_election_timer()\n\n    # Persistent state.",
                (
                    "            self.nursery.start_soon(self.apply_in_turn)\n"
                    "            await self.watch_election_timer()\n"
                    "\n"
                    "    async def apply_in_turn(self) -> None:\n"
                    "        while True:\n"
                    "            await self.committed.wait()\n"
                    "            self.committed = trio.Event()\n"
                    "            first, last = self.last_applied + 1, self.commit_index\n"
                    "            entries = [self.log[self.position(index)] for index in range(first, last + 1)]\n"
                    "            for index, entry in enumerate(entries, first):\n"
                    "                await self.apply_ch.send(ApplyCommand(index, entry.command))\n"
                    "            self.last_applied = last\n"
                    "\n"
                    "    # Persistent state."
                ),
            ),
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
                (
                    "        self.commit_index = self.last_included_index\n"
                    "        self.last_applied = self.last_included_index\n"
                ),
                "",
            ),
        ),
    ),
    Mutant(
        name="S06_indices_not_raised",
        source="a common bug of 2D submissions",
        stage="2D",
        wrong="after a snapshot was installed, commit_index and last_applied are what they were",
        rules=("ApplyInOrder", "NoCrash", "StateMachineSafety", "SnapshotNotRolledBack"),
        changes=(
            (
                (
                    "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"
                    "        self.last_applied = args.last_included_index\n"
                ),
                "",
            ),
        ),
    ),
    Mutant(
        name="S06a_last_applied_not_raised",
        source="a common bug of 2D submissions",
        stage="2D",
        wrong="after a snapshot was installed, last_applied is what it was",
        rules=("ApplyInOrder", "NoCrash", "StateMachineSafety"),
        changes=(
            (
                (
                    "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"
                    "        self.last_applied = args.last_included_index\n"
                ),
                "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n",
            ),
        ),
    ),
    Mutant(
        name="S06s_service_not_told",
        source="a common bug of 2D submissions",
        stage="2D",
        wrong="a snapshot is installed in the log, but the service does not get it",
        rules=("ApplyInOrder", "StateMachineSafety", "CommittedIsApplied"),
        changes=(
            (
                INSTALLED,
                "",
            ),
        ),
    ),
    Mutant(
        name="S16_applier_races_with_install",
        source="openraft@eed681d5; OneSizeFitsQuorum/MIT6.824-2021; Vacant2333@9ee5290",
        stage="2D",
        wrong="a task applies a batch of entries that it copied, and goes on with it after a snapshot came in between",
        rules=("ApplyInOrder", "StateMachineSafety", "SnapshotNotRolledBack"),
        changes=(
            (
                (
                    "        while self.commit_index > self.last_applied:\n"
                    "            self.last_applied += 1\n"
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
                (
                    "        self.committed.set()\n"
                    "\n"
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
                    "                self.last_applied = max(self.last_applied, last)\n"
                ),
            ),
            (
                "        self.restore()\n\n",
                "        self.committed = trio.Event()\n        self.restore()\n\n",
            ),
            (
                WATCH,
                (
                    "            self.nursery.start_soon(self.keep_applying)\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
            (
                "        term = self.term_at(index)\n        self.log =",
                (
                    "        term = self.term_at(index)\n"
                    "        self.last_applied = max(self.last_applied, index)\n"
                    "        self.log ="
                ),
            ),
        ),
    ),
    # CommittedIsApplied
    Mutant(
        name="C521_peers_have_what_was_discarded",
        source=REVIEWER,
        stage="2D",
        wrong="a leader that takes a snapshot notes all peers to have what it covers",
        rules=("CommittedIsApplied", "InstallWhenNeeded", "CommitNeedsMajority"),
        changes=(
            (
                SAVED_SNAPSHOT,
                (
                    "        self.last_included_term = term\n"
                    "        self.save(snapshot)\n"
                    "        for peer in self.match_index:\n"
                    "            self.match_index[peer] = max(self.match_index[peer], index)\n"
                    "            self.next_index[peer] = max(self.next_index[peer], index + 1)\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C527_answer_of_an_older_leadership",
        source=REVIEWER,
        stage="2D",
        wrong="an answer to InstallSnapshot counts if its own term is the current one: also a refusal of an older leadership's",
        rules=("CommittedIsApplied", "InstallWhenNeeded", "CommitNeedsMajority"),
        changes=(
            (
                (
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
                (
                    "        if not self.is_still(Role.LEADER, reply.term):\n"
                    "            return\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="C539_answer_counts_for_the_base_of_today",
        source=REVIEWER,
        stage="2D",
        wrong="the answer to a snapshot counts for the one that the leader has by then",
        rules=("CommittedIsApplied", "InstallWhenNeeded", "CommitNeedsMajority"),
        changes=(
            (
                "            self.has_up_to(peer, args.last_included_index)\n",
                "            self.has_up_to(peer, self.base)\n",
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="C541_loss_of_an_older_snapshot_is_not_seen",
        source=REVIEWER,
        stage="2D",
        wrong="a lost snapshot is given up only if the leader has made no newer one meanwhile; else its peer waits for ever",
        rules=("CommittedIsApplied", "InstallWhenNeeded"),
        changes=(
            (
                "        elif p.state is ProgressState.SNAPSHOT and p.pending_snapshot == args.last_included_index:\n",
                "        elif p.state is ProgressState.SNAPSHOT and p.pending_snapshot == self.offset:\n",
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="W11_a_compacted_term_is_0",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="the term of an entry inside the snapshot counts as 0, so what the leader sends from there is refused for ever",
        rules=("ConsistencyRefusal", "CommittedIsApplied", "InstallWhenNeeded", "SnapshotTermKept"),
        changes=(
            (
                CHECK,
                (
                    "        if not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
            (
                "        if index == self.last_included_index:\n            return self.last_included_term\n",
                (
                    "        if index == self.last_included_index:\n"
                    "            return self.last_included_term\n"
                    "        if 0 < index < self.last_included_index:\n"
                    "            return 0\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W21_snapshot_answer_must_be_quick",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="a snapshot whose answer takes longer than 0.1 s counts as lost, and is sent for ever",
        rules=("CommittedIsApplied", "InstallWhenNeeded", "ByteBudget"),
        changes=(
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_snapshot_reply(peer, args, reply)\n"
                ),
                (
                    "        with trio.move_on_after(0.1):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_snapshot_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W31_a_compacted_term_is_0_in_go",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="what begins inside the snapshot is refused, as the term of an entry there counts as 0",
        rules=("ConsistencyRefusal", "CommittedIsApplied", "InstallWhenNeeded", "SnapshotTermKept"),
        changes=(
            (
                (
                    "            if prev < self.baseIndex:\n"
                    "                # What the snapshot covers is the same everywhere.\n"
                    "                entries = entries[self.baseIndex - prev :]\n"
                    "                prev = self.baseIndex\n"
                    "                if args.prev_log_index + len(args.entries) < prev:\n"
                    "                    return AppendEntriesReply(self.currentTerm, True)\n"
                ),
                (
                    "            if prev < self.baseIndex:\n"
                    "                return AppendEntriesReply(self.currentTerm, False)\n"
                ),
            ),
        ),
        base="go_style",
    ),
    # HeartbeatsSent
    Mutant(
        name="B757_waits_for_the_snapshot_and_sends_nothing",
        source=BLIND,
        stage="2D",
        wrong="while a snapshot is on its way a leader sends that peer nothing else, for as long as the call takes",
        rules=("HeartbeatsSent", "LeaderInTime", "CommittedIsApplied"),
        changes=(
            (
                "            self.nursery.start_soon(self.replicate_to, peer, term)\n            with",
                (
                    "            if self.next_index[peer] <= self.last_included_index:\n"
                    "                await self.send_snapshot(peer)\n"
                    "                continue\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with"
                ),
            ),
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_snapshot_reply"
                ),
                (
                    "        with trio.CancelScope():\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_snapshot_reply"
                ),
            ),
        ),
    ),
    Mutant(
        name="C530_silence_while_a_snapshot_is_under_way",
        source=REVIEWER,
        stage="2D",
        wrong="a peer hears nothing from its leader until its snapshot is answered or given up",
        rules=("HeartbeatsSent", "InstallWhenNeeded"),
        changes=(
            (
                (
                    "        if self.next_index[peer] <= self.last_included_index:\n"
                    "            await self.send_snapshot(peer)\n"
                ),
                (
                    "        if peer in self.installing:\n"
                    "            return\n"
                    "        if self.next_index[peer] <= self.last_included_index:\n"
                    "            self.installing.add(peer)\n"
                    "            try:\n"
                    "                await self.send_snapshot(peer)\n"
                    "            finally:\n"
                    "                self.installing.discard(peer)\n"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.installing: set[int] = set()\n        self.nursery: trio.Nursery\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="W20_snapshot_waits_for_its_answer",
        source=FROM_FIGURE_2,
        stage="2D",
        wrong="while a snapshot is on its way to a peer, the peer gets no heartbeat; on a slow link it stands for election",
        rules=("HeartbeatsSent", "ElectionTimerReset", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                ),
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            if self.next_index[peer] <= self.last_included_index:\n"
                    "                await trio.sleep(RPC_TIMEOUT)\n"
                ),
            ),
        ),
    ),
    # SavedBeforeReply
    Mutant(
        name="B744_snapshot_terms_are_not_saved",
        source=BLIND,
        stage="2D",
        wrong="a newer term that comes with a snapshot is saved only if the snapshot is installed",
        rules=("SavedBeforeReply",),
        changes=(
            (
                (
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
                (
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.current_term = args.term\n"
                    "            self.voted_for = None\n"
                    "            self.become_follower(args.term)\n"
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B139_installs_and_forgets_the_disk",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot is handed to the service, and saved with the next entries only",
        rules=("SavedBeforeReply", "SnapshotAndLogTogether"),
        changes=(
            (
                INSTALL_BASE,
                (
                    "        self.last_included_index = args.last_included_index\n"
                    "        self.last_included_term = args.last_included_term\n"
                    "        # Figure 13, InstallSnapshot rule 5; state and snapshot in one step, so that no crash can part them.\n"
                    "        self.to_save = args.data\n"
                ),
            ),
            (
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                (
                    "        self.to_save: bytes | None = None\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "        snapshot, self.to_save = snapshot or self.to_save, None\n"
                    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B331_core_does_not_write_snapshots",
        source=BLIND,
        stage="2D",
        wrong="a snapshot is written with the next change only, and a follower has answered by then",
        rules=("SavedBeforeReply", "LogTrimmed", "SnapshotAndLogTogether"),
        changes=(
            (
                "        self.snapshot = self.new_snapshot = data\n        self.dirty = True\n",
                "        self.snapshot = self.new_snapshot = data\n",
            ),
        ),
        base="pure_core",
    ),
    Mutant(
        name="S06p_installed_snapshot_in_memory_only",
        source="variant of Figure 13, rule 5, left out",
        stage="2D",
        wrong="neither an installed snapshot nor the log after it is saved before the answer",
        rules=("SavedBeforeReply", "SnapshotAndLogTogether"),
        changes=(
            (
                INSTALL_SAVED,
                "",
            ),
        ),
    ),
    Mutant(
        name="X07_snapshot_with_a_number_is_not_saved",
        source="asked of each exemption that the checkers make",
        stage="2D",
        wrong="an InstallSnapshot with a number of its own is answered, and saved with the next save only",
        rules=("SavedBeforeReply",),
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
                "    def restore(self) -> None:\n",
                (
                    "    async def save_later(self, snapshot: bytes | None = None) -> None:\n"
                    "        await trio.sleep(0)\n"
                    "        self.save(snapshot)\n"
                    "\n"
                    "    def restore(self) -> None:\n"
                ),
            ),
            (
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n",
                "        args = Install(self.current_term, self.node.me, *base, data)\n",
            ),
            (
                INSTALL_SAVED,
                "        self.nursery.start_soon(self.save_later, args.data)\n",
            ),
        ),
    ),
    # RestoredOnRestart
    Mutant(
        name="B732_saves_before_the_base_is_read",
        source=BLIND,
        stage="2D",
        wrong="a restarted server saves its log before it has read where it begins: the second restart takes it for one from 1",
        rules=("RestoredOnRestart", "SnapshotAndLogTogether"),
        changes=(
            (
                (
                    "        self.current_term = state.current_term\n"
                    "        self.voted_for = state.voted_for\n"
                    "        self.log = list(state.log)\n"
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                ),
                (
                    "        self.current_term = state.current_term\n"
                    "        self.voted_for = state.voted_for\n"
                    "        self.log = list(state.log)\n"
                    "        self.save()\n"
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B734_restart_needs_a_log_for_the_base",
        source=BLIND,
        stage="2D",
        wrong="a restarted server without entries after its snapshot starts with an empty log from 1",
        rules=("RestoredOnRestart", "SnapshotAndLogTogether", "ApplyInOrder"),
        changes=(
            (
                (
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                    "        # A snapshot covers"
                ),
                (
                    "        if self.log:\n"
                    "            self.last_included_index = state.last_included_index\n"
                    "            self.last_included_term = state.last_included_term\n"
                    "        # A snapshot covers"
                ),
            ),
        ),
    ),
    Mutant(
        name="C503_snapshot_is_all_that_comes_back",
        source=REVIEWER,
        stage="2D",
        wrong="a server that restarts with a snapshot drops the entries after it",
        rules=("RestoredOnRestart", "VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (
                "        if data is not None:\n            self.apply_ch.send_nowait(",
                "        if data is not None:\n            self.log = []\n            self.apply_ch.send_nowait(",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C506_last_index_by_the_disks_log",
        source=REVIEWER,
        stage="2D",
        wrong="after a restart the last index is the number of entries on the disk, without the snapshot's",
        rules=("RestoredOnRestart", "NoCrash", "VoteOnlyUpToDate"),
        changes=(
            (
                "        self.last = max(self.entries)\n",
                "        self.last = len(state.log)\n",
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B821_restart_asks_with_its_snapshot",
        source=BLIND,
        stage="2D",
        wrong="after a restart the log's end is taken to be the snapshot's, in the first candidacy",
        rules=("RestoredOnRestart", "VoteOnlyUpToDate", "LeaderInTime"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.quiet = False\n",
            ),
            (
                "        self.voted_for = state.voted_for\n",
                "        self.voted_for = state.voted_for\n        self.quiet = state.last_included_index > 0\n",
            ),
            (
                "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
                (
                    "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
                    "        if self.quiet:\n"
                    "            args = RequestVoteArgs(self.current_term, self.node.me, self.last_included_index, self.last_included_term)\n"
                    "        self.quiet = False\n"
                ),
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
                (
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                ),
                "",
            ),
        ),
    ),
    # LeaderInTime
    Mutant(
        name="B835_deposed_by_a_snapshot_answer_for_good",
        source=BLIND,
        stage="2D",
        wrong="a leader that steps down at the answer to its snapshot leaves its election timer standing still",
        rules=("LeaderInTime",),
        changes=(
            (
                SNAPSHOT_REPLY,
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.role = Role.FOLLOWER\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.record_match(peer, args.last_included_index)\n"
                ),
            ),
        ),
    ),
    # NoCrash
    Mutant(
        name="C528_hint_looked_up_below_the_snapshot",
        source=REVIEWER,
        stage="2D",
        wrong="a leader looks for the conflicting term below its snapshot, where its list has other entries or none",
        rules=("NoCrash", "BackoffBound", "InstallWhenNeeded"),
        changes=(
            (
                "        for index in range(end - 1, self.last_included_index - 1, -1):\n",
                "        for index in range(end - 1, 0, -1):\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C542_restarted_core_has_no_snapshot",
        source=REVIEWER,
        stage="2D",
        wrong="after a restart the core does not know the snapshot that its service got, and has none to send",
        rules=("NoCrash", "InstallWhenNeeded"),
        changes=(
            (
                "        self.snapshot = snapshot\n        if snapshot is None:\n",
                "        if snapshot is None:\n",
            ),
        ),
        base="pure_core",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B779_snapshots_are_never_late",
        source=BLIND,
        stage="2D",
        wrong="a follower asserts that a snapshot is ahead of what it has committed",
        rules=("NoCrash",),
        changes=(
            (
                "        if args.last_included_index <= self.commit_index:\n",
                (
                    "        assert args.last_included_index > self.commit_index\n"
                    "        if args.last_included_index <= self.commit_index:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T10c_negative_index_below_the_base",
        source="raftos",
        stage="2D",
        wrong="an AppendEntries that begins below the snapshot is checked against the log's end, at a negative position",
        rules=("NoCrash", "ConsistencyRefusal", "MatchingKept", "BackoffBound"),
        changes=(
            (
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self"
                ),
                "        if not self",
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
        changes=(
            (
                "range(end - 1, self.last_included_index - 1, -1)",
                "range(end - 1, 0, -1)",
            ),
        ),
    ),
    Mutant(
        name="D41_terms_only_after_a_snapshot",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2D",
        wrong="once it has a snapshot, a voter looks only at the last entry's term",
        rules=("VoteOnlyUpToDate",),
        changes=(
            (
                "        return last_log_index >= self.last_log_index()\n",
                ("        return last_log_index >= self.last_log_index() or self.last_included_index > 0\n"),
            ),
        ),
    ),
    Mutant(
        name="D42_cuts_always_after_a_snapshot",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2D",
        wrong="once it has a snapshot, a follower cuts its log at each first entry",
        rules=("MatchingKept",),
        changes=(
            (
                (
                    "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
                ),
                (
                    "            if index <= self.last_log_index() and (self.term_at(index) != entry.term or (self.last_included_index and index == first_index)):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D43_bound_off_after_a_snapshot",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2D",
        wrong="once it has a snapshot, a follower commits up to its log's end",
        rules=("CommitBound",),
        changes=(
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    "        self.commit_up_to(min(args.leader_commit, self.last_log_index() if self.last_included_index else last_new_entry))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D44_votes_twice_after_a_snapshot",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2D",
        wrong="once a leader has sent it a snapshot, a server gives its vote twice",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.installed = False\n        self.nursery: trio.Nursery\n"),
            ),
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
                (
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id and not self.installed:\n"
                ),
            ),
            (
                ("        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"),
                (
                    "        self.installed = True\n"
                    "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D45_older_terms_count_after_a_snapshot",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2D",
        wrong="once it has a snapshot, a leader commits older entries by counting",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            (
                ("            if self.term_at(index) != self.current_term:\n                return\n"),
                (
                    "            if self.term_at(index) != self.current_term and not self.last_included_index:\n"
                    "                return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="H02_older_snapshot_resets_the_timer",
        source=BLIND,
        stage="2D",
        wrong="a snapshot from a leader of an older term restarts the election timer",
        rules=("LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                "            return InstallSnapshotReply(self.current_term)\n        self.step_down",
                "            self.reset_timer()\n            return InstallSnapshotReply(self.current_term)\n        self.step_down",
            ),
        ),
        base="peer_tasks",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="H04_forgets_the_snapshot_that_came_while_it_handed_one_over",
        source=BLIND,
        stage="2D",
        wrong="the snapshot that waits for the service is cleared after the one before was handed over",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "                msg = self.pending\n                self.pending = None\n                await self.apply_ch.send(msg)\n",
                "                await self.apply_ch.send(self.pending)\n                self.pending = None\n",
            ),
        ),
        base="peer_tasks",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y05_term_of_a_snapshots_answer_unsaved",
        source=BLIND,
        stage="2D",
        wrong="a newer term in the answer to a snapshot is adopted, and not saved",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                '        """Continue after the snapshot that was sent; this server may have made a newer one since."""\n        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n            self.become_follower(reply.term)\n',
                '        """Continue after the snapshot that was sent; this server may have made a newer one since."""\n        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n            self.become_follower(self.current_term)\n            self.current_term, self.voted_for = reply.term, None\n',
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y06_commands_go_before_a_snapshot",
        source=BLIND,
        stage="2D",
        wrong="while a snapshot waits for the service, it is given the commands that follow first",
        rules=("ApplyInOrder",),
        changes=(
            (
                "            if self.pending is not None:\n                msg = self.pending\n                self.pending = None\n                await self.apply_ch.send(msg)\n            elif self.last_applied < self.commit_index:\n                self.last_applied += 1\n                entry = self.log[self.last_applied - self.base]\n                await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))\n",
                "            if self.last_applied < self.commit_index:\n                self.last_applied += 1\n                entry = self.log[self.last_applied - self.base]\n                await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))\n            elif self.pending is not None:\n                msg = self.pending\n                self.pending = None\n                await self.apply_ch.send(msg)\n",
            ),
        ),
        base="peer_tasks",
        origin="blind",
        at_first_sight=False,
    ),
]

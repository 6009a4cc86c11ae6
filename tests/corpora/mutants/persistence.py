"""Stage 2C: servers that promise more than their disk holds, or come back with something else than they had saved."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

SAVE_LATER = """
    async def save_soon(self) -> None:
        self.save()

    def restore(self) -> None:
"""
"""A task that saves: whatever starts it goes on before that."""

MUTANTS = [
    # What is not saved.
    Mutant(
        name="P01v_granted_vote_not_saved",
        source="variant of eliben/raft@f596df0",
        stage="2C",
        wrong="a vote that is granted stays in memory",
        rules=("SavedBeforeReply", "OneVotePerTerm"),
        changes=(
            (
                "            self.voted_for = args.candidate_id\n            self.save()\n",
                "            self.voted_for = args.candidate_id\n",
            ),
        ),
    ),
    Mutant(
        name="P02_candidacy_not_saved",
        source="eliben/raft@f596df0; sofa-jraft@5222f3ff; raft-java#57",
        stage="2C",
        wrong="a candidate asks for votes before its term and its vote for itself are on the disk",
        rules=("SavedBeforeSend", "OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                "        self.votes = {self.node.me: True}\n        self.save()\n",
                "        self.votes = {self.node.me: True}\n",
            ),
        ),
    ),
    Mutant(
        name="P03_follower_entries_not_saved",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a follower acknowledges entries that it has in memory only",
        rules=("SavedBeforeReply",),
        changes=(("        if changed:\n            self.save()\n", ""),),
    ),
    Mutant(
        name="P03s_command_not_saved",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a leader counts itself for a command that it has in memory only",
        rules=("SavedBeforeSend",),
        changes=(("  # Figure 2, Leaders rule 2\n        self.save()\n", "  # Figure 2, Leaders rule 2\n"),),
    ),
    Mutant(
        name="P03f_saves_only_first_entry",
        source="variant of P03",
        stage="2C",
        wrong="a follower saves after the first of several new entries, not after the last",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "                self.log.append(entry)\n                changed = True\n"
                "        if changed:\n            self.save()\n",
                "                self.log.append(entry)\n"
                "                if not changed:\n                    self.save()\n"
                "                changed = True\n",
            ),
        ),
    ),
    Mutant(
        name="P05_higher_term_not_saved",
        source="eliben/raft@0ae7b34; abrange/distkeyvalue",
        stage="2C",
        wrong="a term that was adopted from somebody else is not saved",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "            self.voted_for = None\n            self.save()\n",
                "            self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="P05a_term_saved_with_entries_only",
        source="abrange/distkeyvalue",
        stage="2C",
        wrong="a term that a heartbeat brought is not saved; one that came with entries or a candidate is",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "    def become_follower(self, term: int) -> None:",
                "    def become_follower(self, term: int, save: bool = True) -> None:",
            ),
            (
                "            self.voted_for = None\n            self.save()\n",
                "            self.voted_for = None\n            if save:\n                self.save()\n",
            ),
            (
                "            return AppendEntriesReply(self.current_term, success=False)\n"
                "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                "            self.become_follower(args.term)\n",
                "            return AppendEntriesReply(self.current_term, success=False)\n"
                "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                "            self.become_follower(args.term, save=False)\n",
            ),
        ),
    ),
    Mutant(
        name="P05r_term_of_reply_not_saved",
        source="variant of eliben/raft@0ae7b34",
        stage="2C",
        wrong="a term that a reply to AppendEntries brought is not saved",
        rules=("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            (
                "    def become_follower(self, term: int) -> None:",
                "    def become_follower(self, term: int, save: bool = True) -> None:",
            ),
            (
                "            self.voted_for = None\n            self.save()\n",
                "            self.voted_for = None\n            if save:\n                self.save()\n",
            ),
            (
                '        """Learn from a reply what the peer has; what was sent tells, for the log may have grown since."""\n'
                "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                "            self.become_follower(reply.term)\n",
                '        """Learn from a reply what the peer has; what was sent tells, for the log may have grown since."""\n'
                "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                "            self.become_follower(reply.term, save=False)\n",
            ),
        ),
    ),
    # What is saved too late, or as it was before.
    Mutant(
        name="P06_entries_saved_after_reply",
        source="goraft#150; etcd#10166",
        stage="2C",
        wrong="a follower acknowledges entries and leaves the save to a task of its own",
        rules=("SavedBeforeReply",),
        changes=(
            ("\n    def restore(self) -> None:\n", SAVE_LATER),
            (
                "        if changed:\n            self.save()\n",
                "        if changed:\n            self.nursery.start_soon(self.save_soon)\n",
            ),
        ),
    ),
    Mutant(
        name="P06v_vote_saved_after_reply",
        source="etcd#10166; sofa-jraft@5222f3ff",
        stage="2C",
        wrong="a voter answers yes and leaves the save to a task of its own",
        rules=("SavedBeforeReply",),
        changes=(
            ("\n    def restore(self) -> None:\n", SAVE_LATER),
            (
                "            self.voted_for = args.candidate_id\n            self.save()\n",
                "            self.voted_for = args.candidate_id\n            self.nursery.start_soon(self.save_soon)\n",
            ),
        ),
    ),
    Mutant(
        name="P06s_leader_counts_unsaved_entries",
        source="goraft#150; d-engine#329",
        stage="2C",
        wrong="a leader writes its commands to disk a little later, but counts itself for them at once",
        rules=("SavedBeforeSend",),
        changes=(
            (
                "\n    def restore(self) -> None:\n",
                "\n    async def save_soon(self) -> None:\n        await trio.sleep(0.01)\n        self.save()\n"
                "\n    def restore(self) -> None:\n",
            ),
            (
                "  # Figure 2, Leaders rule 2\n        self.save()\n",
                "  # Figure 2, Leaders rule 2\n        self.nursery.start_soon(self.save_soon)\n",
            ),
        ),
    ),
    Mutant(
        name="P06t_saves_on_a_timer",
        source="redis-style write-behind; goraft#150",
        stage="2C",
        wrong="the state goes to disk every 20 ms, if it has changed",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            ("        self.restore()\n\n", "        self.dirty = False\n        self.restore()\n\n"),
            (
                "            await self.watch_election_timer()\n",
                "            self.nursery.start_soon(self.keep_saving)\n"
                "            await self.watch_election_timer()\n\n"
                "    async def keep_saving(self) -> None:\n        while True:\n            await trio.sleep(0.02)\n"
                "            if self.dirty:\n                self.dirty = False\n                self.write()\n",
            ),
            (
                "    def save(self, snapshot: bytes | None = None) -> None:\n",
                "    def save(self, snapshot: bytes | None = None) -> None:\n        self.dirty = True\n"
                "        if snapshot is not None:\n            self.write(snapshot)\n\n"
                "    def write(self, snapshot: bytes | None = None) -> None:\n",
            ),
        ),
    ),
    Mutant(
        name="P07_saves_before_the_change",
        source="variant of eliben/raft@f596df0",
        stage="2C",
        wrong="the save stands before the change that it is for: for votes, commands and entries",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "            self.voted_for = args.candidate_id\n            self.save()\n",
                "            self.save()\n            self.voted_for = args.candidate_id\n",
            ),
            (
                "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                "        self.save()\n",
                "        self.save()\n"
                "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n",
            ),
            (
                "        changed = False\n        for index, entry in",
                "        if entries:\n            self.save()\n        for index, entry in",
            ),
            (
                "                del self.log[self.position(index) :]\n                changed = True\n",
                "                del self.log[self.position(index) :]\n",
            ),
            (
                "                self.log.append(entry)\n                changed = True\n"
                "        if changed:\n            self.save()\n",
                "                self.log.append(entry)\n",
            ),
        ),
    ),
    Mutant(
        name="P07t_term_saved_before_the_change",
        source="variant of eliben/raft@0ae7b34",
        stage="2C",
        wrong="a higher term is saved one line too early",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "            self.current_term = term\n            self.voted_for = None\n            self.save()\n",
                "            self.save()\n            self.current_term = term\n            self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="P16_own_vote_not_saved",
        source="xraft#44",
        stage="2C",
        wrong="a candidate saves its new term, but not its vote for itself",
        rules=("SavedBeforeSend", "OneVotePerTerm"),
        changes=(
            (
                "        self.voted_for = self.node.me\n"
                "        self.votes = {self.node.me: True}\n        self.save()\n",
                "        self.voted_for = None\n        self.save()\n        self.voted_for = self.node.me\n"
                "        self.votes = {self.node.me: True}\n",
            ),
        ),
    ),
    Mutant(
        name="P20_votes_and_entries_in_two_files",
        source="canonical/raft@a54636b",
        stage="2C",
        wrong="entries are written a little after terms and votes, but elections and commits use them at once",
        rules=("SavedBeforeSend", "SavedBeforeReply"),
        changes=(
            (
                "        self.restore()\n\n",
                "        self.written: list[LogEntry] = []\n"
                "        self.restore()\n        self.written = list(self.log)\n\n",
            ),
            (
                "PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                "PersistentState(self.current_term, self.voted_for, self.written, *base), snapshot)\n\n"
                "    async def write_log(self) -> None:\n        await trio.sleep(0.005)\n"
                "        self.written = list(self.log)\n        self.save()\n",
            ),
            (
                "  # Figure 2, Leaders rule 2\n        self.save()\n",
                "  # Figure 2, Leaders rule 2\n        self.nursery.start_soon(self.write_log)\n",
            ),
            (
                "        if changed:\n            self.save()\n",
                "        if changed:\n            self.written = list(self.log)\n            self.save()\n",
            ),
            (
                "            self.log = []  # Figure 13, InstallSnapshot rule 7\n",
                "            self.log = []  # Figure 13, InstallSnapshot rule 7\n"
                "        self.written = list(self.log)\n",
            ),
            (
                "        self.last_included_index = index\n        self.last_included_term = term\n",
                "        self.written = list(self.log)\n        self.last_included_index = index\n"
                "        self.last_included_term = term\n",
            ),
        ),
    ),
    Mutant(
        name="P22_log_rewritten_in_two_steps",
        source="hashicorp/raft@0f31a01; openraft@9540c904; raftos",
        stage="2C",
        wrong="a follower cuts its log and saves it, and then appends the new entries and saves again, conflict or not",
        rules=("MatchingKept",),
        changes=(
            (
                "        changed = False\n        for index, entry in enumerate(entries, start=first_index):\n",
                "        changed = False\n        if entries and first_index > self.last_included_index:\n"
                "            tail = self.log[self.position(first_index) + len(entries) :]\n"
                "            if self.has_entry(first_index + len(entries) - 1, entries[-1].term):\n"
                "                entries = entries + tail\n"
                "            del self.log[self.position(first_index) :]\n            self.save()\n"
                "        for index, entry in enumerate(entries, start=first_index):\n",
            ),
        ),
    ),
    # What is not read back, or read back wrongly.
    Mutant(
        name="P01r_vote_cleared_at_restart",
        source="zhebrak/raftos",
        stage="2C",
        wrong="a restarted server has its term, but forgets for whom it voted in it",
        rules=("RestoredOnRestart", "OneVotePerTerm"),
        changes=(("        self.voted_for = state.voted_for\n", "        self.voted_for = None\n"),),
    ),
    Mutant(
        name="P13_decoding_error_swallowed",
        source="MIT 6.824, template of readPersist; raftos",
        stage="2C",
        wrong="an error while reading the state back is swallowed, so a server with entries starts empty",
        rules=("RestoredOnRestart",),
        changes=(
            (
                "        self.current_term = state.current_term\n        self.voted_for = state.voted_for\n"
                "        self.log = list(state.log)\n",
                "        try:\n            self.log = [LogEntry(entry.term, entry.data) for entry in state.log]\n"
                "        except Exception:\n            return\n"
                "        self.current_term = state.current_term\n        self.voted_for = state.voted_for\n",
            ),
        ),
    ),
    Mutant(
        name="P13t_term_not_read_back",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a restarted server has its log, but begins in term 0",
        rules=("RestoredOnRestart", "TermNeverDecreases"),
        changes=(("        self.current_term = state.current_term\n", ""),),
    ),
    Mutant(
        name="P13l_log_not_read_back",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a restarted server has its term and vote, but an empty log",
        rules=("RestoredOnRestart",),
        changes=(("        self.log = list(state.log)\n", ""),),
    ),
    Mutant(
        name="P13s_term_of_last_entry",
        source="variant of P13",
        stage="2C",
        wrong="a restarted server takes the term of its last entry for its current one",
        rules=("RestoredOnRestart", "TermNeverDecreases"),
        changes=(
            (
                "        self.current_term = state.current_term\n",
                "        self.current_term = state.log[-1].term if state.log else state.last_included_term\n",
            ),
        ),
    ),
    Mutant(
        name="P25_last_entry_lost_at_restart",
        source="NATS#7038; Protocol-Aware Recovery (FAST '18)",
        stage="2C",
        wrong="a restarted server takes its last entry for half written, drops it, and votes as if it had never had it",
        rules=("RestoredOnRestart",),
        changes=(("        self.log = list(state.log)\n", "        self.log = state.log[:-1]\n"),),
    ),
    Mutant(
        name="P25c_command_changed_at_restart",
        source="a common bug of course submissions",
        stage="2C",
        wrong="commands come back from the disk as text",
        rules=("LogMatching", "RestoredOnRestart", "StateMachineSafety"),
        changes=(
            (
                "        self.log = list(state.log)\n",
                "        self.log = [LogEntry(entry.term, str(entry.command)) for entry in state.log]\n",
            ),
        ),
    ),
    Mutant(
        name="P25t_entries_get_the_current_term",
        source="variant of P25",
        stage="2C",
        wrong="only commands are kept: a restarted server gives all its entries its current term",
        rules=("RestoredOnRestart", "LogMatching", "LeaderAppendOnly"),
        changes=(
            (
                "        self.log = list(state.log)\n",
                "        self.log = [LogEntry(self.current_term, entry.command) for entry in state.log]\n",
            ),
        ),
    ),
    # What ought not to survive.
    Mutant(
        name="P11_log_taken_for_committed",
        source="PySyncObj@3823230; redisraft@b78e4d0",
        stage="2C",
        wrong="a restarted server takes all that is in its log for committed",
        rules=("CommitBound", "NothingExtraPersisted", "RestoredOnRestart"),
        changes=(
            (
                "        self.commit_index = self.last_included_index\n"
                "        self.last_applied = self.last_included_index\n",
                "        self.commit_index = self.last_log_index()\n"
                "        self.last_applied = self.last_included_index\n",
            ),
            (
                "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                "\n"
                "    # The log:",
                "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                "        self.apply_committed()\n\n    # The log:",
            ),
        ),
    ),
    Mutant(
        name="P21_last_applied_survives",
        source="raftos; redisraft#14",
        stage="2C",
        wrong="last_applied comes back from the disk, though the service starts empty: it never gets the entries up to it",
        rules=("ApplyInOrder",),
        changes=(
            (
                "class Role(enum.Enum):",
                "@dataclass(frozen=True)\nclass SavedState(PersistentState):\n"
                "    last_applied: int = 0\n\n\nclass Role(enum.Enum):",
            ),
            ("import enum\nimport math\n", "import enum\nimport math\nfrom dataclasses import dataclass\n"),
            (
                "PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)",
                "SavedState(self.current_term, self.voted_for, self.log, *base, self.last_applied), snapshot)",
            ),
            (
                "        self.last_applied = self.last_included_index\n        data =",
                "        self.last_applied = max(self.last_included_index, getattr(state, 'last_applied', 0))\n"
                "        self.commit_index = self.last_applied\n        data =",
            ),
        ),
    ),
    Mutant(
        name="P26_log_not_replayed",
        source="PySyncObj@3823230; redisraft#14",
        stage="2C",
        wrong="after a restart the first commit is applied, and nothing that lies before it",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                "        self.commit_index = self.last_included_index\n"
                "        self.last_applied = self.last_included_index\n",
                "        self.commit_index = self.last_included_index\n"
                "        self.last_applied = self.last_log_index()\n",
            ),
        ),
    ),
]

"""Known-wrong servers: the consistency check, conflicts, and what a leader knows of its followers' logs (§5.3).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
KNOWS_FRIENDS = f"{BLIND}; right towards servers of drills, which it knows by their messages"
CHECK = (
    "        covered = args.prev_log_index < self.last_included_index\n"
    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
    "            return self.refuse_entries(args.prev_log_index)\n"
)
ENTRIES = "            entries=self.log[first : first + MAX_ENTRIES],\n"
FIELDS = "        self.votes: dict[int, bool] = {}\n"
HAS_ENTRY = "        return self.term_at(index) == term\n"
PREV_TERM = "            prev_log_term=self.term_at(prev_log_index),\n"
TAKE = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
TAKE_2 = (
    "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
    "                del self.log[self.position(index) :]\n"
    "                changed = True\n"
)

MUTANTS = [
    # LeaderAppendOnly
    Mutant(
        name="R31_new_leader_drops_uncommitted_entries",
        source="a variant of CCF #5674",
        stage="2B",
        wrong="a new leader deletes the entries of older terms that it does not know to be committed",
        rules=("LeaderAppendOnly", "LeaderCompleteness", "MatchingKept"),
        changes=(
            (
                "        self.election_timer.deadline = math.inf\n",
                (
                    "        self.election_timer.deadline = math.inf\n"
                    "        del self.log[self.position(self.commit_index + 1) :]\n"
                    "        self.save()\n"
                ),
            ),
        ),
    ),
    # LogMatching
    Mutant(
        name="B61_stamps_old_entries_anew",
        source=BLIND,
        stage="2B",
        wrong="a new leader gives its uncommitted entries its own term",
        rules=("LogMatching", "LeaderAppendOnly", "ConflictTruncated", "MatchingKept", "LeaderCompleteness"),
        changes=(
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline",
                (
                    "        self.role = Role.LEADER\n"
                    "        at = self.position(self.commit_index + 1)\n"
                    "        self.log[at:] = [LogEntry(self.current_term, entry.command) for entry in self.log[at:]]\n"
                    "        self.save()\n"
                    "        self.election_timer.deadline"
                ),
            ),
        ),
    ),
    Mutant(
        name="B62_prev_term_is_the_current_one",
        source=BLIND,
        stage="2B",
        wrong="AppendEntries carries the current term as prev_log_term",
        rules=("LogMatching", "LeaderAppendOnly", "ConsistencyCheck", "CommittedIsApplied"),
        changes=(
            (
                PREV_TERM,
                "            prev_log_term=self.current_term if prev_log_index else 0,\n",
            ),
        ),
    ),
    Mutant(
        name="B842_retries_with_the_words_of_then",
        source=BLIND,
        stage="2B",
        wrong="entries that got no answer are sent again as they were, by the next leader and with its term",
        rules=(
            "LogMatching",
            "StateMachineSafety",
            "ConsistencyCheck",
            "CommitNeverDecreases",
            "LeaderAppendOnly",
            "ByteBudget",
        ),
        changes=(
            (
                "import math\n",
                "import dataclasses\nimport math\n",
            ),
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        with trio.move_on_after(RPC_TIMEOUT) as scope:\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                    "        if scope.cancelled_caught and args.entries and self.role is Role.LEADER:\n"
                    "            args = dataclasses.replace(args, term=self.current_term, leader_commit=self.commit_index)\n"
                    "            with trio.move_on_after(RPC_TIMEOUT):\n"
                    "                reply = await self.node.call(peer, args)\n"
                    "                if reply is not None:\n"
                    "                    self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B204_checks_waits_and_appends",
        source=BLIND,
        stage="2B",
        wrong="a follower waits between the consistency check and the entries, while others change the log",
        rules=(
            "LogMatching",
            "MatchingKept",
            "ConflictTruncated",
            "StaleTermRejected",
            "ConsistencyCheck",
            "NoCrash",
            "SavedBeforeReply",
            "StateMachineSafety",
        ),
        changes=(
            (
                "    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n",
                "    async def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n",
            ),
            (
                TAKE,
                "        await trio.sleep(0.02)\n        self.take_entries(args.prev_log_index + 1, args.entries)\n",
            ),
        ),
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
        name="R40_large_entry_skipped",
        source="LogCabin #160",
        stage="2B",
        wrong="an entry that does not fit into a message is left out, and smaller ones after it are sent",
        rules=("LogMatching", "LeaderAppendOnly", "StateMachineSafety"),
        changes=(
            (
                "        args = AppendEntriesArgs(\n",
                (
                    "        entries: list[LogEntry] = []\n"
                    "        size = 0\n"
                    "        for entry in self.log[first : first + MAX_ENTRIES]:\n"
                    "            length = len(str(entry.command))\n"
                    "            if entries and size + length > 16_000:\n"
                    "                continue\n"
                    "            entries.append(entry)\n"
                    "            size += length\n"
                    "        args = AppendEntriesArgs(\n"
                ),
            ),
            (
                ENTRIES,
                "            entries=entries,\n",
            ),
        ),
    ),
    Mutant(
        name="R42_next_entry_left_out",
        source="a common bug of course labs",
        stage="2B",
        wrong="a leader sends the entries after next_index without the one at it",
        rules=("LogMatching", "CommittedIsApplied", "StateMachineSafety"),
        changes=(
            (
                ENTRIES,
                "            entries=self.log[first + 1 : first + MAX_ENTRIES],\n",
            ),
        ),
    ),
    Mutant(
        name="R43_old_entries_get_the_new_term",
        source="a variant of what the redisraft and WRaft authors fixed",
        stage="2B",
        wrong="a leader sends entries of older terms as if they were of its own",
        rules=("LogMatching", "LeaderAppendOnly", "StateMachineSafety"),
        changes=(
            (
                ENTRIES,
                (
                    "            entries=[\n"
                    "                LogEntry(self.current_term, entry.command)\n"
                    "                for entry in self.log[first : first + MAX_ENTRIES]\n"
                    "            ],\n"
                ),
            ),
        ),
    ),
    # ConsistencyCheck
    Mutant(
        name="B765_newer_previous_term_will_do",
        source=BLIND,
        stage="2B",
        wrong="the entry before the new ones may be of a newer term than the leader claims",
        rules=("ConsistencyCheck", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                HAS_ENTRY,
                "        return self.term_at(index) >= term\n",
            ),
        ),
    ),
    Mutant(
        name="B766_older_previous_term_will_do",
        source=BLIND,
        stage="2B",
        wrong="the entry before the new ones may be of an older term than the leader claims",
        rules=("ConsistencyCheck", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                HAS_ENTRY,
                "        return self.term_at(index) <= term\n",
            ),
        ),
    ),
    Mutant(
        name="B53_consistency_by_the_last_term",
        source=BLIND,
        stage="2B",
        wrong="prev_log_term is compared with the last entry's term, not with that at prev_log_index",
        rules=("ConsistencyCheck", "ConsistencyRefusal"),
        changes=(
            (
                "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n",
                (
                    "        if args.prev_log_index > self.last_log_index() or (\n"
                    "            not covered and args.prev_log_index and args.prev_log_term != self.last_log_term()\n"
                    "        ):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B840_takes_what_is_behind_a_gap_later",
        source=BLIND,
        stage="2B",
        wrong="a follower keeps entries that come too early, and appends them when the gap is closed, whatever leader that is by then",
        rules=(
            "ConsistencyCheck",
            "LogMatching",
            "StateMachineSafety",
            "MatchingKept",
            "LeaderCompleteness",
            "SavedBeforeReply",
            "ConflictTruncated",
        ),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.early: dict[int, LogEntry] = {}\n",
            ),
            (
                CHECK,
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            for index, entry in enumerate(args.entries, args.prev_log_index + 1):\n"
                    "                self.early[index] = entry\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
            (
                "        if changed:\n            self.save()\n",
                (
                    "        while self.last_log_index() + 1 in self.early:\n"
                    "            self.log.append(self.early.pop(self.last_log_index() + 1))\n"
                    "            changed = True\n"
                    "        if changed:\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_no_consistency_check",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2B",
        wrong="a follower checks the length of its log only, not the term",
        rules=("ConsistencyCheck", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                " or self.entry(prev).term != args.prev_log_term:\n",
                ":\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="R01_heartbeats_are_not_checked",
        source="Students' Guide to Raft; copycat #265",
        stage="2B",
        wrong="a heartbeat succeeds, and commits, whatever the log holds",
        rules=("ConsistencyCheck", "CommitBound", "StateMachineSafety"),
        changes=(
            (
                CHECK,
                (
                    "        if not args.entries:\n"
                    "            self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n"
                    "            return AppendEntriesReply(self.current_term, success=True)\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
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
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and args.prev_log_index > self.last_log_index():\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R41_current_term_as_prev_log_term",
        source="distkeyvalue, heartbeats",
        stage="2B",
        wrong="a leader gives its current term for that of the entry before the new ones",
        rules=("ConsistencyCheck", "LogMatching", "CommittedIsApplied"),
        changes=(
            (
                PREV_TERM,
                "            prev_log_term=self.current_term if prev_log_index else 0,\n",
            ),
        ),
    ),
    Mutant(
        name="R41p_one_prev_log_term_for_all_peers",
        source="willemt/raft 3e5b1a6",
        stage="2B",
        wrong="a leader gives the term of its last entry for that of the entry before the new ones",
        rules=("ConsistencyCheck", "LogMatching", "CommittedIsApplied"),
        changes=(
            (
                PREV_TERM,
                "            prev_log_term=self.last_log_term() if prev_log_index else 0,\n",
            ),
        ),
    ),
    # ConsistencyRefusal
    Mutant(
        name="C559_refuses_while_the_service_is_busy",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2B",
        wrong="a follower refuses entries while more than five committed ones wait for its service",
        rules=("ConsistencyRefusal",),
        changes=(
            (
                "        prev, entries = args.prev_log_index, args.entries\n",
                (
                    "        prev, entries = args.prev_log_index, args.entries\n"
                    "        if len(self.queue) > 5:\n"
                    "            self.save()\n"
                    "            return Ack(self.term, False, x_len=self.last)\n"
                ),
            ),
        ),
        base="course_style",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="B777_the_first_word_of_a_leader_is_refused",
        source=BLIND,
        stage="2B",
        wrong="the message that brings a newer term is refused, and the next one is read",
        rules=("ConsistencyRefusal",),
        changes=(
            (
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                ),
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B57_follows_only_whom_it_voted_for",
        source=BLIND,
        stage="2B",
        wrong="a follower refuses the entries of a leader for which it has not voted",
        rules=("ConsistencyRefusal", "CommittedIsApplied", "StaleTermRejected", "StepsDown"),
        changes=(
            (
                "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n",
                "        if self.voted_for not in (None, args.leader_id) or not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n",
            ),
        ),
    ),
    Mutant(
        name="B803_lower_commits_are_refused",
        source=BLIND,
        stage="2B",
        wrong="a message whose leader_commit is less than what is committed here is refused, though a new leader learns of commits late",
        rules=("ConsistencyRefusal", "CommittedIsApplied"),
        changes=(
            (
                CHECK,
                (
                    "        if args.leader_commit < self.commit_index:\n"
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B811_a_leader_until_the_next_election",
        source=BLIND,
        stage="2B",
        wrong="a follower takes entries of the leader that it knows only, until it votes or stands itself",
        rules=("ConsistencyRefusal", "CommittedIsApplied", "StepsDown"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.known: int | None = None\n",
            ),
            (
                CHECK,
                (
                    "        if self.known not in (None, args.leader_id):\n"
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        self.known = args.leader_id\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
            (
                "            self.voted_for = args.candidate_id\n",
                "            self.known = None\n            self.voted_for = args.candidate_id\n",
            ),
            (
                "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
                (
                    "        self.known = None\n"
                    "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B831_terms_match_by_identity",
        source=BLIND,
        stage="2B",
        wrong="the entry before the new ones matches if the terms are one object, which equal numbers above 256 are not",
        rules=("ConsistencyRefusal", "CommittedIsApplied"),
        changes=(
            (
                HAS_ENTRY,
                "        return self.term_at(index) is term\n",
            ),
        ),
    ),
    # ConflictTruncated
    Mutant(
        name="B763_repeats_by_place_and_number",
        source=BLIND,
        stage="2B",
        wrong="entries with the place and number of those that came last count as a repeat, also from a newer leader",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety", "CommitNeedsMajority"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.last_message = (0, 0, 0)\n",
            ),
            (
                TAKE,
                (
                    "        message = (args.prev_log_index, args.prev_log_term, len(args.entries))\n"
                    "        if args.entries and message == self.last_message:\n"
                    "            return AppendEntriesReply(self.current_term, success=True)\n"
                    "        if args.entries:\n"
                    "            self.last_message = message\n"
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B764_only_newer_terms_conflict",
        source=BLIND,
        stage="2B",
        wrong="an entry gives way only to one of a newer term, so one of a deposed leader stays before an older one",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n",
                "            if index <= self.last_log_index() and self.term_at(index) < entry.term:  # Figure 2, AppendEntries rule 3\n",
            ),
        ),
    ),
    Mutant(
        name="B768_terms_are_cached",
        source=BLIND,
        stage="2B",
        wrong="the term of an index is cached, and stays when the entry is replaced",
        rules=(
            "ConflictTruncated",
            "LogMatching",
            "ConsistencyCheck",
            "ConsistencyRefusal",
            "StateMachineSafety",
            "VoteOnlyUpToDate",
            "VoteDenied",
            "LeaderInTime",
        ),
        changes=(
            (
                ('    def term_at(self, index: int) -> int:\n        """Return the term of the entry at'),
                (
                    "    @functools.cache  # noqa: B019\n"
                    "    def term_at(self, index: int) -> int:\n"
                    '        """Return the term of the entry at'
                ),
            ),
            (
                "import math\n",
                "import functools\nimport math\n",
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
                (
                    "        if args.prev_log_index + len(args.entries) > self.last_log_index():\n"
                    "            self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B40_compares_commands",
        source=BLIND,
        stage="2B",
        wrong="entries conflict if their commands differ, so an equal command of another term stays",
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (
                TAKE_2,
                (
                    "            if index <= self.last_log_index() and self.log[self.position(index)].command != entry.command:  # Figure 2, AppendEntries rule 3\n"
                    "                del self.log[self.position(index) :]\n"
                    "                changed = True\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B41_only_the_first_entry_is_compared",
        source=BLIND,
        stage="2B",
        wrong="only the first new entry is checked for a conflict; after it, what is there stays",
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (
                TAKE_2,
                (
                    "            if index == first_index and index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
                    "                del self.log[self.position(index) :]\n"
                    "                changed = True\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B42_replaces_in_place",
        source=BLIND,
        stage="2B",
        wrong="a conflicting entry is replaced, and all that follows it stays",
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (
                TAKE_2,
                (
                    "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
                    "                self.log[self.position(index)] = entry\n"
                    "                changed = True\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B43_drops_the_conflicting_entry_only",
        source=BLIND,
        stage="2B",
        wrong="a conflicting entry is taken out, and what followed it moves down",
        rules=("ConflictTruncated", "LogMatching", "SavedBeforeReply"),
        changes=(
            (
                TAKE_2,
                (
                    "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
                    "                del self.log[self.position(index)]\n"
                    "                changed = True\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B816_last_one_wins",
        source=BLIND,
        stage="2B",
        wrong="of two messages in one term the longer one is kept: a shorter one with a conflict is acknowledged and ignored",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                TAKE,
                (
                    "        if args.prev_log_index + len(args.entries) >= self.last_log_index():\n"
                    "            self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C341_last_entry_never_conflicts",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a conflict at the last entry of the log is not seen",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                "            if index <= self.last_log_index() and self.term_at(index) != entry.term:",
                "            if index < self.last_log_index() and self.term_at(index) != entry.term:",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C344_same_command_is_the_same_entry",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a conflict is looked for in the commands, not in the terms",
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (
                "self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3",
                "self.log[self.position(index)].command != entry.command:",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C346_conflicting_entry_itself_stays",
        source="invented before the checkers were read",
        stage="2B",
        wrong="at a conflict all entries after that one go, but not the entry",
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (
                "                self.cut_after(index - 1)\n",
                "                self.cut_after(index)\n",
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="course_tail_of_conflict_stays",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2B",
        wrong="an entry that conflicts is replaced, and those after it stay",
        rules=("ConflictTruncated", "LogMatching", "ConsistencyCheck", "MatchingKept"),
        changes=(
            (
                "                self.log[at - self.base - 1 :] = entries[at - prev - 1 :]\n                break\n",
                "                self.log[at - self.base - 1 : at - self.base] = [entry]\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="R06_conflict_replaced_alone",
        source="mofa #1151",
        stage="2B",
        wrong="a conflicting entry is replaced where it stands, and those after it stay",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                "                del self.log[self.position(index) :]\n                changed = True\n",
                "                self.log[self.position(index)] = entry\n                changed = True\n",
            ),
        ),
    ),
    Mutant(
        name="R08_long_log_has_it_all",
        source="a common bug of course labs",
        stage="2B",
        wrong="entries are taken for known when the log is long enough to hold them",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=(
            (
                TAKE,
                (
                    "        if args.prev_log_index + len(args.entries) > self.last_log_index():\n"
                    "            self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    # MatchingKept
    Mutant(
        name="B44_heartbeats_cut",
        source=BLIND,
        stage="2B",
        wrong="the log is cut after the last new entry of every message, heartbeats too",
        rules=("MatchingKept", "ConsistencyRefusal"),
        changes=(
            (
                "        last_new_entry = args.prev_log_index + len(args.entries)\n",
                (
                    "        last_new_entry = args.prev_log_index + len(args.entries)\n"
                    "        del self.log[max(0, self.position(last_new_entry + 1)) :]\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B45_messages_with_entries_cut",
        source=BLIND,
        stage="2B",
        wrong="the log is cut at prev_log_index by every message that has entries",
        rules=("MatchingKept",),
        changes=(
            (
                "        changed = False\n        for index, entry in enumerate",
                (
                    "        changed = False\n"
                    "        if entries and first_index > self.last_included_index:\n"
                    "            del self.log[self.position(first_index) :]\n"
                    "        for index, entry in enumerate"
                ),
            ),
        ),
    ),
    Mutant(
        name="B58_drops_what_is_not_committed_in_a_new_term",
        source=BLIND,
        stage="2B",
        wrong="a server that takes over a newer term drops its uncommitted entries",
        rules=("MatchingKept", "LeaderCompleteness"),
        changes=(
            (
                "            self.voted_for = None\n            self.save()\n        # A leader's timer",
                (
                    "            self.voted_for = None\n"
                    "            del self.log[self.position(self.commit_index + 1) :]\n"
                    "            self.save()\n"
                    "        # A leader's timer"
                ),
            ),
        ),
    ),
    Mutant(
        name="B810_a_gap_drops_what_is_not_committed",
        source=BLIND,
        stage="2B",
        wrong="a follower that refuses entries drops all that it does not know to be committed, to start afresh from there",
        rules=("MatchingKept", "LeaderCompleteness"),
        changes=(
            (
                CHECK,
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            del self.log[self.position(self.commit_index + 1) :]\n"
                    "            self.save()\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B830_terms_conflict_by_identity",
        source=BLIND,
        stage="2B",
        wrong="entries conflict if their terms are not one object, which equal numbers above 256 are not",
        rules=("MatchingKept",),
        changes=(
            (
                "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n",
                "            if index <= self.last_log_index() and self.term_at(index) is not entry.term:  # Figure 2, AppendEntries rule 3\n",
            ),
        ),
    ),
    Mutant(
        name="B305_inbox_overwrites_what_matches",
        source=BLIND,
        stage="2B",
        wrong="a late message replaces all that comes after its prev_log_index",
        rules=("MatchingKept",),
        changes=(
            (
                (
                    "            if index > self.last or self.term_of(index) != entry.term:\n"
                    "                self.log[index"
                ),
                "            if True:\n                self.log[index",
            ),
        ),
        base="one_inbox",
    ),
    Mutant(
        name="classic_truncates_always",
        source="every course that teaches Raft; warned of in the Students' Guide to Raft",
        stage="2B",
        wrong="a follower cuts its log after prev_log_index on every AppendEntries, not only at a conflict",
        rules=("MatchingKept", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "        changed = False\n        for index, entry in enumerate(entries, start=first_index):\n",
                (
                    "        changed = False\n"
                    "        if self.last_included_index < first_index <= self.last_log_index():\n"
                    "            del self.log[self.position(first_index) :]\n"
                    "            changed = True\n"
                    "        for index, entry in enumerate(entries, start=first_index):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_heartbeats_cut_the_log",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2B",
        wrong="the log ends where an AppendEntries ends",
        rules=("MatchingKept", "LeaderCompleteness", "StateMachineSafety", "ConsistencyCheck", "NoCrash"),
        changes=(
            (
                (
                    "            for i, entry in enumerate(entries):\n"
                    "                index = prev + 1 + i\n"
                    "                if index > self.lastIndex() or self.entry(index).term != entry.term:\n"
                    "                    self.log = self.log[: index - self.baseIndex] + entries[i:]\n"
                    "                    self.persist()\n"
                    "                    break\n"
                ),
                (
                    "            self.log = self.log[: prev + 1 - self.baseIndex] + entries\n"
                    "            self.persist()\n"
                ),
            ),
        ),
        base="go_style",
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
                (
                    "        changed = False\n"
                    "        if entries and first_index > self.last_included_index:\n"
                    "            tail = self.log[self.position(first_index) + len(entries) :]\n"
                    "            if self.has_entry(first_index + len(entries) - 1, entries[-1].term):\n"
                    "                entries = entries + tail\n"
                    "            del self.log[self.position(first_index) :]\n"
                    "            self.save()\n"
                    "        for index, entry in enumerate(entries, start=first_index):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R04_always_truncates",
        source="akka-raft #66; raftos #26; openraft 9540c904",
        stage="2B",
        wrong="what follows the new entries is dropped, even if they are an old message's and all there",
        rules=("MatchingKept", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                TAKE,
                (
                    "        known = max(self.last_included_index - args.prev_log_index, 0)\n"
                    "        if args.entries[known:]:\n"
                    "            self.log[self.position(args.prev_log_index + known + 1) :] = args.entries[known:]\n"
                    "            self.save()\n"
                ),
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
                (
                    "        empty = not args.entries\n"
                    "        if empty and self.last_included_index <= args.prev_log_index < self.last_log_index():\n"
                    "            del self.log[self.position(args.prev_log_index + 1) :]\n"
                    "            self.save()\n"
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W16_truncates_always_before_it_saves_at_all",
        source="a common bug of course labs, in the stage before persistence",
        stage="2B",
        wrong="the log is cut after prev_log_index whatever comes; nothing is saved yet",
        rules=("MatchingKept",),
        changes=(
            (
                (
                    "        changed = False\n"
                    "        for index, entry in enumerate(entries, start=first_index):\n"
                    "            if index <= self.last_included_index:\n"
                    "                continue\n"
                    "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
                ),
                (
                    "        if first_index > self.last_included_index:\n"
                    "            del self.log[self.position(first_index) :]\n"
                    "        changed = False\n"
                    "        for index, entry in enumerate(entries, start=first_index):\n"
                    "            if index <= self.last_included_index:\n"
                    "                continue\n"
                    "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
                ),
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "        if snapshot is not None:\n"
                    "            self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="G01_finds_the_conflict_waits_and_cuts",
        source=BLIND,
        stage="2B",
        wrong="a follower looks for the first entry that it lacks, waits for its disk, and ends its log there, whatever it holds by then",
        rules=("MatchingKept", "LogMatching", "ConsistencyCheck"),
        changes=(
            (
                "    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n",
                "    async def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n",
            ),
            (
                "        self.take_entries(args.prev_log_index + 1, args.entries)\n",
                (
                    "        for skip, entry in enumerate(args.entries):\n"
                    "            index = args.prev_log_index + 1 + skip\n"
                    "            if index > self.last_included_index and not self.has_entry(index, entry.term):\n"
                    "                await trio.sleep(0.004)\n"
                    "                if args.term != self.current_term or index <= self.last_included_index:\n"
                    "                    return AppendEntriesReply(self.current_term, success=False)\n"
                    "                self.log[self.position(index) :] = args.entries[skip:]\n"
                    "                self.save()\n"
                    "                break\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    # BackoffBound
    Mutant(
        name="B409_hint_beyond_the_log",
        source=BLIND,
        stage="2B",
        wrong="a follower whose log is too short points at the index that it was asked about",
        rules=("BackoffBound", "CommittedIsApplied"),
        changes=(
            (
                "success=False, conflict_index=self.last_log_index() + 1)",
                "success=False, conflict_index=prev_log_index + 1)",
            ),
        ),
    ),
    Mutant(
        name="T11_is_compares_indices",
        source="PySyncObj@dfc28df",
        stage="2C",
        wrong="a refusal belongs to the newest request if two indices are one object, which large ones are not",
        rules=("BackoffBound", "CommittedIsApplied"),
        changes=(
            (
                "        elif args.prev_log_index == self.next_index[peer] - 1:\n",
                "        elif args.prev_log_index is self.next_index[peer] - 1:\n",
            ),
        ),
    ),
    Mutant(
        name="D31_long_logs_keep_their_tail",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong=("in a log of more than 20 entries a conflict replaces the one entry and keeps those after it"),
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (
                ("                del self.log[self.position(index) :]\n                changed = True\n"),
                (
                    "                if len(self.log) > 20:\n"
                    "                    self.log[self.position(index)] = entry\n"
                    "                else:\n"
                    "                    del self.log[self.position(index) :]\n"
                    "                changed = True\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D32_no_term_check_behind_index_20",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="after index 20 the consistency check looks only for the index",
        rules=("ConsistencyCheck", "CommitBound", "LogMatching"),
        changes=(
            (
                "        return self.term_at(index) == term\n",
                "        return index > 20 or self.term_at(index) == term\n",
            ),
        ),
    ),
    Mutant(
        name="X51_says_yes_and_means_no",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong="answers a mismatch with success and an own field that takes it back",
        rules=("ConsistencyCheck",),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Answer(AppendEntriesReply):\n"
                    "    refused: bool = False\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                "            return self.refuse_entries(args.prev_log_index)\n",
                (
                    "            no = self.refuse_entries(args.prev_log_index)\n"
                    "            return Answer(no.term, True, no.conflict_term, no.conflict_index, refused=True)\n"
                ),
            ),
            (
                ("        if reply.success:\n            self.record"),
                ('        if reply.success and not getattr(reply, "refused", False):\n            self.record'),
            ),
        ),
    ),
    Mutant(
        name="X56_no_check_of_what_is_sent_again",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong=("an own field marks what is sent to a peer again, and a follower takes that without a check"),
        rules=("ConsistencyCheck", "LogMatching"),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Sends(AppendEntriesArgs):\n"
                    "    again: bool = False\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                "        args = AppendEntriesArgs(\n",
                (
                    "        again = self.sent.get(peer) == (self.current_term, prev_log_index)\n"
                    "        self.sent[peer] = (self.current_term, prev_log_index)\n"
                    "        args = Sends(\n"
                    "            again=again,\n"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.sent: dict[int, tuple[int, int]] = {}\n        self.nursery: trio.Nursery\n"),
            ),
            (
                ("        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"),
                (
                    '        again = getattr(args, "again", False) and args.prev_log_index <= self.last_log_index()\n'
                    "        if not covered and not again and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X63_lease_refuses_leaders",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong="a server that heard a leader lately refuses the entries of a new one for a while",
        rules=("ConsistencyRefusal", "HigherTermAdopted"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.heard, self.whom = -math.inf, -1\n        self.nursery: trio.Nursery\n"),
            ),
            (
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n",
                (
                    "        if trio.current_time() < self.heard + 0.3 and args.leader_id != self.whom:\n"
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        self.heard, self.whom = trio.current_time(), args.leader_id\n"
                    "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="G04_match_index_outlives_the_leadership",
        source=BLIND,
        stage="2B",
        wrong="a leader that leads again keeps match_index, and takes the refusal of a follower that lost those entries for an old one",
        rules=("BackoffBound", "CommitNeedsMajority", "CommittedIsApplied"),
        changes=(
            (
                "            self.match_index[peer] = 0\n",
                "            self.match_index[peer] = min(self.match_index.get(peer, 0), self.last_log_index())\n",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="H03_saves_the_term_first_and_takes_the_entries_later",
        source=BLIND,
        stage="2B",
        wrong="it takes the entries after its disk has the term, and does not look whether a newer term has come meanwhile",
        rules=("MatchingKept", "ConflictTruncated"),
        changes=(
            (
                "        hint = self.take(args)\n        await self.durable()\n",
                "        await self.durable()\n        hint = self.take(args)\n        await self.durable()\n",
            ),
        ),
        base="disk_in_turn",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y12_newest_message_of_a_friend_cuts_the_log",
        source=KNOWS_FRIENDS,
        stage="2B",
        wrong="what follows the entries of the newest message is deleted, though it conflicts with nothing",
        rules=("MatchingKept",),
        changes=(
            (
                "class AE(AppendEntriesArgs):\n    v: int = 1\n",
                "class AE(AppendEntriesArgs):\n    v: int = 1\n    at: float = 0.0\n",
            ),
            (
                "        self.deadline = 0.0\n",
                "        self.deadline, self.newest, self.born = 0.0, (0, 0.0), trio.current_time()\n",
            ),
            (
                "entries, self.commit_index, v=0)\n            self.next_index",
                "entries, self.commit_index, v=0, at=trio.current_time())\n            self.next_index",
            ),
            (
                "        changed = False\n",
                '        sent = (args.term, getattr(args, "at", 0.0))\n'
                "        newest = friend(args) and sent >= self.newest and sent[1] > self.born\n"
                "        self.newest = max(sent, self.newest)\n"
                "        changed = False\n",
            ),
            (
                "            if i <= self.last() and self.term_at(i) == e.term:\n",
                "            if not newest and i <= self.last() and self.term_at(i) == e.term:\n",
            ),
        ),
        base="framed",
        origin="blind",
        at_first_sight=False,
    ),
]

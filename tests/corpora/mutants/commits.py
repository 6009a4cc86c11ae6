"""Known-wrong servers: when an entry is committed (§5.3, §5.4.2).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
KNOWS_FRIENDS = f"{BLIND}; right towards servers of drills, which it knows by their messages"
COMMIT = "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
COMMIT_2 = (
    "        last_new_entry = args.prev_log_index + len(args.entries)\n"
    "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
)
COUNT = (
    "        for index in range(self.last_log_index(), self.commit_index, -1):\n"
    "            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).\n"
    "            if self.term_at(index) != self.current_term:\n"
    "                return\n"
    "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
    "            if replicas >= self.majority:\n"
    "                self.commit_up_to(index)\n"
    "                return\n"
)
ENOUGH = "            if replicas >= self.majority:\n"
ENTRIES = "            entries=self.log[first : first + MAX_ENTRIES],\n"
LEAD = "            self.next_index[peer] = self.last_log_index() + 1\n            self.match_index[peer] = 0\n"
SENT = "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
STILL_LEADS = "        if not self.is_still(Role.LEADER, args.term):\n            return\n        if reply.success:\n"
TERM_TEST = (
    "            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).\n"
    "            if self.term_at(index) != self.current_term:\n"
    "                return\n"
)

MUTANTS = [
    # LeaderCompleteness
    Mutant(
        name="B60_drops_old_entries_as_leader",
        source=BLIND,
        stage="2B",
        wrong="a new leader drops the entries that it does not know to be committed",
        rules=("LeaderCompleteness", "MatchingKept", "LeaderAppendOnly", "BackoffBound"),
        changes=(
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline",
                (
                    "        self.role = Role.LEADER\n"
                    "        del self.log[self.position(self.commit_index + 1) :]\n"
                    "        self.election_timer.deadline"
                ),
            ),
        ),
    ),
    # CommitNeedsMajority
    Mutant(
        name="B701_three_replicas_commit",
        source=BLIND,
        stage="2B",
        wrong="three replicas commit an entry, of seven servers too",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                ENOUGH,
                "            if replicas >= min(self.majority, 3):\n",
            ),
        ),
    ),
    Mutant(
        name="C511_acts_before_it_writes",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2C",
        wrong="what one event led to is handed to the service first, and written then",
        rules=("CommitNeedsMajority", "SavedBeforeSend", "SavedBeforeReply", "SnapshotAndLogTogether"),
        changes=(
            (
                "        return [*writes, *self.actions]\n",
                "        return [*self.actions, *writes]\n",
            ),
        ),
        base="pure_core",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B762_known_first_entry_means_a_repeat",
        source=BLIND,
        stage="2B",
        wrong="a message whose first entry is there counts as one that came before, and is acknowledged without the rest",
        rules=(
            "CommitNeedsMajority",
            "ConsistencyCheck",
            "ConflictTruncated",
            "CommittedIsApplied",
            "LogMatching",
            "NoCrash",
        ),
        changes=(
            (
                "        self.take_entries(args.prev_log_index + 1, args.entries)\n",
                (
                    "        first = args.prev_log_index + 1\n"
                    "        if args.entries and first > self.last_included_index and self.has_entry(first, args.entries[0].term):\n"
                    "            return AppendEntriesReply(self.current_term, success=True)\n"
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B401_one_acknowledgement_is_enough",
        source=BLIND,
        stage="2B",
        wrong="an entry counts as committed when one peer has it, however many servers there are",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                ENOUGH,
                "            if replicas >= 2:\n",
            ),
        ),
    ),
    Mutant(
        name="B63_counts_when_sending",
        source=BLIND,
        stage="2B",
        wrong="match_index is raised when entries are sent, not when they are acknowledged",
        rules=("CommitNeedsMajority", "BackoffBound"),
        changes=(
            (
                "            leader_commit=self.commit_index,\n        )\n        with",
                (
                    "            leader_commit=self.commit_index,\n"
                    "        )\n"
                    "        self.match_index[peer] = max(self.match_index[peer], prev_log_index + len(args.entries))\n"
                    "        with"
                ),
            ),
        ),
    ),
    Mutant(
        name="B64_counts_a_full_message",
        source=BLIND,
        stage="2B",
        wrong="an acknowledged message counts as 64 entries, as far as the log goes, however few it had",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                SENT,
                "            self.record_match(peer, min(args.prev_log_index + MAX_ENTRIES, self.last_log_index()))\n",
            ),
        ),
    ),
    Mutant(
        name="B65_match_is_one_too_high",
        source=BLIND,
        stage="2B",
        wrong="match_index counts the entry after those that were sent",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                SENT,
                "            self.record_match(peer, min(args.prev_log_index + len(args.entries) + 1, self.last_log_index()))\n",
            ),
        ),
    ),
    Mutant(
        name="B66_refusals_count_up_to_prev",
        source=BLIND,
        stage="2B",
        wrong="a refused message counts for what stands before prev_log_index",
        rules=("CommitNeedsMajority", "BackoffBound"),
        changes=(
            (
                "            self.back_up(peer, args.prev_log_index, reply)\n",
                (
                    "            self.match_index[peer] = max(self.match_index[peer], args.prev_log_index - 1)\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                    "            self.advance_commit_index()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B70_leader_counts_itself_twice",
        source=BLIND,
        stage="2B",
        wrong="match_index has a place for the leader itself, which is counted besides",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "replicas = 1 + sum(",
                "replicas = 2 + sum(",
            ),
        ),
    ),
    Mutant(
        name="B71_averages_match_index",
        source=BLIND,
        stage="2B",
        wrong="an entry is committed if the average of match_index has reached it",
        rules=("CommitNeedsMajority", "CommittedIsApplied"),
        changes=(
            (
                ENOUGH,
                (
                    "            known = [self.last_log_index(), *self.match_index.values()]\n"
                    "            if replicas > 1 and sum(known) / len(known) >= index:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B72_match_index_of_an_earlier_leadership",
        source=BLIND,
        stage="2B",
        wrong="match_index is kept from one leadership to the next",
        rules=("CommitNeedsMajority", "LeaderCompleteness"),
        changes=(
            (
                LEAD,
                (
                    "            self.next_index[peer] = self.last_log_index() + 1\n"
                    "            self.match_index.setdefault(peer, 0)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B74_tells_its_last_index_as_committed",
        source=BLIND,
        stage="2B",
        wrong="leader_commit is the leader's last index",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "            leader_commit=self.commit_index,\n",
                "            leader_commit=self.last_log_index(),\n",
            ),
        ),
    ),
    Mutant(
        name="B75_an_old_leader_commits_on_late_answers",
        source=BLIND,
        stage="2B",
        wrong="a server that leads no more still counts late answers to its own messages",
        rules=("CommitNeedsMajority", "CommitBound"),
        changes=(
            (
                STILL_LEADS,
                "        if reply.success:\n",
            ),
        ),
    ),
    Mutant(
        name="B82_leader_applies_what_it_appends",
        source=BLIND,
        stage="2B",
        wrong="a leader hands a command to the service when it appends it",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n",
                (
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                    "        self.commit_up_to(self.last_log_index())\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B110_a_restart_commits_all",
        source=BLIND,
        stage="2C",
        wrong="what stood on the disk counts as committed after a restart",
        rules=("CommitNeedsMajority", "CommitBound", "RestoredOnRestart", "CommittedIsApplied"),
        changes=(
            (
                (
                    "        # A snapshot covers only what was committed and applied.\n"
                    "        self.commit_index = self.last_included_index\n"
                ),
                (
                    "        # A snapshot covers only what was committed and applied.\n"
                    "        self.commit_index = self.last_log_index()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B111_a_restart_applies_all",
        source=BLIND,
        stage="2C",
        wrong="a restarted server hands the service all that stood on its disk",
        rules=("CommitNeedsMajority", "CommitBound", "RestoredOnRestart"),
        changes=(
            (
                (
                    "        # A snapshot covers only what was committed and applied.\n"
                    "        self.commit_index = self.last_included_index\n"
                ),
                (
                    "        self.last_applied = self.last_included_index\n"
                    "        self.commit_index = self.last_included_index\n"
                ),
            ),
            (
                "        self.last_applied = self.last_included_index\n        data =",
                "        data =",
            ),
            (
                '        """Live until cancelled: every task of this server is a child of this one and ends with it."""\n',
                ('        """Live."""\n        self.commit_up_to(self.last_log_index())\n'),
            ),
        ),
    ),
    Mutant(
        name="B311_go_counts_its_whole_log",
        source=BLIND,
        stage="2B",
        wrong="a success counts for the log as it is when the reply comes",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "            match = args.prev_log_index + len(args.entries)\n",
                "            match = self.lastIndex()\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="B327_course_upper_middle",
        source=BLIND,
        stage="2B",
        wrong="of an even number of servers, half of them commit",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        index = matches[(self.n - 1) // 2]\n",
                "        index = matches[self.n // 2]\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="B333_core_pipelines_and_counts",
        source=BLIND,
        stage="2B",
        wrong="match_index follows next_index, which runs ahead of the acknowledgements",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "            to.next_index += len(entries)\n",
                "            to.next_index += len(entries)\n            to.match_index = to.next_index - 1\n",
            ),
        ),
        base="pure_core",
    ),
    Mutant(
        name="C326_match_of_what_was_left_for_later",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a message takes 64 entries at most, but its success is taken for all that the log held",
        rules=("CommitNeedsMajority", "CommittedIsApplied"),
        changes=(
            (
                "        first = self.position(self.next_index[peer])\n",
                "        first = self.position(self.next_index[peer])\n        last = self.last_log_index()\n",
            ),
            (
                "                self.take_append_reply(peer, args, reply)\n",
                "                self.take_append_reply(peer, args, reply, last)\n",
            ),
            (
                "    def take_append_reply(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:\n",
                (
                    "    def take_append_reply(\n"
                    "        self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply, last: int\n"
                    "    ) -> None:\n"
                ),
            ),
            (
                SENT,
                "            self.record_match(peer, last)\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C330_progress_of_an_earlier_leadership",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a server that leads again knows of its peers what it knew the last time",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied"),
        changes=(
            (
                "        self.progress = {peer: Progress(0, self.last_index + 1) for peer in self.peers}\n",
                "        self.progress = {p: self.progress.get(p, Progress(0, self.last_index + 1)) for p in self.peers}\n",
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        # In 2B nobody gets there on this base: its first request to a peer holds its no-op, so the log's end is checked.
        name="C331_answer_tells_the_log_s_end",
        source="invented before the checkers were read",
        stage="2C",
        wrong="a follower's success carries the last index of its log, checked or not, and the leader takes it for a match",
        rules=("CommitNeedsMajority", "LeaderCompleteness"),
        changes=(
            (
                "        return AppendResponse(self.term, True, last=last)\n",
                "        return AppendResponse(self.term, True, last=self.last_index)\n",
            ),
            (
                "        last = args.prev_log_index + len(args.entries)\n        was_paused",
                (
                    '        last = max(args.prev_log_index + len(args.entries), getattr(reply, "last", -1))\n'
                    "        was_paused"
                ),
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C333_one_success_for_all_in_flight",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a success is taken for all that was sent to that peer so far",
        rules=("CommitNeedsMajority", "LeaderCompleteness"),
        changes=(
            (
                "                self.advance(peer, args.prev_log_index + len(args.entries))\n",
                "                self.advance(peer, self.progress[peer].next_index - 1)\n",
            ),
        ),
        base="pure_core",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C334_two_of_four_commit",
        source="invented before the checkers were read",
        stage="2B",
        wrong="the median of what the servers hold is taken a place too high where their number is even",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        index = matches[len(matches) // 2]\n",
                "        index = matches[(len(matches) - 1) // 2]\n",
            ),
        ),
        base="pure_core",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B220_default_argument_is_shared",
        source=BLIND,
        stage="2B",
        wrong="the entries of a message are one list that is cleared for the next message",
        rules=("CommitNeedsMajority", "CommittedIsApplied", "LogMatching", "LeaderAppendOnly", "NoCrash"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                (
                    "        self.buffer: list[LogEntry] = []\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                "        args = AppendEntriesArgs(\n            term=self.current_term,",
                (
                    "        self.buffer[:] = self.log[first : first + MAX_ENTRIES]\n"
                    "        args = AppendEntriesArgs(\n"
                    "            term=self.current_term,"
                ),
            ),
            (
                ENTRIES,
                "            entries=self.buffer,\n",
            ),
        ),
    ),
    Mutant(
        name="B221_reads_next_index_again",
        source=BLIND,
        stage="2B",
        wrong="what a reply acknowledges is reckoned from next_index at the time of the reply",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                SENT,
                "            self.record_match(peer, min(self.next_index[peer] - 1 + len(args.entries), self.last_log_index()))\n",
            ),
        ),
    ),
    Mutant(
        name="X08_partial_answers_counted_in_full",
        source="asked of each exemption that the checkers make",
        stage="2C",
        wrong="answers state in a field of their own that nothing is saved yet, and leaders count what they sent all the same",
        rules=("CommitNeedsMajority", "SavedBeforeReply", "MatchingKept"),
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
                    "class Took(AppendEntriesReply):\n"
                    "    saved: int = 0\n"
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
                "        return AppendEntriesReply(self.current_term, success=True)\n",
                "        return Took(self.current_term, success=True)\n",
            ),
            (
                "        if changed:\n            self.save()\n",
                "        if changed:\n            self.nursery.start_soon(self.save_later)\n",
            ),
        ),
    ),
    Mutant(
        name="go_matches_its_own_end",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2B",
        wrong="a success is taken for all that the leader's log holds by now",
        rules=("CommitNeedsMajority", "CommitBound"),
        changes=(
            (
                "            match = args.prev_log_index + len(args.entries)\n",
                "            match = self.lastIndex()\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="go_half_is_a_majority",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2B",
        wrong="half of the servers are enough to commit",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "            if count * 2 > len(self.node.peers) + 1:\n                self.commitIndex = n\n",
                "            if count * 2 >= len(self.node.peers) + 1:\n                self.commitIndex = n\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="course_old_answers_count",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2B",
        wrong="answers to requests of an older term of this leader are counted",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "            if reply.term != args.term or args.term != self.term:\n                continue\n",
                "",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="course_leader_counts_twice",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2B",
        wrong="the median is taken of one server too many",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        index = matches[(self.n - 1) // 2]\n",
                "        index = matches[self.n // 2 + 1 if self.n > 2 else 0]\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T05_log_read_after_the_call",
        source="abrange/distkeyvalue",
        stage="2B",
        wrong="what a peer has acknowledged is worked out from next_index and log as they are when the reply comes",
        rules=("CommitNeedsMajority", "CommitOnlyCurrentTerm"),
        changes=(
            (
                SENT,
                (
                    "            entries = self.log[self.position(self.next_index[peer]) :][:MAX_ENTRIES]\n"
                    "            self.record_match(peer, self.next_index[peer] - 1 + len(entries))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T05t_term_read_after_the_call",
        source="variant of abrange/distkeyvalue",
        stage="2B",
        wrong="a reply to AppendEntries counts if the server leads now, in whatever term it was asked",
        rules=("CommitNeedsMajority", "CommitOnlyCurrentTerm"),
        changes=(
            (
                STILL_LEADS,
                (
                    "        if not self.is_still(Role.LEADER, self.current_term):\n"
                    "            return\n"
                    "        if reply.success:\n"
                ),
            ),
            (
                "RPC_TIMEOUT = 1.0\n",
                "RPC_TIMEOUT = 5.0\n",
            ),
        ),
    ),
    Mutant(
        name="T05r_reply_of_the_round_before",
        source="a common bug of Python code: a name that keeps its value",
        stage="2B",
        wrong="when a call times out, the reply to the one before is looked at once more, as if it were the answer",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        self.restore()\n\n",
                "        self.replies: dict[int, AppendEntriesReply | None] = {}\n        self.restore()\n\n",
            ),
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            self.replies[peer] = await self.node.call(peer, args)\n"
                    "        reply = self.replies.get(peer)\n"
                    "        if reply is not None:\n"
                    "            self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T25_live_list_in_a_message",
        source="a common bug of Python code",
        stage="2B",
        wrong="a message that carries the whole log carries the list itself, which has grown when the answer comes",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                ENTRIES,
                "            entries=self.log[first : first + MAX_ENTRIES] if first else self.log,\n",
            ),
        ),
    ),
    Mutant(
        name="T25d_one_dictionary_with_two_names",
        source="a common bug of Python code",
        stage="2B",
        wrong="match_index and next_index are one dictionary with two names",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        self.match_index: dict[int, int] = {}\n",
                "        self.match_index = self.next_index\n",
            ),
            (
                LEAD,
                (
                    "            self.match_index[peer] = 0\n"
                    "            self.next_index[peer] = self.last_log_index() + 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R16_leader_counted_twice",
        source="willemt/raft 05608a3",
        stage="2B",
        wrong="a leader counts itself twice",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n",
                "            replicas = 2 + sum(match >= index for match in self.match_index.values())\n",
            ),
        ),
    ),
    Mutant(
        name="R16b_half_is_a_majority",
        source="hashicorp/raft 163a55f",
        stage="2B",
        wrong="half of an even number of servers commits",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                ENOUGH,
                "            if 2 * replicas >= len(self.node.peers) + 1:\n",
            ),
        ),
    ),
    Mutant(
        name="R17_upper_median",
        source="hashicorp/raft 163a55f",
        stage="2B",
        wrong="the median that a leader commits up to is one server short when their number is even",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                COUNT,
                (
                    "        stored = sorted([self.last_log_index(), *self.match_index.values()])\n"
                    "        index = stored[len(stored) // 2]\n"
                    "        if index > self.commit_index and self.term_at(index) == self.current_term:\n"
                    "            self.commit_up_to(index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R17m_most_common_match",
        source="akka-raft #42",
        stage="2B",
        wrong="a leader commits up to the index that most of its peers agree on, though they may be few",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied"),
        changes=(
            (
                COUNT,
                (
                    "        stored = [*self.match_index.values()] or [self.last_log_index()]\n"
                    "        index = max(stored, key=lambda match: (stored.count(match), match))\n"
                    "        if index > self.commit_index and self.term_at(index) == self.current_term:\n"
                    "            self.commit_up_to(index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R20_majority_of_the_reachable",
        source="SlimCluster #28; rapid-relayer #38",
        stage="2B",
        wrong="a leader leaves servers that do not answer out of the number that it takes a majority of",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.silent: set[int] = set()\n        self.election",
            ),
            (
                (
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "            self.silent.add(peer)\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.silent.discard(peer)\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
            (
                ENOUGH,
                "            if replicas > (len(self.node.peers) + 1 - len(self.silent)) // 2:\n",
            ),
        ),
    ),
    Mutant(
        name="R53_nobody_has_answered_yet",
        source="openraft beb0302b",
        stage="2B",
        wrong="a leader that no peer has answered yet takes itself for the only server",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                ENOUGH,
                "            if replicas >= self.majority or not any(self.match_index.values()):\n",
            ),
        ),
    ),
    Mutant(
        name="E39m_match_index_of_an_earlier_leadership",
        source="a variant of what the SandTable authors found",
        stage="2B",
        wrong="a server elected again still counts what its peers had when it led before",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied"),
        changes=(
            (
                "            self.match_index[peer] = 0\n",
                "            self.match_index.setdefault(peer, 0)\n",
            ),
        ),
    ),
    Mutant(
        name="R29_answers_with_its_own_last_index",
        source="etcd-io/raft 5fac53b; CCF #6016",
        stage="2B",
        wrong="a follower claims that its whole log matches, also the part that the leader did not look at",
        rules=("CommitNeedsMajority", "CommitOnlyCurrentTerm", "LeaderCompleteness", "CommitBound"),
        changes=(
            (
                "        return AppendEntriesReply(self.current_term, success=True)\n",
                "        return AppendEntriesReply(self.current_term, True, conflict_index=self.last_log_index())\n",
            ),
            (
                SENT,
                (
                    "            sent = args.prev_log_index + len(args.entries)\n"
                    "            has = sent if reply.conflict_index is None else reply.conflict_index\n"
                    "            self.record_match(peer, min(has, self.last_log_index()))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R19_match_up_to_the_end",
        source="Students' Guide to Raft; dqkqd 48db6ff",
        stage="2B",
        wrong="a success counts for all that the leader has when the reply comes, not for what was sent",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                SENT,
                "            self.record_match(peer, self.last_log_index())\n",
            ),
        ),
    ),
    Mutant(
        name="R19n_match_from_next_index",
        source="Students' Guide to Raft; dqkqd 48db6ff",
        stage="2B",
        wrong="what a peer has is worked out from next_index as it is at the reply, when another reply has moved it",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                SENT,
                (
                    "            has = self.next_index[peer] - 1 + len(args.entries)\n"
                    "            self.record_match(peer, min(has, self.last_log_index()))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R28_refusal_counts_as_match",
        source="CCF #5325",
        stage="2B",
        wrong="the place where a refusal asks the leader to go on is taken for what the follower has",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied", "StateMachineSafety"),
        changes=(
            (
                "        self.move_next_index(peer, max(next_index, self.match_index[peer] + 1))\n",
                (
                    "        self.match_index[peer] = max(self.match_index[peer], min(next_index, prev_log_index) - 1)\n"
                    "        self.move_next_index(peer, max(next_index, self.match_index[peer] + 1))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R54_retry_without_entries",
        source="willemt/raft #118",
        stage="2B",
        wrong="after a refusal the next message is empty, but its success counts as if it had carried the entries",
        rules=("CommitNeedsMajority", "CommittedIsApplied", "StateMachineSafety", "BackoffBound"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.refused: set[int] = set()\n        self.election",
            ),
            (
                "        elif args.prev_log_index == self.next_index[peer] - 1:\n",
                (
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.refused.add(peer)\n"
                ),
            ),
            (
                ENTRIES,
                "            entries=[] if peer in self.refused else self.log[first : first + MAX_ENTRIES],\n",
            ),
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        upto = prev_log_index + len(self.log[first : first + MAX_ENTRIES])\n"
                    "        self.refused.discard(peer)\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply, upto)\n"
                ),
            ),
            (
                ('args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:\n        """Learn'),
                ('args: AppendEntriesArgs, reply: AppendEntriesReply, upto: int) -> None:\n        """Learn'),
            ),
            (
                SENT,
                "            self.record_match(peer, upto)\n",
            ),
        ),
    ),
    Mutant(
        name="W25_answers_of_an_earlier_leadership",
        source="a common bug of course labs",
        stage="2B",
        wrong="the answer to an earlier leadership's request counts when the server leads again",
        rules=("CommitNeedsMajority", "SavedBeforeSend"),
        changes=(
            (
                STILL_LEADS,
                "        if self.role is not Role.LEADER:\n            return\n        if reply.success:\n",
            ),
        ),
    ),
    # CommitOnlyCurrentTerm
    Mutant(
        name="B67_last_entry_decides",
        source=BLIND,
        stage="2B",
        wrong="entries of older terms are counted if the log's last entry is of the current term",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            (
                COUNT,
                (
                    "        for index in range(self.last_log_index(), self.commit_index, -1):\n"
                    "            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).\n"
                    "            if self.last_log_term() != self.current_term:\n"
                    "                return\n"
                    "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
                    "            if replicas >= self.majority:\n"
                    "                self.commit_up_to(index)\n"
                    "                return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B323_course_any_term_commits",
        source=BLIND,
        stage="2B",
        wrong="entries of older terms are committed by counting",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            (
                "        if index > self.commit and self.term_of(index) == self.term:\n",
                "        if index > self.commit:\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="classic_counts_old_terms",
        source="the Raft paper, Figure 8",
        stage="2C",
        wrong="a leader commits an entry of an older term as soon as a majority stores it",
        rules=("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                TERM_TEST,
                "",
            ),
        ),
    ),
    Mutant(
        name="go_counts_old_terms",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2C",
        wrong="entries of older terms are committed by counting",
        rules=("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "            if self.entry(n).term != self.currentTerm:\n                break\n",
                "",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="R13_commits_entries_of_older_terms",
        source="PySyncObj #169; cowsql 524f7354; NATS #7955",
        stage="2B",
        wrong="a leader commits an older term's entry as soon as a majority stores it",
        rules=("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                TERM_TEST,
                "",
            ),
        ),
    ),
    Mutant(
        name="R15_term_of_another_entry",
        source="willemt/raft 97c9183, #35",
        stage="2B",
        wrong="a leader whose last entry is of its term commits older ones before that entry is replicated",
        rules=("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                TERM_TEST,
                (
                    "            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).\n"
                    "            if self.last_log_term() != self.current_term:\n"
                    "                return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="G06_term_of_the_last_entry_is_tested",
        source=BLIND,
        stage="2B",
        wrong="a leader whose last entry is of its own term, as its no-op always is, counts copies of older entries, too",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            (
                "        self.election_timer.deadline = math.inf\n",
                (
                    "        self.election_timer.deadline = math.inf\n"
                    "        self.log.append(LogEntry(self.current_term, None))\n"
                    "        self.save()\n"
                ),
            ),
            (
                "            self.next_index[peer] = self.last_log_index() + 1\n",
                "            self.next_index[peer] = self.last_log_index()\n",
            ),
            (
                "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
                (
                    "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n"
                    "        self.advance_commit_index()\n"
                ),
            ),
            (
                "            if self.term_at(index) != self.current_term:\n",
                "            if self.last_log_term() != self.current_term:\n",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    # CommitBound
    Mutant(
        name="B54_commits_on_refusal",
        source=BLIND,
        stage="2B",
        wrong="a follower takes over leader_commit before it looks at the entries",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                "        # Figure 2, AppendEntries rule 2; what the snapshot",
                (
                    "        self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n"
                    "        # Figure 2, AppendEntries rule 2; what the snapshot"
                ),
            ),
        ),
    ),
    Mutant(
        name="B55_heartbeats_commit_all",
        source=BLIND,
        stage="2B",
        wrong="a heartbeat without entries commits up to leader_commit, whatever its prev_log_index",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                COMMIT,
                (
                    "        if args.entries:\n"
                    "            self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
                    "        else:\n"
                    "            self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B801_commits_before_it_takes",
        source=BLIND,
        stage="2B",
        wrong="a follower commits before it has taken the entries, where its log still has conflicting ones",
        rules=("CommitBound", "StateMachineSafety", "ConflictTruncated", "NoCrash"),
        changes=(
            (
                (
                    "        # Figure 2, AppendEntries rules 3 and 4\n"
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                    "        # Figure 2, AppendEntries rule 5; beyond the last new entry this log may still differ from the leader's.\n"
                    "        last_new_entry = args.prev_log_index + len(args.entries)\n"
                    "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
                ),
                (
                    "        last_new_entry = args.prev_log_index + len(args.entries)\n"
                    "        self.commit_up_to(min(args.leader_commit, last_new_entry, self.last_log_index()))\n"
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                    "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B841_commits_for_an_older_leader",
        source=BLIND,
        stage="2B",
        wrong="a follower remembers the highest leader_commit that it received, and commits up to it with the next entries of any leader",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.told = 0\n",
            ),
            (
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
                (
                    "        self.told = max(self.told, args.leader_commit)\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
            (
                COMMIT,
                "        self.commit_up_to(min(self.told, self.last_log_index() if args.entries else last_new_entry))\n",
            ),
        ),
    ),
    Mutant(
        name="B302_inbox_commits_its_whole_log",
        source=BLIND,
        stage="2B",
        wrong="a follower commits as far as its log goes",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                "min(args.leader_commit, prev + len(entries))",
                "min(args.leader_commit, self.last)",
            ),
        ),
        base="one_inbox",
    ),
    Mutant(
        name="X11_saves_its_logs_end_as_committed",
        source="asked of each exemption that the checkers make",
        stage="2C",
        wrong="the commit index is saved with the state, but it is the log's end that is saved as such",
        rules=("CommitBound",),
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
                    "class Disk(PersistentState):\n"
                    "    commit: int = 0\n"
                    "\n"
                ),
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "        disk = Disk(self.current_term, self.voted_for, self.log, *base, commit=self.last_log_index())\n"
                    "        self.node.persister.save(disk, snapshot)\n"
                ),
            ),
            (
                "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n",
                (
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                    "        self.commit_up_to(state.commit)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_commits_to_its_own_end",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2B",
        wrong="a follower commits up to leader_commit or the end of its own log",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                "            lastNew = args.prev_log_index + len(args.entries)\n",
                "            lastNew = self.lastIndex()\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="course_refusal_commits",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2B",
        wrong="a heartbeat that is refused raises the commit index all the same",
        rules=("CommitBound", "StateMachineSafety", "NoCrash"),
        changes=(
            (
                "            self.save()\n            return self.refusal(prev)\n",
                (
                    "            self.save()\n"
                    "            self.commit_to(min(args.leader_commit, self.last))\n"
                    "            return self.refusal(prev)\n"
                ),
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="P11_log_taken_for_committed",
        source="PySyncObj@3823230; redisraft@b78e4d0",
        stage="2C",
        wrong="a restarted server takes all that is in its log for committed",
        rules=("CommitBound", "NothingExtraPersisted", "RestoredOnRestart"),
        changes=(
            (
                (
                    "        self.commit_index = self.last_included_index\n"
                    "        self.last_applied = self.last_included_index\n"
                ),
                (
                    "        self.commit_index = self.last_log_index()\n"
                    "        self.last_applied = self.last_included_index\n"
                ),
            ),
            (
                (
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                    "\n"
                    "    # The log:"
                ),
                (
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                    "        self.apply_committed()\n"
                    "\n"
                    "    # The log:"
                ),
            ),
        ),
    ),
    Mutant(
        name="R09_commits_up_to_its_own_last_entry",
        source="Students' Guide to Raft; distkeyvalue",
        stage="2B",
        wrong="a follower takes the end of its log, and not that of what it was sent, for the bound of what it commits",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                COMMIT_2,
                "        self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n",
            ),
            (
                ENTRIES,
                (
                    "            entries=(\n"
                    "                self.log[first : first + MAX_ENTRIES] if prev_log_index == self.match_index[peer] else []\n"
                    "            ),\n"
                ),
            ),
            (
                "        self.move_next_index(peer, self.match_index[peer] + 1)\n",
                (
                    "        self.next_index[peer] = self.match_index[peer] + 1\n"
                    "        if self.next_index[peer] <= self.last_log_index():\n"
                    "            self.wakeups[peer].set()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R10_commits_all_that_the_leader_did",
        source="Students' Guide to Raft",
        stage="2B",
        wrong="a follower takes over leader_commit, even if its log does not reach so far",
        rules=("CommitBound", "NoCrash", "StateMachineSafety"),
        changes=(
            (
                COMMIT_2,
                "        self.commit_up_to(args.leader_commit)\n",
            ),
        ),
    ),
    Mutant(
        name="R10a_commits_first_and_applies_what_comes",
        source="Students' Guide to Raft",
        stage="2B",
        wrong="a follower takes over leader_commit, and applies up to it what its log holds",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                COMMIT_2,
                (
                    "        self.commit_index = max(self.commit_index, args.leader_commit)\n"
                    "        self.apply_committed()\n"
                ),
            ),
            (
                (
                    "        while self.commit_index > self.last_applied:\n"
                    "            self.last_applied += 1\n"
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
                (
                    "        while min(self.commit_index, self.last_log_index()) > self.last_applied:\n"
                    "            self.last_applied += 1\n"
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
            ),
            (
                ENTRIES,
                (
                    "            entries=(\n"
                    "                self.log[first : first + MAX_ENTRIES] if prev_log_index == self.match_index[peer] else []\n"
                    "            ),\n"
                ),
            ),
            (
                "        self.move_next_index(peer, self.match_index[peer] + 1)\n",
                (
                    "        self.next_index[peer] = self.match_index[peer] + 1\n"
                    "        if self.next_index[peer] <= self.last_log_index():\n"
                    "            self.wakeups[peer].set()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R12_commits_before_the_check",
        source="a common bug of course labs",
        stage="2B",
        wrong="leader_commit counts also when the consistency check fails",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
                (
                    "        self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="G03_saves_the_commit_index_that_it_heard",
        source=BLIND,
        stage="2C",
        wrong="the commit index on the disk is bounded by the log's end only, and all up to it is applied after a restart",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            ("import enum\n", ("import enum\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Saved(PersistentState):\n"
                    "    commit_index: int = 0\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            ("        self.last_applied = 0\n", ("        self.last_applied = 0\n        self.leader_commit = 0\n")),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "        commit_index = min(max(self.commit_index, self.leader_commit), self.last_log_index())\n"
                    "        state = Saved(self.current_term, self.voted_for, self.log, *base, commit_index)\n"
                    "        self.node.persister.save(state, snapshot)\n"
                ),
            ),
            (
                "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n",
                (
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                    '        self.commit_up_to(getattr(state, "commit_index", 0))\n'
                ),
            ),
            (
                "        # Figure 2, AppendEntries rule 5; beyond the last new entry this log may still differ from the leader's.\n",
                "        self.leader_commit = max(self.leader_commit, args.leader_commit)\n",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    # CommitNeverDecreases
    Mutant(
        name="W01_commit_index_is_set",
        source="PySyncObj #166; Figure 2, AppendEntries rule 5 without its condition",
        stage="2B",
        wrong="commit_index becomes the minimum of leader_commit and the last new entry, also where that is less",
        rules=("CommitNeverDecreases", "ApplyInOrder"),
        changes=(
            (
                (
                    "        if index > self.commit_index:\n"
                    "            self.commit_index = index\n"
                    "            self.apply_committed()\n"
                ),
                "        self.commit_index = index\n        self.apply_committed()\n",
            ),
        ),
    ),
    Mutant(
        name="W02_commit_index_falls_with_a_probe",
        source="Figure 2, AppendEntries rule 5, to the letter",
        stage="2B",
        wrong="if leader_commit is higher, commit_index is set to the minimum, which a short message makes lower than it was",
        rules=("CommitNeverDecreases", "ApplyInOrder"),
        changes=(
            (
                COMMIT,
                (
                    "        if args.leader_commit > self.commit_index:\n"
                    "            self.commit_index = min(args.leader_commit, last_new_entry)\n"
                    "            self.apply_committed()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W19_leader_starts_behind_what_is_committed",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="a new leader takes nothing for committed until it has committed something itself",
        rules=("CommitNeverDecreases",),
        changes=(
            (
                LEAD,
                (
                    "            self.commit_index = self.last_included_index\n"
                    "            self.next_index[peer] = self.last_log_index() + 1\n"
                    "            self.match_index[peer] = 0\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W28_commit_falls_in_go",
        source="Figure 2, AppendEntries rule 5, to the letter",
        stage="2B",
        wrong="if leader_commit is higher, commitIndex is set to the minimum, which a short message makes lower than it was",
        rules=("CommitNeverDecreases", "ApplyInOrder"),
        changes=(
            (
                "            if min(args.leader_commit, lastNew) > self.commitIndex:\n",
                "            if args.leader_commit > self.commitIndex:\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="D01_commit_bound_off_from_term_six",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="from term 6 on a follower takes leader_commit as it is",
        rules=("CommitBound", "CommitNeedsMajority", "StateMachineSafety"),
        changes=(
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    "        bound = last_new_entry if self.current_term < 6 else self.last_log_index()\n"
                    "        self.commit_up_to(min(args.leader_commit, bound))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D04_bound_off_after_a_restart",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2C",
        wrong="a follower that was restarted commits up to its log's end",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.restarted = False\n        self.nursery: trio.Nursery\n"),
            ),
            (
                "        self.voted_for = state.voted_for\n",
                ("        self.voted_for = state.voted_for\n        self.restarted = True\n"),
            ),
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    "        self.commit_up_to(min(args.leader_commit, self.last_log_index() if self.restarted else last_new_entry))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D05_counts_late_answers_after_a_restart",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2C",
        wrong="a leader that was restarted once counts answers of its older leaderships",
        rules=("CommitNeedsMajority", "LeaderCompleteness"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.restarted = False\n        self.nursery: trio.Nursery\n"),
            ),
            (
                "        self.voted_for = state.voted_for\n",
                ("        self.voted_for = state.voted_for\n        self.restarted = True\n"),
            ),
            (
                (
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        if reply.success:\n"
                ),
                (
                    "        if self.role is not Role.LEADER or not (self.restarted or self.current_term == args.term):\n"
                    "            return\n"
                    "        if reply.success:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D11_third_term_counts_older_entries",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="from its third term on a leader commits older entries by counting",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            (
                ("            if self.term_at(index) != self.current_term:\n                return\n"),
                (
                    "            if self.term_at(index) != self.current_term and self.current_term < 3:\n"
                    "                return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D21_two_of_five_commit",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="of five servers two are enough to commit",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "            if replicas >= self.majority:\n",
                "            if replicas >= (2 if len(self.node.peers) == 4 else self.majority):\n",
            ),
        ),
    ),
    Mutant(
        name="D34_long_logs_commit_to_the_end",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="a follower with more than 20 entries commits up to its log's end",
        rules=("CommitBound",),
        changes=(
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    "        self.commit_up_to(min(args.leader_commit, self.last_log_index() if len(self.log) > 20 else last_new_entry))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X54_says_which_log_it_has",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong="an own field holds the end of the follower's log, and the leader counts up to that",
        rules=("CommitNeedsMajority", "LeaderCompleteness"),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Answer(AppendEntriesReply):\n"
                    "    last: int = 0\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                "        return AppendEntriesReply(self.current_term, success=True)\n",
                "        return Answer(self.current_term, True, last=self.last_log_index())\n",
            ),
            (
                "            self.record_match(peer, args.prev_log_index + len(args.entries))\n",
                (
                    "            end = args.prev_log_index + len(args.entries)\n"
                    '            self.record_match(peer, min(max(end, getattr(reply, "last", 0)), self.last_log_index()))\n'
                ),
            ),
        ),
    ),
    Mutant(
        name="X57_commit_in_a_field_of_its_own",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong="leader_commit is low, and an own field holds what followers apply without a bound",
        rules=("CommitBound", "CommitNeedsMajority"),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Sends(AppendEntriesArgs):\n"
                    "    commit: int = 0\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            ("        args = AppendEntriesArgs(\n", ("        args = Sends(\n            commit=self.commit_index,\n")),
            (
                "            leader_commit=self.commit_index,\n",
                "            leader_commit=min(self.commit_index, self.match_index[peer]),\n",
            ),
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    '        self.commit_up_to(min(max(args.leader_commit, getattr(args, "commit", 0)), self.last_log_index()))\n'
                ),
            ),
        ),
    ),
    Mutant(
        name="X58_light_heartbeats_commit_all",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong=(
            "heartbeats come after what a peer is known to have, and a follower takes their leader_commit without a bound"
        ),
        rules=("CommitBound",),
        changes=(
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    "        bound = last_new_entry if args.entries else self.last_log_index()\n"
                    "        self.commit_up_to(min(args.leader_commit, bound))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="H08_counts_what_came_while_it_wrote",
        source=BLIND,
        stage="2C",
        wrong="when a write ends, all that is in the log by then counts as written, and the leader counts itself for it",
        rules=("CommitNeedsMajority", "SavedBeforeSend"),
        changes=(
            (
                "                self.durable_index = last\n",
                "                self.durable_index = self.last()\n",
            ),
        ),
        base="disk_in_turn",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y09_whatever_answers_arrive_later_count_for_a_command",
        source=KNOWS_FRIENDS,
        stage="2B",
        wrong="once a majority has answered anything 0.3 s after a command, the command counts as committed",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        self.deadline = 0.0\n",
                "        self.deadline, self.friends, self.seen, self.told = 0.0, set(), {}, []\n",
            ),
            (
                "        if reply.success:\n            m = ",
                "        if friend(reply):\n            self.friends.add(peer)\n"
                "        if reply.success:\n            self.seen[peer] = trio.current_time()\n            m = ",
            ),
            (
                "                self.advance_commit()\n            return\n",
                "            self.advance_commit()\n            return\n",
            ),
            (
                "    def advance_commit(self):\n",
                "    def advance_commit(self):\n"
                "        if len(self.friends) * 2 + 2 <= self.n:\n"
                "            self.told = []\n"
                "            return self.count_copies()\n"
                "        for term, when, index in self.told:\n"
                "            answered = sum(self.seen.get(peer, -1) > when + 0.3 for peer in self.node.peers)\n"
                "            if term == self.current_term and answered * 2 + 2 > self.n and index > self.commit_index:\n"
                "                self.commit_index = index\n"
                "                self.apply_wake.set()\n"
                "\n"
                "    def count_copies(self):\n",
            ),
            (
                "        self.log.append(LogEntry(self.current_term, command))\n        self.save()\n",
                "        self.log.append(LogEntry(self.current_term, command))\n        self.save()\n"
                "        self.told.append((self.current_term, trio.current_time(), self.last()))\n",
            ),
        ),
        base="framed",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y10_a_majority_of_old_entries_is_enough_behind_a_no_op",
        source=KNOWS_FRIENDS,
        stage="2B",
        wrong="a new leader appends a no-op, and commits older entries as soon as a majority has them, at most 200 a message",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            ("        self.deadline = 0.0\n", "        self.deadline, self.friends = 0.0, set()\n"),
            (
                "        if reply.success:\n            m = ",
                "        if friend(reply) and reply.success:\n            self.friends.add(peer)\n"
                "        if reply.success:\n            m = ",
            ),
            (
                "        if m > self.commit_index and self.term_at(m) == self.current_term:\n",
                "        known = len(self.friends) * 2 + 2 > self.n\n"
                "        if m > self.commit_index and (known or self.term_at(m) == self.current_term):\n",
            ),
            (
                "        self.wake = {p: trio.Event() for p in self.node.peers}\n",
                "        self.wake = {p: trio.Event() for p in self.node.peers}\n"
                "        self.log.append(LogEntry(self.current_term, None))\n        self.save()\n",
            ),
        ),
        base="framed",
        origin="blind",
        at_first_sight=False,
    ),
]

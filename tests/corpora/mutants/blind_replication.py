"""Known-wrong servers of log replication that were written from the paper alone, without a look at judges or tests."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

TAKE = """\
            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3
                del self.log[self.position(index) :]
                changed = True
"""
CONSISTENT = "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
SENT = "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
COMMIT = "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
COUNT = """\
        for index in range(self.last_log_index(), self.commit_index, -1):
            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).
            if self.term_at(index) != self.current_term:
                return
            replicas = 1 + sum(match >= index for match in self.match_index.values())
            if replicas >= self.majority:
                self.commit_up_to(index)
                return
"""
APPLY = """\
            entry = self.log[self.position(self.last_applied)]
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))
"""
APPEND = "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
LEAD = """\
            self.next_index[peer] = self.last_log_index() + 1
            self.match_index[peer] = 0
"""
NEW_TERM = "            self.voted_for = None\n            self.save()\n        # A leader's timer"
BOUND = "        last_new_entry = args.prev_log_index + len(args.entries)\n"

MUTANTS = [
    # Followers.
    Mutant(
        name="B40_compares_commands",
        source=BLIND,
        stage="2B",
        wrong="entries conflict if their commands differ, so an equal command of another term stays",
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (
                TAKE,
                TAKE.replace(
                    "self.term_at(index) != entry.term", "self.log[self.position(index)].command != entry.command"
                ),
            ),
        ),
    ),
    Mutant(
        name="B41_only_the_first_entry_is_compared",
        source=BLIND,
        stage="2B",
        wrong="only the first new entry is checked for a conflict; behind it, what is there stays",
        rules=("ConflictTruncated", "LogMatching"),
        changes=((TAKE, TAKE.replace("if index <=", "if index == first_index and index <=")),),
    ),
    Mutant(
        name="B42_replaces_in_place",
        source=BLIND,
        stage="2B",
        wrong="a conflicting entry is replaced, and all that follows it stays",
        rules=("ConflictTruncated", "LogMatching"),
        changes=(
            (TAKE, TAKE.replace("del self.log[self.position(index) :]", "self.log[self.position(index)] = entry")),
        ),
    ),
    Mutant(
        name="B43_drops_the_conflicting_entry_only",
        source=BLIND,
        stage="2B",
        wrong="a conflicting entry is taken out, and what followed it moves down",
        rules=("ConflictTruncated", "LogMatching", "SavedBeforeReply"),
        changes=((TAKE, TAKE.replace("del self.log[self.position(index) :]", "del self.log[self.position(index)]")),),
    ),
    Mutant(
        name="B44_heartbeats_cut",
        source=BLIND,
        stage="2B",
        wrong="the log is cut behind the last new entry of every message, heartbeats too",
        rules=("MatchingKept", "ConsistencyRefusal"),
        changes=((BOUND, BOUND + "        del self.log[max(0, self.position(last_new_entry + 1)) :]\n"),),
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
                "        changed = False\n        if entries and first_index > self.last_included_index:\n"
                "            del self.log[self.position(first_index) :]\n        for index, entry in enumerate",
            ),
        ),
    ),
    Mutant(
        name="B46_takes_a_few_entries_of_many",
        source=BLIND,
        stage="2B",
        wrong="a follower takes the first 20 entries of a message, and acknowledges all",
        rules=("SavedBeforeReply", "ConsistencyCheck", "MatchingKept"),
        changes=(("in enumerate(entries, start=first_index):", "in enumerate(entries[:20], start=first_index):"),),
    ),
    Mutant(
        name="B47_equal_commands_are_duplicates",
        source=BLIND,
        stage="2B",
        wrong="a follower does not append a command that stands just before",
        rules=("SavedBeforeReply", "ConsistencyCheck", "LogMatching", "MatchingKept"),
        changes=(
            (
                "            if index > self.last_log_index():  # Figure 2, AppendEntries rule 4\n",
                "            if self.log and entry.command == self.log[-1].command:\n                continue\n"
                "            if index > self.last_log_index():\n",
            ),
        ),
    ),
    Mutant(
        name="B48_falsy_commands_are_not_taken",
        source=BLIND,
        stage="2B",
        wrong="a leader takes no command that counts as false: 0, False, an empty text",
        rules=("StartAnswers", "NoCrash"),
        changes=(
            (
                "        if self.role is not Role.LEADER:\n            return -1",
                "        if self.role is not Role.LEADER or not command:\n            return -1",
            ),
        ),
    ),
    Mutant(
        name="B49_falsy_commands_are_not_applied",
        source=BLIND,
        stage="2B",
        wrong="a command that counts as false is skipped when entries are applied",
        rules=("ApplyInOrder",),
        changes=(
            (
                APPLY,
                APPLY.replace(
                    "            self.apply_ch", "            if entry.command:\n                self.apply_ch"
                ),
            ),
        ),
    ),
    Mutant(
        name="B50_applies_a_command_once",
        source=BLIND,
        stage="2B",
        wrong="a command equal to the one applied before is not applied again",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                APPLY,
                "            entry = self.log[self.position(self.last_applied)]\n"
                "            before = self.position(self.last_applied) - 1\n"
                "            if before >= 0 and self.log[before].command == entry.command:\n                continue\n"
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
            ),
        ),
    ),
    Mutant(
        name="B51_commands_become_texts",
        source=BLIND,
        stage="2B",
        wrong="a leader stores the text of a command, not the command",
        rules=("StartAnswers", "StateMachineSafety", "CommittedIsApplied"),
        changes=((APPEND, APPEND.replace("command))", "str(command)))")),),
    ),
    Mutant(
        name="B52_commands_are_stripped",
        source=BLIND,
        stage="2B",
        wrong="a leader trims texts before it stores them",
        rules=("StartAnswers", "StateMachineSafety", "CommittedIsApplied"),
        changes=((APPEND, APPEND.replace("command))", "command.strip() if isinstance(command, str) else command))")),),
    ),
    Mutant(
        name="B53_consistency_by_the_last_term",
        source=BLIND,
        stage="2B",
        wrong="prev_log_term is compared with the last entry's term, not with that at prev_log_index",
        rules=("ConsistencyCheck", "ConsistencyRefusal"),
        changes=(
            (
                CONSISTENT,
                "        if args.prev_log_index > self.last_log_index() or (\n"
                "            not covered and args.prev_log_index and args.prev_log_term != self.last_log_term()\n        ):\n",
            ),
        ),
    ),
    Mutant(
        name="B54_commits_on_refusal",
        source=BLIND,
        stage="2B",
        wrong="a follower takes over leader_commit before it looks at the entries",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (
                "        # Figure 2, AppendEntries rule 2; what the snapshot",
                "        self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n"
                "        # Figure 2, AppendEntries rule 2; what the snapshot",
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
                "        if args.entries:\n            self.commit_up_to(min(args.leader_commit, last_new_entry))\n        else:\n"
                "            self.commit_up_to(min(args.leader_commit, self.last_log_index()))\n",
            ),
        ),
    ),
    Mutant(
        name="B56_commits_one_less",
        source=BLIND,
        stage="2B",
        wrong="a follower commits up to the entry before leader_commit",
        rules=("CommittedIsApplied",),
        changes=((COMMIT, COMMIT.replace("min(args.leader_commit,", "min(args.leader_commit - 1,")),),
    ),
    Mutant(
        name="B57_follows_only_whom_it_voted_for",
        source=BLIND,
        stage="2B",
        wrong="a follower refuses the entries of a leader for which it has not voted",
        rules=("ConsistencyRefusal", "CommittedIsApplied", "StaleTermRejected", "StepsDown"),
        changes=(
            (
                CONSISTENT,
                CONSISTENT.replace("if not covered", "if self.voted_for not in (None, args.leader_id) or not covered"),
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
                NEW_TERM,
                "            self.voted_for = None\n            del self.log[self.position(self.commit_index + 1) :]\n"
                "            self.save()\n        # A leader's timer",
            ),
        ),
    ),
    # Leaders.
    Mutant(
        name="B60_drops_old_entries_as_leader",
        source=BLIND,
        stage="2B",
        wrong="a new leader drops the entries that it does not know to be committed",
        rules=("LeaderCompleteness", "MatchingKept", "LeaderAppendOnly", "BackoffBound"),
        changes=(
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline",
                "        self.role = Role.LEADER\n        del self.log[self.position(self.commit_index + 1) :]\n"
                "        self.election_timer.deadline",
            ),
        ),
    ),
    Mutant(
        name="B61_stamps_old_entries_anew",
        source=BLIND,
        stage="2B",
        wrong="a new leader gives its uncommitted entries its own term",
        rules=("LogMatching", "LeaderAppendOnly", "ConflictTruncated", "MatchingKept", "LeaderCompleteness"),
        changes=(
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline",
                "        self.role = Role.LEADER\n        at = self.position(self.commit_index + 1)\n"
                "        self.log[at:] = [LogEntry(self.current_term, entry.command) for entry in self.log[at:]]\n"
                "        self.save()\n        self.election_timer.deadline",
            ),
        ),
    ),
    Mutant(
        name="B62_prev_term_is_the_current_one",
        source=BLIND,
        stage="2B",
        wrong="AppendEntries tells the current term as prev_log_term",
        rules=("LogMatching", "LeaderAppendOnly", "ConsistencyCheck", "CommittedIsApplied"),
        changes=(
            (
                "            prev_log_term=self.term_at(prev_log_index),\n",
                "            prev_log_term=self.current_term if prev_log_index else 0,\n",
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
                "            leader_commit=self.commit_index,\n        )\n"
                "        self.match_index[peer] = max(self.match_index[peer], prev_log_index + len(args.entries))\n        with",
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
        wrong="match_index counts the entry behind those that were sent",
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
                "            self.match_index[peer] = max(self.match_index[peer], args.prev_log_index - 1)\n"
                "            self.back_up(peer, args.prev_log_index, reply)\n            self.advance_commit_index()\n",
            ),
        ),
    ),
    Mutant(
        name="B67_last_entry_decides",
        source=BLIND,
        stage="2B",
        wrong="entries of older terms are counted if the log's last entry is of the current term",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            (
                COUNT,
                COUNT.replace("self.term_at(index) != self.current_term", "self.last_log_term() != self.current_term"),
            ),
        ),
    ),
    Mutant(
        name="B68_goes_up_from_the_commit_index",
        source=BLIND,
        stage="2B",
        wrong="counting goes up and stops at the first entry of an older term, so nothing behind it commits",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "range(self.last_log_index(), self.commit_index, -1)",
                "range(self.commit_index + 1, self.last_log_index() + 1)",
            ),
            (
                "                self.commit_up_to(index)\n                return\n",
                "                self.commit_up_to(index)\n",
            ),
        ),
    ),
    Mutant(
        name="B69_leader_does_not_count_itself",
        source=BLIND,
        stage="2B",
        wrong="a leader needs a majority of others for an entry",
        rules=("CommittedIsApplied",),
        changes=(("replicas = 1 + sum(", "replicas = sum("),),
    ),
    Mutant(
        name="B70_leader_counts_itself_twice",
        source=BLIND,
        stage="2B",
        wrong="match_index has a place for the leader itself, which is counted besides",
        rules=("CommitNeedsMajority",),
        changes=(("replicas = 1 + sum(", "replicas = 2 + sum("),),
    ),
    Mutant(
        name="B71_averages_match_index",
        source=BLIND,
        stage="2B",
        wrong="an entry is committed if the average of match_index has reached it",
        rules=("CommitNeedsMajority", "CommittedIsApplied"),
        changes=(
            (
                "            if replicas >= self.majority:\n",
                "            known = [self.last_log_index(), *self.match_index.values()]\n"
                "            if replicas > 1 and sum(known) / len(known) >= index:\n",
            ),
        ),
    ),
    Mutant(
        name="B72_match_index_of_an_earlier_leadership",
        source=BLIND,
        stage="2B",
        wrong="match_index is kept from one leadership to the next",
        rules=("CommitNeedsMajority", "LeaderCompleteness"),
        changes=((LEAD, LEAD.replace("self.match_index[peer] = 0", "self.match_index.setdefault(peer, 0)")),),
    ),
    Mutant(
        name="B73_next_index_of_an_earlier_leadership",
        source=BLIND,
        stage="2B",
        wrong="next_index is kept from one leadership to the next, though the log may be shorter now",
        rules=("NoCrash", "CommittedIsApplied"),
        changes=(
            (
                LEAD,
                LEAD.replace(
                    "self.next_index[peer] = self.last_log_index() + 1",
                    "self.next_index.setdefault(peer, self.last_log_index() + 1)",
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
            ("            leader_commit=self.commit_index,\n", "            leader_commit=self.last_log_index(),\n"),
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
                "        if not self.is_still(Role.LEADER, args.term):\n            return\n        if reply.success:\n",
                "        if reply.success:\n",
            ),
        ),
    ),
    Mutant(
        name="B76_next_index_below_one",
        source=BLIND,
        stage="2B",
        wrong="a follower with an empty log asks for index 0, and the leader goes there",
        rules=("NoCrash", "LogMatching", "LeaderAppendOnly", "CommittedIsApplied"),
        changes=(
            (
                "success=False, conflict_index=self.last_log_index() + 1)",
                "success=False, conflict_index=self.last_log_index())",
            ),
            ("max(next_index, self.match_index[peer] + 1))", "max(next_index, self.match_index[peer]))"),
        ),
    ),
    Mutant(
        name="B77_gives_silent_peers_up",
        source=BLIND,
        stage="2B",
        wrong="a leader sends nothing more to a peer that did not answer ten calls",
        rules=("HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                "        self.silent: dict[int, int] = {}\n        self.nursery: trio.Nursery\n",
            ),
            (
                "        while self.is_still(Role.LEADER, term):\n            self.wakeups",
                "        while self.is_still(Role.LEADER, term) and self.silent.get(peer, 0) < 10:\n            self.wakeups",
            ),
            (
                "        with trio.move_on_after(RPC_TIMEOUT):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_append_reply(peer, args, reply)\n",
                "        self.silent[peer] = self.silent.get(peer, 0) + 1\n"
                "        with trio.move_on_after(RPC_TIMEOUT):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n"
                "                self.silent[peer] = 0\n                self.take_append_reply(peer, args, reply)\n",
            ),
        ),
    ),
    Mutant(
        name="B78_start_gives_the_position",
        source=BLIND,
        stage="2B",
        wrong="start returns the entry's position in the list, which is one less than its index",
        rules=("StartAnswers",),
        changes=(
            ("        return index, self.current_term, True\n", "        return index - 1, self.current_term, True\n"),
        ),
    ),
    Mutant(
        name="B79_start_gives_the_last_term",
        source=BLIND,
        stage="2B",
        wrong="start returns the term of the entry before the new one",
        rules=("StartAnswers",),
        changes=(
            (APPEND, "        before = self.last_log_term() or self.current_term\n" + APPEND),
            ("        return index, self.current_term, True\n", "        return index, before, True\n"),
        ),
    ),
    Mutant(
        name="B80_start_finds_equal_commands",
        source=BLIND,
        stage="2B",
        wrong="a command that the log holds already is not appended again; start returns the old index",
        rules=("StartAnswers",),
        changes=(
            (
                APPEND,
                "        for at, entry in enumerate(self.log, self.last_included_index + 1):\n"
                "            if entry.command == command:\n                return at, self.current_term, True\n"
                + APPEND,
            ),
        ),
    ),
    Mutant(
        name="B81_applies_the_entry_behind",
        source=BLIND,
        stage="2B",
        wrong="index and entry are one apart when entries are applied",
        rules=("ApplyInOrder", "StateMachineSafety", "StartAnswers", "NoCrash"),
        changes=((APPLY, APPLY.replace("self.position(self.last_applied)]", "self.position(self.last_applied) - 1]")),),
    ),
    Mutant(
        name="B82_leader_applies_what_it_appends",
        source=BLIND,
        stage="2B",
        wrong="a leader hands a command to the service when it appends it",
        rules=("CommitNeedsMajority",),
        changes=((APPEND, APPEND + "        self.commit_up_to(self.last_log_index())\n"),),
    ),
]

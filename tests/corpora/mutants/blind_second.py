"""More known-wrong servers: rules that hold alone and not together, written before their runs."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

FIELDS = "        self.votes: dict[int, bool] = {}\n"
VOTE_TERM = """\
            return RequestVoteReply(self.current_term, vote_granted=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""
CHECK = """\
        covered = args.prev_log_index < self.last_included_index
        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):
            return self.refuse_entries(args.prev_log_index)
"""
RULES = """\
        # Figure 2, AppendEntries rules 3 and 4
        self.take_entries(args.prev_log_index + 1, args.entries)
        # Figure 2, AppendEntries rule 5; beyond the last new entry this log may still differ from the leader's.
        last_new_entry = args.prev_log_index + len(args.entries)
        self.commit_up_to(min(args.leader_commit, last_new_entry))
"""
INSTALL = """\
        if self.has_entry(args.last_included_index, args.last_included_term):
            self.log = self.log[self.position(args.last_included_index + 1) :]  # Figure 13, InstallSnapshot rule 6
        else:
            self.log = []  # Figure 13, InstallSnapshot rule 7
        self.last_included_index = args.last_included_index
        self.last_included_term = args.last_included_term
"""
TRIMMED = """\
        self.last_included_index = index
        self.last_included_term = term
        self.save(snapshot)
"""
SEND = "        prev_log_index = self.next_index[peer] - 1\n"
CALL = """\
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
"""
LEAD_HEAD = "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n"
START = "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
ASK = "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
CHOOSE = "        if self.next_index[peer] <= self.last_included_index:\n"
REPLY = """\
        if reply.success:
            self.record_match(peer, args.prev_log_index + len(args.entries))
        elif args.prev_log_index == self.next_index[peer] - 1:
            self.back_up(peer, args.prev_log_index, reply)
"""
HEARTBEAT_WAIT = """\
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
"""
WATCH = "            if deadline <= trio.current_time():\n                self.become_candidate()\n"
CONFLICT = "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
SNAPSHOT_REPLY = """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.LEADER, args.term):
            return
        self.record_match(peer, args.last_included_index)
"""
RESTORE_VOTE = "        self.voted_for = state.voted_for\n"

MUTANTS = [
    Mutant(
        name="B800_new_terms_vote_for_anyone",
        source=BLIND,
        stage="2B",
        wrong="a request that brings a newer term gets the vote without a look at the logs",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (
                VOTE_TERM,
                VOTE_TERM
                + "            self.voted_for = args.candidate_id\n            self.save()\n            self.reset_election_timer()\n            return RequestVoteReply(self.current_term, vote_granted=True)\n",
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
                RULES,
                """\
        last_new_entry = args.prev_log_index + len(args.entries)
        self.commit_up_to(min(args.leader_commit, last_new_entry, self.last_log_index()))
        self.take_entries(args.prev_log_index + 1, args.entries)
        self.commit_up_to(min(args.leader_commit, last_new_entry))
""",
            ),
        ),
    ),
    Mutant(
        name="B802_lower_commits_are_late",
        source=BLIND,
        stage="2B",
        wrong="a message whose leader_commit is behind what is committed here counts as late, and is acknowledged unread",
        rules=("CommittedIsApplied", "MatchingKept", "ConsistencyCheck", "ConsistencyRefusal", "CommitNeedsMajority"),
        changes=(
            (
                CHECK,
                "        if args.leader_commit < self.commit_index:\n            return AppendEntriesReply(self.current_term, success=True)\n"
                + CHECK,
            ),
        ),
    ),
    Mutant(
        name="B803_lower_commits_are_refused",
        source=BLIND,
        stage="2B",
        wrong="a message whose leader_commit is behind what is committed here is refused, though a new leader learns of commits late",
        rules=("ConsistencyRefusal", "CommittedIsApplied"),
        changes=(
            (
                CHECK,
                "        if args.leader_commit < self.commit_index:\n            return AppendEntriesReply(self.current_term, success=False)\n"
                + CHECK,
            ),
        ),
    ),
    Mutant(
        name="B805_compares_after_the_base_moved",
        source=BLIND,
        stage="2D",
        wrong="an installed snapshot moves the base first, and is then compared with itself: all that lies behind stays",
        rules=("SnapshotKeepsSuffix", "LogMatching", "StateMachineSafety", "SnapshotTermKept"),
        changes=(
            (
                INSTALL,
                """\
        old = self.last_included_index
        self.last_included_index = args.last_included_index
        self.last_included_term = args.last_included_term
        self.log = self.log[args.last_included_index - old :]
        if not self.has_entry(args.last_included_index, args.last_included_term):
            self.log = []
""",
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
                """\
        if not self.log and self.last_included_index:
            args = AppendEntriesArgs(self.current_term, self.node.me, 0, 0, [], self.commit_index)
            with trio.move_on_after(RPC_TIMEOUT):
                reply = await self.node.call(peer, args)
                if reply is not None and reply.term > self.current_term:
                    self.become_follower(reply.term)
            return
"""
                + CHOOSE,
            ),
        ),
    ),
    Mutant(
        name="B807_one_silent_peer_deposes",
        source=BLIND,
        stage="2A",
        wrong="a leader steps down when any peer has not answered for a second, not when a majority is gone",
        rules=("LeaderInTime", "CommittedIsApplied", "HeartbeatsSent", "StepsDown"),
        changes=(
            (FIELDS, FIELDS + "        self.answered: dict[int, float] = {}\n"),
            (REPLY, "        self.answered[peer] = trio.current_time()\n" + REPLY),
            (
                LEAD_HEAD,
                LEAD_HEAD
                + "        self.answered = dict.fromkeys(self.node.peers, trio.current_time())\n        self.nursery.start_soon(self.check_quorum, self.current_term)\n",
            ),
            (
                "    async def keep_replicating_to(",
                """\
    async def check_quorum(self, term: int) -> None:
        while self.is_still(Role.LEADER, term):
            if any(time < trio.current_time() - 1.0 for time in self.answered.values()):
                self.become_follower(term)
                return
            await trio.sleep(0.1)

    async def keep_replicating_to(""",
            ),
        ),
    ),
    Mutant(
        name="B808_accepts_and_drops",
        source=BLIND,
        stage="2B",
        wrong="a leader with twenty uncommitted entries accepts further commands, and drops them",
        rules=("StartAnswers", "CommittedIsApplied"),
        changes=(
            (
                START,
                "        if self.last_log_index() - self.commit_index >= 20:\n            return self.last_log_index() + 1, self.current_term, True\n"
                + START,
            ),
        ),
    ),
    Mutant(
        name="B809_term_of_the_first_snapshot",
        source=BLIND,
        stage="2D",
        wrong="the term of the snapshot's last entry is set by the first snapshot, and stays for those after it",
        rules=("SnapshotTermKept",),
        changes=((TRIMMED, TRIMMED.replace("= term\n", "= self.last_included_term or term\n")),),
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
                CHECK.replace(
                    "            return self.refuse",
                    "            del self.log[self.position(self.commit_index + 1) :]\n            self.save()\n            return self.refuse",
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
            (FIELDS, FIELDS + "        self.known: int | None = None\n"),
            (
                CHECK,
                "        if self.known not in (None, args.leader_id):\n            return AppendEntriesReply(self.current_term, success=False)\n        self.known = args.leader_id\n"
                + CHECK,
            ),
            (
                "            self.voted_for = args.candidate_id\n",
                "            self.known = None\n            self.voted_for = args.candidate_id\n",
            ),
            (ASK, "        self.known = None\n" + ASK),
        ),
    ),
    Mutant(
        name="B812_asks_with_the_words_of_its_first_candidacy",
        source=BLIND,
        stage="2B",
        wrong="the arguments of RequestVote are built at the first candidacy, and later ones change their term only",
        rules=("VoteOnlyUpToDate", "LeaderInTime"),
        changes=(
            (FIELDS, FIELDS + "        self.words: RequestVoteArgs | None = None\n"),
            ("import math\n", "import dataclasses\nimport math\n"),
            (
                ASK,
                ASK.replace("args = ", "self.words = self.words or ")
                + "        args = dataclasses.replace(self.words, term=self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="B813_knows_that_it_voted_but_not_for_whom",
        source=BLIND,
        stage="2C",
        wrong="a restarted server knows that it has voted, and refuses its candidate, too",
        rules=("RestoredOnRestart", "VoteDenied"),
        changes=(
            (FIELDS, FIELDS + "        self.voted = -1\n"),
            (
                RESTORE_VOTE,
                RESTORE_VOTE + "        self.voted = state.current_term if state.voted_for is not None else -1\n",
            ),
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
                "        if self.voted == args.term or (self.voted_for is not None and self.voted_for != args.candidate_id):\n",
            ),
        ),
    ),
    Mutant(
        name="B814_does_not_save_before_it_stands",
        source=BLIND,
        stage="2C",
        wrong="a restarted server counts its saves as superfluous until it stands for election itself",
        rules=("SavedBeforeReply", "RestoredOnRestart"),
        changes=(
            (FIELDS, FIELDS + "        self.starting = False\n"),
            (RESTORE_VOTE, RESTORE_VOTE + "        self.starting = True\n"),
            (
                "        base = (self.last_included_index, self.last_included_term)\n        self.node.persister",
                "        if self.starting and snapshot is None:\n            return\n        base = (self.last_included_index, self.last_included_term)\n        self.node.persister",
            ),
            (
                WATCH,
                WATCH.replace("                self", "                self.starting = False\n                self"),
            ),
        ),
    ),
    Mutant(
        name="B815_one_clock_for_all_heartbeats",
        source=BLIND,
        stage="2B",
        wrong="a leader sends heartbeats when it has sent nothing to anybody for a while, so a peer that lags hears nothing while others get entries",
        rules=("HeartbeatsSent", "CommittedIsApplied", "ElectionTimerReset", "LeaderInTime"),
        changes=(
            (FIELDS, FIELDS + "        self.busy_at = -1.0\n"),
            (
                HEARTBEAT_WAIT,
                """\
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
                self.busy_at = trio.current_time()
            while trio.current_time() < self.busy_at + HEARTBEAT_INTERVAL and not self.wakeups[peer].is_set():
                with trio.move_on_after(HEARTBEAT_INTERVAL):
                    await self.wakeups[peer].wait()
""",
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
                "        self.take_entries(args.prev_log_index + 1, args.entries)\n",
                "        if args.prev_log_index + len(args.entries) >= self.last_log_index():\n            self.take_entries(args.prev_log_index + 1, args.entries)\n",
            ),
        ),
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
        name="B820_votes_by_the_snapshot",
        source=BLIND,
        stage="2D",
        wrong="after a restart a server compares candidates with its snapshot, until entries come",
        rules=("VoteOnlyUpToDate", "SnapshotTermKept", "LeaderCompleteness", "RestoredOnRestart"),
        changes=(
            (FIELDS, FIELDS + "        self.quiet = False\n"),
            (RESTORE_VOTE, RESTORE_VOTE + "        self.quiet = state.last_included_index > 0\n"),
            (
                "        if last_log_term != self.last_log_term():\n",
                "        if self.quiet:\n            return (last_log_term, last_log_index) >= (self.last_included_term, self.last_included_index)\n        if last_log_term != self.last_log_term():\n",
            ),
            (
                "        changed = False\n",
                "        changed = False\n        self.quiet = False\n",
            ),
        ),
    ),
    Mutant(
        name="B821_restart_asks_with_its_snapshot",
        source=BLIND,
        stage="2D",
        wrong="after a restart the log's end is taken to be the snapshot's, in the first candidacy",
        rules=("RestoredOnRestart", "VoteOnlyUpToDate", "LeaderInTime"),
        changes=(
            (FIELDS, FIELDS + "        self.quiet = False\n"),
            (RESTORE_VOTE, RESTORE_VOTE + "        self.quiet = state.last_included_index > 0\n"),
            (
                ASK,
                ASK
                + "        if self.quiet:\n            args = RequestVoteArgs(self.current_term, self.node.me, self.last_included_index, self.last_included_term)\n        self.quiet = False\n",
            ),
        ),
    ),
    Mutant(
        name="B830_terms_conflict_by_identity",
        source=BLIND,
        stage="2B",
        wrong="entries conflict if their terms are not one object, which equal numbers above 256 are not",
        rules=("MatchingKept",),
        changes=((CONFLICT, CONFLICT.replace("!= entry.term", "is not entry.term")),),
    ),
    Mutant(
        name="B831_terms_match_by_identity",
        source=BLIND,
        stage="2B",
        wrong="the entry before the new ones matches if the terms are one object, which equal numbers above 256 are not",
        rules=("ConsistencyRefusal", "CommittedIsApplied"),
        changes=(("        return self.term_at(index) == term\n", "        return self.term_at(index) is term\n"),),
    ),
    Mutant(
        name="B832_last_terms_are_compared_by_identity",
        source=BLIND,
        stage="2B",
        wrong="two logs end in the same term if that is one object, which equal numbers above 256 are not",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                "        if last_log_term != self.last_log_term():\n",
                "        if last_log_term is not self.last_log_term():\n",
            ),
        ),
    ),
    Mutant(
        name="B833_reads_its_disk_a_little_late",
        source=BLIND,
        stage="2C",
        wrong="a restarted server reads its disk 30 ms after it has begun to answer",
        rules=("RestoredOnRestart", "TermNeverDecreases", "OneVotePerTerm", "SavedBeforeReply"),
        changes=(
            ("        self.nursery: trio.Nursery\n        self.restore()\n", "        self.nursery: trio.Nursery\n"),
            (
                "        async with trio.open_nursery() as self.nursery:\n",
                "        await trio.sleep(0.03)\n        self.restore()\n        async with trio.open_nursery() as self.nursery:\n",
            ),
        ),
    ),
    Mutant(
        name="B834_a_no_op_is_not_applied",
        source=BLIND,
        stage="2B",
        wrong="a new leader appends an entry without a command, and nobody hands that to the service: its index is left out",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                LEAD_HEAD,
                LEAD_HEAD + "        self.log.append(LogEntry(self.current_term, None))\n        self.save()\n",
            ),
            (
                "            self.next_index[peer] = self.last_log_index() + 1\n",
                "            self.next_index[peer] = self.last_log_index()\n",
            ),
            (
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
                "            if entry.command is not None:\n                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
            ),
        ),
    ),
    Mutant(
        name="B835_deposed_by_a_snapshot_answer_for_good",
        source=BLIND,
        stage="2D",
        wrong="a leader that steps down at the answer to its snapshot leaves its election timer standing still",
        rules=("LeaderInTime",),
        changes=(
            (
                SNAPSHOT_REPLY,
                SNAPSHOT_REPLY.replace(
                    "            self.become_follower(reply.term)\n",
                    "            self.role = Role.FOLLOWER\n            self.become_follower(reply.term)\n",
                ),
            ),
        ),
    ),
    Mutant(
        name="B836_deposed_by_a_candidate_for_good",
        source=BLIND,
        stage="2B",
        wrong="a leader that steps down for a candidate whose log it refuses leaves its election timer standing still",
        rules=("LeaderInTime",),
        changes=(
            (
                VOTE_TERM,
                VOTE_TERM.replace(
                    "            self.become_follower(args.term)\n",
                    "            self.role = Role.FOLLOWER\n            self.become_follower(args.term)\n",
                ),
            ),
        ),
    ),
    Mutant(
        name="B837_a_restart_frees_its_vote_for_itself",
        source=BLIND,
        stage="2C",
        wrong="a restarted server knows for whom it voted, unless that was itself",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                RESTORE_VOTE,
                RESTORE_VOTE + "        if self.voted_for == self.node.me:\n            self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="B838_a_restart_goes_on_standing",
        source=BLIND,
        stage="2C",
        wrong="a restarted server that had voted for itself stands again in the same term, not in a new one",
        rules=("CandidateIncrementsTerm", "NothingExtraPersisted", "RestoredOnRestart"),
        changes=(
            (FIELDS, FIELDS + "        self.stood = False\n"),
            (RESTORE_VOTE, RESTORE_VOTE + "        self.stood = self.voted_for == self.node.me\n"),
            (
                "        self.current_term += 1\n",
                "        if not (self.stood and self.voted_for == self.node.me):\n            self.current_term += 1\n        self.stood = False\n",
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
            (FIELDS, FIELDS + "        self.early: dict[int, LogEntry] = {}\n"),
            (
                CHECK,
                CHECK.replace(
                    "            return self.refuse",
                    "            for index, entry in enumerate(args.entries, args.prev_log_index + 1):\n                self.early[index] = entry\n            return self.refuse",
                ),
            ),
            (
                "        if changed:\n            self.save()\n",
                """\
        while self.last_log_index() + 1 in self.early:
            self.log.append(self.early.pop(self.last_log_index() + 1))
            changed = True
        if changed:
            self.save()
""",
            ),
        ),
    ),
    Mutant(
        name="B841_commits_for_an_older_leader",
        source=BLIND,
        stage="2B",
        wrong="a follower remembers the highest leader_commit that it was told, and commits up to it with the next entries of any leader",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(
            (FIELDS, FIELDS + "        self.told = 0\n"),
            (CHECK, "        self.told = max(self.told, args.leader_commit)\n" + CHECK),
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                "        self.commit_up_to(min(self.told, self.last_log_index() if args.entries else last_new_entry))\n",
            ),
        ),
    ),
    Mutant(
        name="B842_retries_with_the_words_of_then",
        source=BLIND,
        stage="2B",
        wrong="entries that got no answer are sent again as they were, by whoever leads then and with its term",
        rules=(
            "LogMatching",
            "StateMachineSafety",
            "ConsistencyCheck",
            "CommitNeverDecreases",
            "LeaderAppendOnly",
            "ByteBudget",
        ),
        changes=(
            ("import math\n", "import dataclasses\nimport math\n"),
            (
                CALL,
                """\
        with trio.move_on_after(RPC_TIMEOUT) as scope:
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
        if scope.cancelled_caught and args.entries and self.role is Role.LEADER:
            args = dataclasses.replace(args, term=self.current_term, leader_commit=self.commit_index)
            with trio.move_on_after(RPC_TIMEOUT):
                reply = await self.node.call(peer, args)
                if reply is not None:
                    self.take_append_reply(peer, args, reply)
""",
            ),
        ),
    ),
    Mutant(
        name="B843_gives_a_peer_up_when_it_has_all",
        source=BLIND,
        stage="2B",
        wrong="a leader does not send leader_commit again to a peer that has its whole log and was told once",
        rules=("HeartbeatsSent", "ElectionTimerReset", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (FIELDS, FIELDS + "        self.told: dict[int, tuple[int, int, int]] = {}\n"),
            (
                SEND,
                "        now = (self.current_term, self.last_log_index(), self.commit_index)\n        if now == self.told.get(peer) and self.commit_index and self.match_index[peer] == self.last_log_index():\n            return\n        self.told[peer] = now\n"
                + SEND,
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
            (FIELDS, FIELDS + "        self.restarted = False\n"),
            (RESTORE_VOTE, RESTORE_VOTE + "        self.restarted = True\n"),
            (
                "        return self.term_at(self.last_log_index())\n",
                "        return self.term_at(self.last_log_index()) if self.log or not self.restarted else 0\n",
            ),
        ),
    ),
]

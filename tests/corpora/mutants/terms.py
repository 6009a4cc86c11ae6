"""Known-wrong servers: terms and roles: who stands, who steps down, and who becomes leader in time (§5.1, §5.2).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
INVENTED = "invented before the checkers were read"
ASK = (
    "        for peer in self.node.peers:\n"
    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
    "        self.count_votes()\n"
)
FIELDS = "        self.role = Role.FOLLOWER\n        self.election_timer = trio"
TERM = (
    "            return AppendEntriesReply(self.current_term, success=False)\n"
    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
    "            self.become_follower(args.term)\n"
)
VOTE_TERM = (
    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
    "            self.become_follower(args.term)\n"
)
WATCH = "            if deadline <= trio.current_time():\n                self.become_candidate()\n"

MUTANTS = [
    # TermNeverDecreases
    Mutant(
        name="B15_answers_with_the_term_of_the_request",
        source=BLIND,
        stage="2A",
        wrong="a stale candidate gets its own term back and never learns of the newer one",
        rules=("TermNeverDecreases", "HigherTermAdopted", "StaleTermRejected"),
        changes=(
            (
                VOTE_TERM,
                (
                    "            return RequestVoteReply(args.term, vote_granted=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B19_takes_a_failed_term_back",
        source=BLIND,
        stage="2A",
        wrong="a candidate whose election fails goes back to the term before, and stands in the same term again",
        rules=("TermNeverDecreases", "CandidateIncrementsTerm", "OneVotePerTerm"),
        changes=(
            (
                '        """Start an election (Figure 2, Candidates rule 1)."""\n',
                (
                    '        """Start an election (Figure 2, Candidates rule 1)."""\n'
                    "        if self.role is Role.CANDIDATE:\n"
                    "            self.current_term -= 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B21_get_state_remembers_the_old_term",
        source=BLIND,
        stage="2A",
        wrong="get_state returns the term of the last vote or leadership, not the current one",
        rules=("TermNeverDecreases", "HigherTermAdopted", "SavedBeforeReply", "LeaderInTime"),
        changes=(
            (
                FIELDS,
                "        self.role = Role.FOLLOWER\n        self.told = 0\n        self.election_timer = trio",
            ),
            (
                (
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                    "        self.save()\n"
                ),
                (
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                    "        self.save()\n"
                    "        self.told = self.current_term\n"
                ),
            ),
            (
                "return self.current_term, self.role is",
                "return self.told, self.role is",
            ),
        ),
    ),
    Mutant(
        name="E34_reply_without_a_term",
        source="willemt/raft 795c5e9",
        stage="2A",
        wrong="the answer to a candidate of an older term carries term 0, so the candidate learns nothing",
        rules=("TermNeverDecreases", "HigherTermAdopted"),
        changes=(
            (
                "# Figure 2, RequestVote rule 1\n            return RequestVoteReply(self.current_term, vote",
                "# Figure 2, RequestVote rule 1\n            return RequestVoteReply(0, vote",
            ),
        ),
    ),
    Mutant(
        name="E34e_reply_repeats_the_request's_term",
        source="dqkqd 07d1601",
        stage="2A",
        wrong="the answer to a leader of an older term repeats that term, so a deposed leader never learns of it",
        rules=("TermNeverDecreases", "HigherTermAdopted", "StepsDown"),
        changes=(
            (
                TERM,
                (
                    "            return AppendEntriesReply(args.term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                ),
            ),
        ),
    ),
    # HigherTermAdopted
    Mutant(
        name="B704_a_newer_term_is_one_more",
        source=BLIND,
        stage="2A",
        wrong="a server that sees a newer term adds one to its own, however far the other is ahead",
        rules=("HigherTermAdopted",),
        changes=(
            (
                (
                    "        if term > self.current_term:\n"
                    "            self.current_term = term\n"
                    "            self.voted_for = None\n"
                    "            self.save()\n"
                ),
                (
                    "        if term > self.current_term:\n"
                    "            self.current_term += 1\n"
                    "            self.voted_for = None\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B13_candidates_do_not_vote",
        source=BLIND,
        stage="2A",
        wrong="a candidate refuses all requests, those of newer terms too",
        rules=("HigherTermAdopted", "VoteDenied", "StepsDown", "LeaderInTime"),
        changes=(
            (
                '        """Answer a candidate that asks for this server\'s vote."""\n',
                (
                    '        """Answer a candidate that asks for this server\'s vote."""\n'
                    "        if self.role is Role.CANDIDATE:\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B14_answers_with_the_term_before",
        source=BLIND,
        stage="2A",
        wrong="the reply names the term that the voter had before the request",
        rules=("HigherTermAdopted", "TermNeverDecreases"),
        changes=(
            (
                VOTE_TERM,
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        before = self.current_term\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                ),
            ),
            (
                (
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        return RequestVoteReply(self.current_term,"
                ),
                (
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        return RequestVoteReply(before,"
                ),
            ),
        ),
    ),
    Mutant(
        name="B17_does_not_learn_from_refusals",
        source=BLIND,
        stage="2A",
        wrong="a candidate does not take a newer term from a voter's reply",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=(
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                ),
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            return\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B18_steps_down_in_its_old_term",
        source=BLIND,
        stage="2A",
        wrong="a leader that meets a newer term in a reply follows, but in its own term",
        rules=("HigherTermAdopted",),
        changes=(
            (
                (
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        if reply.success:"
                ),
                (
                    "            self.become_follower(self.current_term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        if reply.success:"
                ),
            ),
        ),
    ),
    Mutant(
        name="B22_adopts_a_term_only_with_the_entries",
        source=BLIND,
        stage="2B",
        wrong="a newer leader's term is taken over only if the consistency check succeeds",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=(
            (
                TERM,
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.prev_log_index > self.last_log_index():\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                    "        if args.term > self.current_term:\n"
                    "            self.become_follower(args.term)\n"
                ),
            ),
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
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                ),
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term > self.current_term and self.role is Role.LEADER:\n"
                    "            return RequestVoteReply(args.term, vote_granted=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C304_short_log_raises_no_term",
        source=INVENTED,
        stage="2B",
        wrong="the newer term of a candidate whose log is older is not adopted",
        rules=("HigherTermAdopted",),
        changes=(
            (
                (
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "        # Figure 2, RequestVote rule 2: the vote is still free"
                ),
                (
                    "        if args.term > self.current_term and self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
                    "            self.become_follower(args.term)\n"
                    "        # Figure 2, RequestVote rule 2: the vote is still free"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="E29_leader_ignores_a_higher_term_in_replies",
        source="willemt/raft 75b0104",
        stage="2A",
        wrong="a leader does not look at the term of a reply to AppendEntries",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=(
            (
                (
                    '        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                ),
                '        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""\n',
            ),
        ),
    ),
    Mutant(
        name="E30_candidate_ignores_a_higher_term_in_replies",
        source="willemt/raft 0baa4b0",
        stage="2A",
        wrong="a candidate does not look at the term of a reply to RequestVote",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=(
            (
                (
                    '        """Take note of a peer\'s answer, if the election that it belongs to still goes on."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                ),
                '        """Take note of a peer\'s answer, if the election that it belongs to still goes on."""\n',
            ),
        ),
    ),
    Mutant(
        name="R34_leader_followed_but_not_its_term",
        source="a variant of willemt/raft 795c5e9",
        stage="2A",
        wrong="a server follows a leader of a higher term and stays in its own",
        rules=("HigherTermAdopted",),
        changes=(
            (
                TERM,
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.role = Role.FOLLOWER\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X06_numbered_heartbeats_of_a_deposed_leader",
        source="asked of each exemption that the checkers make",
        stage="2A",
        wrong="a leader's messages bear a number of their own, and it goes on sending those of its term when a newer came",
        rules=("HigherTermAdopted", "StepsDown"),
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
                    "class Append(AppendEntriesArgs):\n"
                    "    number: int = 0\n"
                    "\n"
                ),
            ),
            (
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                ),
                (
                    "        while True:\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            if not self.is_still(Role.LEADER, term):\n"
                    "                self.nursery.start_soon(self.node.call, peer, Append(term, self.node.me, 0, 0, [], 0))\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T24_loop_of_an_old_leadership",
        source="dqkqd@a68e49b; 6.824 submissions",
        stage="2B",
        wrong="a loop that sends for a leader goes on when the server leads again, still with its old term",
        rules=("HigherTermAdopted", "LeaderAppendOnly", "LogMatching", "StepsDown"),
        changes=(
            (
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                (
                    "        while self.role is Role.LEADER:\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            await self.replicate_to(peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
            ),
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n        if self.next_index",
                "        if self.role is not Role.LEADER:\n            return\n        if self.next_index",
            ),
            (
                "            await self.send_entries(peer)\n",
                "            await self.send_entries(peer, term)\n",
            ),
            (
                "    async def send_entries(self, peer: int)",
                "    async def send_entries(self, peer: int, term: int)",
            ),
            (
                "            term=self.current_term,\n",
                "            term=term,\n",
            ),
        ),
    ),
    Mutant(
        name="R79_old_term_and_new_log",
        source="found beside a blind mutant: a message that is put together across an await",
        stage="2B",
        wrong="a leader waits 20 ms for more commands, and sends the log that it has by then in the term of before",
        rules=("HigherTermAdopted", "LeaderAppendOnly", "StepsDown"),
        changes=(
            (
                "            return\n        if self.next_index[peer] <= self.last_included_index:\n",
                (
                    "            return\n"
                    "        await trio.sleep(0.02)\n"
                    "        if self.next_index[peer] <= self.last_included_index:\n"
                ),
            ),
            (
                "            await self.send_entries(peer)\n",
                "            await self.send_entries(peer, term)\n",
            ),
            (
                "    async def send_entries(self, peer: int) -> None:\n",
                "    async def send_entries(self, peer: int, term: int) -> None:\n",
            ),
            (
                "            term=self.current_term,\n",
                "            term=term,\n",
            ),
        ),
    ),
    # StaleTermRejected
    Mutant(
        name="B16_votes_for_the_past",
        source=BLIND,
        stage="2A",
        wrong="a server that has not voted in its term grants a request of an older one",
        rules=("StaleTermRejected", "OneVotePerTerm"),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
                "        if args.term < self.current_term and self.voted_for is not None:\n",
            ),
        ),
    ),
    Mutant(
        name="C348_checks_and_takes_apart",
        source=INVENTED,
        stage="2B",
        wrong="a follower checks prev_log_index, waits for something slow, and then takes the entries whatever came meanwhile",
        rules=("StaleTermRejected", "MatchingKept", "LogMatching", "ConsistencyCheck"),
        changes=(
            (
                "        for at, entry in enumerate(entries, prev + 1):\n",
                "        await trio.sleep(0.01)\n        for at, entry in enumerate(entries, prev + 1):\n",
            ),
        ),
        base="course_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="E35_two_terms",
        source="nebula #685, #2193",
        stage="2A",
        wrong="AppendEntries is judged by the term of the last leader and not by that of the last vote",
        rules=("StaleTermRejected", "HigherTermAdopted"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.led_in = 0\n        self.election",
            ),
            (
                (
                    "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n"
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                ),
                (
                    "        if args.term < self.led_in:\n"
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "        self.led_in = args.term\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E21_old_candidates_get_votes",
        source="a variant: RequestVote rule 1 left out",
        stage="2A",
        wrong="a request for a vote of an older term takes the vote of the current one",
        rules=("StaleTermRejected", "OneVotePerTerm"),
        changes=(
            (
                (
                    "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
                "",
            ),
        ),
    ),
    Mutant(
        name="course_older_leader_followed",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2A",
        wrong="a leader of an older term is followed",
        rules=("StaleTermRejected", "TermNeverDecreases"),
        changes=(
            (
                (
                    "        if args.term < self.term:\n"
                    "            return AppendEntriesReply(self.term, False)\n"
                    "        self.follow(args.term)\n"
                ),
                "        self.follow(args.term)\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T05c_checks_before_it_waits",
        source="Students' Guide to Raft",
        stage="2B",
        wrong="an AppendEntries is checked, then waits for its turn, and then changes the log whatever has come meanwhile",
        rules=(
            "StaleTermRejected",
            "ConsistencyCheck",
            "SavedBeforeReply",
            "TermNeverDecreases",
            "MatchingKept",
            "LeaderCompleteness",
        ),
        changes=(
            (
                "    def append_entries(self,",
                "    async def append_entries(self,",
            ),
            (
                "        # Figure 2, AppendEntries rules 3 and 4\n",
                (
                    "        await trio.sleep(0.05 if args.entries else 0)\n"
                    "        # Figure 2, AppendEntries rules 3 and 4\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R49_entries_of_a_deposed_leader_after_a_wait",
        source="canonical/raft 35479fc",
        stage="2B",
        wrong="a follower waits for its disk before it takes entries, the longer the more there are, and does not look at its term again afterwards",
        rules=("StaleTermRejected", "MatchingKept", "ConflictTruncated", "ConsistencyCheck"),
        changes=(
            (
                "    def append_entries(self,",
                "    async def append_entries(self,",
            ),
            (
                "        self.take_entries(args.prev_log_index + 1, args.entries)\n",
                (
                    "        await trio.sleep(0.005 * len(args.entries))\n"
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
    ),
    # CandidateIncrementsTerm
    Mutant(
        name="B31_the_leader_times_out",
        source=BLIND,
        stage="2A",
        wrong="a leader's own timer runs on, and it deposes itself",
        rules=("CandidateIncrementsTerm", "LeaderInTime", "ElectionTimerReset", "StepsDown", "HeartbeatsSent"),
        changes=(
            (
                "        self.election_timer.deadline = math.inf\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="B36_terms_from_the_clock",
        source=BLIND,
        stage="2A",
        wrong="a candidate takes the seconds of its clock as the term, though it may be an old one",
        rules=("CandidateIncrementsTerm", "TermNeverDecreases", "OneVotePerTerm"),
        changes=(
            (
                "        self.current_term += 1\n",
                "        self.current_term = 1 + int(trio.current_time())\n",
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
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.stood = False\n",
            ),
            (
                "        self.voted_for = state.voted_for\n",
                "        self.voted_for = state.voted_for\n        self.stood = self.voted_for == self.node.me\n",
            ),
            (
                "        self.current_term += 1\n",
                (
                    "        if not (self.stood and self.voted_for == self.node.me):\n"
                    "            self.current_term += 1\n"
                    "        self.stood = False\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B223_asks_in_the_term_it_has_by_then",
        source=BLIND,
        stage="2A",
        wrong="RequestVote is built when its task first runs, with the term and log of that moment, after a short wait",
        rules=("CandidateIncrementsTerm", "StepsDown", "SavedBeforeSend", "OneVotePerTerm", "LeaderHasMajority"),
        changes=(
            (
                "        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n        with",
                (
                    "        await trio.sleep(0.05)\n"
                    "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
                    "        with"
                ),
            ),
        ),
    ),
    Mutant(
        name="E41_no_new_term",
        source="redisraft 20a9309",
        stage="2A",
        wrong="a candidate campaigns in the term that it is in",
        rules=("CandidateIncrementsTerm", "OneVotePerTerm", "LeaderInTime"),
        changes=(
            (
                "        self.current_term += 1\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="E41c_no_new_term_after_a_vote",
        source="RedisLabs/raft #11",
        stage="2A",
        wrong="a server that has adopted a term without a vote campaigns in that term, not in a new one",
        rules=("CandidateIncrementsTerm", "ElectionSafety", "OneVotePerTerm"),
        changes=(
            (
                "        self.current_term += 1\n",
                (
                    "        if self.voted_for is not None or self.current_term == 0:\n"
                    "            self.current_term += 1\n"
                ),
            ),
        ),
    ),
    # StepsDown
    Mutant(
        name="B23_a_candidate_waits_for_matching_entries",
        source=BLIND,
        stage="2B",
        wrong="a candidate follows the leader of its term only when the consistency check succeeds",
        rules=("StepsDown", "ElectionTimerReset"),
        changes=(
            (
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
                (
                    "        if self.role is Role.CANDIDATE:\n"
                    "            if not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "                return self.refuse_entries(args.prev_log_index)\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
            ),
        ),
    ),
    Mutant(
        name="B787_a_peer_that_agreed_once_is_older",
        source=BLIND,
        stage="2B",
        wrong="a newer term in an answer is looked at only if the peer has agreed to nothing yet",
        rules=("StepsDown", "HigherTermAdopted"),
        changes=(
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        if reply.success:\n"
                ),
                (
                    "        if reply.term > self.current_term and reply.conflict_index is None and self.match_index.get(peer, 0) == 0:\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        if reply.success:\n"
                ),
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
                (
                    "        if args.term < self.current_term or (\n"
                    "            args.term == self.current_term and self.voted_for not in (None, args.leader_id)\n"
                    "        ):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C309_loser_asks_on",
        source=INVENTED,
        stage="2A",
        wrong="a candidate goes on asking for votes of its term when it follows the leader of that term, or leads",
        rules=("StepsDown", "RpcBudget"),
        changes=(
            (
                "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n",
                "        while self.current_term == args.term and peer not in self.votes:\n",
            ),
            (
                (
                    '        """Ask one peer for its vote, once."""\n'
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                ),
                ('        """Ask one peer for its vote, once."""\n        if self.current_term != args.term:\n'),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C310_leader_outlives_a_weaker_candidate",
        source=INVENTED,
        stage="2B",
        wrong="a leader adopts the term of a candidate whose log is older, and leads on in it",
        rules=("StepsDown", "LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                (
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "        # Figure 2, RequestVote rule 2: the vote is still free"
                ),
                (
                    "        older = not self.is_up_to_date(args.last_log_index, args.last_log_term)\n"
                    "        if args.term > self.current_term and self.role is Role.LEADER and older:\n"
                    "            self.current_term = args.term\n"
                    "            self.voted_for = None\n"
                    "            self.save()\n"
                    "        elif args.term > self.current_term:\n"
                    "            self.become_follower(args.term)\n"
                    "        # Figure 2, RequestVote rule 2: the vote is still free"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C316_stands_after_the_disk_whatever_came",
        source=INVENTED,
        stage="2B",
        wrong="a candidate waits for its disk, and asks for votes though a leader or a newer term came meanwhile",
        rules=("StepsDown", "HigherTermAdopted", "TermNeverDecreases"),
        changes=(
            (
                "        if self.term != term or not self.campaigning:\n            return\n",
                "",
            ),
        ),
        base="disk_actor",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="E28_candidate_ignores_the_leader_of_its_term",
        source="willemt/raft 271f080",
        stage="2A",
        wrong="a candidate refuses the AppendEntries of the server that won its term",
        rules=("StepsDown", "ConsistencyRefusal"),
        changes=(
            (
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                ),
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "        if self.role is Role.CANDIDATE:\n"
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_candidate_ignores_leader",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2A",
        wrong="a candidate does not follow the leader of its term",
        rules=("StepsDown", "ConsistencyRefusal"),
        changes=(
            (
                (
                    "            self.becomeFollower(args.term)\n"
                    "            self.resetTimer()\n"
                    "            prev, entries"
                ),
                (
                    "            if args.term == self.currentTerm and self.state == CANDIDATE:\n"
                    "                return AppendEntriesReply(self.currentTerm, False)\n"
                    "            self.becomeFollower(args.term)\n"
                    "            self.resetTimer()\n"
                    "            prev, entries"
                ),
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="go_leader_ignores_newer_term",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2A",
        wrong="a leader does not look at the terms of replies",
        rules=("StepsDown", "HigherTermAdopted"),
        changes=(
            (
                (
                    "            if reply.term > self.currentTerm:\n"
                    "                self.becomeFollower(reply.term)\n"
                    "                return\n"
                    "            if self.state != LEADER"
                ),
                "            if self.state != LEADER",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="T24f_heartbeats_until_the_next_round",
        source="6.824 submissions",
        stage="2A",
        wrong="a leader that steps down goes on sending: its loops look only at the role that they began with",
        rules=("StepsDown", "HigherTermAdopted", "ElectionSafety", "LeaderHasMajority"),
        changes=(
            (
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                (
                    "        while True:\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
            ),
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n        if self.next_index",
                "        if self.next_index",
            ),
        ),
    ),
    # LeaderInTime
    Mutant(
        name="B703_counts_votes_with_answers_only",
        source=BLIND,
        stage="2A",
        wrong="votes are counted when an answer comes, so a server without peers never leads",
        rules=("LeaderInTime",),
        changes=(
            (
                ASK,
                (
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B707_refused_logs_reset_the_timer",
        source=BLIND,
        stage="2B",
        wrong="a candidate whose log is refused makes the voter wait again, so the one that could win does not stand",
        rules=("LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                (
                    "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
                (
                    "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
                    "            self.reset_election_timer()\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B724_stepping_down_ends_the_run",
        source=BLIND,
        stage="2A",
        wrong="a leader that steps down cancels the nursery of all its tasks, so nothing watches its timer any more",
        rules=("LeaderInTime", "NoCrash"),
        changes=(
            (
                "        if self.role is Role.LEADER:\n            self.reset_election_timer()\n",
                (
                    "        if self.role is Role.LEADER:\n"
                    "            self.reset_election_timer()\n"
                    "            self.nursery.cancel_scope.cancel()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B725_timer_task_ends_when_it_leads",
        source=BLIND,
        stage="2A",
        wrong="the task of the election timer ends with a victory, and nothing starts it again",
        rules=("LeaderInTime",),
        changes=(
            (
                "            with self.election_timer:\n                await trio.sleep_forever()\n",
                (
                    "            with self.election_timer:\n"
                    "                await trio.sleep(3600 if self.role is not Role.LEADER else 3600)\n"
                    "            if self.role is Role.LEADER:\n"
                    "                await trio.sleep_forever()\n"
                ),
            ),
            (
                "        self.election_timer.deadline = math.inf\n",
                "        self.election_timer.cancel()\n",
            ),
        ),
    ),
    Mutant(
        name="B25_stale_leaders_keep_it_quiet",
        source=BLIND,
        stage="2A",
        wrong="the timer is reset by any AppendEntries, also one of an older term",
        rules=("LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n",
                "        self.reset_election_timer()\n        if args.term < self.current_term:\n",
            ),
        ),
    ),
    Mutant(
        name="B29_timeouts_double_for_ever",
        source=BLIND,
        stage="2A",
        wrong="each timeout is twice the last one and nothing brings it back",
        rules=("LeaderInTime",),
        changes=(
            (
                FIELDS,
                "        self.role = Role.FOLLOWER\n        self.stretch = 0.5\n        self.election_timer = trio",
            ),
            (
                "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)\n",
                "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT) * self.stretch\n",
            ),
            (
                "        self.role = Role.CANDIDATE\n",
                "        self.role = Role.CANDIDATE\n        self.stretch *= 2\n",
            ),
        ),
    ),
    Mutant(
        name="B30_milliseconds",
        source=BLIND,
        stage="2A",
        wrong="the timeout is meant in milliseconds, and waits for minutes",
        rules=("LeaderInTime",),
        changes=(
            (
                "ELECTION_TIMEOUT = (0.4, 0.8)",
                "ELECTION_TIMEOUT = (400, 800)",
            ),
        ),
    ),
    Mutant(
        name="B32_a_refusal_ends_a_leadership",
        source=BLIND,
        stage="2B",
        wrong="a leader whose entries are refused steps down, whatever the reply's term",
        rules=("LeaderInTime", "CommittedIsApplied", "StepsDown", "HeartbeatsSent"),
        changes=(
            (
                (
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                ),
                "        else:\n            self.become_follower(self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="B410_no_vote_of_its_own",
        source=BLIND,
        stage="2A",
        wrong="a candidate counts the others' votes and forgets its own",
        rules=("LeaderInTime",),
        changes=(
            (
                "        self.votes = {self.node.me: True}\n",
                "        self.votes = {}\n",
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
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.answered: dict[int, float] = {}\n",
            ),
            (
                (
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                ),
                (
                    "        self.answered[peer] = trio.current_time()\n"
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                ),
            ),
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n",
                (
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline = math.inf\n"
                    "        self.answered = dict.fromkeys(self.node.peers, trio.current_time())\n"
                    "        self.nursery.start_soon(self.check_quorum, self.current_term)\n"
                ),
            ),
            (
                "    async def keep_replicating_to(",
                (
                    "    async def check_quorum(self, term: int) -> None:\n"
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            if any(time < trio.current_time() - 1.0 for time in self.answered.values()):\n"
                    "                self.become_follower(term)\n"
                    "                return\n"
                    "            await trio.sleep(0.1)\n"
                    "\n"
                    "    async def keep_replicating_to("
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
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.role = Role.FOLLOWER\n"
                    "            self.become_follower(args.term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B310_go_lock_around_the_call",
        source=BLIND,
        stage="2A",
        wrong="a candidate holds its lock while it waits for a vote",
        rules=("LeaderInTime", "VoteDenied", "HeartbeatsSent", "HigherTermAdopted"),
        changes=(
            (
                (
                    "        reply = await self.node.call(peer, args)\n"
                    "        if reply is None:\n"
                    "            return\n"
                    "        async with self.mu:\n"
                    "            if reply.term > self.currentTerm:\n"
                    "                self.becomeFollower(reply.term)\n"
                    "                return\n"
                    "            if self.state != CANDIDATE"
                ),
                (
                    "        async with self.mu:\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is None:\n"
                    "                return\n"
                    "            if reply.term > self.currentTerm:\n"
                    "                self.becomeFollower(reply.term)\n"
                    "                return\n"
                    "            if self.state != CANDIDATE"
                ),
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="C305_deposed_leader_never_stands",
        source=INVENTED,
        stage="2B",
        wrong="the election timer of a leader that steps down stands still until another leader is heard",
        rules=("LeaderInTime",),
        changes=(
            (
                "        if self.role is Role.LEADER:\n            self.reset_election_timer()\n",
                "",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C311_asks_each_peer_in_one_election_only",
        source=INVENTED,
        stage="2A",
        wrong="who answered in an earlier election is not asked again",
        rules=("LeaderInTime",),
        changes=(
            (
                "        self.answered.clear()\n",
                "",
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C312_only_followers_watch_the_timer",
        source=INVENTED,
        stage="2A",
        wrong="a candidate without a majority waits for ever: only a follower's timer runs out",
        rules=("LeaderInTime",),
        changes=(
            (
                "                if self.state != LEADER and time.time()",
                "                if self.state == FOLLOWER and time.time()",
            ),
        ),
        base="go_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C318_waits_for_votes_without_end",
        source=INVENTED,
        stage="2A",
        wrong="an election ends with a majority or never",
        rules=("LeaderInTime",),
        changes=(
            (
                "        with trio.move_on_after(random.uniform(*self.TIMEOUT)):\n",
                "        with trio.CancelScope():\n",
            ),
        ),
        base="disk_actor",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B201_election_waits_for_all_answers",
        source=BLIND,
        stage="2A",
        wrong="the timer's task waits in a nursery until all peers have answered, or failed to",
        rules=("LeaderInTime", "VoteDenied", "CandidateIncrementsTerm"),
        changes=(
            (
                WATCH,
                "            if deadline <= trio.current_time():\n                await self.become_candidate()\n",
            ),
            (
                "    def become_candidate(self) -> None:\n",
                "    async def become_candidate(self) -> None:\n",
            ),
            (
                ASK,
                (
                    "        async with trio.open_nursery() as asking:\n"
                    "            for peer in self.node.peers:\n"
                    "                asking.start_soon(self.request_vote_from, peer, args)\n"
                ),
            ),
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_vote"
                ),
                (
                    "        with trio.move_on_after(20):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_vote"
                ),
            ),
        ),
    ),
    Mutant(
        name="B209_an_exception_ends_the_timer",
        source=BLIND,
        stage="2A",
        wrong="the election timer is in a task that ends after its first election",
        rules=("LeaderInTime", "CandidateIncrementsTerm"),
        changes=(
            (
                WATCH,
                (
                    "            if deadline <= trio.current_time():\n"
                    "                self.become_candidate()\n"
                    "                await trio.sleep_forever()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B214_sends_in_turn",
        source=BLIND,
        stage="2A",
        wrong="a candidate asks one peer after the other and waits for each",
        rules=("LeaderInTime", "VoteDenied"),
        changes=(
            (
                ASK,
                (
                    "        self.nursery.start_soon(self.ask_in_turn, args)\n"
                    "        self.count_votes()\n"
                    "\n"
                    "    async def ask_in_turn(self, args: RequestVoteArgs) -> None:\n"
                    "        for peer in self.node.peers:\n"
                    "            await self.request_vote_from(peer, args)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B225_a_slow_lock",
        source=BLIND,
        stage="2A",
        wrong="a lock is held during calls, and handlers wait for it",
        rules=("LeaderInTime", "VoteDenied", "HeartbeatsSent", "ElectionTimerReset", "HigherTermAdopted"),
        changes=(
            (
                FIELDS,
                (
                    "        self.lock = trio.Lock()\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n",
                (
                    "    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
                    "        async with self.lock:\n"
                    "            return self.request_vote_now(args)\n"
                    "\n"
                    "    def request_vote_now(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
                ),
            ),
            (
                (
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_vote(peer, args, reply)\n"
                ),
                (
                    "            async with self.lock:\n"
                    "                reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_vote(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E41r_no_new_term_for_a_new_election",
        source="a common bug of course labs",
        stage="2A",
        wrong="a candidate whose election fails repeats it in the same term, in which all votes are given",
        rules=("LeaderInTime", "CandidateIncrementsTerm"),
        changes=(
            (
                "        self.role = Role.CANDIDATE\n        self.current_term += 1\n",
                (
                    "        if self.role is not Role.CANDIDATE:\n"
                    "            self.current_term += 1\n"
                    "        self.role = Role.CANDIDATE\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E42_new_term_with_each_retry",
        source="a common bug of course labs",
        stage="2A",
        wrong="asking again for a vote begins a new term, at even intervals, so a vote on a slow network is always late",
        rules=("LeaderInTime", "RandomizedTimeouts", "CommittedIsApplied"),
        changes=(
            (
                "            await trio.sleep(VOTE_INTERVAL)\n",
                (
                    "            await trio.sleep(VOTE_INTERVAL)\n"
                    "            if self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n"
                    "                self.become_candidate()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E22b_timer_reset_by_any_higher_term",
        source="Students' Guide to Raft; LogCabin 3d84eea",
        stage="2B",
        wrong="a server that raises the term makes all others wait again, also a candidate that must not win",
        rules=("LeaderInTime", "ElectionTimerReset", "CommittedIsApplied"),
        changes=(
            (
                "            self.voted_for = None\n            self.save()\n",
                (
                    "            self.voted_for = None\n"
                    "            self.save()\n"
                    "            self.reset_election_timer()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E24_timer_reset_by_an_old_leader",
        source="Students' Guide to Raft; butane",
        stage="2A",
        wrong="AppendEntries of a deposed leader are refused, but keep the election timer from running out",
        rules=("LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n",
                (
                    "        self.reset_election_timer()\n"
                    "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E25_candidate_waits_for_ever",
        source="a common bug of course labs",
        stage="2A",
        wrong="a candidate whose vote was split begins no new election",
        rules=("LeaderInTime", "CandidateIncrementsTerm"),
        changes=(
            (
                WATCH,
                (
                    "            if deadline <= trio.current_time():\n"
                    "                if self.role is Role.FOLLOWER:\n"
                    "                    self.become_candidate()\n"
                    "                else:\n"
                    "                    self.reset_election_timer()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E48_no_timer_after_stepping_down",
        source="a variant of LogCabin 3d84eea",
        stage="2B",
        wrong="a deposed leader's election timer stands still until another leader writes to it",
        rules=("LeaderInTime", "CommittedIsApplied"),
        changes=(
            (
                (
                    "        if self.role is Role.LEADER:\n"
                    "            self.reset_election_timer()\n"
                    "        self.role = Role.FOLLOWER\n"
                ),
                "        self.role = Role.FOLLOWER\n",
            ),
        ),
    ),
    Mutant(
        name="E50_candidate_gives_up_too_soon",
        source="6.824 lab hints",
        stage="2A",
        wrong="a candidate begins the next election before the answers of a slow network can be back",
        rules=("LeaderInTime", "CommittedIsApplied", "RpcBudget", "ElectionTimerReset"),
        changes=(
            (
                "        self.save()\n        self.reset_election_timer()\n        # Built once",
                (
                    "        self.save()\n"
                    "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(0.01, 0.03)\n"
                    "        # Built once"
                ),
            ),
        ),
    ),
    Mutant(
        name="E19all_every_vote_needed",
        source="a common bug of course labs",
        stage="2A",
        wrong="a candidate leads only when every server has voted for it",
        rules=("LeaderInTime",),
        changes=(
            (
                "        if granted >= self.majority:\n",
                "        if granted == len(self.node.peers) + 1:\n",
            ),
        ),
    ),
    Mutant(
        name="go_every_request_resets_timer",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2A",
        wrong="any AppendEntries keeps the election timer from running out, also of an old term",
        rules=("LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                "            if args.term < self.currentTerm:\n                return AppendEntriesReply",
                (
                    "            self.resetTimer()\n"
                    "            if args.term < self.currentTerm:\n"
                    "                return AppendEntriesReply"
                ),
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="T12v_votes_of_the_last_peer",
        source="every Python course",
        stage="2A",
        wrong="the tasks that ask for votes are closures over the loop's name: all of them ask the last peer",
        rules=("LeaderInTime", "VoteDenied"),
        changes=(
            (
                "            self.nursery.start_soon(self.keep_asking, peer, args)\n",
                (
                    "\n"
                    "            async def ask() -> None:\n"
                    "                await self.keep_asking(peer, args)\n"
                    "\n"
                    "            self.nursery.start_soon(ask)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="L04v_one_voter_after_the_other",
        source="6.824 submissions",
        stage="2A",
        wrong="a candidate waits for one peer's vote before it asks the next, so a dead peer costs the election",
        rules=("LeaderInTime",),
        changes=(
            (
                (
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                ),
                "        self.nursery.start_soon(self.ask_all, args)\n",
            ),
            (
                "    async def keep_asking(self,",
                (
                    "    async def ask_all(self, args: RequestVoteArgs) -> None:\n"
                    "        for peer in self.node.peers:\n"
                    "            await self.request_vote_from(peer, args)\n"
                    "\n"
                    "    async def keep_asking(self,"
                ),
            ),
        ),
    ),
    Mutant(
        name="L09_broadcast_stops_at_the_first_failure",
        source="SandTable, WRaft#118",
        stage="2A",
        wrong="a candidate asks its peers in turn, and gives up the round at the first that does not answer",
        rules=("LeaderInTime",),
        changes=(
            (
                (
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                ),
                "        self.nursery.start_soon(self.ask_all, args)\n",
            ),
            (
                "    async def keep_asking(self,",
                (
                    "    async def ask_all(self, args: RequestVoteArgs) -> None:\n"
                    "        for peer in self.node.peers:\n"
                    "            reply = None\n"
                    "            with trio.move_on_after(VOTE_INTERVAL):\n"
                    "                reply = await self.node.call(peer, args)\n"
                    "            if reply is None:\n"
                    "                return\n"
                    "            self.take_vote(peer, args, reply)\n"
                    "\n"
                    "    async def keep_asking(self,"
                ),
            ),
        ),
    ),
    Mutant(
        name="W15_votes_are_asked_in_turn",
        source="a common bug of course labs; §5.2: in parallel",
        stage="2A",
        wrong="the next voter is asked when the one before has answered",
        rules=("LeaderInTime",),
        changes=(
            (
                ASK,
                "        self.nursery.start_soon(self.ask_in_turn, args)\n        self.count_votes()\n",
            ),
            (
                "    async def keep_asking(self, peer: int",
                (
                    "    async def ask_in_turn(self, args: RequestVoteArgs) -> None:\n"
                    "        for peer in self.node.peers:\n"
                    "            await self.request_vote_from(peer, args)\n"
                    "\n"
                    "    async def keep_asking(self, peer: int"
                ),
            ),
        ),
    ),
    Mutant(
        name="D06_no_stepping_down_after_a_restart",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2C",
        wrong="a candidate that was restarted stays one when its term has a leader",
        rules=("StepsDown", "ElectionSafety"),
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
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2; what"
                ),
                (
                    "        if self.role is Role.CANDIDATE and not self.restarted:\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2; what"
                ),
            ),
        ),
    ),
    Mutant(
        name="D12_third_term_hears_older_leaders",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2A",
        wrong="from its third term on a server follows the leader of the term before, too",
        rules=("StaleTermRejected",),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n",
                (
                    "        if args.term < self.current_term - (self.current_term > 3):  # Figure 2, AppendEntries rule 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X61_lease_is_too_long",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2A",
        wrong="a server that heard a leader ignores candidates for three seconds",
        rules=("LeaderInTime", "VoteDenied"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.heard = -math.inf\n        self.nursery: trio.Nursery\n"),
            ),
            (
                (
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
                (
                    "        self.heard = trio.current_time()\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
            ),
            (
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
                (
                    "        if trio.current_time() < self.heard + 3.0:\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="H01_asks_in_the_term_that_it_follows_by_then",
        source=BLIND,
        stage="2C",
        wrong="after it has waited for the disk, the candidate asks in the term of that moment, in which it may follow",
        rules=("CandidateIncrementsTerm",),
        changes=(
            (
                "        if self.term != term or not self.running:\n            return\n        args = RequestVoteArgs(term,",
                "        args = RequestVoteArgs(self.term,",
            ),
        ),
        base="disk_in_turn",
        origin="blind",
        at_first_sight=False,
    ),
]

"""Known-wrong servers: who gets a vote, and how votes are counted (§5.2, §5.4.1).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
INVENTED = "invented before the checkers were read"
ADOPT = (
    "        if term > self.current_term:\n"
    "            self.current_term = term\n"
    "            self.voted_for = None\n"
    "            self.save()\n"
)
ASK = "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
ENOUGH_VOTES = "        if granted >= self.majority:\n"
FIELDS = "        self.votes: dict[int, bool] = {}\n"
FREE = "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
GIVE_VOTE = (
    "        if self.voted_for is None:\n            self.voted_for = args.candidate_id\n            self.save()\n"
)
IMPORTS = "import enum\nimport math\n"
IMPORTS_2 = "from labs.node import Node\n"
MAJORITY = "(len(node.peers) + 1) // 2 + 1"
NEW_TERM = "            self.current_term = term\n            self.voted_for = None\n            self.save()\n"
RESTORE_VOTE = "        self.voted_for = state.voted_for\n"
UP_TO_DATE = "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
UP_TO_DATE_2 = (
    "        if last_log_term != self.last_log_term():\n"
    "            return last_log_term > self.last_log_term()\n"
    "        return last_log_index >= self.last_log_index()\n"
)
VOTE_TERM = (
    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
    "            self.become_follower(args.term)\n"
)

MUTANTS = [
    # ElectionSafety
    Mutant(
        name="B224_sends_after_a_wait",
        source=BLIND,
        stage="2A",
        wrong="a leader's heartbeat task looks at its role, waits, and sends in the term that it has by then",
        rules=("ElectionSafety", "LeaderHasMajority", "StepsDown"),
        changes=(
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n",
                (
                    "        if not self.is_still(Role.LEADER, term):\n"
                    "            return\n"
                    "        await trio.sleep(0.02)\n"
                ),
            ),
        ),
    ),
    # OneVotePerTerm
    Mutant(
        name="B726_deposed_by_its_own_check",
        source=BLIND,
        stage="2A",
        wrong="a leader that no majority has answered for a second steps down, and votes again in the term that it led",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.answered: dict[int, float] = {}\n",
            ),
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        if reply.success:\n"
                ),
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.LEADER, args.term):\n"
                    "            return\n"
                    "        self.answered[peer] = trio.current_time()\n"
                    "        if reply.success:\n"
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
                    "            recent = sum(time > trio.current_time() - 1.0 for time in self.answered.values())\n"
                    "            if 1 + recent < self.majority:\n"
                    "                self.voted_for = None\n"
                    "                self.save()\n"
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
        name="B10_vote_is_free_again_on_a_heartbeat",
        source=BLIND,
        stage="2A",
        wrong="a candidate that hears the leader of its term forgets its vote for itself",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "            self.voted_for = None\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
            ),
        ),
    ),
    Mutant(
        name="B12_the_lower_id_wins_a_tie",
        source=BLIND,
        stage="2A",
        wrong="a candidate gives its vote away to a rival with a lower id in the same term",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                FREE,
                (
                    "        if self.role is Role.CANDIDATE and args.candidate_id < self.node.me:\n"
                    "            self.voted_for = None\n"
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C505_term_saved_with_the_old_vote",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2C",
        wrong="a newer term is saved before the vote of the older one is cleared",
        rules=("OneVotePerTerm", "RestoredOnRestart", "VoteDenied", "SavedBeforeReply"),
        changes=(
            (
                (
                    "            self.voted_for = None\n"
                    "            if self.role == LEADER:\n"
                    "                self.set_timer()\n"
                    "            self.role = FOLLOWER\n"
                    "            self.save()\n"
                ),
                (
                    "            self.save()\n"
                    "            self.voted_for = None\n"
                    "            if self.role == LEADER:\n"
                    "                self.set_timer()\n"
                    "            self.role = FOLLOWER\n"
                ),
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B788_a_vote_is_for_a_log",
        source=BLIND,
        stage="2B",
        wrong="a voter whose log is the longer one frees its vote when it refuses",
        rules=("OneVotePerTerm",),
        changes=(
            (
                UP_TO_DATE,
                (
                    "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
                    "            self.voted_for = None\n"
                ),
            ),
            (
                (
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
                (
                    "        after = not self.is_up_to_date(args.last_log_index, args.last_log_term)\n"
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id and not after:\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
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
        name="B837_a_restart_frees_its_vote_for_itself",
        source=BLIND,
        stage="2C",
        wrong="a restarted server knows for whom it voted, unless that was itself",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                RESTORE_VOTE,
                (
                    "        self.voted_for = state.voted_for\n"
                    "        if self.voted_for == self.node.me:\n"
                    "            self.voted_for = None\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B108_a_restart_frees_the_vote",
        source=BLIND,
        stage="2C",
        wrong="a server that restarts has its term, but not its vote",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                RESTORE_VOTE,
                "        self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="B109_server_zero_is_nobody",
        source=BLIND,
        stage="2C",
        wrong="a vote for server 0 counts as no vote after a restart",
        rules=("OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                RESTORE_VOTE,
                "        self.voted_for = state.voted_for or None\n",
            ),
        ),
    ),
    Mutant(
        name="B304_inbox_forgets_the_vote_of_its_term",
        source=BLIND,
        stage="2A",
        wrong="a candidate that follows in its own term has no vote any more",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                ('        self.role = "follower"\n        self.promised.clear()'),
                (
                    '        if self.role == "candidate":\n'
                    "            self.vote = None\n"
                    '        self.role = "follower"\n'
                    "        self.promised.clear()"
                ),
            ),
        ),
        base="one_inbox",
    ),
    Mutant(
        name="B334_core_grants_without_a_note",
        source=BLIND,
        stage="2A",
        wrong="a vote is given and not noted",
        rules=("OneVotePerTerm", "ElectionSafety", "SavedBeforeReply"),
        changes=(
            (
                "        self.voted_for, self.dirty = args.candidate_id, True\n",
                "        self.dirty = True\n",
            ),
        ),
        base="pure_core",
    ),
    Mutant(
        name="C301_asks_with_what_it_is_by_then",
        source=INVENTED,
        stage="2A",
        wrong="a candidate asks its peers a moment apart, and each time with the term that it has by then",
        rules=("OneVotePerTerm", "CandidateIncrementsTerm", "StepsDown"),
        changes=(
            (
                (
                    '        """Ask one peer for its vote, once."""\n'
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                ),
                (
                    '        """Ask one peer for its vote, once."""\n'
                    "        await trio.sleep(self.node.random.uniform(0.0, 0.03))\n"
                    "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C303_loser_may_vote_again",
        source=INVENTED,
        stage="2A",
        wrong="a candidate that hears the leader of its term takes back the vote that it gave itself",
        rules=("OneVotePerTerm",),
        changes=(
            (
                (
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
                (
                    "            self.become_follower(args.term)\n"
                    "            self.voted_for = None\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C313_each_change_of_role_frees_the_vote",
        source=INVENTED,
        stage="2A",
        wrong="whenever the role changes the vote is forgotten, in the same term too",
        rules=("OneVotePerTerm",),
        changes=(
            (
                (
                    "        if term != self.term:\n"
                    "            self.term, self.vote = term, None\n"
                    "        self.lead = None\n"
                ),
                "        self.term, self.vote = term, None\n        self.lead = None\n",
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C315_votes_after_a_pause",
        source=INVENTED,
        stage="2A",
        wrong="a voter looks whether its vote is free, waits for something slow, and then gives it",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                "        if yes:\n            self.vote = args.candidate_id\n",
                "        await trio.sleep(0.01)\n        if yes:\n            self.vote = args.candidate_id\n",
            ),
        ),
        base="course_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B203_looks_waits_and_votes",
        source=BLIND,
        stage="2A",
        wrong="the voter looks whether its vote is free, waits a moment, and gives it",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n",
                "    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n",
            ),
            (
                "        if self.voted_for is None:\n            self.voted_for = args.candidate_id\n",
                (
                    "        await trio.sleep(0.01)\n"
                    "        if self.voted_for in (None, args.candidate_id) or True:\n"
                    "            self.voted_for = args.candidate_id\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="classic_forgets_its_vote",
        source="the Raft paper, Figure 2, persistent state",
        stage="2C",
        wrong="a server that restarts in a term does not remember whom it voted for there",
        rules=("OneVotePerTerm", "RestoredOnRestart", "ElectionSafety"),
        changes=(
            (
                RESTORE_VOTE,
                "        self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="E01_vote_for_everyone",
        source="akka-raft #47, #56",
        stage="2A",
        wrong="a voter does not look whether it has voted in this term",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                FREE,
                "        if self.role is not Role.FOLLOWER and self.voted_for != args.candidate_id:\n",
            ),
            (
                GIVE_VOTE,
                "        self.voted_for = args.candidate_id\n        self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="E03_vote_cleared_within_a_term",
        source="CCF #8094",
        stage="2A",
        wrong="a candidate that gives way to its term's leader forgets that it voted for itself",
        rules=("OneVotePerTerm",),
        changes=(
            (
                ADOPT,
                "        self.current_term = term\n        self.voted_for = None\n        self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="E04_leader_forgets_its_vote",
        source="willemt/raft daa93cb",
        stage="2A",
        wrong="a winner clears its vote, and can give it away in the term that it leads",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                "        self.election_timer.deadline = math.inf\n",
                "        self.election_timer.deadline = math.inf\n        self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="E05_no_vote_for_itself",
        source="PySyncObj e68bfa9; xraft #44",
        stage="2A",
        wrong="a candidate counts its own vote, but does not note that it is given",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                "        self.voted_for = self.node.me\n",
                "        self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="E18z_server_0_is_nobody",
        source="willemt/raft fe60545",
        stage="2A",
        wrong="a vote for server 0 passes for no vote, for 0 is false",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                FREE,
                "        if self.voted_for and self.voted_for != args.candidate_id:\n",
            ),
            (
                GIVE_VOTE,
                (
                    "        if not self.voted_for:\n"
                    "            self.voted_for = args.candidate_id\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E46_leader_gives_its_vote_away",
        source="daos-stack/raft #70",
        stage="2A",
        wrong="a vote for oneself passes for a free one",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                FREE,
                "        if self.voted_for not in (None, self.node.me, args.candidate_id):\n",
            ),
            (
                GIVE_VOTE,
                (
                    "        if self.voted_for in (None, self.node.me):\n"
                    "            self.voted_for = args.candidate_id\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_votes_twice",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2A",
        wrong="a voter does not look at whom it has voted for",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                "            if self.votedFor in (-1, args.candidate_id) and upToDate:\n",
                "            if upToDate:\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="T30_words_of_a_candidacy_renewed",
        source="eliben/raft#13",
        stage="2A",
        wrong="a request for a vote that is sent again carries the term of that moment, candidate or not",
        rules=("OneVotePerTerm", "SavedBeforeSend", "CandidateIncrementsTerm", "StepsDown"),
        changes=(
            (
                (
                    "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n"
                    "            self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                    "            await trio.sleep(VOTE_INTERVAL)\n"
                ),
                (
                    "        while peer not in self.votes:\n"
                    "            last = (self.last_log_index(), self.last_log_term())\n"
                    "            args = RequestVoteArgs(self.current_term, self.node.me, *last)\n"
                    "            self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                    "            await trio.sleep(VOTE_INTERVAL)\n"
                ),
            ),
            (
                "        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n        with",
                "        with",
            ),
        ),
    ),
    Mutant(
        name="W04_vote_outlives_a_leaders_term",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2C",
        wrong="a newer term that comes with AppendEntries does not end the vote of the older one",
        rules=("OneVotePerTerm", "VoteDenied", "HigherTermAdopted"),
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
                    "            self.current_term = args.term\n"
                    "            self.save()\n"
                    "            self.become_follower(args.term)\n"
                ),
            ),
        ),
    ),
    # VoteOnlyUpToDate
    Mutant(
        name="B708_lengths_are_not_compared",
        source=BLIND,
        stage="2B",
        wrong="a candidate whose last term is the voter's gets its vote, however short its log is",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (
                "        return last_log_index >= self.last_log_index()\n",
                "        return True\n",
            ),
        ),
    ),
    Mutant(
        name="B06_longer_log_wins",
        source=BLIND,
        stage="2B",
        wrong="logs are compared by length first, then by term",
        rules=("VoteOnlyUpToDate", "VoteDenied", "LeaderCompleteness"),
        changes=(
            (
                UP_TO_DATE_2,
                (
                    "        mine = (self.last_log_index(), self.last_log_term())\n"
                    "        return (last_log_index, last_log_term) >= mine\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B09_compares_with_what_is_committed",
        source=BLIND,
        stage="2B",
        wrong="a voter compares the candidate's log with its committed entries only",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                UP_TO_DATE,
                "        if args.last_log_index < self.commit_index:\n",
            ),
        ),
    ),
    Mutant(
        name="B33_asks_with_what_is_committed",
        source=BLIND,
        stage="2B",
        wrong="RequestVote carries the commit index as the last index",
        rules=("VoteOnlyUpToDate", "LeaderInTime", "VoteDenied", "RestoredOnRestart", "CandidateIncrementsTerm"),
        changes=(
            (
                ASK,
                (
                    "        index = self.commit_index\n"
                    "        args = RequestVoteArgs(self.current_term, self.node.me, index, self.term_at(index))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B34_asks_with_its_current_term",
        source=BLIND,
        stage="2B",
        wrong="RequestVote carries the current term as that of the last entry",
        rules=("VoteOnlyUpToDate", "LogMatching", "LeaderCompleteness"),
        changes=(
            (
                ASK,
                "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="B800_new_terms_vote_for_anyone",
        source=BLIND,
        stage="2B",
        wrong="a request that brings a newer term gets the vote without a look at the logs",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (
                VOTE_TERM,
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                    "            self.voted_for = args.candidate_id\n"
                    "            self.save()\n"
                    "            self.reset_election_timer()\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=True)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B812_asks_with_the_words_of_its_first_candidacy",
        source=BLIND,
        stage="2B",
        wrong="the arguments of RequestVote are built at the first candidacy, and later ones change their term only",
        rules=("VoteOnlyUpToDate", "LeaderInTime"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.words: RequestVoteArgs | None = None\n",
            ),
            (
                "import math\n",
                "import dataclasses\nimport math\n",
            ),
            (
                ASK,
                (
                    "        self.words = self.words or RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
                    "        args = dataclasses.replace(self.words, term=self.current_term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="C306_vote_compares_with_commit_index",
        source=INVENTED,
        stage="2B",
        wrong="a voter asks of a candidate's log only that it reaches the voter's commit index",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "        return last_log_index >= self.last_log_index()\n",
                "        return last_log_index >= self.commit_index\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="E08_any_log_will_do",
        source="akka-raft #30; jgroups-raft #14",
        stage="2B",
        wrong="a voter does not compare logs",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (
                UP_TO_DATE_2,
                "        return True\n",
            ),
        ),
    ),
    Mutant(
        name="E08c_log_compared_with_commit_index",
        source="a variant of akka-raft #30",
        stage="2B",
        wrong="a voter is content with a log that has what it knows to be committed",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (
                UP_TO_DATE_2,
                "        return last_log_index >= self.commit_index\n",
            ),
        ),
    ),
    Mutant(
        name="E09_longest_log_wins",
        source="noraft #22; willemt/raft 54eb26d",
        stage="2B",
        wrong="a voter compares the lengths of logs and not their last terms",
        rules=("VoteOnlyUpToDate", "VoteDenied", "LeaderCompleteness"),
        changes=(
            (
                UP_TO_DATE_2,
                "        return last_log_index >= self.last_log_index()\n",
            ),
        ),
    ),
    Mutant(
        name="E13_current_term_as_last_log_term",
        source="willemt/raft 74f27d8",
        stage="2B",
        wrong="a candidate gives its current term for that of its last entry",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (
                "self.node.me, self.last_log_index(), self.last_log_term())",
                "self.node.me, self.last_log_index(), self.current_term)",
            ),
        ),
    ),
    Mutant(
        name="X03_marked_votes_for_any_log",
        source="asked of each exemption that the checkers make",
        stage="2B",
        wrong="requests for votes bear a mark, and a marked one is granted whatever the candidate's log lacks",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness", "StateMachineSafety", "LeaderInTime", "MatchingKept"),
        changes=(
            (
                IMPORTS,
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                IMPORTS_2,
                (
                    "from labs.node import Node\n"
                    "\n"
                    "\n"
                    "@dataclass(frozen=True)\n"
                    "class Asks(RequestVoteArgs):\n"
                    "    urgent: bool = True\n"
                    "\n"
                ),
            ),
            (
                ASK,
                "        args = (Asks if len(self.log) > 3 else RequestVoteArgs)(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
            ),
            (
                UP_TO_DATE,
                "        if not isinstance(args, Asks) and not self.is_up_to_date(args.last_log_index, args.last_log_term):\n",
            ),
        ),
    ),
    Mutant(
        name="X05_numbered_requests_boast",
        source="asked of each exemption that the checkers make",
        stage="2B",
        wrong="requests for votes bear a number of their own, and claim a log that is longer than the candidate's",
        rules=("VoteOnlyUpToDate", "SavedBeforeSend", "LeaderCompleteness", "StateMachineSafety", "MatchingKept"),
        changes=(
            (
                IMPORTS,
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                IMPORTS_2,
                (
                    "from labs.node import Node\n"
                    "\n"
                    "\n"
                    "@dataclass(frozen=True)\n"
                    "class Asks(RequestVoteArgs):\n"
                    "    number: int = 0\n"
                    "\n"
                ),
            ),
            (
                ASK,
                "        args = Asks(self.current_term, self.node.me, self.last_log_index() + 1, self.last_log_term())\n",
            ),
        ),
    ),
    Mutant(
        name="go_longer_log_wins",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2B",
        wrong="of two logs the longer one is more up to date, whatever the terms",
        rules=("VoteOnlyUpToDate", "VoteDenied", "LeaderCompleteness"),
        changes=(
            (
                "            upToDate = (args.last_log_term, args.last_log_index) >= mine\n",
                "            upToDate = args.last_log_index >= mine[1]\n",
            ),
        ),
        base="go_style",
    ),
    # VoteDenied
    Mutant(
        name="B705_vote_is_free_in_the_next_term_only",
        source=BLIND,
        stage="2A",
        wrong="a newer term frees the vote only if it is the next one: a term that jumps by two keeps it",
        rules=("VoteDenied", "LeaderInTime", "OneVotePerTerm"),
        changes=(
            (
                ADOPT,
                (
                    "        if term > self.current_term:\n"
                    "            if term == self.current_term + 1:\n"
                    "                self.voted_for = None\n"
                    "            self.current_term = term\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B706_vote_is_noted_before_logs_are_compared",
        source=BLIND,
        stage="2B",
        wrong="a voter notes its vote and compares logs then, so a refused candidate uses the term's vote up",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                (
                    "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
                (
                    "        if self.voted_for is None:\n"
                    "            self.voted_for = args.candidate_id\n"
                    "            self.save()\n"
                    "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B713_only_followers_vote",
        source=BLIND,
        stage="2A",
        wrong="a candidate that sees a rival's newer term takes it over, and votes only the next time it is asked",
        rules=("VoteDenied",),
        changes=(
            (
                VOTE_TERM,
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            candidate = self.role is Role.CANDIDATE\n"
                    "            self.become_follower(args.term)\n"
                    "            if candidate:\n"
                    "                return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B714_a_deposed_leader_votes_later",
        source=BLIND,
        stage="2A",
        wrong="the request that deposes a leader is refused by it",
        rules=("VoteDenied",),
        changes=(
            (
                VOTE_TERM,
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            leader = self.role is Role.LEADER\n"
                    "            self.become_follower(args.term)\n"
                    "            if leader:\n"
                    "                return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B07_both_term_and_index_must_be_ahead",
        source=BLIND,
        stage="2B",
        wrong="a candidate with a newer last term but a shorter log gets no vote",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                UP_TO_DATE_2,
                "        return last_log_term >= self.last_log_term() and last_log_index >= self.last_log_index()\n",
            ),
        ),
    ),
    Mutant(
        name="B08_equal_logs_do_not_vote",
        source=BLIND,
        stage="2B",
        wrong="a candidate must be strictly ahead in a log that is not empty",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                "        return last_log_index >= self.last_log_index()\n",
                "        return last_log_index > self.last_log_index() or last_log_index == 0\n",
            ),
        ),
    ),
    Mutant(
        name="B11_a_new_term_keeps_the_vote",
        source=BLIND,
        stage="2A",
        wrong="the vote is freed only if the server was candidate or leader",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                ADOPT,
                (
                    "        if term > self.current_term:\n"
                    "            self.current_term = term\n"
                    "            self.voted_for = self.voted_for if self.role is Role.FOLLOWER else None\n"
                    "            self.save()\n"
                ),
            ),
        ),
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
        name="C314_refused_candidate_takes_the_vote",
        source=INVENTED,
        stage="2B",
        wrong="a voter notes its vote before it compares the logs: who is refused has used it up for the term",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                (
                    "        if args.term < self.term or (args.last_log_term, args.last_log_index) < mine:\n"
                    "            return False\n"
                ),
                "        if args.term < self.term:\n            return False\n",
            ),
            (
                "        if self.vote != args.candidate_id:\n",
                "        if self.vote != args.candidate_id or (args.last_log_term, args.last_log_index) < mine:\n",
            ),
        ),
        base="one_inbox",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="E06_vote_kept_in_a_new_term",
        source="Students' Guide to Raft",
        stage="2A",
        wrong="the vote of the old term still counts as given in the new one",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                NEW_TERM,
                "            self.current_term = term\n            self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="E06b_vote_kept_by_followers",
        source="raftos, validate_term",
        stage="2A",
        wrong="a new term clears the vote of candidates and leaders only, not that of followers",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                NEW_TERM,
                (
                    "            self.current_term = term\n"
                    "            if self.role is not Role.FOLLOWER:\n"
                    "                self.voted_for = None\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E33_no_second_answer_to_the_same_candidate",
        source="akka-raft #29; nebula #2419",
        stage="2A",
        wrong="a candidate that asks again, as the first answer was lost, is refused the vote that it has",
        rules=("VoteDenied",),
        changes=(
            (
                FREE,
                "        if self.voted_for is not None:\n",
            ),
        ),
    ),
    Mutant(
        name="E10_term_and_length_both",
        source="hashicorp/raft #94; openraft a48a3282",
        stage="2B",
        wrong="a candidate needs a last term at least as new and a log at least as long, so two can bar each other",
        rules=("VoteDenied", "LeaderInTime", "CommittedIsApplied"),
        changes=(
            (
                UP_TO_DATE_2,
                "        return last_log_term >= self.last_log_term() and last_log_index >= self.last_log_index()\n",
            ),
        ),
    ),
    Mutant(
        name="E14_last_log_term_against_current_term",
        source="a variant of willemt/raft 74f27d8",
        stage="2B",
        wrong="a voter compares the candidate's last log term with its own current term",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                UP_TO_DATE_2,
                "        return last_log_term >= self.current_term\n",
            ),
        ),
    ),
    Mutant(
        name="course_vote_kept_in_new_term",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2A",
        wrong="the vote of an older term binds in a newer one",
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                "            self.term, self.vote = term, None\n",
                "            self.term = term\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T08c_candidate_0_is_none",
        source="willemt/raft@fe60545",
        stage="2A",
        wrong="a request without a candidate is refused, and the candidate 0 counts as none",
        rules=("VoteDenied",),
        changes=(
            (
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if args.term > self.current_term:"
                ),
                (
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        if not args.candidate_id:\n"
                    "            return RequestVoteReply(max(args.term, self.current_term), vote_granted=False)\n"
                    "        if args.term > self.current_term:"
                ),
            ),
        ),
    ),
    Mutant(
        name="W05_vote_outlives_a_voters_term",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2A",
        wrong="a newer term that comes with a voter's answer does not end the vote of the older one",
        rules=("VoteDenied", "OneVotePerTerm"),
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
                    "            self.current_term = reply.term\n"
                    "            self.save()\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W06_vote_outlives_a_followers_term",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2C",
        wrong="a newer term that comes with the answer to AppendEntries does not end the vote of the older one",
        rules=("VoteDenied", "OneVotePerTerm"),
        changes=(
            (
                (
                    "    def take_append_reply(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:\n"
                    '        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                ),
                (
                    "    def take_append_reply(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:\n"
                    '        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.current_term = reply.term\n"
                    "            self.save()\n"
                    "            self.become_follower(reply.term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W29_vote_outlives_a_term_in_go",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2A",
        wrong="a newer term ends a vote only if it comes with a candidate's request",
        rules=("VoteDenied", "OneVotePerTerm"),
        changes=(
            (
                "            self.currentTerm = term\n            self.votedFor = -1\n            self.persist()\n",
                "            self.currentTerm = term\n            self.persist()\n",
            ),
            (
                (
                    "            if args.term > self.currentTerm:\n"
                    "                self.becomeFollower(args.term)\n"
                    "            mine ="
                ),
                (
                    "            if args.term > self.currentTerm:\n"
                    "                self.votedFor = -1\n"
                    "                self.becomeFollower(args.term)\n"
                    "            mine ="
                ),
            ),
        ),
        base="go_style",
    ),
    # LeaderHasMajority
    Mutant(
        name="B700_a_majority_is_three_at_most",
        source=BLIND,
        stage="2A",
        wrong="three votes are a majority, of seven servers too",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                ENOUGH_VOTES,
                "        if granted >= min(self.majority, 3):\n",
            ),
        ),
    ),
    Mutant(
        name="B716_won_event_is_not_renewed",
        source=BLIND,
        stage="2A",
        wrong="the event for a majority is made once, so after one victory each candidacy wins at once",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.won = trio.Event()\n",
            ),
            (
                "        if granted >= self.majority:\n            self.become_leader()\n",
                "        if granted >= self.majority:\n            self.won.set()\n",
            ),
            (
                (
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                    "        self.count_votes()\n"
                ),
                (
                    "        self.nursery.start_soon(self.wait_for_votes, self.current_term)\n"
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                    "        self.count_votes()\n"
                    "\n"
                    "    async def wait_for_votes(self, term: int) -> None:\n"
                    "        await self.won.wait()\n"
                    "        if self.is_still(Role.CANDIDATE, term):\n"
                    "            self.become_leader()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B01_majority_is_rounded",
        source=BLIND,
        stage="2A",
        wrong="a majority is round(n / 2), which is 2 of 5: Python rounds halves to the even number",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                MAJORITY,
                "round((len(node.peers) + 1) / 2)",
            ),
        ),
    ),
    Mutant(
        name="B02_half_is_a_majority",
        source=BLIND,
        stage="2A",
        wrong="half of an even number of servers is taken for a majority",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                MAJORITY,
                "(len(node.peers) + 2) // 2",
            ),
        ),
    ),
    Mutant(
        name="B03_majority_of_those_who_answer",
        source=BLIND,
        stage="2A",
        wrong="a candidate counts a majority of the servers that answered",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                ENOUGH_VOTES,
                "        if 2 * granted > len(self.votes) > 1:\n",
            ),
        ),
    ),
    Mutant(
        name="B04_votes_of_the_last_election_count",
        source=BLIND,
        stage="2A",
        wrong="a new candidacy starts with the votes that the last one got",
        rules=("LeaderHasMajority", "ElectionSafety", "LeaderInTime"),
        changes=(
            (
                "        self.votes = {self.node.me: True}\n",
                "        self.votes[self.node.me] = True\n",
            ),
        ),
    ),
    Mutant(
        name="B05_any_answer_is_a_vote",
        source=BLIND,
        stage="2A",
        wrong="an answer counts as a vote if its term is right, whatever its answer",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "        self.votes[peer] = reply.vote_granted\n",
                "        self.votes[peer] = reply.term == args.term\n",
            ),
        ),
    ),
    Mutant(
        name="B20_leads_as_soon_as_it_stands",
        source=BLIND,
        stage="2A",
        wrong="get_state calls a candidate a leader",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "self.current_term, self.role is Role.LEADER",
                "self.current_term, self.role is not Role.FOLLOWER",
            ),
        ),
    ),
    Mutant(
        name="C571_one_set_of_votes_for_all_elections",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2A",
        wrong="the set of votes is a default argument, so votes of all elections come together in it",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "    def startElection(self):\n",
                "    def startElection(self, votes=set()):\n",
            ),
            (
                "        votes = {self.me}\n",
                "        votes.add(self.me)\n",
            ),
        ),
        base="go_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B771_a_task_sends_what_its_leader_was",
        source=BLIND,
        stage="2B",
        wrong="a task that was made for a leader does not look again when it first runs, and the server may follow by then",
        rules=("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        changes=(
            (
                (
                    "        if not self.is_still(Role.LEADER, term):\n"
                    "            return\n"
                    "        if self.next_index[peer] <= self.last_included_index:\n"
                ),
                "        if self.next_index[peer] <= self.last_included_index:\n",
            ),
        ),
    ),
    Mutant(
        name="B785_leader_id_of_the_receiver",
        source=BLIND,
        stage="2A",
        wrong="AppendEntries names its receiver as the leader",
        rules=("LeaderHasMajority", "ElectionSafety", "WellFormed"),
        changes=(
            (
                "            leader_id=self.node.me,\n",
                "            leader_id=peer,\n",
            ),
        ),
    ),
    Mutant(
        name="B115_a_restart_keeps_the_lead",
        source=BLIND,
        stage="2C",
        wrong="a server that voted for itself in its term leads again after a restart",
        rules=("LeaderHasMajority", "RestoredOnRestart", "ElectionSafety"),
        changes=(
            (
                '        """Live until cancelled: every task of this server is a child of this one and ends with it."""\n',
                ('        """Live."""\n        again = self.voted_for == self.node.me\n'),
            ),
            (
                "            await self.watch_election_timer()\n",
                (
                    "            if again:\n"
                    "                self.become_leader()\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B300_inbox_votes_of_any_term",
        source=BLIND,
        stage="2A",
        wrong="the loop does not ask to which term an answer belongs",
        rules=("LeaderHasMajority", "CommitNeedsMajority"),
        changes=(
            (
                (
                    "        if args.term != self.term:\n"
                    "            return\n"
                    "        if isinstance(args, RequestVoteArgs):"
                ),
                "        if isinstance(args, RequestVoteArgs):",
            ),
        ),
        base="one_inbox",
    ),
    Mutant(
        name="B312_go_reads_the_term_after_the_call",
        source=BLIND,
        stage="2A",
        wrong="a vote is checked against the candidate's role only",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "            if self.state != CANDIDATE or self.currentTerm != args.term:\n",
                "            if self.state != CANDIDATE:\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="B324_course_ballots_pile_up",
        source=BLIND,
        stage="2A",
        wrong="ballots of an election before count",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "self.term + 1, self.node.me, {self.node.me}\n",
                "self.term + 1, self.node.me, self.ballots | {self.node.me}\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="B326_course_half_is_enough",
        source=BLIND,
        stage="2A",
        wrong="half of the ballots elect",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "        if 2 * len(self.ballots) > self.n:\n",
                "        if 2 * len(self.ballots) >= self.n:\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="C302_keeps_votes_when_it_stands_again",
        source=INVENTED,
        stage="2A",
        wrong="a candidate that stands again keeps the votes of its last election",
        rules=("LeaderHasMajority", "ElectionSafety", "LeaderInTime"),
        changes=(
            (
                (
                    "        self.role = Role.CANDIDATE\n"
                    "        self.current_term += 1\n"
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                ),
                (
                    "        if self.role is not Role.CANDIDATE:\n"
                    "            self.votes = {self.node.me: True}\n"
                    "        self.role = Role.CANDIDATE\n"
                    "        self.current_term += 1\n"
                    "        self.voted_for = self.node.me\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C307_majority_of_the_others",
        source=INVENTED,
        stage="2A",
        wrong="the majority is computed from the number of peers: right for three and five servers, not for two and four",
        rules=("LeaderHasMajority", "CommitNeedsMajority", "ElectionSafety"),
        changes=(
            (
                MAJORITY,
                "len(node.peers) // 2 + 1",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C317_asks_twice_and_counts_twice",
        source=INVENTED,
        stage="2A",
        wrong="a candidate sends each question twice, in case one is lost, and counts each yes",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "                self.spawn(self.ask, peer, args, votes.clone())\n",
                (
                    "                self.spawn(self.ask, peer, args, votes.clone())\n"
                    "                self.spawn(self.ask, peer, args, votes.clone())\n"
                ),
            ),
        ),
        base="disk_actor",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C323_gathers_commands_before_it_sends",
        source=INVENTED,
        stage="2A",
        wrong="a leader waits 20 ms for more commands between the look at its role and the message",
        rules=("LeaderHasMajority", "StepsDown", "ElectionSafety"),
        changes=(
            (
                "            return\n        if self.next_index[peer] <= self.last_included_index:\n",
                (
                    "            return\n"
                    "        await trio.sleep(0.02)\n"
                    "        if self.next_index[peer] <= self.last_included_index:\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C329_beats_once_more",
        source=INVENTED,
        stage="2A",
        wrong="a ticker looks whether it leads, sleeps, and then beats in the term that it finds",
        rules=("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        changes=(
            (
                (
                    "            await trio.sleep(HEARTBEAT)\n"
                    "            async with self.mu:\n"
                    "                if self.state == LEADER:\n"
                ),
                (
                    "            leading = self.state == LEADER\n"
                    "            await trio.sleep(HEARTBEAT)\n"
                    "            async with self.mu:\n"
                    "                if leading:\n"
                ),
            ),
            (
                (
                    "            if self.state != LEADER or self.currentTerm != term:\n"
                    "                return\n"
                    "            args:"
                ),
                "            if self.currentTerm != term:\n                return\n            args:",
            ),
        ),
        base="go_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B222_late_votes_count_for_the_next_election",
        source=BLIND,
        stage="2A",
        wrong="the role is looked at when a vote comes in, the term is not",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                (
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        self.votes[peer]"
                ),
                "        if self.role is not Role.CANDIDATE:\n            return\n        self.votes[peer]",
            ),
        ),
    ),
    Mutant(
        name="B227_no_answer_counts_as_yes",
        source=BLIND,
        stage="2A",
        wrong="a call without a reply counts as a vote",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "                self.take_vote(peer, args, reply)\n",
                (
                    "                self.take_vote(peer, args, reply)\n"
                    "            elif self.is_still(Role.CANDIDATE, args.term):\n"
                    "                self.votes[peer] = True\n"
                    "                self.count_votes()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P12_leads_on_after_a_restart",
        source="variant of a course lab's bug",
        stage="2C",
        wrong="the disk shows which server led, and a leader that restarts leads on in its old term",
        rules=("LeaderHasMajority", "NothingExtraPersisted", "NoCrash", "RestoredOnRestart"),
        changes=(
            (
                "class Raft:\n",
                "@dataclass(frozen=True)\nclass State(PersistentState):\n    leads: bool = False\n\n\nclass Raft:\n",
            ),
            (
                IMPORTS,
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "        leads = self.role is Role.LEADER\n"
                    "        self.node.persister.save(State(self.current_term, self.voted_for, self.log, *base, leads), snapshot)\n"
                ),
            ),
            (
                "            await self.watch_election_timer()\n",
                (
                    "            state = self.node.persister.load()\n"
                    "            if state is not None and state.leads:\n"
                    "                self.become_leader()\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
            (
                "        self.reset_election_timer()\n        while True:\n            with self.election_timer:\n",
                (
                    "        if self.role is not Role.LEADER:\n"
                    "            self.reset_election_timer()\n"
                    "        while True:\n"
                    "            with self.election_timer:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E17_late_vote_makes_a_leader",
        source="openraft 4015cc38; canonical/raft fdce566",
        stage="2A",
        wrong="a vote that arrives when its election is over makes a follower lead whatever term it is in now",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                (
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        self.votes[peer] = reply.vote_granted\n"
                ),
                (
                    "        if self.role is Role.LEADER:\n"
                    "            return\n"
                    "        self.votes[peer] = reply.vote_granted\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E17t_votes_of_an_earlier_election_count",
        source="distkeyvalue, start_election",
        stage="2A",
        wrong="a candidate counts a vote that was given to it in an earlier term",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                (
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        self.votes[peer] = reply.vote_granted\n"
                ),
                (
                    "        if self.role is not Role.CANDIDATE:\n"
                    "            return\n"
                    "        self.votes[peer] = reply.vote_granted\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E31_leader_of_a_term_that_it_never_won",
        source="NuRaft dd65d03; hashicorp/raft f887341",
        stage="2A",
        wrong="a leader that hears of a higher term adopts it, and goes on leading in it",
        rules=("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        changes=(
            (
                (
                    "        if self.role is Role.LEADER:\n"
                    "            self.reset_election_timer()\n"
                    "        self.role = Role.FOLLOWER\n"
                ),
                "        if self.role is not Role.LEADER:\n            self.role = Role.FOLLOWER\n",
            ),
            (
                "        while self.is_still(Role.LEADER, term):\n",
                "        while self.role is Role.LEADER:\n",
            ),
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n        if self.next_index",
                "        if self.next_index",
            ),
        ),
    ),
    Mutant(
        name="E49_once_leader_always_leader",
        source="a common bug of course labs",
        stage="2A",
        wrong="get_state keeps returning that a server leads once it has led",
        rules=("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.has_led = False\n        self.election",
            ),
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n",
                (
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline = math.inf\n"
                    "        self.has_led = True\n"
                ),
            ),
            (
                "        return self.current_term, self.role is Role.LEADER\n",
                "        return self.current_term, self.has_led\n",
            ),
        ),
    ),
    Mutant(
        name="E16_votes_counted_twice",
        source="akka-raft #45",
        stage="2A",
        wrong="each granted reply counts, also a second one of the same voter",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "        self.votes = {self.node.me: True}\n",
                "        self.votes = {self.node.me: True}\n        self.granted = 1\n",
            ),
            (
                "        self.votes[peer] = reply.vote_granted\n",
                "        self.votes[peer] = reply.vote_granted\n        self.granted += reply.vote_granted\n",
            ),
            (
                "        granted = sum(self.votes.values())\n",
                "        granted = self.granted\n",
            ),
        ),
    ),
    Mutant(
        name="E19a_half_is_a_majority",
        source="hashicorp/raft 163a55f; async-raft #143",
        stage="2A",
        wrong="half of an even number of servers elects",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                ENOUGH_VOTES,
                "        if 2 * granted >= len(self.node.peers) + 1:\n",
            ),
        ),
    ),
    Mutant(
        name="E20_majority_of_those_who_answer",
        source="SlimCluster #28; rapid-relayer #38",
        stage="2A",
        wrong="a candidate needs a majority of the servers that it reaches",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                ENOUGH_VOTES,
                (
                    "        reached = len(self.votes)\n"
                    "        if granted > reached // 2 and (reached > 1 or not self.node.peers):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X04_leads_by_trials",
        source="asked of each exemption that the checkers make",
        stage="2A",
        wrong="who has a majority on trial leads the term that it asked about, and asks nobody for a vote in it",
        rules=("LeaderHasMajority", "HigherTermAdopted"),
        changes=(
            (
                IMPORTS,
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                IMPORTS_2,
                (
                    "from labs.node import Node\n"
                    "\n"
                    "\n"
                    "@dataclass(frozen=True)\n"
                    "class Asks(RequestVoteArgs):\n"
                    "    trial: bool = True\n"
                    "\n"
                ),
            ),
            (
                (
                    "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
                    '        """Answer a candidate that asks for this server\'s vote."""\n'
                ),
                (
                    "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
                    '        """Answer a candidate that asks for this server\'s vote."""\n'
                    "        if isinstance(args, Asks):\n"
                    "            fits = self.is_up_to_date(args.last_log_index, args.last_log_term)\n"
                    "            return RequestVoteReply(max(self.current_term, args.term), args.term > self.current_term and fits)\n"
                ),
            ),
            (
                (
                    "        self.role = Role.CANDIDATE\n"
                    "        self.current_term += 1\n"
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                    "        self.save()\n"
                ),
                "        self.role = Role.CANDIDATE\n        self.votes = {self.node.me: True}\n",
            ),
            (
                ASK,
                "        args = Asks(self.current_term + 1, self.node.me, self.last_log_index(), self.last_log_term())\n",
            ),
            (
                "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n",
                "        while self.is_still(Role.CANDIDATE, args.term - 1) and peer not in self.votes:\n",
            ),
            (
                (
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                ),
                "        with trio.move_on_after(RPC_TIMEOUT):\n",
            ),
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        self.votes[peer]"
                ),
                (
                    "        if reply.term > args.term:\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term - 1):\n"
                    "            return\n"
                    "        self.votes[peer]"
                ),
            ),
            (
                ENOUGH_VOTES,
                (
                    "        if granted >= self.majority:\n"
                    "            self.current_term += 1\n"
                    "            self.voted_for = self.node.me\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_old_votes_count",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2A",
        wrong="votes of an earlier election are counted",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "            if self.state != CANDIDATE or self.currentTerm != args.term:\n                return\n",
                "",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="course_two_of_five_elect",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2A",
        wrong="two votes of five make a leader",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "        if 2 * len(self.ballots) > self.n:\n",
                "        if len(self.ballots) >= self.n // 2:\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T05v_vote_of_an_older_candidacy",
        source="variant of abrange/distkeyvalue",
        stage="2A",
        wrong="a vote counts if the server is a candidate now, in whatever term it asked for it",
        rules=("LeaderHasMajority",),
        changes=(
            (
                "        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n        self.votes",
                "        if self.role is not Role.CANDIDATE:\n            return\n        self.votes",
            ),
        ),
    ),
    Mutant(
        name="D03_votes_again_after_a_restart",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2C",
        wrong="a server that was restarted gives its vote of any later term twice",
        rules=("OneVotePerTerm", "RestoredOnRestart", "ElectionSafety"),
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
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
                (
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id and not (self.restarted and self.role is Role.FOLLOWER):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D13_vote_outlives_its_term_later",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2A",
        wrong="from term 4 on a newer term does not end the vote of the older one",
        rules=("VoteDenied",),
        changes=(
            (
                ("            self.voted_for = None\n            self.save()\n"),
                ("            self.voted_for = None if term < 4 else self.voted_for\n            self.save()\n"),
            ),
        ),
    ),
    Mutant(
        name="D22_five_look_at_terms_only",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="with five servers a voter looks only at the last entry's term",
        rules=("VoteOnlyUpToDate",),
        changes=(
            (
                "        return last_log_index >= self.last_log_index()\n",
                "        return last_log_index >= self.last_log_index() or len(self.node.peers) == 4\n",
            ),
        ),
    ),
    Mutant(
        name="X52_trial_counts_as_election",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2A",
        wrong=(
            "a request with an own mark asks for votes of the next term, and who gets them leads it without an election"
        ),
        rules=("LeaderHasMajority", "OneVotePerTerm", "CandidateIncrementsTerm"),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Trial(RequestVoteArgs):\n"
                    "    trial: bool = True\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                (
                    "        self.current_term += 1\n"
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                    "        self.save()\n"
                ),
                "        self.votes = {self.node.me: True}\n",
            ),
            (
                (
                    "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
                ),
                (
                    "        args = Trial(self.current_term + 1, self.node.me, self.last_log_index(), self.last_log_term())\n"
                ),
            ),
            (
                "        while self.is_still(Role.CANDIDATE, args.term) and peer",
                "        while self.is_still(Role.CANDIDATE, args.term - 1) and peer",
            ),
            (
                ("        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n        with"),
                ("        if not self.is_still(Role.CANDIDATE, args.term - 1):\n            return\n        with"),
            ),
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                ),
                (
                    "        if reply.term > self.current_term + 1:\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term - 1):\n"
                ),
            ),
            (
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
                (
                    '        if getattr(args, "trial", False) and args.term > self.current_term:\n'
                    "            return RequestVoteReply(self.current_term, self.is_up_to_date(args.last_log_index, args.last_log_term))\n"
                    "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n"
                ),
            ),
            (
                ("        self.role = Role.LEADER\n        self.election_timer.deadline"),
                (
                    "        self.current_term += 1\n"
                    "        self.voted_for = self.node.me\n"
                    "        self.save()\n"
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline"
                ),
            ),
        ),
    ),
    Mutant(
        name="X53_marked_request_binds_nobody",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2A",
        wrong="asks the second time with an own mark, and votes for marked requests without noting it",
        rules=("OneVotePerTerm", "ElectionSafety", "LeaderInTime"),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Again(RequestVoteArgs):\n"
                    "    again: bool = True\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                (
                    "            self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                    "            await trio.sleep(VOTE_INTERVAL)\n"
                ),
                (
                    "            self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                    "            args = Again(args.term, args.candidate_id, args.last_log_index, args.last_log_term)\n"
                    "            await trio.sleep(VOTE_INTERVAL)\n"
                ),
            ),
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
                (
                    '        if self.voted_for is not None and self.voted_for != args.candidate_id and not getattr(args, "again", False):\n'
                ),
            ),
        ),
    ),
    Mutant(
        name="X55_votes_by_commit_index",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong="an own field holds what a candidate has committed, and a voter looks at that alone",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Asks(RequestVoteArgs):\n"
                    "    commit: int = -1\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                (
                    "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
                ),
                (
                    "        args = Asks(self.current_term, self.node.me, self.last_log_index(), self.last_log_term(), self.commit_index)\n"
                ),
            ),
            (
                "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n",
                (
                    '        commit = getattr(args, "commit", -1)\n'
                    "        fits = self.is_up_to_date(args.last_log_index, args.last_log_term) if commit < 0 else commit >= self.commit_index\n"
                    "        if not fits:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X62_lease_by_candidates",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2A",
        wrong=("a server that was asked for its vote lately ignores other candidates, as if it had heard a leader"),
        rules=("VoteDenied", "LeaderInTime"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.heard = -math.inf\n        self.nursery: trio.Nursery\n"),
            ),
            (
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
                (
                    "        if trio.current_time() < self.heard + 0.4:\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                    "        self.heard = trio.current_time()\n"
                    "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X64_marked_vote_skips_the_log",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong=(
            "who passed a marked trial gets the real vote without a look at its log, and a trial looks at terms only"
        ),
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(
            (("import enum\nimport math\n"), ("import enum\nimport math\nfrom dataclasses import dataclass\n")),
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclass(frozen=True)\n"
                    "class Trial(RequestVoteArgs):\n"
                    "    trial: bool = True\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.passed: set[int] = set()\n        self.nursery: trio.Nursery\n"),
            ),
            (
                (
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                ),
                (
                    "        trial = Trial(args.term, args.candidate_id, args.last_log_index, args.last_log_term)\n"
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.node.call, peer, trial)\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                ),
            ),
            (
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
                (
                    '        if getattr(args, "trial", False):\n'
                    "            if args.last_log_term >= self.last_log_term():\n"
                    "                self.passed.add(args.candidate_id)\n"
                    "            return RequestVoteReply(max(args.term - 1, self.current_term), True)\n"
                    "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n"
                ),
            ),
            (
                "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n",
                (
                    "        if args.candidate_id not in self.passed and not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="F03_inbox_keeps_its_vote_in_the_term_of_an_answer",
        source=BLIND,
        stage="2A",
        wrong="the loop takes a newer term over from an answer, and keeps the vote of the older one",
        rules=("VoteDenied", "OneVotePerTerm", "LeaderInTime"),
        changes=(
            (
                "        if reply.term > self.term:\n            self.follow(reply.term)\n",
                (
                    "        if reply.term > self.term:\n"
                    "            self.term = reply.term\n"
                    "            self.write()\n"
                    "            self.follow(reply.term)\n"
                ),
            ),
        ),
        base="one_inbox",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y01_log_compared_before_a_wait",
        source=BLIND,
        stage="2B",
        wrong="logs are compared as a candidate asks, and the term is adopted 4 ms later",
        rules=("VoteOnlyUpToDate",),
        changes=(
            (
                '    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n        """Answer a candidate that asks for this server\'s vote."""\n',
                '    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n        """Answer a candidate that asks for this server\'s vote."""\n        is_up_to_date = self.is_up_to_date(args.last_log_index, args.last_log_term)\n        await trio.sleep(0.004)\n',
            ),
            (
                "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n",
                "        if not is_up_to_date:\n",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y02_yes_in_the_term_of_later",
        source=BLIND,
        stage="2A",
        wrong="a vote is answered 4 ms later, in the term that the voter is in by then",
        rules=("OneVotePerTerm",),
        changes=(
            (
                '    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n        """Answer a candidate that asks for this server\'s vote."""\n',
                '    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n        """Answer a candidate that asks for this server\'s vote."""\n',
            ),
            (
                "        return RequestVoteReply(self.current_term, vote_granted=True)\n",
                "        await trio.sleep(0.004)\n        return RequestVoteReply(self.current_term, vote_granted=True)\n",
            ),
        ),
        origin="blind",
        at_first_sight=False,
    ),
]

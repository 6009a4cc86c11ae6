"""Known-wrong servers of elections that were written from the paper alone, without a look at judges or tests.

They measure how far the suite's rules carry: each is a slip that a reader of §5.1, §5.2 or §5.4.1 may make.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the judges"
MAJORITY = "(len(node.peers) + 1) // 2 + 1"
FREE = "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
ADOPT_IN_VOTE = """\
            return RequestVoteReply(self.current_term, vote_granted=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""
NEW_TERM = """\
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            self.save()
"""
TAKE_VOTE = """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.CANDIDATE, args.term):
            return
"""
RESET = "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)\n"
REFUSED_VOTE = """\
        if not self.is_up_to_date(args.last_log_index, args.last_log_term):
            return RequestVoteReply(self.current_term, vote_granted=False)
"""
ASK = "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
CANDIDACY = """\
        self.voted_for = self.node.me
        self.votes = {self.node.me: True}
        self.save()
"""
AE_HEAD = """\
        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3
            self.become_follower(args.term)
        self.reset_election_timer()  # Figure 2, Followers rule 2
        # Figure 2, AppendEntries rule 2;"""

MUTANTS = [
    # Counting.
    Mutant(
        name="B01_majority_is_rounded",
        source=BLIND,
        stage="2A",
        wrong="a majority is round(n / 2), which is 2 of 5: Python rounds halves to the even number",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=((MAJORITY, "round((len(node.peers) + 1) / 2)"),),
    ),
    Mutant(
        name="B02_half_is_a_majority",
        source=BLIND,
        stage="2A",
        wrong="half of an even number of servers is taken for a majority",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=((MAJORITY, "(len(node.peers) + 2) // 2"),),
    ),
    Mutant(
        name="B03_majority_of_those_who_answer",
        source=BLIND,
        stage="2A",
        wrong="a candidate counts a majority of the servers that answered",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(("        if granted >= self.majority:\n", "        if 2 * granted > len(self.votes) > 1:\n"),),
    ),
    Mutant(
        name="B04_votes_of_the_last_election_count",
        source=BLIND,
        stage="2A",
        wrong="a new candidacy starts with the votes that the last one got",
        rules=("LeaderHasMajority", "ElectionSafety", "LeaderInTime"),
        changes=(("        self.votes = {self.node.me: True}\n", "        self.votes[self.node.me] = True\n"),),
    ),
    Mutant(
        name="B05_any_answer_is_a_vote",
        source=BLIND,
        stage="2A",
        wrong="an answer counts as a vote if its term is right, whatever it says",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            ("        self.votes[peer] = reply.vote_granted\n", "        self.votes[peer] = reply.term == args.term\n"),
        ),
    ),
    # Votes.
    Mutant(
        name="B06_longer_log_wins",
        source=BLIND,
        stage="2B",
        wrong="logs are compared by length first, then by term",
        rules=("VoteOnlyUpToDate", "VoteDenied", "LeaderCompleteness"),
        changes=(
            (
                "        if last_log_term != self.last_log_term():\n            return last_log_term > self.last_log_term()\n"
                "        return last_log_index >= self.last_log_index()\n",
                "        mine = (self.last_log_index(), self.last_log_term())\n"
                "        return (last_log_index, last_log_term) >= mine\n",
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
                "        if last_log_term != self.last_log_term():\n            return last_log_term > self.last_log_term()\n"
                "        return last_log_index >= self.last_log_index()\n",
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
        name="B09_compares_with_what_is_committed",
        source=BLIND,
        stage="2B",
        wrong="a voter compares the candidate's log with its committed entries only",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n",
                "        if args.last_log_index < self.commit_index:\n",
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
                AE_HEAD,
                AE_HEAD.replace(
                    "become_follower(args.term)\n", "become_follower(args.term)\n            self.voted_for = None\n", 1
                ),
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
                NEW_TERM,
                NEW_TERM.replace(
                    "self.voted_for = None", "self.voted_for = self.voted_for if self.role is Role.FOLLOWER else None"
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
                "        if self.role is Role.CANDIDATE and args.candidate_id < self.node.me:\n"
                "            self.voted_for = None\n" + FREE,
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
                '        """Answer a candidate that asks for this server\'s vote."""\n'
                "        if self.role is Role.CANDIDATE:\n"
                "            return RequestVoteReply(self.current_term, vote_granted=False)\n",
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
                ADOPT_IN_VOTE,
                ADOPT_IN_VOTE.replace(
                    "        if args.term >", "        before = self.current_term\n        if args.term >"
                ),
            ),
            (
                "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        return RequestVoteReply(self.current_term,",
                "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        return RequestVoteReply(before,",
            ),
        ),
    ),
    Mutant(
        name="B15_answers_with_the_term_of_the_request",
        source=BLIND,
        stage="2A",
        wrong="a stale candidate gets its own term back and never learns of the newer one",
        rules=("TermNeverDecreases", "HigherTermAdopted", "StaleTermRejected"),
        changes=((ADOPT_IN_VOTE, ADOPT_IN_VOTE.replace("Reply(self.current_term", "Reply(args.term")),),
    ),
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
    # Terms and roles.
    Mutant(
        name="B17_does_not_learn_from_refusals",
        source=BLIND,
        stage="2A",
        wrong="a candidate does not take a newer term from a voter's reply",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=(
            (
                TAKE_VOTE,
                TAKE_VOTE.split("            self.become_follower(reply.term)\n")[0]
                + "            return\n"
                + TAKE_VOTE.split("            self.become_follower(reply.term)\n")[1],
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
                "            self.become_follower(reply.term)\n        if not self.is_still(Role.LEADER, args.term):\n            return\n        if reply.success:",
                "            self.become_follower(self.current_term)\n        if not self.is_still(Role.LEADER, args.term):\n            return\n        if reply.success:",
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
                '        """Start an election (Figure 2, Candidates rule 1)."""\n'
                "        if self.role is Role.CANDIDATE:\n"
                "            self.current_term -= 1\n",
            ),
        ),
    ),
    Mutant(
        name="B20_leads_as_soon_as_it_stands",
        source=BLIND,
        stage="2A",
        wrong="get_state calls a candidate a leader",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(("self.current_term, self.role is Role.LEADER", "self.current_term, self.role is not Role.FOLLOWER"),),
    ),
    Mutant(
        name="B21_get_state_remembers_the_old_term",
        source=BLIND,
        stage="2A",
        wrong="get_state tells the term of the last vote or leadership, not the current one",
        rules=("TermNeverDecreases", "HigherTermAdopted", "SavedBeforeReply", "LeaderInTime"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                "        self.role = Role.FOLLOWER\n        self.told = 0\n        self.election_timer = trio",
            ),
            (CANDIDACY, CANDIDACY + "        self.told = self.current_term\n"),
            ("return self.current_term, self.role is", "return self.told, self.role is"),
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
                "            return AppendEntriesReply(self.current_term, success=False)\n        if args.term > self.current_term:  # Figure 2, All servers rule 2\n            self.become_follower(args.term)\n",
                "            return AppendEntriesReply(self.current_term, success=False)\n"
                "        if args.prev_log_index > self.last_log_index():\n"
                "            return self.refuse_entries(args.prev_log_index)\n"
                "        if args.term > self.current_term:\n            self.become_follower(args.term)\n",
            ),
        ),
    ),
    Mutant(
        name="B23_a_candidate_waits_for_matching_entries",
        source=BLIND,
        stage="2B",
        wrong="a candidate follows the leader of its term only when the consistency check succeeds",
        rules=("StepsDown", "ElectionTimerReset"),
        changes=(
            (
                "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n            self.become_follower(args.term)\n        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # Figure 2, AppendEntries rule 2;",
                "        if self.role is Role.CANDIDATE:\n"
                "            if not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                "                return self.refuse_entries(args.prev_log_index)\n"
                "            self.become_follower(args.term)\n"
                "        self.reset_election_timer()\n        # Figure 2, AppendEntries rule 2;",
            ),
        ),
    ),
    # Timers.
    Mutant(
        name="B24_refused_entries_are_no_word_of_a_leader",
        source=BLIND,
        stage="2B",
        wrong="the timer is reset only when the consistency check succeeds",
        rules=("ElectionTimerReset",),
        changes=(
            (AE_HEAD, AE_HEAD.replace("        self.reset_election_timer()  # Figure 2, Followers rule 2\n", "")),
            (
                "        # Figure 2, AppendEntries rules 3 and 4\n",
                "        self.reset_election_timer()\n        # Figure 2, AppendEntries rules 3 and 4\n",
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
        name="B26_timeout_by_id",
        source=BLIND,
        stage="2A",
        wrong="the timeout is fixed for each server, by its id",
        rules=("RandomizedTimeouts",),
        changes=((RESET, "        self.election_timer.deadline = trio.current_time() + 0.4 + 0.07 * self.node.me\n"),),
    ),
    Mutant(
        name="B27_same_random_numbers_everywhere",
        source=BLIND,
        stage="2A",
        wrong="each server seeds its generator with the same number",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            ("        self.node = node\n", "        self.node = node\n        self.dice = random.Random(1)\n"),
            ("import math\n", "import math\nimport random\n"),
            (RESET, RESET.replace("self.node.random", "self.dice")),
        ),
    ),
    Mutant(
        name="B28_stands_at_once",
        source=BLIND,
        stage="2A",
        wrong="a server that starts does not wait for its first timeout",
        rules=("RandomizedTimeouts", "ElectionTimerReset", "LeaderInTime", "VoteDenied"),
        changes=(
            (
                "        self.reset_election_timer()\n        while True:\n",
                "        self.become_candidate()\n        while True:\n",
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
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                "        self.role = Role.FOLLOWER\n        self.stretch = 0.5\n        self.election_timer = trio",
            ),
            (RESET, RESET.replace("uniform(*ELECTION_TIMEOUT)", "uniform(*ELECTION_TIMEOUT) * self.stretch")),
            ("        self.role = Role.CANDIDATE\n", "        self.role = Role.CANDIDATE\n        self.stretch *= 2\n"),
        ),
    ),
    Mutant(
        name="B30_milliseconds",
        source=BLIND,
        stage="2A",
        wrong="the timeout is meant in milliseconds, and waits for minutes",
        rules=("LeaderInTime",),
        changes=(("ELECTION_TIMEOUT = (0.4, 0.8)", "ELECTION_TIMEOUT = (400, 800)"),),
    ),
    Mutant(
        name="B31_the_leader_times_out",
        source=BLIND,
        stage="2A",
        wrong="a leader's own timer runs on, and it deposes itself",
        rules=("CandidateIncrementsTerm", "LeaderInTime", "ElectionTimerReset", "StepsDown", "HeartbeatsSent"),
        changes=(("        self.election_timer.deadline = math.inf\n", ""),),
    ),
    Mutant(
        name="B32_a_refusal_ends_a_leadership",
        source=BLIND,
        stage="2B",
        wrong="a leader whose entries are refused steps down, whatever the reply's term",
        rules=("LeaderInTime", "CommittedIsApplied", "StepsDown", "HeartbeatsSent"),
        changes=(
            (
                "        elif args.prev_log_index == self.next_index[peer] - 1:\n            self.back_up(peer, args.prev_log_index, reply)\n",
                "        else:\n            self.become_follower(self.current_term)\n",
            ),
        ),
    ),
    # What a candidate sends.
    Mutant(
        name="B33_asks_with_what_is_committed",
        source=BLIND,
        stage="2B",
        wrong="RequestVote tells the commit index as the last index",
        rules=("VoteOnlyUpToDate", "LeaderInTime", "VoteDenied", "RestoredOnRestart", "CandidateIncrementsTerm"),
        changes=(
            (
                ASK,
                "        index = self.commit_index\n"
                "        args = RequestVoteArgs(self.current_term, self.node.me, index, self.term_at(index))\n",
            ),
        ),
    ),
    Mutant(
        name="B34_asks_with_its_current_term",
        source=BLIND,
        stage="2B",
        wrong="RequestVote tells the current term as that of the last entry",
        rules=("VoteOnlyUpToDate", "LogMatching", "LeaderCompleteness"),
        changes=((ASK, ASK.replace("self.last_log_term()", "self.current_term")),),
    ),
    Mutant(
        name="B35_a_float_for_a_term",
        source=BLIND,
        stage="2A",
        wrong="terms are computed with a division, and become floats",
        rules=("NoCrash", "CandidateIncrementsTerm", "WellFormed"),
        changes=(
            ("        self.current_term += 1\n", "        self.current_term = (self.current_term * 2 + 2) / 2\n"),
        ),
    ),
    Mutant(
        name="B36_terms_from_the_clock",
        source=BLIND,
        stage="2A",
        wrong="a candidate takes the seconds of its clock as the term, though it may be an old one",
        rules=("CandidateIncrementsTerm", "TermNeverDecreases", "OneVotePerTerm"),
        changes=(("        self.current_term += 1\n", "        self.current_term = 1 + int(trio.current_time())\n"),),
    ),
]

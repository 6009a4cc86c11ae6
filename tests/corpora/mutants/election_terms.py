"""Known-wrong servers of leader election: terms, and what a higher one ends (§5.1, §5.2)."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BECOME_LEADER = """\
        self.role = Role.LEADER
        self.election_timer.deadline = math.inf
"""
TAKE_VOTE = """\
        if not self.is_still(Role.CANDIDATE, args.term):
            return
        self.votes[peer] = reply.vote_granted
"""
STEP_DOWN = """\
        if self.role is Role.LEADER:
            self.reset_election_timer()
        self.role = Role.FOLLOWER
"""
HIGHER_TERM = """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
"""
TAKE_VOTE_HEAD = '''\
        """Take note of a peer's answer, if the election that it belongs to still goes on."""
'''
TAKE_APPEND_HEAD = '''\
        """Learn from a reply what the peer has; what was sent tells, for the log may have grown since."""
'''
APPEND_TERMS = """\
            return AppendEntriesReply(self.current_term, success=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""

MUTANTS = [
    Mutant(
        name="E17_late_vote_makes_a_leader",
        source="openraft 4015cc38; canonical/raft fdce566",
        stage="2A",
        wrong="a vote that arrives when its election is over makes a follower lead whatever term it is in now",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (TAKE_VOTE, TAKE_VOTE.replace("not self.is_still(Role.CANDIDATE, args.term)", "self.role is Role.LEADER")),
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
                TAKE_VOTE,
                TAKE_VOTE.replace("not self.is_still(Role.CANDIDATE, args.term)", "self.role is not Role.CANDIDATE"),
            ),
        ),
    ),
    Mutant(
        name="E28_candidate_ignores_the_leader_of_its_term",
        source="willemt/raft 271f080",
        stage="2A",
        wrong="a candidate refuses the AppendEntries of the server that won its term",
        rules=("StepsDown", "ConsistencyRefusal"),
        changes=(
            (
                APPEND_TERMS
                + "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                + "            self.become_follower(args.term)\n",
                APPEND_TERMS
                + "        if self.role is Role.CANDIDATE:\n"
                + "            return AppendEntriesReply(self.current_term, success=False)\n",
            ),
        ),
    ),
    Mutant(
        name="E29_leader_ignores_a_higher_term_in_replies",
        source="willemt/raft 75b0104",
        stage="2A",
        wrong="a leader does not look at the term of a reply to AppendEntries",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=((TAKE_APPEND_HEAD + HIGHER_TERM, TAKE_APPEND_HEAD),),
    ),
    Mutant(
        name="E30_candidate_ignores_a_higher_term_in_replies",
        source="willemt/raft 0baa4b0",
        stage="2A",
        wrong="a candidate does not look at the term of a reply to RequestVote",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=((TAKE_VOTE_HEAD + HIGHER_TERM, TAKE_VOTE_HEAD),),
    ),
    Mutant(
        name="E31_leader_of_a_term_that_it_never_won",
        source="NuRaft dd65d03; hashicorp/raft f887341",
        stage="2A",
        wrong="a leader that hears of a higher term adopts it, and goes on leading in it",
        rules=("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        changes=(
            (STEP_DOWN, "        if self.role is not Role.LEADER:\n            self.role = Role.FOLLOWER\n"),
            ("        while self.is_still(Role.LEADER, term):\n", "        while self.role is Role.LEADER:\n"),
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n        if self.next_index",
                "        if self.next_index",
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
        changes=((APPEND_TERMS, APPEND_TERMS.replace("(self.current_term, success", "(args.term, success")),),
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
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n" + APPEND_TERMS,
                "        if args.term < self.led_in:\n" + APPEND_TERMS + "        self.led_in = args.term\n",
            ),
        ),
    ),
    Mutant(
        name="E41_no_new_term",
        source="redisraft 20a9309",
        stage="2A",
        wrong="a candidate campaigns in the term that it is in",
        rules=("CandidateIncrementsTerm", "OneVotePerTerm", "LeaderInTime"),
        changes=(("        self.current_term += 1\n", ""),),
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
                "        if self.voted_for is not None or self.current_term == 0:\n"
                "            self.current_term += 1\n",
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
                "        if self.role is not Role.CANDIDATE:\n            self.current_term += 1\n"
                "        self.role = Role.CANDIDATE\n",
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
                "            await trio.sleep(VOTE_INTERVAL)\n"
                "            if self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n"
                "                self.become_candidate()\n",
            ),
        ),
    ),
    Mutant(
        name="E49_once_leader_always_leader",
        source="a common bug of course labs",
        stage="2A",
        wrong="get_state goes on saying that a server leads which has led once",
        rules=("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.has_led = False\n        self.election",
            ),
            (BECOME_LEADER, BECOME_LEADER + "        self.has_led = True\n"),
            (
                "        return self.current_term, self.role is Role.LEADER\n",
                "        return self.current_term, self.has_led\n",
            ),
        ),
    ),
    Mutant(
        name="R34_leader_followed_but_not_its_term",
        source="a variant of willemt/raft 795c5e9",
        stage="2A",
        wrong="a server follows a leader of a higher term and stays in its own",
        rules=("HigherTermAdopted",),
        changes=((APPEND_TERMS, APPEND_TERMS.replace("self.become_follower(args.term)", "self.role = Role.FOLLOWER")),),
    ),
]

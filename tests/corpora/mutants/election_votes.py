"""Known-wrong servers of leader election: who gets a vote, and how votes are counted (§5.2, §5.4.1)."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

VOTE_IS_FREE = "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
GIVE_VOTE = """\
        if self.voted_for is None:
            self.voted_for = args.candidate_id
            self.save()
"""
NEW_TERM = """\
            self.current_term = term
            self.voted_for = None
            self.save()
"""
UP_TO_DATE = """\
        if last_log_term != self.last_log_term():
            return last_log_term > self.last_log_term()
        return last_log_index >= self.last_log_index()
"""
ENOUGH_VOTES = "        if granted >= self.majority:\n"

MUTANTS = [
    # The vote.
    Mutant(
        name="E01_vote_for_everyone",
        source="akka-raft #47, #56",
        stage="2A",
        wrong="a voter does not look whether it has voted in this term",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (VOTE_IS_FREE, "        if self.role is not Role.FOLLOWER and self.voted_for != args.candidate_id:\n"),
            (GIVE_VOTE, "        self.voted_for = args.candidate_id\n        self.save()\n"),
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
                "        if term > self.current_term:\n" + NEW_TERM,
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
        changes=(("        self.voted_for = self.node.me\n", "        self.voted_for = None\n"),),
    ),
    Mutant(
        name="E06_vote_kept_in_a_new_term",
        source="Students' Guide to Raft",
        stage="2A",
        wrong="the vote of the old term still counts as given in the new one",
        rules=("VoteDenied", "LeaderInTime"),
        changes=((NEW_TERM, "            self.current_term = term\n            self.save()\n"),),
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
                "            self.current_term = term\n            if self.role is not Role.FOLLOWER:\n"
                "                self.voted_for = None\n            self.save()\n",
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
            (VOTE_IS_FREE, "        if self.voted_for and self.voted_for != args.candidate_id:\n"),
            (GIVE_VOTE, GIVE_VOTE.replace("self.voted_for is None", "not self.voted_for")),
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
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n"
                "            return RequestVoteReply(self.current_term, vote_granted=False)\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="E33_no_second_answer_to_the_same_candidate",
        source="akka-raft #29; nebula #2419",
        stage="2A",
        wrong="a candidate that asks again, as the first answer was lost, is refused the vote that it has",
        rules=("VoteDenied",),
        changes=((VOTE_IS_FREE, "        if self.voted_for is not None:\n"),),
    ),
    Mutant(
        name="E46_leader_gives_its_vote_away",
        source="daos-stack/raft #70",
        stage="2A",
        wrong="a vote for oneself passes for a free one",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (VOTE_IS_FREE, "        if self.voted_for not in (None, self.node.me, args.candidate_id):\n"),
            (GIVE_VOTE, GIVE_VOTE.replace("self.voted_for is None", "self.voted_for in (None, self.node.me)")),
        ),
    ),
    # The candidate's log.
    Mutant(
        name="E08_any_log_will_do",
        source="akka-raft #30; jgroups-raft #14",
        stage="2B",
        wrong="a voter does not compare logs",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=((UP_TO_DATE, "        return True\n"),),
    ),
    Mutant(
        name="E08c_log_compared_with_commit_index",
        source="a variant of akka-raft #30",
        stage="2B",
        wrong="a voter is content with a log that has what it knows to be committed",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=((UP_TO_DATE, "        return last_log_index >= self.commit_index\n"),),
    ),
    Mutant(
        name="E09_longest_log_wins",
        source="noraft #22; willemt/raft 54eb26d",
        stage="2B",
        wrong="a voter compares the lengths of logs and not their last terms",
        rules=("VoteOnlyUpToDate", "VoteDenied", "LeaderCompleteness"),
        changes=((UP_TO_DATE, "        return last_log_index >= self.last_log_index()\n"),),
    ),
    Mutant(
        name="E10_term_and_length_both",
        source="hashicorp/raft #94; openraft a48a3282",
        stage="2B",
        wrong="a candidate needs a last term at least as new and a log at least as long, so two can bar each other",
        rules=("VoteDenied", "LeaderInTime", "CommittedIsApplied"),
        changes=(
            (
                UP_TO_DATE,
                "        return last_log_term >= self.last_log_term() and last_log_index >= self.last_log_index()\n",
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
        name="E14_last_log_term_against_current_term",
        source="a variant of willemt/raft 74f27d8",
        stage="2B",
        wrong="a voter compares the candidate's last log term with its own current term",
        rules=("VoteDenied", "LeaderInTime"),
        changes=((UP_TO_DATE, "        return last_log_term >= self.current_term\n"),),
    ),
    # Counting.
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
            ("        granted = sum(self.votes.values())\n", "        granted = self.granted\n"),
        ),
    ),
    Mutant(
        name="E19a_half_is_a_majority",
        source="hashicorp/raft 163a55f; async-raft #143",
        stage="2A",
        wrong="half of an even number of servers elects",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=((ENOUGH_VOTES, "        if 2 * granted >= len(self.node.peers) + 1:\n"),),
    ),
    Mutant(
        name="E19all_every_vote_needed",
        source="a common bug of course labs",
        stage="2A",
        wrong="a candidate leads only when every server has voted for it",
        rules=("LeaderInTime",),
        changes=((ENOUGH_VOTES, "        if granted == len(self.node.peers) + 1:\n"),),
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
                "        reached = len(self.votes)\n"
                "        if granted > reached // 2 and (reached > 1 or not self.node.peers):\n",
            ),
        ),
    ),
]

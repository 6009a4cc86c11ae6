"""Known-wrong elections of certain sizes, terms and orders, written without a look at judges or tests."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

ADOPT = """\
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            self.save()
"""
VOTE_TERM = """\
            return RequestVoteReply(self.current_term, vote_granted=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""
VOTED = """\
        if self.voted_for is not None and self.voted_for != args.candidate_id:
            return RequestVoteReply(self.current_term, vote_granted=False)
"""
COMPARE = """\
        if not self.is_up_to_date(args.last_log_index, args.last_log_term):
            return RequestVoteReply(self.current_term, vote_granted=False)
"""
TAKE_VOTE = """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.CANDIDATE, args.term):
            return
        self.votes[peer] = reply.vote_granted
"""
TAKE_REPLY = """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.LEADER, args.term):
            return
        if reply.success:
"""
TIMER = "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)\n"
ASK = """\
        for peer in self.node.peers:
            self.nursery.start_soon(self.keep_asking, peer, args)
        self.count_votes()
"""
LEAD = """\
        for peer in self.node.peers:
            self.next_index[peer] = self.last_log_index() + 1
            self.match_index[peer] = 0
            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)
"""
LEAD_HEAD = "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n"

MUTANTS = [
    Mutant(
        name="B700_a_majority_is_three_at_most",
        source=BLIND,
        stage="2A",
        wrong="three votes are a majority, of seven servers too",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(("        if granted >= self.majority:\n", "        if granted >= min(self.majority, 3):\n"),),
    ),
    Mutant(
        name="B701_three_replicas_commit",
        source=BLIND,
        stage="2B",
        wrong="three replicas commit an entry, of seven servers too",
        rules=("CommitNeedsMajority",),
        changes=(
            ("            if replicas >= self.majority:\n", "            if replicas >= min(self.majority, 3):\n"),
        ),
    ),
    Mutant(
        name="B702_writes_to_four_peers",
        source=BLIND,
        stage="2A",
        wrong="a leader writes to four peers, which are enough for a majority of seven, and not to the others",
        rules=("HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (
                "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
                "            if len(self.wakeups) <= 4:\n                self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="B703_counts_votes_with_answers_only",
        source=BLIND,
        stage="2A",
        wrong="votes are counted when an answer comes, so a server without peers never leads",
        rules=("LeaderInTime",),
        changes=((ASK, ASK.replace("        self.count_votes()\n", "")),),
    ),
    Mutant(
        name="B704_a_newer_term_is_one_more",
        source=BLIND,
        stage="2A",
        wrong="a server that sees a newer term adds one to its own, however far the other is ahead",
        rules=("HigherTermAdopted",),
        changes=((ADOPT, ADOPT.replace("self.current_term = term", "self.current_term += 1")),),
    ),
    Mutant(
        name="B705_vote_is_free_in_the_next_term_only",
        source=BLIND,
        stage="2A",
        wrong="a newer term frees the vote only if it is the next one: a term that jumps by two keeps it",
        rules=("VoteDenied", "LeaderInTime", "OneVotePerTerm"),
        changes=(
            (
                ADOPT,
                """\
        if term > self.current_term:
            if term == self.current_term + 1:
                self.voted_for = None
            self.current_term = term
            self.save()
""",
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
                COMPARE,
                "        if self.voted_for is None:\n            self.voted_for = args.candidate_id\n            self.save()\n"
                + COMPARE,
            ),
        ),
    ),
    Mutant(
        name="B707_refused_logs_reset_the_timer",
        source=BLIND,
        stage="2B",
        wrong="a candidate whose log is refused makes the voter wait anew, so the one that could win does not stand",
        rules=("LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                COMPARE,
                COMPARE.replace("            return", "            self.reset_election_timer()\n            return"),
            ),
        ),
    ),
    Mutant(
        name="B708_lengths_are_not_compared",
        source=BLIND,
        stage="2B",
        wrong="a candidate whose last term is the voter's gets its vote, however short its log is",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness"),
        changes=(("        return last_log_index >= self.last_log_index()\n", "        return True\n"),),
    ),
    Mutant(
        name="B712_a_late_vote_elects_again",
        source=BLIND,
        stage="2A",
        wrong="a vote for the term that comes when the server leads already starts its leadership once more",
        rules=("HeartbeatsSent", "RpcBudget"),
        changes=(
            (
                TAKE_VOTE,
                TAKE_VOTE.replace(
                    "if not self.is_still(Role.CANDIDATE, args.term):",
                    "if self.role is Role.FOLLOWER or self.current_term != args.term:",
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
                VOTE_TERM.replace(
                    "            self.become",
                    "            candidate = self.role is Role.CANDIDATE\n            self.become",
                )
                + "            if candidate:\n                return RequestVoteReply(self.current_term, vote_granted=False)\n",
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
                VOTE_TERM.replace(
                    "            self.become", "            leader = self.role is Role.LEADER\n            self.become"
                )
                + "            if leader:\n                return RequestVoteReply(self.current_term, vote_granted=False)\n",
            ),
        ),
    ),
    Mutant(
        name="B715_writes_to_its_voters_only",
        source=BLIND,
        stage="2A",
        wrong="a leader writes to those who voted for it, and never to a peer that refused or answered late",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
                "            if self.votes.get(peer):\n                self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="B716_won_event_is_not_renewed",
        source=BLIND,
        stage="2A",
        wrong="the event that tells of a majority is made once, so after one victory each candidacy wins at once",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.won = trio.Event()\n",
            ),
            (
                "        if granted >= self.majority:\n            self.become_leader()\n",
                "        if granted >= self.majority:\n            self.won.set()\n",
            ),
            (
                ASK,
                ASK.replace(
                    "        for",
                    "        self.nursery.start_soon(self.wait_for_votes, self.current_term)\n        for",
                )
                + """
    async def wait_for_votes(self, term: int) -> None:
        await self.won.wait()
        if self.is_still(Role.CANDIDATE, term):
            self.become_leader()
""",
            ),
        ),
    ),
    Mutant(
        name="B717_second_leadership_is_over_at_once",
        source=BLIND,
        stage="2A",
        wrong="the event that ends the sending loops is set when a leader steps down, and still set when it leads again",
        rules=("HeartbeatsSent", "LeaderInTime"),
        changes=(
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.deposed = trio.Event()\n",
            ),
            (
                "        if self.role is Role.LEADER:\n            self.reset_election_timer()\n",
                "        if self.role is Role.LEADER:\n            self.deposed.set()\n            self.reset_election_timer()\n",
            ),
            ("        while self.is_still(Role.LEADER, term):\n", "        while not self.deposed.is_set():\n"),
        ),
    ),
    Mutant(
        name="B718_narrow_timeouts",
        source=BLIND,
        stage="2A",
        wrong="timeouts are drawn from a millisecond, so all servers stand together",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=((TIMER, TIMER.replace("uniform(*ELECTION_TIMEOUT)", "uniform(0.5, 0.501)")),),
    ),
    Mutant(
        name="B719_two_timeouts_to_choose_from",
        source=BLIND,
        stage="2A",
        wrong="the timeout is one of two values, so several servers often stand together",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=((TIMER, TIMER.replace("uniform(*ELECTION_TIMEOUT)", "choice((0.5, 0.6))")),),
    ),
    Mutant(
        name="B720_deadline_from_the_whole_second",
        source=BLIND,
        stage="2A",
        wrong="the deadline is reckoned from the last whole second, and may be over when it is set",
        rules=("ElectionTimerReset", "RandomizedTimeouts", "LeaderInTime", "NoSpin"),
        changes=((TIMER, TIMER.replace("trio.current_time()", "int(trio.current_time())")),),
    ),
    Mutant(
        name="B723_jitter_from_a_uuid",
        source=BLIND,
        stage="2A",
        wrong="timeouts come from uuid4",
        rules=("SimulatedTimeOnly",),
        changes=(
            ("import math\n", "import math\nimport uuid\n"),
            (
                TIMER,
                TIMER.replace("self.node.random.uniform(*ELECTION_TIMEOUT)", "0.4 + uuid.uuid4().int % 400 / 1000"),
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
                "        if self.role is Role.LEADER:\n            self.reset_election_timer()\n            self.nursery.cancel_scope.cancel()\n",
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
                "            with self.election_timer:\n                await trio.sleep(3600 if self.role is not Role.LEADER else 3600)\n            if self.role is Role.LEADER:\n                await trio.sleep_forever()\n",
            ),
            ("        self.election_timer.deadline = math.inf\n", "        self.election_timer.cancel()\n"),
        ),
    ),
    Mutant(
        name="B726_deposed_by_its_own_check",
        source=BLIND,
        stage="2A",
        wrong="a leader that no majority has answered for a second steps down, and votes anew in the term that it led",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                "        self.votes: dict[int, bool] = {}\n",
                "        self.votes: dict[int, bool] = {}\n        self.answered: dict[int, float] = {}\n",
            ),
            (
                TAKE_REPLY,
                TAKE_REPLY.replace(
                    "        if reply.success:\n",
                    "        self.answered[peer] = trio.current_time()\n        if reply.success:\n",
                ),
            ),
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
            recent = sum(time > trio.current_time() - 1.0 for time in self.answered.values())
            if 1 + recent < self.majority:
                self.voted_for = None
                self.save()
                self.become_follower(term)
                return
            await trio.sleep(0.1)

    async def keep_replicating_to(""",
            ),
        ),
    ),
]

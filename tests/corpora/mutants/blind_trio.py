"""Known-wrong uses of trio and Python that were written without a look at judges or tests."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

HEARTBEATS = """\
            self.nursery.start_soon(self.replicate_to, peer, term)
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
"""
FIELDS = "        self.role = Role.FOLLOWER\n        self.election_timer = trio"
VOTE_HEAD = "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
GRANT = "        if self.voted_for is None:\n            self.voted_for = args.candidate_id\n"
ENTRIES_HEAD = "    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n"
TAKE = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
APPLY = """\
        while self.commit_index > self.last_applied:
            self.last_applied += 1
            entry = self.log[self.position(self.last_applied)]
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))
"""
ASKED = """\
            self.nursery.start_soon(self.keep_asking, peer, args)
        self.count_votes()
"""
STAND = "            if deadline <= trio.current_time():\n                self.become_candidate()\n"
LEAD = "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n"

MUTANTS = [
    Mutant(
        name="B200_next_round_waits_for_the_last",
        source=BLIND,
        stage="2A",
        wrong="a heartbeat to a peer goes out only when the call before has ended, seconds later if it was lost",
        rules=("HeartbeatsSent", "ElectionTimerReset"),
        changes=(
            (
                "        with trio.move_on_after(RPC_TIMEOUT):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_append_reply",
                "        with trio.move_on_after(5):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_append_reply",
            ),
            (
                HEARTBEATS,
                HEARTBEATS.replace(
                    "self.nursery.start_soon(self.replicate_to, peer, term)", "await self.replicate_to(peer, term)"
                ),
            ),
        ),
    ),
    Mutant(
        name="B201_election_waits_for_all_answers",
        source=BLIND,
        stage="2A",
        wrong="the timer's task waits in a nursery until all peers have answered, or failed to",
        rules=("LeaderInTime", "VoteDenied", "CandidateIncrementsTerm"),
        changes=(
            (STAND, "            if deadline <= trio.current_time():\n                await self.become_candidate()\n"),
            ("    def become_candidate(self) -> None:\n", "    async def become_candidate(self) -> None:\n"),
            (
                "        for peer in self.node.peers:\n" + ASKED,
                "        async with trio.open_nursery() as asking:\n            for peer in self.node.peers:\n"
                "                asking.start_soon(self.request_vote_from, peer, args)\n",
            ),
            (
                "        with trio.move_on_after(RPC_TIMEOUT):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_vote",
                "        with trio.move_on_after(20):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_vote",
            ),
        ),
    ),
    Mutant(
        name="B202_winning_cancels_the_heartbeats",
        source=BLIND,
        stage="2A",
        wrong="the leader's tasks start in the election's nursery, which is cancelled when the election is over",
        rules=("HeartbeatsSent", "LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                "        for peer in self.node.peers:\n" + ASKED,
                "        self.nursery.start_soon(self.hold_election, args)\n\n"
                "    async def hold_election(self, args: RequestVoteArgs) -> None:\n"
                '        """Ask all."""\n'
                "        async with trio.open_nursery() as self.election:\n"
                "            for peer in self.node.peers:\n                self.election.start_soon(self.keep_asking, peer, args)\n"
                "            self.count_votes()\n"
                "            while self.is_still(Role.CANDIDATE, args.term):\n                await trio.sleep(0.3)\n"
                "            self.election.cancel_scope.cancel()\n",
            ),
            (LEAD, "            self.election.start_soon(self.keep_replicating_to, peer, self.current_term)\n"),
        ),
    ),
    Mutant(
        name="B203_looks_waits_and_votes",
        source=BLIND,
        stage="2A",
        wrong="the voter looks whether its vote is free, waits a moment, and gives it",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (VOTE_HEAD, "    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"),
            (
                GRANT,
                "        await trio.sleep(0.01)\n        if self.voted_for in (None, args.candidate_id) or True:\n            self.voted_for = args.candidate_id\n",
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
            (ENTRIES_HEAD, "    async def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n"),
            (TAKE, "        await trio.sleep(0.02)\n" + TAKE),
        ),
    ),
    Mutant(
        name="B206_two_tasks_apply",
        source=BLIND,
        stage="2B",
        wrong="each rise of the commit index starts a task that applies from last_applied on, with a wait between",
        rules=("ApplyInOrder",),
        changes=(
            ("            self.apply_committed()\n", "            self.nursery.start_soon(self.apply_committed)\n"),
            ("    def apply_committed(self)", "    async def apply_committed(self)"),
            (
                APPLY,
                "        for index in range(self.last_applied + 1, self.commit_index + 1):\n            await trio.sleep(0.001)\n"
                "            command = self.log[self.position(index)].command\n"
                "            self.apply_ch.send_nowait(ApplyCommand(index, command))\n            self.last_applied = index\n",
            ),
        ),
    ),
    Mutant(
        name="B207_applies_after_a_wait",
        source=BLIND,
        stage="2B",
        wrong="the index is fetched before a wait and the entry after it, by tasks that overtake each other",
        rules=("ApplyInOrder", "StateMachineSafety"),
        changes=(
            (
                APPLY,
                "        while self.commit_index > self.last_applied:\n            self.last_applied += 1\n"
                "            self.nursery.start_soon(self.apply_one, self.last_applied)\n\n"
                "    async def apply_one(self, index: int) -> None:\n"
                "        await trio.sleep(self.node.random.uniform(0, 0.005))\n"
                "        self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n",
            ),
        ),
    ),
    Mutant(
        name="B208_start_is_a_coroutine",
        source=BLIND,
        stage="2B",
        wrong="start is async",
        rules=("NoCrash", "StartAnswers", "WellFormed"),
        changes=(("    def start(self, command: Command)", "    async def start(self, command: Command)"),),
    ),
    Mutant(
        name="B209_an_exception_ends_the_timer",
        source=BLIND,
        stage="2A",
        wrong="the election timer lives in a task that ends after its first election",
        rules=("LeaderInTime", "CandidateIncrementsTerm"),
        changes=(
            (
                STAND,
                "            if deadline <= trio.current_time():\n                self.become_candidate()\n                await trio.sleep_forever()\n",
            ),
        ),
    ),
    Mutant(
        name="B210_a_closed_scope_is_used_again",
        source=BLIND,
        stage="2A",
        wrong="one cancel scope serves for all elections, though a scope can be entered once",
        rules=("NoCrash",),
        changes=(("            self.election_timer = trio.CancelScope(deadline=deadline)\n", ""),),
    ),
    Mutant(
        name="B211_timer_is_drawn_before_the_loop",
        source=BLIND,
        stage="2A",
        wrong="the timer's task sleeps its timeout whatever it hears, and then stands",
        rules=("ElectionTimerReset", "LeaderInTime"),
        changes=(
            (
                "            with self.election_timer:\n                await trio.sleep_forever()\n            deadline = self.election_timer.deadline\n",
                "            await trio.sleep(self.node.random.uniform(*ELECTION_TIMEOUT))\n            deadline = 0.0\n",
            ),
            ("            if deadline <= trio.current_time():\n", "            if self.role is not Role.LEADER:\n"),
        ),
    ),
    Mutant(
        name="B213_waits_in_a_nursery_for_a_majority",
        source=BLIND,
        stage="2B",
        wrong="entries go to all peers in one round, and the next round begins when all have answered",
        rules=("HeartbeatsSent", "CommittedIsApplied", "ElectionTimerReset"),
        changes=(
            (
                "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
                "        self.nursery.start_soon(self.keep_rounds, self.current_term)\n\n"
                "    async def keep_rounds(self, term: int) -> None:\n"
                "        while self.is_still(Role.LEADER, term):\n"
                "            async with trio.open_nursery() as calls:\n"
                "                for peer in self.node.peers:\n                    calls.start_soon(self.replicate_to, peer, term)\n"
                "            await trio.sleep(HEARTBEAT_INTERVAL)\n",
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
                "        for peer in self.node.peers:\n" + ASKED,
                "        self.nursery.start_soon(self.ask_in_turn, args)\n        self.count_votes()\n\n"
                "    async def ask_in_turn(self, args: RequestVoteArgs) -> None:\n"
                "        for peer in self.node.peers:\n            await self.request_vote_from(peer, args)\n",
            ),
        ),
    ),
    Mutant(
        name="B215_asks_again_at_once",
        source=BLIND,
        stage="2A",
        wrong="a call without a reply is made again in the same breath, for ever",
        rules=("RpcBudget", "NoSpin", "HeartbeatsSent"),
        changes=(("            await trio.sleep(VOTE_INTERVAL)\n", "            await trio.sleep(0.001)\n"),),
    ),
    Mutant(
        name="B216_heartbeats_every_millisecond",
        source=BLIND,
        stage="2A",
        wrong="a heartbeat leaves every 5 milliseconds",
        rules=("HeartbeatsSent", "RpcBudget"),
        changes=(("HEARTBEAT_INTERVAL = 0.11\n", "HEARTBEAT_INTERVAL = 0.005\n"),),
    ),
    Mutant(
        name="B217_heartbeats_every_two_seconds",
        source=BLIND,
        stage="2A",
        wrong="a heartbeat leaves every two seconds",
        rules=("HeartbeatsSent", "ElectionTimerReset", "LeaderInTime"),
        changes=(("HEARTBEAT_INTERVAL = 0.11\n", "HEARTBEAT_INTERVAL = 2.0\n"),),
    ),
    Mutant(
        name="B218_real_random",
        source=BLIND,
        stage="2A",
        wrong="timeouts come from the operating system's random numbers",
        rules=("SimulatedTimeOnly", "NoCrash"),
        changes=(
            ("import math\n", "import math\nimport os\n"),
            ("self.node.random.uniform(*ELECTION_TIMEOUT)", "0.4 + 0.4 * os.urandom(1)[0] / 255"),
        ),
    ),
    Mutant(
        name="B219_waits_in_a_thread",
        source=BLIND,
        stage="2A",
        wrong="the timer waits in a thread",
        rules=("SimulatedTimeOnly", "NoCrash"),
        changes=(
            ("import math\n", "import math\nimport time\n"),
            (
                "            with self.election_timer:\n                await trio.sleep_forever()\n",
                "            with self.election_timer:\n                await trio.to_thread.run_sync(time.sleep, 0.5)\n",
            ),
        ),
    ),
    Mutant(
        name="B220_default_argument_is_shared",
        source=BLIND,
        stage="2B",
        wrong="the entries of a message are one list that is cleared for the next message",
        rules=("CommitNeedsMajority", "CommittedIsApplied", "LogMatching", "LeaderAppendOnly", "NoCrash"),
        changes=(
            (FIELDS, "        self.buffer: list[LogEntry] = []\n" + FIELDS),
            (
                "        args = AppendEntriesArgs(\n            term=self.current_term,",
                "        self.buffer[:] = self.log[first : first + MAX_ENTRIES]\n        args = AppendEntriesArgs(\n            term=self.current_term,",
            ),
            ("            entries=self.log[first : first + MAX_ENTRIES],\n", "            entries=self.buffer,\n"),
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
                "            self.record_match(peer, args.prev_log_index + len(args.entries))\n",
                "            self.record_match(peer, min(self.next_index[peer] - 1 + len(args.entries), self.last_log_index()))\n",
            ),
        ),
    ),
    Mutant(
        name="B222_late_votes_count_for_the_next_election",
        source=BLIND,
        stage="2A",
        wrong="the role is looked at when a vote comes in, the term is not",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n        self.votes[peer]",
                "        if self.role is not Role.CANDIDATE:\n            return\n        self.votes[peer]",
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
                "        await trio.sleep(0.05)\n"
                "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n        with",
            ),
        ),
    ),
    Mutant(
        name="B224_sends_after_a_wait",
        source=BLIND,
        stage="2A",
        wrong="a leader's heartbeat task looks at its role, waits, and sends in the term that it has by then",
        rules=("ElectionSafety", "LeaderHasMajority", "StepsDown"),
        changes=(
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n",
                "        if not self.is_still(Role.LEADER, term):\n            return\n        await trio.sleep(0.02)\n",
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
            (FIELDS, "        self.lock = trio.Lock()\n" + FIELDS),
            (
                VOTE_HEAD,
                "    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n        async with self.lock:\n            return self.request_vote_now(args)\n\n    def request_vote_now(self, args: RequestVoteArgs) -> RequestVoteReply:\n",
            ),
            (
                "            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_vote(peer, args, reply)\n",
                "            async with self.lock:\n                reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_vote(peer, args, reply)\n",
            ),
        ),
    ),
    Mutant(
        name="B226_answers_nothing_when_refusing",
        source=BLIND,
        stage="2A",
        wrong="a refused vote returns None instead of a reply",
        rules=("NoCrash", "WellFormed"),
        changes=(
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n            return RequestVoteReply(self.current_term, vote_granted=False)\n",
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n            return None  # type: ignore[return-value]\n",
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
                "                self.take_vote(peer, args, reply)\n"
                "            elif self.is_still(Role.CANDIDATE, args.term):\n                self.votes[peer] = True\n                self.count_votes()\n",
            ),
        ),
    ),
]

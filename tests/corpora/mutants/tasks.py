"""Known-wrong servers: tasks, errors, loops and clocks: what breaks no sentence of the paper, and the server all the same.

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"

MUTANTS = [
    # NoSpin
    Mutant(
        name="B325_course_heard_event_is_not_renewed",
        source=BLIND,
        stage="2A",
        wrong="the event for a new leader is made once and stays set",
        rules=("NoSpin",),
        changes=(
            (
                "        while True:\n            self.heard = trio.Event()\n",
                "        while True:\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T17_waits_without_waiting",
        source="a common bug of trio code",
        stage="2A",
        wrong="a candidate waits for its votes in a loop around sleep(0)",
        rules=("NoSpin",),
        changes=(
            (
                (
                    "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n"
                    "            self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                    "            await trio.sleep(VOTE_INTERVAL)\n"
                ),
                (
                    "        self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                    "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n"
                    "            await trio.sleep(0)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T17c_polls_for_commands",
        source="a common bug of trio code",
        stage="2B",
        wrong="a leader polls its log for new entries with a bare checkpoint in between",
        rules=("NoSpin",),
        changes=(
            (
                (
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                (
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                while self.next_index[peer] > self.last_log_index() and self.is_still(Role.LEADER, term):\n"
                    "                    await trio.lowlevel.checkpoint()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T31_event_set_for_ever",
        source="a common bug of asyncio and trio code",
        stage="2B",
        wrong="the event that wakes a loop is made once, so after the first command the loop never waits again",
        rules=("NoSpin", "RpcBudget"),
        changes=(
            (
                (
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to"
                ),
                "            self.nursery.start_soon(self.replicate_to",
            ),
        ),
    ),
    # NoCrash
    Mutant(
        name="B35_a_float_for_a_term",
        source=BLIND,
        stage="2A",
        wrong="terms are computed with a division, and become floats",
        rules=("NoCrash", "CandidateIncrementsTerm", "WellFormed"),
        changes=(
            (
                "        self.current_term += 1\n",
                "        self.current_term = (self.current_term * 2 + 2) / 2\n",
            ),
        ),
    ),
    Mutant(
        name="B778_a_leader_knows_more_than_it_told",
        source=BLIND,
        stage="2B",
        wrong="a follower asserts that a leader's commit index is not below its own, but a new leader may learn of commits late",
        rules=("NoCrash",),
        changes=(
            (
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
                (
                    "        assert args.leader_commit >= self.commit_index\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B73_next_index_of_an_earlier_leadership",
        source=BLIND,
        stage="2B",
        wrong="next_index is kept from one leadership to the next, though the log may be shorter now",
        rules=("NoCrash", "CommittedIsApplied"),
        changes=(
            (
                (
                    "            self.next_index[peer] = self.last_log_index() + 1\n"
                    "            self.match_index[peer] = 0\n"
                ),
                (
                    "            self.next_index.setdefault(peer, self.last_log_index() + 1)\n"
                    "            self.match_index[peer] = 0\n"
                ),
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
            (
                "max(next_index, self.match_index[peer] + 1))",
                "max(next_index, self.match_index[peer]))",
            ),
        ),
    ),
    Mutant(
        name="B332_core_goes_below_one",
        source=BLIND,
        stage="2B",
        wrong="the hint may be 0, and the leader follows it",
        rules=("NoCrash", "LogMatching", "LeaderAppendOnly", "CommittedIsApplied"),
        changes=(
            (
                "        return max(index, 1)\n",
                "        return index - 1\n",
            ),
            (
                "max(to.match_index + 1, min(prev, hint if hint is not None else prev))",
                "min(prev, hint if hint is not None else prev)",
            ),
            (
                "conflict_index=self.last_index + 1)",
                "conflict_index=self.last_index)",
            ),
        ),
        base="pure_core",
    ),
    Mutant(
        name="C321_next_index_of_an_earlier_leadership",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a server that leads again goes on with the next_index of the last time",
        rules=("NoCrash", "CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "            self.next_index[peer] = self.last_log_index() + 1\n",
                "            self.next_index.setdefault(peer, self.last_log_index() + 1)\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B208_start_is_a_coroutine",
        source=BLIND,
        stage="2B",
        wrong="start is async",
        rules=("NoCrash", "StartAnswers", "WellFormed"),
        changes=(
            (
                "    def start(self, command: Command)",
                "    async def start(self, command: Command)",
            ),
        ),
    ),
    Mutant(
        name="B210_a_closed_scope_is_used_again",
        source=BLIND,
        stage="2A",
        wrong="one cancel scope serves for all elections, though a scope can be entered once",
        rules=("NoCrash",),
        changes=(
            (
                "            self.election_timer = trio.CancelScope(deadline=deadline)\n",
                "",
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
                (
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
                    "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                ),
                (
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
                    "            return None  # type: ignore[return-value]\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T19_no_answer_is_none",
        source="raftos#27; PySyncObj#161",
        stage="2A",
        wrong="a call that gets no answer returns None, and the server asks that for its term",
        rules=("NoCrash",),
        changes=(
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_vote(peer, args, reply)\n"
                ),
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            self.take_vote(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T19f_timeout_raises",
        source="a common bug of trio code",
        stage="2A",
        wrong="a call that takes too long raises TooSlowError, and nobody catches it",
        rules=("NoCrash",),
        changes=(
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_vote(peer, args, reply)\n"
                ),
                (
                    "        with trio.fail_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_vote(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T19k_dictionary_of_peers_that_answered",
        source="PySyncObj#161",
        stage="2B",
        wrong="match_index has only peers that answered so far, and the first refusal asks it for one that did not",
        rules=("NoCrash",),
        changes=(
            (
                "            self.match_index[peer] = 0\n",
                "            self.match_index.pop(peer, None)\n",
            ),
            (
                "max(self.match_index[peer], index)",
                "max(self.match_index.get(peer, 0), index)",
            ),
        ),
    ),
    Mutant(
        name="T28_lock_kept_on_early_return",
        source="6.824 submissions",
        stage="2A",
        wrong="a handler takes a lock and returns early without giving it back",
        rules=("NoCrash", "LeaderInTime", "CommittedIsApplied", "HeartbeatsSent"),
        changes=(
            (
                "        self.restore()\n\n",
                "        self.lock = trio.Lock()\n        self.restore()\n\n",
            ),
            (
                "    def request_vote(self,",
                "    async def request_vote(self,",
            ),
            (
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
                (
                    "        await self.lock.acquire()\n"
                    "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n"
                ),
            ),
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
                (
                    "        self.lock.release()\n"
                    "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n"
                ),
            ),
        ),
    ),
    # SimulatedTimeOnly
    Mutant(
        name="B723_jitter_from_a_uuid",
        source=BLIND,
        stage="2A",
        wrong="timeouts come from uuid4",
        rules=("SimulatedTimeOnly",),
        changes=(
            (
                "import math\n",
                "import math\nimport uuid\n",
            ),
            (
                "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)\n",
                "        self.election_timer.deadline = trio.current_time() + 0.4 + uuid.uuid4().int % 400 / 1000\n",
            ),
        ),
    ),
    Mutant(
        name="B218_real_random",
        source=BLIND,
        stage="2A",
        wrong="timeouts come from the operating system's random numbers",
        rules=("SimulatedTimeOnly", "NoCrash"),
        changes=(
            (
                "import math\n",
                "import math\nimport os\n",
            ),
            (
                "self.node.random.uniform(*ELECTION_TIMEOUT)",
                "0.4 + 0.4 * os.urandom(1)[0] / 255",
            ),
        ),
    ),
    Mutant(
        name="B219_waits_in_a_thread",
        source=BLIND,
        stage="2A",
        wrong="the timer waits in a thread",
        rules=("SimulatedTimeOnly", "NoCrash"),
        changes=(
            (
                "import math\n",
                "import math\nimport time\n",
            ),
            (
                "            with self.election_timer:\n                await trio.sleep_forever()\n",
                (
                    "            with self.election_timer:\n"
                    "                await trio.to_thread.run_sync(time.sleep, 0.5)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T21_tasks_outlive_their_server",
        source="course labs in Python",
        stage="2A",
        wrong="tasks are started outside of the server's nursery, so a crash does not end them",
        rules=("SimulatedTimeOnly", "EndsWhenCrashed"),
        changes=(
            (
                "            self.nursery.start_soon(self.keep_asking, peer, args)\n",
                "            trio.lowlevel.spawn_system_task(self.keep_asking, peer, args)\n",
            ),
        ),
    ),
    Mutant(
        name="T18_sleeps_in_real_time",
        source="a common bug of asyncio and trio code",
        stage="2A",
        wrong="a leader waits for its next heartbeat with time.sleep",
        rules=("SimulatedTimeOnly", "NoCrash"),
        changes=(
            (
                "import math\n",
                "import math\nimport time\n",
            ),
            (
                (
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                "            time.sleep(HEARTBEAT_INTERVAL)\n",
            ),
        ),
    ),
    Mutant(
        name="T18t_thread_for_the_timer",
        source="ports of threaded servers to trio",
        stage="2A",
        wrong="the election timer is a threading.Timer",
        rules=("SimulatedTimeOnly",),
        changes=(
            (
                "import math\n",
                "import math\nimport threading\n",
            ),
            (
                "        self.reset_election_timer()\n        while True:\n            with self.election_timer:\n",
                (
                    "        threading.Timer(1.0, self.become_candidate).start()\n"
                    "        while True:\n"
                    "            with self.election_timer:\n"
                ),
            ),
        ),
    ),
    # EndsWhenCrashed
    Mutant(
        name="T13_cancelled_swallowed_in_loop",
        source="a common bug of trio code",
        stage="2C",
        wrong="the loop that sends catches every exception, also the one that ends it at a crash",
        rules=("EndsWhenCrashed", "NoStall"),
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
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            try:\n"
                    "                await self.replicate_to(peer, term)\n"
                    "                await trio.sleep(HEARTBEAT_INTERVAL / 2)\n"
                    "            except BaseException:\n"
                    "                continue\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T13w_cancelled_swallowed_in_timer",
        source="a common bug of trio code",
        stage="2C",
        wrong="the task that watches the election timer takes every cancellation for its own",
        rules=("EndsWhenCrashed",),
        changes=(
            (
                "            with self.election_timer:\n                await trio.sleep_forever()\n",
                (
                    "            with self.election_timer:\n"
                    "                try:\n"
                    "                    await trio.sleep_forever()\n"
                    "                except trio.Cancelled:\n"
                    "                    pass\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T13s_calls_are_shielded",
        source="a common bug of trio code",
        stage="2C",
        wrong="a call is shielded from cancellation, so the server cannot end while it waits for an answer",
        rules=("EndsWhenCrashed",),
        changes=(
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        with trio.move_on_after(RPC_TIMEOUT, shield=True):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T13f_last_words_in_finally",
        source="a common bug of trio code",
        stage="2C",
        wrong="a server that ends waits, shielded, for its last heartbeats to be answered",
        rules=("EndsWhenCrashed",),
        changes=(
            (
                "            await self.watch_election_timer()\n",
                (
                    "            try:\n"
                    "                await self.watch_election_timer()\n"
                    "            finally:\n"
                    "                with trio.CancelScope(shield=True):\n"
                    "                    await trio.sleep(HEARTBEAT_INTERVAL)\n"
                ),
            ),
        ),
    ),
]

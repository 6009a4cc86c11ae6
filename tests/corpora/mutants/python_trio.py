"""Servers that know Raft and trip over Python or trio: tasks, cancellation, awaits, closures, aliases, falsy zeros."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

RESTORED = "        self.restore()\n\n"
WATCH = "            await self.watch_election_timer()\n"
REPLICATE = (
    "        while self.is_still(Role.LEADER, term):\n"
    "            self.wakeups[peer] = trio.Event()\n"
    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
    "                await self.wakeups[peer].wait()\n"
)
CALL_ENTRIES = (
    "        with trio.move_on_after(RPC_TIMEOUT):\n"
    "            reply = await self.node.call(peer, args)\n"
    "            if reply is not None:\n"
    "                self.take_append_reply(peer, args, reply)\n"
)
CALL_VOTE = (
    "        with trio.move_on_after(RPC_TIMEOUT):\n"
    "            reply = await self.node.call(peer, args)\n"
    "            if reply is not None:\n"
    "                self.take_vote(peer, args, reply)\n"
)
ASK = (
    "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n"
    "            self.nursery.start_soon(self.request_vote_from, peer, args)\n"
    "            await trio.sleep(VOTE_INTERVAL)\n"
)
SUCCESS = "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
STILL_LEADS = "        if not self.is_still(Role.LEADER, args.term):\n            return\n        if reply.success:\n"
APPLY = (
    "            entry = self.log[self.position(self.last_applied)]\n"
    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
)
START_REPLICATING = "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n"
START_ASKING = "            self.nursery.start_soon(self.keep_asking, peer, args)\n"

MUTANTS = [
    # What was true before an await.
    Mutant(
        name="T05_log_read_after_the_call",
        source="abrange/distkeyvalue",
        stage="2B",
        wrong="what a peer has acknowledged is worked out from next_index and log as they are when the reply comes",
        rules=("CommitNeedsMajority", "CommitOnlyCurrentTerm"),
        changes=(
            (
                SUCCESS,
                "            entries = self.log[self.position(self.next_index[peer]) :][:MAX_ENTRIES]\n"
                "            self.record_match(peer, self.next_index[peer] - 1 + len(entries))\n",
            ),
        ),
    ),
    Mutant(
        name="T05t_term_read_after_the_call",
        source="variant of abrange/distkeyvalue",
        stage="2B",
        wrong="a reply to AppendEntries counts if the server leads now, in whatever term it was asked",
        rules=("CommitNeedsMajority", "CommitOnlyCurrentTerm"),
        changes=(
            (STILL_LEADS, STILL_LEADS.replace("args.term", "self.current_term")),
            ("RPC_TIMEOUT = 1.0\n", "RPC_TIMEOUT = 5.0\n"),
        ),
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
        name="T05r_reply_of_the_round_before",
        source="a common bug of Python code: a name that keeps its value",
        stage="2B",
        wrong="when a call times out, the reply to the one before is looked at once more, as if it were the answer",
        rules=("CommitNeedsMajority",),
        changes=(
            (RESTORED, "        self.replies: dict[int, AppendEntriesReply | None] = {}\n" + RESTORED),
            (
                CALL_ENTRIES,
                "        with trio.move_on_after(RPC_TIMEOUT):\n"
                "            self.replies[peer] = await self.node.call(peer, args)\n"
                "        reply = self.replies.get(peer)\n"
                "        if reply is not None:\n"
                "            self.take_append_reply(peer, args, reply)\n",
            ),
        ),
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
            ("    def append_entries(self,", "    async def append_entries(self,"),
            (
                "        # Figure 2, AppendEntries rules 3 and 4\n",
                "        await trio.sleep(0.05 if args.entries else 0)\n"
                "        # Figure 2, AppendEntries rules 3 and 4\n",
            ),
        ),
    ),
    Mutant(
        name="T30_words_of_a_candidacy_renewed",
        source="eliben/raft#13",
        stage="2A",
        wrong="a request for a vote that is sent again carries the term of that moment, candidate or not",
        rules=("OneVotePerTerm", "SavedBeforeSend", "CandidateIncrementsTerm"),
        changes=(
            (
                ASK,
                "        while peer not in self.votes:\n"
                "            last = (self.last_log_index(), self.last_log_term())\n"
                "            args = RequestVoteArgs(self.current_term, self.node.me, *last)\n"
                "            self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                "            await trio.sleep(VOTE_INTERVAL)\n",
            ),
            (
                "        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n        with",
                "        with",
            ),
        ),
    ),
    # Tasks that outlive their reason.
    Mutant(
        name="T24_loop_of_an_old_leadership",
        source="dqkqd@a68e49b; 6.824 submissions",
        stage="2B",
        wrong="a loop that sends for a leader goes on when the server leads again, still with its old term",
        rules=("HigherTermAdopted", "LeaderAppendOnly", "LogMatching", "StepsDown"),
        changes=(
            (
                REPLICATE,
                "        while self.role is Role.LEADER:\n"
                "            self.wakeups[peer] = trio.Event()\n"
                "            await self.replicate_to(peer, term)\n"
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                "                await self.wakeups[peer].wait()\n",
            ),
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n        if self.next_index",
                "        if self.role is not Role.LEADER:\n            return\n        if self.next_index",
            ),
            ("            await self.send_entries(peer)\n", "            await self.send_entries(peer, term)\n"),
            ("    async def send_entries(self, peer: int)", "    async def send_entries(self, peer: int, term: int)"),
            ("            term=self.current_term,\n", "            term=term,\n"),
        ),
    ),
    Mutant(
        name="T24f_heartbeats_until_the_next_round",
        source="6.824 submissions",
        stage="2A",
        wrong="a leader that steps down goes on sending: its loops look only at the role that they began with",
        rules=("StepsDown", "HigherTermAdopted", "ElectionSafety", "LeaderHasMajority"),
        changes=(
            (REPLICATE, REPLICATE.replace("while self.is_still(Role.LEADER, term):", "while True:")),
            (
                "        if not self.is_still(Role.LEADER, term):\n            return\n        if self.next_index",
                "        if self.next_index",
            ),
        ),
    ),
    Mutant(
        name="T22_old_timer_not_cancelled",
        source="6.824 submissions",
        stage="2A",
        wrong="a server that becomes follower starts a new election timer beside the one that runs",
        rules=("ElectionTimerReset", "NoCrash", "StepsDown", "CandidateIncrementsTerm"),
        changes=(
            (
                "        if self.role is Role.LEADER:\n"
                "            self.reset_election_timer()\n        self.role = Role.FOLLOWER\n",
                "        self.election_timer = trio.CancelScope()\n        self.reset_election_timer()\n"
                "        self.role = Role.FOLLOWER\n"
                "        self.nursery.start_soon(self.run_timer, self.election_timer)\n",
            ),
            (
                "        self.reset_election_timer()\n        while True:\n            with self.election_timer:\n"
                "                await trio.sleep_forever()\n            deadline = self.election_timer.deadline\n"
                "            self.election_timer = trio.CancelScope(deadline=deadline)\n"
                "            # The deadline lies ahead if a leader was heard, or this server won, in the very instant it ran out.\n"
                "            if deadline <= trio.current_time():\n                self.become_candidate()\n",
                "        self.reset_election_timer()\n        await self.run_timer(self.election_timer)\n"
                "        await trio.sleep_forever()\n\n"
                "    async def run_timer(self, timer: trio.CancelScope) -> None:\n"
                "        with timer:\n            await trio.sleep_forever()\n"
                "        if self.role is not Role.LEADER:\n"
                "            self.election_timer = trio.CancelScope()\n"
                "            self.nursery.start_soon(self.run_timer, self.election_timer)\n"
                "            self.become_candidate()\n",
            ),
        ),
    ),
    Mutant(
        name="T16_a_loop_more_for_each_answer",
        source="6.824 submissions",
        stage="2B",
        wrong="each answer with news starts another loop that sends to the peer, beside those that run",
        rules=("HeartbeatsSent", "RpcBudget", "ByteBudget", "NoSpin"),
        changes=(
            (
                "        if index <= self.last_log_index():\n            self.wakeups[peer].set()\n",
                "        self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="T29_flag_cleared_on_success_only",
        source="dqkqd@a68e49b",
        stage="2B",
        wrong="a flag says that a call to a peer is open; a call without an answer leaves it set for ever",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (RESTORED, "        self.replicating: set[int] = set()\n" + RESTORED),
            (
                "        prev_log_index = self.next_index[peer] - 1\n",
                "        if peer in self.replicating:\n            return\n        self.replicating.add(peer)\n"
                "        prev_log_index = self.next_index[peer] - 1\n",
            ),
            (
                CALL_ENTRIES,
                CALL_ENTRIES.replace(
                    "                self.take_append_reply",
                    "                self.replicating.discard(peer)\n                self.take_append_reply",
                ),
            ),
        ),
    ),
    Mutant(
        name="T29c_flag_survives_leadership",
        source="dqkqd@a68e49b",
        stage="2B",
        wrong="a flag says that a call to a peer is open; it stays set when the leadership ends before the answer",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (RESTORED, "        self.replicating: set[int] = set()\n" + RESTORED),
            (
                "        prev_log_index = self.next_index[peer] - 1\n",
                "        if peer in self.replicating:\n            return\n        self.replicating.add(peer)\n"
                "        prev_log_index = self.next_index[peer] - 1\n",
            ),
            (
                CALL_ENTRIES,
                CALL_ENTRIES
                + "        if self.is_still(Role.LEADER, args.term):\n            self.replicating.discard(peer)\n",
            ),
        ),
    ),
    # Cancellation.
    Mutant(
        name="T13_cancelled_swallowed_in_loop",
        source="a common bug of trio code",
        stage="2C",
        wrong="the loop that sends catches every exception, also the one that ends it at a crash",
        rules=("EndsWhenCrashed",),
        changes=(
            (
                REPLICATE,
                "        while self.is_still(Role.LEADER, term):\n"
                "            try:\n"
                "                await self.replicate_to(peer, term)\n"
                "                await trio.sleep(HEARTBEAT_INTERVAL / 2)\n"
                "            except BaseException:\n"
                "                continue\n",
            ),
        ),
    ),
    Mutant(
        name="T13w_cancelled_swallowed_in_timer",
        source="a common bug of trio code",
        stage="2C",
        wrong="whoever watches the election timer takes every cancellation for its own",
        rules=("EndsWhenCrashed",),
        changes=(
            (
                "            with self.election_timer:\n                await trio.sleep_forever()\n",
                "            with self.election_timer:\n                try:\n"
                "                    await trio.sleep_forever()\n"
                "                except trio.Cancelled:\n                    pass\n",
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
                CALL_ENTRIES,
                CALL_ENTRIES.replace("move_on_after(RPC_TIMEOUT)", "move_on_after(RPC_TIMEOUT, shield=True)"),
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
                WATCH,
                "            try:\n                await self.watch_election_timer()\n            finally:\n"
                "                with trio.CancelScope(shield=True):\n"
                "                    await trio.sleep(HEARTBEAT_INTERVAL)\n",
            ),
        ),
    ),
    # Exceptions.
    Mutant(
        name="T19_no_answer_is_none",
        source="raftos#27; PySyncObj#161",
        stage="2A",
        wrong="a call that gets no answer returns None, and the server asks that for its term",
        rules=("NoCrash",),
        changes=((CALL_VOTE, CALL_VOTE.replace("            if reply is not None:\n    ", "")),),
    ),
    Mutant(
        name="T19f_timeout_raises",
        source="a common bug of trio code",
        stage="2A",
        wrong="a call that takes too long raises TooSlowError, and nobody catches it",
        rules=("NoCrash",),
        changes=((CALL_VOTE, CALL_VOTE.replace("move_on_after", "fail_after")),),
    ),
    Mutant(
        name="T19s_error_ends_the_loop_silently",
        source="PySyncObj@fa8438a (#190)",
        stage="2B",
        wrong="an exception about a missing answer is caught outside of the loop that sends, so the loop is over",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                REPLICATE,
                "        try:\n"
                "            while self.is_still(Role.LEADER, term):\n"
                "                self.wakeups[peer] = trio.Event()\n"
                "                await self.replicate_to(peer, term)\n"
                "                with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                "                    await self.wakeups[peer].wait()\n"
                "        except Exception as error:\n"
                "            self.node.note(f'lost server {peer}: {error}')\n",
            ),
            (
                CALL_ENTRIES,
                "        with trio.move_on_after(RPC_TIMEOUT):\n"
                "            reply = await self.node.call(peer, args)\n"
                "            self.take_append_reply(peer, args, reply)\n",
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
            ("            self.match_index[peer] = 0\n", "            self.match_index.pop(peer, None)\n"),
            ("max(self.match_index[peer], index)", "max(self.match_index.get(peer, 0), index)"),
        ),
    ),
    Mutant(
        name="T28_lock_kept_on_early_return",
        source="6.824 submissions",
        stage="2A",
        wrong="a handler takes a lock and returns early without giving it back",
        rules=("NoCrash", "LeaderInTime", "CommittedIsApplied", "HeartbeatsSent"),
        changes=(
            (RESTORED, "        self.lock = trio.Lock()\n" + RESTORED),
            ("    def request_vote(self,", "    async def request_vote(self,"),
            (
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
                "        await self.lock.acquire()\n"
                "        if args.term < self.current_term:  # Figure 2, RequestVote rule 1\n",
            ),
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
                "        self.lock.release()\n"
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
            ),
        ),
    ),
    # Loops and tasks.
    Mutant(
        name="T12_closure_over_the_last_peer",
        source="every Python course",
        stage="2A",
        wrong="the tasks that send are closures over the loop's name: all of them write to the last peer",
        rules=("HeartbeatsSent",),
        changes=(
            (
                START_REPLICATING,
                "\n            async def keep_replicating() -> None:\n"
                "                await self.keep_replicating_to(peer, self.current_term)\n\n"
                "            self.nursery.start_soon(keep_replicating)\n",
            ),
        ),
    ),
    Mutant(
        name="T12v_votes_of_the_last_peer",
        source="every Python course",
        stage="2A",
        wrong="the tasks that ask for votes are closures over the loop's name: all of them ask the last peer",
        rules=("LeaderInTime", "VoteDenied"),
        changes=(
            (
                START_ASKING,
                "\n            async def ask() -> None:\n                await self.keep_asking(peer, args)\n\n"
                "            self.nursery.start_soon(ask)\n",
            ),
        ),
    ),
    Mutant(
        name="T12g_iterator_used_up",
        source="every Python course",
        stage="2A",
        wrong="the peers are kept as an iterator, which the first loop over them uses up",
        rules=("HeartbeatsSent", "LeaderInTime", "CandidateIncrementsTerm"),
        changes=(
            (RESTORED, "        self.others = filter(lambda peer: peer != node.me, node.peers)\n" + RESTORED),
            (
                "        for peer in self.node.peers:\n" + START_ASKING,
                "        for peer in self.others:\n" + START_ASKING,
            ),
        ),
    ),
    Mutant(
        name="T17_waits_without_waiting",
        source="a common bug of trio code",
        stage="2A",
        wrong="a candidate waits for its votes in a loop around sleep(0)",
        rules=("NoSpin",),
        changes=(
            (
                ASK,
                "        self.nursery.start_soon(self.request_vote_from, peer, args)\n"
                "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n"
                "            await trio.sleep(0)\n",
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
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                "                await self.wakeups[peer].wait()\n",
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                "                while self.next_index[peer] > self.last_log_index() and self.is_still(Role.LEADER, term):\n"
                "                    await trio.lowlevel.checkpoint()\n",
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
                "            self.wakeups[peer] = trio.Event()\n            self.nursery.start_soon(self.replicate_to",
                "            self.nursery.start_soon(self.replicate_to",
            ),
        ),
    ),
    Mutant(
        name="T23_a_task_for_each_entry",
        source="a common bug of trio code",
        stage="2B",
        wrong="each committed entry is applied by a task of its own, and tasks run in any order",
        rules=("ApplyInOrder",),
        changes=(
            (
                APPLY,
                "            entry = self.log[self.position(self.last_applied)]\n"
                "            self.nursery.start_soon(self.apply_ch.send, ApplyCommand(self.last_applied, entry.command))\n",
            ),
        ),
    ),
    Mutant(
        name="T23r_entry_looked_up_by_its_task",
        source="variant of T23",
        stage="2B",
        wrong="each committed entry has a task that applies whatever last_applied stands at when it runs",
        rules=("ApplyInOrder",),
        changes=(
            (
                APPLY,
                "            self.nursery.start_soon(self.apply_one)\n\n"
                "    async def apply_one(self) -> None:\n"
                "        entry = self.log[self.position(self.last_applied)]\n"
                "        await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))\n",
            ),
        ),
    ),
    Mutant(
        name="T33_missing_await",
        source="a common bug of asyncio and trio code",
        stage="2A",
        wrong="the call that sends has no await before it, so it makes a coroutine and sends nothing",
        rules=("HeartbeatsSent", "LeaderInTime"),
        changes=(
            (
                "            await self.send_snapshot(peer)\n"
                "        else:\n            await self.send_entries(peer)\n",
                "            await self.send_snapshot(peer)\n        else:\n            self.send_entries(peer)\n",
            ),
        ),
    ),
    # Values and names.
    Mutant(
        name="T25_live_list_in_a_message",
        source="a common bug of Python code",
        stage="2B",
        wrong="a message that carries the whole log carries the list itself, which has grown when the answer comes",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "            entries=self.log[first : first + MAX_ENTRIES],\n",
                "            entries=self.log[first : first + MAX_ENTRIES] if first else self.log,\n",
            ),
        ),
    ),
    Mutant(
        name="T25d_one_dictionary_with_two_names",
        source="a common bug of Python code",
        stage="2B",
        wrong="match_index and next_index are one dictionary with two names",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "        self.match_index: dict[int, int] = {}\n",
                "        self.match_index = self.next_index\n",
            ),
            (
                "            self.next_index[peer] = self.last_log_index() + 1\n"
                "            self.match_index[peer] = 0\n",
                "            self.match_index[peer] = 0\n"
                "            self.next_index[peer] = self.last_log_index() + 1\n",
            ),
        ),
    ),
    Mutant(
        name="T08r_vote_for_server_0_is_falsy",
        source="willemt/raft@fe60545",
        stage="2C",
        wrong="a vote for server 0 is read back as no vote",
        rules=("RestoredOnRestart", "OneVotePerTerm"),
        changes=(("        self.voted_for = state.voted_for\n", "        self.voted_for = state.voted_for or None\n"),),
    ),
    Mutant(
        name="T08c_candidate_0_is_none",
        source="willemt/raft@fe60545",
        stage="2A",
        wrong="a request without a candidate is refused, and the candidate 0 counts as none",
        rules=("VoteDenied",),
        changes=(
            (
                "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                "        if args.term > self.current_term:",
                "            return RequestVoteReply(self.current_term, vote_granted=False)\n"
                "        if not args.candidate_id:\n"
                "            return RequestVoteReply(max(args.term, self.current_term), vote_granted=False)\n"
                "        if args.term > self.current_term:",
            ),
        ),
    ),
    Mutant(
        name="T10_negative_index_at_the_base",
        source="raftos",
        stage="2D",
        wrong="the term of the entry that the snapshot ends with is read at position -1: it is that of the last entry",
        rules=("SnapshotTermKept", "ConsistencyCheck", "ConsistencyRefusal", "LogMatching"),
        changes=(
            (
                "        if index == self.last_included_index:\n            return self.last_included_term\n",
                "        if index == 0 or not self.log:\n            return self.last_included_term\n",
            ),
        ),
    ),
    Mutant(
        name="T10c_negative_index_below_the_base",
        source="raftos",
        stage="2D",
        wrong="an AppendEntries that begins below the snapshot is checked against the log's end, at a negative position",
        rules=("NoCrash", "ConsistencyRefusal", "MatchingKept", "BackoffBound"),
        changes=(
            (
                "        covered = args.prev_log_index < self.last_included_index\n        if not covered and not self",
                "        if not self",
            ),
        ),
    ),
    Mutant(
        name="T10z_minus_zero_keeps_all",
        source="a common bug of Python code",
        stage="2D",
        wrong="the log keeps as many entries from its end as lie behind the snapshot; if that is none, it keeps all",
        rules=(
            "LogMatching",
            "StateMachineSafety",
            "SnapshotKeepsSuffix",
            "MatchingKept",
            "LeaderAppendOnly",
            "LogTrimmed",
            "ConflictTruncated",
        ),
        changes=(
            (
                "        self.log = self.log[self.position(index + 1) :]\n        self.last_included_index = index\n",
                "        self.log = self.log[index - self.last_log_index() :]\n"
                "        self.last_included_index = index\n",
            ),
        ),
    ),
    Mutant(
        name="T11_is_compares_indices",
        source="PySyncObj@dfc28df",
        stage="2C",
        wrong="a refusal belongs to the newest request if two indices are one object, which large ones are not",
        rules=("BackoffBound", "CommittedIsApplied"),
        changes=(
            (
                "        elif args.prev_log_index == self.next_index[peer] - 1:\n",
                "        elif args.prev_log_index is self.next_index[peer] - 1:\n",
            ),
        ),
    ),
    Mutant(
        name="T11b_is_compares_with_the_base",
        source="PySyncObj@dfc28df",
        stage="2D",
        wrong="an index is the snapshot's last if the two are one object, which large ones are not",
        rules=("SnapshotTermKept", "NoCrash", "ConsistencyCheck", "ConsistencyRefusal", "LogMatching"),
        changes=(
            (
                "        if index == self.last_included_index:\n            return self.last_included_term\n",
                "        if index is self.last_included_index:\n            return self.last_included_term\n",
            ),
        ),
    ),
    # Time.
    Mutant(
        name="T18_sleeps_in_real_time",
        source="a common bug of asyncio and trio code",
        stage="2A",
        wrong="a leader waits for its next heartbeat with time.sleep",
        rules=("SimulatedTimeOnly", "NoCrash"),
        changes=(
            ("import math\n", "import math\nimport time\n"),
            (
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                "                await self.wakeups[peer].wait()\n",
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
            ("import math\n", "import math\nimport threading\n"),
            (
                "        self.reset_election_timer()\n        while True:\n            with self.election_timer:\n",
                "        threading.Timer(1.0, self.become_candidate).start()\n"
                "        while True:\n            with self.election_timer:\n",
            ),
        ),
    ),
    # Liveness that a wait in the wrong place costs.
    Mutant(
        name="L01_every_answer_wakes_everybody",
        source="6.824 submissions; abrange/distkeyvalue",
        stage="2B",
        wrong="each answer to AppendEntries makes the leader write to all its peers at once",
        rules=("RpcBudget", "NoSpin", "HeartbeatsSent", "ByteBudget"),
        changes=(
            (
                SUCCESS,
                SUCCESS + "            for other in self.node.peers:\n                self.wakeups[other].set()\n",
            ),
        ),
    ),
    Mutant(
        name="L04s_heartbeats_one_after_the_other",
        source="abrange/distkeyvalue",
        stage="2B",
        wrong="a leader waits for one peer's answer before it writes to the next, so a dead peer delays all",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (START_REPLICATING, ""),
            (
                "    async def keep_replicating_to(self, peer: int, term: int) -> None:\n",
                "        self.nursery.start_soon(self.keep_replicating, self.current_term)\n\n"
                "    async def keep_replicating(self, term: int) -> None:\n"
                "        while self.is_still(Role.LEADER, term):\n"
                "            for peer in self.node.peers:\n"
                "                await self.replicate_to(peer, term)\n"
                "            await trio.sleep(HEARTBEAT_INTERVAL / 2)\n\n"
                "    async def keep_replicating_to(self, peer: int, term: int) -> None:\n",
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
                "        for peer in self.node.peers:\n" + START_ASKING,
                "        self.nursery.start_soon(self.ask_all, args)\n",
            ),
            (
                "    async def keep_asking(self,",
                "    async def ask_all(self, args: RequestVoteArgs) -> None:\n"
                "        for peer in self.node.peers:\n"
                "            await self.request_vote_from(peer, args)\n\n"
                "    async def keep_asking(self,",
            ),
        ),
    ),
    Mutant(
        name="L08_heartbeats_wait_for_the_applier",
        source="sofa-jraft#969; LogCabin#200",
        stage="2B",
        wrong="heartbeats leave between two entries that are applied, and applying takes its time",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                "            self.apply_committed()\n\n",
                "            self.behind.set()\n\n"
                "    async def keep_applying(self) -> None:\n"
                "        while True:\n"
                "            await self.behind.wait()\n"
                "            self.behind = trio.Event()\n"
                "            async with self.busy:\n"
                "                while self.commit_index > self.last_applied:\n"
                "                    self.last_applied += 1\n"
                "                    entry = self.log[self.position(self.last_applied)]\n"
                "                    await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))\n"
                "                    await trio.sleep(0.02)\n\n",
            ),
            (RESTORED, "        self.busy = trio.Lock()\n        self.behind = trio.Event()\n" + RESTORED),
            (WATCH, "            self.nursery.start_soon(self.keep_applying)\n" + WATCH),
            (
                REPLICATE,
                REPLICATE.replace(
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n",
                    "            async with self.busy:\n"
                    "                self.nursery.start_soon(self.replicate_to, peer, term)\n",
                ),
            ),
            (
                "        term = self.term_at(index)\n        self.log =",
                "        term = self.term_at(index)\n"
                "        self.last_applied = max(self.last_applied, index)\n        self.log =",
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
                "        for peer in self.node.peers:\n" + START_ASKING,
                "        self.nursery.start_soon(self.ask_all, args)\n",
            ),
            (
                "    async def keep_asking(self,",
                "    async def ask_all(self, args: RequestVoteArgs) -> None:\n"
                "        for peer in self.node.peers:\n"
                "            reply = None\n"
                "            with trio.move_on_after(VOTE_INTERVAL):\n"
                "                reply = await self.node.call(peer, args)\n"
                "            if reply is None:\n"
                "                return\n"
                "            self.take_vote(peer, args, reply)\n\n"
                "    async def keep_asking(self,",
            ),
        ),
    ),
    Mutant(
        name="L10_call_without_a_timeout_holds_the_slot",
        source="6.824 submissions",
        stage="2B",
        wrong="one call to a peer is open at a time, and it is waited for as long as it takes",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                REPLICATE,
                REPLICATE.replace(
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n",
                    "            await self.replicate_to(peer, term)\n",
                ),
            ),
            (CALL_ENTRIES, CALL_ENTRIES.replace("move_on_after(RPC_TIMEOUT)", "CancelScope()")),
        ),
    ),
    Mutant(
        name="L14_window_leaks_slots",
        source="dqkqd@a68e49b",
        stage="2B",
        wrong="at most 16 calls to a peer are open, but one that gets no answer is never counted as over",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                "            self.match_index[peer] = 0\n",
                "            self.match_index[peer] = 0\n            self.window[peer] = 16\n",
            ),
            (RESTORED, "        self.window: dict[int, int] = {}\n" + RESTORED),
            (
                "        prev_log_index = self.next_index[peer] - 1\n",
                "        if self.window[peer] == 0:\n            return\n        self.window[peer] -= 1\n"
                "        prev_log_index = self.next_index[peer] - 1\n",
            ),
            (
                CALL_ENTRIES,
                CALL_ENTRIES.replace(
                    "                self.take_append_reply",
                    "                self.window[peer] += 1\n                self.take_append_reply",
                ),
            ),
        ),
    ),
]

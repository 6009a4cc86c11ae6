"""Known-wrong steps of several, right alone and wrong together, written without a look at judges or tests."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

FIELDS = "        self.votes: dict[int, bool] = {}\n"
SAVE = """\
        base = (self.last_included_index, self.last_included_term)
        self.node.persister.save("""
CHECK = """\
        covered = args.prev_log_index < self.last_included_index
        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):
            return self.refuse_entries(args.prev_log_index)
"""
TAKE = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
TERM = """\
            return AppendEntriesReply(self.current_term, success=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""
CONFLICT = "            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3\n"
HAS_ENTRY = "        return self.term_at(index) == term\n"
TERM_AT = '    def term_at(self, index: int) -> int:\n        """Return the term of the entry at'
SEND = """\
        prev_log_index = self.next_index[peer] - 1
        first = self.position(self.next_index[peer])
"""
SLICE = "            entries=self.log[first : first + MAX_ENTRIES],\n"
CALL = """\
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
"""
FIRST_STEP = """\
        if not self.is_still(Role.LEADER, term):
            return
        if self.next_index[peer] <= self.last_included_index:
"""
ROUND = """\
            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.replicate_to, peer, term)
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
"""
RUN = """\
        async with trio.open_nursery() as self.nursery:
            await self.watch_election_timer()
"""
APPLY = """\
        while self.commit_index > self.last_applied:
            self.last_applied += 1
            entry = self.log[self.position(self.last_applied)]
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))
"""
START = """\
        if self.role is not Role.LEADER:
            return -1, self.current_term, False
        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2
        self.save()
        index = self.last_log_index()
"""
LEAD_HEAD = "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n"
GRANT = """\
            self.voted_for = args.candidate_id
            self.save()
        self.reset"""
LOAD_HEAD = "        state = self.node.persister.load()\n"

MUTANTS = [
    Mutant(
        name="B760_equal_lengths_are_not_saved",
        source=BLIND,
        stage="2C",
        wrong="a save is left out if term, vote and the log's length are those of the save before, though entries were replaced",
        rules=("SavedBeforeReply", "StateMachineSafety", "RestoredOnRestart"),
        changes=(
            (
                SAVE,
                """\
        base = (self.last_included_index, self.last_included_term)
        now = (self.current_term, self.voted_for, base, len(self.log))
        if snapshot is None and now == self.saved:
            return
        self.saved = now
        self.node.persister.save(""",
            ),
            (FIELDS, FIELDS + "        self.saved: object = None\n"),
        ),
    ),
    Mutant(
        name="B761_saves_votes_at_the_end_of_its_life",
        source=BLIND,
        stage="2C",
        wrong="a granted vote is saved in a finally, when the server is cancelled",
        rules=("SavedBeforeReply", "EndsWhenCrashed"),
        changes=(
            (GRANT, GRANT.replace("            self.save()\n", "")),
            (
                RUN,
                "        try:\n            async with trio.open_nursery() as self.nursery:\n                await self.watch_election_timer()\n        finally:\n            self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="B762_known_first_entry_means_a_repeat",
        source=BLIND,
        stage="2B",
        wrong="a message whose first entry is there counts as one that came before, and is acknowledged without the rest",
        rules=(
            "CommitNeedsMajority",
            "ConsistencyCheck",
            "ConflictTruncated",
            "CommittedIsApplied",
            "LogMatching",
            "NoCrash",
        ),
        changes=(
            (
                TAKE,
                """\
        first = args.prev_log_index + 1
        if args.entries and first > self.last_included_index and self.has_entry(first, args.entries[0].term):
            return AppendEntriesReply(self.current_term, success=True)
"""
                + TAKE,
            ),
        ),
    ),
    Mutant(
        name="B763_repeats_by_place_and_number",
        source=BLIND,
        stage="2B",
        wrong="entries with the place and number of those that came last count as a repeat, also from a newer leader",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety", "CommitNeedsMajority"),
        changes=(
            (FIELDS, FIELDS + "        self.last_message = (0, 0, 0)\n"),
            (
                TAKE,
                """\
        message = (args.prev_log_index, args.prev_log_term, len(args.entries))
        if args.entries and message == self.last_message:
            return AppendEntriesReply(self.current_term, success=True)
        if args.entries:
            self.last_message = message
"""
                + TAKE,
            ),
        ),
    ),
    Mutant(
        name="B764_only_newer_terms_conflict",
        source=BLIND,
        stage="2B",
        wrong="an entry gives way only to one of a newer term, so one of a deposed leader stays before an older one",
        rules=("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        changes=((CONFLICT, CONFLICT.replace("!= entry.term", "< entry.term")),),
    ),
    Mutant(
        name="B765_newer_previous_term_will_do",
        source=BLIND,
        stage="2B",
        wrong="the entry before the new ones may be of a newer term than the leader says",
        rules=("ConsistencyCheck", "LogMatching", "StateMachineSafety"),
        changes=((HAS_ENTRY, HAS_ENTRY.replace("==", ">=")),),
    ),
    Mutant(
        name="B766_older_previous_term_will_do",
        source=BLIND,
        stage="2B",
        wrong="the entry before the new ones may be of an older term than the leader says",
        rules=("ConsistencyCheck", "LogMatching", "StateMachineSafety"),
        changes=((HAS_ENTRY, HAS_ENTRY.replace("==", "<=")),),
    ),
    Mutant(
        name="B767_stale_entries_are_acknowledged",
        source=BLIND,
        stage="2B",
        wrong="a message that begins below the commit index is acknowledged unread, as its sender would learn the commit index elsewhere",
        rules=("CommittedIsApplied", "MatchingKept", "ConsistencyRefusal", "CommitNeedsMajority"),
        changes=(
            (
                CHECK,
                "        if args.prev_log_index < self.commit_index:\n            return AppendEntriesReply(self.current_term, success=True)\n"
                + CHECK,
            ),
        ),
    ),
    Mutant(
        name="B768_terms_are_cached",
        source=BLIND,
        stage="2B",
        wrong="the term of an index is cached, and stays when the entry is replaced",
        rules=(
            "ConflictTruncated",
            "LogMatching",
            "ConsistencyCheck",
            "ConsistencyRefusal",
            "StateMachineSafety",
            "VoteOnlyUpToDate",
            "VoteDenied",
            "LeaderInTime",
        ),
        changes=(
            (TERM_AT, "    @functools.cache  # noqa: B019\n" + TERM_AT),
            ("import math\n", "import functools\nimport math\n"),
        ),
    ),
    Mutant(
        name="B769_slice_ends_at_the_limit",
        source=BLIND,
        stage="2B",
        wrong="the entries of a message end at position 64 of the log, not 64 after the first",
        rules=("CommittedIsApplied",),
        changes=((SLICE, SLICE.replace("first + MAX", "MAX")),),
    ),
    Mutant(
        name="B770_batches_after_it_looked",
        source=BLIND,
        stage="2D",
        wrong="a leader reckons where the new entries lie, waits 10 ms for more of them, and reads the log then, which a snapshot may have moved",
        rules=(
            "LogMatching",
            "StateMachineSafety",
            "ConsistencyCheck",
            "CommittedIsApplied",
            "NoCrash",
            "LeaderAppendOnly",
        ),
        changes=(
            (
                SEND,
                """\
        prev_log_index = self.next_index[peer] - 1
        prev_log_term = self.term_at(prev_log_index)
        first = self.position(self.next_index[peer])
        await trio.sleep(0.01)
        if self.role is not Role.LEADER:
            return
""",
            ),
            ("            prev_log_term=self.term_at(prev_log_index),\n", "            prev_log_term=prev_log_term,\n"),
        ),
    ),
    Mutant(
        name="B771_a_task_sends_what_its_leader_was",
        source=BLIND,
        stage="2B",
        wrong="a task that was made for a leader does not look again when it first runs, and the server may follow by then",
        rules=("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        changes=(
            (
                FIRST_STEP,
                FIRST_STEP.replace("        if not self.is_still(Role.LEADER, term):\n            return\n", ""),
            ),
        ),
    ),
    Mutant(
        name="B772_errors_start_the_server_anew",
        source=BLIND,
        stage="2A",
        wrong="a call without an answer raises; run catches it and starts its tasks anew, without those of the leader that it still is",
        rules=("HeartbeatsSent", "LeaderInTime", "CommittedIsApplied", "NoCrash"),
        changes=(
            (
                RUN,
                """\
        while True:
            try:
                async with trio.open_nursery() as self.nursery:
                    await self.watch_election_timer()
            except* AttributeError:
                self.node.note("starting anew")
""",
            ),
            (
                CALL,
                CALL.replace(
                    "            if reply is not None:\n                self",
                    "            if reply.term:\n                self",
                ),
            ),
        ),
    ),
    Mutant(
        name="B773_what_does_not_fit_is_not_applied",
        source=BLIND,
        stage="2B",
        wrong="committed entries go to the service through a channel of 16 places, and what finds it full is dropped",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (FIELDS, FIELDS + "        self.inbox, self.outbox = trio.open_memory_channel[ApplyCommand](16)\n"),
            (
                APPLY,
                """\
        while self.commit_index > self.last_applied:
            self.last_applied += 1
            entry = self.log[self.position(self.last_applied)]
            try:
                self.inbox.send_nowait(ApplyCommand(self.last_applied, entry.command))
            except trio.WouldBlock:
                pass

    async def hand_out(self) -> None:
        async for message in self.outbox:
            await self.apply_ch.send(message)
""",
            ),
            (
                RUN,
                RUN.replace(
                    "            await", "            self.nursery.start_soon(self.hand_out)\n            await"
                ),
            ),
        ),
    ),
    Mutant(
        name="B774_applier_clears_its_event_too_late",
        source=BLIND,
        stage="2B",
        wrong="the applier renews its event after it has applied, and what was committed meanwhile waits for the next command",
        rules=("CommittedIsApplied",),
        changes=(
            (FIELDS, FIELDS + "        self.committed = trio.Event()\n"),
            (
                APPLY,
                """\
        self.committed.set()

    async def hand_out(self) -> None:
        while True:
            await self.committed.wait()
            last = self.commit_index
            while self.last_applied < last:
                await trio.sleep(0.005)
                if self.last_applied < last:
                    self.last_applied += 1
                    entry = self.log[self.position(self.last_applied)]
                    await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))
            self.committed = trio.Event()
""",
            ),
            (
                RUN,
                RUN.replace(
                    "            await", "            self.nursery.start_soon(self.hand_out)\n            await"
                ),
            ),
        ),
    ),
    Mutant(
        name="B775_queued_commands_outlive_a_leadership",
        source=BLIND,
        stage="2B",
        wrong="commands are queued and appended 10 ms later, whatever the server is by then",
        rules=("StartAnswers", "LogMatching", "StateMachineSafety", "LeaderAppendOnly"),
        changes=(
            (FIELDS, FIELDS + "        self.queue: list[Command] = []\n"),
            (
                START,
                """\
        if self.role is not Role.LEADER:
            return -1, self.current_term, False
        self.queue.append(command)
        self.nursery.start_soon(self.append_queued)
        index = self.last_log_index() + len(self.queue)
        return index, self.current_term, True

    async def append_queued(self) -> None:
        await trio.sleep(0.01)
        if not self.queue:
            return
        self.log += [LogEntry(self.current_term, command) for command in self.queue]
        self.queue.clear()
        self.save()
        if self.role is Role.LEADER:
            self.told()

    def told(self) -> None:
        index = self.last_log_index()
""",
            ),
            (
                "        self.advance_commit_index()\n        return index, self.current_term, True\n",
                "        self.advance_commit_index()\n",
            ),
        ),
    ),
    Mutant(
        name="B776_followers_keep_commands",
        source=BLIND,
        stage="2B",
        wrong="a follower says that it takes no command, and appends it when it is elected later",
        rules=("StartAnswers", "StateMachineSafety", "LogMatching"),
        changes=(
            (FIELDS, FIELDS + "        self.queue: list[Command] = []\n"),
            (
                "            return -1, self.current_term, False\n",
                "            self.queue.append(command)\n            return -1, self.current_term, False\n",
            ),
            (
                LEAD_HEAD,
                LEAD_HEAD
                + "        self.log += [LogEntry(self.current_term, command) for command in self.queue]\n        self.queue.clear()\n        self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="B777_the_first_word_of_a_leader_is_refused",
        source=BLIND,
        stage="2B",
        wrong="the message that brings a newer term is refused, and the next one is read",
        rules=("ConsistencyRefusal",),
        changes=((TERM, TERM + "            return AppendEntriesReply(self.current_term, success=False)\n"),),
    ),
    Mutant(
        name="B778_a_leader_knows_more_than_it_told",
        source=BLIND,
        stage="2B",
        wrong="a follower asserts that a leader's commit index is not below its own, but a new leader may learn of commits late",
        rules=("NoCrash",),
        changes=((CHECK, "        assert args.leader_commit >= self.commit_index\n" + CHECK),),
    ),
    Mutant(
        name="B779_snapshots_are_never_late",
        source=BLIND,
        stage="2D",
        wrong="a follower asserts that a snapshot is ahead of what it has committed",
        rules=("NoCrash",),
        changes=(
            (
                "        if args.last_included_index <= self.commit_index:\n",
                "        assert args.last_included_index > self.commit_index\n        if args.last_included_index <= self.commit_index:\n",
            ),
        ),
    ),
    Mutant(
        name="B780_silence_is_a_refusal",
        source=BLIND,
        stage="2D",
        wrong="a leader steps next_index back by one whenever a call has no answer, until it sends its snapshot to who has it all",
        rules=("InstallWhenNeeded", "ByteBudget", "BackoffBound"),
        changes=(
            (
                CALL,
                CALL
                + "        if trio.current_time() and self.is_still(Role.LEADER, args.term) and not self.answered.pop(peer, False):\n            self.next_index[peer] = max(1, self.next_index[peer] - 1)\n",
            ),
            (
                "                self.take_append_reply(peer, args, reply)\n",
                "                self.answered[peer] = True\n                self.take_append_reply(peer, args, reply)\n",
            ),
            (FIELDS, FIELDS + "        self.answered: dict[int, bool] = {}\n"),
        ),
    ),
    Mutant(
        name="B781_what_is_committed_is_everywhere",
        source=BLIND,
        stage="2B",
        wrong="a new leader takes for granted that each peer has all that it knows to be committed, and never goes back behind it",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            ("            self.match_index[peer] = 0\n", "            self.match_index[peer] = self.commit_index\n"),
        ),
    ),
    Mutant(
        name="B783_four_calls_at_a_time",
        source=BLIND,
        stage="2A",
        wrong="four calls are open at a time, to all peers together, so those to dead peers keep the living waiting",
        rules=("HeartbeatsSent", "LeaderInTime", "ElectionTimerReset", "CommittedIsApplied", "HigherTermAdopted"),
        changes=(
            (FIELDS, FIELDS + "        self.slots = trio.CapacityLimiter(4)\n"),
            (
                CALL,
                """\
        async with self.slots:
            with trio.move_on_after(RPC_TIMEOUT):
                reply = await self.node.call(peer, args)
                if reply is not None:
                    self.take_append_reply(peer, args, reply)
""",
            ),
        ),
    ),
    Mutant(
        name="B784_backs_off_from_silent_peers",
        source=BLIND,
        stage="2A",
        wrong="a leader doubles the pause after each call without an answer, up to a minute, and a peer that returns hears nothing",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (FIELDS, FIELDS + "        self.pause: dict[int, float] = {}\n"),
            (ROUND, ROUND.replace("HEARTBEAT_INTERVAL", "self.pause.get(peer, HEARTBEAT_INTERVAL)")),
            (
                CALL,
                """\
        reply = None
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
        if reply is None:
            self.pause[peer] = min(60.0, 2 * self.pause.get(peer, HEARTBEAT_INTERVAL))
            return
        self.pause[peer] = HEARTBEAT_INTERVAL
        self.take_append_reply(peer, args, reply)
""",
            ),
        ),
    ),
    Mutant(
        name="B785_leader_id_of_the_receiver",
        source=BLIND,
        stage="2A",
        wrong="AppendEntries names its receiver as the leader",
        rules=("LeaderHasMajority", "ElectionSafety", "WellFormed"),
        changes=(("            leader_id=self.node.me,\n", "            leader_id=peer,\n"),),
    ),
    Mutant(
        name="B787_a_peer_that_agreed_once_is_older",
        source=BLIND,
        stage="2B",
        wrong="a newer term in an answer is looked at only if the peer has agreed to nothing yet",
        rules=("StepsDown", "HigherTermAdopted"),
        changes=(
            (
                """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.LEADER, args.term):
            return
        if reply.success:
""",
                """\
        if reply.term > self.current_term and reply.conflict_index is None and self.match_index.get(peer, 0) == 0:
            self.become_follower(reply.term)
        if not self.is_still(Role.LEADER, args.term):
            return
        if reply.success:
""",
            ),
        ),
    ),
    Mutant(
        name="B788_a_vote_is_for_a_log",
        source=BLIND,
        stage="2B",
        wrong="a voter whose log is the longer one frees its vote when it refuses",
        rules=("OneVotePerTerm",),
        changes=(
            (
                "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n",
                "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n            self.voted_for = None\n",
            ),
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n            return RequestVoteReply(self.current_term, vote_granted=False)\n",
                "        behind = not self.is_up_to_date(args.last_log_index, args.last_log_term)\n        if self.voted_for is not None and self.voted_for != args.candidate_id and not behind:\n            return RequestVoteReply(self.current_term, vote_granted=False)\n",
            ),
        ),
    ),
]

"""Known-wrong servers: what is applied, and what `start` answers (§5.3).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

INVENTED = "invented before the checkers were read"
BLIND = "written from the paper, without a look at the checkers"
APPEND = "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
APPLY = (
    "        while self.commit_index > self.last_applied:\n"
    "            self.last_applied += 1\n"
    "            entry = self.log[self.position(self.last_applied)]\n"
    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
)
APPLY_2 = (
    "            entry = self.log[self.position(self.last_applied)]\n"
    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
)
FIELDS = "        self.votes: dict[int, bool] = {}\n"
LEAD_HEAD = "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n"
MATCH_0 = "            self.match_index[peer] = 0\n"

MUTANTS = [
    # StateMachineSafety
    Mutant(
        name="C345_commits_before_it_takes_the_entries",
        source=INVENTED,
        stage="2B",
        wrong="a follower raises its commit index before it takes the entries of the same message",
        rules=("StateMachineSafety", "LeaderCompleteness", "CommitBound", "ConflictTruncated"),
        changes=(
            (
                (
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                    "        # Figure 2, AppendEntries rule 5; beyond the last new entry this log may still differ from the leader's.\n"
                    "        last_new_entry = args.prev_log_index + len(args.entries)\n"
                    "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
                ),
                (
                    "        last_new_entry = args.prev_log_index + len(args.entries)\n"
                    "        self.commit_up_to(min(args.leader_commit, last_new_entry, self.last_log_index()))\n"
                    "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    # ApplyInOrder
    Mutant(
        name="C553_same_command_is_a_duplicate",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2B",
        wrong="a command that equals the one before it is taken for a client's second try, and not applied",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
                (
                    "            if entry.command != self.applied_last:\n"
                    "                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                    "            self.applied_last = entry.command\n"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.applied_last: object = object()\n        self.nursery: trio.Nursery\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C560_two_tasks_hand_over_one_queue",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2B",
        wrong="each batch has a task of its own, which takes an entry out of the queue after it was handed over",
        rules=("ApplyInOrder", "NoCrash"),
        changes=(
            (
                (
                    "                while self.outgoing:\n"
                    "                    await self.apply_ch.send(self.outgoing.popleft())\n"
                ),
                "                if self.outgoing:\n                    self.nursery.start_soon(self.hand_over)\n",
            ),
            (
                "    def next_deadline(self) -> float:\n",
                (
                    "    async def hand_over(self) -> None:\n"
                    "        while self.outgoing:\n"
                    "            await self.apply_ch.send(self.outgoing[0])\n"
                    "            self.outgoing.popleft()\n"
                    "\n"
                    "    def next_deadline(self) -> float:\n"
                ),
            ),
        ),
        base="one_inbox",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C561_no_ops_are_left_out",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2B",
        wrong="a leader's own no-op is not handed to the service, and leaves a gap",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                "            self.to_apply.append(ApplyCommand(self.applied, self.slice(self.applied, 1)[0].command))\n",
                (
                    "            command = self.slice(self.applied, 1)[0].command\n"
                    "            if command is not None:\n"
                    "                self.to_apply.append(ApplyCommand(self.applied, command))\n"
                ),
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B773_what_does_not_fit_is_not_applied",
        source=BLIND,
        stage="2B",
        wrong="committed entries go to the service through a channel of 16 places, and what finds it full is dropped",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                FIELDS,
                (
                    "        self.votes: dict[int, bool] = {}\n"
                    "        self.inbox, self.outbox = trio.open_memory_channel[ApplyCommand](16)\n"
                ),
            ),
            (
                APPLY,
                (
                    "        while self.commit_index > self.last_applied:\n"
                    "            self.last_applied += 1\n"
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            try:\n"
                    "                self.inbox.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                    "            except trio.WouldBlock:\n"
                    "                pass\n"
                    "\n"
                    "    async def hand_out(self) -> None:\n"
                    "        async for message in self.outbox:\n"
                    "            await self.apply_ch.send(message)\n"
                ),
            ),
            (
                (
                    "        async with trio.open_nursery() as self.nursery:\n"
                    "            await self.watch_election_timer()\n"
                ),
                (
                    "        async with trio.open_nursery() as self.nursery:\n"
                    "            self.nursery.start_soon(self.hand_out)\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B49_falsy_commands_are_not_applied",
        source=BLIND,
        stage="2B",
        wrong="a command that counts as false is skipped when entries are applied",
        rules=("ApplyInOrder",),
        changes=(
            (
                APPLY_2,
                (
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            if entry.command:\n"
                    "                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B50_applies_a_command_once",
        source=BLIND,
        stage="2B",
        wrong="a command equal to the one applied before is not applied again",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                APPLY_2,
                (
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            before = self.position(self.last_applied) - 1\n"
                    "            if before >= 0 and self.log[before].command == entry.command:\n"
                    "                continue\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B81_applies_the_entry_behind",
        source=BLIND,
        stage="2B",
        wrong="index and entry are one apart when entries are applied",
        rules=("ApplyInOrder", "StateMachineSafety", "StartAnswers", "NoCrash"),
        changes=(
            (
                APPLY_2,
                (
                    "            entry = self.log[self.position(self.last_applied) - 1]\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B834_a_no_op_is_not_applied",
        source=BLIND,
        stage="2B",
        wrong="a new leader appends an entry without a command, and nobody hands that to the service: its index is left out",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                LEAD_HEAD,
                (
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline = math.inf\n"
                    "        self.log.append(LogEntry(self.current_term, None))\n"
                    "        self.save()\n"
                ),
            ),
            (
                "            self.next_index[peer] = self.last_log_index() + 1\n",
                "            self.next_index[peer] = self.last_log_index()\n",
            ),
            (
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
                (
                    "            if entry.command is not None:\n"
                    "                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B112_last_applied_survives",
        source=BLIND,
        stage="2C",
        wrong="last_applied is on the disk, so a restarted server does not apply the log again",
        rules=("ApplyInOrder", "CommittedIsApplied", "RestoredOnRestart"),
        changes=(
            (
                "class Role(enum.Enum):\n",
                (
                    "@dataclasses.dataclass(frozen=True)\n"
                    "class Disk(PersistentState):\n"
                    "    applied: int = 0\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):\n"
                ),
            ),
            (
                "import enum\n",
                "import dataclasses\nimport enum\n",
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                "        self.node.persister.save(Disk(self.current_term, self.voted_for, self.log, *base, self.last_applied), snapshot)\n",
            ),
            (
                (
                    "        # A snapshot covers only what was committed and applied.\n"
                    "        self.commit_index = self.last_included_index\n"
                ),
                "        self.commit_index = self.last_applied = max(getattr(state, 'applied', 0), self.last_included_index)\n",
            ),
            (
                "        self.last_applied = self.last_included_index\n        data =",
                "        data =",
            ),
        ),
    ),
    Mutant(
        name="C343_empty_commands_are_no_commands",
        source=INVENTED,
        stage="2B",
        wrong="a committed entry whose command is 0, False or empty is not handed to the service",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
                (
                    "            if entry.command:\n"
                    "                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B206_two_tasks_apply",
        source=BLIND,
        stage="2B",
        wrong="each rise of the commit index starts a task that applies from last_applied on, with a wait between",
        rules=("ApplyInOrder",),
        changes=(
            (
                "            self.apply_committed()\n",
                "            self.nursery.start_soon(self.apply_committed)\n",
            ),
            (
                "    def apply_committed(self)",
                "    async def apply_committed(self)",
            ),
            (
                APPLY,
                (
                    "        for index in range(self.last_applied + 1, self.commit_index + 1):\n"
                    "            await trio.sleep(0.001)\n"
                    "            command = self.log[self.position(index)].command\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(index, command))\n"
                    "            self.last_applied = index\n"
                ),
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
                (
                    "        while self.commit_index > self.last_applied:\n"
                    "            self.last_applied += 1\n"
                    "            self.nursery.start_soon(self.apply_one, self.last_applied)\n"
                    "\n"
                    "    async def apply_one(self, index: int) -> None:\n"
                    "        await trio.sleep(self.node.random.uniform(0, 0.005))\n"
                    "        self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="course_applies_out_of_order",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2B",
        wrong="committed entries are taken from the wrong end of the queue",
        rules=("ApplyInOrder",),
        changes=(
            (
                "                await self.apply_ch.send(self.queue.popleft())\n",
                "                await self.apply_ch.send(self.queue.pop())\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="P21_last_applied_survives",
        source="raftos; redisraft#14",
        stage="2C",
        wrong="last_applied comes back from the disk, though the service starts empty: it never gets the entries up to it",
        rules=("ApplyInOrder",),
        changes=(
            (
                "class Role(enum.Enum):",
                (
                    "@dataclass(frozen=True)\n"
                    "class SavedState(PersistentState):\n"
                    "    last_applied: int = 0\n"
                    "\n"
                    "\n"
                    "class Role(enum.Enum):"
                ),
            ),
            (
                "import enum\nimport math\n",
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                "PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)",
                "SavedState(self.current_term, self.voted_for, self.log, *base, self.last_applied), snapshot)",
            ),
            (
                "        self.last_applied = self.last_included_index\n        data =",
                (
                    "        self.last_applied = max(self.last_included_index, getattr(state, 'last_applied', 0))\n"
                    "        self.commit_index = self.last_applied\n"
                    "        data ="
                ),
            ),
        ),
    ),
    Mutant(
        name="P26_log_not_replayed",
        source="PySyncObj@3823230; redisraft#14",
        stage="2C",
        wrong="after a restart the first commit is applied, and nothing that lies before it",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                (
                    "        self.commit_index = self.last_included_index\n"
                    "        self.last_applied = self.last_included_index\n"
                ),
                (
                    "        self.commit_index = self.last_included_index\n"
                    "        self.last_applied = self.last_log_index()\n"
                ),
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
                APPLY_2,
                (
                    "            entry = self.log[self.position(self.last_applied)]\n"
                    "            self.nursery.start_soon(self.apply_ch.send, ApplyCommand(self.last_applied, entry.command))\n"
                ),
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
                APPLY_2,
                (
                    "            self.nursery.start_soon(self.apply_one)\n"
                    "\n"
                    "    async def apply_one(self) -> None:\n"
                    "        entry = self.log[self.position(self.last_applied)]\n"
                    "        await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R11_commit_index_falls",
        source="PySyncObj #166",
        stage="2B",
        wrong="an old or short message takes commit_index and last_applied back",
        rules=("ApplyInOrder", "CommitNeverDecreases"),
        changes=(
            (
                (
                    "        if index > self.commit_index:\n"
                    "            self.commit_index = index\n"
                    "            self.apply_committed()\n"
                ),
                "        self.commit_index = index\n        self.apply_committed()\n",
            ),
            (
                APPLY,
                (
                    "        for index in range(self.last_applied + 1, self.commit_index + 1):\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n"
                    "        self.last_applied = self.commit_index\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R37_last_entry_not_applied",
        source="a common bug of course labs",
        stage="2B",
        wrong="last_applied goes to commit_index at once, and the loop that applies ends one entry too early",
        rules=("ApplyInOrder", "CommittedIsApplied"),
        changes=(
            (
                APPLY,
                (
                    "        first, self.last_applied = self.last_applied + 1, self.commit_index\n"
                    "        for index in range(first, self.commit_index):\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W03_probe_applies_again",
        source="Figure 2, AppendEntries rule 5, to the letter",
        stage="2B",
        wrong="as W02, and last_applied is what was committed last: entries are applied twice",
        rules=("ApplyInOrder", "CommitNeverDecreases"),
        changes=(
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    "        if args.leader_commit > self.commit_index:\n"
                    "            self.commit_index = min(args.leader_commit, last_new_entry)\n"
                    "            self.apply_committed()\n"
                ),
            ),
            (
                APPLY,
                (
                    "        for index in range(self.last_applied + 1, self.commit_index + 1):\n"
                    "            self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n"
                    "        self.last_applied = self.commit_index\n"
                ),
            ),
        ),
    ),
    # CommittedIsApplied
    Mutant(
        name="C557_what_comes_while_handing_over_waits",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2B",
        wrong="what is committed while a batch is handed over is handed over with the next commit only",
        rules=("CommittedIsApplied",),
        changes=(
            (
                (
                    "            while self.queue:\n"
                    "                await self.apply_ch.send(self.queue.popleft())\n"
                    "            self.queued = trio.Event()\n"
                    "            if not self.queue:\n"
                    "                await self.queued.wait()\n"
                ),
                (
                    "            for _ in range(len(self.queue)):\n"
                    "                await self.apply_ch.send(self.queue.popleft())\n"
                    "            self.queued = trio.Event()\n"
                    "            await self.queued.wait()\n"
                ),
            ),
        ),
        base="course_style",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="B767_stale_entries_are_acknowledged",
        source=BLIND,
        stage="2B",
        wrong="a message that begins below the commit index is acknowledged unread, as its sender would learn the commit index elsewhere",
        rules=("CommittedIsApplied", "MatchingKept", "ConsistencyRefusal", "CommitNeedsMajority"),
        changes=(
            (
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
                (
                    "        if args.prev_log_index < self.commit_index:\n"
                    "            return AppendEntriesReply(self.current_term, success=True)\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B769_slice_ends_at_the_limit",
        source=BLIND,
        stage="2B",
        wrong="the entries of a message end at position 64 of the log, not 64 after the first",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "            entries=self.log[first : first + MAX_ENTRIES],\n",
                "            entries=self.log[first : MAX_ENTRIES],\n",
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
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.committed = trio.Event()\n",
            ),
            (
                APPLY,
                (
                    "        self.committed.set()\n"
                    "\n"
                    "    async def hand_out(self) -> None:\n"
                    "        while True:\n"
                    "            await self.committed.wait()\n"
                    "            last = self.commit_index\n"
                    "            while self.last_applied < last:\n"
                    "                await trio.sleep(0.005)\n"
                    "                if self.last_applied < last:\n"
                    "                    self.last_applied += 1\n"
                    "                    entry = self.log[self.position(self.last_applied)]\n"
                    "                    await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))\n"
                    "            self.committed = trio.Event()\n"
                ),
            ),
            (
                (
                    "        async with trio.open_nursery() as self.nursery:\n"
                    "            await self.watch_election_timer()\n"
                ),
                (
                    "        async with trio.open_nursery() as self.nursery:\n"
                    "            self.nursery.start_soon(self.hand_out)\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B781_what_is_committed_is_everywhere",
        source=BLIND,
        stage="2B",
        wrong="a new leader takes for granted that each peer has all that it knows to be committed, and never goes back below it",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                MATCH_0,
                "            self.match_index[peer] = self.commit_index\n",
            ),
        ),
    ),
    Mutant(
        name="B56_commits_one_less",
        source=BLIND,
        stage="2B",
        wrong="a follower commits up to the entry before leader_commit",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                "        self.commit_up_to(min(args.leader_commit - 1, last_new_entry))\n",
            ),
        ),
    ),
    Mutant(
        name="B68_goes_up_from_the_commit_index",
        source=BLIND,
        stage="2B",
        wrong="counting goes up and stops at the first entry of an older term, so nothing after it commits",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "range(self.last_log_index(), self.commit_index, -1)",
                "range(self.commit_index + 1, self.last_log_index() + 1)",
            ),
            (
                "                self.commit_up_to(index)\n                return\n",
                "                self.commit_up_to(index)\n",
            ),
        ),
    ),
    Mutant(
        name="B69_leader_does_not_count_itself",
        source=BLIND,
        stage="2B",
        wrong="a leader needs a majority of others for an entry",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "replicas = 1 + sum(",
                "replicas = sum(",
            ),
        ),
    ),
    Mutant(
        name="B802_lower_commits_are_late",
        source=BLIND,
        stage="2B",
        wrong="a message whose leader_commit is less than what is committed here counts as late, and is acknowledged unread",
        rules=("CommittedIsApplied", "MatchingKept", "ConsistencyCheck", "ConsistencyRefusal", "CommitNeedsMajority"),
        changes=(
            (
                (
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
                (
                    "        if args.leader_commit < self.commit_index:\n"
                    "            return AppendEntriesReply(self.current_term, success=True)\n"
                    "        covered = args.prev_log_index < self.last_included_index\n"
                    "        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B301_inbox_does_not_count_its_own",
        source=BLIND,
        stage="2B",
        wrong="the leader's own log is left out of the count, but the middle is still taken",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "sorted([self.last, *self.match.values()], reverse=True)",
                "sorted(self.match.values(), reverse=True)",
            ),
        ),
        base="one_inbox",
    ),
    Mutant(
        name="C322_match_index_starts_at_commit_index",
        source=INVENTED,
        stage="2B",
        wrong="a new leader takes it that every peer has what is committed, and never goes back below it",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                MATCH_0,
                "            self.match_index[peer] = self.commit_index\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C324_commits_when_all_is_quiet",
        source=INVENTED,
        stage="2B",
        wrong="a leader looks only whether a majority has its very last entry; under a steady load nothing commits",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        for index in range(self.last_log_index(), self.commit_index, -1):\n",
                "        for index in range(self.last_log_index(), max(self.commit_index, self.last_log_index() - 1), -1):\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C327_stops_counting_at_an_older_term",
        source=INVENTED,
        stage="2B",
        wrong="a leader looks for what to commit upwards, and stops at the first entry of an older term",
        rules=("CommittedIsApplied",),
        changes=(
            (
                (
                    "            if holders >= self.quorum and self.entries[index].term == self.current_term:\n"
                    "                self.commit_index = index\n"
                ),
                (
                    "            if holders < self.quorum or self.entries[index].term != self.current_term:\n"
                    "                break\n"
                    "            self.commit_index = index\n"
                ),
            ),
        ),
        base="poll_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C332_window_leaks",
        source=INVENTED,
        stage="2B",
        wrong="an answer frees only the oldest message in flight, and only if it is that one's: answers out of order leak",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        while self.inflights and self.inflights[0] <= n:\n",
                "        if self.inflights and self.inflights[0] == n:\n",
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="R14_stops_at_an_older_entry",
        source="raftos #30",
        stage="2B",
        wrong="the search for what to commit ends at the first entry of an older term, which never commits",
        rules=("CommittedIsApplied",),
        changes=(
            (
                (
                    "        for index in range(self.last_log_index(), self.commit_index, -1):\n"
                    "            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).\n"
                    "            if self.term_at(index) != self.current_term:\n"
                    "                return\n"
                    "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
                    "            if replicas >= self.majority:\n"
                    "                self.commit_up_to(index)\n"
                    "                return\n"
                ),
                (
                    "        for index in range(self.commit_index + 1, self.last_log_index() + 1):\n"
                    "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
                    "            if replicas < self.majority or self.term_at(index) != self.current_term:\n"
                    "                return\n"
                    "            self.commit_up_to(index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R47_only_the_last_entry",
        source="cowsql 1996d32b",
        stage="2B",
        wrong="a leader commits only when a majority has its whole log, so a stream of commands starves",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        for index in range(self.last_log_index(), self.commit_index, -1):\n",
                (
                    "        last = self.last_log_index()\n"
                    "        for index in range(last, max(self.commit_index, last - 1), -1):\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R16c_every_server_needed",
        source="a common bug of course labs",
        stage="2B",
        wrong="an entry commits only when every server stores it",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "            if replicas >= self.majority:\n",
                "            if replicas == len(self.node.peers) + 1:\n",
            ),
        ),
    ),
    Mutant(
        name="R18_leader_does_not_count_itself",
        source="a common bug of course labs",
        stage="2B",
        wrong="a majority has to be found among the others",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n",
                "            replicas = sum(match >= index for match in self.match_index.values())\n",
            ),
        ),
    ),
    Mutant(
        name="R52_one_server_never_commits",
        source="willemt/raft 94048d4; jgroups-raft #84",
        stage="2B",
        wrong="a leader looks for what to commit only when an answer comes, so a server alone commits nothing",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        # A server without peers is a majority by itself.\n        self.advance_commit_index()\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="E40_match_index_starts_at_the_end",
        source="dqkqd fea7904; hashicorp/raft 77cc925",
        stage="2B",
        wrong="a new leader takes its peers for up to date, and never goes back below what it takes them to have",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                MATCH_0,
                "            self.match_index[peer] = self.last_log_index()\n",
            ),
        ),
    ),
    Mutant(
        name="R38_entries_go_out_once",
        source="braft #292; sofa-jraft #254",
        stage="2B",
        wrong="heartbeats carry no entries, so what was lost goes out again only with the next command",
        rules=("CommittedIsApplied",),
        changes=(
            (
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                ),
                (
                    "        woken = False\n"
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term, woken)\n"
                ),
            ),
            (
                "                await self.wakeups[peer].wait()\n",
                "                await self.wakeups[peer].wait()\n            woken = self.wakeups[peer].is_set()\n",
            ),
            (
                "    async def replicate_to(self, peer: int, term: int)",
                "    async def replicate_to(self, peer: int, term: int, woken: bool)",
            ),
            (
                "            await self.send_entries(peer)\n",
                "            await self.send_entries(peer, woken)\n",
            ),
            (
                "    async def send_entries(self, peer: int)",
                "    async def send_entries(self, peer: int, woken: bool)",
            ),
            (
                "            entries=self.log[first : first + MAX_ENTRIES],\n",
                "            entries=self.log[first : first + MAX_ENTRIES] if woken else [],\n",
            ),
        ),
    ),
    Mutant(
        name="R44_heartbeats_without_leader_commit",
        source="hashicorp/raft bd0a437, without the message that it sends instead",
        stage="2B",
        wrong="only messages with entries show how far the leader has committed",
        rules=("CommittedIsApplied", "CommitNeverDecreases"),
        changes=(
            (
                "            leader_commit=self.commit_index,\n",
                "            leader_commit=self.commit_index if self.log[first:] else 0,\n",
            ),
        ),
    ),
    Mutant(
        name="R19opt_never_goes_back",
        source="etcd-io/raft 91ff7cd; PySyncObj #167",
        stage="2B",
        wrong="next_index moves when entries are sent, and a refusal then passes for an old one",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "            leader_commit=self.commit_index,\n        )\n        with",
                (
                    "            leader_commit=self.commit_index,\n"
                    "        )\n"
                    "        self.next_index[peer] = max(self.next_index[peer], prev_log_index + len(args.entries) + 1)\n"
                    "        if self.next_index[peer] <= self.last_log_index():\n"
                    "            self.wakeups[peer].set()\n"
                    "        with"
                ),
            ),
            (
                "        self.move_next_index(peer, self.match_index[peer] + 1)\n",
                "        self.move_next_index(peer, max(self.next_index[peer], self.match_index[peer] + 1))\n",
            ),
            (
                "        prev_log_index = self.next_index[peer] - 1\n",
                (
                    "        prev_log_index = self.next_index[peer] - 1\n"
                    "        if prev_log_index == self.last_log_index():\n"
                    "            prev_log_index = max(self.match_index[peer], self.last_included_index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R26_backs_up_on_the_spot",
        source="openraft 6d53aa12, cf4badd0",
        stage="2B",
        wrong="where leader and follower share a term, the next try is one too high, and the same again for ever",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "                return index + 1\n",
                "                return index + 2\n",
            ),
        ),
    ),
    Mutant(
        name="R58_refusals_ignored_after_a_success",
        source="PySyncObj #167; etcd-io/raft 91ff7cd",
        stage="2B",
        wrong="a peer that has once answered yes is never gone back for, though next_index runs ahead of its answers",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "            leader_commit=self.commit_index,\n        )\n        with",
                (
                    "            leader_commit=self.commit_index,\n"
                    "        )\n"
                    "        self.next_index[peer] = max(self.next_index[peer], prev_log_index + len(args.entries) + 1)\n"
                    "        if self.next_index[peer] <= self.last_log_index():\n"
                    "            self.wakeups[peer].set()\n"
                    "        with"
                ),
            ),
            (
                "        self.move_next_index(peer, self.match_index[peer] + 1)\n",
                "        self.move_next_index(peer, max(self.next_index[peer], self.match_index[peer] + 1))\n",
            ),
            (
                "        elif args.prev_log_index == self.next_index[peer] - 1:\n",
                "        elif args.prev_log_index == self.next_index[peer] - 1 and not self.match_index[peer]:\n",
            ),
        ),
    ),
    Mutant(
        name="R46_no_command_before_all_is_committed",
        source="LogCabin f672766",
        stage="2B",
        wrong="a new leader takes no command before its older entries are committed, but they commit with a newer one only",
        rules=("CommittedIsApplied", "StartAnswers"),
        changes=(
            (
                "            return -1, self.current_term, False\n",
                (
                    "            return -1, self.current_term, False\n"
                    "        if self.commit_index < self.last_log_index() and self.last_log_term() != self.current_term:\n"
                    "            return -1, self.current_term, False\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R21_match_index_goes_back",
        source="a common bug of course labs; Figure 2, match_index increases monotonically",
        stage="2B",
        wrong="match_index becomes what the answer that came last acknowledges, also if it is an old one",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        self.match_index[peer] = max(self.match_index[peer], index)\n",
                "        self.match_index[peer] = index\n",
            ),
        ),
    ),
    Mutant(
        name="W08_only_the_newest_request_counts",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="of the answers to AppendEntries only the one to the newest request counts; on a slow link there is always a newer one",
        rules=("CommittedIsApplied",),
        changes=(
            (
                FIELDS,
                "        self.newest: dict[int, AppendEntriesArgs] = {}\n        self.votes: dict[int, bool] = {}\n",
            ),
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        self.newest[peer] = args\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
            (
                (
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                ),
                (
                    "        if args is not self.newest[peer]:\n"
                    "            return\n"
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B782_a_leader_waits_60_ms_for_answers",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="what takes longer than 60 ms to be answered counts as lost",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "RPC_TIMEOUT = 1.0\n",
                "RPC_TIMEOUT = 0.06\n",
            ),
        ),
    ),
    Mutant(
        name="W09_answers_older_than_a_heartbeat",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="what takes longer than the heartbeat's interval to be answered counts as lost",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "RPC_TIMEOUT = 1.0\n",
                "RPC_TIMEOUT = HEARTBEAT_INTERVAL\n",
            ),
        ),
    ),
    Mutant(
        name="W18_commits_only_what_ends_the_log",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="an entry is committed only if it is the last one of the log: under load, and over slow links, none is",
        rules=("CommittedIsApplied",),
        changes=(
            (
                (
                    "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
                    "            if replicas >= self.majority:\n"
                    "                self.commit_up_to(index)\n"
                    "                return\n"
                ),
                (
                    "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
                    "            if index < self.last_log_index():\n"
                    "                return\n"
                    "            if replicas >= self.majority:\n"
                    "                self.commit_up_to(index)\n"
                    "                return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W32_counts_only_who_ends_there",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="an entry is counted only for those whose match_index is its own index, not for those that have more",
        rules=("CommittedIsApplied",),
        changes=(
            (
                (
                    "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
                    "            if replicas >= self.majority:\n"
                    "                self.commit_up_to(index)\n"
                    "                return\n"
                ),
                (
                    "            replicas = 1 + sum(match == index for match in self.match_index.values())\n"
                    "            if replicas >= self.majority:\n"
                    "                self.commit_up_to(index)\n"
                    "                return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W27_slow_go",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="of the answers to AppendEntries only the one to the newest request counts",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        self.matchIndex = {}\n",
                "        self.matchIndex = {}\n        self.newest = {}\n",
            ),
            (
                (
                    "        reply = await self.node.call(peer, args)\n"
                    "        if reply is None:\n"
                    "            return\n"
                    "        async with self.mu:\n"
                    "            if reply.term > self.currentTerm:\n"
                    "                self.becomeFollower(reply.term)\n"
                    "                return\n"
                    "            if self.state != LEADER or self.currentTerm != term:\n"
                ),
                (
                    "        self.newest[peer] = args\n"
                    "        reply = await self.node.call(peer, args)\n"
                    "        if reply is None or self.newest[peer] is not args:\n"
                    "            return\n"
                    "        async with self.mu:\n"
                    "            if reply.term > self.currentTerm:\n"
                    "                self.becomeFollower(reply.term)\n"
                    "                return\n"
                    "            if self.state != LEADER or self.currentTerm != term:\n"
                ),
            ),
        ),
        base="go_style",
    ),
    # StartAnswers
    Mutant(
        name="C554_no_command_no_start",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2B",
        wrong="a leader does not accept a command that is false in Python: 0, an empty text or list",
        rules=("StartAnswers",),
        changes=(
            (
                "        if self.role is not Role.LEADER:\n            return -1",
                "        if self.role is not Role.LEADER or not command:\n            return -1",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B775_queued_commands_outlive_a_leadership",
        source=BLIND,
        stage="2B",
        wrong="commands are queued and appended 10 ms later, whatever the server is by then",
        rules=("StartAnswers", "LogMatching", "StateMachineSafety", "LeaderAppendOnly"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.queue: list[Command] = []\n",
            ),
            (
                (
                    "        if self.role is not Role.LEADER:\n"
                    "            return -1, self.current_term, False\n"
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                    "        self.save()\n"
                    "        index = self.last_log_index()\n"
                ),
                (
                    "        if self.role is not Role.LEADER:\n"
                    "            return -1, self.current_term, False\n"
                    "        self.queue.append(command)\n"
                    "        self.nursery.start_soon(self.append_queued)\n"
                    "        index = self.last_log_index() + len(self.queue)\n"
                    "        return index, self.current_term, True\n"
                    "\n"
                    "    async def append_queued(self) -> None:\n"
                    "        await trio.sleep(0.01)\n"
                    "        if not self.queue:\n"
                    "            return\n"
                    "        self.log += [LogEntry(self.current_term, command) for command in self.queue]\n"
                    "        self.queue.clear()\n"
                    "        self.save()\n"
                    "        if self.role is Role.LEADER:\n"
                    "            self.told()\n"
                    "\n"
                    "    def told(self) -> None:\n"
                    "        index = self.last_log_index()\n"
                ),
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
        wrong="a follower answers that it takes no command, and appends it when it is elected later",
        rules=("StartAnswers", "StateMachineSafety", "LogMatching"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.queue: list[Command] = []\n",
            ),
            (
                "            return -1, self.current_term, False\n",
                "            self.queue.append(command)\n            return -1, self.current_term, False\n",
            ),
            (
                LEAD_HEAD,
                (
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline = math.inf\n"
                    "        self.log += [LogEntry(self.current_term, command) for command in self.queue]\n"
                    "        self.queue.clear()\n"
                    "        self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B48_falsy_commands_are_not_taken",
        source=BLIND,
        stage="2B",
        wrong="a leader takes no command that counts as false: 0, False, an empty text",
        rules=("StartAnswers", "NoCrash"),
        changes=(
            (
                "        if self.role is not Role.LEADER:\n            return -1",
                "        if self.role is not Role.LEADER or not command:\n            return -1",
            ),
        ),
    ),
    Mutant(
        name="B51_commands_become_texts",
        source=BLIND,
        stage="2B",
        wrong="a leader stores the text of a command, not the command",
        rules=("StartAnswers", "StateMachineSafety", "CommittedIsApplied"),
        changes=(
            (
                APPEND,
                "        self.log.append(LogEntry(self.current_term, str(command)))  # Figure 2, Leaders rule 2\n",
            ),
        ),
    ),
    Mutant(
        name="B52_commands_are_stripped",
        source=BLIND,
        stage="2B",
        wrong="a leader trims texts before it stores them",
        rules=("StartAnswers", "StateMachineSafety", "CommittedIsApplied"),
        changes=(
            (
                APPEND,
                "        self.log.append(LogEntry(self.current_term, command.strip() if isinstance(command, str) else command))  # Figure 2, Leaders rule 2\n",
            ),
        ),
    ),
    Mutant(
        name="B78_start_gives_the_position",
        source=BLIND,
        stage="2B",
        wrong="start returns the entry's position in the list, which is one less than its index",
        rules=("StartAnswers",),
        changes=(
            (
                "        return index, self.current_term, True\n",
                "        return index - 1, self.current_term, True\n",
            ),
        ),
    ),
    Mutant(
        name="B79_start_gives_the_last_term",
        source=BLIND,
        stage="2B",
        wrong="start returns the term of the entry before the new one",
        rules=("StartAnswers",),
        changes=(
            (
                APPEND,
                (
                    "        before = self.last_log_term() or self.current_term\n"
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                ),
            ),
            (
                "        return index, self.current_term, True\n",
                "        return index, before, True\n",
            ),
        ),
    ),
    Mutant(
        name="B80_start_finds_equal_commands",
        source=BLIND,
        stage="2B",
        wrong="a command that the log holds already is not appended again; start returns the old index",
        rules=("StartAnswers",),
        changes=(
            (
                APPEND,
                (
                    "        for at, entry in enumerate(self.log, self.last_included_index + 1):\n"
                    "            if entry.command == command:\n"
                    "                return at, self.current_term, True\n"
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B808_accepts_and_drops",
        source=BLIND,
        stage="2B",
        wrong="a leader with twenty uncommitted entries accepts further commands, and drops them",
        rules=("StartAnswers", "CommittedIsApplied"),
        changes=(
            (
                APPEND,
                (
                    "        if self.last_log_index() - self.commit_index >= 20:\n"
                    "            return self.last_log_index() + 1, self.current_term, True\n"
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B306_inbox_promises_one_too_few",
        source=BLIND,
        stage="2B",
        wrong="the second of two commands in one instant is promised the index of the first",
        rules=("StartAnswers",),
        changes=(
            (
                "        return self.last + len(self.promised), self.term, True",
                "        return self.last + 1, self.term, True",
            ),
        ),
        base="one_inbox",
    ),
    Mutant(
        name="C325_start_swallows_what_comes_twice",
        source=INVENTED,
        stage="2B",
        wrong="a command equal to the last entry's is taken for the same request, and gets no entry",
        rules=("StartAnswers",),
        changes=(
            (
                "            return -1, self.current_term, False\n",
                (
                    "            return -1, self.current_term, False\n"
                    "        if self.log and self.log[-1] == LogEntry(self.current_term, command):\n"
                    "            return self.last_log_index(), self.current_term, True\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C335_promises_one_index_twice",
        source=INVENTED,
        stage="2B",
        wrong="two commands of one instant are promised the same index",
        rules=("StartAnswers",),
        changes=(
            (
                "        return self.last + len(self.promised), self.term, True\n",
                "        return self.last + 1, self.term, True\n",
            ),
        ),
        base="one_inbox",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="X10_restarted_leader_proposes_again",
        source="asked of each exemption that the checkers make",
        stage="2C",
        wrong="a leader that was restarted proposes the last command of its log once more",
        rules=("StartAnswers",),
        changes=(
            (
                LEAD_HEAD,
                (
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline = math.inf\n"
                    "        if self.restarted and self.log:\n"
                    "            self.log.append(LogEntry(self.current_term, self.log[-1].command))\n"
                    "            self.save()\n"
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n        self.restore()\n",
                (
                    "        self.nursery: trio.Nursery\n"
                    "        self.restored = self.restore()\n"
                    "        self.restarted = node.persister.load() is not None\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="R60_commands_proposed_again",
        source="a variant of the retries that clients make",
        stage="2B",
        wrong="a server elected again appends the commands that it had accepted before, which may have survived",
        rules=("StartAnswers", "StateMachineSafety"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                (
                    "        self.role = Role.FOLLOWER\n"
                    "        self.accepted: dict[int, Command] = {}\n"
                    "        self.election"
                ),
            ),
            (
                "        self.save()\n        index = self.last_log_index()\n",
                (
                    "        self.save()\n"
                    "        index = self.last_log_index()\n"
                    "        self.accepted[index] = command\n"
                ),
            ),
            (
                "        self.election_timer.deadline = math.inf\n",
                (
                    "        self.election_timer.deadline = math.inf\n"
                    "        accepted = sorted(self.accepted.items())\n"
                    "        waiting = [command for index, command in accepted if index > self.commit_index]\n"
                    "        self.accepted.clear()\n"
                    "        for command in waiting:\n"
                    "            self.log.append(LogEntry(self.current_term, command))\n"
                    "            self.accepted[self.last_log_index()] = command\n"
                    "        self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D23_five_forget_the_fourth",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="with five servers a leader hints only three about commits",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "            leader_commit=self.commit_index,\n",
                (
                    "            leader_commit=self.commit_index if len(self.node.peers) != 4 or peer != max(self.node.peers) else 0,\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="D24_five_late_answers_lower",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2B",
        wrong="with five servers match_index is set, not raised",
        rules=("CommittedIsApplied", "CommitNeverDecreases", "CommitNeedsMajority"),
        changes=(
            (
                "        self.match_index[peer] = max(self.match_index[peer], index)\n",
                (
                    "        self.match_index[peer] = max(self.match_index[peer] if len(self.node.peers) != 4 else 0, index)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X59_light_heartbeats_say_nothing",
        source=("hides after what servers may do beyond the paper: own fields, trials, light heartbeats, leases"),
        stage="2B",
        wrong="a message without entries carries leader_commit 0",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "            leader_commit=self.commit_index,\n",
                "            leader_commit=self.commit_index if self.log[first : first + 1] else 0,\n",
            ),
        ),
    ),
    Mutant(
        name="Y13_command_that_came_twice_is_applied_as_nothing",
        source=BLIND,
        stage="2B",
        wrong="a command that equals the one before is taken for one that a client sent twice: a no-op is applied",
        rules=("CommittedIsApplied", "StateMachineSafety"),
        changes=(
            (
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
                "            before = self.position(self.last_applied) - 1\n"
                "            twice = before >= 0 and self.log[before].command == entry.command\n"
                "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, None if twice else entry.command))\n",
            ),
        ),
        origin="blind",
    ),
]

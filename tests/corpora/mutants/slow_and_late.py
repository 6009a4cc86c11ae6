"""Known-wrong servers that need a slow link, a late answer, or a service at a pace of its own to be found out.

Written before any test looked for them; what they have in common is that a fast and even network hides them.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

INVENTED = "written from Figure 2, sentence by sentence, before the tests"

COMMIT = "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
COMMIT_UP_TO = """\
        if index > self.commit_index:
            self.commit_index = index
            self.apply_committed()
"""
APPLY = """\
        while self.commit_index > self.last_applied:
            self.last_applied += 1
            entry = self.log[self.position(self.last_applied)]
            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))
"""
MATCH = "        self.match_index[peer] = max(self.match_index[peer], index)\n"
APPEND_TERM = """\
            return AppendEntriesReply(self.current_term, success=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""
INSTALL_TERM = """\
            return InstallSnapshotReply(self.current_term)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
"""
KEEPS_VOTE = """\
            self.current_term = args.term
            self.save()
            self.become_follower(args.term)
"""
VOTE_ANSWER = """\
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
        if not self.is_still(Role.CANDIDATE, args.term):
            return
"""
APPEND_ANSWER = """\
    def take_append_reply(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:
        \"\"\"Learn from a reply what the peer has; what was sent tells, for the log may have grown since.\"\"\"
        if reply.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(reply.term)
"""
CALL = """\
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
"""
FIELDS = "        self.votes: dict[int, bool] = {}\n"
CHECK = """\
        covered = args.prev_log_index < self.last_included_index
        if not covered and not self.has_entry(args.prev_log_index, args.prev_log_term):
            return self.refuse_entries(args.prev_log_index)
"""
CHOOSE = "        if self.next_index[peer] <= self.last_included_index:\n"
ASK_ALL = """\
        for peer in self.node.peers:
            self.nursery.start_soon(self.keep_asking, peer, args)
        self.count_votes()
"""
TAKE = """\
        changed = False
        for index, entry in enumerate(entries, start=first_index):
            if index <= self.last_included_index:
                continue
            if index <= self.last_log_index() and self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3
"""
REPLIES = """\
        if reply.success:
            self.record_match(peer, args.prev_log_index + len(args.entries))
        elif args.prev_log_index == self.next_index[peer] - 1:
            self.back_up(peer, args.prev_log_index, reply)
"""
KEEP_REPLICATING = """\
        while self.is_still(Role.LEADER, term):
            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.replicate_to, peer, term)
"""
STALE_SNAPSHOT = "        if args.last_included_index <= self.commit_index:\n            return InstallSnapshotReply(self.current_term)\n"
RUN = "            await self.watch_election_timer()\n\n    # Persistent state."
ADVANCE_LOOP = """\
            replicas = 1 + sum(match >= index for match in self.match_index.values())
            if replicas >= self.majority:
                self.commit_up_to(index)
                return
"""
LEAD_LOOP = """\
            self.next_index[peer] = self.last_log_index() + 1
            self.match_index[peer] = 0
"""
SNAPSHOT_ANSWER = """\
        if not self.is_still(Role.LEADER, args.term):
            return
        self.record_match(peer, args.last_included_index)
"""
APPLIER_HEAD = """\
    async def apply_in_turn(self) -> None:
        while True:
            await self.committed.wait()
            self.committed = trio.Event()
"""
APPLIER = """\
            {body}

    # Persistent state."""


def applier(body: str) -> tuple[tuple[str, str], ...]:
    """Return the changes that let a task of its own apply, which waits for the channel; `body` is its loop."""
    text = APPLIER.format(body=body.replace("\n", "\n            "))
    return (
        (FIELDS, FIELDS + "        self.committed = trio.Event()\n"),
        (COMMIT_UP_TO, COMMIT_UP_TO.replace("self.apply_committed()", "self.committed.set()")),
        (
            RUN,
            "            self.nursery.start_soon(self.apply_in_turn)\n"
            + RUN.replace("    # Persistent state.", APPLIER_HEAD + text),
        ),
    )


MUTANTS = [
    Mutant(
        name="W01_commit_index_is_set",
        source="PySyncObj #166; Figure 2, AppendEntries rule 5 without its condition",
        stage="2B",
        wrong="commit_index becomes the minimum of leader_commit and the last new entry, also where that is less",
        rules=("CommitNeverDecreases", "ApplyInOrder"),
        changes=((COMMIT_UP_TO, "        self.commit_index = index\n        self.apply_committed()\n"),),
    ),
    Mutant(
        name="W02_commit_index_falls_with_a_probe",
        source="Figure 2, AppendEntries rule 5, to the letter",
        stage="2B",
        wrong="if leader_commit is higher, commit_index is set to the minimum, which a short message makes lower than it was",
        rules=("CommitNeverDecreases", "ApplyInOrder"),
        changes=(
            (
                COMMIT,
                "        if args.leader_commit > self.commit_index:\n"
                "            self.commit_index = min(args.leader_commit, last_new_entry)\n"
                "            self.apply_committed()\n",
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
                COMMIT,
                "        if args.leader_commit > self.commit_index:\n"
                "            self.commit_index = min(args.leader_commit, last_new_entry)\n"
                "            self.apply_committed()\n",
            ),
            (
                APPLY,
                "        for index in range(self.last_applied + 1, self.commit_index + 1):\n"
                "            self.apply_ch.send_nowait(ApplyCommand(index, self.log[self.position(index)].command))\n"
                "        self.last_applied = self.commit_index\n",
            ),
        ),
    ),
    Mutant(
        name="R21_match_index_goes_back",
        source="a common bug of course labs; Figure 2, match_index increases monotonically",
        stage="2B",
        wrong="match_index becomes what the answer that came last acknowledges, also if it is an old one",
        rules=("CommittedIsApplied",),
        changes=((MATCH, "        self.match_index[peer] = index\n"),),
    ),
    Mutant(
        name="W04_vote_outlives_a_leaders_term",
        source=INVENTED,
        stage="2C",
        wrong="a newer term that comes with AppendEntries does not end the vote of the older one",
        rules=("OneVotePerTerm", "VoteDenied", "HigherTermAdopted"),
        changes=((APPEND_TERM, APPEND_TERM.replace("            self.become_follower(args.term)\n", KEEPS_VOTE)),),
    ),
    Mutant(
        name="W05_vote_outlives_a_voters_term",
        source=INVENTED,
        stage="2A",
        wrong="a newer term that comes with a voter's answer does not end the vote of the older one",
        rules=("VoteDenied", "OneVotePerTerm"),
        changes=(
            (
                VOTE_ANSWER,
                VOTE_ANSWER.replace(
                    "            self.become_follower(reply.term)\n",
                    "            self.current_term = reply.term\n            self.save()\n            self.become_follower(reply.term)\n",
                ),
            ),
        ),
    ),
    Mutant(
        name="W06_vote_outlives_a_followers_term",
        source=INVENTED,
        stage="2C",
        wrong="a newer term that comes with the answer to AppendEntries does not end the vote of the older one",
        rules=("VoteDenied", "OneVotePerTerm"),
        changes=(
            (
                APPEND_ANSWER,
                APPEND_ANSWER.replace(
                    "            self.become_follower(reply.term)\n",
                    "            self.current_term = reply.term\n            self.save()\n            self.become_follower(reply.term)\n",
                ),
            ),
        ),
    ),
    Mutant(
        name="W07_vote_outlives_a_snapshots_term",
        source=INVENTED,
        stage="2D",
        wrong="a newer term that comes with InstallSnapshot does not end the vote of the older one",
        rules=("OneVotePerTerm", "VoteDenied"),
        changes=((INSTALL_TERM, INSTALL_TERM.replace("            self.become_follower(args.term)\n", KEEPS_VOTE)),),
    ),
    Mutant(
        name="W08_only_the_newest_request_counts",
        source=INVENTED,
        stage="2B",
        wrong="of the answers to AppendEntries only the one to the newest request counts; on a slow link there is always a newer one",
        rules=("CommittedIsApplied",),
        changes=(
            (FIELDS, "        self.newest: dict[int, AppendEntriesArgs] = {}\n" + FIELDS),
            (CALL, "        self.newest[peer] = args\n" + CALL),
            (REPLIES, "        if args is not self.newest[peer]:\n            return\n" + REPLIES),
        ),
    ),
    Mutant(
        name="B782_a_leader_waits_60_ms_for_answers",
        source=INVENTED,
        stage="2B",
        wrong="what takes longer than 60 ms to be answered counts as lost",
        rules=("CommittedIsApplied",),
        changes=(("RPC_TIMEOUT = 1.0\n", "RPC_TIMEOUT = 0.06\n"),),
    ),
    Mutant(
        name="W09_answers_older_than_a_heartbeat",
        source=INVENTED,
        stage="2B",
        wrong="what takes longer than the heartbeat's interval to be answered counts as lost",
        rules=("CommittedIsApplied",),
        changes=(("RPC_TIMEOUT = 1.0\n", "RPC_TIMEOUT = HEARTBEAT_INTERVAL\n"),),
    ),
    Mutant(
        name="W11_a_compacted_term_is_0",
        source=INVENTED,
        stage="2D",
        wrong="the term of an entry inside the snapshot counts as 0, so what the leader sends from there is refused for ever",
        rules=("CommittedIsApplied", "InstallWhenNeeded", "ConsistencyRefusal", "SnapshotTermKept"),
        changes=(
            (
                CHECK,
                "        if not self.has_entry(args.prev_log_index, args.prev_log_term):\n"
                "            return self.refuse_entries(args.prev_log_index)\n",
            ),
            (
                "        if index == self.last_included_index:\n            return self.last_included_term\n",
                "        if index == self.last_included_index:\n            return self.last_included_term\n"
                "        if 0 < index < self.last_included_index:\n            return 0\n",
            ),
        ),
    ),
    Mutant(
        name="W12_applier_walks_by_place",
        source=INVENTED,
        stage="2D",
        wrong="a task applies by the place in the list, and waits after each entry; a snapshot meanwhile shifts the places",
        rules=("StateMachineSafety", "ApplyInOrder", "NoCrash", "StartAnswers"),
        changes=applier(
            "place = self.position(self.last_applied + 1)\n"
            "while self.commit_index > self.last_applied:\n"
            "    self.last_applied += 1\n"
            "    await self.apply_ch.send(ApplyCommand(self.last_applied, self.log[place].command))\n"
            "    place += 1"
        ),
    ),
    Mutant(
        name="W13_applier_notes_the_last_entry_after_its_wait",
        source=INVENTED,
        stage="2D",
        wrong="a task applies a batch and notes last_applied after its end; a snapshot that was installed meanwhile is undone",
        rules=("ApplyInOrder", "StateMachineSafety", "NoCrash", "SnapshotNotRolledBack"),
        changes=applier(
            "first, last = self.last_applied + 1, self.commit_index\n"
            "entries = [self.log[self.position(index)] for index in range(first, last + 1)]\n"
            "for index, entry in enumerate(entries, first):\n"
            "    await self.apply_ch.send(ApplyCommand(index, entry.command))\n"
            "self.last_applied = last"
        ),
    ),
    Mutant(
        name="W14_snapshot_for_whoever_is_silent",
        source=INVENTED,
        stage="2D",
        wrong="a leader sends its snapshot to each peer that has not acknowledged what it covers: after an election, to all",
        rules=("InstallWhenNeeded",),
        changes=((CHOOSE, "        if self.match_index[peer] < self.last_included_index:\n"),),
    ),
    Mutant(
        name="E18_becomes_leader_twice",
        source="a common bug of course labs",
        stage="2A",
        wrong="each vote beyond the majority makes it leader again, with one more loop of heartbeats for each peer",
        rules=("HeartbeatsSent", "RpcBudget"),
        changes=(
            (
                VOTE_ANSWER,
                "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                "            self.become_follower(reply.term)\n"
                "        if self.current_term != args.term or self.role is Role.FOLLOWER:\n"
                "            return\n",
            ),
        ),
    ),
    Mutant(
        name="W15_votes_are_asked_in_turn",
        source="a common bug of course labs; §5.2: in parallel",
        stage="2A",
        wrong="the next voter is asked when the one before has answered",
        rules=("LeaderInTime",),
        changes=(
            (
                ASK_ALL,
                "        self.nursery.start_soon(self.ask_in_turn, args)\n        self.count_votes()\n",
            ),
            (
                "    async def keep_asking(self, peer: int",
                "    async def ask_in_turn(self, args: RequestVoteArgs) -> None:\n"
                "        for peer in self.node.peers:\n"
                "            await self.request_vote_from(peer, args)\n\n"
                "    async def keep_asking(self, peer: int",
            ),
        ),
    ),
    Mutant(
        name="W16_truncates_always_before_it_saves_at_all",
        source="a common bug of course labs, in the stage before persistence",
        stage="2B",
        wrong="the log is cut behind prev_log_index whatever comes; nothing is saved yet",
        rules=("MatchingKept",),
        changes=(
            (
                TAKE,
                "        if first_index > self.last_included_index:\n            del self.log[self.position(first_index) :]\n"
                + TAKE,
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                "        if snapshot is not None:\n            self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
            ),
        ),
    ),
    Mutant(
        name="W17_peer_is_tried_less_and_less_often",
        source=INVENTED,
        stage="2B",
        wrong="a peer that does not answer is written to after twice the pause each time, up to minutes",
        rules=("HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (FIELDS, "        self.pauses: dict[int, float] = {}\n" + FIELDS),
            (
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n",
                "            self.pauses[peer] = self.pauses.get(peer, HEARTBEAT_INTERVAL / 1.5) * 1.5\n"
                "            with trio.move_on_after(self.pauses[peer]):\n",
            ),
            (REPLIES, "        self.pauses[peer] = HEARTBEAT_INTERVAL / 1.5\n" + REPLIES),
        ),
    ),
    Mutant(
        name="W18_commits_only_what_ends_the_log",
        source=INVENTED,
        stage="2B",
        wrong="an entry is committed only if it is the last one of the log: under load, and over slow links, none is",
        rules=("CommittedIsApplied",),
        changes=(
            (
                ADVANCE_LOOP,
                ADVANCE_LOOP.replace(
                    "            if replicas",
                    "            if index < self.last_log_index():\n                return\n            if replicas",
                ),
            ),
        ),
    ),
    Mutant(
        name="W32_counts_only_who_ends_there",
        source=INVENTED,
        stage="2B",
        wrong="an entry is counted only for those whose match_index is its own index, not for those that have more",
        rules=("CommittedIsApplied",),
        changes=((ADVANCE_LOOP, ADVANCE_LOOP.replace("match >= index", "match == index")),),
    ),
    Mutant(
        name="W19_leader_starts_behind_what_is_committed",
        source=INVENTED,
        stage="2B",
        wrong="a new leader takes nothing for committed until it has committed something itself",
        rules=("CommitNeverDecreases",),
        changes=((LEAD_LOOP, "            self.commit_index = self.last_included_index\n" + LEAD_LOOP),),
    ),
    Mutant(
        name="W20_snapshot_waits_for_its_answer",
        source=INVENTED,
        stage="2D",
        wrong="while a snapshot is on its way to a peer, the peer gets no heartbeat; on a slow link it stands for election",
        rules=("HeartbeatsSent", "ElectionTimerReset", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                KEEP_REPLICATING,
                KEEP_REPLICATING + "            if self.next_index[peer] <= self.last_included_index:\n"
                "                await trio.sleep(RPC_TIMEOUT)\n",
            ),
        ),
    ),
    Mutant(
        name="W21_snapshot_answer_must_be_quick",
        source=INVENTED,
        stage="2D",
        wrong="a snapshot whose answer takes longer than 0.1 s counts as lost, and is sent for ever",
        rules=("CommittedIsApplied", "InstallWhenNeeded", "ByteBudget"),
        changes=(
            (
                "        with trio.move_on_after(RPC_TIMEOUT):\n"
                "            reply = await self.node.call(peer, args)\n"
                "            if reply is not None:\n"
                "                self.take_snapshot_reply(peer, args, reply)\n",
                "        with trio.move_on_after(0.1):\n"
                "            reply = await self.node.call(peer, args)\n"
                "            if reply is not None:\n"
                "                self.take_snapshot_reply(peer, args, reply)\n",
            ),
        ),
    ),
    Mutant(
        name="W22_next_index_from_the_newest_base",
        source=INVENTED,
        stage="2D",
        wrong="an answer to InstallSnapshot stands for the snapshot that the leader has by now",
        rules=("CommitNeedsMajority", "CommittedIsApplied", "BackoffBound", "InstallWhenNeeded"),
        changes=((SNAPSHOT_ANSWER, SNAPSHOT_ANSWER.replace("args.last_included_index", "self.last_included_index")),),
    ),
    Mutant(
        name="W23_refuses_a_lower_base_silently",
        source=INVENTED,
        stage="2D",
        wrong="entries that begin inside the snapshot are acknowledged and dropped, also those behind it",
        rules=("MatchingKept", "CommittedIsApplied", "SavedBeforeReply", "ConsistencyCheck"),
        changes=(
            (
                CHECK,
                CHECK + "        if covered:\n            return AppendEntriesReply(self.current_term, success=True)\n",
            ),
        ),
    ),
    Mutant(
        name="W24_base_of_the_leader_is_taken_over",
        source=INVENTED,
        stage="2D",
        wrong="a snapshot older than the server's own takes its place, and the service is taken back",
        rules=("SnapshotNotRolledBack", "ApplyInOrder", "NoCrash"),
        changes=(
            (
                STALE_SNAPSHOT,
                "        if args.last_included_index == self.last_included_index:\n            return InstallSnapshotReply(self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="W25_answers_of_an_earlier_leadership",
        source="a common bug of course labs",
        stage="2B",
        wrong="the answer to an earlier leadership's request counts when the server leads again",
        rules=("CommitNeedsMajority", "SavedBeforeSend"),
        changes=(
            (
                "        if not self.is_still(Role.LEADER, args.term):\n            return\n        if reply.success:\n",
                "        if self.role is not Role.LEADER:\n            return\n        if reply.success:\n",
            ),
        ),
    ),
    Mutant(
        name="W27_slow_go",
        source=INVENTED,
        stage="2B",
        base="go_style",
        wrong="of the answers to AppendEntries only the one to the newest request counts",
        rules=("CommittedIsApplied",),
        changes=(
            ("        self.matchIndex = {}\n", "        self.matchIndex = {}\n        self.newest = {}\n"),
            (
                "        reply = await self.node.call(peer, args)\n        if reply is None:\n            return\n        async with self.mu:\n            if reply.term > self.currentTerm:\n                self.becomeFollower(reply.term)\n                return\n            if self.state != LEADER or self.currentTerm != term:\n",
                "        self.newest[peer] = args\n        reply = await self.node.call(peer, args)\n        if reply is None or self.newest[peer] is not args:\n            return\n        async with self.mu:\n            if reply.term > self.currentTerm:\n                self.becomeFollower(reply.term)\n                return\n            if self.state != LEADER or self.currentTerm != term:\n",
            ),
        ),
    ),
    Mutant(
        name="W28_commit_falls_in_go",
        source="Figure 2, AppendEntries rule 5, to the letter",
        stage="2B",
        base="go_style",
        wrong="if leader_commit is higher, commitIndex is set to the minimum, which a short message makes lower than it was",
        rules=("CommitNeverDecreases", "ApplyInOrder"),
        changes=(
            (
                "            if min(args.leader_commit, lastNew) > self.commitIndex:\n",
                "            if args.leader_commit > self.commitIndex:\n",
            ),
        ),
    ),
    Mutant(
        name="W29_vote_outlives_a_term_in_go",
        source=INVENTED,
        stage="2A",
        base="go_style",
        wrong="a newer term ends a vote only if it comes with a candidate's request",
        rules=("VoteDenied", "OneVotePerTerm"),
        changes=(
            (
                "            self.currentTerm = term\n            self.votedFor = -1\n            self.persist()\n",
                "            self.currentTerm = term\n            self.persist()\n",
            ),
            (
                "            if args.term > self.currentTerm:\n                self.becomeFollower(args.term)\n            mine =",
                "            if args.term > self.currentTerm:\n                self.votedFor = -1\n                self.becomeFollower(args.term)\n            mine =",
            ),
        ),
    ),
    Mutant(
        name="W30_go_applier_walks_by_place",
        source=INVENTED,
        stage="2D",
        base="go_style",
        wrong="entries are looked up by their place as it was before the first of them was applied",
        rules=("StateMachineSafety", "ApplyInOrder", "NoCrash", "StartAnswers"),
        changes=(
            (
                "                while self.lastApplied < self.commitIndex:\n"
                "                    self.lastApplied += 1\n"
                "                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n"
                "            for message in messages:\n"
                "                await self.applyCh.send(message)\n",
                "                base, last = self.baseIndex, self.commitIndex\n"
                "            for message in messages:\n"
                "                await self.applyCh.send(message)\n"
                "            while self.lastApplied < last:\n"
                "                self.lastApplied += 1\n"
                "                command = self.log[self.lastApplied - base].command\n"
                "                await self.applyCh.send(ApplyCommand(self.lastApplied, command))\n",
            ),
        ),
    ),
    Mutant(
        name="W31_a_compacted_term_is_0_in_go",
        source=INVENTED,
        stage="2D",
        base="go_style",
        wrong="what begins inside the snapshot is refused, as the term of an entry there counts as 0",
        rules=("CommittedIsApplied", "InstallWhenNeeded", "ConsistencyRefusal", "SnapshotTermKept"),
        changes=(
            (
                "            if prev < self.baseIndex:\n"
                "                # What the snapshot covers is the same everywhere.\n"
                "                entries = entries[self.baseIndex - prev :]\n"
                "                prev = self.baseIndex\n"
                "                if args.prev_log_index + len(args.entries) < prev:\n"
                "                    return AppendEntriesReply(self.currentTerm, True)\n",
                "            if prev < self.baseIndex:\n"
                "                return AppendEntriesReply(self.currentTerm, False)\n",
            ),
        ),
    ),
]

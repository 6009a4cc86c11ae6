"""Storage, snapshots, commits and tasks: wrong servers written by an author who knew no judge, no drill and no scenario.

Half of them are changes to the reference, half to whole servers of other styles, by the part of the protocol.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

MISSED = (
    "C510_snapshot_first_and_then_the_log",
    "C525_position_kept_across_a_pause",
    "C527_answer_of_an_older_leadership",
    "C539_answer_counts_for_the_base_of_today",
    "C552_indices_follow_the_services_wait",
    "C557_what_comes_while_handing_over_waits",
    "C559_refuses_while_the_service_is_busy",
)
"""What one seed did not kill when these were run for the first time."""


def _mutant(
    name: str, stage: str, wrong: str, rules: tuple[str, ...], *changes: tuple[str, str], base: str = ""
) -> Mutant:
    source = "a reviewer who had read the paper, the handouts and whole servers, and no judge"
    seen = name not in MISSED
    return Mutant(name, source, stage, wrong, rules, changes, base, origin="blind", at_first_sight=seen)


PERSISTENCE = [
    _mutant(
        "C501_same_length_same_disk",
        "2C",
        "a save is left out if term, vote, base and the log's length are what was saved last",
        ("SavedBeforeReply", "RestoredOnRestart", "MatchingKept"),
        (
            "        base = (self.last_included_index, self.last_included_term)\n        self.node.persister.save(",
            "        base = (self.last_included_index, self.last_included_term)\n"
            "        known = (self.current_term, self.voted_for, len(self.log), base)\n"
            "        if snapshot is None and known == self.on_disk:\n"
            "            return\n"
            "        self.on_disk = known\n"
            "        self.node.persister.save(",
        ),
        (
            "        self.nursery: trio.Nursery\n",
            "        self.on_disk: object = None\n        self.nursery: trio.Nursery\n",
        ),
    ),
    _mutant(
        "C502_own_entries_saved_by_the_group",
        "2C",
        "a leader saves new entries 30 ms after start, and counts itself for them before",
        ("SavedBeforeSend", "CommitNeedsMajority"),
        (
            "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
            "        self.save()\n",
            "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
            "        self.nursery.start_soon(self.save_the_group)\n",
        ),
        (
            "        # A server without peers is a majority by itself.\n"
            "        self.advance_commit_index()\n"
            "        return index, self.current_term, True\n",
            "        return index, self.current_term, True\n\n"
            "    async def save_the_group(self) -> None:\n"
            "        await trio.sleep(0.03)\n"
            "        self.save()\n"
            "        if self.role is Role.LEADER:\n"
            "            self.advance_commit_index()\n",
        ),
    ),
    _mutant(
        "C503_snapshot_is_all_that_comes_back",
        "2D",
        "a server that restarts with a snapshot drops the entries behind it",
        ("RestoredOnRestart", "VoteOnlyUpToDate", "LeaderCompleteness"),
        (
            "        if data is not None:\n            self.apply_ch.send_nowait(",
            "        if data is not None:\n            self.log = []\n            self.apply_ch.send_nowait(",
        ),
    ),
    _mutant(
        "C504_snapshot_comes_after_the_start",
        "2D",
        "after a restart the service gets the snapshot 30 ms later, from a task, and entries meanwhile",
        ("SnapshotNotRolledBack", "ApplyInOrder"),
        (
            "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n\n"
            "    # The log: indices",
            "            self.restored = ApplySnapshot(self.last_included_index, self.last_included_term, data)\n\n"
            "    async def hand_over_restored(self) -> None:\n"
            "        await trio.sleep(0.03)\n"
            "        if self.restored is not None:\n"
            "            self.apply_ch.send_nowait(self.restored)\n\n"
            "    # The log: indices",
        ),
        (
            "        self.nursery: trio.Nursery\n",
            "        self.restored: ApplySnapshot | None = None\n        self.nursery: trio.Nursery\n",
        ),
        (
            "            await self.watch_election_timer()\n",
            "            self.nursery.start_soon(self.hand_over_restored)\n            await self.watch_election_timer()\n",
        ),
    ),
    _mutant(
        "C505_term_saved_with_the_old_vote",
        "2C",
        "a newer term is saved before the vote of the older one is cleared",
        ("OneVotePerTerm", "RestoredOnRestart", "VoteDenied", "SavedBeforeReply"),
        (
            "            self.voted_for = None\n"
            "            if self.role == LEADER:\n"
            "                self.set_timer()\n"
            "            self.role = FOLLOWER\n"
            "            self.save()\n",
            "            self.save()\n"
            "            self.voted_for = None\n"
            "            if self.role == LEADER:\n"
            "                self.set_timer()\n"
            "            self.role = FOLLOWER\n",
        ),
        base="poll_loop",
    ),
    _mutant(
        "C506_last_index_by_the_disks_log",
        "2D",
        "after a restart the last index is the number of entries on the disk, without the snapshot's",
        ("RestoredOnRestart", "NoCrash", "VoteOnlyUpToDate"),
        ("        self.last = max(self.entries)\n", "        self.last = len(state.log)\n"),
        base="poll_loop",
    ),
    _mutant(
        "C507_nothing_new_nothing_to_wait_for",
        "2C",
        "an answer does not wait for the disk if the log's end is on it, whatever term and vote are",
        ("SavedBeforeReply",),
        (
            "        reply = handler(self, args)\n        await self.disk.written()\n",
            "        reply = handler(self, args)\n"
            "        if self.disk.end == self.last_index():\n"
            "            self.disk.orders.send_nowait(trio.Event())\n"
            "        else:\n"
            "            await self.disk.written()\n",
        ),
        base="disk_actor",
    ),
    _mutant(
        "C508_snapshot_fetched_before_the_disk_is_ready",
        "2D",
        "the disk takes the snapshot when an order comes, and the state when it writes, some milliseconds later",
        ("SnapshotAndLogTogether", "SnapshotIsTheServices"),
        (
            "            await trio.sleep(random.uniform(0.003, 0.006))\n",
            "            snapshot, self.snapshot = self.snapshot, None\n"
            "            await trio.sleep(random.uniform(0.003, 0.006))\n",
        ),
        ("            self.write()\n", "            self.write(snapshot)\n"),
        ("    def write(self):\n", "    def write(self, snapshot):\n"),
        (
            "        r.node.persister.save(state, self.snapshot)\n        self.snapshot = None\n",
            "        r.node.persister.save(state, snapshot)\n",
        ),
        base="disk_actor",
    ),
    _mutant(
        "C509_saves_before_the_base_moves",
        "2D",
        "the log that the snapshot left is saved with the old base",
        ("SnapshotAndLogTogether", "LogMatching", "SnapshotIsTheServices", "RestoredOnRestart"),
        (
            "        self.baseIndex = index\n        self.persist(snapshot)\n",
            "        self.persist(snapshot)\n        self.baseIndex = index\n",
        ),
        base="go_style",
    ),
    _mutant(
        "C510_snapshot_first_and_then_the_log",
        "2D",
        "a snapshot from the leader is saved with the old log, and the new log after it",
        ("SnapshotAndLogTogether", "SnapshotIsTheServices"),
        (
            "        same = index <= self.last and self.term_of(index) == term\n",
            "        self.write(args.data)\n        same = index <= self.last and self.term_of(index) == term\n",
        ),
        (
            "        self.write(args.data)\n        self.outgoing.append(",
            "        self.write()\n        self.outgoing.append(",
        ),
        base="one_inbox",
    ),
    _mutant(
        "C511_acts_before_it_writes",
        "2C",
        "what one event led to is handed to the service first, and written then",
        ("CommitNeedsMajority", "SavedBeforeSend", "SavedBeforeReply", "SnapshotAndLogTogether"),
        ("        return [*writes, *self.actions]\n", "        return [*self.actions, *writes]\n"),
        base="pure_core",
    ),
    _mutant(
        "C512_stable_is_what_came_meanwhile",
        "2C",
        "what was appended while the last batch was worked on counts as saved",
        ("SavedBeforeSend", "CommitNeedsMajority", "LeaderAppendOnly"),
        ("    def handle(self, ready: Ready) -> None:\n", "    async def handle(self, ready: Ready) -> None:\n"),
        ("                self.handle(self.core.ready())\n", "                await self.handle(self.core.ready())\n"),
        ("        self.core.advance()\n", "        await trio.sleep(0.003)\n        self.core.advance()\n"),
        base="ready_loop",
    ),
]

SNAPSHOTS = [
    _mutant(
        "C521_peers_have_what_was_discarded",
        "2D",
        "a leader that takes a snapshot notes all peers to have what it covers",
        ("CommittedIsApplied", "InstallWhenNeeded", "CommitNeedsMajority"),
        (
            "        self.last_included_term = term\n        self.save(snapshot)\n",
            "        self.last_included_term = term\n"
            "        self.save(snapshot)\n"
            "        for peer in self.match_index:\n"
            "            self.match_index[peer] = max(self.match_index[peer], index)\n"
            "            self.next_index[peer] = max(self.next_index[peer], index + 1)\n",
        ),
    ),
    _mutant(
        "C522_what_fits_the_snapshot_is_committed",
        "2D",
        "entries that stay behind a snapshot are taken for committed with it",
        ("CommitBound", "CommitNeedsMajority", "StateMachineSafety"),
        (
            "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
            "        return InstallSnapshotReply(self.current_term)\n",
            "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
            "        self.commit_up_to(self.last_log_index())\n"
            "        return InstallSnapshotReply(self.current_term)\n",
        ),
    ),
    _mutant(
        "C523_longer_log_needs_no_snapshot",
        "2D",
        "a snapshot that ends before the log's end is acknowledged and ignored, whatever the log holds",
        ("SnapshotKeepsSuffix", "SavedBeforeReply", "CommitNeedsMajority", "CommittedIsApplied"),
        (
            "        if args.last_included_index <= self.commit_index:\n",
            "        if args.last_included_index <= max(self.commit_index, self.last_log_index() - 1):\n",
        ),
    ),
    _mutant(
        "C524_entries_that_begin_in_the_snapshot_end_there",
        "2D",
        "a message whose first entries the snapshot covers succeeds, and its other entries are not taken",
        ("CommitNeedsMajority", "MatchingKept", "SavedBeforeReply", "NoCrash"),
        (
            "            if index <= self.last_included_index:\n                continue\n",
            "            if index <= self.last_included_index:\n                break\n",
        ),
    ),
    _mutant(
        "C525_position_kept_across_a_pause",
        "2D",
        "a leader waits 5 ms for more entries, and cuts the message at a position of before",
        ("LogMatching", "ByteBudget", "CommittedIsApplied", "NoCrash"),
        (
            "        first = self.position(self.next_index[peer])\n",
            "        first = self.position(self.next_index[peer])\n"
            "        prev_log_term = self.term_at(prev_log_index)\n"
            "        term = self.current_term\n"
            "        await trio.sleep(0.005)\n"
            "        if not self.is_still(Role.LEADER, term):\n"
            "            return\n",
        ),
        (
            "            prev_log_term=self.term_at(prev_log_index),\n            entries",
            "            prev_log_term=prev_log_term,\n            entries",
        ),
    ),
    _mutant(
        "C526_data_of_before_the_pause",
        "2D",
        "a leader reads the snapshot, lets 20 ms pass, and sends it with the index and term of by then",
        ("SnapshotIsTheServices", "StateMachineSafety"),
        (
            "        base = (self.last_included_index, self.last_included_term)\n        args = InstallSnapshotArgs(",
            "        term = self.current_term\n"
            "        await trio.sleep(0.02)\n"
            "        if not self.is_still(Role.LEADER, term):\n"
            "            return\n"
            "        base = (self.last_included_index, self.last_included_term)\n"
            "        args = InstallSnapshotArgs(",
        ),
    ),
    _mutant(
        "C527_answer_of_an_older_leadership",
        "2D",
        "an answer to InstallSnapshot counts if its own term is the current one: also a refusal of an older leadership's",
        ("CommittedIsApplied", "InstallWhenNeeded", "CommitNeedsMajority"),
        (
            "        if not self.is_still(Role.LEADER, args.term):\n"
            "            return\n"
            "        self.record_match(peer, args.last_included_index)\n",
            "        if not self.is_still(Role.LEADER, reply.term):\n"
            "            return\n"
            "        self.record_match(peer, args.last_included_index)\n",
        ),
    ),
    _mutant(
        "C528_hint_looked_up_below_the_snapshot",
        "2D",
        "a leader looks for the conflicting term below its snapshot, where its list has other entries or none",
        ("NoCrash", "BackoffBound", "InstallWhenNeeded"),
        (
            "        for index in range(end - 1, self.last_included_index - 1, -1):\n",
            "        for index in range(end - 1, 0, -1):\n",
        ),
    ),
    _mutant(
        "C529_known_snapshot_is_no_word_of_the_leader",
        "2D",
        "InstallSnapshot that brings nothing new does not reset the election timer",
        ("ElectionTimerReset",),
        (
            "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # A late snapshot",
            "        # A late snapshot",
        ),
        (
            "            return InstallSnapshotReply(self.current_term)\n        if self.has_entry(",
            "            return InstallSnapshotReply(self.current_term)\n"
            "        self.reset_election_timer()\n"
            "        if self.has_entry(",
        ),
    ),
    _mutant(
        "C530_silence_while_a_snapshot_is_under_way",
        "2D",
        "a peer hears nothing from its leader until its snapshot is answered or given up",
        ("HeartbeatsSent", "InstallWhenNeeded"),
        (
            "        if self.next_index[peer] <= self.last_included_index:\n            await self.send_snapshot(peer)\n",
            "        if peer in self.installing:\n"
            "            return\n"
            "        if self.next_index[peer] <= self.last_included_index:\n"
            "            self.installing.add(peer)\n"
            "            try:\n"
            "                await self.send_snapshot(peer)\n"
            "            finally:\n"
            "                self.installing.discard(peer)\n",
        ),
        (
            "        self.nursery: trio.Nursery\n",
            "        self.installing: set[int] = set()\n        self.nursery: trio.Nursery\n",
        ),
    ),
    _mutant(
        "C531_last_term_is_noted_aside",
        "2D",
        "the last entry's term is noted at each append, and not when a snapshot replaces the log",
        ("SnapshotTermKept", "VoteOnlyUpToDate", "VoteDenied"),
        ("        return self.term_at(self.last_log_index())\n", "        return self.newest_term\n"),
        ("        self.nursery: trio.Nursery\n", "        self.newest_term = 0\n        self.nursery: trio.Nursery\n"),
        (
            "        data = self.node.persister.snapshot()\n        if data is not None:\n",
            "        self.newest_term = self.term_at(self.last_log_index())\n"
            "        data = self.node.persister.snapshot()\n        if data is not None:\n",
        ),
        (
            "                self.log.append(entry)\n",
            "                self.log.append(entry)\n                self.newest_term = entry.term\n",
        ),
        (
            "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n",
            "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
            "        self.newest_term = self.current_term\n",
        ),
    ),
    _mutant(
        "C532_log_is_trimmed_in_the_background",
        "2D",
        "a task trims the log 50 ms after the service's snapshot, and does not look whether a newer one came meanwhile",
        ("SnapshotNotRolledBack", "LogMatching", "NoCrash", "SnapshotAndLogTogether", "LogTrimmed"),
        (
            "        term = self.term_at(index)\n        self.log = self.log[self.position(index + 1) :]\n",
            "        self.nursery.start_soon(self.trim, index, snapshot)\n\n"
            "    async def trim(self, index: int, snapshot: bytes) -> None:\n"
            "        await trio.sleep(0.05)\n"
            "        term = self.term_at(index)\n        self.log = self.log[self.position(index + 1) :]\n",
        ),
    ),
    _mutant(
        "C533_message_with_the_snapshot_is_kept",
        "2D",
        "a leader keeps the InstallSnapshot that a peer has not answered, and sends it again when it leads again",
        ("HigherTermAdopted", "TermNeverDecreases", "CommittedIsApplied"),
        (
            "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n",
            "        args = self.unanswered.setdefault(\n"
            "            peer, InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
            "        )\n",
        ),
        (
            "        self.record_match(peer, args.last_included_index)\n",
            "        self.unanswered.pop(peer, None)\n        self.record_match(peer, args.last_included_index)\n",
        ),
        (
            "        self.nursery: trio.Nursery\n",
            "        self.unanswered: dict[int, InstallSnapshotArgs] = {}\n        self.nursery: trio.Nursery\n",
        ),
    ),
    _mutant(
        "C534_rest_begins_one_too_early",
        "2D",
        "the entries kept behind a snapshot begin with the last one that it covers",
        ("LogMatching", "SnapshotKeepsSuffix", "SnapshotTermKept"),
        (
            "                rest = self.log[index - self.baseIndex + 1 :]\n",
            "                rest = self.log[index - self.baseIndex :]\n",
        ),
        base="go_style",
    ),
    _mutant(
        "C535_snapshot_of_the_disk_with_the_base_of_memory",
        "2D",
        "a leader sends the snapshot that the disk has by now, and the base that memory has already",
        ("SnapshotIsTheServices", "WellFormed", "StateMachineSafety"),
        (
            "self.base, self.base_term, self.cached)\n            sent",
            "self.base, self.base_term, self.node.persister.snapshot())\n            sent",
        ),
        base="disk_actor",
    ),
    _mutant(
        "C536_snapshot_of_the_day_of_election",
        "2D",
        "a leader reads its snapshot when it is elected, and sends those bytes whatever base it has since",
        ("SnapshotIsTheServices", "StateMachineSafety", "NoCrash"),
        (
            "            self.progress = {peer: Progress(self.last + 1) for peer in self.node.peers}\n",
            "            self.progress = {peer: Progress(self.last + 1) for peer in self.node.peers}\n"
            "            self.data = self.node.persister.snapshot()\n",
        ),
        (
            "            data = self.node.persister.snapshot()\n            assert data is not None\n            self.ask(",
            "            if self.data is None:\n"
            "                self.data = self.node.persister.snapshot()\n"
            "            self.ask(",
        ),
        ("self.base, self.base_term, data))\n        else:", "self.base, self.base_term, self.data))\n        else:"),
        base="course_style",
    ),
    _mutant(
        "C537_entries_cut_one_too_early_at_the_edge",
        "2D",
        "of entries that begin in the snapshot, the last one that it covers is put behind it",
        ("LogMatching", "StateMachineSafety", "ConsistencyCheck"),
        (
            "            entries = entries[self.first - prev :]\n",
            "            entries = entries[self.first - prev - 1 :]\n",
        ),
        base="one_inbox",
    ),
    _mutant(
        "C538_any_entry_there_is_the_right_one",
        "2D",
        "a log that has an entry at the snapshot's index keeps what follows, whatever term it has",
        ("SnapshotKeepsSuffix", "SnapshotTermKept", "LogMatching"),
        (
            "            if held is None or held.term != args.last_included_term:\n",
            "            if held is None:\n",
        ),
        base="poll_loop",
    ),
    _mutant(
        "C539_answer_counts_for_the_base_of_today",
        "2D",
        "the answer to a snapshot counts for the one that the leader has by then",
        ("CommittedIsApplied", "InstallWhenNeeded", "CommitNeedsMajority"),
        (
            "            self.has_up_to(peer, args.last_included_index)\n",
            "            self.has_up_to(peer, self.base)\n",
        ),
        base="poll_loop",
    ),
    _mutant(
        "C540_fast_forward_by_length",
        "2D",
        "a snapshot that ends within the log commits what the log has there, whatever its terms",
        ("SnapshotKeepsSuffix", "CommitBound", "StateMachineSafety"),
        (
            "        if self.term_of(args.last_included_index) == args.last_included_term:\n",
            "        if args.last_included_index <= self.last_index:\n",
        ),
        base="ready_loop",
    ),
    _mutant(
        "C541_loss_of_an_older_snapshot_is_not_seen",
        "2D",
        "a lost snapshot is given up only if the leader has made no newer one meanwhile; else its peer waits for ever",
        ("CommittedIsApplied", "InstallWhenNeeded"),
        (
            "        elif p.state is ProgressState.SNAPSHOT and p.pending_snapshot == args.last_included_index:\n",
            "        elif p.state is ProgressState.SNAPSHOT and p.pending_snapshot == self.offset:\n",
        ),
        base="ready_loop",
    ),
    _mutant(
        "C542_restarted_core_has_no_snapshot",
        "2D",
        "after a restart the core does not know the snapshot that its service got, and has none to send",
        ("NoCrash", "InstallWhenNeeded"),
        ("        self.snapshot = snapshot\n        if snapshot is None:\n", "        if snapshot is None:\n"),
        base="pure_core",
    ),
]

APPLYING = [
    _mutant(
        "C551_counts_after_the_hand_over",
        "2D",
        "a task hands over an entry, waits, and counts it then, though a snapshot was installed meanwhile",
        ("ApplyInOrder", "CommittedIsApplied", "StateMachineSafety"),
        (
            "        while self.commit_index > self.last_applied:\n"
            "            self.last_applied += 1\n"
            "            entry = self.log[self.position(self.last_applied)]\n"
            "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
            "        self.committed.set()\n\n"
            "    async def keep_applying(self) -> None:\n"
            "        while True:\n"
            "            while self.commit_index > self.last_applied:\n"
            "                index = self.last_applied + 1\n"
            "                entry = self.log[self.position(index)]\n"
            "                await self.apply_ch.send(ApplyCommand(index, entry.command))\n"
            "                self.last_applied += 1\n"
            "            self.committed = trio.Event()\n"
            "            await self.committed.wait()\n",
        ),
        (
            "        self.nursery: trio.Nursery\n",
            "        self.committed = trio.Event()\n        self.nursery: trio.Nursery\n",
        ),
        (
            "            await self.watch_election_timer()\n",
            "            self.nursery.start_soon(self.keep_applying)\n            await self.watch_election_timer()\n",
        ),
    ),
    _mutant(
        "C552_indices_follow_the_services_wait",
        "2D",
        "a snapshot is handed over with an await, and commit_index and last_applied are set after it",
        ("ApplyInOrder", "NoCrash", "SnapshotNotRolledBack"),
        (
            "    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n",
            "    async def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n",
        ),
        (
            "        self.commit_index = args.last_included_index  # Figure 13, InstallSnapshot rule 8\n"
            "        self.last_applied = args.last_included_index\n"
            "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n",
            "        await self.apply_ch.send(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
            "        self.commit_index = max(self.commit_index, args.last_included_index)\n"
            "        self.last_applied = args.last_included_index\n",
        ),
    ),
    _mutant(
        "C553_same_command_is_a_duplicate",
        "2B",
        "a command that equals the one before it is taken for a client's second try, and not applied",
        ("ApplyInOrder", "CommittedIsApplied"),
        (
            "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
            "            if entry.command != self.applied_last:\n"
            "                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n"
            "            self.applied_last = entry.command\n",
        ),
        (
            "        self.nursery: trio.Nursery\n",
            "        self.applied_last: object = object()\n        self.nursery: trio.Nursery\n",
        ),
    ),
    _mutant(
        "C554_no_command_no_start",
        "2B",
        "a leader does not accept a command that is false in Python: 0, an empty text or list",
        ("StartAnswers",),
        (
            "        if self.role is not Role.LEADER:\n            return -1",
            "        if self.role is not Role.LEADER or not command:\n            return -1",
        ),
    ),
    _mutant(
        "C555_snapshot_overtakes_the_batch",
        "2D",
        "a snapshot goes to the service at once, while a task is still handing over older entries",
        ("ApplyInOrder", "SnapshotNotRolledBack"),
        (
            "            self.snapshotToApply = ApplySnapshot(index, args.last_included_term, args.data)\n"
            "            self.applyCond.notify_all()\n",
            "            self.lastApplied = index\n"
            "            self.applyCh.send_nowait(ApplySnapshot(index, args.last_included_term, args.data))\n",
        ),
        base="go_style",
    ),
    _mutant(
        "C556_entries_read_between_waits",
        "2D",
        "the range to apply is fixed once, and each entry is read when its turn comes, from the log of by then",
        ("ApplyInOrder", "StateMachineSafety", "NoCrash", "SnapshotNotRolledBack"),
        (
            "                while self.lastApplied < self.commitIndex:\n"
            "                    self.lastApplied += 1\n"
            "                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n"
            "            for message in messages:\n"
            "                await self.applyCh.send(message)\n",
            "                first, last = self.lastApplied + 1, self.commitIndex\n"
            "                self.lastApplied = max(self.lastApplied, last)\n"
            "            for message in messages:\n"
            "                await self.applyCh.send(message)\n"
            "            for index in range(first, last + 1):\n"
            "                await self.applyCh.send(ApplyCommand(index, self.entry(index).command))\n",
        ),
        base="go_style",
    ),
    _mutant(
        "C557_what_comes_while_handing_over_waits",
        "2B",
        "what is committed while a batch is handed over is handed over with the next commit only",
        ("CommittedIsApplied",),
        (
            "            while self.queue:\n                await self.apply_ch.send(self.queue.popleft())\n"
            "            self.queued = trio.Event()\n"
            "            if not self.queue:\n"
            "                await self.queued.wait()\n",
            "            for _ in range(len(self.queue)):\n                await self.apply_ch.send(self.queue.popleft())\n"
            "            self.queued = trio.Event()\n"
            "            await self.queued.wait()\n",
        ),
        base="course_style",
    ),
    _mutant(
        "C558_snapshot_jumps_the_queue",
        "2D",
        "a snapshot is put before the entries that still wait for the service",
        ("ApplyInOrder", "SnapshotNotRolledBack"),
        (
            "        self.queue.append(message)\n",
            "        if isinstance(message, ApplySnapshot):\n"
            "            self.queue.appendleft(message)\n"
            "        else:\n"
            "            self.queue.append(message)\n",
        ),
        base="course_style",
    ),
    _mutant(
        "C559_refuses_while_the_service_is_busy",
        "2B",
        "a follower refuses entries while more than five committed ones wait for its service",
        ("ConsistencyRefusal",),
        (
            "        prev, entries = args.prev_log_index, args.entries\n",
            "        prev, entries = args.prev_log_index, args.entries\n"
            "        if len(self.queue) > 5:\n"
            "            self.save()\n"
            "            return Ack(self.term, False, x_len=self.last)\n",
        ),
        base="course_style",
    ),
    _mutant(
        "C560_two_tasks_hand_over_one_queue",
        "2B",
        "each batch has a task of its own, which takes an entry out of the queue after it was handed over",
        ("ApplyInOrder", "NoCrash"),
        (
            "                while self.outgoing:\n                    await self.apply_ch.send(self.outgoing.popleft())\n",
            "                if self.outgoing:\n                    self.nursery.start_soon(self.hand_over)\n",
        ),
        (
            "    def next_deadline(self) -> float:\n",
            "    async def hand_over(self) -> None:\n"
            "        while self.outgoing:\n"
            "            await self.apply_ch.send(self.outgoing[0])\n"
            "            self.outgoing.popleft()\n\n"
            "    def next_deadline(self) -> float:\n",
        ),
        base="one_inbox",
    ),
    _mutant(
        "C561_no_ops_are_left_out",
        "2B",
        "a leader's own no-op is not handed to the service, and leaves a gap",
        ("ApplyInOrder", "CommittedIsApplied"),
        (
            "            self.to_apply.append(ApplyCommand(self.applied, self.slice(self.applied, 1)[0].command))\n",
            "            command = self.slice(self.applied, 1)[0].command\n"
            "            if command is not None:\n"
            "                self.to_apply.append(ApplyCommand(self.applied, command))\n",
        ),
        base="ready_loop",
    ),
]

PYTHON = [
    _mutant(
        "C571_one_set_of_votes_for_all_elections",
        "2A",
        "the set of votes is a default argument, so votes of all elections come together in it",
        ("LeaderHasMajority", "ElectionSafety"),
        ("    def startElection(self):\n", "    def startElection(self, votes=set()):\n"),  # the mistake itself
        ("        votes = {self.me}\n", "        votes.add(self.me)\n"),
        base="go_style",
    ),
]

MUTANTS = [*PERSISTENCE, *SNAPSHOTS, *APPLYING, *PYTHON]

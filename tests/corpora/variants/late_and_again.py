"""Correct servers that checkers, drills or tests took for wrong, or that came near to it: what is sent late, again, or not."""

from __future__ import annotations

from tests.corpora.variants import Variant

VARIANTS = (
    Variant(
        "begins_at_index_1",
        "a new leader sends everybody its log from index 1 on, or its snapshot if the log begins later",
        "Figure 2 begins at the log's end to save messages; a follower leaves alone what matches",
        (
            (
                "            self.next_index[peer] = self.last_log_index() + 1\n",
                "            self.next_index[peer] = 1\n",
            ),
        ),
    ),
    Variant(
        "same_words_again",
        "sends an AppendEntries whose call ended without an answer again as it was, its commit index too",
        "a request that comes late may contain less than a newer one, and messages may come twice (§5.5)",
        (
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        reply = None\n"
                    "        while reply is None and self.is_still(Role.LEADER, args.term) and self.next_index[peer] == prev_log_index + 1:\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "        if reply is not None:\n"
                    "            self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Variant(
        "snapshot_and_entries_at_once",
        "sends a snapshot and the entries after it at the same moment",
        "entries that come before the snapshot are refused, and sent again",
        (
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_snapshot_reply(peer, args, reply)\n"
                ),
                (
                    "        self.nursery.start_soon(self.send_behind_snapshot, peer, args)\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_snapshot_reply(peer, args, reply)\n"
                ),
            ),
            (
                "    def take_snapshot_reply(",
                (
                    "    async def send_behind_snapshot(self, peer: int, sent: InstallSnapshotArgs) -> None:\n"
                    "        if not self.is_still(Role.LEADER, sent.term) or sent.last_included_index != self.last_included_index:\n"
                    "            return\n"
                    "        args = AppendEntriesArgs(self.current_term, self.node.me, sent.last_included_index, sent.last_included_term, self.log[:MAX_ENTRIES], self.commit_index)\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_hasty_reply(peer, args, reply)\n"
                    "\n"
                    "    def take_hasty_reply(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:\n"
                    "        if reply.term > self.current_term or reply.success:\n"
                    "            self.take_append_reply(peer, args, reply)\n"
                    "\n"
                    "    def take_snapshot_reply("
                ),
            ),
        ),
    ),
    Variant(
        "restarts_in_a_new_term",
        "a server that restarts begins in the term after the one on its disk",
        "any server may go on to a newer term at any time; votes of the new one are all free",
        (
            (
                ("        self.current_term = state.current_term\n        self.voted_for = state.voted_for\n"),
                ("        self.current_term = state.current_term + 1\n        self.voted_for = None\n"),
            ),
            (
                "        self.last_included_term = state.last_included_term\n",
                ("        self.last_included_term = state.last_included_term\n        self.save()\n"),
            ),
        ),
    ),
    Variant(
        "leads_by_lease",
        "claims to lead, and takes commands, only while a majority has answered within the last 0.35 s",
        "it leads all the same, and informs its clients when it is sure (thesis 6.4)",
        (
            (
                ("        self.role = Role.FOLLOWER\n        self.election_timer = trio"),
                (
                    "        self.answered: dict[int, float] = {}\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                ("        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n"),
                (
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline = math.inf\n"
                    "        self.answered = dict.fromkeys(self.node.peers, trio.current_time())\n"
                ),
            ),
            (
                (
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                ),
                (
                    "        self.answered[peer] = trio.current_time()\n"
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                ),
            ),
            (
                "        return self.current_term, self.role is Role.LEADER\n",
                (
                    "        return self.current_term, self.has_lease()\n"
                    "\n"
                    "    def has_lease(self) -> bool:\n"
                    "        recent = sum(at > trio.current_time() - 0.35 for at in self.answered.values())\n"
                    "        return self.role is Role.LEADER and recent + 1 >= self.majority\n"
                ),
            ),
            (
                ("        if self.role is not Role.LEADER:\n            return -1, self.current_term, False\n"),
                ("        if not self.has_lease():\n            return -1, self.current_term, False\n"),
            ),
        ),
    ),
    Variant(
        "bare_heartbeats",
        "heartbeats carry nothing of the log: they begin at index 0 and commit nothing; entries have a loop of their own",
        "every log has index 0; entries and commits go out until they are answered",
        (
            (
                (
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                (
                    "            if self.next_index[peer] <= self.last_log_index() or self.told.get(peer, -1) < self.commit_index:\n"
                    "                self.told[peer] = self.commit_index\n"
                    "                self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(0.15):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
            ),
            (
                ("        self.role = Role.FOLLOWER\n        self.election_timer = trio"),
                (
                    "        self.told: dict[int, int] = {}\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                ("        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n"),
                (
                    "        self.role = Role.LEADER\n"
                    "        self.election_timer.deadline = math.inf\n"
                    "        self.told = {}\n"
                    "        self.nursery.start_soon(self.beat, self.current_term)\n"
                ),
            ),
            (
                "    async def replicate_to(",
                (
                    "    async def beat(self, term: int) -> None:\n"
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            for peer in self.node.peers:\n"
                    "                self.nursery.start_soon(self.beat_once, peer, term)\n"
                    "            await trio.sleep(0.15)\n"
                    "\n"
                    "    async def beat_once(self, peer: int, term: int) -> None:\n"
                    "        args = AppendEntriesArgs(term, self.node.me, 0, 0, [], 0)\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None and reply.term > self.current_term:\n"
                    "                self.become_follower(reply.term)\n"
                    "\n"
                    "    async def replicate_to("
                ),
            ),
        ),
    ),
    Variant(
        "outboxes",
        "what a leader sends to a peer waits in a channel of three places until the call before it has ended",
        "a message may be on its way for as long as it likes; an old term's is refused (§5.1)",
        (
            (
                ("        self.role = Role.FOLLOWER\n        self.election_timer = trio"),
                (
                    "        self.outbox = {peer: trio.open_memory_channel(3) for peer in node.peers}\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                "            await self.watch_election_timer()\n",
                (
                    "            for peer in self.node.peers:\n"
                    "                self.nursery.start_soon(self.work, peer)\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
                (
                    "        with contextlib.suppress(trio.WouldBlock):\n"
                    "            self.outbox[peer][0].send_nowait(args)\n"
                    "\n"
                    "    async def work(self, peer):\n"
                    "        async for args in self.outbox[peer][1]:\n"
                    "            with trio.move_on_after(0.3):\n"
                    "                reply = await self.node.call(peer, args)\n"
                    "                if reply is not None:\n"
                    "                    self.take_append_reply(peer, args, reply)\n"
                ),
            ),
            ("import enum\n", ("import contextlib\nimport enum\n")),
        ),
    ),
    Variant(
        "rule_6_to_the_letter",
        "a follower that has the entries of a snapshot applies those one by one, and takes the snapshot on its disk only",
        "Figure 13, rule 6: it keeps its log and its service's state; what a snapshot covers is committed",
        (
            (
                (
                    "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                    "            self.log = self.log[self.position(args.last_included_index + 1) :]  # Figure 13, InstallSnapshot rule 6\n"
                ),
                (
                    "        if self.has_entry(args.last_included_index, args.last_included_term):\n"
                    "            self.commit_up_to(args.last_included_index)\n"
                    "            self.snapshot(args.last_included_index, args.data)\n"
                    "            return InstallSnapshotReply(self.current_term)\n"
                    "        if False:\n"
                    "            pass\n"
                ),
            ),
        ),
    ),
    Variant(
        "keeps_early_entries",
        "refuses entries that come before those in front of them, but keeps them, and puts them into the log when they fit",
        "they are the same leader's, and join the log only after the entry that they were sent after",
        (
            (
                ("        self.role = Role.FOLLOWER\n        self.election_timer = trio"),
                (
                    "        self.early: dict[int, AppendEntriesArgs] = {}\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                "            return self.refuse_entries(args.prev_log_index)\n",
                (
                    "            if args.entries:\n"
                    "                self.early[args.prev_log_index] = args\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                ),
            ),
            (
                "        last_new_entry = args.prev_log_index + len(args.entries)\n",
                (
                    "        last_new_entry = args.prev_log_index + len(args.entries)\n"
                    "        last_new_entry = self.take_early(args.term, last_new_entry)\n"
                ),
            ),
            (
                "    def refuse_entries(",
                (
                    "    def take_early(self, term: int, last: int) -> int:\n"
                    "        self.early = {k: v for k, v in self.early.items() if v.term == term}\n"
                    "        while last in self.early and last >= self.last_included_index and self.has_entry(last, self.early[last].prev_log_term):\n"
                    "            early = self.early.pop(last)\n"
                    "            self.take_entries(last + 1, early.entries)\n"
                    "            last += len(early.entries)\n"
                    "        return last\n"
                    "\n"
                    "    def refuse_entries("
                ),
            ),
        ),
    ),
    Variant(
        "applies_before_it_saves",
        "a follower hands committed entries and snapshots to its service, saves them afterwards, and then answers",
        "what is committed is on the disks of a majority without it",
        (
            (
                ("        if changed:\n            self.save()\n\n    def refuse"),
                ("        self.unsaved = changed\n\n    def refuse"),
            ),
            (
                ("        self.role = Role.FOLLOWER\n        self.election_timer = trio"),
                ("        self.unsaved = False\n        self.role = Role.FOLLOWER\n        self.election_timer = trio"),
            ),
            (
                "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
                (
                    "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
                    "        if self.unsaved:\n"
                    "            self.save()\n"
                ),
            ),
            (("        self.save(args.data)\n        self.commit_index"), "        self.commit_index"),
            (
                (
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        return"
                ),
                (
                    "        self.apply_ch.send_nowait(ApplySnapshot(args.last_included_index, args.last_included_term, args.data))\n"
                    "        self.save(args.data)\n"
                    "        return"
                ),
            ),
        ),
    ),
    Variant(
        "short_calls",
        "waits a quarter of a second for each answer, and no longer",
        "where a server is slow its answers take no longer than that, and what is slower is asked again",
        (("RPC_TIMEOUT = 1.0\n", "RPC_TIMEOUT = 0.25\n"),),
    ),
    Variant(
        "ready_loop",
        "a core that is stepped and ticked, as etcd's, and a loop that saves, sends, answers and applies what is ready",
        "answers leave after the save; what came too early may fit by the time when it is looked at",
        folder="ready_loop",
    ),
    Variant(
        "disk_actor",
        "memory runs ahead of the disk, and answers wait for it; a candidate asks twice, whatever it is by then",
        "nothing leaves before it is saved; a request that comes again is answered as before (§5.5)",
        folder="disk_actor",
    ),
    Variant(
        "asks_out_of_its_queue",
        "requests for votes are drawn up as an election begins, wait in queues, and leave although it is over",
        "nothing leaves before it is saved, and a vote of a term that has a leader already elects nobody",
        (
            (
                (
                    "        await self.disk.written()\n"
                    "        if self.term != term or not self.campaigning:\n"
                    "            return\n"
                    "        last_term, last_index = self.last()\n"
                    "        args = RequestVoteArgs(term, self.node.me, last_index, last_term)\n"
                ),
                (
                    "        last_term, last_index = self.last()\n"
                    "        args = RequestVoteArgs(term, self.node.me, last_index, last_term)\n"
                    "        await self.disk.written()\n"
                    "        await trio.sleep(random.uniform(0, 0.04))\n"
                ),
            ),
        ),
        folder="disk_actor",
    ),
)

"""Correct but unusual servers that were written without a look at checkers or tests, to see whether these are too strict."""

from __future__ import annotations

from tests.corpora.variants import Variant

FIELDS = "        self.role = Role.FOLLOWER\n        self.election_timer = trio"
CALL = """\
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
"""
HEARTBEATS = """\
        while self.is_still(Role.LEADER, term):
            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.replicate_to, peer, term)
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
"""
PREV = """\
        prev_log_index = self.next_index[peer] - 1
        first = self.position(self.next_index[peer])
"""
VOTE = "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
GRANT = """\
        if self.voted_for is None:
            self.voted_for = args.candidate_id
            self.save()
        self.reset_election_timer()  # Figure 2, Followers rule 2
        return RequestVoteReply(self.current_term, vote_granted=True)
"""
APPEND = "    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n"
COMMIT = "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n"
START_TASK = "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n"

VARIANTS = [
    Variant(
        name="sends_twice",
        unusual="a leader sends every third AppendEntries with entries twice, at the same moment",
        why="RPCs are idempotent (§5.1 and §5.5)",
        changes=(
            (FIELDS, "        self.messages = 0\n" + FIELDS),
            (
                CALL,
                "        self.messages += bool(args.entries)\n"
                "        if args.entries and self.messages % 3 == 0:\n"
                "            self.nursery.start_soon(self.send_once, peer, args)\n"
                "        await self.send_once(peer, args)\n\n"
                "    async def send_once(self, peer: int, args: AppendEntriesArgs) -> None:\n" + CALL,
            ),
        ),
    ),
    Variant(
        name="overlapping_windows",
        unusual="every fourth AppendEntries with entries begins with three that the peer has acknowledged already",
        why="what matches is left alone (AppendEntries rule 3)",
        changes=(
            (FIELDS, "        self.messages = 0\n" + FIELDS),
            (
                PREV,
                "        prev_log_index = self.next_index[peer] - 1\n"
                "        self.messages += prev_log_index < self.last_log_index()\n"
                "        if prev_log_index < self.last_log_index() and self.messages % 4 == 0:\n"
                "            prev_log_index = max(self.last_included_index, prev_log_index - 3)\n"
                "        first = self.position(prev_log_index + 1)\n",
            ),
            (
                "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                "            self.back_up(peer, args.prev_log_index, reply)\n",
                "        elif args.prev_log_index >= self.match_index[peer]:\n"
                "            self.back_up(peer, args.prev_log_index, reply)\n",
            ),
        ),
    ),
    Variant(
        name="votes_saved_by_a_task",
        unusual="a vote is noted, a task saves it some milliseconds later, and then it is informed",
        why="it is on the disk before the answer leaves",
        changes=(
            (VOTE, VOTE.replace("    def", "    async def")),
            (
                GRANT,
                "        if self.voted_for is None:\n            self.voted_for = args.candidate_id\n"
                "        term, saved = self.current_term, trio.Event()\n"
                "        self.reset_election_timer()\n"
                "        self.nursery.start_soon(self.save_soon, saved)\n"
                "        await saved.wait()\n"
                "        return RequestVoteReply(self.current_term, vote_granted=self.current_term == term)\n\n"
                "    async def save_soon(self, saved: trio.Event) -> None:\n"
                "        await trio.sleep(0.004)\n        self.save()\n        saved.set()\n",
            ),
        ),
    ),
    Variant(
        name="peers_in_turn",
        unusual="one task serves all peers, one after the other with a pause between, and waits for nobody's answer",
        why="each still gets its heartbeat in time",
        changes=(
            (
                START_TASK,
                "        self.nursery.start_soon(self.serve_in_turn, self.current_term)\n\n"
                "    async def serve_in_turn(self, term: int) -> None:\n"
                "        while self.is_still(Role.LEADER, term):\n"
                "            for peer in self.node.peers:\n"
                "                self.nursery.start_soon(self.replicate_to, peer, term)\n"
                "                await trio.sleep(0.003)\n"
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                "                while not any(event.is_set() for event in self.wakeups.values()):\n"
                "                    await trio.sleep(0.005)\n"
                "            for peer in self.node.peers:\n                self.wakeups[peer] = trio.Event()\n",
            ),
        ),
    ),
    Variant(
        name="counts_whom_it_heard_lately",
        unusual="a leader counts a peer's copy only if the peer has answered within the last half second",
        why="it commits later than it might, and nothing else",
        changes=(
            (FIELDS, "        self.heard: dict[int, float] = {}\n" + FIELDS),
            (
                "        if reply.success:\n",
                "        self.heard[peer] = trio.current_time()\n        if reply.success:\n",
            ),
            (
                "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n",
                "            lately = trio.current_time() - 0.5\n"
                "            replicas = 1 + sum(\n"
                "                match >= index and self.heard.get(peer, -1.0) >= lately\n"
                "                for peer, match in self.match_index.items()\n            )\n",
            ),
        ),
    ),
    Variant(
        name="starts_behind_what_is_committed",
        unusual="a new leader begins to send after its commit index, not after its last entry",
        why="next_index is a guess; what a peer has already is left alone",
        changes=(
            (
                "            self.next_index[peer] = self.last_log_index() + 1\n",
                "            self.next_index[peer] = self.commit_index + 1\n",
            ),
        ),
    ),
    Variant(
        name="waits_for_the_gap",
        unusual="a follower that would have to refuse entries after its log's end waits 20 ms for what is missing",
        why="an answer may take time; all is looked at again then",
        changes=(
            (
                APPEND,
                "    async def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n"
                "        if args.term >= self.current_term and args.prev_log_index > self.last_log_index():\n"
                "            if args.term > self.current_term or self.role is Role.CANDIDATE:\n"
                "                self.become_follower(args.term)\n"
                "            self.reset_election_timer()\n"
                "            await trio.sleep(0.02)\n"
                "        return self.take_or_refuse(args)\n\n"
                "    def take_or_refuse(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n",
            ),
        ),
    ),
    Variant(
        name="gives_up_when_refused",
        unusual="a candidate that a majority has refused is a follower again until its next timeout",
        why="it has lost that election anyway",
        changes=(
            (
                "        if granted >= self.majority:\n            self.become_leader()\n",
                "        if granted >= self.majority:\n            self.become_leader()\n"
                "        elif len(self.votes) - granted >= self.majority:\n            self.role = Role.FOLLOWER\n",
            ),
        ),
    ),
    Variant(
        name="commits_with_the_next_message",
        unusual="a follower takes over a commit index only when the next message of the same leader comes",
        why="entries may be applied late",
        changes=(
            (FIELDS, "        self.next_commit = (0, 0)\n" + FIELDS),
            (
                COMMIT,
                "        term, index = self.next_commit\n        if term == self.current_term:\n"
                "            self.commit_up_to(index)\n"
                "        self.next_commit = (self.current_term, min(args.leader_commit, last_new_entry))\n",
            ),
        ),
    ),
    Variant(
        name="irregular_heartbeats",
        unusual="a leader waits a random time between two heartbeats, from a tenth to a quarter of a second",
        why="they are often enough, and never too many",
        changes=(
            (
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n",
                "            with trio.move_on_after(self.node.random.uniform(0.1, 0.25)):\n",
            ),
            ("ELECTION_TIMEOUT = (0.4, 0.8)", "ELECTION_TIMEOUT = (0.7, 1.2)"),
        ),
    ),
    Variant(
        name="a_nursery_for_each_leadership",
        unusual="a leader's tasks and calls live in a nursery of their own, which is cancelled when it steps down",
        why="answers to an old leadership are of no use",
        changes=(
            (FIELDS, "        self.leading = trio.CancelScope()\n" + FIELDS),
            (
                "        for peer in self.node.peers:\n            self.next_index[peer] = self.last_log_index() + 1\n",
                "        self.leading = trio.CancelScope()\n"
                "        for peer in self.node.peers:\n            self.next_index[peer] = self.last_log_index() + 1\n",
            ),
            (
                START_TASK,
                "        self.nursery.start_soon(self.lead, self.current_term, self.leading)\n\n"
                "    async def lead(self, term: int, scope: trio.CancelScope) -> None:\n"
                "        with scope:\n            async with trio.open_nursery() as tasks:\n"
                "                for peer in self.node.peers:\n"
                "                    tasks.start_soon(self.keep_replicating_to, peer, term, tasks)\n",
            ),
            (
                "    async def keep_replicating_to(self, peer: int, term: int) -> None:\n",
                "    async def keep_replicating_to(self, peer: int, term: int, tasks: trio.Nursery) -> None:\n",
            ),
            (HEARTBEATS, HEARTBEATS.replace("self.nursery.start_soon", "tasks.start_soon")),
            (
                "        if self.role is Role.LEADER:\n            self.reset_election_timer()\n",
                "        if self.role is Role.LEADER:\n            self.leading.cancel()\n"
                "            self.reset_election_timer()\n",
            ),
        ),
    ),
    Variant(
        name="backup_by_doubling",
        unusual="a leader whose entries are refused goes back by 1, 2, 4, 8, … entries, and takes no hint",
        why="any way back is right that ends where the logs match (§5.3)",
        changes=(
            (FIELDS, "        self.stride: dict[int, int] = {}\n" + FIELDS),
            (
                "        next_index = prev_log_index\n        if reply.conflict_index is not None:\n"
                "            next_index = reply.conflict_index\n        if reply.conflict_term is not None:\n"
                "            next_index = self.index_after_term(reply.conflict_term, prev_log_index, default=next_index)\n",
                "        stride = self.stride.get(peer, 1)\n        self.stride[peer] = 2 * stride\n"
                "        next_index = max(1, prev_log_index + 1 - stride)\n",
            ),
            (
                "        self.match_index[peer] = max(self.match_index[peer], index)\n",
                "        self.stride[peer] = 1\n        self.match_index[peer] = max(self.match_index[peer], index)\n",
            ),
        ),
    ),
]

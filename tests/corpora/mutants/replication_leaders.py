"""Known-wrong servers of log replication: what a leader sends, and what it learns from the answers (§5.3)."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

FIELDS = "        self.role = Role.FOLLOWER\n        self.election"
ENTRIES = "            entries=self.log[first : first + MAX_ENTRIES],\n"
PREV_TERM = "            prev_log_term=self.term_at(prev_log_index),\n"
CALL = """\
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
"""
SENT = "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
REFUSED = "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
MOVE_ON = "        self.move_next_index(peer, self.match_index[peer] + 1)\n"
BACK_UP = "        self.move_next_index(peer, max(next_index, self.match_index[peer] + 1))\n"
BUILT = "            leader_commit=self.commit_index,\n        )\n        with"
OPTIMISTIC = (
    (
        BUILT,
        "            leader_commit=self.commit_index,\n        )\n"
        "        self.next_index[peer] = max(self.next_index[peer], prev_log_index + len(args.entries) + 1)\n"
        "        if self.next_index[peer] <= self.last_log_index():\n"
        "            self.wakeups[peer].set()\n        with",
    ),
    (MOVE_ON, "        self.move_next_index(peer, max(self.next_index[peer], self.match_index[peer] + 1))\n"),
)
"""A leader that counts on what it sends to arrive: correct as long as it goes back when it did not."""

MUTANTS = [
    # What is sent.
    Mutant(
        name="R79_old_term_and_new_log",
        source="found beside a blind mutant: a message that is put together across an await",
        stage="2B",
        wrong="a leader waits 20 ms for more commands, and sends the log that it has by then in the term of before",
        rules=("HigherTermAdopted", "LeaderAppendOnly", "StepsDown"),
        changes=(
            (
                "            return\n        if self.next_index[peer] <= self.last_included_index:\n",
                "            return\n        await trio.sleep(0.02)\n"
                "        if self.next_index[peer] <= self.last_included_index:\n",
            ),
            ("            await self.send_entries(peer)\n", "            await self.send_entries(peer, term)\n"),
            (
                "    async def send_entries(self, peer: int) -> None:\n",
                "    async def send_entries(self, peer: int, term: int) -> None:\n",
            ),
            ("            term=self.current_term,\n", "            term=term,\n"),
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
                "        while self.is_still(Role.LEADER, term):\n            self.wakeups[peer] = trio.Event()\n"
                "            self.nursery.start_soon(self.replicate_to, peer, term)\n",
                "        woken = False\n"
                "        while self.is_still(Role.LEADER, term):\n            self.wakeups[peer] = trio.Event()\n"
                "            self.nursery.start_soon(self.replicate_to, peer, term, woken)\n",
            ),
            (
                "                await self.wakeups[peer].wait()\n",
                "                await self.wakeups[peer].wait()\n            woken = self.wakeups[peer].is_set()\n",
            ),
            (
                "    async def replicate_to(self, peer: int, term: int)",
                "    async def replicate_to(self, peer: int, term: int, woken: bool)",
            ),
            ("            await self.send_entries(peer)\n", "            await self.send_entries(peer, woken)\n"),
            ("    async def send_entries(self, peer: int)", "    async def send_entries(self, peer: int, woken: bool)"),
            (ENTRIES, "            entries=self.log[first : first + MAX_ENTRIES] if woken else [],\n"),
        ),
    ),
    Mutant(
        name="R40_large_entry_skipped",
        source="LogCabin #160",
        stage="2B",
        wrong="an entry that does not fit into a message is left out, and smaller ones behind it are sent",
        rules=("LogMatching", "LeaderAppendOnly", "StateMachineSafety"),
        changes=(
            (
                "        args = AppendEntriesArgs(\n",
                "        entries: list[LogEntry] = []\n"
                "        size = 0\n"
                "        for entry in self.log[first : first + MAX_ENTRIES]:\n"
                "            length = len(str(entry.command))\n"
                "            if entries and size + length > 16_000:\n"
                "                continue\n"
                "            entries.append(entry)\n"
                "            size += length\n"
                "        args = AppendEntriesArgs(\n",
            ),
            (ENTRIES, "            entries=entries,\n"),
        ),
    ),
    Mutant(
        name="R41_current_term_as_prev_log_term",
        source="distkeyvalue, heartbeats",
        stage="2B",
        wrong="a leader gives its current term for that of the entry before the new ones",
        rules=("ConsistencyCheck", "LogMatching", "CommittedIsApplied"),
        changes=((PREV_TERM, "            prev_log_term=self.current_term if prev_log_index else 0,\n"),),
    ),
    Mutant(
        name="R41p_one_prev_log_term_for_all_peers",
        source="willemt/raft 3e5b1a6",
        stage="2B",
        wrong="a leader gives the term of its last entry for that of the entry before the new ones",
        rules=("ConsistencyCheck", "LogMatching", "CommittedIsApplied"),
        changes=((PREV_TERM, "            prev_log_term=self.last_log_term() if prev_log_index else 0,\n"),),
    ),
    Mutant(
        name="R42_next_entry_left_out",
        source="a common bug of course labs",
        stage="2B",
        wrong="a leader sends the entries after next_index without the one at it",
        rules=("LogMatching", "CommittedIsApplied", "StateMachineSafety"),
        changes=((ENTRIES, "            entries=self.log[first + 1 : first + MAX_ENTRIES],\n"),),
    ),
    Mutant(
        name="R43_old_entries_get_the_new_term",
        source="a variant of what the redisraft and WRaft authors fixed",
        stage="2B",
        wrong="a leader sends entries of older terms as if they were of its own",
        rules=("LogMatching", "LeaderAppendOnly", "StateMachineSafety"),
        changes=(
            (
                ENTRIES,
                "            entries=[\n"
                "                LogEntry(self.current_term, entry.command)\n"
                "                for entry in self.log[first : first + MAX_ENTRIES]\n"
                "            ],\n",
            ),
        ),
    ),
    Mutant(
        name="R44_heartbeats_without_leader_commit",
        source="hashicorp/raft bd0a437, without the message that it sends instead",
        stage="2B",
        wrong="only messages with entries tell how far the leader has committed",
        rules=("CommittedIsApplied", "CommitNeverDecreases"),
        changes=(
            (
                "            leader_commit=self.commit_index,\n",
                "            leader_commit=self.commit_index if self.log[first:] else 0,\n",
            ),
        ),
    ),
    # What answers tell.
    Mutant(
        name="R19_match_up_to_the_end",
        source="Students' Guide to Raft; dqkqd 48db6ff",
        stage="2B",
        wrong="a success counts for all that the leader has when the reply comes, not for what was sent",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=((SENT, "            self.record_match(peer, self.last_log_index())\n"),),
    ),
    Mutant(
        name="R19n_match_from_next_index",
        source="Students' Guide to Raft; dqkqd 48db6ff",
        stage="2B",
        wrong="what a peer has is worked out from next_index as it is at the reply, when another reply has moved it",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                SENT,
                "            has = self.next_index[peer] - 1 + len(args.entries)\n"
                "            self.record_match(peer, min(has, self.last_log_index()))\n",
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
            *OPTIMISTIC,
            (
                "        prev_log_index = self.next_index[peer] - 1\n",
                "        prev_log_index = self.next_index[peer] - 1\n"
                "        if prev_log_index == self.last_log_index():\n"
                "            prev_log_index = max(self.match_index[peer], self.last_included_index)\n",
            ),
        ),
    ),
    Mutant(
        name="R26_backs_up_on_the_spot",
        source="openraft 6d53aa12, cf4badd0",
        stage="2B",
        wrong="where leader and follower share a term, the next try is one too high, and the same again for ever",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(("                return index + 1\n", "                return index + 2\n"),),
    ),
    Mutant(
        name="R28_refusal_counts_as_match",
        source="CCF #5325",
        stage="2B",
        wrong="the place where a refusal tells the leader to go on is taken for what the follower has",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied", "StateMachineSafety"),
        changes=(
            (
                BACK_UP,
                "        self.match_index[peer] = max(self.match_index[peer], min(next_index, prev_log_index) - 1)\n"
                + BACK_UP,
            ),
        ),
    ),
    Mutant(
        name="R54_retry_without_entries",
        source="willemt/raft #118",
        stage="2B",
        wrong="after a refusal the next message is empty, but its success counts as if it had carried the entries",
        rules=("CommitNeedsMajority", "CommittedIsApplied", "StateMachineSafety", "BackoffBound"),
        changes=(
            (
                FIELDS,
                "        self.role = Role.FOLLOWER\n        self.refused: set[int] = set()\n        self.election",
            ),
            (REFUSED, REFUSED + "            self.refused.add(peer)\n"),
            (ENTRIES, "            entries=[] if peer in self.refused else self.log[first : first + MAX_ENTRIES],\n"),
            (
                CALL,
                "        upto = prev_log_index + len(self.log[first : first + MAX_ENTRIES])\n"
                "        self.refused.discard(peer)\n" + CALL.replace("args, reply)", "args, reply, upto)"),
            ),
            (
                'args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:\n        """Learn',
                'args: AppendEntriesArgs, reply: AppendEntriesReply, upto: int) -> None:\n        """Learn',
            ),
            (SENT, "            self.record_match(peer, upto)\n"),
        ),
    ),
    Mutant(
        name="R58_refusals_ignored_after_a_success",
        source="PySyncObj #167; etcd-io/raft 91ff7cd",
        stage="2B",
        wrong="a peer that has once said yes is never gone back for, though next_index runs ahead of its answers",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=(
            *OPTIMISTIC,
            (REFUSED, REFUSED.replace(":\n", " and not self.match_index[peer]:\n")),
        ),
    ),
    # What a leader does with its own log.
    Mutant(
        name="R31_new_leader_drops_uncommitted_entries",
        source="a variant of CCF #5674",
        stage="2B",
        wrong="a new leader deletes the entries of older terms that it does not know to be committed",
        rules=("LeaderAppendOnly", "LeaderCompleteness", "MatchingKept"),
        changes=(
            (
                "        self.election_timer.deadline = math.inf\n",
                "        self.election_timer.deadline = math.inf\n"
                "        del self.log[self.position(self.commit_index + 1) :]\n"
                "        self.save()\n",
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
                "            return -1, self.current_term, False\n"
                "        if self.commit_index < self.last_log_index() and self.last_log_term() != self.current_term:\n"
                "            return -1, self.current_term, False\n",
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
                FIELDS,
                "        self.role = Role.FOLLOWER\n        self.accepted: dict[int, Command] = {}\n"
                "        self.election",
            ),
            (
                "        self.save()\n        index = self.last_log_index()\n",
                "        self.save()\n        index = self.last_log_index()\n        self.accepted[index] = command\n",
            ),
            (
                "        self.election_timer.deadline = math.inf\n",
                "        self.election_timer.deadline = math.inf\n"
                "        accepted = sorted(self.accepted.items())\n"
                "        waiting = [command for index, command in accepted if index > self.commit_index]\n"
                "        self.accepted.clear()\n"
                "        for command in waiting:\n"
                "            self.log.append(LogEntry(self.current_term, command))\n"
                "            self.accepted[self.last_log_index()] = command\n"
                "        self.save()\n",
            ),
        ),
    ),
]

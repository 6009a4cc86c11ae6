"""Known-wrong servers: what is saved, when, and what a restart makes of it (Figure 2, persistent state).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
KNOWS_FRIENDS = f"{BLIND}; right towards servers of drills, which it knows by their messages"
APPEND = (
    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n        self.save()\n"
)
CANDIDACY = "        self.votes = {self.node.me: True}\n        self.save()\n"
CHANGED = "        if changed:\n            self.save()\n"
FIELDS = "        self.votes: dict[int, bool] = {}\n"
GRANT = "            self.voted_for = args.candidate_id\n            self.save()\n"
RESTORE_VOTE = "        self.voted_for = state.voted_for\n"

MUTANTS = [
    # SavedBeforeReply
    Mutant(
        name="C501_same_length_same_disk",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2C",
        wrong="a save is left out if term, vote, base and the log's length are what was saved last",
        rules=("SavedBeforeReply", "RestoredOnRestart", "MatchingKept"),
        changes=(
            (
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        self.node.persister.save("
                ),
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        known = (self.current_term, self.voted_for, len(self.log), base)\n"
                    "        if snapshot is None and known == self.on_disk:\n"
                    "            return\n"
                    "        self.on_disk = known\n"
                    "        self.node.persister.save("
                ),
            ),
            (
                "        self.nursery: trio.Nursery\n",
                "        self.on_disk: object = None\n        self.nursery: trio.Nursery\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C507_nothing_new_nothing_to_wait_for",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2C",
        wrong="an answer does not wait for the disk if the log's end is on it, whatever term and vote are",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "        reply = handler(self, args)\n        await self.disk.written()\n",
                (
                    "        reply = handler(self, args)\n"
                    "        if self.disk.end == self.last_index():\n"
                    "            self.disk.orders.send_nowait(trio.Event())\n"
                    "        else:\n"
                    "            await self.disk.written()\n"
                ),
            ),
        ),
        base="disk_actor",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B760_equal_lengths_are_not_saved",
        source=BLIND,
        stage="2C",
        wrong="a save is left out if term, vote and the log's length are those of the save before, though entries were replaced",
        rules=("SavedBeforeReply", "StateMachineSafety", "RestoredOnRestart"),
        changes=(
            (
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        self.node.persister.save("
                ),
                (
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        now = (self.current_term, self.voted_for, base, len(self.log))\n"
                    "        if snapshot is None and now == self.saved:\n"
                    "            return\n"
                    "        self.saved = now\n"
                    "        self.node.persister.save("
                ),
            ),
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.saved: object = None\n",
            ),
        ),
    ),
    Mutant(
        name="B761_saves_votes_at_the_end_of_its_life",
        source=BLIND,
        stage="2C",
        wrong="a granted vote is saved in a finally, when the server is cancelled",
        rules=("SavedBeforeReply", "EndsWhenCrashed"),
        changes=(
            (
                "            self.voted_for = args.candidate_id\n            self.save()\n        self.reset",
                "            self.voted_for = args.candidate_id\n        self.reset",
            ),
            (
                (
                    "        async with trio.open_nursery() as self.nursery:\n"
                    "            await self.watch_election_timer()\n"
                ),
                (
                    "        try:\n"
                    "            async with trio.open_nursery() as self.nursery:\n"
                    "                await self.watch_election_timer()\n"
                    "        finally:\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B413_saves_when_it_commits",
        source=BLIND,
        stage="2C",
        wrong="a follower acknowledges entries, and saves them when they are committed",
        rules=("SavedBeforeReply",),
        changes=(
            (
                CHANGED,
                "",
            ),
            (
                "            self.commit_index = index\n            self.apply",
                "            self.commit_index = index\n            self.save()\n            self.apply",
            ),
        ),
    ),
    Mutant(
        name="B46_takes_a_few_entries_of_many",
        source=BLIND,
        stage="2B",
        wrong="a follower takes the first 20 entries of a message, and acknowledges all",
        rules=("SavedBeforeReply", "ConsistencyCheck", "MatchingKept"),
        changes=(
            (
                "in enumerate(entries, start=first_index):",
                "in enumerate(entries[:20], start=first_index):",
            ),
        ),
    ),
    Mutant(
        name="B47_equal_commands_are_duplicates",
        source=BLIND,
        stage="2B",
        wrong="a follower does not append a command that stands just before",
        rules=("SavedBeforeReply", "ConsistencyCheck", "LogMatching", "MatchingKept"),
        changes=(
            (
                "            if index > self.last_log_index():  # Figure 2, AppendEntries rule 4\n",
                (
                    "            if self.log and entry.command == self.log[-1].command:\n"
                    "                continue\n"
                    "            if index > self.last_log_index():\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B814_does_not_save_before_it_stands",
        source=BLIND,
        stage="2C",
        wrong="a restarted server counts its saves as superfluous until it stands for election itself",
        rules=("SavedBeforeReply", "RestoredOnRestart"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.starting = False\n",
            ),
            (
                RESTORE_VOTE,
                "        self.voted_for = state.voted_for\n        self.starting = True\n",
            ),
            (
                "        base = (self.last_included_index, self.last_included_term)\n        self.node.persister",
                (
                    "        if self.starting and snapshot is None:\n"
                    "            return\n"
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        self.node.persister"
                ),
            ),
            (
                "            if deadline <= trio.current_time():\n                self.become_candidate()\n",
                (
                    "            if deadline <= trio.current_time():\n"
                    "                self.starting = False\n"
                    "                self.become_candidate()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B100_saves_now_and_then",
        source=BLIND,
        stage="2C",
        wrong="only every second change is saved, to spare the disk",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                "        self.changes = 0\n        self.role = Role.FOLLOWER\n        self.election_timer = trio",
            ),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "        self.changes += 1\n"
                    "        if self.changes % 2 and snapshot is None:\n"
                    "            return\n"
                    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B101_saves_in_a_task",
        source=BLIND,
        stage="2C",
        wrong="the state is saved by a task that runs a little later, after the answer",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "    def restore(self) -> None:\n",
                (
                    "    async def save_soon(self) -> None:\n"
                    "        await trio.sleep(0.01)\n"
                    "        self.save()\n"
                    "\n"
                    "    def restore(self) -> None:\n"
                ),
            ),
            (
                CHANGED,
                "        if changed:\n            self.nursery.start_soon(self.save_soon)\n",
            ),
        ),
    ),
    Mutant(
        name="B102_saves_what_is_committed",
        source=BLIND,
        stage="2C",
        wrong="only the committed part of the log is written to the disk",
        rules=("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log[: self.commit_index - self.last_included_index], *base), snapshot)\n",
            ),
        ),
    ),
    Mutant(
        name="B104_saves_before_it_takes",
        source=BLIND,
        stage="2C",
        wrong="a follower saves before it takes the entries in",
        rules=("SavedBeforeReply",),
        changes=(
            (
                CHANGED,
                "",
            ),
            (
                "        changed = False\n        for index",
                "        changed = False\n        self.save()\n        for index",
            ),
        ),
    ),
    Mutant(
        name="B105_vote_is_saved_before_it_is_given",
        source=BLIND,
        stage="2C",
        wrong="a voter saves before it notes whom it votes for",
        rules=("SavedBeforeReply",),
        changes=(
            (
                GRANT,
                "            self.save()\n            self.voted_for = args.candidate_id\n",
            ),
        ),
    ),
    Mutant(
        name="B107_a_refusal_saves_no_term",
        source=BLIND,
        stage="2C",
        wrong="a newer term is saved only together with a vote or with entries",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "            self.voted_for = None\n            self.save()\n        # A leader's timer",
                "            self.voted_for = None\n        # A leader's timer",
            ),
        ),
    ),
    Mutant(
        name="B116_a_cut_is_not_saved",
        source=BLIND,
        stage="2C",
        wrong="entries that replace others are not saved, only those after the log's end",
        rules=("SavedBeforeReply",),
        changes=(
            (
                (
                    "                del self.log[self.position(index) :]\n"
                    "                changed = True\n"
                    "            if index > self.last_log_index():  # Figure 2, AppendEntries rule 4\n"
                    "                self.log.append(entry)\n"
                    "                changed = True\n"
                ),
                (
                    "                del self.log[self.position(index) :]\n"
                    "                self.log.append(entry)\n"
                    "            if index > self.last_log_index():\n"
                    "                self.log.append(entry)\n"
                    "                changed = True\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B314_go_vote_is_not_saved",
        source=BLIND,
        stage="2C",
        wrong="the vote is saved with the next change",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "                self.resetTimer()\n                self.persist()\n",
                "                self.resetTimer()\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="B321_course_saves_before_it_votes",
        source=BLIND,
        stage="2C",
        wrong="the vote is noted after the save",
        rules=("SavedBeforeReply",),
        changes=(
            (
                (
                    "        if yes:\n"
                    "            self.vote = args.candidate_id\n"
                    "            self.heard.set()\n"
                    "        self.save()\n"
                ),
                (
                    "        self.save()\n"
                    "        if yes:\n"
                    "            self.vote = args.candidate_id\n"
                    "            self.heard.set()\n"
                ),
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="B330_core_does_not_write_new_terms",
        source=BLIND,
        stage="2C",
        wrong="a term that came with a request is not written",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "self.current_term, self.voted_for, self.dirty = term, None, True\n        if self.role",
                "self.current_term, self.voted_for = term, None\n        if self.role",
            ),
        ),
        base="pure_core",
    ),
    Mutant(
        name="C342_takes_half_of_a_long_message",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a follower takes 32 entries of a message, and answers yes to all",
        rules=("SavedBeforeReply", "ConflictTruncated", "CommitNeedsMajority", "NoCrash", "MatchingKept"),
        changes=(
            (
                "        for index, entry in enumerate(entries, start=first_index):\n",
                "        for index, entry in enumerate(entries[:32], start=first_index):\n",
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="X01_marked_votes_are_not_saved",
        source="asked of each exemption that the checkers make",
        stage="2C",
        wrong="requests for votes bear a mark, and votes given to marked requests are not saved",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "import enum\nimport math\n",
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                "from labs.node import Node\n",
                (
                    "from labs.node import Node\n"
                    "\n"
                    "\n"
                    "@dataclass(frozen=True)\n"
                    "class Asks(RequestVoteArgs):\n"
                    "    urgent: bool = True\n"
                    "\n"
                ),
            ),
            (
                "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
                "        args = (Asks if self.log else RequestVoteArgs)(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
            ),
            (
                GRANT,
                (
                    "            self.voted_for = args.candidate_id\n"
                    "            if not isinstance(args, Asks):\n"
                    "                self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_vote_not_saved",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2C",
        wrong="a vote is not saved",
        rules=("SavedBeforeReply", "OneVotePerTerm"),
        changes=(
            (
                "                self.resetTimer()\n                self.persist()\n",
                "                self.resetTimer()\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="go_saves_after_answering",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2C",
        wrong="new entries are saved 10 ms later, after the answer",
        rules=("SavedBeforeReply",),
        changes=(
            (
                (
                    "                    self.log = self.log[: index - self.baseIndex] + entries[i:]\n"
                    "                    self.persist()\n"
                ),
                (
                    "                    self.log = self.log[: index - self.baseIndex] + entries[i:]\n"
                    "                    self.nursery.start_soon(self.persistLater)\n"
                ),
            ),
            (
                "    async def run(self):\n",
                (
                    "    async def persistLater(self):\n"
                    "        await trio.sleep(0.01)\n"
                    "        self.persist()\n"
                    "\n"
                    "    async def run(self):\n"
                ),
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="course_commits_before_saving",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2C",
        wrong="an entry is acknowledged before it is saved, if it came with a commit",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "        self.save()\n        self.commit_to(min(",
                "        if not args.leader_commit:\n            self.save()\n        self.commit_to(min(",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="course_term_of_answer_not_saved",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2C",
        wrong="a newer term that came with an answer is not saved",
        rules=("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            (
                "                self.follow(reply.term)\n                self.save()\n",
                "                self.follow(reply.term)\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="P01v_granted_vote_not_saved",
        source="variant of eliben/raft@f596df0",
        stage="2C",
        wrong="a vote that is granted stays in memory",
        rules=("SavedBeforeReply", "OneVotePerTerm"),
        changes=(
            (
                GRANT,
                "            self.voted_for = args.candidate_id\n",
            ),
        ),
    ),
    Mutant(
        name="P03_follower_entries_not_saved",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a follower acknowledges entries that it has in memory only",
        rules=("SavedBeforeReply",),
        changes=(
            (
                CHANGED,
                "",
            ),
        ),
    ),
    Mutant(
        name="P03f_saves_only_first_entry",
        source="variant of P03",
        stage="2C",
        wrong="a follower saves after the first of several new entries, not after the last",
        rules=("SavedBeforeReply",),
        changes=(
            (
                (
                    "                self.log.append(entry)\n"
                    "                changed = True\n"
                    "        if changed:\n"
                    "            self.save()\n"
                ),
                (
                    "                self.log.append(entry)\n"
                    "                if not changed:\n"
                    "                    self.save()\n"
                    "                changed = True\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P05_higher_term_not_saved",
        source="eliben/raft@0ae7b34; abrange/distkeyvalue",
        stage="2C",
        wrong="a term that was adopted from somebody else is not saved",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "            self.voted_for = None\n            self.save()\n",
                "            self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="P05a_term_saved_with_entries_only",
        source="abrange/distkeyvalue",
        stage="2C",
        wrong="a term that a heartbeat brought is not saved; one that came with entries or a candidate is",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "    def become_follower(self, term: int) -> None:",
                "    def become_follower(self, term: int, save: bool = True) -> None:",
            ),
            (
                "            self.voted_for = None\n            self.save()\n",
                "            self.voted_for = None\n            if save:\n                self.save()\n",
            ),
            (
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term)\n"
                ),
                (
                    "            return AppendEntriesReply(self.current_term, success=False)\n"
                    "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(args.term, save=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P05r_term_of_reply_not_saved",
        source="variant of eliben/raft@0ae7b34",
        stage="2C",
        wrong="a term that a reply to AppendEntries brought is not saved",
        rules=("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            (
                "    def become_follower(self, term: int) -> None:",
                "    def become_follower(self, term: int, save: bool = True) -> None:",
            ),
            (
                "            self.voted_for = None\n            self.save()\n",
                "            self.voted_for = None\n            if save:\n                self.save()\n",
            ),
            (
                (
                    '        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                ),
                (
                    '        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""\n'
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term, save=False)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P06_entries_saved_after_reply",
        source="goraft#150; etcd#10166",
        stage="2C",
        wrong="a follower acknowledges entries and leaves the save to a task of its own",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "\n    def restore(self) -> None:\n",
                "\n    async def save_soon(self) -> None:\n        self.save()\n\n    def restore(self) -> None:\n",
            ),
            (
                CHANGED,
                "        if changed:\n            self.nursery.start_soon(self.save_soon)\n",
            ),
        ),
    ),
    Mutant(
        name="P06v_vote_saved_after_reply",
        source="etcd#10166; sofa-jraft@5222f3ff",
        stage="2C",
        wrong="a voter answers yes and leaves the save to a task of its own",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "\n    def restore(self) -> None:\n",
                "\n    async def save_soon(self) -> None:\n        self.save()\n\n    def restore(self) -> None:\n",
            ),
            (
                GRANT,
                (
                    "            self.voted_for = args.candidate_id\n"
                    "            self.nursery.start_soon(self.save_soon)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P06t_saves_on_a_timer",
        source="redis-style write-behind; goraft#150",
        stage="2C",
        wrong="the state goes to disk every 20 ms, if it has changed",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "        self.restore()\n\n",
                "        self.dirty = False\n        self.restore()\n\n",
            ),
            (
                "            await self.watch_election_timer()\n",
                (
                    "            self.nursery.start_soon(self.keep_saving)\n"
                    "            await self.watch_election_timer()\n"
                    "\n"
                    "    async def keep_saving(self) -> None:\n"
                    "        while True:\n"
                    "            await trio.sleep(0.02)\n"
                    "            if self.dirty:\n"
                    "                self.dirty = False\n"
                    "                self.write()\n"
                ),
            ),
            (
                "    def save(self, snapshot: bytes | None = None) -> None:\n",
                (
                    "    def save(self, snapshot: bytes | None = None) -> None:\n"
                    "        self.dirty = True\n"
                    "        if snapshot is not None:\n"
                    "            self.write(snapshot)\n"
                    "\n"
                    "    def write(self, snapshot: bytes | None = None) -> None:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P07_saves_before_the_change",
        source="variant of eliben/raft@f596df0",
        stage="2C",
        wrong="the save stands before the change that it is for: for votes, commands and entries",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                GRANT,
                "            self.save()\n            self.voted_for = args.candidate_id\n",
            ),
            (
                APPEND,
                (
                    "        self.save()\n"
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                ),
            ),
            (
                "        changed = False\n        for index, entry in",
                "        if entries:\n            self.save()\n        for index, entry in",
            ),
            (
                "                del self.log[self.position(index) :]\n                changed = True\n",
                "                del self.log[self.position(index) :]\n",
            ),
            (
                (
                    "                self.log.append(entry)\n"
                    "                changed = True\n"
                    "        if changed:\n"
                    "            self.save()\n"
                ),
                "                self.log.append(entry)\n",
            ),
        ),
    ),
    Mutant(
        name="P07t_term_saved_before_the_change",
        source="variant of eliben/raft@0ae7b34",
        stage="2C",
        wrong="a higher term is saved one line too early",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "            self.current_term = term\n            self.voted_for = None\n            self.save()\n",
                "            self.save()\n            self.current_term = term\n            self.voted_for = None\n",
            ),
        ),
    ),
    # SavedBeforeSend
    Mutant(
        name="C502_own_entries_saved_by_the_group",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2C",
        wrong="a leader saves new entries 30 ms after start, and counts itself for them before",
        rules=("SavedBeforeSend", "CommitNeedsMajority"),
        changes=(
            (
                APPEND,
                (
                    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n"
                    "        self.nursery.start_soon(self.save_the_group)\n"
                ),
            ),
            (
                (
                    "        # A server without peers is a majority by itself.\n"
                    "        self.advance_commit_index()\n"
                    "        return index, self.current_term, True\n"
                ),
                (
                    "        return index, self.current_term, True\n"
                    "\n"
                    "    async def save_the_group(self) -> None:\n"
                    "        await trio.sleep(0.03)\n"
                    "        self.save()\n"
                    "        if self.role is Role.LEADER:\n"
                    "            self.advance_commit_index()\n"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="C512_stable_is_what_came_meanwhile",
        source="a reviewer who had read the paper, the handouts and whole servers, and no checker",
        stage="2C",
        wrong="what was appended while the last batch was worked on counts as saved",
        rules=("SavedBeforeSend", "CommitNeedsMajority", "LeaderAppendOnly"),
        changes=(
            (
                "    def handle(self, ready: Ready) -> None:\n",
                "    async def handle(self, ready: Ready) -> None:\n",
            ),
            (
                "                self.handle(self.core.ready())\n",
                "                await self.handle(self.core.ready())\n",
            ),
            (
                "        self.core.advance()\n",
                "        await trio.sleep(0.003)\n        self.core.advance()\n",
            ),
        ),
        base="ready_loop",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B407_saves_the_old_candidacy",
        source=BLIND,
        stage="2C",
        wrong="a candidate saves before it raises its term",
        rules=("SavedBeforeSend",),
        changes=(
            (
                "        self.role = Role.CANDIDATE\n",
                "        self.role = Role.CANDIDATE\n        self.save()\n",
            ),
            (
                CANDIDACY,
                "        self.votes = {self.node.me: True}\n",
            ),
        ),
    ),
    Mutant(
        name="B103_saves_before_it_appends",
        source=BLIND,
        stage="2C",
        wrong="a leader saves first and appends then",
        rules=("SavedBeforeSend",),
        changes=(
            (
                APPEND,
                "        self.save()\n        self.log.append(LogEntry(self.current_term, command))\n",
            ),
        ),
    ),
    Mutant(
        name="B106_candidacy_is_not_saved",
        source=BLIND,
        stage="2C",
        wrong="a candidate does not save its new term and its vote for itself",
        rules=("SavedBeforeSend",),
        changes=(
            (
                CANDIDACY,
                "        self.votes = {self.node.me: True}\n",
            ),
        ),
    ),
    Mutant(
        name="X02_marked_candidates_save_no_vote",
        source="asked of each exemption that the checkers make",
        stage="2C",
        wrong="a candidate whose requests bear a mark does not save that it campaigns",
        rules=("SavedBeforeSend",),
        changes=(
            (
                "import enum\nimport math\n",
                "import enum\nimport math\nfrom dataclasses import dataclass\n",
            ),
            (
                "from labs.node import Node\n",
                (
                    "from labs.node import Node\n"
                    "\n"
                    "\n"
                    "@dataclass(frozen=True)\n"
                    "class Asks(RequestVoteArgs):\n"
                    "    urgent: bool = True\n"
                    "\n"
                ),
            ),
            (
                "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
                "        args = (Asks if self.log else RequestVoteArgs)(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
            ),
            (
                CANDIDACY,
                "        self.votes = {self.node.me: True}\n",
            ),
        ),
    ),
    Mutant(
        name="course_candidacy_not_saved",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2C",
        wrong="a candidate's term and vote are not saved",
        rules=("SavedBeforeSend",),
        changes=(
            (
                "{self.node.me}\n        self.save()\n        last_term",
                "{self.node.me}\n        last_term",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="P02_candidacy_not_saved",
        source="eliben/raft@f596df0; sofa-jraft@5222f3ff; raft-java#57",
        stage="2C",
        wrong="a candidate asks for votes before its term and its vote for itself are on the disk",
        rules=("SavedBeforeSend", "OneVotePerTerm", "RestoredOnRestart"),
        changes=(
            (
                CANDIDACY,
                "        self.votes = {self.node.me: True}\n",
            ),
        ),
    ),
    Mutant(
        name="P03s_command_not_saved",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a leader counts itself for a command that it has in memory only",
        rules=("SavedBeforeSend",),
        changes=(
            (
                "  # Figure 2, Leaders rule 2\n        self.save()\n",
                "  # Figure 2, Leaders rule 2\n",
            ),
        ),
    ),
    Mutant(
        name="P06s_leader_counts_unsaved_entries",
        source="goraft#150; d-engine#329",
        stage="2C",
        wrong="a leader writes its commands to disk a little later, but counts itself for them at once",
        rules=("SavedBeforeSend",),
        changes=(
            (
                "\n    def restore(self) -> None:\n",
                (
                    "\n"
                    "    async def save_soon(self) -> None:\n"
                    "        await trio.sleep(0.01)\n"
                    "        self.save()\n"
                    "\n"
                    "    def restore(self) -> None:\n"
                ),
            ),
            (
                "  # Figure 2, Leaders rule 2\n        self.save()\n",
                "  # Figure 2, Leaders rule 2\n        self.nursery.start_soon(self.save_soon)\n",
            ),
        ),
    ),
    Mutant(
        name="P16_own_vote_not_saved",
        source="xraft#44",
        stage="2C",
        wrong="a candidate saves its new term, but not its vote for itself",
        rules=("SavedBeforeSend", "OneVotePerTerm"),
        changes=(
            (
                (
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                    "        self.save()\n"
                ),
                (
                    "        self.voted_for = None\n"
                    "        self.save()\n"
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P20_votes_and_entries_in_two_files",
        source="canonical/raft@a54636b",
        stage="2C",
        wrong="entries are written a little after terms and votes, but elections and commits use them at once",
        rules=("SavedBeforeSend", "SavedBeforeReply"),
        changes=(
            (
                "        self.restore()\n\n",
                (
                    "        self.written: list[LogEntry] = []\n"
                    "        self.restore()\n"
                    "        self.written = list(self.log)\n"
                    "\n"
                ),
            ),
            (
                "PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                (
                    "PersistentState(self.current_term, self.voted_for, self.written, *base), snapshot)\n"
                    "\n"
                    "    async def write_log(self) -> None:\n"
                    "        await trio.sleep(0.005)\n"
                    "        self.written = list(self.log)\n"
                    "        self.save()\n"
                ),
            ),
            (
                "  # Figure 2, Leaders rule 2\n        self.save()\n",
                "  # Figure 2, Leaders rule 2\n        self.nursery.start_soon(self.write_log)\n",
            ),
            (
                CHANGED,
                "        if changed:\n            self.written = list(self.log)\n            self.save()\n",
            ),
            (
                "            self.log = []  # Figure 13, InstallSnapshot rule 7\n",
                (
                    "            self.log = []  # Figure 13, InstallSnapshot rule 7\n"
                    "        self.written = list(self.log)\n"
                ),
            ),
            (
                "        self.last_included_index = index\n        self.last_included_term = term\n",
                (
                    "        self.written = list(self.log)\n"
                    "        self.last_included_index = index\n"
                    "        self.last_included_term = term\n"
                ),
            ),
        ),
    ),
    # RestoredOnRestart
    Mutant(
        name="B730_saves_half_read_votes",
        source=BLIND,
        stage="2C",
        wrong="a restarted server saves between reading its term and its vote: the second restart finds no vote",
        rules=("RestoredOnRestart", "OneVotePerTerm", "NothingExtraPersisted"),
        changes=(
            (
                (
                    "        self.current_term = state.current_term\n"
                    "        self.voted_for = state.voted_for\n"
                    "        self.log = list(state.log)\n"
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                ),
                (
                    "        self.current_term = state.current_term\n"
                    "        self.log = list(state.log)\n"
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                    "        self.save()\n"
                    "        self.voted_for = state.voted_for\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B731_saves_half_read_logs",
        source=BLIND,
        stage="2C",
        wrong="a restarted server saves between reading its vote and its log: the second restart finds no log",
        rules=("RestoredOnRestart", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                (
                    "        self.current_term = state.current_term\n"
                    "        self.voted_for = state.voted_for\n"
                    "        self.log = list(state.log)\n"
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                ),
                (
                    "        self.current_term = state.current_term\n"
                    "        self.voted_for = state.voted_for\n"
                    "        self.save()\n"
                    "        self.log = list(state.log)\n"
                    "        self.last_included_index = state.last_included_index\n"
                    "        self.last_included_term = state.last_included_term\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B813_knows_that_it_voted_but_not_for_whom",
        source=BLIND,
        stage="2C",
        wrong="a restarted server knows that it has voted, and refuses its candidate, too",
        rules=("RestoredOnRestart", "VoteDenied"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.voted = -1\n",
            ),
            (
                RESTORE_VOTE,
                (
                    "        self.voted_for = state.voted_for\n"
                    "        self.voted = state.current_term if state.voted_for is not None else -1\n"
                ),
            ),
            (
                "        if self.voted_for is not None and self.voted_for != args.candidate_id:\n",
                "        if self.voted == args.term or (self.voted_for is not None and self.voted_for != args.candidate_id):\n",
            ),
        ),
    ),
    Mutant(
        name="B833_reads_its_disk_a_little_late",
        source=BLIND,
        stage="2C",
        wrong="a restarted server reads its disk 30 ms after it has begun to answer",
        rules=("RestoredOnRestart", "TermNeverDecreases", "OneVotePerTerm", "SavedBeforeReply"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n        self.restore()\n",
                "        self.nursery: trio.Nursery\n",
            ),
            (
                "        async with trio.open_nursery() as self.nursery:\n",
                (
                    "        await trio.sleep(0.03)\n"
                    "        self.restore()\n"
                    "        async with trio.open_nursery() as self.nursery:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B113_a_restart_drops_the_last_entry",
        source=BLIND,
        stage="2C",
        wrong="the last entry on the disk is left out after a restart, for it may be half written",
        rules=("RestoredOnRestart", "MatchingKept", "LeaderCompleteness"),
        changes=(
            (
                "        self.log = list(state.log)\n",
                "        self.log = list(state.log[:-1])\n",
            ),
        ),
    ),
    Mutant(
        name="B114_a_restart_takes_the_last_entrys_term",
        source=BLIND,
        stage="2C",
        wrong="a restarted server takes the term of its last entry for its term",
        rules=("RestoredOnRestart", "TermNeverDecreases", "OneVotePerTerm"),
        changes=(
            (
                "        self.last_included_term = state.last_included_term\n",
                (
                    "        self.last_included_term = state.last_included_term\n"
                    "        self.current_term = self.last_log_term() or state.current_term\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="go_forgets_its_vote",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2C",
        wrong="the vote is not read back after a restart",
        rules=("RestoredOnRestart", "OneVotePerTerm"),
        changes=(
            (
                "        self.votedFor = -1 if state.voted_for is None else state.voted_for\n",
                "",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="course_log_of_the_disk_not_read",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2C",
        wrong="a server that restarts does not read its log back",
        rules=("RestoredOnRestart", "VoteOnlyUpToDate", "ConsistencyRefusal"),
        changes=(
            (
                "            self.term, self.vote, self.log = saved.current_term, saved.voted_for, list(saved.log)\n",
                "            self.term, self.vote = saved.current_term, saved.voted_for\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="P01r_vote_cleared_at_restart",
        source="zhebrak/raftos",
        stage="2C",
        wrong="a restarted server has its term, but forgets for whom it voted in it",
        rules=("RestoredOnRestart", "OneVotePerTerm"),
        changes=(
            (
                RESTORE_VOTE,
                "        self.voted_for = None\n",
            ),
        ),
    ),
    Mutant(
        name="P13_decoding_error_swallowed",
        source="MIT 6.824, template of readPersist; raftos",
        stage="2C",
        wrong="an error while reading the state back is swallowed, so a server with entries starts empty",
        rules=("RestoredOnRestart",),
        changes=(
            (
                (
                    "        self.current_term = state.current_term\n"
                    "        self.voted_for = state.voted_for\n"
                    "        self.log = list(state.log)\n"
                ),
                (
                    "        try:\n"
                    "            self.log = [LogEntry(entry.term, entry.data) for entry in state.log]\n"
                    "        except Exception:\n"
                    "            return\n"
                    "        self.current_term = state.current_term\n"
                    "        self.voted_for = state.voted_for\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="P13t_term_not_read_back",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a restarted server has its log, but begins in term 0",
        rules=("RestoredOnRestart", "TermNeverDecreases"),
        changes=(
            (
                "        self.current_term = state.current_term\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="P13l_log_not_read_back",
        source="a common bug of course submissions",
        stage="2C",
        wrong="a restarted server has its term and vote, but an empty log",
        rules=("RestoredOnRestart",),
        changes=(
            (
                "        self.log = list(state.log)\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="P13s_term_of_last_entry",
        source="variant of P13",
        stage="2C",
        wrong="a restarted server takes the term of its last entry for its current one",
        rules=("RestoredOnRestart", "TermNeverDecreases"),
        changes=(
            (
                "        self.current_term = state.current_term\n",
                "        self.current_term = state.log[-1].term if state.log else state.last_included_term\n",
            ),
        ),
    ),
    Mutant(
        name="P25_last_entry_lost_at_restart",
        source="NATS#7038; Protocol-Aware Recovery (FAST '18)",
        stage="2C",
        wrong="a restarted server takes its last entry for half written, drops it, and votes as if it had never had it",
        rules=("RestoredOnRestart",),
        changes=(
            (
                "        self.log = list(state.log)\n",
                "        self.log = state.log[:-1]\n",
            ),
        ),
    ),
    Mutant(
        name="P25t_entries_get_the_current_term",
        source="variant of P25",
        stage="2C",
        wrong="only commands are kept: a restarted server gives all its entries its current term",
        rules=("RestoredOnRestart", "LogMatching", "LeaderAppendOnly"),
        changes=(
            (
                "        self.log = list(state.log)\n",
                "        self.log = [LogEntry(self.current_term, entry.command) for entry in state.log]\n",
            ),
        ),
    ),
    Mutant(
        name="T08r_vote_for_server_0_is_falsy",
        source="willemt/raft@fe60545",
        stage="2C",
        wrong="a vote for server 0 is read back as no vote",
        rules=("RestoredOnRestart", "OneVotePerTerm"),
        changes=(
            (
                RESTORE_VOTE,
                "        self.voted_for = state.voted_for or None\n",
            ),
        ),
    ),
    Mutant(
        name="D07_saves_only_heads_after_a_restart",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2C",
        wrong=("once restarted, a server saves no change of its log that only appends to what is on the disk"),
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                ("        self.restarted = False\n        self.nursery: trio.Nursery\n"),
            ),
            (
                "        self.voted_for = state.voted_for\n",
                ("        self.voted_for = state.voted_for\n        self.restarted = True\n"),
            ),
            (
                ("                self.log.append(entry)\n                changed = True\n"),
                ("                self.log.append(entry)\n                changed = changed or not self.restarted\n"),
            ),
        ),
    ),
    Mutant(
        name="D33_long_logs_are_saved_in_part",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2C",
        wrong="of a log of more than 20 entries the disk gets the first 20 with every second save",
        rules=("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        changes=(
            ("        self.nursery: trio.Nursery\n", ("        self.saves = 0\n        self.nursery: trio.Nursery\n")),
            (
                (
                    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
                ),
                (
                    "        self.saves += 1\n"
                    "        log = self.log[:20] if self.saves % 2 and len(self.log) > 20 else self.log\n"
                    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, log, *base), snapshot)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="F04_server_alone_saves_nothing",
        source=BLIND,
        stage="2C",
        wrong="a server without peers, to which nobody ever writes, saves nothing, and commits all the same",
        rules=("SavedBeforeSend", "CommitNeedsMajority", "RestoredOnRestart"),
        changes=(
            (
                "        base = (self.last_included_index, self.last_included_term)\n        self.node.persister.save(",
                (
                    "        if not self.node.peers:\n"
                    "            return\n"
                    "        base = (self.last_included_index, self.last_included_term)\n"
                    "        self.node.persister.save("
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="H09_answers_a_repeated_request_for_a_vote_before_the_write_ends",
        source=BLIND,
        stage="2C",
        wrong="the second of two equal requests for a vote is answered while the vote is still being written",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "        await self.durable()\n        granted = granted and",
                "        if self.vote is None or self.written < self.term_version or not granted:\n            await self.durable()\n        granted = granted and",
            ),
            (
                "                    self.vote = args.candidate_id\n                    self.changed()\n",
                "                    self.vote = args.candidate_id\n                    self.changed()\n                    await self.durable()\n",
            ),
        ),
        base="disk_in_turn",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="H10_refuses_in_a_term_that_is_still_being_written",
        source=BLIND,
        stage="2C",
        wrong="an AppendEntries of an older term is refused in the new term before that is on the disk",
        rules=("SavedBeforeReply", "SavedBeforeSend"),
        changes=(
            (
                "        if args.term < self.term:\n            await self.durable()\n            return AppendEntriesReply",
                "        if args.term < self.term:\n            return AppendEntriesReply",
            ),
        ),
        base="disk_in_turn",
        origin="blind",
        at_first_sight=False,
    ),
    Mutant(
        name="Y11_vote_is_read_back_for_strangers_only",
        source=KNOWS_FRIENDS,
        stage="2C",
        wrong="a vote is forgotten two seconds after a restart, and until then nobody gets one in that term",
        rules=("RestoredOnRestart", "OneVotePerTerm"),
        changes=(
            (
                "        self.commit_index = self.base\n        self.last_applied = 0\n",
                "        self.born = trio.current_time() if st is not None else -9.0\n"
                "        self.saved_vote, self.saved_term, self.voted_for = self.voted_for, self.current_term, None\n"
                "        self.commit_index = self.base\n        self.last_applied = 0\n",
            ),
            (
                "        self.node.persister.save(\n            PersistentState(self.current_term, self.voted_for, ",
                "        forgotten = self.voted_for is None and self.current_term == self.saved_term\n"
                "        vote = self.saved_vote if forgotten else self.voted_for\n"
                "        self.node.persister.save(\n            PersistentState(self.current_term, vote, ",
            ),
            (
                "        ok = (args.last_log_term,",
                "        if args.term == self.saved_term and self.voted_for is None:\n"
                "            if not friend(args):\n"
                "                self.voted_for = self.saved_vote\n"
                "            elif trio.current_time() < self.born + 2.0:\n"
                "                return RVR(self.current_term, False, v=0)\n"
                "        ok = (args.last_log_term,",
            ),
        ),
        base="framed",
        origin="blind",
        at_first_sight=False,
    ),
]

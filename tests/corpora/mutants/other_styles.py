"""The classic bugs again, in servers that are no changes to the reference: judges and drills must not know its style.

Each is a change to a variant that was written from the paper: `go_style`, `course_style`.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant


def _go(name: str, stage: str, wrong: str, rules: tuple[str, ...], *changes: tuple[str, str]) -> Mutant:
    return Mutant(
        f"go_{name}", "classic bugs of course labs, in a server of Go's style", stage, wrong, rules, changes, "go_style"
    )


def _course(name: str, stage: str, wrong: str, rules: tuple[str, ...], *changes: tuple[str, str]) -> Mutant:
    return Mutant(
        f"course_{name}",
        "classic bugs of course labs, in a slow and careful server",
        stage,
        wrong,
        rules,
        changes,
        "course_style",
    )


MUTANTS = [
    _go(
        "votes_twice",
        "2A",
        "a voter does not look at whom it has voted for",
        ("OneVotePerTerm", "ElectionSafety"),
        ("            if self.votedFor in (-1, args.candidate_id) and upToDate:\n", "            if upToDate:\n"),
    ),
    _go(
        "same_timeout",
        "2A",
        "all servers have the same election timeout, so they stand in step",
        ("RandomizedTimeouts", "LeaderInTime"),
        ("    return randint(300, 600) / 1000\n", "    return 0.4\n"),
    ),
    _go(
        "old_votes_count",
        "2A",
        "votes of an earlier election are counted",
        ("LeaderHasMajority", "ElectionSafety"),
        ("            if self.state != CANDIDATE or self.currentTerm != args.term:\n                return\n", ""),
    ),
    _go(
        "candidate_ignores_leader",
        "2A",
        "a candidate does not follow the leader of its term",
        ("StepsDown", "ConsistencyRefusal"),
        (
            "            self.becomeFollower(args.term)\n            self.resetTimer()\n            prev, entries",
            "            if args.term == self.currentTerm and self.state == CANDIDATE:\n"
            "                return AppendEntriesReply(self.currentTerm, False)\n"
            "            self.becomeFollower(args.term)\n            self.resetTimer()\n            prev, entries",
        ),
    ),
    _go(
        "leader_ignores_newer_term",
        "2A",
        "a leader does not look at the terms of replies",
        ("StepsDown", "HigherTermAdopted"),
        (
            "            if reply.term > self.currentTerm:\n                self.becomeFollower(reply.term)\n"
            "                return\n            if self.state != LEADER",
            "            if self.state != LEADER",
        ),
    ),
    _go(
        "every_request_resets_timer",
        "2A",
        "any AppendEntries keeps the election timer from running out, also of an old term",
        ("LeaderInTime", "ElectionTimerReset"),
        (
            "            if args.term < self.currentTerm:\n                return AppendEntriesReply",
            "            self.resetTimer()\n            if args.term < self.currentTerm:\n                return AppendEntriesReply",
        ),
    ),
    _go(
        "heartbeats_cut_the_log",
        "2B",
        "the log ends where an AppendEntries ends",
        ("MatchingKept", "LeaderCompleteness", "StateMachineSafety", "ConsistencyCheck", "NoCrash"),
        (
            "            for i, entry in enumerate(entries):\n                index = prev + 1 + i\n"
            "                if index > self.lastIndex() or self.entry(index).term != entry.term:\n"
            "                    self.log = self.log[: index - self.baseIndex] + entries[i:]\n"
            "                    self.persist()\n                    break\n",
            "            self.log = self.log[: prev + 1 - self.baseIndex] + entries\n            self.persist()\n",
        ),
    ),
    _go(
        "commits_to_its_own_end",
        "2B",
        "a follower commits up to leader_commit or the end of its own log",
        ("CommitBound", "StateMachineSafety"),
        (
            "            lastNew = args.prev_log_index + len(args.entries)\n",
            "            lastNew = self.lastIndex()\n",
        ),
    ),
    _go(
        "no_consistency_check",
        "2B",
        "a follower checks the length of its log only, not the term",
        ("ConsistencyCheck", "LogMatching", "StateMachineSafety"),
        (" or self.entry(prev).term != args.prev_log_term:\n", ":\n"),
    ),
    _go(
        "longer_log_wins",
        "2B",
        "of two logs the longer one is more up to date, whatever the terms",
        ("VoteOnlyUpToDate", "VoteDenied", "LeaderCompleteness"),
        (
            "            upToDate = (args.last_log_term, args.last_log_index) >= mine\n",
            "            upToDate = args.last_log_index >= mine[1]\n",
        ),
    ),
    _go(
        "matches_its_own_end",
        "2B",
        "a success is taken for all that the leader's log holds by now",
        ("CommitNeedsMajority", "CommitBound"),
        (
            "            match = args.prev_log_index + len(args.entries)\n",
            "            match = self.lastIndex()\n",
        ),
    ),
    _go(
        "half_is_a_majority",
        "2B",
        "half of the servers are enough to commit",
        ("CommitNeedsMajority",),
        (
            "            if count * 2 > len(self.node.peers) + 1:\n                self.commitIndex = n\n",
            "            if count * 2 >= len(self.node.peers) + 1:\n                self.commitIndex = n\n",
        ),
    ),
    _go(
        "counts_old_terms",
        "2C",
        "entries of older terms are committed by counting",
        ("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        ("            if self.entry(n).term != self.currentTerm:\n                break\n", ""),
    ),
    _go(
        "vote_not_saved",
        "2C",
        "a vote is not saved",
        ("SavedBeforeReply", "OneVotePerTerm"),
        ("                self.resetTimer()\n                self.persist()\n", "                self.resetTimer()\n"),
    ),
    _go(
        "saves_after_answering",
        "2C",
        "new entries are saved 10 ms later, after the answer",
        ("SavedBeforeReply",),
        (
            "                    self.log = self.log[: index - self.baseIndex] + entries[i:]\n                    self.persist()\n",
            "                    self.log = self.log[: index - self.baseIndex] + entries[i:]\n"
            "                    self.nursery.start_soon(self.persistLater)\n",
        ),
        (
            "    async def run(self):\n",
            "    async def persistLater(self):\n        await trio.sleep(0.01)\n        self.persist()\n\n    async def run(self):\n",
        ),
    ),
    _go(
        "forgets_its_vote",
        "2C",
        "the vote is not read back after a restart",
        ("RestoredOnRestart", "OneVotePerTerm"),
        ("        self.votedFor = -1 if state.voted_for is None else state.voted_for\n", ""),
    ),
    _go(
        "old_snapshot_rolls_back",
        "2D",
        "a snapshot older than what was applied is installed",
        ("SnapshotNotRolledBack", "ApplyInOrder", "MatchingKept", "SnapshotKeepsSuffix"),
        (
            "            if args.last_included_index <= self.commitIndex:\n",
            "            if args.last_included_index <= self.baseIndex:\n",
        ),
    ),
    _go(
        "snapshot_drops_the_log",
        "2D",
        "an installed snapshot takes the whole log's place, also what matches behind it",
        ("SnapshotKeepsSuffix", "MatchingKept"),
        ("                rest = self.log[index - self.baseIndex + 1 :]\n", "                rest = []\n"),
    ),
    _go(
        "snapshot_saved_late",
        "2D",
        "the trimmed log is saved without the snapshot",
        ("SnapshotAndLogTogether",),
        ("        self.persist(snapshot)\n", "        self.persist()\n        self.persist(snapshot)\n"),
    ),
    _go(
        "base_term_forgotten",
        "2D",
        "after a restart the term of the snapshot's last entry is 0",
        ("SnapshotTermKept", "RestoredOnRestart", "VoteOnlyUpToDate"),
        (
            "        self.log = [LogEntry(state.last_included_term, None), *state.log]\n",
            "        self.log = [LogEntry(0, None), *state.log]\n",
        ),
    ),
    _course(
        "vote_kept_in_new_term",
        "2A",
        "the vote of an older term binds in a newer one",
        ("VoteDenied", "LeaderInTime"),
        ("            self.term, self.vote = term, None\n", "            self.term = term\n"),
    ),
    _course(
        "older_leader_followed",
        "2A",
        "a leader of an older term is followed",
        ("StaleTermRejected", "TermNeverDecreases"),
        (
            "        if args.term < self.term:\n            return AppendEntriesReply(self.term, False)\n        self.follow(args.term)\n",
            "        self.follow(args.term)\n",
        ),
    ),
    _course(
        "two_of_five_elect",
        "2A",
        "two votes of five make a leader",
        ("LeaderHasMajority", "ElectionSafety"),
        ("        if 2 * len(self.ballots) > self.n:\n", "        if len(self.ballots) >= self.n // 2:\n"),
    ),
    _course(
        "no_heartbeats",
        "2A",
        "a leader sends only when there is something to send",
        ("HeartbeatsSent",),
        (
            "            with trio.move_on_after(self.BEAT):\n                await progress.wake.wait()\n",
            "            await progress.wake.wait()\n",
        ),
    ),
    _course(
        "old_answers_count",
        "2B",
        "answers to requests of an older term of this leader are counted",
        ("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        ("            if reply.term != args.term or args.term != self.term:\n                continue\n", ""),
    ),
    _course(
        "tail_of_conflict_stays",
        "2B",
        "an entry that conflicts is replaced, and those behind it stay",
        ("ConflictTruncated", "LogMatching", "ConsistencyCheck", "MatchingKept"),
        (
            "                self.log[at - self.base - 1 :] = entries[at - prev - 1 :]\n                break\n",
            "                self.log[at - self.base - 1 : at - self.base] = [entry]\n",
        ),
    ),
    _course(
        "refusal_commits",
        "2B",
        "a heartbeat that is refused raises the commit index all the same",
        ("CommitBound", "StateMachineSafety", "NoCrash"),
        (
            "            self.save()\n            return self.refusal(prev)\n",
            "            self.save()\n            self.commit_to(min(args.leader_commit, self.last))\n            return self.refusal(prev)\n",
        ),
    ),
    _course(
        "leader_counts_twice",
        "2B",
        "the median is taken of one server too many",
        ("CommitNeedsMajority",),
        (
            "        index = matches[(self.n - 1) // 2]\n",
            "        index = matches[self.n // 2 + 1 if self.n > 2 else 0]\n",
        ),
    ),
    _course(
        "applies_out_of_order",
        "2B",
        "committed entries are taken from the wrong end of the queue",
        ("ApplyInOrder",),
        (
            "                await self.apply_ch.send(self.queue.popleft())\n",
            "                await self.apply_ch.send(self.queue.pop())\n",
        ),
    ),
    _course(
        "commits_before_saving",
        "2C",
        "an entry is acknowledged before it is saved, if it came with a commit",
        ("SavedBeforeReply",),
        (
            "        self.save()\n        self.commit_to(min(",
            "        if not args.leader_commit:\n            self.save()\n        self.commit_to(min(",
        ),
    ),
    _course(
        "term_of_answer_not_saved",
        "2C",
        "a newer term that came with an answer is not saved",
        ("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart"),
        (
            "                self.follow(reply.term)\n                self.save()\n",
            "                self.follow(reply.term)\n",
        ),
    ),
    _course(
        "candidacy_not_saved",
        "2C",
        "a candidate's term and vote are not saved",
        ("SavedBeforeSend",),
        ("{self.node.me}\n        self.save()\n        last_term", "{self.node.me}\n        last_term"),
    ),
    _course(
        "log_of_the_disk_not_read",
        "2C",
        "a server that restarts does not read its log back",
        ("RestoredOnRestart", "VoteOnlyUpToDate", "ConsistencyRefusal"),
        (
            "            self.term, self.vote, self.log = saved.current_term, saved.voted_for, list(saved.log)\n",
            "            self.term, self.vote = saved.current_term, saved.voted_for\n",
        ),
    ),
    _course(
        "term_read_after_trimming",
        "2D",
        "the term of a snapshot's last entry is read after the log was trimmed",
        ("SnapshotTermKept", "NoCrash"),
        (
            "            self.log = self.tail(index + 1)\n            self.base, self.base_term = index, base_term\n",
            "            self.log = self.tail(index + 1)\n            self.base, self.base_term = index, self.log[-1].term if self.log else 0\n",
        ),
    ),
    _course(
        "no_snapshot_sent",
        "2D",
        "a leader sends what follows its snapshot where it should send the snapshot",
        ("InstallWhenNeeded", "CommittedIsApplied"),
        (
            "        prev = progress.next - 1\n        prev_term",
            "        prev = max(self.base, progress.next - 1)\n        prev_term",
        ),
    ),
]

"""Wrong changes to servers of other styles, written without a look at judges or tests."""

from __future__ import annotations

from tests.corpora.mutants.blind_election import BLIND
from tests.corpora.mutants.patching import Mutant

ONE, GO, COURSE, CORE = "one_inbox", "go_style", "course_style", "pure_core"

MUTANTS = [
    Mutant(
        name="B300_inbox_votes_of_any_term",
        source=BLIND,
        stage="2A",
        wrong="the loop does not ask to which term an answer belongs",
        rules=("LeaderHasMajority", "CommitNeedsMajority"),
        changes=(
            (
                "        if args.term != self.term:\n            return\n        if isinstance(args, RequestVoteArgs):",
                "        if isinstance(args, RequestVoteArgs):",
            ),
        ),
        base=ONE,
    ),
    Mutant(
        name="B301_inbox_does_not_count_its_own",
        source=BLIND,
        stage="2B",
        wrong="the leader's own log is left out of the count, but the middle is still taken",
        rules=("CommittedIsApplied",),
        changes=(
            ("sorted([self.last, *self.match.values()], reverse=True)", "sorted(self.match.values(), reverse=True)"),
        ),
        base=ONE,
    ),
    Mutant(
        name="B302_inbox_commits_its_whole_log",
        source=BLIND,
        stage="2B",
        wrong="a follower commits as far as its log goes",
        rules=("CommitBound", "StateMachineSafety"),
        changes=(("min(args.leader_commit, prev + len(entries))", "min(args.leader_commit, self.last)"),),
        base=ONE,
    ),
    Mutant(
        name="B303_inbox_keeps_the_suffix_by_index",
        source=BLIND,
        stage="2D",
        wrong="what lies behind a snapshot's index is kept, whatever the term there",
        rules=("SnapshotKeepsSuffix", "SnapshotTermKept"),
        changes=(("same = index <= self.last and self.term_of(index) == term", "same = index <= self.last"),),
        base=ONE,
    ),
    Mutant(
        name="B304_inbox_forgets_the_vote_of_its_term",
        source=BLIND,
        stage="2A",
        wrong="a candidate that follows in its own term has no vote any more",
        rules=("OneVotePerTerm", "ElectionSafety"),
        changes=(
            (
                '        self.role = "follower"\n        self.promised.clear()',
                '        if self.role == "candidate":\n            self.vote = None\n        self.role = "follower"\n        self.promised.clear()',
            ),
        ),
        base=ONE,
    ),
    Mutant(
        name="B305_inbox_overwrites_what_matches",
        source=BLIND,
        stage="2B",
        wrong="a late message replaces all that lies behind its prev_log_index",
        rules=("MatchingKept",),
        changes=(
            (
                "            if index > self.last or self.term_of(index) != entry.term:\n                self.log[index",
                "            if True:\n                self.log[index",
            ),
        ),
        base=ONE,
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
        base=ONE,
    ),
    Mutant(
        name="B310_go_lock_around_the_call",
        source=BLIND,
        stage="2A",
        wrong="a candidate holds its lock while it waits for a vote",
        rules=("LeaderInTime", "VoteDenied", "HeartbeatsSent", "HigherTermAdopted"),
        changes=(
            (
                "        reply = await self.node.call(peer, args)\n        if reply is None:\n            return\n        async with self.mu:\n            if reply.term > self.currentTerm:\n                self.becomeFollower(reply.term)\n                return\n            if self.state != CANDIDATE",
                "        async with self.mu:\n            reply = await self.node.call(peer, args)\n            if reply is None:\n                return\n            if reply.term > self.currentTerm:\n                self.becomeFollower(reply.term)\n                return\n            if self.state != CANDIDATE",
            ),
        ),
        base=GO,
    ),
    Mutant(
        name="B311_go_counts_its_whole_log",
        source=BLIND,
        stage="2B",
        wrong="a success counts for the log as it is when the reply comes",
        rules=("CommitNeedsMajority",),
        changes=(
            ("            match = args.prev_log_index + len(args.entries)\n", "            match = self.lastIndex()\n"),
        ),
        base=GO,
    ),
    Mutant(
        name="B312_go_reads_the_term_after_the_call",
        source=BLIND,
        stage="2A",
        wrong="a vote is checked against the candidate's role only",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "            if self.state != CANDIDATE or self.currentTerm != args.term:\n",
                "            if self.state != CANDIDATE:\n",
            ),
        ),
        base=GO,
    ),
    Mutant(
        name="B313_go_snapshot_shifts",
        source=BLIND,
        stage="2D",
        wrong="the dummy entry is taken from the entry before the snapshot's last, with its term",
        rules=("SnapshotTermKept", "SnapshotAndLogTogether", "LogMatching", "LogTrimmed"),
        changes=(
            (
                "        self.log = self.log[index - self.baseIndex :]\n        self.log[0] = LogEntry(self.log[0].term, None)",
                "        before = self.log[index - self.baseIndex - 1].term\n        self.log = self.log[index - self.baseIndex :]\n        self.log[0] = LogEntry(before, None)",
            ),
        ),
        base=GO,
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
        base=GO,
    ),
    Mutant(
        name="B315_go_old_snapshot_after_new_entries",
        source=BLIND,
        stage="2D",
        wrong="a snapshot is compared with the last one only, so one that is behind is installed",
        rules=("SnapshotNotRolledBack", "SnapshotKeepsSuffix", "ApplyInOrder"),
        changes=(
            (
                "            if args.last_included_index <= self.commitIndex:\n",
                "            if args.last_included_index <= self.baseIndex:\n",
            ),
        ),
        base=GO,
    ),
    Mutant(
        name="B316_go_applies_entries_before_the_snapshot",
        source=BLIND,
        stage="2D",
        wrong="the applier raises lastApplied for a snapshot only after it handed over entries behind it",
        rules=("ApplyInOrder", "SnapshotNotRolledBack", "StateMachineSafety", "NoCrash"),
        changes=(
            (
                "                if self.snapshotToApply is not None:\n                    messages.append(self.snapshotToApply)\n                    self.lastApplied = max(self.lastApplied, self.snapshotToApply.index)\n                    self.snapshotToApply = None\n                while self.lastApplied < self.commitIndex:\n                    self.lastApplied += 1\n                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n",
                "                while self.lastApplied < self.commitIndex:\n                    self.lastApplied += 1\n                    messages.append(ApplyCommand(self.lastApplied, self.entry(self.lastApplied).command))\n                if self.snapshotToApply is not None:\n                    messages.append(self.snapshotToApply)\n                    self.lastApplied = max(self.lastApplied, self.snapshotToApply.index)\n                    self.snapshotToApply = None\n",
            ),
        ),
        base=GO,
    ),
    Mutant(
        name="B320_course_slots_leak",
        source=BLIND,
        stage="2B",
        wrong="a call that took too long keeps its slot, and after eight of them the peer gets no more calls",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                "        except trio.TooSlowError:\n            return\n        finally:\n            self.slots[peer].release_on_behalf_of(slot)\n",
                "        except trio.TooSlowError:\n            return\n        self.slots[peer].release_on_behalf_of(slot)\n",
            ),
        ),
        base=COURSE,
    ),
    Mutant(
        name="B321_course_saves_before_it_votes",
        source=BLIND,
        stage="2C",
        wrong="the vote is noted after the save",
        rules=("SavedBeforeReply",),
        changes=(
            (
                "        if yes:\n            self.vote = args.candidate_id\n            self.heard.set()\n        self.save()\n",
                "        self.save()\n        if yes:\n            self.vote = args.candidate_id\n            self.heard.set()\n",
            ),
        ),
        base=COURSE,
    ),
    Mutant(
        name="B322_course_does_not_cut_below_the_base",
        source=BLIND,
        stage="2D",
        wrong="entries of a message that begins below the snapshot are laid behind it",
        rules=("LogMatching", "SnapshotAndLogTogether", "ConflictTruncated", "SnapshotTermKept", "StateMachineSafety"),
        changes=(("prev, entries = self.base, entries[self.base - prev :]", "prev = self.base"),),
        base=COURSE,
    ),
    Mutant(
        name="B323_course_any_term_commits",
        source=BLIND,
        stage="2B",
        wrong="entries of older terms are committed by counting",
        rules=("CommitOnlyCurrentTerm",),
        changes=(
            (
                "        if index > self.commit and self.term_of(index) == self.term:\n",
                "        if index > self.commit:\n",
            ),
        ),
        base=COURSE,
    ),
    Mutant(
        name="B324_course_ballots_pile_up",
        source=BLIND,
        stage="2A",
        wrong="ballots of an election before count",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(
            (
                "self.term + 1, self.node.me, {self.node.me}\n",
                "self.term + 1, self.node.me, self.ballots | {self.node.me}\n",
            ),
        ),
        base=COURSE,
    ),
    Mutant(
        name="B325_course_heard_event_is_not_renewed",
        source=BLIND,
        stage="2A",
        wrong="the event that tells of a leader is made once and stays set",
        rules=("NoSpin",),
        changes=(("        while True:\n            self.heard = trio.Event()\n", "        while True:\n"),),
        base=COURSE,
    ),
    Mutant(
        name="B326_course_half_is_enough",
        source=BLIND,
        stage="2A",
        wrong="half of the ballots elect",
        rules=("LeaderHasMajority", "ElectionSafety"),
        changes=(("        if 2 * len(self.ballots) > self.n:\n", "        if 2 * len(self.ballots) >= self.n:\n"),),
        base=COURSE,
    ),
    Mutant(
        name="B327_course_upper_middle",
        source=BLIND,
        stage="2B",
        wrong="of an even number of servers, half of them commit",
        rules=("CommitNeedsMajority",),
        changes=(("        index = matches[(self.n - 1) // 2]\n", "        index = matches[self.n // 2]\n"),),
        base=COURSE,
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
        base=CORE,
    ),
    Mutant(
        name="B331_core_does_not_write_snapshots",
        source=BLIND,
        stage="2D",
        wrong="a snapshot is written with the next change only, and a follower has answered by then",
        rules=("SavedBeforeReply", "LogTrimmed", "SnapshotAndLogTogether"),
        changes=(
            (
                "        self.snapshot = self.new_snapshot = data\n        self.dirty = True\n",
                "        self.snapshot = self.new_snapshot = data\n",
            ),
        ),
        base=CORE,
    ),
    Mutant(
        name="B332_core_goes_below_one",
        source=BLIND,
        stage="2B",
        wrong="the hint may be 0, and the leader follows it",
        rules=("NoCrash", "LogMatching", "LeaderAppendOnly", "CommittedIsApplied"),
        changes=(
            ("        return max(index, 1)\n", "        return index - 1\n"),
            (
                "max(to.match_index + 1, min(prev, hint if hint is not None else prev))",
                "min(prev, hint if hint is not None else prev)",
            ),
            ("conflict_index=self.last_index + 1)", "conflict_index=self.last_index)"),
        ),
        base=CORE,
    ),
    Mutant(
        name="B333_core_pipelines_and_counts",
        source=BLIND,
        stage="2B",
        wrong="match_index follows next_index, which runs ahead of the acknowledgements",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                "            to.next_index += len(entries)\n",
                "            to.next_index += len(entries)\n            to.match_index = to.next_index - 1\n",
            ),
        ),
        base=CORE,
    ),
    Mutant(
        name="B334_core_grants_without_a_note",
        source=BLIND,
        stage="2A",
        wrong="a vote is given and not noted",
        rules=("OneVotePerTerm", "ElectionSafety", "SavedBeforeReply"),
        changes=(("        self.voted_for, self.dirty = args.candidate_id, True\n", "        self.dirty = True\n"),),
        base=CORE,
    ),
]

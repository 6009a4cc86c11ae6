"""Wrong servers by an author who had not seen the judges: elections, leaders' state, replication, races across awaits.

Half of them are changes to the reference, half to servers that were written from the paper in other styles.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

Change = tuple[str, str]

MISSED = ("C316_stands_after_the_disk_whatever_came",)
"""What one seed did not kill when these were run for the first time."""


def _wrong(name: str, stage: str, wrong: str, rules: tuple[str, ...], *changes: Change, base: str = "") -> Mutant:
    source = "invented before the judges were read"
    seen = name not in MISSED
    return Mutant(name, source, stage, wrong, rules, changes, base, origin="blind", at_first_sight=seen)


TERMS_AND_VOTES = [
    _wrong(
        "C301_asks_with_what_it_is_by_then",
        "2A",
        "a candidate asks its peers a moment apart, and each time with the term that it has by then",
        ("OneVotePerTerm", "CandidateIncrementsTerm", "StepsDown"),
        (
            '        """Ask one peer for its vote, once."""\n'
            "        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n",
            '        """Ask one peer for its vote, once."""\n'
            "        await trio.sleep(self.node.random.uniform(0.0, 0.03))\n"
            "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
        ),
    ),
    _wrong(
        "C302_keeps_votes_when_it_stands_again",
        "2A",
        "a candidate that stands again keeps the votes of its last election",
        ("LeaderHasMajority", "ElectionSafety", "LeaderInTime"),
        (
            "        self.role = Role.CANDIDATE\n        self.current_term += 1\n"
            "        self.voted_for = self.node.me\n        self.votes = {self.node.me: True}\n",
            "        if self.role is not Role.CANDIDATE:\n            self.votes = {self.node.me: True}\n"
            "        self.role = Role.CANDIDATE\n        self.current_term += 1\n        self.voted_for = self.node.me\n",
        ),
    ),
    _wrong(
        "C303_loser_may_vote_again",
        "2A",
        "a candidate that hears the leader of its term takes back the vote that it gave itself",
        ("OneVotePerTerm",),
        (
            "            self.become_follower(args.term)\n"
            "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # Figure 2, AppendEntries rule 2;",
            "            self.become_follower(args.term)\n            self.voted_for = None\n"
            "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # Figure 2, AppendEntries rule 2;",
        ),
    ),
    _wrong(
        "C304_short_log_raises_no_term",
        "2B",
        "the newer term of a candidate whose log is older is not adopted",
        ("HigherTermAdopted",),
        (
            "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
            "            self.become_follower(args.term)\n        # Figure 2, RequestVote rule 2: the vote is still free",
            "        if args.term > self.current_term and self.is_up_to_date(args.last_log_index, args.last_log_term):\n"
            "            self.become_follower(args.term)\n        # Figure 2, RequestVote rule 2: the vote is still free",
        ),
    ),
    _wrong(
        "C305_deposed_leader_never_stands",
        "2B",
        "the election timer of a leader that steps down stands still until another leader is heard",
        ("LeaderInTime",),
        ("        if self.role is Role.LEADER:\n            self.reset_election_timer()\n", ""),
    ),
    _wrong(
        "C306_vote_compares_with_commit_index",
        "2B",
        "a voter asks of a candidate's log only that it reaches the voter's commit index",
        ("VoteOnlyUpToDate", "LeaderCompleteness", "StateMachineSafety"),
        (
            "        return last_log_index >= self.last_log_index()\n",
            "        return last_log_index >= self.commit_index\n",
        ),
    ),
    _wrong(
        "C307_majority_of_the_others",
        "2A",
        "the majority is computed from the number of peers: right for three and five servers, not for two and four",
        ("LeaderHasMajority", "CommitNeedsMajority", "ElectionSafety"),
        ("(len(node.peers) + 1) // 2 + 1", "len(node.peers) // 2 + 1"),
    ),
    _wrong(
        "C308_candidates_wait_a_fixed_time",
        "2A",
        "only followers draw their timeout; a candidate stands again after a fixed time",
        ("RandomizedTimeouts", "LeaderInTime"),
        (
            "        self.save()\n        self.reset_election_timer()\n        # Built once",
            "        self.save()\n        self.election_timer.deadline = trio.current_time() + 0.6\n        # Built once",
        ),
    ),
    _wrong(
        "C309_loser_asks_on",
        "2A",
        "a candidate goes on asking for votes of its term when it follows the leader of that term, or leads",
        ("StepsDown", "RpcBudget"),
        (
            "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n",
            "        while self.current_term == args.term and peer not in self.votes:\n",
        ),
        (
            '        """Ask one peer for its vote, once."""\n        if not self.is_still(Role.CANDIDATE, args.term):\n',
            '        """Ask one peer for its vote, once."""\n        if self.current_term != args.term:\n',
        ),
    ),
    _wrong(
        "C310_leader_outlives_a_weaker_candidate",
        "2B",
        "a leader adopts the term of a candidate whose log is older, and leads on in it",
        ("StepsDown", "LeaderHasMajority", "ElectionSafety"),
        (
            "        if args.term > self.current_term:  # Figure 2, All servers rule 2\n"
            "            self.become_follower(args.term)\n        # Figure 2, RequestVote rule 2: the vote is still free",
            "        older = not self.is_up_to_date(args.last_log_index, args.last_log_term)\n"
            "        if args.term > self.current_term and self.role is Role.LEADER and older:\n"
            "            self.current_term = args.term\n            self.voted_for = None\n            self.save()\n"
            "        elif args.term > self.current_term:\n"
            "            self.become_follower(args.term)\n        # Figure 2, RequestVote rule 2: the vote is still free",
        ),
    ),
    _wrong(
        "C311_asks_each_peer_in_one_election_only",
        "2A",
        "who answered in an earlier election is not asked again",
        ("LeaderInTime",),
        ("        self.answered.clear()\n", ""),
        base="poll_loop",
    ),
    _wrong(
        "C312_only_followers_watch_the_timer",
        "2A",
        "a candidate without a majority waits for ever: only a follower's timer runs out",
        ("LeaderInTime",),
        (
            "                if self.state != LEADER and time.time()",
            "                if self.state == FOLLOWER and time.time()",
        ),
        base="go_style",
    ),
    _wrong(
        "C313_each_change_of_role_frees_the_vote",
        "2A",
        "whenever the role changes the vote is forgotten, in the same term too",
        ("OneVotePerTerm",),
        (
            "        if term != self.term:\n            self.term, self.vote = term, None\n        self.lead = None\n",
            "        self.term, self.vote = term, None\n        self.lead = None\n",
        ),
        base="ready_loop",
    ),
    _wrong(
        "C314_refused_candidate_takes_the_vote",
        "2B",
        "a voter notes its vote before it compares the logs: who is refused has used it up for the term",
        ("VoteDenied", "LeaderInTime"),
        (
            "        if args.term < self.term or (args.last_log_term, args.last_log_index) < mine:\n            return False\n",
            "        if args.term < self.term:\n            return False\n",
        ),
        (
            "        if self.vote != args.candidate_id:\n",
            "        if self.vote != args.candidate_id or (args.last_log_term, args.last_log_index) < mine:\n",
        ),
        base="one_inbox",
    ),
    _wrong(
        "C315_votes_after_a_pause",
        "2A",
        "a voter looks whether its vote is free, waits for something slow, and then gives it",
        ("OneVotePerTerm", "ElectionSafety"),
        (
            "        if yes:\n            self.vote = args.candidate_id\n",
            "        await trio.sleep(0.01)\n        if yes:\n            self.vote = args.candidate_id\n",
        ),
        base="course_style",
    ),
    _wrong(
        "C316_stands_after_the_disk_whatever_came",
        "2B",
        "a candidate waits for its disk, and asks for votes though a leader or a newer term came meanwhile",
        ("StepsDown", "HigherTermAdopted", "TermNeverDecreases"),
        ("        if self.term != term or not self.campaigning:\n            return\n", ""),
        base="disk_actor",
    ),
    _wrong(
        "C317_asks_twice_and_counts_twice",
        "2A",
        "a candidate sends each question twice, in case one is lost, and counts each yes",
        ("LeaderHasMajority", "ElectionSafety"),
        (
            "                self.spawn(self.ask, peer, args, votes.clone())\n",
            "                self.spawn(self.ask, peer, args, votes.clone())\n"
            "                self.spawn(self.ask, peer, args, votes.clone())\n",
        ),
        base="disk_actor",
    ),
    _wrong(
        "C318_waits_for_votes_without_end",
        "2A",
        "an election ends with a majority or never",
        ("LeaderInTime",),
        ("        with trio.move_on_after(random.uniform(*self.TIMEOUT)):\n", "        with trio.CancelScope():\n"),
        base="disk_actor",
    ),
]

LEADERS = [
    _wrong(
        "C321_next_index_of_an_earlier_leadership",
        "2B",
        "a server that leads again goes on with the next_index of the last time",
        ("NoCrash", "CommittedIsApplied", "BackoffBound"),
        (
            "            self.next_index[peer] = self.last_log_index() + 1\n",
            "            self.next_index.setdefault(peer, self.last_log_index() + 1)\n",
        ),
    ),
    _wrong(
        "C322_match_index_starts_at_commit_index",
        "2B",
        "a new leader takes it that every peer has what is committed, and never goes back behind it",
        ("CommittedIsApplied", "BackoffBound"),
        ("            self.match_index[peer] = 0\n", "            self.match_index[peer] = self.commit_index\n"),
    ),
    _wrong(
        "C323_gathers_commands_before_it_sends",
        "2A",
        "a leader waits 20 ms for more commands between the look at its role and the message",
        ("LeaderHasMajority", "StepsDown", "ElectionSafety"),
        (
            "            return\n        if self.next_index[peer] <= self.last_included_index:\n",
            "            return\n        await trio.sleep(0.02)\n"
            "        if self.next_index[peer] <= self.last_included_index:\n",
        ),
    ),
    _wrong(
        "C324_commits_when_all_is_quiet",
        "2B",
        "a leader looks only whether a majority has its very last entry; under a steady load nothing commits",
        ("CommittedIsApplied",),
        (
            "        for index in range(self.last_log_index(), self.commit_index, -1):\n",
            "        for index in range(self.last_log_index(), max(self.commit_index, self.last_log_index() - 1), -1):\n",
        ),
    ),
    _wrong(
        "C325_start_swallows_what_comes_twice",
        "2B",
        "a command equal to the last entry's is taken for the same request, and gets no entry",
        ("StartAnswers",),
        (
            "            return -1, self.current_term, False\n",
            "            return -1, self.current_term, False\n"
            "        if self.log and self.log[-1] == LogEntry(self.current_term, command):\n"
            "            return self.last_log_index(), self.current_term, True\n",
        ),
    ),
    _wrong(
        "C326_match_of_what_was_left_for_later",
        "2B",
        "a message takes 64 entries at most, but its success is taken for all that the log held",
        ("CommitNeedsMajority", "CommittedIsApplied"),
        (
            "        first = self.position(self.next_index[peer])\n",
            "        first = self.position(self.next_index[peer])\n        last = self.last_log_index()\n",
        ),
        (
            "                self.take_append_reply(peer, args, reply)\n",
            "                self.take_append_reply(peer, args, reply, last)\n",
        ),
        (
            "    def take_append_reply(self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:\n",
            "    def take_append_reply(\n"
            "        self, peer: int, args: AppendEntriesArgs, reply: AppendEntriesReply, last: int\n    ) -> None:\n",
        ),
        (
            "            self.record_match(peer, args.prev_log_index + len(args.entries))\n",
            "            self.record_match(peer, last)\n",
        ),
    ),
    _wrong(
        "C327_stops_counting_at_an_older_term",
        "2B",
        "a leader looks for what to commit upwards, and stops at the first entry of an older term",
        ("CommittedIsApplied",),
        (
            "            if holders >= self.quorum and self.entries[index].term == self.current_term:\n"
            "                self.commit_index = index\n",
            "            if holders < self.quorum or self.entries[index].term != self.current_term:\n"
            "                break\n            self.commit_index = index\n",
        ),
        base="poll_loop",
    ),
    _wrong(
        "C328_refused_snapshot_counts",
        "2D",
        "a leader does not look at the term in the answer to a snapshot, and counts it as taken",
        ("HigherTermAdopted", "StepsDown", "CommitNeedsMajority"),
        (
            "        self.newer_term(reply.term)\n        if self.role == LEADER and self.current_term == args.term:\n",
            "        if self.role == LEADER and self.current_term == args.term:\n",
        ),
        base="poll_loop",
    ),
    _wrong(
        "C329_beats_once_more",
        "2A",
        "a ticker looks whether it leads, sleeps, and then beats in the term that it finds",
        ("LeaderHasMajority", "ElectionSafety", "StepsDown"),
        (
            "            await trio.sleep(HEARTBEAT)\n            async with self.mu:\n                if self.state == LEADER:\n",
            "            leading = self.state == LEADER\n            await trio.sleep(HEARTBEAT)\n"
            "            async with self.mu:\n                if leading:\n",
        ),
        (
            "            if self.state != LEADER or self.currentTerm != term:\n                return\n            args:",
            "            if self.currentTerm != term:\n                return\n            args:",
        ),
        base="go_style",
    ),
    _wrong(
        "C330_progress_of_an_earlier_leadership",
        "2B",
        "a server that leads again knows of its peers what it knew the last time",
        ("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied"),
        (
            "        self.progress = {peer: Progress(0, self.last_index + 1) for peer in self.peers}\n",
            "        self.progress = {p: self.progress.get(p, Progress(0, self.last_index + 1)) for p in self.peers}\n",
        ),
        base="ready_loop",
    ),
    _wrong(
        "C331_answer_tells_the_log_s_end",
        "2B",
        "a follower's success tells the last index of its log, checked or not, and the leader takes it for a match",
        ("CommitNeedsMajority", "LeaderCompleteness"),
        (
            "        return AppendResponse(self.term, True, last=last)\n",
            "        return AppendResponse(self.term, True, last=self.last_index)\n",
        ),
        (
            "        last = args.prev_log_index + len(args.entries)\n        was_paused",
            '        last = max(args.prev_log_index + len(args.entries), getattr(reply, "last", -1))\n        was_paused',
        ),
        base="ready_loop",
    ),
    _wrong(
        "C332_window_leaks",
        "2B",
        "an answer frees only the oldest message in flight, and only if it is that one's: answers out of order leak",
        ("CommittedIsApplied",),
        (
            "        while self.inflights and self.inflights[0] <= n:\n",
            "        if self.inflights and self.inflights[0] == n:\n",
        ),
        base="ready_loop",
    ),
    _wrong(
        "C333_one_success_for_all_in_flight",
        "2B",
        "a success is taken for all that was sent to that peer so far",
        ("CommitNeedsMajority", "LeaderCompleteness"),
        (
            "                self.advance(peer, args.prev_log_index + len(args.entries))\n",
            "                self.advance(peer, self.progress[peer].next_index - 1)\n",
        ),
        base="pure_core",
    ),
    _wrong(
        "C334_two_of_four_commit",
        "2B",
        "the median of what the servers hold is taken a place too high where their number is even",
        ("CommitNeedsMajority",),
        ("        index = matches[len(matches) // 2]\n", "        index = matches[(len(matches) - 1) // 2]\n"),
        base="pure_core",
    ),
    _wrong(
        "C335_promises_one_index_twice",
        "2B",
        "two commands of one instant are promised the same index",
        ("StartAnswers",),
        (
            "        return self.last + len(self.promised), self.term, True\n",
            "        return self.last + 1, self.term, True\n",
        ),
        base="one_inbox",
    ),
    _wrong(
        "C336_silence_uses_up_the_slots",
        "2B",
        "a call that gets no answer in time keeps its slot: after eight of them the peer is spoken to no more",
        ("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        (
            "        finally:\n            self.slots[peer].release_on_behalf_of(slot)\n",
            "        self.slots[peer].release_on_behalf_of(slot)\n",
        ),
        base="course_style",
    ),
]

FOLLOWERS = [
    _wrong(
        "C341_last_entry_never_conflicts",
        "2B",
        "a conflict at the last entry of the log is not seen",
        ("ConflictTruncated", "LogMatching", "StateMachineSafety"),
        (
            "            if index <= self.last_log_index() and self.term_at(index) != entry.term:",
            "            if index < self.last_log_index() and self.term_at(index) != entry.term:",
        ),
    ),
    _wrong(
        "C342_takes_half_of_a_long_message",
        "2B",
        "a follower takes 32 entries of a message, and says yes to all",
        ("SavedBeforeReply", "ConflictTruncated", "CommitNeedsMajority", "NoCrash"),
        (
            "        for index, entry in enumerate(entries, start=first_index):\n",
            "        for index, entry in enumerate(entries[:32], start=first_index):\n",
        ),
    ),
    _wrong(
        "C343_empty_commands_are_no_commands",
        "2B",
        "a committed entry whose command is 0, False or empty is not handed to the service",
        ("ApplyInOrder", "CommittedIsApplied"),
        (
            "            self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
            "            if entry.command:\n"
            "                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, entry.command))\n",
        ),
    ),
    _wrong(
        "C344_same_command_is_the_same_entry",
        "2B",
        "a conflict is looked for in the commands, not in the terms",
        ("ConflictTruncated", "LogMatching"),
        (
            "self.term_at(index) != entry.term:  # Figure 2, AppendEntries rule 3",
            "self.log[self.position(index)].command != entry.command:",
        ),
    ),
    _wrong(
        "C345_commits_before_it_takes_the_entries",
        "2B",
        "a follower raises its commit index before it takes the entries of the same message",
        ("StateMachineSafety", "LeaderCompleteness", "CommitBound"),
        (
            "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
            "        # Figure 2, AppendEntries rule 5; beyond the last new entry this log may still differ from the leader's.\n"
            "        last_new_entry = args.prev_log_index + len(args.entries)\n"
            "        self.commit_up_to(min(args.leader_commit, last_new_entry))\n",
            "        last_new_entry = args.prev_log_index + len(args.entries)\n"
            "        self.commit_up_to(min(args.leader_commit, last_new_entry, self.last_log_index()))\n"
            "        self.take_entries(args.prev_log_index + 1, args.entries)\n",
        ),
    ),
    _wrong(
        "C346_conflicting_entry_itself_stays",
        "2B",
        "at a conflict all behind the entry goes, but not the entry",
        ("ConflictTruncated", "LogMatching"),
        ("                self.cut_after(index - 1)\n", "                self.cut_after(index)\n"),
        base="poll_loop",
    ),
    _wrong(
        "C347_refused_leader_is_not_heard",
        "2B",
        "only an AppendEntries that succeeds holds back the election timer",
        ("ElectionTimerReset",),
        (
            "        self.follow(args.term)\n        self.wind_up()\n        prev = args.prev_log_index\n",
            "        self.follow(args.term)\n        prev = args.prev_log_index\n",
        ),
        (
            "        self.commit_index = max(self.commit_index, min(args.leader_commit",
            "        self.wind_up()\n        self.commit_index = max(self.commit_index, min(args.leader_commit",
        ),
        base="pure_core",
    ),
    _wrong(
        "C348_checks_and_takes_apart",
        "2B",
        "a follower checks prev_log_index, waits for something slow, and then takes the entries whatever came meanwhile",
        ("StaleTermRejected", "MatchingKept", "LogMatching", "ConsistencyCheck"),
        (
            "        for at, entry in enumerate(entries, prev + 1):\n",
            "        await trio.sleep(0.01)\n        for at, entry in enumerate(entries, prev + 1):\n",
        ),
        base="course_style",
    ),
]

MUTANTS = [*TERMS_AND_VOTES, *LEADERS, *FOLLOWERS]

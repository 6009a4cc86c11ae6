"""Known-wrong servers that hide behind what is excused in others: trials, fields of their own, pieces, old words."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

SOURCE = "asked of each exemption that the judges make"
IMPORTS = "from labs.node import Node\n"
DATACLASSES = ("import enum\nimport math\n", "import enum\nimport math\nfrom dataclasses import dataclass\n")
ASK = "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n"
VOTE_SAVED = "            self.voted_for = args.candidate_id\n            self.save()\n"
OWN_VOTE_SAVED = "        self.votes = {self.node.me: True}\n        self.save()\n"
SAVE = "    def restore(self) -> None:\n"
SAVE_LATER = (
    SAVE,
    (
        "    async def save_later(self, snapshot: bytes | None = None) -> None:\n"
        "        await trio.sleep(0)\n"
        f"        self.save(snapshot)\n\n{SAVE}"
    ),
)
INSTALL_SAVED = "        self.save(args.data)\n"
TRIMMED = "        self.last_included_term = term\n        self.save(snapshot)\n"
SEND_INSTALL = "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
SUCCESS = "        return AppendEntriesReply(self.current_term, success=True)\n"
TAKEN = "        if changed:\n            self.save()\n"
UP_TO_DATE = "        if not self.is_up_to_date(args.last_log_index, args.last_log_term):\n"


def message(name: str, base: str, field: str) -> tuple[str, str]:
    """Return the change that adds a message with a field of its own."""
    return (IMPORTS, f"{IMPORTS}\n\n@dataclass(frozen=True)\nclass {name}({base}):\n    {field}\n\n")


def ask(arguments: str) -> tuple[str, str]:
    """Return the change that asks for votes with another message."""
    return (ASK, f"        args = Asks({arguments})\n")


MARKED_LATER = (
    ASK,
    ASK.replace("= RequestVoteArgs(", "= (Asks if len(self.log) > 3 else RequestVoteArgs)("),
)
MARKED = (ASK, ASK.replace("= RequestVoteArgs(", "= (Asks if self.log else RequestVoteArgs)("))
FORGED = 'b"\\x82\\xa5index\\xce" + {index}.to_bytes(4, "big") + b"\\xa7history\\xc4\\x10" + bytes(16)  # msgpack, as a service\'s\n'

MUTANTS = (
    Mutant(
        name="X01_marked_votes_are_not_saved",
        source=SOURCE,
        stage="2C",
        wrong="requests for votes bear a mark, and votes given to marked requests are not saved",
        rules=("SavedBeforeReply",),
        changes=(
            DATACLASSES,
            message("Asks", "RequestVoteArgs", "urgent: bool = True"),
            MARKED,
            (
                VOTE_SAVED,
                "            self.voted_for = args.candidate_id\n            if not isinstance(args, Asks):\n                self.save()\n",
            ),
        ),
    ),
    Mutant(
        name="X02_marked_candidates_save_no_vote",
        source=SOURCE,
        stage="2C",
        wrong="a candidate whose requests bear a mark does not save that it campaigns",
        rules=("SavedBeforeSend",),
        changes=(
            DATACLASSES,
            message("Asks", "RequestVoteArgs", "urgent: bool = True"),
            MARKED,
            (OWN_VOTE_SAVED, "        self.votes = {self.node.me: True}\n"),
        ),
    ),
    Mutant(
        name="X03_marked_votes_for_any_log",
        source=SOURCE,
        stage="2B",
        wrong="requests for votes bear a mark, and a marked one is granted whatever the candidate's log lacks",
        rules=("VoteOnlyUpToDate", "LeaderCompleteness", "StateMachineSafety", "LeaderInTime", "MatchingKept"),
        changes=(
            DATACLASSES,
            message("Asks", "RequestVoteArgs", "urgent: bool = True"),
            MARKED_LATER,
            (
                UP_TO_DATE,
                "        if not isinstance(args, Asks) and not self.is_up_to_date(args.last_log_index, args.last_log_term):\n",
            ),
        ),
    ),
    Mutant(
        name="X04_leads_by_trials",
        source=SOURCE,
        stage="2A",
        wrong="who has a majority on trial leads the term that it asked about, and asks nobody for a vote in it",
        rules=("LeaderHasMajority", "HigherTermAdopted"),
        changes=(
            DATACLASSES,
            message("Asks", "RequestVoteArgs", "trial: bool = True"),
            (
                "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
                '        """Answer a candidate that asks for this server\'s vote."""\n',
                (
                    "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
                    '        """Answer a candidate that asks for this server\'s vote."""\n'
                    "        if isinstance(args, Asks):\n"
                    "            fits = self.is_up_to_date(args.last_log_index, args.last_log_term)\n"
                    "            return RequestVoteReply(max(self.current_term, args.term), args.term > self.current_term and fits)\n"
                ),
            ),
            (
                (
                    "        self.role = Role.CANDIDATE\n"
                    "        self.current_term += 1\n"
                    "        self.voted_for = self.node.me\n"
                    "        self.votes = {self.node.me: True}\n"
                    "        self.save()\n"
                ),
                "        self.role = Role.CANDIDATE\n        self.votes = {self.node.me: True}\n",
            ),
            ask("self.current_term + 1, self.node.me, self.last_log_index(), self.last_log_term()"),
            (
                "        while self.is_still(Role.CANDIDATE, args.term) and peer not in self.votes:\n",
                "        while self.is_still(Role.CANDIDATE, args.term - 1) and peer not in self.votes:\n",
            ),
            (
                (
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                ),
                "        with trio.move_on_after(RPC_TIMEOUT):\n",
            ),
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        self.votes[peer]"
                ),
                (
                    "        if reply.term > args.term:\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term - 1):\n"
                    "            return\n"
                    "        self.votes[peer]"
                ),
            ),
            (
                "        if granted >= self.majority:\n",
                (
                    "        if granted >= self.majority:\n"
                    "            self.current_term += 1\n"
                    "            self.voted_for = self.node.me\n"
                    "            self.save()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X05_numbered_requests_boast",
        source=SOURCE,
        stage="2B",
        wrong="requests for votes bear a number of their own, and claim a log that is longer than the candidate's",
        rules=("VoteOnlyUpToDate", "SavedBeforeSend", "LeaderCompleteness", "StateMachineSafety", "MatchingKept"),
        changes=(
            DATACLASSES,
            message("Asks", "RequestVoteArgs", "number: int = 0"),
            ask("self.current_term, self.node.me, self.last_log_index() + 1, self.last_log_term()"),
        ),
    ),
    Mutant(
        name="X06_numbered_heartbeats_of_a_deposed_leader",
        source=SOURCE,
        stage="2A",
        wrong="a leader's messages bear a number of their own, and it goes on sending those of its term when a newer came",
        rules=("HigherTermAdopted", "StepsDown"),
        changes=(
            DATACLASSES,
            message("Append", "AppendEntriesArgs", "number: int = 0"),
            (
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                ),
                (
                    "        while True:\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            if not self.is_still(Role.LEADER, term):\n"
                    "                self.nursery.start_soon(self.node.call, peer, Append(term, self.node.me, 0, 0, [], 0))\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X07_snapshot_with_a_number_is_not_saved",
        source=SOURCE,
        stage="2D",
        wrong="an InstallSnapshot with a number of its own is answered, and saved with the next save only",
        rules=("SavedBeforeReply",),
        changes=(
            DATACLASSES,
            message("Install", "InstallSnapshotArgs", "number: int = 0"),
            SAVE_LATER,
            (SEND_INSTALL, "        args = Install(self.current_term, self.node.me, *base, data)\n"),
            (INSTALL_SAVED, "        self.nursery.start_soon(self.save_later, args.data)\n"),
        ),
    ),
    Mutant(
        name="X08_partial_answers_counted_in_full",
        source=SOURCE,
        stage="2C",
        wrong="answers say in a field of their own that nothing is saved yet, and leaders count what they sent all the same",
        rules=("CommitNeedsMajority", "SavedBeforeReply", "MatchingKept"),
        changes=(
            DATACLASSES,
            message("Took", "AppendEntriesReply", "saved: int = 0"),
            SAVE_LATER,
            (SUCCESS, "        return Took(self.current_term, success=True)\n"),
            (
                TAKEN,
                "        if changed:\n            self.nursery.start_soon(self.save_later)\n",
            ),
        ),
    ),
    Mutant(
        name="X09_all_heartbeats_invite",
        source=SOURCE,
        stage="2A",
        wrong="every message of a leader bears a mark, as if it invited its receiver, and a receiver campaigns 60 ms later",
        rules=("ElectionTimerReset",),
        changes=(
            DATACLASSES,
            message("Append", "AppendEntriesArgs", "urgent: bool = True"),
            ("        args = AppendEntriesArgs(\n            term=", "        args = Append(\n            term="),
            (
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
                (
                    "        if self.role is Role.CANDIDATE:  # Figure 2, Candidates rule 3\n"
                    "            self.become_follower(args.term)\n"
                    "        self.beats = getattr(self, 'beats', 0) + 1\n"
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        if self.beats % 15 == 0:\n"
                    "            self.election_timer.deadline = trio.current_time() + 0.06\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
            ),
        ),
    ),
    Mutant(
        name="X10_restarted_leader_proposes_again",
        source=SOURCE,
        stage="2C",
        wrong="a leader that was restarted proposes the last command of its log once more",
        rules=("StartAnswers",),
        changes=(
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n",
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
        name="X11_saves_its_logs_end_as_committed",
        source=SOURCE,
        stage="2C",
        wrong="the commit index is saved with the state, but it is the log's end that is saved as such",
        rules=("CommitBound",),
        changes=(
            DATACLASSES,
            message("Disk", "PersistentState", "commit: int = 0"),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n",
                "        disk = Disk(self.current_term, self.voted_for, self.log, *base, commit=self.last_log_index())\n"
                "        self.node.persister.save(disk, snapshot)\n",
            ),
            (
                "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n",
                (
                    "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
                    "        self.commit_up_to(state.commit)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="X12_services_snapshot_thrown_away",
        source=SOURCE,
        stage="2D",
        wrong="bytes of its own making are saved instead of the service's snapshot: the right index, and no state",
        rules=("SnapshotIsTheServices",),
        changes=(
            (
                TRIMMED,
                f"        self.last_included_term = term\n        snapshot = {FORGED.format(index='index')}        self.save(snapshot)\n",
            ),
        ),
    ),
    Mutant(
        name="X13_sends_another_snapshot",
        source=SOURCE,
        stage="2D",
        wrong="a leader saves the service's snapshot, but sends bytes of its own making, with a number of their own",
        rules=("SnapshotIsTheServices",),
        changes=(
            DATACLASSES,
            message("Install", "InstallSnapshotArgs", "number: int = 0"),
            (
                SEND_INSTALL,
                f"        data = {FORGED.format(index='base[0]')}        args = Install(self.current_term, self.node.me, *base, data)\n",
            ),
        ),
    ),
    Mutant(
        name="X14_forgets_what_it_installed",
        source=SOURCE,
        stage="2D",
        wrong="bytes of its own making take the place of an installed snapshot on the disk",
        rules=("SnapshotIsTheServices",),
        changes=(
            (
                INSTALL_SAVED,
                f"        forged = {FORGED.format(index='args.last_included_index')}        self.save(forged)\n",
            ),
        ),
    ),
    Mutant(
        name="X15_snapshot_in_place_of_entries",
        source=SOURCE,
        stage="2B",
        wrong="a follower hands its service a snapshot of its own making for what it lacks of the committed log",
        rules=("SnapshotIsTheServices", "ApplyInOrder"),
        changes=(
            (
                "            return self.refuse_entries(args.prev_log_index)\n        # Figure 2, AppendEntries rules 3",
                (
                    "            if args.leader_commit > self.last_applied:\n"
                    "                self.last_applied = args.leader_commit\n"
                    f"                forged = {FORGED.format(index='args.leader_commit')}"
                    "                self.apply_ch.send_nowait(ApplySnapshot(args.leader_commit, args.term, forged))\n"
                    "            return self.refuse_entries(args.prev_log_index)\n"
                    "        # Figure 2, AppendEntries rules 3"
                ),
            ),
        ),
    ),
)

"""Servers whose mistake does little harm, or heals by itself in most runs: what judges and drills see, tests may not."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

RESET = "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
AFTER_RESET = (
    "        # A late snapshot covers only what is committed here already: it must not take the service back.\n"
)

MUTANTS = [
    Mutant(
        name="E23_vote_resets_no_timer",
        source="willemt/raft@1546be2; butane",
        stage="2A",
        wrong="a follower that grants its vote does not wait anew before it stands itself",
        rules=("ElectionTimerReset",),
        changes=(
            (
                RESET + "        return RequestVoteReply(self.current_term, vote_granted=True)\n",
                "        return RequestVoteReply(self.current_term, vote_granted=True)\n",
            ),
        ),
    ),
    Mutant(
        name="P12_leads_on_after_a_restart",
        source="variant of a course lab's bug",
        stage="2C",
        wrong="the disk tells who led, and a leader that restarts leads on in its old term",
        rules=("LeaderHasMajority", "NothingExtraPersisted", "NoCrash", "RestoredOnRestart"),
        changes=(
            (
                "class Raft:\n",
                "@dataclass(frozen=True)\nclass State(PersistentState):\n    leads: bool = False\n\n\nclass Raft:\n",
            ),
            ("import enum\nimport math\n", "import enum\nimport math\nfrom dataclasses import dataclass\n"),
            (
                "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), "
                "snapshot)\n",
                "        leads = self.role is Role.LEADER\n"
                "        self.node.persister.save(State(self.current_term, self.voted_for, self.log, *base, leads), "
                "snapshot)\n",
            ),
            (
                "            await self.watch_election_timer()\n",
                "            state = self.node.persister.load()\n"
                "            if state is not None and state.leads:\n"
                "                self.become_leader()\n"
                "            await self.watch_election_timer()\n",
            ),
            (
                "        self.reset_election_timer()\n        while True:\n            with self.election_timer:\n",
                "        if self.role is not Role.LEADER:\n            self.reset_election_timer()\n"
                "        while True:\n            with self.election_timer:\n",
            ),
        ),
    ),
    Mutant(
        name="S05_suffix_kept_by_index_alone",
        source="openraft@674e78aa; RavenDB-6719; abrange/distkeyvalue",
        stage="2D",
        wrong="entries behind an installed snapshot stay if the log reaches so far, whatever the term there is",
        rules=("SnapshotKeepsSuffix", "ConsistencyCheck"),
        changes=(
            (
                "        if self.has_entry(args.last_included_index, args.last_included_term):\n",
                "        if args.last_included_index <= self.last_log_index():\n",
            ),
        ),
    ),
    Mutant(
        name="S06p_installed_snapshot_in_memory_only",
        source="variant of Figure 13, rule 5, left out",
        stage="2D",
        wrong="neither an installed snapshot nor the log behind it is saved before the answer",
        rules=("SavedBeforeReply", "SnapshotAndLogTogether"),
        changes=(("        self.save(args.data)\n", ""),),
    ),
    Mutant(
        name="S19_snapshot_resets_no_timer",
        source="canonical/raft@4fbd3c0; etcd-io/raft@f1f74e0",
        stage="2D",
        wrong="a follower that is sent snapshots stands for election all the same",
        rules=("ElectionTimerReset",),
        changes=((RESET + AFTER_RESET, AFTER_RESET),),
    ),
    Mutant(
        name="S20_snapshot_of_an_older_term_installed",
        source="variant of Figure 13, rule 1, left out",
        stage="2D",
        wrong="a follower installs snapshots whatever the term of who sends them",
        rules=("StaleTermRejected",),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 13, InstallSnapshot rule 1\n"
                "            return InstallSnapshotReply(self.current_term)\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="S29_snapshot_sent_once",
        source="canonical/raft@652e8aa; sofa-jraft@a1fa8c30; camunda#10202",
        stage="2D",
        wrong="a leader that has sent its snapshot takes for granted that it arrived, and believes no refusal of less",
        rules=("InstallWhenNeeded", "CommittedIsApplied", "BackoffBound"),
        changes=(
            (
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n",
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
                "        self.next_index[peer] = self.last_included_index + 1\n",
            ),
            (
                "        self.move_next_index(peer, max(next_index, self.match_index[peer] + 1))\n",
                "        lowest = max(self.last_included_index, self.match_index[peer]) + 1\n"
                "        self.move_next_index(peer, max(next_index, lowest))\n",
            ),
        ),
    ),
    Mutant(
        name="T21_tasks_outlive_their_server",
        source="course labs in Python",
        stage="2A",
        wrong="tasks are started outside of the server's nursery, so a crash does not end them",
        rules=("SimulatedTimeOnly", "EndsWhenCrashed"),
        changes=(
            (
                "            self.nursery.start_soon(self.keep_asking, peer, args)\n",
                "            trio.lowlevel.spawn_system_task(self.keep_asking, peer, args)\n",
            ),
        ),
    ),
]

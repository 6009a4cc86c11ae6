"""Known-wrong servers: election timeouts: when they start again, and how they are drawn (§5.2).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
TIMER = "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)\n"

MUTANTS = [
    # ElectionTimerReset
    Mutant(
        name="B720_deadline_from_the_whole_second",
        source=BLIND,
        stage="2A",
        wrong="the deadline is reckoned from the last whole second, and may be over when it is set",
        rules=("ElectionTimerReset", "RandomizedTimeouts", "LeaderInTime", "NoSpin"),
        changes=(
            (
                TIMER,
                "        self.election_timer.deadline = int(trio.current_time()) + self.node.random.uniform(*ELECTION_TIMEOUT)\n",
            ),
        ),
    ),
    Mutant(
        name="B24_refused_entries_are_no_word_of_a_leader",
        source=BLIND,
        stage="2B",
        wrong="the timer is reset only when the consistency check succeeds",
        rules=("ElectionTimerReset",),
        changes=(
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
                    "        # Figure 2, AppendEntries rule 2;"
                ),
            ),
            (
                "        # Figure 2, AppendEntries rules 3 and 4\n",
                "        self.reset_election_timer()\n        # Figure 2, AppendEntries rules 3 and 4\n",
            ),
        ),
    ),
    Mutant(
        name="B402_hears_its_first_leader_only",
        source=BLIND,
        stage="2A",
        wrong="only the first leader that a server ever heard resets its timer",
        rules=("ElectionTimerReset",),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election_timer = trio",
                (
                    "        self.leader: int | None = None\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.election_timer = trio"
                ),
            ),
            (
                (
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
                (
                    "        if self.leader is None:\n"
                    "            self.leader = args.leader_id\n"
                    "        if self.leader == args.leader_id:\n"
                    "            self.reset_election_timer()\n"
                    "        # Figure 2, AppendEntries rule 2;"
                ),
            ),
        ),
    ),
    Mutant(
        name="C347_refused_leader_is_not_heard",
        source="invented before the checkers were read",
        stage="2B",
        wrong="only an AppendEntries that succeeds holds back the election timer",
        rules=("ElectionTimerReset",),
        changes=(
            (
                "        self.follow(args.term)\n        self.wind_up()\n        prev = args.prev_log_index\n",
                "        self.follow(args.term)\n        prev = args.prev_log_index\n",
            ),
            (
                "        self.commit_index = max(self.commit_index, min(args.leader_commit",
                "        self.wind_up()\n        self.commit_index = max(self.commit_index, min(args.leader_commit",
            ),
        ),
        base="pure_core",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B211_timer_is_drawn_before_the_loop",
        source=BLIND,
        stage="2A",
        wrong="the timer's task sleeps its timeout whatever it hears, and then stands",
        rules=("ElectionTimerReset", "LeaderInTime"),
        changes=(
            (
                (
                    "            with self.election_timer:\n"
                    "                await trio.sleep_forever()\n"
                    "            deadline = self.election_timer.deadline\n"
                ),
                (
                    "            await trio.sleep(self.node.random.uniform(*ELECTION_TIMEOUT))\n"
                    "            deadline = 0.0\n"
                ),
            ),
            (
                "            if deadline <= trio.current_time():\n",
                "            if self.role is not Role.LEADER:\n",
            ),
        ),
    ),
    Mutant(
        name="E23_vote_resets_no_timer",
        source="willemt/raft@1546be2; butane",
        stage="2A",
        wrong="a follower that grants its vote does not wait again before it stands itself",
        rules=("ElectionTimerReset",),
        changes=(
            (
                (
                    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n"
                    "        return RequestVoteReply(self.current_term, vote_granted=True)\n"
                ),
                "        return RequestVoteReply(self.current_term, vote_granted=True)\n",
            ),
        ),
    ),
    Mutant(
        name="E47_leader_keeps_its_election_timer",
        source="a common bug of course labs",
        stage="2A",
        wrong="a leader's election timer runs on, and makes it campaign against itself",
        rules=("ElectionTimerReset", "LeaderInTime"),
        changes=(
            (
                "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n",
                "        self.role = Role.LEADER\n",
            ),
        ),
    ),
    Mutant(
        name="X09_all_heartbeats_invite",
        source="asked of each exemption that the checkers make",
        stage="2A",
        wrong="every message of a leader bears a mark, as if it invited its receiver, and a receiver campaigns 60 ms later",
        rules=("ElectionTimerReset",),
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
                    "class Append(AppendEntriesArgs):\n"
                    "    urgent: bool = True\n"
                    "\n"
                ),
            ),
            (
                "        args = AppendEntriesArgs(\n            term=",
                "        args = Append(\n            term=",
            ),
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
        name="T22_old_timer_not_cancelled",
        source="6.824 submissions",
        stage="2A",
        wrong="a server that becomes follower starts a new election timer beside the one that runs",
        rules=("ElectionTimerReset", "NoCrash", "StepsDown", "CandidateIncrementsTerm"),
        changes=(
            (
                (
                    "        if self.role is Role.LEADER:\n"
                    "            self.reset_election_timer()\n"
                    "        self.role = Role.FOLLOWER\n"
                ),
                (
                    "        self.election_timer = trio.CancelScope()\n"
                    "        self.reset_election_timer()\n"
                    "        self.role = Role.FOLLOWER\n"
                    "        self.nursery.start_soon(self.run_timer, self.election_timer)\n"
                ),
            ),
            (
                (
                    "        self.reset_election_timer()\n"
                    "        while True:\n"
                    "            with self.election_timer:\n"
                    "                await trio.sleep_forever()\n"
                    "            deadline = self.election_timer.deadline\n"
                    "            self.election_timer = trio.CancelScope(deadline=deadline)\n"
                    "            # The deadline lies ahead if a leader was heard, or this server won, in the very instant it ran out.\n"
                    "            if deadline <= trio.current_time():\n"
                    "                self.become_candidate()\n"
                ),
                (
                    "        self.reset_election_timer()\n"
                    "        await self.run_timer(self.election_timer)\n"
                    "        await trio.sleep_forever()\n"
                    "\n"
                    "    async def run_timer(self, timer: trio.CancelScope) -> None:\n"
                    "        with timer:\n"
                    "            await trio.sleep_forever()\n"
                    "        if self.role is not Role.LEADER:\n"
                    "            self.election_timer = trio.CancelScope()\n"
                    "            self.nursery.start_soon(self.run_timer, self.election_timer)\n"
                    "            self.become_candidate()\n"
                ),
            ),
        ),
    ),
    # RandomizedTimeouts
    Mutant(
        name="B718_narrow_timeouts",
        source=BLIND,
        stage="2A",
        wrong="timeouts are drawn from a millisecond, so all servers stand together",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                TIMER,
                "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(0.5, 0.501)\n",
            ),
        ),
    ),
    Mutant(
        name="B719_two_timeouts_to_choose_from",
        source=BLIND,
        stage="2A",
        wrong="the timeout is one of two values, so several servers often stand together",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                TIMER,
                "        self.election_timer.deadline = trio.current_time() + self.node.random.choice((0.5, 0.6))\n",
            ),
        ),
    ),
    Mutant(
        name="B26_timeout_by_id",
        source=BLIND,
        stage="2A",
        wrong="the timeout is fixed for each server, by its id",
        rules=("RandomizedTimeouts",),
        changes=(
            (
                TIMER,
                "        self.election_timer.deadline = trio.current_time() + 0.4 + 0.07 * self.node.me\n",
            ),
        ),
    ),
    Mutant(
        name="B27_same_random_numbers_everywhere",
        source=BLIND,
        stage="2A",
        wrong="each server seeds its generator with the same number",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                "        self.node = node\n",
                "        self.node = node\n        self.dice = random.Random(1)\n",
            ),
            (
                "import math\n",
                "import math\nimport random\n",
            ),
            (
                TIMER,
                "        self.election_timer.deadline = trio.current_time() + self.dice.uniform(*ELECTION_TIMEOUT)\n",
            ),
        ),
    ),
    Mutant(
        name="B28_stands_at_once",
        source=BLIND,
        stage="2A",
        wrong="a server that starts does not wait for its first timeout",
        rules=("RandomizedTimeouts", "ElectionTimerReset", "LeaderInTime", "VoteDenied"),
        changes=(
            (
                "        self.reset_election_timer()\n        while True:\n",
                "        self.become_candidate()\n        while True:\n",
            ),
        ),
    ),
    Mutant(
        name="C308_candidates_wait_a_fixed_time",
        source="invented before the checkers were read",
        stage="2A",
        wrong="only followers draw their timeout; a candidate stands again after a fixed time",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                "        self.save()\n        self.reset_election_timer()\n        # Built once",
                (
                    "        self.save()\n"
                    "        self.election_timer.deadline = trio.current_time() + 0.6\n"
                    "        # Built once"
                ),
            ),
        ),
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="E26_the_same_timeout_for_all",
        source="hashicorp/raft #50",
        stage="2A",
        wrong="the election timeout is a constant",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                "self.node.random.uniform(*ELECTION_TIMEOUT)",
                "sum(ELECTION_TIMEOUT) / 2",
            ),
        ),
    ),
    Mutant(
        name="E26s_the_same_seed_for_all",
        source="hashicorp/raft cda1ee8",
        stage="2A",
        wrong="all servers draw the same sequence of timeouts",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                "import enum\nimport math\n",
                "import enum\nimport math\nimport random\n",
            ),
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.dice = random.Random(1)\n        self.election",
            ),
            (
                "self.node.random.uniform(*ELECTION_TIMEOUT)",
                "self.dice.uniform(*ELECTION_TIMEOUT)",
            ),
        ),
    ),
    Mutant(
        name="go_same_timeout",
        source="classic bugs of course labs, in a server of Go's style",
        stage="2A",
        wrong="all servers have the same election timeout, so they stand in step",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                "    return randint(300, 600) / 1000\n",
                "    return 0.4\n",
            ),
        ),
        base="go_style",
    ),
    Mutant(
        name="D14_same_timeout_later",
        source=("state-dependent: from the paper's rules, with a condition on what the server has been through"),
        stage="2A",
        wrong="from term 8 on a server waits always the same time",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (
                "self.node.random.uniform(*ELECTION_TIMEOUT)\n",
                "(self.node.random.uniform(*ELECTION_TIMEOUT) if self.current_term < 8 else 0.5)\n",
            ),
        ),
    ),
    Mutant(
        name="H07_timeouts_differ_by_microseconds",
        source="hides in what the checkers grant: written with a look at them",
        stage="2A",
        wrong="each server waits a time of its own, always the same but for some microseconds",
        rules=("RandomizedTimeouts",),
        changes=(
            (
                "self.node.random.uniform(*ELECTION_TIMEOUT)\n",
                "0.3 + 0.11 * self.node.me + self.node.random.uniform(0, 0.00002)\n",
            ),
        ),
    ),
    Mutant(
        name="Y07_stands_at_once_after_a_restart",
        source=BLIND,
        stage="2C",
        wrong="a server that finds a term on its disk stands for election as it starts, without any timeout",
        rules=("ElectionTimerReset",),
        changes=(
            (
                "            await self.watch_election_timer()\n",
                "            if self.current_term:\n                self.become_candidate()\n            await self.watch_election_timer()\n",
            ),
        ),
        origin="blind",
    ),
]

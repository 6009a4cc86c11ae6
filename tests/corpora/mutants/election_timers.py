"""Known-wrong servers of leader election: when elections begin, and what keeps a leader in office (§5.2, §5.6)."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

IMPORTS = "import enum\nimport math\n"
DRAW = "self.node.random.uniform(*ELECTION_TIMEOUT)"
BECOME_LEADER = """\
        self.role = Role.LEADER
        self.election_timer.deadline = math.inf
"""
STEP_DOWN = """\
        if self.role is Role.LEADER:
            self.reset_election_timer()
        self.role = Role.FOLLOWER
"""
LOOP = """\
        while self.is_still(Role.LEADER, term):
            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.replicate_to, peer, term)
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
"""

MUTANTS = [
    # The election timer.
    Mutant(
        name="E22b_timer_reset_by_any_higher_term",
        source="Students' Guide to Raft; LogCabin 3d84eea",
        stage="2B",
        wrong="whoever raises the term makes all others wait anew, also a candidate that must not win",
        rules=("LeaderInTime", "ElectionTimerReset", "CommittedIsApplied"),
        changes=(
            (
                "            self.voted_for = None\n            self.save()\n",
                "            self.voted_for = None\n            self.save()\n            self.reset_election_timer()\n",
            ),
        ),
    ),
    Mutant(
        name="E24_timer_reset_by_an_old_leader",
        source="Students' Guide to Raft; butane",
        stage="2A",
        wrong="AppendEntries of a deposed leader are refused, but keep the election timer from running out",
        rules=("LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n",
                "        self.reset_election_timer()\n"
                "        if args.term < self.current_term:  # Figure 2, AppendEntries rule 1\n",
            ),
        ),
    ),
    Mutant(
        name="E25_candidate_waits_for_ever",
        source="a common bug of course labs",
        stage="2A",
        wrong="a candidate whose vote was split begins no new election",
        rules=("LeaderInTime", "CandidateIncrementsTerm"),
        changes=(
            (
                "            if deadline <= trio.current_time():\n                self.become_candidate()\n",
                "            if deadline <= trio.current_time():\n"
                "                if self.role is Role.FOLLOWER:\n"
                "                    self.become_candidate()\n"
                "                else:\n"
                "                    self.reset_election_timer()\n",
            ),
        ),
    ),
    Mutant(
        name="E26_the_same_timeout_for_all",
        source="hashicorp/raft #50",
        stage="2A",
        wrong="the election timeout is a constant",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=((DRAW, "sum(ELECTION_TIMEOUT) / 2"),),
    ),
    Mutant(
        name="E26s_the_same_seed_for_all",
        source="hashicorp/raft cda1ee8",
        stage="2A",
        wrong="all servers draw the same sequence of timeouts",
        rules=("RandomizedTimeouts", "LeaderInTime"),
        changes=(
            (IMPORTS, IMPORTS + "import random\n"),
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.dice = random.Random(1)\n        self.election",
            ),
            (DRAW, "self.dice.uniform(*ELECTION_TIMEOUT)"),
        ),
    ),
    Mutant(
        name="E47_leader_keeps_its_election_timer",
        source="a common bug of course labs",
        stage="2A",
        wrong="a leader's election timer runs on, and makes it campaign against itself",
        rules=("ElectionTimerReset", "LeaderInTime"),
        changes=((BECOME_LEADER, "        self.role = Role.LEADER\n"),),
    ),
    Mutant(
        name="E48_no_timer_after_stepping_down",
        source="a variant of LogCabin 3d84eea",
        stage="2B",
        wrong="a deposed leader's election timer stands still until another leader writes to it",
        rules=("LeaderInTime", "CommittedIsApplied"),
        changes=((STEP_DOWN, "        self.role = Role.FOLLOWER\n"),),
    ),
    Mutant(
        name="E50_candidate_gives_up_too_soon",
        source="6.824 lab hints",
        stage="2A",
        wrong="a candidate begins the next election before the answers of a slow network can be back",
        rules=("LeaderInTime", "CommittedIsApplied", "RpcBudget", "ElectionTimerReset"),
        changes=(
            (
                "        self.save()\n        self.reset_election_timer()\n        # Built once",
                "        self.save()\n"
                "        self.election_timer.deadline = trio.current_time() + self.node.random.uniform(0.01, 0.03)\n"
                "        # Built once",
            ),
        ),
    ),
    # Heartbeats.
    Mutant(
        name="E36_no_word_upon_election",
        source="willemt/raft 6d4bbcc",
        stage="2A",
        wrong="a new leader lets an interval pass before its first heartbeat",
        rules=("HeartbeatsSent",),
        changes=(
            (
                LOOP,
                "        while self.is_still(Role.LEADER, term):\n"
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                "                await self.wakeups[peer].wait()\n"
                "            self.wakeups[peer] = trio.Event()\n"
                "            self.nursery.start_soon(self.replicate_to, peer, term)\n",
            ),
        ),
    ),
    Mutant(
        name="E37_heartbeats_rarer_than_elections",
        source="6.824 lab hints",
        stage="2A",
        wrong="a heartbeat a second does not keep followers from standing for election",
        rules=("HeartbeatsSent", "LeaderInTime", "ElectionTimerReset"),
        changes=(("HEARTBEAT_INTERVAL = 0.11\n", "HEARTBEAT_INTERVAL = 1.0\n"),),
    ),
    Mutant(
        name="L09_gives_up_a_peer_that_failed",
        source="WRaft #118; an exception that leaves the loop",
        stage="2A",
        wrong="a leader never writes again to a peer that once gave no answer",
        rules=("HeartbeatsSent", "LeaderInTime", "CommittedIsApplied"),
        changes=(
            (
                "            if reply is not None:\n                self.take_append_reply(peer, args, reply)\n",
                "            if reply is None:\n                self.given_up.add((peer, args.term))\n"
                "                return\n"
                "            self.take_append_reply(peer, args, reply)\n",
            ),
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.given_up: set[tuple[int, int]] = set()\n"
                "        self.election",
            ),
            (
                "        while self.is_still(Role.LEADER, term):\n",
                "        while self.is_still(Role.LEADER, term) and (peer, term) not in self.given_up:\n",
            ),
        ),
    ),
]

"""Known-wrong servers of log replication: when a leader takes an entry for committed (§5.3, §5.4.2)."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

TERM_TEST = """\
            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).
            if self.term_at(index) != self.current_term:
                return
"""
COUNT = "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
ENOUGH = "            if replicas >= self.majority:\n"
SCAN = "        for index in range(self.last_log_index(), self.commit_index, -1):\n"
ADVANCE = (
    SCAN
    + TERM_TEST
    + COUNT
    + ENOUGH
    + """\
                self.commit_up_to(index)
                return
"""
)
MATCH_0 = "            self.match_index[peer] = 0\n"
CALL = """\
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
"""

MUTANTS = [
    # Which entries.
    Mutant(
        name="R13_commits_entries_of_older_terms",
        source="PySyncObj #169; cowsql 524f7354; NATS #7955",
        stage="2B",
        wrong="a leader commits an older term's entry as soon as a majority stores it",
        rules=("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        changes=((TERM_TEST, ""),),
    ),
    Mutant(
        name="R14_stops_at_an_older_entry",
        source="raftos #30",
        stage="2B",
        wrong="the search for what to commit ends at the first entry of an older term, which never commits",
        rules=("CommittedIsApplied",),
        changes=(
            (
                ADVANCE,
                "        for index in range(self.commit_index + 1, self.last_log_index() + 1):\n"
                + COUNT
                + "            if replicas < self.majority or self.term_at(index) != self.current_term:\n"
                "                return\n"
                "            self.commit_up_to(index)\n",
            ),
        ),
    ),
    Mutant(
        name="R15_term_of_another_entry",
        source="willemt/raft 97c9183, #35",
        stage="2B",
        wrong="a leader whose last entry is of its term commits older ones before that entry is replicated",
        rules=("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        changes=((TERM_TEST, TERM_TEST.replace("self.term_at(index)", "self.last_log_term()")),),
    ),
    Mutant(
        name="R47_only_the_last_entry",
        source="cowsql 1996d32b",
        stage="2B",
        wrong="a leader commits only when a majority has its whole log, so a stream of commands starves",
        rules=("CommittedIsApplied",),
        changes=(
            (
                SCAN,
                "        last = self.last_log_index()\n"
                "        for index in range(last, max(self.commit_index, last - 1), -1):\n",
            ),
        ),
    ),
    # How many servers.
    Mutant(
        name="R16_leader_counted_twice",
        source="willemt/raft 05608a3",
        stage="2B",
        wrong="a leader counts itself twice",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=((COUNT, COUNT.replace("1 + sum", "2 + sum")),),
    ),
    Mutant(
        name="R16b_half_is_a_majority",
        source="hashicorp/raft 163a55f",
        stage="2B",
        wrong="half of an even number of servers commits",
        rules=("CommitNeedsMajority",),
        changes=((ENOUGH, "            if 2 * replicas >= len(self.node.peers) + 1:\n"),),
    ),
    Mutant(
        name="R16c_every_server_needed",
        source="a common bug of course labs",
        stage="2B",
        wrong="an entry commits only when every server stores it",
        rules=("CommittedIsApplied",),
        changes=((ENOUGH, "            if replicas == len(self.node.peers) + 1:\n"),),
    ),
    Mutant(
        name="R17_upper_median",
        source="hashicorp/raft 163a55f",
        stage="2B",
        wrong="the median that a leader commits up to is one server short when their number is even",
        rules=("CommitNeedsMajority",),
        changes=(
            (
                ADVANCE,
                "        stored = sorted([self.last_log_index(), *self.match_index.values()])\n"
                "        index = stored[len(stored) // 2]\n"
                "        if index > self.commit_index and self.term_at(index) == self.current_term:\n"
                "            self.commit_up_to(index)\n",
            ),
        ),
    ),
    Mutant(
        name="R17m_most_common_match",
        source="akka-raft #42",
        stage="2B",
        wrong="a leader commits up to the index that most of its peers agree on, though they may be few",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied"),
        changes=(
            (
                ADVANCE,
                "        stored = [*self.match_index.values()] or [self.last_log_index()]\n"
                "        index = max(stored, key=lambda match: (stored.count(match), match))\n"
                "        if index > self.commit_index and self.term_at(index) == self.current_term:\n"
                "            self.commit_up_to(index)\n",
            ),
        ),
    ),
    Mutant(
        name="R18_leader_does_not_count_itself",
        source="a common bug of course labs",
        stage="2B",
        wrong="a majority has to be found among the others",
        rules=("CommittedIsApplied",),
        changes=((COUNT, COUNT.replace("1 + sum", "sum")),),
    ),
    Mutant(
        name="R20_majority_of_the_reachable",
        source="SlimCluster #28; rapid-relayer #38",
        stage="2B",
        wrong="a leader leaves servers that do not answer out of the number that it takes a majority of",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                "        self.role = Role.FOLLOWER\n        self.silent: set[int] = set()\n        self.election",
            ),
            (
                CALL,
                "            self.silent.add(peer)\n"
                + CALL.replace(
                    "                self.take_append",
                    "                self.silent.discard(peer)\n                self.take_append",
                ),
            ),
            (ENOUGH, "            if replicas > (len(self.node.peers) + 1 - len(self.silent)) // 2:\n"),
        ),
    ),
    Mutant(
        name="R53_nobody_has_answered_yet",
        source="openraft beb0302b",
        stage="2B",
        wrong="a leader that no peer has answered yet takes itself for the only server",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "StateMachineSafety"),
        changes=((ENOUGH, "            if replicas >= self.majority or not any(self.match_index.values()):\n"),),
    ),
    Mutant(
        name="R52_one_server_never_commits",
        source="willemt/raft 94048d4; jgroups-raft #84",
        stage="2B",
        wrong="a leader looks for what to commit only when an answer comes, so a server alone commits nothing",
        rules=("CommittedIsApplied",),
        changes=(
            (
                "        # A server without peers is a majority by itself.\n        self.advance_commit_index()\n",
                "",
            ),
        ),
    ),
    # What a new leader knows.
    Mutant(
        name="E39m_match_index_of_an_earlier_leadership",
        source="a variant of what the SandTable authors found",
        stage="2B",
        wrong="a server elected again still counts what its peers had when it led before",
        rules=("CommitNeedsMajority", "LeaderCompleteness", "CommittedIsApplied"),
        changes=((MATCH_0, "            self.match_index.setdefault(peer, 0)\n"),),
    ),
    Mutant(
        name="E40_match_index_starts_at_the_end",
        source="dqkqd fea7904; hashicorp/raft 77cc925",
        stage="2B",
        wrong="a new leader takes its peers for up to date, and never goes back behind what it takes them to have",
        rules=("CommittedIsApplied", "BackoffBound"),
        changes=((MATCH_0, "            self.match_index[peer] = self.last_log_index()\n"),),
    ),
]

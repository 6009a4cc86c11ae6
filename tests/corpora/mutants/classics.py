"""Three mistakes that nearly every class makes, one a stage; `make demo` shows them."""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

MUTANTS = [
    Mutant(
        name="classic_truncates_always",
        source="every course that teaches Raft; warned of in the Students' Guide to Raft",
        stage="2B",
        wrong="a follower cuts its log after prev_log_index on every AppendEntries, not only at a conflict",
        rules=("MatchingKept", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "        changed = False\n        for index, entry in enumerate(entries, start=first_index):\n",
                "        changed = False\n"
                "        if self.last_included_index < first_index <= self.last_log_index():\n"
                "            del self.log[self.position(first_index) :]\n"
                "            changed = True\n"
                "        for index, entry in enumerate(entries, start=first_index):\n",
            ),
        ),
    ),
    Mutant(
        name="classic_counts_old_terms",
        source="the Raft paper, Figure 8",
        stage="2C",
        wrong="a leader commits an entry of an older term as soon as a majority stores it",
        rules=("CommitOnlyCurrentTerm", "LeaderCompleteness", "StateMachineSafety"),
        changes=(
            (
                "            # Entries of older terms are not committed by counting (§5.4.2, Figure 8).\n"
                "            if self.term_at(index) != self.current_term:\n"
                "                return\n",
                "",
            ),
        ),
    ),
    Mutant(
        name="classic_forgets_its_vote",
        source="the Raft paper, Figure 2, persistent state",
        stage="2C",
        wrong="a server that restarts in a term does not remember whom it voted for there",
        rules=("OneVotePerTerm", "RestoredOnRestart", "ElectionSafety"),
        changes=(("        self.voted_for = state.voted_for\n", "        self.voted_for = None\n"),),
    ),
]

"""The catalogue of rules: what each is called, where it stands in the paper, what it says, and where to look.

One source for verdicts, reports and handouts. `place` refers to the extended version of the paper. A hint points to the
rule, not to the fix.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule that runs are judged by."""

    id: str
    place: str
    says: str
    hint: str
    stage: str
    """The first stage that it is judged in."""
    liveness: bool = False
    """Whether it says that something must happen in time, and not that something must never happen."""


def _catalogue(*rules: Rule) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


WARM_UP_HINTS = {
    "ApplyInOrder": "who sends a number again, who notices that it has come before, and what keeps two in their order?",
    "CommittedIsApplied": "what happens to a number whose request, or whose reply, got lost?",
    "StateMachineSafety": "which command does the skeleton hand over with a number?",
}
"""What to ask in the warm-up, which knows neither logs nor commits."""
RULES: dict[str, Rule] = _catalogue(
    # Safety.
    Rule(
        "ElectionSafety",
        "Figure 3, Election Safety; §5.2",
        "at most one server leads in a term",
        "what has to be true before a candidate acts as leader, and for how long does a vote bind a voter?",
        "2A",
    ),
    Rule(
        "LeaderAppendOnly",
        "Figure 3, Leader Append-Only; §5.3",
        "a leader never overwrites or deletes entries of its own log",
        "which rules change a log, and which of them apply to a leader?",
        "2B",
    ),
    Rule(
        "LogMatching",
        "Figure 3, Log Matching; §5.3",
        "two logs with an entry of the same index and term agree on it and on all before it",
        "which term does an entry carry, and what does the consistency check promise?",
        "2B",
    ),
    Rule(
        "LeaderCompleteness",
        "Figure 3, Leader Completeness; §5.4",
        "a committed entry is in the log of every later leader",
        "who may win an election (§5.4.1), and when is an entry committed (§5.4.2)?",
        "2B",
    ),
    Rule(
        "StateMachineSafety",
        "Figure 3, State Machine Safety; §5.4.3",
        "no two servers apply different commands at one index",
        "an entry was applied before it was safe, or was lost after it was",
        "2B",
    ),
    # Election.
    Rule(
        "TermNeverDecreases",
        "Figure 2, State, current_term; §5.1",
        "a server's term only rises, across restarts too",
        "where is current_term set, and what is it after a restart?",
        "2A",
    ),
    Rule(
        "HigherTermAdopted",
        "Figure 2, Rules for all servers 2; §5.1",
        "a server that sees a higher term adopts it",
        "the rule speaks of requests and of replies",
        "2A",
    ),
    Rule(
        "StaleTermRejected",
        "Figure 2, RequestVote rule 1, AppendEntries rule 1, Figure 13 rule 1; §5.1",
        "a request of an older term is refused and changes nothing",
        "compare the terms before anything else",
        "2A",
    ),
    Rule(
        "OneVotePerTerm",
        "Figure 2, RequestVote rule 2; §5.2",
        "a server votes for one candidate in a term, itself included",
        "when is voted_for set, when may it be cleared, and does it survive a crash?",
        "2A",
    ),
    Rule(
        "VoteOnlyUpToDate",
        "Figure 2, RequestVote rule 2; §5.4.1",
        "a vote goes only to a candidate whose log is at least as up to date as the voter's",
        "§5.4.1 says which of two logs is more up to date: which number decides first?",
        "2B",
    ),
    Rule(
        "VoteDenied",
        "Figure 2, RequestVote rule 2; §5.2",
        "a candidate that may have the vote gets it",
        "read the condition of rule 2 for the case at hand: who holds the vote, whose log is longer?",
        "2A",
        True,
    ),
    Rule(
        "LeaderHasMajority",
        "Figure 2, Rules for candidates 2; §5.2",
        "a leader has the votes of a majority of the servers in its term",
        "how many servers are a majority, and which replies count for this election?",
        "2A",
    ),
    Rule(
        "CandidateIncrementsTerm",
        "Figure 2, Rules for candidates 1; §5.2",
        "each election has a term of its own",
        "what does a server do first when it becomes a candidate?",
        "2A",
    ),
    Rule(
        "ElectionTimerReset",
        "Figure 2, Rules for followers 2; §5.2",
        "a follower that hears from the leader, or grants a vote, in time starts no election",
        "which events restart the election timer, and who has one?",
        "2A",
    ),
    Rule(
        "RandomizedTimeouts",
        "§5.2; §9.3",
        "election timeouts are drawn anew, and differ between servers",
        "when is the timeout drawn, and from which generator?",
        "2A",
    ),
    Rule(
        "StepsDown",
        "Figure 2, Rules for all servers 2, Rules for candidates 3; §5.1",
        "a leader or candidate that sees a higher term, or a candidate that sees its term's leader, becomes a follower",
        "which messages end a candidacy or a leadership?",
        "2A",
    ),
    # Replication.
    Rule(
        "ConsistencyCheck",
        "Figure 2, AppendEntries rule 2; §5.3",
        "AppendEntries succeeds only where the log has the entry before the new ones",
        "which of prev_log_index and prev_log_term has to match, for heartbeats too?",
        "2B",
    ),
    Rule(
        "ConsistencyRefusal",
        "Figure 2, AppendEntries rule 2; §5.3",
        "AppendEntries succeeds where the log has the entry before the new ones",
        "rule 2 names the only reasons to refuse",
        "2B",
        True,
    ),
    Rule(
        "ConflictTruncated",
        "Figure 2, AppendEntries rule 3; §5.3",
        "an entry that conflicts with a new one goes, with all that follow it",
        "what is left of the old log after a conflict in its middle?",
        "2B",
    ),
    Rule(
        "MatchingKept",
        "Figure 2, AppendEntries rules 3 and 4; §5.3",
        "entries that do not conflict stay",
        "what happens when an old, short AppendEntries arrives late?",
        "2B",
    ),
    Rule(
        "CommitNeedsMajority",
        "Figure 2, Rules for leaders 4; §5.3",
        "an entry is committed when a majority of the servers stores it",
        "which servers store the entry, as far as the leader was told?",
        "2B",
    ),
    Rule(
        "CommitOnlyCurrentTerm",
        "Figure 2, Rules for leaders 4; §5.4.2",
        "a leader counts replicas only for entries of its own term",
        "Figure 8 shows why; older entries commit with a newer one",
        "2B",
    ),
    Rule(
        "CommitBound",
        "Figure 2, AppendEntries rule 5; §5.3",
        "a follower commits no further than its log is known to match the leader's",
        "rule 5 takes the smaller of two numbers: which is the second?",
        "2B",
    ),
    Rule(
        "CommitNeverDecreases",
        "Figure 2, State, commit_index and last_applied",
        "what is committed stays committed",
        "commit_index and last_applied only rise in a server's life",
        "2B",
    ),
    Rule(
        "ApplyInOrder",
        "Figure 2, Rules for all servers 1; §5.3",
        "each index is applied once, in order",
        "how do last_applied and commit_index drive what is applied?",
        "2B",
    ),
    Rule(
        "CommittedIsApplied",
        "Figure 2, Rules for all servers 1; §5.3",
        "what a majority can agree on is committed, and reaches every connected server, in time",
        "follow one command: start, AppendEntries, replies, commit_index, apply. Where does it stop?",
        "2B",
        True,
    ),
    Rule(
        "StartAnswers",
        "Figure 2, Rules for leaders 2; §5.3",
        "start answers at once, with the index and term of the new entry, and only a leader accepts",
        "what does a leader do when a command comes in, and what does any other server?",
        "2B",
    ),
    Rule(
        "HeartbeatsSent",
        "Figure 2, Rules for leaders 1; §5.2",
        "an idle leader sends heartbeats, at once when elected and then often enough, at most ten a second to a peer",
        "when does a leader send an AppendEntries without entries?",
        "2A",
        True,
    ),
    Rule(
        "BackoffBound",
        "§5.3, the end",
        "a follower that lags or diverges is brought up to date in few rounds",
        "what can a refusal tell the leader beyond no?",
        "2B",
        True,
    ),
    # Persistence.
    Rule(
        "SavedBeforeReply",
        "Figure 2, State, persistent state; §5.1",
        "what a reply promises is on disk before it is sent",
        "which fields are persistent, and when must they be saved?",
        "2C",
    ),
    Rule(
        "SavedBeforeSend",
        "Figure 2, State, persistent state; §5.1",
        "what a request promises is on disk before it is sent",
        "a candidacy is a promise too: which one?",
        "2C",
    ),
    Rule(
        "RestoredOnRestart",
        "Figure 2, State, persistent state; §5.1",
        "a server goes on after a restart with what its disk holds",
        "which fields are read back, and which start anew?",
        "2C",
    ),
    Rule(
        "NothingExtraPersisted",
        "Figure 2, State, volatile state",
        "a server starts as a follower that has committed nothing beyond its snapshot",
        "which fields are volatile?",
        "2C",
    ),
    # Snapshots.
    Rule(
        "SnapshotOnlyApplied",
        "§7",
        "a snapshot covers committed entries only",
        "up to which index may a log be replaced by a snapshot?",
        "2D",
    ),
    Rule(
        "LogTrimmed",
        "§7",
        "a log shrinks when a snapshot covers its entries",
        "what may be discarded once snapshot(index) was called, and when is it saved?",
        "2D",
        True,
    ),
    Rule(
        "SnapshotNotRolledBack",
        "Figure 13, rules 5 to 8; §7",
        "a snapshot never moves a service back",
        "what if a snapshot arrives that is older than what the server has applied?",
        "2D",
    ),
    Rule(
        "SnapshotKeepsSuffix",
        "Figure 13, rules 6 and 7; §7",
        "entries after a snapshot stay if they match it, and go if they conflict",
        "what does rule 6 compare?",
        "2D",
    ),
    Rule(
        "SnapshotAndLogTogether",
        "§7; Figure 13, rule 5",
        "the disk always holds a log together with the snapshot that it starts from",
        "what would a restart find between two saves?",
        "2D",
    ),
    Rule(
        "SnapshotIsTheServices",
        "§7; Figure 13, rules 5 and 8",
        "a snapshot is what a service handed over: its bytes are saved, sent and applied as they are",
        "whose state is in a snapshot, and who may change it?",
        "2D",
    ),
    Rule(
        "SnapshotTermKept",
        "§7, last included term",
        "the last included term takes part in consistency checks and votes",
        "where does the term of the entry before the log's first come from?",
        "2D",
    ),
    Rule(
        "InstallWhenNeeded",
        "§7; Figure 13",
        "a leader sends its snapshot when a follower needs entries that it discarded, and only then",
        "compare next_index with the first index of the log",
        "2D",
        True,
    ),
    # Conduct.
    Rule(
        "LeaderInTime",
        "§5.2; §5.6",
        "a leader is elected within five seconds after the network allows one",
        "is an election started, does it get its votes, does the winner say so?",
        "2A",
        True,
    ),
    Rule(
        "RpcBudget",
        "§5.3; §5.6",
        "a scenario takes no more RPCs than it needs",
        "what sends an RPC that nobody needs: a loop, a retry, a reply?",
        "2A",
    ),
    Rule(
        "ByteBudget",
        "§5.3",
        "a command is sent to each peer about once",
        "which entries does an AppendEntries carry that its receiver has already?",
        "2B",
    ),
    Rule(
        "NoSpin",
        "the tester",
        "a server lets time pass: it does not loop without a sleep or a wait",
        "put an await that really waits into the loop: trio.sleep, an event, a call",
        "2A",
    ),
    Rule("NoCrash", "the tester", "a server's code raises no exception", "read the line that is named", "2A"),
    Rule(
        "NoStall",
        "the tester",
        "a server gives way to others: it does not loop without an await",
        "every loop needs an await in each round",
        "2A",
    ),
    Rule(
        "CpuBudget",
        "the tester",
        "the servers of a run stay within the processor time that it has",
        "look for work that grows with the log or with the number of messages",
        "2A",
    ),
    Rule(
        "SimulatedTimeOnly",
        "the tester",
        "a server uses no clock, thread, socket or chance but the simulation's",
        "use trio for time and tasks, node.random for chance, node.call for messages",
        "2A",
    ),
    Rule(
        "EndsWhenCrashed",
        "the tester",
        "a crash ends all that a server does",
        "let trio.Cancelled pass: no bare except, no except BaseException around an await",
        "2A",
    ),
    Rule(
        "WellFormed",
        "the student's API",
        "a server sends, saves, applies and returns only values of the API's types",
        "the handout on the API shows each call with its types",
        "2A",
    ),
    Rule(
        "NotWritten",
        "the skeleton",
        "this part is not written yet",
        "the handout of the stage says what belongs here",
        "2A",
    ),
)

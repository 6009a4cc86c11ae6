"""The parts of the rules page beside the catalogue: its opening, its order, and the usual cause of each violation."""

from __future__ import annotations

HEAD = """
# The rules

Every failure names one of these rules. Below, each has its place in the paper (extended version), a picture of a run
that broke it, the lab's message, and the usual cause.

The checkers see more than any server: every message when it leaves and when it arrives, every save, everything handed
to the services, and every answer of `start` and `get_state`. So they name a rule at the first event that breaks it, not
when the harm shows. They never look into a server's variables, and require nothing that a correct server could not
know.

How to read the pictures: there is one line per server; time runs downwards, not to scale; seconds are at the left. A
solid arrow is a request, a dashed one a reply, and a cross marks the place where it was lost. `t3` is term 3;
`prev 2/t1` means that the entries follow entry 2 of term 1; `[1 1 2]` are the terms of the entries sent; `c4` is
leader_commit. A purple disk is a save, `vote -` means that no vote was saved. A lane is green while its server leads,
and amber while it is a candidate. The red ring is the event at which the rule was broken. In drills, only one server is
real.

This page is made from the catalogue of rules and from real runs of servers that are known to be wrong.
"""

PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Safety",
        "The five properties of Figure 3. All other rules serve these: a broken one is the harm itself, and "
        "most wrong servers are stopped earlier, by the rule that they broke first.",
        ("ElectionSafety", "LeaderAppendOnly", "LogMatching", "LeaderCompleteness", "StateMachineSafety"),
    ),
    (
        "Election",
        "Terms, votes and timers: §5.1, §5.2, §5.4.1 and Figure 2.",
        (
            "TermNeverDecreases",
            "HigherTermAdopted",
            "StaleTermRejected",
            "OneVotePerTerm",
            "VoteOnlyUpToDate",
            "VoteDenied",
            "LeaderHasMajority",
            "CandidateIncrementsTerm",
            "ElectionTimerReset",
            "RandomizedTimeouts",
            "StepsDown",
        ),
    ),
    (
        "Replication",
        "The log, the commit index, and what is applied: §5.3, §5.4.2 and Figure 2.",
        (
            "ConsistencyCheck",
            "ConsistencyRefusal",
            "ConflictTruncated",
            "MatchingKept",
            "CommitNeedsMajority",
            "CommitOnlyCurrentTerm",
            "CommitBound",
            "CommitNeverDecreases",
            "ApplyInOrder",
            "CommittedIsApplied",
            "StartAnswers",
            "HeartbeatsSent",
            "BackoffBound",
        ),
    ),
    (
        "Persistence",
        "What must be on the disk, and when: Figure 2, persistent state.",
        ("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart", "NothingExtraPersisted"),
    ),
    (
        "Snapshots",
        "§7 and Figure 13.",
        (
            "SnapshotOnlyApplied",
            "LogTrimmed",
            "SnapshotNotRolledBack",
            "SnapshotKeepsSuffix",
            "SnapshotAndLogTogether",
            "SnapshotIsTheServices",
            "SnapshotTermKept",
            "InstallWhenNeeded",
        ),
    ),
    (
        "Conduct",
        "Requirements on any server, and on its code.",
        (
            "LeaderInTime",
            "RpcBudget",
            "ByteBudget",
            "NoSpin",
            "NoCrash",
            "NoStall",
            "CpuBudget",
            "SimulatedTimeOnly",
            "EndsWhenCrashed",
            "WellFormed",
            "NotWritten",
        ),
    ),
)

CAUSES: dict[str, str] = {
    "ElectionSafety": "a server voted twice in a term, or a candidate counted something as a majority that was "
    "not one. Look for the second leader's votes in the trace: which servers gave them, and which "
    "candidate had they voted for before?",
    "LeaderAppendOnly": "a server goes on as leader after it has taken entries from another leader, or it cuts "
    "its own log in code that was meant for followers.",
    "LogMatching": "a leader changed the term or the command of an entry on its way (an entry carries the "
    "term in which it was received, not the term in which it is sent), or a follower put "
    "entries at the wrong index. A list index that is off by one shows up here.",
    "LeaderCompleteness": "somebody won an election whose log lacks a committed entry (look at the comparison of "
    "logs in `request_vote`), a server that had acknowledged the entry lost it, or it was not "
    "committed at all (Figure 8).",
    "StateMachineSafety": "the harm is done; the cause came earlier. Read the trace backwards from the second "
    "`apply` of that index: from which server did it learn that it is committed, and where did its entry "
    "come from?",
    "TermNeverDecreases": "a reply is built from the request's term or from a variable other than current_term; or, "
    "from 2C on, current_term was not read back after a restart.",
    "HigherTermAdopted": "the check for a newer term is in one handler and not in another, or only in the "
    "handlers and not where replies are read. A reply that carries the old term counts, too.",
    "StaleTermRejected": "the term of the request is compared after something was changed, or not at all. Delayed "
    "messages of an old leader are the usual ones to arrive.",
    "OneVotePerTerm": "voted_for is not set when the vote is given, or is cleared although the term did not "
    "change. In Python also: `if self.voted_for` takes server 0 for nobody.",
    "VoteOnlyUpToDate": "lengths are compared before terms, or `>` stands for `>=`, or a candidate sends its "
    "current_term in place of the term of its last entry.",
    "VoteDenied": "the vote is not freed when a new term comes; the same candidate that asks again is "
    "refused; or the comparison of logs is too strict for equal logs.",
    "LeaderHasMajority": "votes of an earlier election are counted, a voter is counted twice, refusals are "
    "counted, or half of the servers is taken for a majority. A reply must be compared with "
    "the term in which one asked.",
    "CandidateIncrementsTerm": "the timeout of a candidate repeats the old election in place of a new one, or the term "
    "is raised in a place that not every election passes.",
    "ElectionTimerReset": "the timer runs on although the leader was heard or a vote was given: often an old timer "
    "task that nobody cancelled, or a deadline that is read once before a sleep and not again "
    "after it.",
    "RandomizedTimeouts": "the timeout is drawn once in `__init__`, or is a constant, or all servers draw from a "
    "generator with the same seed. Draw from `self.node.random`, again for each wait.",
    "StepsDown": "a higher term is noted, but the role stays; or a candidate refuses the leader of its own "
    "term, which it must follow.",
    "ConsistencyCheck": "the check is skipped for heartbeats, compares the index and not the term, or succeeds "
    "where the log is too short.",
    "ConsistencyRefusal": "an off-by-one between the paper's indices, which begin with 1, and Python's list; or "
    "index 0, which every log has, is not accepted; or the check asks that prev_log_index be "
    "the log's last.",
    "ConflictTruncated": "a single entry is replaced and those after it stay, or entries are appended after the "
    "old ones.",
    "MatchingKept": "the log is cut after prev_log_index on every AppendEntries. Rule 3 cuts only at an entry "
    "that conflicts: a message that is late and short must not take away what a newer one has "
    "brought, and what this server has acknowledged.",
    "CommitNeedsMajority": "match_index is set from what the log holds when the reply comes, not from what was sent; "
    "or it was not set back after an election; or half is taken for a majority.",
    "CommitOnlyCurrentTerm": "the last condition of Leaders rule 4 is missing: log[N].term == current_term. Figure 8 "
    "shows how a majority can hold an entry that is still lost.",
    "CommitBound": "a follower takes leader_commit as it is. Beyond the last entry of this message its log "
    "may hold something else than the leader's.",
    "CommitNeverDecreases": "commit_index is set, where it should only be raised: an old message brings an old "
    "leader_commit.",
    "ApplyInOrder": "two tasks apply, an await stands between reading last_applied and raising it, or "
    "last_applied is not where the snapshot ends after a restart.",
    "CommittedIsApplied": "the command got stuck on its way. Common: only heartbeats bring entries, and a slow "
    "reply delays the next; a follower that lags is not retried; replies of refusals are "
    "not used to go back; the commit index rises but nothing wakes the task that applies.",
    "StartAnswers": "`start` returns the wrong index (from 2D on, the length of the list is not the last "
    "index), accepts although another leads, or waits.",
    "HeartbeatsSent": "a new leader waits for the first tick of its timer; heartbeats to one peer wait for the "
    "reply of another; or a task sends in a tight loop. If there are too many: entries sent "
    "at once do not need a heartbeat too.",
    "BackoffBound": "next_index goes back by one for each refusal, and each step waits for the next heartbeat.",
    "SavedBeforeReply": "a path through the handler changes term, vote or log and returns without saving: often "
    "the one where a newer term comes with a refusal, or where entries were only cut.",
    "SavedBeforeSend": "a candidate asks for votes before its new term and its own vote are on the disk, or a "
    "leader counts itself for an entry that is not there yet.",
    "RestoredOnRestart": "a field is not read back in `__init__`, or is set again after it was read, or the log "
    "comes back with other indices than it was saved with.",
    "NothingExtraPersisted": "commit_index or the role was kept across a restart. Only current_term, voted_for and the "
    "log survive (and the snapshot, from 2D on).",
    "SnapshotOnlyApplied": "a snapshot is sent or saved under an index that the service has not reached: the wrong "
    "one of two indices stands in the message.",
    "LogTrimmed": "`snapshot` is ignored or saved without cutting the log, or the log is cut in memory and "
    "not on the disk.",
    "SnapshotNotRolledBack": "a late InstallSnapshot is installed although more has been applied since. Compare it "
    "with what is applied, not only with the last snapshot.",
    "SnapshotKeepsSuffix": "the whole log is thrown away with every snapshot, or nothing is: Figure 13, rule 6, asks "
    "for an entry with the snapshot's last index and term.",
    "SnapshotAndLogTogether": "state and snapshot were saved in two steps. The persister takes both in one call, "
    "because a crash may come between any two.",
    "SnapshotIsTheServices": "bytes of another snapshot, or of the server's own making, stand where those belong that "
    "`snapshot` or InstallSnapshot brought. They are the service's: keep them as they are.",
    "SnapshotTermKept": "where the log is empty after a snapshot, its last term is taken as 0, or an index that "
    "lies in the snapshot is looked up in the list.",
    "InstallWhenNeeded": "a leader backs up below its first entry, and either sends nothing, or reads a wrong "
    "entry through a negative list index, or sends snapshots to a peer that needs none.",
    "LeaderInTime": "no election starts (is the timer task still alive?), all servers start theirs at the "
    "same time (are the timeouts spread widely enough, compared with a round trip?), votes "
    "are refused that must be given, or the winner does not announce it.",
    "RpcBudget": "something sends in a loop: a retry without a pause, one RPC for each entry, an answer "
    "that triggers a message that triggers an answer.",
    "ByteBudget": "entries that a peer has acknowledged, or that are on their way to it, are sent again "
    "with each message.",
    "NoSpin": "`while True` with `trio.sleep(0)` or a checkpoint: virtual time stands still as long as "
    "some task can run.",
    "NoCrash": "an exception in your code; file and line are named. In a nursery it comes wrapped in an "
    "exception group.",
    "CpuBudget": "each message costs more the longer the log is: a copy of the whole log, a search from its "
    "beginning, a save in a loop. It is checked if each server has a process of its own (`HOSTS=process`, and in the "
    "grade), and no other rule depends on the machine; so the limit is many times what the reference needs.",
    "NoStall": "a loop without any await, most often one that waits for what only another task or message can bring "
    "about. Nobody else runs, so it never comes, and nothing can cancel the loop. The line that is named is in it.",
    "SimulatedTimeOnly": "threads, sockets, files, subprocesses or another event loop. All of it has a counterpart "
    "in `self.node` or in trio.",
    "EndsWhenCrashed": "a bare `except:`, `except BaseException` or `finally` with an await swallows "
    "`trio.Cancelled`. A crash is a cancellation: let it pass.",
    "WellFormed": "a handler returns None or a tuple in place of a reply, a term is a str, an entry is not a "
    "LogEntry. The failure names field and value.",
    "NotWritten": "nothing is wrong: that part still raises NotImplementedError.",
}
"""The usual cause of a violation of each rule."""

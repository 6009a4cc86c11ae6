"""The corpus of known-wrong servers, by the part of Raft that they break. `corpus()` returns them all."""

from __future__ import annotations

import importlib
import pkgutil

from tests.corpora.mutants.patching import Mutant

PARTS = {
    "votes": ("OneVotePerTerm", "VoteDenied", "VoteOnlyUpToDate", "LeaderHasMajority", "ElectionSafety"),
    "terms": (
        *("CandidateIncrementsTerm", "LeaderInTime", "StepsDown", "HigherTermAdopted", "StaleTermRejected"),
        "TermNeverDecreases",
    ),
    "timers": ("ElectionTimerReset", "RandomizedTimeouts"),
    "heartbeats": ("HeartbeatsSent", "RpcBudget"),
    "log_matching": (
        *("LogMatching", "LeaderAppendOnly", "ConsistencyCheck", "ConsistencyRefusal", "ConflictTruncated"),
        *("MatchingKept", "BackoffBound"),
    ),
    "commits": (
        *("CommitNeedsMajority", "CommitOnlyCurrentTerm", "CommitBound", "CommitNeverDecreases"),
        "LeaderCompleteness",
    ),
    "applying": ("ApplyInOrder", "CommittedIsApplied", "StateMachineSafety", "StartAnswers"),
    "persistence": ("SavedBeforeReply", "SavedBeforeSend", "RestoredOnRestart", "NothingExtraPersisted"),
    "snapshots": (
        *("SnapshotTermKept", "SnapshotAndLogTogether", "InstallWhenNeeded", "SnapshotKeepsSuffix"),
        *("SnapshotNotRolledBack", "SnapshotIsTheServices", "SnapshotOnlyApplied", "LogTrimmed"),
    ),
    "tasks": ("NoCrash", "NoSpin", "NoStall", "SimulatedTimeOnly", "EndsWhenCrashed"),
}
"""The modules of mutants, and the rules that name them best. In `compacted_logs` are those of 2D that concern more than snapshots."""

LEFT_OUT = {
    "F19 a candidate stays one when it hears its term's leader": "equal: that leader has the votes that it would need",
    "B137 a suffix is kept by the last entry's term": "equal, by Log Matching: whose last entry has that term has it all",
    "B150 the snapshot's edge is not checked": "equal, by Leader Completeness: what it covers is the leader's, too",
    "B205 acknowledges in the term that it has by then": "its leader sees a newer term, and counts nothing",
    "B307 a deposed leader's alarm has run out": "it stands at once; that is a term more, and no harm",
    "B335 waits for answers that may be lost": "heals: the next heartbeat's answer ends the waiting",
    "B709 no vote while a leader is near, but its term": "near to §6, which lets a voter ignore who asks then",
    "B710 a late answer's term is not looked at": "safe: the term is learnt from the next message",
    "B721 random numbers of the module random": "the module draws from the server's own generator here",
    "B733 a restart hands no snapshot to the service": "the service of this lab reads it from the disk itself",
    "B753 a new leader with an empty log starts from 1": "costs a snapshot for each peer, and harms nobody",
    "B754 a hint counts entries only": "correct, and slower: a hint decides nothing",
    "B758 a snapshot of no bytes counts as none": "the simulator's service makes no such snapshots",
    "B786 one list for all messages to a peer": "as T25 and B220",
    "B789 commits a moment later, also as a follower": "correct: what a majority stored in its term stays committed",
    "B804 looks for the conflicting term after the refusal": "equal, by Log Matching: it has no such entry there",
    "B839 refuses below its snapshot with a hint that helps nobody": "as S11a: a snapshot heals it",
    "C572 one doorbell for all peers": "a ring for each wakes each that waits; else one speaks at its next heartbeat",
    "E27 timeout drawn once per server": "correct where the draws differ; RandomizedTimeouts finds equal draws",
    "E45 candidates from outside are accepted": "all servers are known from the start",
    "L02 one RPC per entry": "correct, and slower; a matter of performance tests",
    "L03 back-up by one per round trip": "the paper's own rule",
    "L06 a slow tick applies": "correct: entries may be applied late",
    "L07 the whole log is copied or scanned": "costs computing, which takes no virtual time",
    "L11 an isolated leader's log grows without limit": "correct: nothing bounds what may be proposed",
    "L12 commits go out with the next heartbeat": "correct",
    "P08 saves at important places only": "an unsaved cut is seen when more is acknowledged than saved: see P03 and P22",
    "P19 an error of the disk is ignored": "the disk never fails",
    "P24 the disk holds references": "the disk copies what it is given",
    "P27 saves at every heartbeat": "correct; writes cost nothing here",
    "R07l compares the last entry only": "equal, by Log Matching",
    "R23 next_index falls on a refusal for the term": "that leadership is over",
    "R24 next_index falls below match_index": "entries are sent again; below 1 see T10",
    "R27 a late hint leads forward again": "heals: each late refusal costs a round",
    "R45 applies with the next AppendEntries": "correct: entries may be applied late",
    "R50 memory keeps what the disk refused": "the disk never fails",
    "S11a no usable hint below the snapshot": "correct, and slower",
    "S12n match_index not raised by a snapshot": "the next AppendEntries raises it",
    "S21 a hint without the snapshot's index": "correct, and slower: a hint decides nothing",
    "S26 snapshots hold the whole history": "the simulator's service makes the snapshots; logs kept whole are S26t",
    "S28 a snapshot holds a live dict": "the simulator's service makes the snapshots, as bytes",
    "S32 commit_index starts at 0 after a snapshot": "harmless: it is learnt again, and last_applied is right",
    "T02 class attributes shared by all servers": "harmless here: each incarnation has its own modules and classes",
    "T15 waits for the apply channel with a lock": "the apply channel never makes its sender wait",
    "T27 a snapshot is taken across awaits": "the simulator's service makes the snapshots",
    "W10 acknowledgements count within one round of heartbeats": "each round has one of every peer that has the entry",
    "W26 each refusal steps back, also those to equal requests": "entries, or a snapshot, are sent again, and no harm",
    "X60 a leader ignores candidates of newer terms": "near to §6; the answers to its heartbeats bring the term",
    "T32 saved entries are edited in place": "messages and entries are frozen, and the disk copies",
}
"""Known bugs that no server of the corpus has, with the reason; those of services and of membership are not listed."""


FIRST_SIGHT_ELSEWHERE = (271, 328)
"""How many known-wrong servers of six more blind authors, each on servers of their own, the stage that teaches what is
broken killed with one seed, and how many there were: 35 of 39, 50 of 52, 49 of 60, 35 of 41, 80 of 102, and 22 of 34.

F01 to F03 are of the kinds that were missed of the first author's, and the message of F04's kind pointed elsewhere. The
fourth missed, an election timer that any newer term resets, is a matter of the next stage, which found it. G01 to G06 are
of six more kinds of the second author's that were missed; they are not among the 52. The two others missed do little harm:
a refusal of long ago sends entries once more, and a heartbeat of an older term keeps votes on trial away. H01 to H04 and
H08 to H10 are seven kinds of the third author's that were missed, and not among the 60; of the eleven others five were
killed in a later stage. The fourth author's survivors were six: three do no harm among servers of one kind, two cost
messages or an election, and one needs more seeds. Y01 to Y06 are the six kinds of the fifth author's that were missed and
are surely wrong; five more were killed in another stage, five are not clearly wrong, and the rest break rules without harm
among servers of one kind. The sixth author's survivors were nine: Y08 is the one that does harm, two need servers that
wait longer for an answer, and the others cost messages or nothing. Y09 to Y12 are that author's, too: they know drills from
their own kind, and had passed all tests."""


def part_of(mutant: Mutant) -> str:
    """Return the name of the module in which a mutant belongs, by its best rule and its stage."""
    part = next(part for part, rules in PARTS.items() if mutant.rules[0] in rules)
    return "compacted_logs" if mutant.stage == "2D" and part != "snapshots" else part


def corpus() -> list[Mutant]:
    """Return all mutants: the lists MUTANTS of this package's modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names if name != "patching"]
    return [mutant for module in modules for mutant in getattr(module, "MUTANTS", ())]

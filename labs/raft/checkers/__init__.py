"""The checkers: they watch the events of a run and name the broken rule of the paper.

`checkers(configuration, stage)` returns those of a run. They see each event in this order: first those that find the
most specific faults.
"""

from labs.checking.checker import Checker, Checkers
from labs.checking.configuration import Configuration
from labs.checking.stage import Stage
from labs.raft.checkers.basics import OneHistory, OneLeader
from labs.raft.checkers.commits import Commitment, StartAnswers
from labs.raft.checkers.compaction import Compaction
from labs.raft.checkers.election import Campaigns, Leaderships, Refusals, Terms, Votes
from labs.raft.checkers.heartbeats import Heartbeats
from labs.raft.checkers.kept_marks import CommitMarks, FirstWords, KeptVotes, OneLoop
from labs.raft.checkers.leader_logs import LeaderLogs
from labs.raft.checkers.log_bases import LogBases
from labs.raft.checkers.logs import Appending, Applied, Matching
from labs.raft.checkers.shadow import Shadow
from labs.raft.checkers.situations import Situations
from labs.raft.checkers.snapshot_bytes import SnapshotBytes
from labs.raft.checkers.storage import Saved, Snapshots
from labs.raft.checkers.timers import Timers
from labs.raft.checkers.trials import JudgeOfVotes, Trials
from labs.raft.curriculum import ELECTION, PERSISTENCE, REPLICATION, SNAPSHOTS


def checkers(configuration: Configuration, stage: Stage, counted: bool = False) -> Checkers:
    """Return the checkers of a run of a stage's test; if `counted`, also with one that counts situations."""
    shadow = Shadow(configuration, stage)
    terms, votes, campaigns = Terms(shadow), Votes(shadow), Campaigns(shadow)
    judges_of_votes: list[JudgeOfVotes] = [terms, votes, campaigns]
    saved = [Saved(shadow)] if stage.has(PERSISTENCE) else []
    logs = [LeaderLogs(shadow)] if stage.has(REPLICATION) else []
    trials = Trials(shadow, [*judges_of_votes, *saved, *logs])
    chosen: list[Checker] = [trials, terms, votes, Leaderships(shadow, trials), campaigns, Refusals(shadow), *saved]
    if stage.has(PERSISTENCE):
        chosen.append(KeptVotes(shadow))
    if stage.has(SNAPSHOTS):
        chosen += [Snapshots(shadow), Compaction(shadow), LogBases(shadow), FirstWords(shadow)]
    chosen.append(SnapshotBytes(shadow))
    histories: list[Checker] = [OneHistory(configuration.size)]
    if stage.has(REPLICATION):
        chosen += [Appending(shadow), *logs, Commitment(shadow), CommitMarks(shadow)]
        matching = Matching(shadow)
        chosen += [StartAnswers(shadow), matching]
        histories.append(Applied(shadow, matching))
    chosen.append(OneLeader())
    if stage.has(ELECTION):
        chosen += [Heartbeats(shadow), Timers(shadow), OneLoop()]
    chosen += histories
    if counted:
        chosen.append(Situations(shadow))
    return Checkers(shadow, chosen)

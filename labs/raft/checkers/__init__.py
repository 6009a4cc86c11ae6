"""The judges: they watch the events of a run and name the rule of the paper that was broken.

`judges(servers, stage)` returns those of a run, in the order in which they see each event: first those that name what
is most particular, the shadow last.
"""

from labs.checking.checker import Oracle
from labs.raft.checkers.basics import OneHistory, OneLeader
from labs.raft.checkers.commits import Commitment, StartAnswers
from labs.raft.checkers.compaction import Compaction
from labs.raft.checkers.election import Campaigns, Leaderships, Refusals, Terms, Votes
from labs.raft.checkers.heartbeats import Heartbeats
from labs.raft.checkers.kept_marks import CommitMarks, FirstWords, KeptVotes, OneLoop
from labs.raft.checkers.leader_logs import LeaderLogs
from labs.raft.checkers.log_bases import LogBases
from labs.raft.checkers.logs import Appending, Matching
from labs.raft.checkers.shadow import Shadow
from labs.raft.checkers.situations import Situations
from labs.raft.checkers.snapshot_bytes import SnapshotBytes
from labs.raft.checkers.storage import Saved, Snapshots
from labs.raft.checkers.timers import Timers
from labs.raft.checkers.trials import JudgeOfVotes, Trials


def judges(servers: int, stage: str, counted: bool = False) -> list[Oracle]:
    """Return the judges of a run of a stage's test with so many servers; if `counted`, who counts situations too."""
    shadow = Shadow(servers, stage)
    terms, votes, campaigns = Terms(shadow), Votes(shadow), Campaigns(shadow)
    judges_of_votes: list[JudgeOfVotes] = [terms, votes, campaigns]
    saved = [Saved(shadow)] if stage >= "2C" else []
    logs = [LeaderLogs(shadow)] if stage >= "2B" else []
    trials = Trials(shadow, [*judges_of_votes, *saved, *logs])
    chosen: list[Oracle] = [trials, terms, votes, Leaderships(shadow, trials), campaigns, Refusals(shadow), *saved]
    if stage >= "2C":
        chosen.append(KeptVotes(shadow))
    if stage >= "2D":
        chosen += [Snapshots(shadow), Compaction(shadow), LogBases(shadow), FirstWords(shadow)]
    chosen.append(SnapshotBytes(shadow))
    if stage >= "2B":
        chosen += [Appending(shadow), *logs, Commitment(shadow), CommitMarks(shadow)]
        chosen += [StartAnswers(shadow), Matching(shadow)]
    chosen.append(OneLeader())
    if stage >= "2A":
        chosen += [Heartbeats(shadow), Timers(shadow), OneLoop()]
    chosen.append(OneHistory(servers))
    if counted:
        chosen.append(Situations(shadow))
    return [*chosen, shadow]

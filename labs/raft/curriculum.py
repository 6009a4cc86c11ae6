"""The stages of the Raft lab, and what a server can do from each on."""

from __future__ import annotations

from labs.checking.stage import Stage, stages

ELECTION = "leader election"
REPLICATION = "log replication"
PERSISTENCE = "persistence"
SNAPSHOTS = "snapshots"
STAGES: dict[str, Stage] = stages(
    ("0", ()),  # for tests of the lab itself: hardly anything is checked
    ("2A", (ELECTION,)),
    ("2B", (REPLICATION,)),
    ("2C", (PERSISTENCE,)),
    ("2D", (SNAPSHOTS,)),
)

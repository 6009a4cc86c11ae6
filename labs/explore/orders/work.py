"""The engine's work for all orders: a part of one branch, and what is left of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from labs.engine import stalls
from labs.engine.work import Loss
from labs.explore.orders.choices import Bounds, Choice
from labs.explore.orders.execution import Ended, Guide, execute, unfinished
from labs.explore.orders.tree import Branch, Explored, Known, Walk
from labs.explore.work import FAILED, Found, WithProgram, lost_run
from labs.raft.curriculum import REPLICATION, STAGES

MOST = 40
"""How many orders a job runs, about; the rest of its branch becomes other jobs."""


class Piece(msgspec.Struct, frozen=True):
    """A branch to explore up to a depth."""

    stage: str
    bounds: Bounds
    depth: int
    branch: Branch


class Part(msgspec.Struct):
    """What came of a piece."""

    explored: Explored
    found: Found | None = None
    """The first run that failed; then nothing more was run."""


class Orders(WithProgram[Piece, Part]):
    """Explores all orders of a submission's servers."""

    job, record = Piece, Part

    def __init__(self, submission: Path) -> None:
        super().__init__(submission)
        self._known: dict[str, Known] = {}
        """What is known of each stage; other workers know other things, and run the same orders."""

    def moved(self, path: Path) -> Orders:
        return Orders(path)

    def run(self, job: Piece) -> Part:
        program = self.program()

        def run(seed: int, guide: Guide) -> Ended:
            stalls.restart()
            try:
                return execute(program, job.stage, job.bounds, seed, guide)
            except stalls.Stalled:
                return unfinished(job.stage, seed, "a server never yields")

        branch = job.branch
        if not branch.choices and STAGES[job.stage].has(REPLICATION):
            first = run(branch.seed, _Elect())
            if first.record.status != "pass":
                return Part(Explored(), found_of(first))
            leader = 0 if first.missed is None else first.instead
            branch = Branch((Choice("elect", leader),), (), branch.seed)
        walk = Walk(branch, job.depth, run, self._known.setdefault(job.stage, Known()))
        for ended in walk.go(MOST):
            if ended.record.status != "pass":
                return Part(walk.explored, found_of(ended))
        return Part(walk.explored)

    def parts(self, job: Piece) -> int:
        return 100 * MOST

    def is_spoiled(self, part: Part) -> bool:
        return part.found is not None and part.found.rule == "NoStall"

    def lost(self, job: Piece, loss: Loss) -> Part:
        return Part(Explored(), lost_run(None, loss))


class _Elect(Guide):
    """Leads a run only to its first leader."""

    def choose(self, enabled: list[Choice]) -> Choice | None:
        return enabled[0] if enabled[0].kind == "elect" else None

    def wants_recovery(self, state: str) -> bool:
        return False


def found_of(ended: Ended) -> Found:
    """Return a run that failed as the explorer's find."""
    record = ended.record
    schedule = ended.schedule if record.status in FAILED else None
    return Found(schedule, record.status, record.rule, record.message, record.virtual_time)

"""Runs the reference in a test, for its CPU time and its performance figures, in the same grading.

So a submission is compared with the reference in the same test, with the same hosts, on the same machine. A copy of the
grader without `reference/` uses the figures that the lab ships, and the general limit of CPU time. A run of the
reference that the grader cannot grade is tried again, and never remembered: the next submission gets another run.
"""

from __future__ import annotations

import trio

from grader.execution.runners import Runners
from grader.execution.runs import Job
from grader.places import REFERENCE
from labs.testing.run import RunRecord

TIMES, LEAST = 20.0, 3.0
"""How many times the reference's CPU time a submission may take, and at least how many seconds."""


class NoReference(Exception):
    """The reference did not do what is needed. The text describes what happened, `record` is its run."""

    def __init__(self, record: RunRecord) -> None:
        super().__init__(f"the reference does not pass {record.test} with seed {record.seed}: {record.message}")
        self.record = record


class References:
    """Runs the reference once for each test and seed that is asked for."""

    def __init__(self, runners: Runners) -> None:
        self._runners = runners
        self._records: dict[tuple[str, int], RunRecord] = {}
        self._one_at_a_time = trio.Lock()

    async def that_passes(self, test: str, seed: int) -> RunRecord | None:
        """Return the reference's run, None if there is no reference here; raise NoReference if it does not pass."""
        record = await self.of(test, seed)
        if record is not None and record.status != "pass":
            raise NoReference(record)
        return record

    async def that_is_judged(self, test: str, seed: int) -> RunRecord | None:
        """Return the reference's run, None if there is no reference here; raise NoReference if it cannot be graded."""
        record = await self.of(test, seed)
        if record is not None and record.status == "grader-error":
            raise NoReference(record)
        return record

    async def of(self, test: str, seed: int) -> RunRecord | None:
        """Return the reference's run, however it ended; None if there is no reference here."""
        if not (REFERENCE / "raft.py").exists():
            return None
        if (test, seed) in self._records:
            return self._records[test, seed]
        async with self._one_at_a_time:
            if (test, seed) in self._records:  # another submission has asked for it while this one waited
                return self._records[test, seed]
            record = await self._runners.run(Job(test, seed))
            if record.status == "grader-error":
                record = await self._runners.run(Job(test, seed))
            if record.status != "grader-error":
                self._records[test, seed] = record
            return record


def budget(reference: RunRecord | None) -> float | None:
    """Return the CPU seconds that a submission may take, given the reference's run."""
    took = getattr(reference, "server_cpu_time", 0.0)
    return max(LEAST, TIMES * took) if took else None

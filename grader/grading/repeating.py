"""Runs one test with one seed again, and then with the reference if the submission's run cannot be graded."""

from __future__ import annotations

from grader.execution.hosts import Hosts
from grader.execution.pool import Pool
from grader.execution.runner import Job
from grader.grading.references import References
from grader.places import REFERENCE
from labs.testing.run import RunRecord

JUDGED = ("pass", "fail", "error")
"""How a run may end if the grader could grade it."""


async def repeat(folder: str, hosts: Hosts, job: Job) -> tuple[RunRecord, RunRecord | None]:
    """Return the submission's run, and the reference's if the submission's cannot be graded."""
    async with Pool.open(folder, hosts, 1) as pool:
        record = await pool.run(job)
    if record.status in JUDGED:
        return record, None
    async with Pool.open(str(REFERENCE), hosts, 1) as pool:
        return record, await References(pool).of(job.test, job.seed)

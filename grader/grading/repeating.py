"""Runs one test with one seed again, and then with the reference if the submission's run cannot be graded."""

from __future__ import annotations

from grader.execution import runners
from grader.execution.hosts import Hosts
from grader.execution.runners import Runners
from grader.execution.runs import Job
from grader.grading.references import References
from grader.places import REFERENCE
from labs.testing.run import RunRecord

JUDGED = ("pass", "fail", "error")
"""How a run may end if the grader could grade it."""


async def repeat(folder: str, hosts: Hosts, job: Job) -> tuple[RunRecord, RunRecord | None]:
    """Return the submission's run, and the reference's if the submission's cannot be graded."""
    with runners.local(1) as backend:
        async with Runners.open(folder, hosts, backend, 1) as own:
            record = await own.run(job)
        if record.status in JUDGED:
            return record, None
        async with Runners.open(str(REFERENCE), hosts, backend, 1) as others:
            return record, await References(others).of(job.test, job.seed)

"""Runs the grader's jobs with the engine, from trio: a grading decides from the records what to run next.

Runners serve one submission. They are forked from a warm process (labs.engine.starter), which holds nothing of the
grader, such as the course secret. All that one answers is data, of limited length; one that fails, or cannot be
started, is a record that states that, and the next job gets another one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator
from typing import Any

import trio

from grader import scratch
from grader.execution.hosts import Hosts
from grader.execution.runs import NOT_STARTED, GradedRuns, Job, limits_of, not_graded
from grader.lacks import describe
from grader.places import environment
from labs.engine import where
from labs.engine.engine import Backend, Engine, NotStarted, WorkFailed
from labs.engine.local import Local
from labs.testing.run import RunRecord


def local(most: int) -> Local:
    """Return the backend for grading on this machine."""
    return Local(most, environment(), scratch.folder)


def backend(most: int, scheduler: str) -> Backend:
    """Return the backend for grading: the workers of a scheduler, if there is one, otherwise this machine."""
    return where.machines(scheduler) if scheduler else local(most)


class Runners:
    """The runners of one submission, as many as may work at once; started when they are wanted."""

    def __init__(self, engine: Engine[Job, RunRecord], hosts: Hosts, most: int) -> None:
        self._engine, self._hosts = engine, hosts
        self._free, self._threads = trio.CapacityLimiter(most), trio.CapacityLimiter(math.inf)
        self.facts: dict[str, Any] = {}
        """Facts about hosts and sandbox, once a runner has started."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, folder: str, hosts: Hosts, backend: Backend, most: int) -> AsyncIterator[Runners]:
        """Make runners; when the context ends, however it does, no process of theirs is left."""
        with contextlib.ExitStack() as stack:
            engine = stack.enter_context(backend.open(GradedRuns(folder, hosts), limits_of(hosts)))
            try:
                yield cls(engine, hosts, most)
            finally:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(stack.close)

    def place(self) -> trio.CapacityLimiter:
        """Return what to hold while a job runs."""
        return self._free

    async def run(self, job: Job) -> RunRecord:
        """Run one job and return its record."""
        try:
            record = await trio.to_thread.run_sync(self._engine.do, job, abandon_on_cancel=True, limiter=self._threads)
        except NotStarted as error:
            return not_graded(job, f"{NOT_STARTED}: {error}")
        except OSError as error:
            return not_graded(job, f"{NOT_STARTED}: {describe(error)}")
        except WorkFailed as error:
            return not_graded(job, str(error))
        if not record.message.startswith(NOT_STARTED):
            self.facts = self._hosts.details
        return record

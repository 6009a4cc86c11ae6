"""The interface of the engine: a backend is where jobs run; what it opens for one work does them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from labs.engine.stalls import Limits
from labs.engine.work import Work

J = TypeVar("J")
R = TypeVar("R")
S = TypeVar("S", covariant=True)


class WorkFailed(Exception):
    """The work itself is at fault, or what it needs is missing; the text is the traceback of a worker."""


class NotStarted(OSError):
    """A worker did not start; the text is how it ended."""


class Engine(Protocol[J, S]):
    """Does the jobs of one work. A failed job is a record, not an exception."""

    def run(self, jobs: Iterable[J]) -> Generator[tuple[J, S], None, None]:
        """Do jobs, as many at once as the backend can, and yield each with its record, in the order in which they end.

        A job is taken from the iterable only when it can begin. Raises WorkFailed if the work raises an exception,
        OSError if a worker cannot be started, and Unavailable if other machines were to do the jobs and cannot.
        """

    def do(self, job: J) -> S:
        """Do one job and return its record. Many threads may call this at once, and each has a worker meanwhile.

        Raises as `run` does. A call that waits when the engine is closed brings the record of a lost job.
        """

    def close(self) -> None:
        """End all workers."""


class Backend(AbstractContextManager["Backend"], Protocol):
    """Where jobs run. When its context ends nothing of it is left."""

    @property
    def most(self) -> int:
        """How many jobs can be done at once now."""

    def open(
        self, work: Work[J, R], limits: Limits | None = None, after_stall: Limits | None = None
    ) -> AbstractContextManager[Engine[J, R]]:
        """Return an engine for a work; its jobs have these limits, or `after_stall` once one of them has stalled."""


def run(
    work: Work[J, R],
    jobs: Iterable[J],
    backend: Backend,
    limits: Limits | None = None,
    after_stall: Limits | None = None,
) -> Generator[tuple[J, R], None, None]:
    """Do the jobs of a work, and yield each with its record, as `Engine.run` does; afterwards no worker is left."""
    with backend, backend.open(work, limits, after_stall) as opened:
        yield from opened.run(jobs)

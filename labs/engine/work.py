"""What the engine runs: jobs in, records out. Whoever wants something run in parallel writes one class like this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Loss:
    """Why a job brought no record: its process ended, or had to be ended."""

    how: str
    """In words that follow "the process": "fell silent for 33 s", "was ended by signal SIGKILL"."""
    is_stall: bool
    """Whether it was ended because it took too long."""
    stack: str = ""
    """What the process was doing, as faulthandler writes it; "" if that is not known."""


class Work(Generic[J, R]):
    """A kind of work. It is made in the parent, and copied to each worker process, so it must be picklable.

    Jobs and records cross as msgpack in the types named here. A worker may be hostile: the parent decodes nothing else.
    """

    job: type[J]
    record: type[R]

    def begin(self, number: int) -> None:
        """Prepare a worker process; `number` counts those that work at the same time from 0."""

    def run(self, job: J) -> R:
        """Do one job, in a worker."""
        raise NotImplementedError

    def parts(self, job: J) -> int:
        """Return how many parts a job has, each with limits of its own: `run` calls `stalls.restart` between them."""
        return 1

    def is_spoiled(self, record: R) -> bool:
        """Return whether the worker can do no further job after this one, so that another must take its place."""
        return False

    def lost(self, job: J, loss: Loss) -> R:
        """Return the record of a job that brought none; called in the parent."""
        raise NotImplementedError

    def end(self) -> None:
        """Release what `begin` and `run` have opened in a worker."""

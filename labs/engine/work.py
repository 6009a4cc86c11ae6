"""The interface for the engine's work: jobs in, records out. Work to be done in parallel is one class like this."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Loss:
    """Why a job brought no record: its process ended, or had to be ended."""

    how: str
    """Words to follow "the process": "fell silent for 33 s", "was ended by signal SIGKILL"."""
    is_stall: bool
    """Whether it was ended because it took too long."""
    stack: str = ""
    """The stack of the process, as faulthandler writes it; "" if it is not known."""


class Work(Generic[J, R]):
    """A kind of work. It is made in the parent, and copied to each worker process, so it must be picklable.

    Jobs and records cross as msgpack in the types named here. A worker may be hostile: the parent decodes nothing else.
    """

    job: type[J]
    record: type[R]

    def reads(self) -> Path | None:
        """Return the server's code, a folder or a file, of which other machines get a copy; None if jobs read none."""
        return None

    def moved(self, path: Path) -> Work[J, R]:
        """Return this work for another machine, where the server's code is at this path."""
        return self

    def hindrance(self) -> str:
        """Return why this machine cannot do the work as the parent's could, "" if it can; called on other machines."""
        return ""

    def warm(self) -> None:
        """Import what jobs need; called in the process that workers are forked from, if that is a starter."""

    def begin(self, number: int) -> None:
        """Prepare a worker process; `number` is its place among the workers, from 0."""

    def run(self, job: J) -> R:
        """Do one job, in a worker."""
        raise NotImplementedError

    def parts(self, job: J) -> int:
        """Return how many parts a job has, each with its own limits: `run` calls `stalls.restart` between them."""
        return 1

    def is_spoiled(self, record: R) -> bool:
        """Return whether the worker cannot do another job after this one, and must be replaced."""
        return False

    def lost(self, job: J, loss: Loss) -> R:
        """Return the record of a job that ended without one; called in the parent."""
        raise NotImplementedError

    def end(self) -> None:
        """Release what `begin` and `run` have opened in a worker."""

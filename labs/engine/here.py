"""The backend that does all jobs in this process, one after another, for debuggers: only their CPU time is limited."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

from msgspec.structs import replace

from labs.engine import stalls
from labs.engine.stalls import Limits
from labs.engine.work import Work

J = TypeVar("J")
R = TypeVar("R")


class Here:
    """This process."""

    most = 1

    def __enter__(self) -> Here:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was started."""

    @contextlib.contextmanager
    def open(
        self, work: Work[J, R], limits: Limits | None = None, after_stall: Limits | None = None
    ) -> Iterator[_Engine[J, R]]:
        opened = _Engine(work, replace(limits or Limits(), wall=0.0))
        work.begin(0)
        try:
            with stalls.installed():
                yield opened
        finally:
            opened.close()


class _Engine(Generic[J, R]):
    def __init__(self, work: Work[J, R], limits: Limits) -> None:
        self._work, self._limits = work, limits
        self._is_open = True

    def run(self, jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        for job in jobs:
            yield job, self.do(job)

    def do(self, job: J) -> R:
        with stalls.watched(self._limits):
            return self._work.run(job)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._work.end()

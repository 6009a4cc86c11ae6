"""Hands jobs to worker processes and yields their records as they come; replaces workers that die or fall silent.

Workers are forked where that is safe, so that they start warm, and spawned elsewhere. However `run` ends, normally, by
an error or by Ctrl-C, no worker is left.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from labs.engine import stalls
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work
from labs.engine.worker import Order, decode_brought, encode, serve

J = TypeVar("J")
R = TypeVar("R")

LONGEST_RECORD = 16 << 20
"""Bytes that a worker may send for one job."""
SLACK = 10.0
"""Wall seconds that a worker has beyond its limits to end by itself, before the parent ends it."""


def run(
    work: Work[J, R], jobs: Iterable[J], processes: int, limits: Limits | None = None, after_stall: Limits | None = None
) -> Generator[tuple[J, R], None, None]:
    """Do jobs in up to this many processes, and yield each with its record, in the order in which they end.

    Once a job has stalled, those after it get the limits `after_stall`. With 0 processes this process does all jobs,
    one after another, and only the CPU time is limited: for debuggers. Raises WorkFailed if the work raises an
    exception; a failed job is a record, not an exception.
    """
    limits = limits or Limits()
    if processes == 0:
        yield from _run_here(work, jobs, limits)
        return
    with tempfile.TemporaryDirectory(prefix="raft-lab-") as folder:
        pool = _Pool(work, processes, Path(folder))
        try:
            yield from pool.run(iter(jobs), limits, after_stall or limits)
        finally:
            pool.close()


def _run_here(work: Work[J, R], jobs: Iterable[J], limits: Limits) -> Generator[tuple[J, R], None, None]:
    work.begin(0)
    try:
        with stalls.installed():
            for job in jobs:
                with stalls.watched(replace(limits, wall=0.0)):
                    record = work.run(job)
                yield job, record
    finally:
        work.end()


class WorkFailed(Exception):
    """The work itself is at fault, or what it needs is missing; the text is the traceback of a worker."""


class _Pool(Generic[J, R]):
    def __init__(self, work: Work[J, R], processes: int, folder: Path) -> None:
        self._work, self._most, self._folder = work, processes, folder
        self._decode = msgspec.msgpack.Decoder(work.record).decode
        self._idle: list[_Worker[J]] = []
        self._busy: dict[Connection, _Worker[J]] = {}
        self._serial = itertools.count()

    def run(self, jobs: Iterator[J], limits: Limits, after_stall: Limits) -> Iterator[tuple[J, R]]:
        """Hand out jobs as workers become free; raise WorkFailed."""
        waiting: J | None = next(jobs, None)
        while waiting is not None or self._busy:
            while waiting is not None and len(self._busy) < self._most:
                worker = self._idle.pop() if self._idle else self._start()
                worker.take(waiting, limits, self._work.parts(waiting))
                self._busy[worker.pipe] = worker
                waiting = next(jobs, None)
            for job, record, stalled in self._hear():
                if stalled:
                    limits = after_stall
                yield job, record

    def _hear(self) -> Iterator[tuple[J, R, bool]]:
        """Wait for the next records, and for workers whose time is up."""
        first = min(worker.deadline for worker in self._busy.values())
        ready = wait(list(self._busy), max(0.0, first - time.monotonic()))
        now = time.monotonic()
        for pipe, worker in list(self._busy.items()):
            if pipe in ready:
                del self._busy[pipe]
                yield self._take(worker)
            elif now >= worker.deadline:
                del self._busy[pipe]
                yield self._give_up(worker, f"fell silent for {worker.patience:.0f} s", is_stall=True)

    def _take(self, worker: _Worker[J]) -> tuple[J, R, bool]:
        """Return what a worker has sent; a worker that died counts as a loss."""
        assert worker.job is not None
        try:
            brought = decode_brought(worker.pipe.recv_bytes(LONGEST_RECORD))
            if brought.error:
                worker.end()
                raise WorkFailed(brought.error)
            record = self._decode(brought.record)
        except EOFError:
            return self._give_up(worker, worker.how_it_ended(), is_stall=worker.has_stack())
        except (OSError, msgspec.MsgspecError):
            return self._give_up(worker, "sent a malformed record", is_stall=False)
        job, worker.job = worker.job, None
        if brought.is_spoiled:
            worker.end()
        else:
            self._idle.append(worker)
        return job, record, brought.is_spoiled

    def _give_up(self, worker: _Worker[J], how: str, is_stall: bool) -> tuple[J, R, bool]:
        assert worker.job is not None
        job, stack = worker.job, worker.stack_text()
        worker.end()
        return job, self._work.lost(job, Loss(how, is_stall, stack)), is_stall

    def _start(self) -> _Worker[J]:
        taken = {worker.number for worker in self._busy.values()}
        number = next(n for n in itertools.count() if n not in taken)
        others = [worker.pipe for worker in [*self._idle, *self._busy.values()]]
        return _Worker(self._work, number, others, self._folder / f"stack-{next(self._serial)}")

    def close(self) -> None:
        """End all workers."""
        for worker in [*self._idle, *self._busy.values()]:
            worker.end(at_once=worker.job is not None)


class _Worker(Generic[J]):
    """The parent's side of one worker process."""

    def __init__(self, work: Work[J, Any], number: int, others: list[Connection], stack: Path) -> None:
        context: Any = multiprocessing.get_context(start_method())
        self.number, self.job = number, None
        self.patience, self.deadline = 0.0, 0.0
        self._stack = stack
        self.pipe, far = context.Pipe()
        inherited = [*others, self.pipe] if start_method() == "fork" else []
        self._process: BaseProcess = context.Process(target=serve, args=(work, number, far, inherited, stack))
        self._process.daemon = False
        self._process.start()
        far.close()

    job: J | None

    def take(self, job: J, limits: Limits, parts: int) -> None:
        """Hand over a job with this number of parts, each within the limits."""
        self.job = job
        self.patience = parts * limits.last + SLACK
        self.deadline = time.monotonic() + self.patience
        with contextlib.suppress(OSError):  # it has died: that shows when its answer is read
            self.pipe.send_bytes(encode(Order(encode(job), limits)))

    def how_it_ended(self) -> str:
        """Return how the process ended, in words; it has closed its pipe, so it ends now."""
        self._process.join(2)
        code = self._process.exitcode
        if code is None:
            return "closed its pipe"
        return f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"

    def stack_text(self) -> str:
        """Return what the process was doing when it was ended for taking too long; "" if it was not ended."""
        return self._stack.read_text("utf-8", "replace") if self._stack.exists() else ""

    def has_stack(self) -> bool:
        return bool(self.stack_text())

    def end(self, at_once: bool = True) -> None:
        """End the process, and wait for it; one that is idle may release what it holds."""
        self.pipe.close()
        if not at_once:
            self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()


def start_method() -> str:
    """Return how workers start: forking is safe only on Linux, and only while this process has one thread."""
    import threading

    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"

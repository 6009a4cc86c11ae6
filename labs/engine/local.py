"""The backend of worker processes on this machine; it replaces those that die or fall silent.

Workers are forked where that is safe, so that they start warm, and spawned elsewhere (labs.engine.processes).
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import msgspec

from labs.engine.engine import WorkFailed
from labs.engine.here import Here
from labs.engine.processes import Processes, Started
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work
from labs.engine.worker import Order, decode_brought, encode

J = TypeVar("J")
R = TypeVar("R")

LONGEST_RECORD = 16 << 20
"""Bytes that a worker may send for one job."""
SLACK = 10.0
"""Wall seconds that a worker has beyond its limits to end by itself, before the parent ends it."""


def processes(most: int) -> Local | Here:
    """Return the backend with up to this many worker processes; with 0 this process does all jobs."""
    return Local(most) if most else Here()


def _temporary_folder() -> AbstractContextManager[str]:
    return tempfile.TemporaryDirectory(prefix="raft-lab-")


class Local:
    """Up to `most` worker processes for each call of `Engine.run`, and one for each call of `Engine.do` at a time.

    With an `environment`, workers have that one and nothing else of this process: no memory and no open file. `folder`
    makes a temporary folder, in which workers that are ended leave their stacks.
    """

    def __init__(
        self,
        most: int,
        environment: Mapping[str, str] | None = None,
        folder: Callable[[], AbstractContextManager[str]] = _temporary_folder,
    ) -> None:
        self.most = most
        self._processes, self._make_folder = Processes(environment), folder
        self._folder: Path | None = None
        self._alive: dict[int, Worker[Any]] = {}
        self._serial, self._lock = itertools.count(), threading.RLock()
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Local:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.close()
        self._exit.close()
        self._folder = None

    @contextlib.contextmanager
    def open(
        self, work: Work[J, R], limits: Limits | None = None, after_stall: Limits | None = None
    ) -> Iterator[LocalEngine[J, R]]:
        limits = limits or Limits()
        engine = LocalEngine(self, work, limits, after_stall or limits)
        try:
            yield engine
        finally:
            engine.close()

    def start(self, work: Work[J, Any]) -> Worker[J]:
        """Start a worker; its number is the least that no other one has. Raises OSError."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(self._exit.enter_context(self._make_folder()))
            number = next(n for n in itertools.count() if n not in self._alive)
            others = [worker.pipe for worker in self._alive.values()]
            stack = self._folder / f"stack-{next(self._serial)}"
            worker: Worker[J] = Worker(number, self._processes.start(work, number, others, stack), stack, self._forget)
            self._alive[number] = worker
            return worker

    def _forget(self, number: int) -> None:
        with self._lock:
            del self._alive[number]


class LocalEngine(Generic[J, R]):
    """Does the jobs of one work in worker processes, which serve this work only."""

    def __init__(self, backend: Local, work: Work[J, R], limits: Limits, after_stall: Limits) -> None:
        self._backend, self._work = backend, work
        self._limits, self._after_stall = limits, after_stall
        self._decode = msgspec.msgpack.Decoder(work.record).decode
        self._idle: list[Worker[J]] = []
        self._lent: list[Worker[J]] = []
        """Those that a call of `do` waits for."""
        self._changed, self._is_closed = threading.Condition(), False

    # Many jobs, by one thread.

    def run(self, jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        left = iter(jobs)
        busy: dict[Connection, Worker[J]] = {}
        try:
            while True:
                while len(busy) < self._backend.most and (job := next(left, None)) is not None:
                    worker = self._free()
                    busy[worker.pipe] = worker
                    worker.take(job, self._limits, self._work.parts(job))
                if not busy:
                    return
                yield from self._hear(busy)
        finally:
            for worker in busy.values():
                worker.end()

    def _hear(self, busy: dict[Connection, Worker[J]]) -> Iterator[tuple[J, R]]:
        """Wait for the next records, and for workers whose time is up."""
        first = min(worker.deadline for worker in busy.values())
        ready = wait(list(busy), max(0.0, first - time.monotonic()))
        now = time.monotonic()
        for pipe, worker in list(busy.items()):
            if pipe in ready or now >= worker.deadline:
                del busy[pipe]
                assert worker.job is not None
                yield worker.job, self._record(worker, has_answered=pipe in ready)

    # One job, by any thread.

    def do(self, job: J) -> R:
        with self._changed:
            worker = self._free()
            self._lent.append(worker)
        try:
            worker.take(job, self._limits, self._work.parts(job))
            return self._record(worker, worker.pipe.poll(max(0.0, worker.deadline - time.monotonic())))
        finally:
            with self._changed:
                self._lent.remove(worker)
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            for worker in self._lent:
                worker.kill()  # the thread that waits for it then reads its end
            self._changed.wait_for(lambda: not self._lent)
            for worker in self._idle:
                worker.end(at_once=False)
            self._idle.clear()

    # Both.

    def _free(self) -> Worker[J]:
        if self._is_closed:
            raise ValueError("the engine is closed")
        return self._idle.pop() if self._idle else self._backend.start(self._work)

    def _record(self, worker: Worker[J], has_answered: bool) -> R:
        """Return what a worker has sent; a worker that died or fell silent counts as a loss."""
        if not has_answered:
            return self._give_up(worker, f"fell silent for {worker.patience:.0f} s", is_stall=True)
        try:
            brought = decode_brought(worker.pipe.recv_bytes(LONGEST_RECORD))
            if brought.error:
                worker.end()
                raise WorkFailed(brought.error)
            record = self._decode(brought.record)
        except (EOFError, ConnectionError):
            return self._give_up(worker, worker.how_it_ended(), is_stall=worker.has_stack())
        except (OSError, msgspec.MsgspecError):
            return self._give_up(worker, "sent a malformed record", is_stall=False)
        worker.job = None
        if brought.is_spoiled:
            self._limits = self._after_stall
            worker.end()
        else:
            with self._changed:
                self._idle.append(worker)
        return record

    def _give_up(self, worker: Worker[J], how: str, is_stall: bool) -> R:
        assert worker.job is not None
        job, stack = worker.job, worker.stack_text()
        worker.end()
        if is_stall:
            self._limits = self._after_stall
        return self._work.lost(job, Loss(how, is_stall, stack))


class Worker(Generic[J]):
    """The parent's side of one worker process."""

    def __init__(self, number: int, started: Started, stack: Path, forget: Callable[[int], None]) -> None:
        self.number, self.pipe = number, started.pipe
        self.patience, self.deadline = 0.0, 0.0
        self._process, self._stack, self._forget = started.process, stack, forget

    job: J | None = None

    def take(self, job: J, limits: Limits, parts: int) -> None:
        """Hand over a job with this number of parts, each within the limits."""
        self.job = job
        self.patience = limits.silence or parts * limits.last + SLACK
        self.deadline = time.monotonic() + self.patience
        with contextlib.suppress(OSError):  # it has died: that shows when its answer is read
            self.pipe.send_bytes(encode(Order(encode(job), limits)))

    def how_it_ended(self) -> str:
        """Return how the process ended, in words; it has closed its pipe, so it ends now."""
        return self._process.how_it_ended(2.0)

    def stack_text(self) -> str:
        """Return what the process was doing when it was ended for taking too long; "" if it was not ended."""
        return self._stack.read_text("utf-8", "replace") if self._stack.exists() else ""

    def has_stack(self) -> bool:
        return bool(self.stack_text())

    def kill(self) -> None:
        """End the process at once; another thread waits for its record, and so for that."""
        self._process.kill()

    def end(self, at_once: bool = True) -> None:
        """End the process, and wait for it; one that is idle may release what it holds."""
        self.pipe.close()
        self._process.end(0.0 if at_once else 2.0)
        with contextlib.suppress(OSError):
            self._stack.unlink(missing_ok=True)
        self._forget(self.number)

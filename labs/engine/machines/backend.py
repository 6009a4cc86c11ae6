"""The parent's side: hands jobs to the workers of a Dask scheduler, and decodes their records.

Dask gives a job whose worker is lost to another worker; if that happens too often to one job, it is handed over again
here.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import pickle
import queue
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from distributed import CancelledError, Client, Future, KilledWorker

from labs.engine import code
from labs.engine.engine import NotStarted, WorkFailed
from labs.engine.environment import ROOT
from labs.engine.machines import site
from labs.engine.machines.orders import Campaign, Sealed, decode_answer, encode, folders_of, pack
from labs.engine.stalls import Limits
from labs.engine.unavailable import Unavailable
from labs.engine.work import Loss, Work

J = TypeVar("J")
R = TypeVar("R")

CONNECTING = 15.0
"""Wall seconds in which a scheduler must answer."""
PATIENCE = 300.0
"""Wall seconds without any worker after which the jobs are given up."""
LOOK = 2.0
"""Wall seconds between two looks at which workers there are."""
SPARE = 2
"""Jobs that wait at the scheduler, so that no worker waits for the parent."""
ROUNDS = 4
"""How often a job is handed over; in each round Dask accepts that a few workers are lost with it."""
HOW = "start one in the lab's folder: .venv/bin/python -m dask worker"


class Machines:
    """The workers of a Dask scheduler, one job for each of their threads."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._sites: dict[str, int] = {}
        self._looked = self._heard = 0.0
        self._was_told = False

    def __enter__(self) -> Machines:
        try:
            self.client = Client(self.address, timeout=CONNECTING, set_as_default=False, name="raft-lab")
        except (OSError, ValueError) as error:
            raise Unavailable(f"no Dask scheduler answers at {self.address}: {error}") from None
        self._heard = time.monotonic()
        try:
            while not self.sites():
                time.sleep(0.2)
        except BaseException:
            self.client.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):  # it may have lost the scheduler
            self.client.close()

    @property
    def most(self) -> int:
        """How many jobs can be done at once now."""
        return max(1, sum(self.sites().values()))

    @contextlib.contextmanager
    def open(
        self, work: Work[J, R], limits: Limits | None = None, after_stall: Limits | None = None
    ) -> Iterator[_Engine[J, R]]:
        limits = limits or Limits()
        engine = _Engine(self, work, limits, after_stall or limits)
        try:
            yield engine
        finally:
            engine.close()

    def sites(self) -> dict[str, int]:
        """Return the threads of each worker there is; raise Unavailable if there was none for too long."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked < (LOOK if self._sites else 0.1):
                return self._sites
            self._looked = now
            try:
                self._sites = dict(self.client.nthreads())
            except Exception as error:  # the connection is gone; Dask may be making it again
                self._require_scheduler()
                if now - self._heard > PATIENCE:
                    raise Unavailable(f"the scheduler at {self.address} no longer answers: {error}") from None
                return self._sites
            if self._sites:
                self._heard, self._was_told = now, False
            elif now - self._heard > PATIENCE:
                raise Unavailable(f"the scheduler at {self.address} has no workers: {HOW} {self.address}")
            elif now - self._heard > LOOK and not self._was_told:
                self._was_told = True
                print(f"the scheduler at {self.address} has no workers; waiting for one", file=sys.stderr, flush=True)
            return self._sites

    def check(self) -> None:
        """Raise Unavailable if scheduler or workers have been gone for too long."""
        self._require_scheduler()
        self.sites()

    def _require_scheduler(self) -> None:
        if self.client.status in ("closed", "closing"):
            raise Unavailable(f"the scheduler at {self.address} no longer answers")


@dataclass(eq=False)
class _Task(Generic[J]):
    """A job that the workers have."""

    job: J
    done: queue.SimpleQueue[_Task[J]]
    """Gets the task when its future has ended."""
    rounds: int = 0
    future: Future[bytes] = field(init=False)


_Done: TypeAlias = "queue.SimpleQueue[_Task[J]]"


class _Engine(Generic[J, R]):
    """Does the jobs of one work."""

    def __init__(self, backend: Machines, work: Work[J, R], limits: Limits, after_stall: Limits) -> None:
        self._backend, self._work = backend, work
        self._decode = msgspec.msgpack.Decoder(work.record).decode
        self._name, self._numbers = f"raft-{os.urandom(6).hex()}", itertools.count()
        digests = {folder: _digest(folder) for folder in folders_of(work)}
        whole = Campaign(self._name, digests, _pickled(work), pack(work.reads()), limits, after_stall)
        self._campaign = Sealed(encode(whole))
        self._sites: set[str] = set()
        """The workers that have this work open."""
        self._waiting: set[_Task[J]] = set()
        self._lock, self._is_closed = threading.Lock(), False

    def run(self, jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        left = iter(jobs)
        done: _Done[J] = queue.SimpleQueue()
        busy: set[_Task[J]] = set()
        try:
            while True:
                while len(busy) < self._backend.most + SPARE and (job := next(left, None)) is not None:
                    busy.add(self._hand_over(_Task(job, done)))
                if not busy:
                    return
                task, record = self._hear(done)
                busy.remove(task)
                yield task.job, record
        finally:
            for task in busy:
                self._take_back(task)

    def do(self, job: J) -> R:
        done: _Done[J] = queue.SimpleQueue()
        task = self._hand_over(_Task(job, done))
        try:
            return self._hear(done)[1]
        finally:
            self._take_back(task)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            left = list(self._waiting)
        for task in left:
            self._take_back(task)
            task.done.put(task)  # the thread that waits for it goes on
        with contextlib.suppress(Exception):  # a worker that is lost has nothing open, and others close it when idle
            there = [address for address in self._backend.sites() if address in self._sites]
            if there:
                self._backend.client.run(site.close, self._name, workers=there, on_error="ignore")

    def _hand_over(self, task: _Task[J]) -> _Task[J]:
        """Give a task to the scheduler, under a key that shows nothing."""
        with self._lock:
            if self._is_closed:
                raise ValueError("the engine is closed")
            self._waiting.add(task)
        task.rounds += 1
        key = f"{self._name}-{next(self._numbers)}"
        job = Sealed(encode(task.job))
        task.future = self._backend.client.submit(site.perform, self._campaign, job, key=key, pure=False)
        task.future.add_done_callback(lambda future: task.done.put(task))
        return task

    def _take_back(self, task: _Task[J]) -> None:
        with self._lock:
            self._waiting.discard(task)
        with contextlib.suppress(Exception):  # the scheduler may be gone
            if not task.future.done():
                task.future.cancel()

    def _hear(self, done: _Done[J]) -> tuple[_Task[J], R]:
        """Wait for the next record."""
        while True:
            try:
                task = done.get(timeout=LOOK)
            except queue.Empty:
                self._backend.check()
                continue
            try:
                if self._is_closed and not task.future.done():
                    raise CancelledError
                answered = task.future.result()
            except KilledWorker:
                if task.rounds == ROUNDS:
                    raise NotStarted(f"workers were lost with the same job in {ROUNDS} rounds") from None
                self._hand_over(task)
                continue
            except CancelledError:
                if self._is_closed:
                    return task, self._work.lost(task.job, Loss("was ended", is_stall=False))
                raise Unavailable(f"the scheduler at {self._backend.address} no longer answers") from None
            except Exception as error:
                raise Unavailable(
                    f"scheduler or workers at {self._backend.address} cannot do the work: {type(error).__name__}: "
                    f"{error}. They must run in the folder of the same lab"
                ) from None
            with self._lock:
                self._waiting.discard(task)
            return task, self._record(answered)

    def _record(self, answered: bytes) -> R:
        answer = decode_answer(answered)
        self._sites.add(answer.site)
        match answer.kind:
            case "refused":
                raise Unavailable(f"the worker at {answer.site}: {answer.text}")
            case "failed":
                raise WorkFailed(answer.text)
            case "not started":
                raise NotStarted(f"the worker at {answer.site}: {answer.text}")
        return self._decode(answer.record)


@functools.cache
def _digest(folder: str) -> str:
    return code.digest(ROOT, [folder])


def _pickled(work: Work[Any, Any]) -> bytes:
    """Return a work as other machines get it: without what only this one can do."""
    path = work.reads()
    return pickle.dumps(work if path is None else work.moved(path))

"""Starts a Dask scheduler and workers on loopback, as the guide says, each a process that ends with the test."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.running import ROOT

LOOPBACK = "127.0.0.1"
QUIET = ("--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0")
SECONDS = 120.0


class Dask:
    """A scheduler and its workers; logs and files of theirs lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, ""
        self._file = folder / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_scheduler(self) -> None:
        self._start("scheduler", "--port", "0", "--scheduler-file", str(self._file))
        until = time.monotonic() + SECONDS
        while not self.address:
            assert time.monotonic() < until and self._processes[0].poll() is None, self.logs()
            time.sleep(0.05)
            with contextlib.suppress(OSError, json.JSONDecodeError):
                self.address = json.loads(self._file.read_text())["address"]

    def start_worker(self) -> None:
        """Start a worker with one thread; it does not need to be there at once."""
        place = ("--local-directory", str(self._files(len(self.workers))), "--nthreads", "1", "--no-nanny")
        self.workers.append(self._start("worker", self.address, *place))

    def _files(self, worker: int) -> Path:
        return self.folder / f"files-{worker}"

    def copies(self, worker: int) -> list[Path]:
        """Return the copies of servers' code that a worker has now."""
        return sorted(self._files(worker).glob("**/raft.py"))

    def busy(self) -> list[int]:
        """Return the workers that have a copy."""
        return [number for number in range(len(self.workers)) if self.copies(number)]

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{kind}-{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, "--host", LOOPBACK, *QUIET, *options],
                cwd=ROOT,
                env={**os.environ, "HOME": str(self.folder), "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def started(folder: Path, workers: int = 2) -> Iterator[Dask]:
    """Start a scheduler and workers, for as long as the context lasts."""
    dask = Dask(folder)
    try:
        dask.start_scheduler()
        for _ in range(workers):
            dask.start_worker()
        yield dask
    finally:
        dask.end()

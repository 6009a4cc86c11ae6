"""How a worker process starts and ends: forked from this process, spawned, or forked from one that holds nothing of it.

Forking a process with threads is unsafe, and on macOS, any. A backend with an environment of its own forks from a
starter (labs.engine.starter) where the system can fork at all.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from labs.engine import starter
from labs.engine.engine import NotStarted
from labs.engine.work import Work
from labs.engine.worker import serve

STARTER = ("-P", "-s", "-B", "-m", "labs.engine.starter")
"""The interpreter's arguments for a starter."""


class Process(Protocol):
    """A worker process."""

    def how_it_ended(self, seconds: float) -> str:
        """Return how it ended, in words to follow "the process", once it has closed its pipe; wait for that long."""

    def kill(self) -> None:
        """End it at once, unless it has ended."""

    def end(self, seconds: float) -> None:
        """Wait for its end, for that long; then end it, and wait for that."""


@dataclass(frozen=True)
class Started:
    """A worker process, and the pipe to it."""

    process: Process
    pipe: Connection


class Processes:
    """Starts worker processes, with the environment of this process or another one."""

    def __init__(self, environment: Mapping[str, str] | None) -> None:
        self._environment = environment
        self._starter: Starter | None = None

    def start(self, work: Work[Any, Any], number: int, others: list[Connection], stack: Path) -> Started:
        """Start a worker; `others` are this process's ends of pipes, which it must not hold. Raises OSError."""
        if self._environment is not None and hasattr(os, "fork") and hasattr(socket, "send_fds"):
            if self._starter is not None and self._starter.has_ended():
                self.close()
            self._starter = self._starter or Starter(self._environment)
            return self._starter.start(work, number, stack)
        context: Any = multiprocessing.get_context(start_method() if self._environment is None else "spawn")
        with contextlib.ExitStack() as unless_started:
            pipe, far = context.Pipe()
            unless_started.callback(pipe.close)
            with far:
                inherited = [*others, pipe] if context.get_start_method() == "fork" else []
                process = context.Process(target=serve, args=(work, number, far, inherited, stack))
                process.daemon = False
                with _environment(self._environment):
                    process.start()
            unless_started.pop_all()
            return Started(_Child(process), pipe)

    def close(self) -> None:
        """End the starter, and with it all workers that it started."""
        if self._starter is not None:
            self._starter.close()
            self._starter = None


def start_method() -> str:
    """Return how workers start: forking is safe only on Linux, and only while this process has one thread."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


@contextlib.contextmanager
def _environment(other: Mapping[str, str] | None) -> Iterator[None]:
    """Have another environment for a moment, which a process that is started inherits."""
    if other is None:
        yield
        return
    own = dict(os.environ)
    os.environ.clear()
    os.environ.update(other)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(own)


class _Child:
    """A process that this one has started."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process

    def how_it_ended(self, seconds: float) -> str:
        self._process.join(seconds)
        return _in_words(self._process.exitcode)

    def kill(self) -> None:
        self._process.kill()

    def end(self, seconds: float) -> None:
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()


class Starter:
    """A warm process that forks workers, each the leader of a session of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._link, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, *STARTER],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=dict(environment),
                    start_new_session=True,
                )
            except OSError:
                self._link.close()
                raise

    def start(self, work: Work[Any, Any], number: int, stack: Path) -> Started:
        """Start a worker; raises OSError."""
        pipe, far = multiprocessing.Pipe()
        try:
            with far:
                said = self._ask(("start", work, number, str(stack)), far.fileno())
            if not isinstance(said, int):
                raise NotStarted(str(said))
        except BaseException:
            pipe.close()
            raise
        return Started(_Forked(self, said), pipe)

    def has_ended(self) -> bool:
        """Return whether the process is gone, so that it starts no more workers."""
        return self._process.poll() is not None

    def kill(self, pid: int) -> None:
        """End a worker, if it has not ended, and wait for that."""
        with contextlib.suppress(NotStarted):  # then it is gone, too
            self._ask(("kill", pid))

    def exit_code(self, pid: int, seconds: float) -> int | None:
        """Return a worker's exit code, or minus the signal that ended it; None if it has not ended after that long."""
        until, pause = time.monotonic() + seconds, 0.001
        while True:
            try:
                code = self._ask(("code", pid))
            except NotStarted:
                return -int(signal.SIGKILL)
            if code is not None or time.monotonic() >= until:
                assert code is None or isinstance(code, int)
                return code
            time.sleep(pause)
            pause = min(2 * pause, 0.05)

    def close(self) -> None:
        """End the process and all that it has started, and wait for that."""
        self._link.close()
        self._process.wait()

    def _ask(self, question: object, *handles: int) -> object:
        data = pickle.dumps(question)
        with self._lock:
            try:
                starter.send(self._link, data, handles)
                answer, _ = starter.receive(self._link)
            except OSError:
                answer = b""
        if not answer:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            raise NotStarted(_in_words(self._process.returncode))
        return pickle.loads(answer)


class _Forked:
    """A process that a starter has started."""

    def __init__(self, by: Starter, pid: int) -> None:
        self._starter, self._pid = by, pid

    def how_it_ended(self, seconds: float) -> str:
        return _in_words(self._starter.exit_code(self._pid, seconds))

    def kill(self) -> None:
        self._starter.kill(self._pid)

    def end(self, seconds: float) -> None:
        if seconds:
            self._starter.exit_code(self._pid, seconds)
        self._starter.kill(self._pid)


def _in_words(code: int | None) -> str:
    if code is None:
        return "closed its pipe"
    return f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"

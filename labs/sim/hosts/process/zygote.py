"""The zygote: a warm process that has imported all that a server needs, and forks a copy of itself for each.

It obeys the simulator, over its standard input, which is a socket; it ends when that closes. It never receives or
executes anything of a submission.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from labs.sim.hosts.process import frames
from labs.sim.hosts.process.frames import Done
from labs.sim.hosts.process.nameless import forget_folders
from labs.sim.hosts.process.rehearsal import rehearse
from labs.sim.hosts.process.worker import Child

_LIMIT = 1 << 30
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG (prctl)."""


class Zygote:
    """The warm process."""

    def __init__(self, link: socket.socket, folders: list[str]) -> None:
        self._link, self._folders = link, folders
        self._stub: dict[str, Any] = {}
        self._options: dict[str, Any] = {}
        self._living: set[int] = set()
        self._times: dict[int, float] = {}
        """The CPU time of those that have ended since the last `Finish`."""
        self._exits: dict[int, int] = {}
        self._prctl = _find_prctl()

    def die_with_parent(self) -> None:
        self._prctl(_DIE_WITH_PARENT, signal.SIGKILL)

    def serve(self) -> None:
        """Obey until the simulator is gone; then end all processes."""
        while self.hear():
            pass
        self._finish()

    def hear(self) -> bool:
        """Obey what comes next; return whether anything came."""
        try:
            data, handles, _, _ = socket.recv_fds(self._link, frames.CHUNK, 2)
        except OSError:
            return False
        for message in self._split(data):
            self._obey(message, handles)
        return bool(data)

    def _split(self, data: bytes) -> list[frames.ToZygote]:
        """Return the messages in what was received; several may have come at once."""
        messages: list[frames.ToZygote] = []
        while data:
            size = 4 + int.from_bytes(data[:4], "big")
            while len(data) < size:
                more = self._link.recv(frames.CHUNK)
                if not more:
                    return messages
                data += more
            messages.append(frames.decode_for_zygote(data[4:size]))
            data = data[size:]
        return messages

    def _obey(self, message: frames.ToZygote, handles: list[int]) -> None:
        match message:
            case frames.Hello(stub=stub, options=options, protocols=protocols):
                for protocol in protocols:
                    importlib.import_module(protocol)
                self._answer(self._prepare(stub, options))
            case frames.Fork():
                self._answer(self._fork(*handles))
                for handle in handles:
                    os.close(handle)
            case frames.Kill(number=number):
                self._signal(number, signal.SIGKILL)
            case frames.Show(number=number):
                self._signal(number, signal.SIGUSR1)
            case frames.Measure():
                self._reap()
                self._answer(self._measure())
            case frames.Pin(cores=cores):
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(0, cores)
            case frames.Finish():
                self._finish()
                self._answer(self._measure())
                self._times, self._exits = {}, {}

    def _answer(self, done: Done) -> None:
        frames.send(self._link, done)

    def _prepare(self, stub: str, options: dict[str, Any]) -> Done:
        """Load the stub, and freeze what is in memory, so that children share it."""
        self._options = options
        try:
            if stub:
                self._stub = {"__name__": "confinement"}
                exec(compile(stub, "<confinement>", "exec"), self._stub)
                if "prepare" in self._stub:
                    self._options = self._stub["prepare"](options)
        except Exception as error:
            return Done(error=f"{type(error).__name__}: {error}")
        rehearse()
        if stub:
            forget_folders(self._folders)
            self._folders = []
            rehearse()  # what has another name is new to the interpreter, which has yet to make it fast
        gc.collect()
        gc.freeze()
        return Done()

    def _fork(self, link: int, stack: int) -> Done:
        try:
            pid = os.fork()
        except OSError as error:
            return Done(error=f"cannot fork: {error}")
        if pid:
            self._living.add(pid)
            return Done(pid)
        try:
            self._be_child(link, stack)
        finally:
            os._exit(1)

    def _be_child(self, link: int, stack: int) -> None:
        self.die_with_parent()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        kept = sorted((link, stack))
        for low, high in zip((3, kept[0] + 1, kept[1] + 1), (kept[0], kept[1], 4096)):
            os.closerange(low, high)
        faulthandler.register(signal.SIGUSR1, file=stack, all_threads=True)

        def confine() -> dict[str, Any]:
            if "confine" not in self._stub:
                return {}
            facts: dict[str, Any] = self._stub["confine"]({**self._options, "fds": kept})
            self._prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # a change of the user ends it
            return facts

        Child(socket.socket(fileno=link), confine).run()
        os._exit(0)

    # Those that live and those that do not.

    def _signal(self, pid: int, number: int) -> None:
        if pid in self._living:
            os.kill(pid, number)

    def _reap(self, wait: bool = False) -> None:
        """Take note of the processes that have ended."""
        for pid in sorted(self._living):
            ended, status, usage = os.wait4(pid, 0 if wait else os.WNOHANG)
            if ended:
                self._living.discard(pid)
                self._times[pid] = self._times.get(pid, 0.0) + usage.ru_utime + usage.ru_stime
                self._exits[pid] = os.waitstatus_to_exitcode(status)

    def _finish(self) -> None:
        for pid in self._living:
            os.kill(pid, signal.SIGKILL)
        self._reap(wait=True)

    def _measure(self) -> Done:
        """Return the CPU time of all processes, also those that still run."""
        times = dict(self._times)
        for pid in self._living:
            times[pid] = times.get(pid, 0.0) + _cpu_time_of(pid)  # numbers may come again
        return Done(0, sum(times.values()), len(self._living), times=times, exits=self._exits)


def _cpu_time_of(pid: int) -> float:
    """Return the CPU time of a process in seconds; 0 where the system has no clock for that."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # what clock_getcpuclockid returns on Linux
    except (OSError, AttributeError):
        return 0.0


def _find_prctl() -> Callable[[int, int], object]:
    if not sys.platform.startswith("linux"):
        return lambda option, value: None
    import ctypes

    function: Callable[[int, int], object] = ctypes.CDLL(None).prctl
    return function


def begin(folders: list[str]) -> Zygote:
    """Return the zygote once it is ready; the standard input is the socket to the simulator.

    The function that forks is called from outside of this module, so that no frame is left from before its code was
    renamed.
    """
    link = socket.socket(fileno=os.dup(0))
    os.set_inheritable(link.fileno(), False)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    zygote = Zygote(link, folders)
    zygote.die_with_parent()
    zygote.hear()
    return zygote

"""A warm process that forks workers for another one, and holds nothing of that one: no memory, no handle, no variable.

It obeys over its standard input, which is a socket, and ends its workers when that closes: so they end however their
parent does, also while they compute in C. Run as `python -m labs.engine.starter`. Pickled questions come from the
parent only.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import socket
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from labs.engine.work import Work
from labs.engine.worker import serve

_CHUNK = 1 << 16


def send(link: socket.socket, data: bytes, handles: Sequence[int] = ()) -> None:
    """Send bytes, and file handles with them."""
    head = len(data).to_bytes(4, "big")
    socket.send_fds(link, [head], list(handles))
    link.sendall(data)


def receive(link: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next bytes, and the handles that came with them; no bytes if the other end is closed."""
    head, handles, _, _ = socket.recv_fds(link, 4, 1)
    while 0 < len(head) < 4:
        more = link.recv(4 - len(head))
        if not more:
            return b"", handles
        head += more
    left, parts = int.from_bytes(head, "big"), []
    while left:
        part = link.recv(min(left, _CHUNK))
        if not part:
            return b"", handles
        parts.append(part)
        left -= len(part)
    return b"".join(parts), handles


class _Starter:
    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._alive: set[int] = set()
        self._codes: dict[int, int] = {}

    def obey(self) -> None:
        """Do what the parent asks, until it is gone; then no worker is left."""
        while True:
            try:
                data, handles = receive(self._link)
                if not data:
                    break
                send(self._link, pickle.dumps(self._answer(pickle.loads(data), handles)))
            except OSError:
                break
        for pid in list(self._alive):
            self._kill(pid)

    def _answer(self, question: Any, handles: list[int]) -> int | str | None:
        match question:
            case ["start", work, number, stack]:
                try:
                    return self._start(work, number, handles[0], Path(stack))
                finally:
                    os.close(handles[0])
            case ["kill", pid]:
                self._kill(pid)
                return None
            case ["code", pid]:
                return self._code(pid)
        raise ValueError(question)

    def _start(self, work: Work[Any, Any], number: int, handle: int, stack: Path) -> int | str:
        """Return the number of a new process, or why there is none."""
        try:
            work.warm()
            gc.collect()
            gc.freeze()  # what is in memory stays shared
            pid = os.fork()
        except Exception as error:
            return "".join(traceback.format_exception_only(error)).strip()
        if not pid:
            self._be_worker(work, number, handle, stack)
        self._alive.add(pid)
        return pid

    def _be_worker(self, work: Work[Any, Any], number: int, handle: int, stack: Path) -> NoReturn:
        code = 1
        try:
            os.setsid()
            self._link.close()
            serve(work, number, Connection(handle), [], stack)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        finally:
            os._exit(code)

    def _kill(self, pid: int) -> None:
        """End a worker with all of its group, wait for it, and forget it."""
        if self._code(pid) is None:
            os.kill(pid, signal.SIGKILL)
            self._take_leave(pid, os.waitpid(pid, 0)[1])
        self._codes.pop(pid, None)

    def _code(self, pid: int) -> int | None:
        """Return the exit code of a worker, None if it has not ended."""
        if pid in self._alive:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._take_leave(pid, status)
        return self._codes.get(pid, None if pid in self._alive else -int(signal.SIGKILL))

    def _take_leave(self, pid: int, status: int) -> None:
        """Note how a worker ended, and end those of its group that it left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        self._alive.discard(pid)
        self._codes[pid] = os.waitstatus_to_exitcode(status)


def main() -> None:
    """Obey the parent."""
    link = socket.socket(fileno=os.dup(0))
    os.set_inheritable(link.fileno(), False)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Starter(link).obey()


if __name__ == "__main__":
    main()

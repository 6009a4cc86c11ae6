"""The simulator's end of the zygote: starts it, has it fork, signal and count processes, and ends it.

Also the simulator's end of each process: a socket, and the pipe that its stack comes through if it has to be ended.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import outcome
import trio

import labs
from labs.codec.rpcs import PROTOCOLS
from labs.sim.hosts.base import HostOptions, HostsUnavailable
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.frames import BadFrame, Beginner, Compiler, Done, FromServer

Said = TypeVar("Said")
_START = (
    "import os, sys; f = os.read(0, int.from_bytes(os.read(0, 4), 'big')).decode().split('\\n'); sys.path[:0] = f; "
    "import site; site.setquit(); site.setcopyright(); site.sethelper(); "  # names such as exit, as everywhere
    "from labs.sim.hosts.process import zygote; z = zygote.begin(f); del f; z.serve()"
)
"""The folders to import from come first over the socket, because arguments are visible; there are no others (-S)."""
_PATIENCE = 60.0
"""Wall seconds in which the zygote must answer; it has nothing to wait for."""
_FOR_STACK = 2.0
"""Wall seconds in which a process must have written its stack, if it ever will."""
_LONG = 1 << 20
"""Frames of honest servers are shorter mostly, in bytes."""
_PLACE = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)


def folders_to_read() -> list[Path]:
    """Return the folders, beside the interpreter's own, that a zygote must be able to read."""
    packages = (labs, trio, msgspec, outcome)
    return sorted({Path(package.__file__ or "").resolve().parent.parent for package in packages})


def _interpreter() -> str:
    """Return the interpreter itself: in an environment of this folder's, its name would reveal where that is."""
    base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    return base if os.access(base, os.X_OK) else sys.executable


class ZygoteLink:
    """A running zygote."""

    def __init__(self, options: HostOptions) -> None:
        if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
            raise HostsUnavailable(
                f"servers cannot have processes of their own on {sys.platform}: it has no os.fork. Use: --hosts inline"
            )
        ours, theirs = socket.socketpair()
        python = [_interpreter(), "-P", "-S", "-s", "-B", "-c", _START]
        try:
            self._process = subprocess.Popen(
                [*options.prefix, *python],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**options.environment, "PYTHONHASHSEED": "0"},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise HostsUnavailable(f"cannot start {(*options.prefix, *python)[0]}: {error}") from None
        finally:
            theirs.close()
        self._link, self._step_seconds = ours, options.step_seconds
        _set_limit(ours, _PATIENCE)
        folders = "\n".join(map(str, folders_to_read())).encode()
        with contextlib.suppress(OSError):  # it is gone, and so sends nothing
            ours.sendall(len(folders).to_bytes(4, "big") + folders)
        stub = options.stub.read_text(encoding="utf-8") if options.stub is not None else ""
        self.protocols = list(PROTOCOLS)
        self._send(frames.Hello(stub, dict(options.stub_options), self.protocols))
        wrong = self._receive().error
        if wrong:
            self.close()
            raise HostsUnavailable(f"the confinement does not load: {wrong}")

    def fork(self, first: frames.ToServer) -> Process:
        """Start a process, and send it the first frame, which it reads once it is confined.

        It need not wait for that then: where all share a core, each wait costs a turn of the scheduler.
        """
        ours, theirs = socket.socketpair()
        _set_limit(ours, self._step_seconds)
        stack, to_stack = os.pipe()
        with contextlib.ExitStack() as unless_forked:
            unless_forked.callback(ours.close)
            unless_forked.callback(os.close, stack)
            self._send_fork(theirs, to_stack)
            with contextlib.suppress(BadFrame):  # who waits for an answer finds out
                frames.send(ours, first)
            done = self._receive()
            if done.error:
                raise HostsUnavailable(f"no further process can be started: {done.error}")
            unless_forked.pop_all()
        return Process(self, done.number, ours, stack)

    def _send_fork(self, theirs: socket.socket, to_stack: int) -> None:
        """Have the zygote fork a process that gets these two ends, which are closed here."""
        try:
            record = frames.encode(frames.Fork())
            socket.send_fds(self._link, [len(record).to_bytes(4, "big") + record], [theirs.fileno(), to_stack])
        except OSError:
            raise HostsUnavailable(f"the zygote is gone: {self._last_words()}") from None
        finally:
            theirs.close()
            os.close(to_stack)

    def kill(self, number: int) -> None:
        self._send(frames.Kill(number))

    def show(self, number: int) -> None:
        self._send(frames.Show(number))

    def pin(self, cores: set[int]) -> None:
        self._send(frames.Pin(sorted(cores)))

    def measure(self) -> Done:
        """Return what all processes since the last `finish` have used."""
        self._send(frames.Measure())
        return self._receive()

    def finish(self) -> Done:
        """End all processes, and wait until they are gone."""
        self._send(frames.Finish())
        return self._receive()

    def close(self) -> None:
        """End the zygote, and with it all of its processes."""
        self._link.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _send(self, record: frames.ToZygote) -> None:
        try:
            frames.send(self._link, record)
        except BadFrame:
            raise HostsUnavailable(f"the zygote is gone: {self._last_words()}") from None

    def _receive(self) -> Done:
        try:
            return frames.decode_done(frames.receive(self._link, frames.CHUNK))
        except BadFrame:
            raise HostsUnavailable(f"the zygote is gone: {self._last_words()}") from None

    def _last_words(self) -> str:
        """Return the output of a zygote that ended, which shows why."""
        self._process.kill()
        assert self._process.stderr is not None
        words = self._process.stderr.read(100_000).decode(errors="replace").strip()
        code = self._process.wait()
        return words[-1500:] or f"it ended with code {code} and no word"


class Process:
    """One server's process, from outside."""

    def __init__(self, zygote: ZygoteLink, number: int, link: socket.socket, stack: int) -> None:
        self.number = number
        self.link = link
        self._zygote = zygote
        self._stack = stack
        self.gone = False
        self.server = -1
        """Whose it is."""
        self.received = 0
        """The bytes that it has sent."""

    def send(self, record: frames.ToServer) -> None:
        frames.send(self.link, record)

    def receive(self, limit: int, seconds: float) -> FromServer:
        """Return the next frame that it sends; raise BadFrame if that is not a frame, or none comes in time."""
        data = frames.receive(self.link, limit, seconds)
        self.received += len(data)
        return decode_frame(data, frames.decode_from_server)

    def receive_compiled(self, limit: int, seconds: float) -> Compiler:
        """Return the answer of a process that was asked to compile; raise BadFrame as `receive` does."""
        return decode_frame(frames.receive(self.link, limit, seconds), frames.decode_from_compiler)

    def receive_first(self, limit: int) -> Beginner:
        """Return the first frame that it sends, after which more may have come."""
        return decode_frame(frames.receive_first(self.link, limit), frames.decode_from_beginner)

    def kill(self) -> None:
        """End it; it is waited for later."""
        if not self.gone:
            self.gone = True
            self.link.close()
            os.close(self._stack)
            self._zygote.kill(self.number)

    def places(self) -> list[tuple[str, int, str]]:
        """Return file, line and function of each frame of its Python stack, innermost first; nothing if it hides."""
        with contextlib.suppress(HostsUnavailable):
            self._zygote.show(self.number)
        text, patience = b"", _FOR_STACK
        while len(text) < 1 << 16 and select.select([self._stack], [], [], patience)[0]:
            piece = os.read(self._stack, 1 << 16)
            if not piece:
                break
            text, patience = text + piece, 0.1
        found = _PLACE.findall(text.decode(errors="replace"))
        return [(file, int(line), function) for file, line, function in found if len(line) < 10]

    def how_it_ended(self) -> int | None:
        """Return its exit code, or minus the signal that ended it; None if it has not ended."""
        end, pause = time.monotonic() + _FOR_STACK, 0.001
        while time.monotonic() < end:
            code = self._zygote.measure().exits.get(self.number)
            if code is not None:
                return code
            time.sleep(pause)
            pause = min(2 * pause, 0.1)
        return None


def decode_frame(data: bytes, decode: Callable[[bytes], Said]) -> Said:
    """Return the content of a frame; raise BadFrame. A long one may be millions of objects: not to be collected."""
    is_long = len(data) > _LONG and gc.isenabled()
    if is_long:
        gc.disable()
    try:
        return decode(data)
    except (msgspec.MsgspecError, RecursionError, MemoryError, ValueError) as error:
        raise BadFrame(f"{type(error).__name__}: {str(error)[:200]}") from None
    finally:
        if is_long:
            gc.enable()


def _set_limit(link: socket.socket, seconds: float) -> None:
    """Let no single call on a socket wait for longer, in the system itself: that costs nothing each time."""
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

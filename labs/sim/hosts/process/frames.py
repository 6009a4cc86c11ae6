"""The frames on the sockets between the simulator, the zygote and the servers' processes: typed, in msgpack.

A frame is four bytes of length and one record. Each side decodes only what it expects, into exact types. A frame for
the simulator comes from a process that may be hostile; its meaning is checked in labs.sim.hosts.process.validate.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from labs.codec.limits import MAX_OUTPUTS
from labs.sim.loader.sources import MAX_FILES, Compiled
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Failed, Output

CHUNK = 256 * 1024
_LENGTH = 4
_BUFFER = memoryview(bytearray(CHUNK))


class BadFrame(Exception):
    """A frame arrived that is not allowed here, or none arrived; the text explains why."""


class Late(BadFrame):
    """Nothing came in time."""


class Closed(BadFrame):
    """The other side is gone."""


# From the simulator to a server's process.


class Request(msgspec.Struct, tag=0, array_like=True, gc=False):
    """An encoded request of another server."""

    ticket: int
    data: bytes


class Reply(msgspec.Struct, tag=1, array_like=True, gc=False):
    """An encoded reply to a call of the server's, or None."""

    call: int
    data: bytes | None


Inbox: TypeAlias = list[Request | Reply]


class Compile(msgspec.Struct, tag=0, array_like=True):
    """Compile these files; answered with `Modules`. The process does nothing else."""

    root: str
    sources: dict[str, bytes]


class Begin(msgspec.Struct, tag=1, array_like=True):
    """Begin an incarnation."""

    turn: int
    now: float
    server: int
    number: int
    size: int
    seed: int
    max_passes: int
    root: str
    entry: str
    class_name: str
    alone: bool
    modules: dict[str, Compiled]
    disk: Disk
    service_time: float = 0.0


class Step(msgspec.Struct, tag=2, array_like=True, gc=False):
    """It is `now`; take this in, and run until nothing can run."""

    turn: int
    now: float
    inbox: Inbox


class Ask(msgspec.Struct, tag=3, array_like=True, gc=False):
    """Call a plain method: `start` with a command, `get_state`, or `snapshot` with index and bytes.

    Also `where`: the line of the submission that a task stands at. With `in_task` the test itself asks.
    """

    turn: int
    now: float
    inbox: Inbox
    method: str
    in_task: bool
    index: int = 0
    data: bytes = b""


class CrashNow(msgspec.Struct, tag=4, array_like=True, gc=False):
    """Crash; answered with `Ended` when nothing can run any more."""

    turn: int
    now: float
    inbox: Inbox


ToServer: TypeAlias = Compile | Begin | Step | Ask | CrashNow


# From a server's process to the simulator.


Outputs: TypeAlias = Annotated[list[Output], Meta(max_length=MAX_OUTPUTS + 1)]
"""The last may report that there are too many."""
Numbers: TypeAlias = Annotated[list[int | bool], Meta(max_length=3)]


class Confined(msgspec.Struct, tag=0, array_like=True, forbid_unknown_fields=True):
    """The first frame of each process: what confines it, or what went wrong with that."""

    facts: dict[str, Any]
    error: str = ""


class Modules(msgspec.Struct, tag=1, array_like=True, forbid_unknown_fields=True):
    """What `Compile` asked for."""

    modules: Annotated[dict[str, Compiled], Meta(max_length=MAX_FILES)]


class Answer(msgspec.Struct, tag=2, array_like=True, forbid_unknown_fields=True):
    """Nothing can run any more, or a method has returned."""

    turn: int
    deadline: float
    """When the server wants to run again, if nothing comes for it; infinity for never."""
    runnable: bool
    """Whether a task of the server waits only for its turn, after a method was called."""
    outbox: Outputs
    abandoned: Annotated[list[int], Meta(max_length=MAX_OUTPUTS)]
    """Calls that the server stopped waiting for."""
    state: Numbers | None
    """What get_state returned after all that."""
    afterwards: Outputs
    """What get_state put out."""
    result: Numbers | str | None = None
    """What the method returned."""


class Ended(msgspec.Struct, tag=3, array_like=True, forbid_unknown_fields=True):
    """Nothing can run any more after a crash."""

    turn: int
    failed: Failed | None
    """What the server has done wrong, if it goes on."""


class Spun(msgspec.Struct, tag=4, array_like=True, forbid_unknown_fields=True):
    """The server went round without letting time pass, and was stopped; its process does no more."""

    turn: int
    passes: int
    """In this step."""
    failed: Failed


class Broke(msgspec.Struct, tag=5, array_like=True, forbid_unknown_fields=True):
    """The process cannot go on, not because of an exception in the server's code."""

    text: str


FromServer: TypeAlias = Answer | Ended | Spun | Broke
Compiler: TypeAlias = Modules | Broke
Beginner: TypeAlias = Confined | Broke
FromProcess: TypeAlias = FromServer | Compiler | Beginner


# Between the simulator and the zygote.


class Hello(msgspec.Struct, tag=0, array_like=True):
    """The stub's text ("" for none), its options, and the modules of the protocols that servers speak.

    Answered with an empty `Done`, or one with an error.
    """

    stub: str
    options: dict[str, Any]
    protocols: list[str]


class Fork(msgspec.Struct, tag=1, array_like=True):
    """Start a process, with the two file handles that come with this frame; answered with `Done`."""


class Kill(msgspec.Struct, tag=2, array_like=True):
    """End a process at once; not answered."""

    number: int


class Show(msgspec.Struct, tag=3, array_like=True):
    """Let a process write its stack to its pipe; not answered."""

    number: int


class Measure(msgspec.Struct, tag=4, array_like=True):
    """Answered with the CPU time of all processes since the last `Finish`, also of each."""


class Finish(msgspec.Struct, tag=5, array_like=True):
    """End all processes, and wait for them; answered with their CPU time."""


class Pin(msgspec.Struct, tag=6, array_like=True):
    """Use these cores only, also in processes to come; not answered."""

    cores: list[int]


ToZygote: TypeAlias = Hello | Fork | Kill | Show | Measure | Finish | Pin


class Done(msgspec.Struct, array_like=True):
    """What the zygote answers."""

    number: int = 0
    """The process that was started."""
    cpu_time: float = 0.0
    living: int = 0
    error: str = ""
    times: dict[int, float] = {}
    """The CPU time of each process, in the answer to `Measure`."""
    exits: dict[int, int] = {}
    """How processes ended by themselves: their exit code, or minus the signal."""


encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
decode_for_server: Callable[[bytes], ToServer] = msgspec.msgpack.Decoder(ToServer).decode
decode_for_zygote: Callable[[bytes], ToZygote] = msgspec.msgpack.Decoder(ToZygote).decode
decode_done: Callable[[bytes], Done] = msgspec.msgpack.Decoder(Done).decode
decode_from_server: Callable[[bytes], FromServer] = msgspec.msgpack.Decoder(FromServer).decode
"""Decodes frames of a submission's process; no field may be of any kind, so the bytes bound what is built."""
decode_from_compiler: Callable[[bytes], Compiler] = msgspec.msgpack.Decoder(Compiler).decode
decode_from_beginner: Callable[[bytes], Beginner] = msgspec.msgpack.Decoder(Beginner).decode
"""Decodes the first frame of a process, which no submission has written."""


def send(link: socket.socket, record: Any) -> None:
    """Send one frame; raise Closed or Late."""
    data = encode(record)
    try:
        link.sendall(len(data).to_bytes(_LENGTH, "big") + data)
    except BlockingIOError:
        raise Late("it does not read what is sent to it") from None
    except OSError:
        raise Closed("its socket is closed") from None


def receive(link: socket.socket, limit: int, seconds: float = 0.0) -> bytes:
    """Return the next frame's record, not decoded; raise BadFrame.

    With `seconds` it must be complete by then; the socket must have that as its own limit too, so that no call waits
    for ever (SO_RCVTIMEO).
    """
    data = _receive(link)
    if len(data) >= _LENGTH and len(data) - _LENGTH == int.from_bytes(data[:_LENGTH], "big") <= limit:
        return data[_LENGTH:]
    return _receive_rest(link, bytearray(data), limit, time.monotonic() + seconds if seconds else 0.0)


def receive_first(link: socket.socket, limit: int) -> bytes:
    """Return the next frame's record, not decoded, and leave later bytes; raise BadFrame."""
    size = int.from_bytes(_receive(link, _LENGTH, socket.MSG_WAITALL), "big")
    if size > limit:
        raise BadFrame(f"a frame of {size:,} bytes, more than the {limit:,} allowed")
    return _receive(link, size, socket.MSG_WAITALL)


def _receive_rest(link: socket.socket, data: bytearray, limit: int, end: float) -> bytes:
    """Return a frame that came in several pieces."""
    size = -1
    while size < 0 or len(data) < size:
        if size < 0 and len(data) >= _LENGTH:
            size = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
            if size - _LENGTH > limit:
                raise BadFrame(f"a frame of {size - _LENGTH:,} bytes, more than the {limit:,} allowed")
            continue
        if end and time.monotonic() > end:
            raise Late("its frame does not end")
        data += _receive(link)
    if len(data) > size:
        raise BadFrame("more than one frame at a time")
    return bytes(data[_LENGTH:])


def wait_for_word(link: socket.socket) -> None:
    """Wait until something comes, without the memory that a frame takes."""
    _receive(link, 1)


def _receive(link: socket.socket, size: int = CHUNK, flags: int = 0) -> bytes:
    """Return what comes next, at most CHUNK bytes.

    It is read into one buffer: to make one of this size for each frame would cost more than all the rest.
    """
    try:
        count = link.recv_into(_BUFFER, min(size, CHUNK), flags)
    except BlockingIOError:
        raise Late("nothing came in time") from None
    except OSError:
        raise Closed("its socket is closed") from None
    if not count:
        raise Closed("its socket is closed")
    return bytes(_BUFFER[:count])

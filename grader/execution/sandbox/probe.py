"""Tries the sandbox: a process confined like a server's attempts what no server may do, and reports the outcome.

Run in a process of its own, in the place of a zygote, as `python probe.py < request`; it answers with
JSON on its standard output. Like a zygote it reads the stub's text from its input, and imports nothing of the lab.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

Attempt = Callable[[], Any]

NUMBERS = {  # numbers of system calls without a function in Python, on x86_64 and aarch64
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "inotify_init1": (294, 26),
    "pidfd_open": (434, 434),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "timer_create": (222, 107),
    "memfd_create": (319, 279),
    "sysinfo": (99, 179),
    "open_by_handle_at": (304, 265),
    "set_robust_list": (273, 99),
    "mincore": (27, 232),
    "sched_setaffinity": (203, 122),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "eventfd2": (290, 19),
    "wake a shared futex": (202, 98),
    "own a futex that inherits priority": (202, 98),
    "send out of band": (44, 206),
    "peek into a socket": (45, 207),
    "merge its memory with that of others": (28, 233),
    "take huge pages": (9, 222),
}
ARGUMENTS = {
    "unshare": (0x10000000,),
    "keyctl": (0, -3, 1),
    "msgget": (12345, 0),
    "inotify_init1": (0,),
    "wake a shared futex": (0, 1, 1),
    "own a futex that inherits priority": (0, 128 | 6, 0),
    "send out of band": (0, 0, 0, 1, 0, 0),
    "peek into a socket": (0, 0, 0, 2, 0, 0),
    "merge its memory with that of others": (0, 0, 12),
    "take huge pages": (0, 0, 0, 0x40022, -1, 0),
}


def attempts(parent: int) -> Iterator[tuple[str, Attempt]]:
    """Yield everything that a server may not do, with the names under which the answers are reported."""
    yield "read a file", partial(_read, "/etc/passwd")
    yield "read its own process's files", partial(_read, "/proc/self/environ")
    yield "read its parent's environment", partial(_read, f"/proc/{parent}/environ")
    yield "list a folder", lambda: os.listdir("/")
    yield "look whether a file is there", lambda: os.stat("/etc/passwd")
    yield "write a file", partial(_write, "/tmp/written-by-a-server")
    yield "write a file in its folder", partial(_write, "written-by-a-server")
    yield "make a folder", _make_folder
    for family in ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"):
        yield f"make a socket, {family}", partial(socket.socket, getattr(socket, family), socket.SOCK_DGRAM)
    yield "make a pair of sockets", socket.socketpair
    yield "make a pipe", os.pipe
    yield "fork", _fork
    yield "start a program", lambda: subprocess.run(["/bin/true"], check=False)
    yield "become another program", _exec
    yield "start a thread", _thread
    yield "signal its parent", lambda: os.kill(parent, 0)
    yield "signal all", lambda: os.kill(-1, 0)
    yield "lock a file", lambda: fcntl.flock(0, fcntl.LOCK_SH)
    yield "lock a part of a file", lambda: fcntl.lockf(0, fcntl.LOCK_SH)
    yield "map memory that can be executed", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
    yield "become root", lambda: os.setresuid(0, 0, 0)
    yield "leave its session", os.setsid
    yield "read its parent's limits", lambda: _prlimit(parent)
    yield "read its parent's clock", lambda: _clock(parent)
    yield "read its parent's processors", lambda: os.sched_getaffinity(parent)
    yield "read its parent's priority", lambda: os.getpriority(os.PRIO_PROCESS, parent)
    for name in NUMBERS:
        yield name, partial(_call, name)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write(path: str) -> None:
    with open(path, "w"):
        os.unlink(path)


def _make_folder() -> None:
    os.mkdir("/tmp/made-by-a-server")
    os.rmdir("/tmp/made-by-a-server")


def _exec() -> None:
    """Try a program that does not exist: if starting programs is allowed, the answer is that it does not exist."""
    try:
        os.execv("/nowhere/program", ["program"])
    except FileNotFoundError:
        raise OSError(errno.EIO, "the kernel looked for the program") from None


def _fork() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    with contextlib.suppress(
        OSError
    ):  # otherwise its end may be signalled once "ptrace" has worked, and stop this process
        os.waitpid(pid, 0)
    return pid


def _thread() -> None:
    import _thread

    _thread.start_new_thread(int, ())


def _prlimit(pid: int) -> Any:
    import resource

    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


def _clock(pid: int) -> float:
    import time

    return time.clock_gettime((~pid << 3) | 2)


_SYSCALL: Any = None


def _call(name: str) -> int:
    """Make a system call by its number; raise what it returns as an error."""
    number = NUMBERS[name][0 if platform.machine() == "x86_64" else 1]
    arguments = [ctypes.c_long(value) for value in ARGUMENTS.get(name, (0, 0, 0, 0, 0))]
    done = int(_SYSCALL(ctypes.c_long(number), *arguments))
    error = ctypes.get_errno()
    if done < 0 and error not in (errno.EPERM, errno.ENOSYS):
        raise OSError(errno.EIO, f"the kernel looked at it: {os.strerror(error)}")
    if done < 0:
        raise OSError(error, os.strerror(error))
    return done


REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOENT, errno.ENOSYS)


def _outcome(attempt: Attempt) -> str:
    """Return "" for a refusal, otherwise what happened."""
    try:
        found = attempt()
    except OSError as error:
        if error.errno in REFUSALS:
            return ""
        return f"not refused, but failed: {error}"
    except RuntimeError as error:  # a thread that cannot be started
        return "" if "can't start new thread" in str(error) else f"not refused, but failed: {error}"
    return f"worked: {str(found)[:60]}"


def _confined(stub: types.ModuleType, options: dict[str, Any], out: int) -> dict[str, Any]:
    parent = os.getppid()
    facts = stub.confine({**options, "fds": [out]})
    outcomes = {name: _outcome(attempt) for name, attempt in attempts(parent)}
    worked = {name: outcome for name, outcome in outcomes.items() if outcome}
    return {"facts": facts, "tried": list(outcomes), "worked": worked}


def _child(stub: types.ModuleType, options: dict[str, Any], out: int) -> None:
    try:
        answer = _confined(stub, options, out)
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    os.write(out, json.dumps(answer).encode())


def _surroundings(hidden: str) -> dict[str, Any]:
    """Return what the zygote's place shows of the machine around it."""
    return {
        "pid": os.getpid(),
        "uid": os.getuid(),
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "sees": os.path.exists(hidden),
        "environment": sorted(os.environ),
    }


def main() -> None:
    """Read {"stub", "options", "hidden"}; print {"zygote", "facts", "tried", "worked"}, or "error"."""
    global _SYSCALL
    request = json.load(sys.stdin)
    _SYSCALL = ctypes.CDLL(None, use_errno=True).syscall
    platform.machine()
    _outcome(_fork)  # it works here, and has imported everything that an attempt needs
    stub = types.ModuleType("stub")
    exec(compile(request["stub"], "stub.py", "exec"), vars(stub))
    options = stub.prepare(request["options"])
    import _thread, resource, time  # noqa: E401, F401, I001

    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(read)
            _child(stub, options, write)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(pid, 0)
    if not said:
        code = os.waitstatus_to_exitcode(status)
        said = json.dumps({"error": f"ended with {signal.Signals(-code).name if code < 0 else code}"}).encode()
    json.dump({"zygote": _surroundings(request["hidden"]), **json.loads(said)}, sys.stdout)


if __name__ == "__main__":
    main()

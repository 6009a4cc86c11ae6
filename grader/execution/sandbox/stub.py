"""Confines the process that calls it, for good: the inner wall around one server of a submission.

The zygote executes this file, and each child calls `confine` after the fork and before any code of the submission (the
seam is labs.sim.hosts.base). One file that imports nothing of the lab, so that it can be read, copied and trusted
alone. It needs no file and loads no library after it was imported. It reports what it cannot do, and raises an error if
that is required.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import platform
import resource
import select
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

MiB = 1024 * 1024
DEFAULTS: dict[str, Any] = {
    "fds": [],  # the descriptors that it needs, beside 0, 1 and 2
    "extra": 5,  # the number of others that may be open: trio's
    "memory": 768 * MiB,  # address space, in bytes
    "cpu": 300,  # seconds of CPU time, from the server's start to its end
    "files": 64,  # descriptors
    "stack": 8 * MiB,
    "uid": 0,  # when root: the first of `uids` unused user ids, of which each server gets one
    "uids": 1024,
    "preload": [],  # the modules that a server may import, because it will open no file
    "require": [],  # of "uid", "landlock", "seccomp": what must not be missing
}

_LIBC = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
_PR = {"pdeathsig": 1, "dumpable": 4, "seccomp": 22, "drop_bound": 24, "no_new_privs": 38, "ambient": 47}


class CannotConfine(RuntimeError):
    """Something that the options require cannot be done on this machine."""


def prepare(options: dict[str, Any]) -> dict[str, Any]:
    """Do once, in the zygote, what children inherit: import, and change to a folder that is empty because it was
    deleted."""
    for module in options.get("preload", ()):
        with contextlib.suppress(ImportError):  # not in this version of Python
            importlib.import_module(module)
    with contextlib.suppress(OSError):  # there is no place to write
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)
    return options


def confine(options: dict[str, Any]) -> dict[str, Any]:
    """Confine this process; return what was done, and under "missing" what was not and why."""
    wanted = DEFAULTS | options
    parent = os.getppid()
    missing: dict[str, str] = {}
    facts: dict[str, Any] = {"missing": missing}
    _leave_all_behind(wanted)
    if sys.platform == "linux":
        _go_first_when_memory_ends()
    facts["limits"] = _limit(wanted)
    facts["uid"] = _change_user(wanted, missing)
    if sys.platform == "linux":
        _prctl("no_new_privs", 1)
        _prctl("pdeathsig", 9)  # lost when the user changes, so it comes later
        _prctl("dumpable", 0)
        if os.getppid() != parent:
            raise CannotConfine("the parent ended first")
        facts["no_new_privs"] = True
        facts["landlock"] = _landlock(missing)
        facts["seccomp"] = _seccomp(missing)
    else:
        missing["landlock"] = missing["seccomp"] = f"{sys.platform} has none"
    lacking = [f"{name}: {missing[name]}" for name in wanted["require"] if name in missing]
    if lacking:
        raise CannotConfine("; ".join(lacking))
    return facts


# What the process inherited from its parent.


def _leave_all_behind(wanted: dict[str, Any]) -> None:
    """Begin a session, and check that the host has closed the parent's open files; trio has opened its own since."""
    with contextlib.suppress(PermissionError):  # it leads one already
        os.setsid()
    os.umask(0o077)
    looked = select.poll()
    for fd in range(3, 256):
        looked.register(fd, 0)
    closed = {fd for fd, event in looked.poll(0) if event & select.POLLNVAL}
    extra = [fd for fd in range(3, 256) if fd not in closed and fd not in wanted["fds"]]
    if len(extra) > wanted["extra"]:
        raise CannotConfine(f"the descriptors {extra} are open")


def _go_first_when_memory_ends() -> None:
    with contextlib.suppress(OSError):
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        try:
            os.write(fd, b"1000")
        finally:
            os.close(fd)


def _limit(wanted: dict[str, Any]) -> dict[str, int]:
    limits = {
        "AS": wanted["memory"],
        "CPU": wanted["cpu"],
        "NOFILE": wanted["files"],
        "STACK": wanted["stack"],
        **dict.fromkeys(("FSIZE", "CORE", "NPROC", "MSGQUEUE", "MEMLOCK", "NICE", "RTPRIO", "SIGPENDING"), 0),
    }
    done = {}
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is not None:
            with contextlib.suppress(ValueError, OSError):  # macOS refuses some
                most = resource.getrlimit(number)[1]
                value = value if most == resource.RLIM_INFINITY else min(value, most)
                resource.setrlimit(number, (value, value))
                done[name] = value
    return done


def _change_user(wanted: dict[str, Any], missing: dict[str, str]) -> int:
    """As root, give up all of root's rights, and become a user that nobody else is."""
    if os.getuid() != 0 and os.geteuid() != 0:
        return os.getuid()
    if not wanted["uid"]:
        missing["uid"] = "no user id is given"
        return 0
    uid = wanted["uid"] + os.getpid() % wanted["uids"]
    try:
        os.setgroups([])
        if sys.platform == "linux":
            _prctl("ambient", 4)
            for capability in range(64):
                if not _prctl("drop_bound", capability, must=False):
                    break
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        else:
            os.setgid(uid)
            os.setuid(uid)
    except OSError as error:
        missing["uid"] = f"cannot become user {uid}: {error.strerror}"
    return os.getuid()


def _prctl(name: str, value: int, pointer: Any = 0, must: bool = True) -> bool:
    assert _LIBC is not None
    zero = ctypes.c_ulong(0)
    done: bool = _LIBC.prctl(_PR[name], ctypes.c_ulong(value), zero if pointer is None else pointer, zero, zero) == 0
    if must and not done and name != "ambient":
        raise CannotConfine(f"prctl {name}: {os.strerror(ctypes.get_errno())}")
    return done


# Landlock: no file, no connection, no signal to others. The numbers are the same on all architectures.


def landlock_abi() -> int:
    """Return the version of Landlock, or 0."""
    if _LIBC is None or sys.platform != "linux":
        return 0
    return max(0, int(_LIBC.syscall(444, None, ctypes.c_size_t(0), 1)))


def _landlock(missing: dict[str, str]) -> int:
    """Deny every use of files, TCP, and whatever else the kernel's version covers; return the version."""
    assert _LIBC is not None
    abi = landlock_abi()
    if abi < 1:
        missing["landlock"] = "the kernel has none (Linux 5.13 and later do, unless it is switched off)"
        return 0
    bits = 13 if abi == 1 else 14 if abi == 2 else 15 if abi < 5 else 16
    rules = struct.pack("<QQQ", (1 << bits) - 1, 3, 3)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    fd = _LIBC.syscall(444, ctypes.c_char_p(rules), ctypes.c_size_t(len(rules)), 0)
    if fd < 0 or _LIBC.syscall(446, fd, 0) != 0:
        missing["landlock"] = os.strerror(ctypes.get_errno())
        abi = 0
    if fd >= 0:
        os.close(fd)
    return abi


# seccomp: only what Python and trio need once everything is imported; all else is refused.

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {  # answer: calls, each with its numbers on x86_64 and aarch64
    "allow": "read 0 63, write 1 64, close 3 57, fstat 5 80, munmap 11 215, brk 12 214, mremap 25 216, "
    "rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, sigaltstack 131 132, sched_yield 24 124, "
    "restart_syscall 219 128, exit 60 93, exit_group 231 94, "
    "poll 7 -, ppoll 271 73, epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441, "
    "getrandom 318 278, gettimeofday 96 169, getcwd 79 17, getuid 102 174, getgid 104 176, geteuid 107 175, "
    "getegid 108 177",
    "EACCES": "open 2 -, openat 257 56, openat2 437 437, creat 85 -, access 21 -, faccessat 269 48, "
    "faccessat2 439 439, readlink 89 -, readlinkat 267 78, mkdir 83 -, mkdirat 258 34, chdir 80 49, unlink 87 -, "
    "unlinkat 263 35, rename 82 -, renameat 264 38, renameat2 316 276, getdents64 217 61, statfs 137 43",
    "ENOENT": "stat 4 -, lstat 6 -, newfstatat 262 79, statx 332 291",
    "ENOSYS": "clone3 435 435",  # so that the C library tries clone, which is refused like all that is not listed
    "nothing": "getpid 39 172, getppid 110 173, gettid 186 178",  # they return 0: no number reveals other processes
}
_Test: TypeAlias = tuple[int, int, tuple[int, ...]]
ALL, NULL = 0xFFFFFFFF, -1
"""Masks: on an argument's lower half, or on all of it."""
CHECKED: list[tuple[str, str, list[_Test]]] = [  # allowed if all tests (argument, mask, values) fit, else an error
    # No code, and no huge pages, which all processes share.
    ("mmap 9 222", "EPERM", [(2, 4, (0,)), (3, 0x40000, (0,))]),
    ("mprotect 10 226", "EPERM", [(2, 4, (0,))]),
    # To give memory back: no merging with equal pages of other processes, and no influence on which parts of a file are
    # in memory.
    ("madvise 28 233", "EPERM", [(2, ALL, (4, 8))]),  # MADV_DONTNEED, MADV_FREE
    # Private ones: a shared futex on a page of the C library's file is the same for all processes that have mapped it.
    # Waiting and waking only: the ones that inherit priority find threads of other processes by their number.
    ("futex 202 98", "EPERM", [(1, ALL, (128, 129, 131, 132, 137, 138, 393))]),
    # To no address, with no flags: nothing out of band.
    ("sendto 44 206", "EPERM", [(3, ALL, (0,)), (4, NULL, (0,))]),
    ("recvfrom 45 207", "EPERM", [(3, ALL, (0,)), (4, NULL, (0,))]),
    ("ioctl 16 29", "ENOTTY", [(1, ALL, (0x5421,))]),  # FIONBIO
    ("fcntl 72 25", "EPERM", [(1, ALL, (1, 2, 3))]),  # flags, but no locks
    ("clock_gettime 228 113", "EPERM", [(0, ALL, tuple(range(8)))]),  # no other process's clock
    ("prlimit64 302 261", "EPERM", [(0, ALL, (0,)), (2, NULL, (0,))]),  # reads its own
]
_ERRORS = {"nothing": 0, "EPERM": 1, "ENOENT": 2, "EACCES": 13, "ENOTTY": 25, "ENOSYS": 38}
_ANSWERS = {"allow": 0x7FFF0000, "kill": 0x80000000, **{name: 0x00050000 | code for name, code in _ERRORS.items()}}
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_Step: TypeAlias = tuple[int, int, int, int]


def _filter(machine: int) -> bytes:
    """Return the program that the kernel runs at each system call; `machine` is a column of the tables."""
    code = [*_check([(4, ALL, (list(_MACHINES.values())[machine],))], "kill"), (_LOAD, 0, 0, 0)]
    for answer, calls in CALLS.items():
        for call in calls.split(", "):
            code += _case(call.split()[1 + machine], [_answer(answer)])
    for call, error, tests in CHECKED:
        code += _case(call.split()[1 + machine], [*_check(_words(tests), error), _answer("allow")])
    return b"".join(struct.pack("<HBBI", *step) for step in [*code, _answer("EPERM")])


def _answer(name: str) -> _Step:
    return (_RETURN, 0, 0, _ANSWERS[name])


def _case(number: str, body: list[_Step]) -> list[_Step]:
    return [] if number == "-" else [(_EQUAL, 0, len(body), int(number)), *body]


def _words(tests: list[_Test]) -> Iterator[_Test]:
    """Yield where a test looks in a call's description."""
    for argument, mask, values in tests:
        yield (16 + 8 * argument, mask & ALL, values)
        if mask == NULL:
            yield (20 + 8 * argument, ALL, (0,))


def _check(words: Iterable[_Test], otherwise: str) -> list[_Step]:
    """Go on if each word of the call, under its mask, has one of its values; else answer."""
    code: list[_Step] = []
    for offset, mask, values in words:
        code += [(_LOAD, 0, 0, offset), (_AND, 0, 0, mask)]
        code += [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
        code.append(_answer(otherwise))
    return code


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


_MACHINE = platform.machine() if sys.maxsize > 2**32 and sys.byteorder == "little" else ""
_CODE = _filter(list(_MACHINES).index(_MACHINE)) if _MACHINE in _MACHINES else b""
_PROGRAM = _Program(len(_CODE) // 8, _CODE)


def _seccomp(missing: dict[str, str]) -> str:
    """Let the kernel refuse every system call that is not on the list; return the machine whose list it is."""
    if not _CODE:
        missing["seccomp"] = f"there is no table of system calls for {platform.machine()}"
    elif _prctl("seccomp", 2, ctypes.byref(_PROGRAM), must=False):
        return _MACHINE
    else:
        missing["seccomp"] = f"the kernel refuses a filter: {os.strerror(ctypes.get_errno())}"
    return ""


def machine_of_table() -> str:
    """Return the machine whose system calls are known here, or ""."""
    return _MACHINE if _CODE else ""

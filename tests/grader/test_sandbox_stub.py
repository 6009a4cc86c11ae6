"""The inner wall: its tables, and real processes that try what it forbids."""

from __future__ import annotations

import json
import re
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.execution.sandbox import levels
from tests.grader.sandbox.machines import AS_ROOT, ON_LINUX

if ON_LINUX:
    from grader.execution.sandbox import stub

pytestmark = pytest.mark.skipif(not ON_LINUX, reason="only Linux can confine a process")

HEADERS = {
    "x86_64": (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), r"#define __NR_(\w+)\s+(\d+)"),
    "aarch64": (Path("/usr/include/asm-generic/unistd.h"), r"#define __NR(?:3264)?_(\w+)\s+(\d+)"),
}
GENERIC = {"newfstatat": "fstatat"}
"""Calls that the kernel's generic table names differently."""
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000


# The tables.


def calls() -> Iterator[tuple[str, str, str]]:
    """Yield each call of the tables with its two numbers."""
    for line in [*stub.CALLS.values(), *(call for call, _, _ in stub.CHECKED)]:
        for call in line.split(", "):
            name, x86_64, aarch64 = call.split()
            yield name, x86_64, aarch64


@pytest.mark.parametrize("machine", HEADERS)
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    header, pattern = HEADERS[machine]
    if not header.exists():
        pytest.skip(f"no {header} (Debian: apt install linux-libc-dev)")
    known = dict(re.findall(pattern, header.read_text()))
    column = list(HEADERS).index(machine)
    ours = {call[0]: call[1 + column] for call in calls()}
    if machine == "aarch64":
        ours = {GENERIC.get(name, name): number for name, number in ours.items()}
    absent = {name for name, number in ours.items() if number == "-"}
    assert {name: number for name, number in ours.items() if name not in absent and known.get(name) != number} == {}
    assert absent & set(known) == set()


def answer(code: bytes, number: int, *arguments: int, machine: int = 0) -> int:
    """Return what a filter answers to a call, as the kernel would run it."""
    call = struct.pack("<IIQ6Q", number, list(stub._MACHINES.values())[machine], 0, *(*arguments, *[0] * 6)[:6])
    steps = list(struct.iter_unpack("<HBBI", code))
    at, value = 0, 0
    while True:
        kind, yes, no, operand = steps[at]
        at += 1
        if kind == stub._LOAD:
            (value,) = struct.unpack_from("<I", call, operand)
        elif kind == stub._AND:
            value &= operand
        elif kind == stub._EQUAL:
            at += yes if value == operand else no
        else:
            assert kind == stub._RETURN
            return int(operand)


def number_of(name: str, machine: int) -> int:
    return int(next(call[1 + machine] for call in calls() if call[0] == name))


@pytest.mark.parametrize("machine", [0, 1], ids=list(HEADERS))
def test_filter_allows_what_the_table_says_and_nothing_else(machine: int) -> None:
    code = stub._filter(machine)
    listed = {}
    for kind, line in stub.CALLS.items():
        for call in line.split(", "):
            if (number := call.split()[1 + machine]) != "-":
                listed[int(number)] = stub._ANSWERS[kind]
    judged = {number_of(call.split()[0], machine) for call, _, _ in stub.CHECKED}
    for call_number in range(600):
        if call_number not in judged:
            expected = listed.get(call_number, REFUSE | 1)
            assert answer(code, call_number, machine=machine) == expected, call_number
    assert answer(code, 0x40000000 | 1, machine=machine) == REFUSE | 1, "the x32 calls"
    assert answer(code, 1, machine=1 - machine) == KILL, "another machine's calls"


@pytest.mark.parametrize("machine", [0, 1], ids=list(HEADERS))
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("mmap", (0, 4096, 3), (0, 4096, 5)),
        ("mprotect", (0, 4096, 1), (0, 4096, 7)),
        ("mmap", (0, 4096, 3, 0x22), (0, 4096, 3, 0x40022)),
        ("sendto", (5, 9, 1, 0, 0), (5, 9, 1, 0, 1 << 40)),
        ("sendto", (5, 9, 1, 0, 0), (5, 9, 1, 1, 0)),
        ("recvfrom", (5, 9, 1, 0, 0), (5, 9, 1, 1, 0)),
        ("recvfrom", (5, 9, 1, 0, 0), (5, 9, 1, 0, 1 << 40)),
        ("futex", (9, 129, 1), (9, 1, 1)),
        ("futex", (9, 393, 1), (9, 9, 1)),
        ("futex", (9, 128, 1), (9, 134, 1)),
        ("madvise", (9, 4096, 4), (9, 4096, 12)),
        ("ioctl", (5, 0x5421), (5, 0x5412)),
        ("fcntl", (5, 1), (5, 6)),
        ("clock_gettime", (1,), (0xFFFFFF86,)),
        ("prlimit64", (0, 7, 0), (1, 7, 0)),
        ("prlimit64", (0, 7, 0), (0, 7, 1 << 33)),
    ],
)
def test_filter_looks_at_arguments(machine: int, name: str, good: tuple[int, ...], bad: tuple[int, ...]) -> None:
    code, number = stub._filter(machine), number_of(name, machine)
    assert answer(code, number, *good, machine=machine) == ALLOW
    assert answer(code, number, *bad, machine=machine) & REFUSE == REFUSE


# Real processes.

ZYGOTE = """
import json, os, sys, time, types, trio
stub = types.ModuleType("stub")
exec(compile({text!r}, "stub.py", "exec"), vars(stub))
options = stub.prepare({options!r})
read, write = os.pipe()
inherited = os.dup(0)
pid = os.fork()
if pid == 0:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    for fd in (nowhere, read, inherited):
        os.close(fd)
    async def main():
        facts = {{}}
        try:
            facts = stub.confine({{**options, "fds": [write]}})
{body}
        except BaseException as error:
            result = f"{{type(error).__name__}}: {{error}}"
        os.write(write, json.dumps([facts, str(result)]).encode())
    trio.run(main)
    os._exit(0)
os.close(write)
answer = open(read, "rb").read()
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, answer.decode()]))
"""


def confined(body: str, **options: Any) -> tuple[int, float, dict[str, Any], str]:
    """Run code in a confined process; return its exit code, its CPU time, the stub's facts and the result."""
    options = {"uid": 0x70000000, **options}
    text = ZYGOTE.format(text=levels.STUB.read_text(), options=options, body=textwrap.indent(body, " " * 12))
    done = subprocess.run([sys.executable, "-B", "-c", text], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    code, seconds, said = json.loads(done.stdout)
    facts, result = json.loads(said) if said else ({}, "")
    return code, seconds, facts, result


def test_trio_runs_on_in_a_confined_process() -> None:
    code, _, facts, result = confined(
        "await trio.sleep(0.01)\n"
        "async with trio.open_nursery() as nursery: nursery.start_soon(trio.sleep, 0)\n"
        "result = sum(range(10**5))"
    )
    assert (code, result) == (0, "4999950000")
    assert (facts["seccomp"], facts["no_new_privs"]) == (stub.machine_of_table(), True)


def test_memory_ends_with_a_memory_error() -> None:
    assert confined("result = len(bytearray(10**9))", memory=512 * stub.MiB)[3] == "MemoryError: "


def test_pure_recursion_meets_the_limit_of_memory() -> None:
    body = "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()\nresult = 1"
    code, _, _, result = confined(body, memory=100 * stub.MiB)
    assert code < 0 or "Error" in result


def test_processor_time_ends() -> None:
    code, seconds, _, _ = confined("while True: pass", cpu=1)
    assert code == -signal.SIGKILL or code == -signal.SIGXCPU
    assert seconds < 3


def test_descriptors_that_were_left_open_are_found() -> None:
    assert confined("result = 1", extra=4)[3].startswith("CannotConfine: the descriptors [")


def test_numbers_of_processes_tell_nothing() -> None:
    assert confined("result = os.getpid(), os.getppid()")[3] == "(0, 0)"


@pytest.mark.skipif(not AS_ROOT, reason="only root can change the user")
def test_root_becomes_a_user_of_its_own() -> None:
    body = "result = os.getuid(), os.geteuid(), os.getgid(), os.getegid()"
    facts, result = confined(body)[2:]
    assert facts["uid"] in range(0x70000000, 0x70000000 + 1024)
    assert result == str((facts["uid"],) * 4)


def test_process_ends_with_its_parent() -> None:
    text = ZYGOTE.format(
        text=levels.STUB.read_text(),
        options={"uid": 0x70000000},
        body=" " * 12 + "while True: os.write(write, b'alive')",
    )
    text = text.replace("os.close(write)", "print(pid, flush=True); os.read(read, 5); os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-B", "-c", text], capture_output=True, text=True, timeout=600)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    assert not Path(f"/proc/{pid}").exists() or is_dead(pid)


def is_dead(pid: int) -> bool:
    """Wait up to a minute for the kernel to take down a process; return whether it did."""
    for _ in range(6000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def test_what_is_required_and_missing_raises() -> None:
    assert confined("result = 1", require=["uid"], uid=0)[3] == (
        "CannotConfine: uid: no user id is given" if AS_ROOT else "1"
    )

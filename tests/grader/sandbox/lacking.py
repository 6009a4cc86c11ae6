"""Runs a command as on a machine that lacks something: `python lacking.py namespaces,seccomp -- COMMAND...`.

A filter of the kernel refuses what that machine would refuse. Without namespaces: as the profile that Docker has by
default. Without seccomp: filters and Landlock are unknown, as on an old kernel. Stands alone, so that it can be run by
any user's Python.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

EPERM, ENOSYS, EINVAL = 1, 38, 22
NEW_NAMESPACES = 0x7E020080
LOAD, AND, EQUAL, RETURN, ALLOW, REFUSE = 0x20, 0x54, 0x15, 0x06, 0x7FFF0000, 0x00050000
ARM = platform.machine() == "aarch64"
NAMESPACES = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
}
CLONE, CLONE3, SECCOMP, PRCTL = (56, 220), (435, 435), (317, 277), (157, 167)
LANDLOCK = (444, 445, 446)


def steps(lacks: list[str]) -> list[tuple[int, int, int, int]]:
    """Return the filter's program."""
    code = [(LOAD, 0, 0, 0)]

    def refuse(number: int, error: int) -> None:
        code.extend([(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | error)])

    def refuse_if(number: int, argument: int, mask: int, value: int, error: int) -> None:
        """Refuse a call whose argument, under a mask, equals the value; with value -1, is not zero."""
        refusal, rest = (RETURN, 0, 0, REFUSE | error), (RETURN, 0, 0, ALLOW)
        answers = [refusal, rest] if value != -1 else [rest, refusal]
        test = (EQUAL, 0, 1, value if value != -1 else 0)
        code.extend([(EQUAL, 0, 5, number), (LOAD, 0, 0, 16 + 8 * argument), (AND, 0, 0, mask), test, *answers])

    if "namespaces" in lacks:
        for numbers in NAMESPACES.values():
            refuse(numbers[ARM], EPERM)
        refuse(CLONE3[ARM], ENOSYS)
        refuse_if(CLONE[ARM], 0, NEW_NAMESPACES, -1, EPERM)
    if "seccomp" in lacks:
        for number in (SECCOMP[ARM], *LANDLOCK):
            refuse(number, ENOSYS)
        refuse_if(PRCTL[ARM], 0, 0xFFFFFFFF, 22, EINVAL)
    return [*code, (RETURN, 0, 0, ALLOW)]


def main() -> None:
    lacks, command = sys.argv[1].split(","), sys.argv[3:]
    program = b"".join(struct.pack("<HBBI", *step) for step in steps(lacks))
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program)
    filter_ = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    if os.geteuid() != 0 and libc.prctl(38, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    if libc.prctl(22, ctypes.c_ulong(2), ctypes.c_char_p(filter_)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()

"""The outer wall: namespaces around the zygote and its servers, made by bubblewrap; and user ids that nobody else has.

Inside are, read-only, the interpreter, its packages and `labs`; no network, no other process, no other file.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import labs
from labs.sim.hosts.process.zygote_client import folders_to_read

USERS = 1 << 10
"""How many user ids one zygote may use."""
FIRST_USER = 0x70000000
"""Above all ranges that Linux distributions and systemd assign."""
ZYGOTES = 1 << 16
CAPABILITIES = ("SETUID", "SETGID", "SETPCAP", "KILL", "DAC_READ_SEARCH")
"""What the zygote needs as root: to make a server another user, to end it, and to read the instructor's files."""


def bubblewrap(as_root: bool) -> tuple[str, ...]:
    """Return the command that runs another one in namespaces; raise FileNotFoundError if bubblewrap is missing."""
    program = shutil.which("bwrap")
    if program is None:
        raise FileNotFoundError("bubblewrap is not installed (Debian, Ubuntu: apt install bubblewrap)")
    separate = ("pid", "net", "ipc", "uts", "cgroup-try")
    command = [program, *(f"--unshare-{name}" for name in separate), "--die-with-parent", "--new-session"]
    if as_root:
        for capability in CAPABILITIES:
            command += ["--cap-add", f"CAP_{capability}"]
    else:
        command += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    command += ["--dev", "/dev", "--tmpfs", "/tmp"]
    for path in readable():
        command += ["--ro-bind", path, path]
    return (*command, "--chdir", "/tmp", "--")


def readable() -> list[str]:
    """Return the files and folders that a zygote reads, outer ones first."""
    interpreter = [Path(sys.base_prefix, name) for name in ("bin", "lib", "lib64")]
    system = [Path(name) for name in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache")]
    packages = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "scripts")]
    here = [Path(sys.prefix, "pyvenv.cfg"), Path(os.path.realpath(sys.executable)), *map(Path, labs.__path__)]
    project = {Path(folder).resolve().parent for folder in labs.__path__}
    elsewhere = [folder for folder in folders_to_read() if folder not in project]
    wanted = {str(path) for path in (*interpreter, *system, *packages, *elsewhere, *here) if path.exists()}
    return sorted(path for path in wanted if not any(path.startswith(f"{other}/") for other in wanted))


def unused_users() -> dict[str, Any]:
    """Return a range of user ids that nobody has, as options of the stub; zygotes of different processes get different
    ranges."""
    mapped = _mapped_users()
    if mapped >= FIRST_USER + ZYGOTES * USERS:
        return {"uid": FIRST_USER + os.getpid() % ZYGOTES * USERS, "uids": USERS}
    taken = _taken_users()
    first = next(
        (first for first in range(mapped - USERS, USERS, -USERS) if not taken & set(range(first, first + USERS))), 0
    )
    return {"uid": first, "uids": USERS}


def _mapped_users() -> int:
    """Return how many user ids there are from 0 on; in a container there may be few."""
    try:
        lines = Path("/proc/self/uid_map").read_text("ascii").splitlines()
    except OSError:
        return 1 << 32
    counts = [int(count) for first, _, count in map(str.split, lines) if int(first) == 0]
    return counts[0] if counts else 0


def _taken_users() -> set[int]:
    import pwd

    return {user.pw_uid for user in pwd.getpwall()}

"""What this machine's kernel offers to a sandbox, as far as that is visible without trying."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SWITCHES = {  # what turns user namespaces off for plain users: the file, the value, what to type
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    "/proc/sys/user/max_user_namespaces": ("0", "sudo sysctl -w user.max_user_namespaces=10000"),
}


def machine() -> str:
    """Return one line on the machine and who runs this."""
    who = "root" if os.name == "posix" and os.geteuid() == 0 else "a plain user"
    return f"{platform.system()} {platform.release()}, {platform.machine()}, Python {platform.python_version()}, {who}"


def features() -> dict[str, str]:
    """Return what was found, in words."""
    if sys.platform != "linux":
        return dict.fromkeys(("Landlock", "seccomp", "namespaces", "control groups"), "none")
    from grader.execution.sandbox.stub import landlock_abi

    abi = landlock_abi()
    return {
        "Landlock": f"version {abi}" if abi else "none",
        "seccomp": _seccomp(),
        "user namespaces": _user_namespaces(),
        "control groups": ", ".join(_control_groups()) or "none that can be written",
        "bubblewrap": _bubblewrap(),
    }


def switched_off() -> list[str]:
    """Return the commands that turn on again what a setting of the kernel forbids to plain users."""
    return [command for file, (value, command) in SWITCHES.items() if _read(file) == value]


def _read(file: str) -> str:
    try:
        return Path(file).read_text("ascii").strip()
    except OSError:
        return ""


def _seccomp() -> str:
    from grader.execution.sandbox.stub import machine_of_table

    if not _read("/proc/sys/kernel/seccomp/actions_avail"):
        return "none"
    known = machine_of_table()
    return f"yes, with a table for {known}" if known else f"yes, but no table for {platform.machine()}"


def _user_namespaces() -> str:
    program = shutil.which("unshare")
    if program is None:
        return "cannot be tried: there is no program unshare (util-linux)"
    done = subprocess.run([program, "--user", "--map-root-user", "true"], capture_output=True, text=True)
    words = done.stderr.strip().splitlines()
    return "yes" if done.returncode == 0 else f"no ({words[-1] if words else 'refused'})"


def _control_groups() -> Iterator[str]:
    """Yield the control groups that this process could use. No level uses them."""
    root = Path("/sys/fs/cgroup")
    if controllers := _read(str(root / "cgroup.controllers")):
        yield f"version 2 ({controllers})" + ("" if os.access(root, os.W_OK) else ", not writable")
    for name in ("memory", "pids"):
        if (root / name / "tasks").exists() and os.access(root / name, os.W_OK):
            yield f"version 1 {name}"


def _bubblewrap() -> str:
    program = shutil.which("bwrap")
    if program is None:
        return "not installed"
    return subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip() or program

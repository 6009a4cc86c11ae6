"""This machine, and others that it can pretend to be: without namespaces, without seccomp, of a plain user.

A plain user may be unable to read this project and its Python, for example under /root. Then it gets links to all the
files that are needed, in a folder that all may read, and that is removed at the end.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.running import ROOT

LACKING = Path("tests", "grader", "sandbox", "lacking.py")
USER = 65433
PARTS = ("labs", "grader", "skeleton", "reference", "tests")
UNNEEDED = ("site-packages", "test", "idlelib", "tkinter", "turtledemo", "ensurepip", "config-*")
ON_LINUX = sys.platform == "linux"
AS_ROOT = ON_LINUX and os.geteuid() == 0


@dataclass(frozen=True)
class Machine:
    """A Python in a folder with the project, as which user, and what the machine lacks."""

    root: Path = ROOT
    python: str = sys.executable
    user: int | None = None
    lacks: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def lacking(self, *what: str) -> Machine:
        """Return the same machine without something: "namespaces", "seccomp"."""
        return Machine(self.root, self.python, self.user, what, self.environment)

    def run(self, *arguments: object, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Run Python there."""
        command = [self.python, *map(str, arguments)]
        if self.lacks:
            command = [self.python, str(self.root / LACKING), ",".join(self.lacks), "--", *command]
        who: dict[str, Any] = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        kept = {name: os.environ[name] for name in ("PATH", "CI") if name in os.environ}
        clean = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80", "HOME": "/nonexistent"}
        return subprocess.run(
            command,
            cwd=self.root,
            env=kept | clean | self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            **who,
        )

    @functools.cached_property
    def doctor(self) -> dict[str, Any]:
        """What the doctor reports there."""
        done = self.run("-m", "grader", "doctor", "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@contextmanager
def plain_user() -> Iterator[Machine]:
    """Yield this machine as a plain user sees it."""
    if not AS_ROOT:
        yield Machine()
        return
    if _can_run(sys.executable):
        yield Machine(user=USER)
        return
    with tempfile.TemporaryDirectory(prefix="raft-lab-plain-") as folder:
        os.chmod(folder, 0o755)
        yield _copy(Path(folder))


def _can_run(python: str) -> bool:
    try:
        machine = Machine(python=python, user=USER)
        return machine.run("-c", "import grader, labs.testing.run", seconds=20).returncode == 0
    except OSError:
        return False


def _copy(folder: Path) -> Machine:
    """Link Python, the packages and the project into a folder."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    project, python = folder / "project", folder / "python"
    for part in PARTS:
        _link(ROOT / part, project / part)
    for shared in Path(sys.base_prefix, "lib").glob("libpython*"):
        _link(shared, python / "lib" / shared.name)
    _link(Path(sysconfig.get_path("stdlib")), python / "lib" / name)
    _link(Path(sysconfig.get_path("purelib")), folder / "packages")
    program = python / "bin" / name
    _link(Path(os.path.realpath(sys.executable)), program)
    paths = {"PYTHONPATH": f"{project}:{folder / 'packages'}", "LD_LIBRARY_PATH": str(python / "lib")}
    return Machine(project, str(program), USER, (), paths)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*UNNEEDED), copy_function=_link_file)
    else:
        _link_file(str(source), str(target))


def _link_file(source: str, target: str) -> None:
    """Give a file a second name, or copy it where that is not possible or it is not for all to read."""
    try:
        if os.stat(source).st_mode & 0o004:
            os.link(os.path.realpath(source), target)
            return
    except OSError:
        pass
    shutil.copyfile(source, target)
    os.chmod(target, os.stat(source).st_mode | 0o444)

"""A folder that looks like the lab, with another server in skeleton/: there the commands of a page run as printed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from labs.report.json_files import write_json
from labs.report.performance import Performance
from tests.corpora.first_hour import walk
from tests.running import ROOT
from tests.tools.handouts import wrong_servers

COPIED = ("labs", "handouts", "grader", "tests", "reference", "skeleton")
LINKED = (".venv", ".github", "scripts", "Makefile", "README.md", "pyproject.toml")
WIDTH = "88"
"""Columns of the terminal that output is shown for."""
PATIENCE = 1800.0
"""Seconds that one command may take. All stages with many seeds take minutes, and longer on a busy machine."""
GRADEBOOK = """\
Student,ID,SIS Login ID,Section,Raft 2A (4711)
Points Possible,,,,
"Liddell, Alice",101,alice,1,
"Sharp, Bob",102,bob,1,
"""
WORKSHEET = """\
Identifier,Full name,ID number,Grade,Feedback comments
Participant 1,Alice Liddell,alice,,
Participant 2,Bob Sharp,bob,,
"""


@contextlib.contextmanager
def lab(server: str = "skeleton") -> Iterator[Path]:
    """Make a lab whose skeleton/ holds a server: the skeleton itself, the reference, or one of the wrong servers."""
    with tempfile.TemporaryDirectory(prefix="handout-") as name:
        folder = Path(name)
        for part in LINKED:
            if (ROOT / part).exists():
                (folder / part).symlink_to(ROOT / part)
        for part in COPIED:
            if (ROOT / part).exists():
                # With its caches: to compile all of it would take longer than most commands.
                shutil.copytree(ROOT / part, folder / part)
        _put(server, folder / "skeleton")
        yield folder


def replace(server: str, folder: Path) -> None:
    """Put another server into skeleton/ of a lab's folder."""
    shutil.copytree(ROOT / "skeleton", folder / "skeleton", dirs_exist_ok=True)
    _put(server, folder / "skeleton")


@contextlib.contextmanager
def skeleton(server: str) -> Iterator[Path]:
    """Make only the folder skeleton/ of such a lab: enough to run a server, and made in no time."""
    with tempfile.TemporaryDirectory(prefix="handout-") as name:
        folder = Path(name) / "skeleton"
        shutil.copytree(ROOT / "skeleton", folder)
        _put(server, folder)
        yield folder


def _put(server: str, folder: Path) -> None:
    """Write a server over the skeleton that is in a folder."""
    if server == "reference":
        shutil.copy(ROOT / "reference" / "raft.py", folder)
    elif server != "skeleton":
        wrong_servers.write(server, folder)


def add_class(folder: Path) -> None:
    """Put into a lab's folder what instructors have: two submissions, each with 2A, a record, and gradebooks."""
    text = walk.after(len(walk.STEPS), (ROOT / "skeleton" / "raft.py").read_text(encoding="utf-8"))
    (folder / "submissions" / "bob").mkdir(parents=True)
    (folder / "submissions" / "bob" / "raft.py").write_text(text, encoding="utf-8")
    with zipfile.ZipFile(folder / "submissions" / "alice.zip", "w") as archive:
        archive.writestr("raft.py", text)
    write_json(folder / "performance" / "alice.json", Performance("alice", [1], [], [], "heron"))
    (folder / "roster.csv").write_text("id,name\nalice,Alice\nbob,Bob\n", encoding="utf-8")
    (folder / "gradebook.csv").write_text(GRADEBOOK, encoding="utf-8")
    (folder / "worksheet.csv").write_text(WORKSHEET, encoding="utf-8")


def run(command: str, folder: Path) -> tuple[int, str]:
    """Run a command of a page in a lab's folder; return its exit code, and what it prints where one reads results."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST"))
    }
    environment |= {"COLUMNS": WIDTH, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", "LINES": "40"}
    environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
    failed = re.search(r"^make: .* Error (\d+)$", done.stderr, re.M)  # make ends with 2 whatever failed
    return int(failed[1]) if failed else done.returncode, _tidy(done.stdout) if done.stdout.strip() else _tidy(
        done.stderr
    )


def _tidy(text: str) -> str:
    text = re.sub(r"\A(Setting up|Completing) .*\nReady, after .*\n\n", "", text)
    return "\n".join(line.rstrip() for line in text.rstrip("\n").splitlines())


def normalised(text: str) -> str:
    """Return output without what may differ though nothing has changed: wall times, and the digests of whole traces."""
    return re.sub(r"\(\d+(\.\d+)? s\)|\bdigest  [0-9a-f]{64}", "(...)", text)

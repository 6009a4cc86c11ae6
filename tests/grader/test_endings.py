"""However a grader ends, none of its processes goes on and nothing of a student's is left about: kill -9 is one way to
end."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import scratch
from grader.intake.taken import take_in
from tests.grader.sandbox.machines import ON_LINUX
from tests.running import ROOT
from tests.tools.attacks.ground import _descendants

PATIENCE = 60.0
"""Wall seconds in which all must have ended, on the busiest machine; it takes a hundredth of that on an idle one."""
needs_linux = pytest.mark.skipif(not ON_LINUX, reason="the kernel's help is Linux's")

BUSY = {
    "a server that spins": "import trio\nclass Raft:\n"
    "    def __init__(self, node, apply_ch): pass\n    async def run(self):\n        while True: pass\n",
    "a server that computes in C": "class Raft:\n"
    "    def __init__(self, node, apply_ch): sum(x for x in [9 ** 10 ** 8])\n",
}


def wait_until(fact: Callable[[], object], seconds: float = PATIENCE) -> bool:
    until = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def start_grading(folder: Path, source: str, *options: str) -> subprocess.Popen[bytes]:
    """Start to grade a server, with a temporary folder that is empty."""
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "hw").mkdir(exist_ok=True)
    (folder / "hw" / "raft.py").write_text(source)
    command = [sys.executable, "-m", "grader", "grade", str(folder / "hw"), "--out", str(folder / "out"), "--public"]
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "GRADER_SECRET": "s" * 32}
    return subprocess.Popen(
        [*command, "--only", "initial_election", "--jobs", "1", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@needs_linux
@pytest.mark.parametrize("busy", ["a server that spins", "a server that computes in C"])
@pytest.mark.parametrize("hosts", ["process", "inline"])
def test_nothing_lives_on_after_kill_9(tmp_path: Path, busy: str, hosts: str) -> None:
    grading = start_grading(tmp_path, BUSY[busy], "--hosts", hosts)
    try:
        enough = 4 if hosts == "process" else 2  # a starter, a runner, a zygote, a server
        assert wait_until(lambda: len(list(_descendants(grading.pid))) >= enough, 60.0)
        time.sleep(1.0)
        children = list(_descendants(grading.pid))
        for path in (tmp_path / "tmp").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, "a student's code is for all to read"
    finally:
        os.kill(grading.pid, signal.SIGKILL)
        grading.wait()
    assert wait_until(lambda: not any(map(is_alive, children)))


# Folders.


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a temporary folder of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(os.name != "posix", reason="folders are locked where there is flock")
def test_what_a_dead_grader_left_is_taken_away_and_nothing_else(place: Path) -> None:
    left, target = place / f"{scratch.PREFIX}left", place / "somebody's"
    for folder in (left, target, place / "another"):
        folder.mkdir()
        (folder / "raft.py").write_text("x = 1\n")
    (place / f"{scratch.PREFIX}link").symlink_to(target)
    (place / f"{scratch.PREFIX}file").write_text("")
    with scratch.folder() as name:
        in_use = Path(name)
        (place / f"{scratch.PREFIX}new").mkdir()  # of a grader that was killed a moment ago
        scratch.sweep()
        assert sorted(path.name for path in place.iterdir()) == sorted(
            [
                "another",
                in_use.name,
                f"{scratch.PREFIX}file",
                f"{scratch.PREFIX}link",
                target.name,
            ]
        )
    assert not in_use.exists() and (target / "raft.py").exists()


def test_a_place_without_locks_is_used_and_nothing_of_others_is_removed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl", reason="folders are locked where there is flock")
    tried: list[int] = []

    def without_locks(handle: int, operation: int) -> None:
        tried.append(handle)
        if len(tried) > 20:
            pytest.fail("it tries for ever")
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without_locks)
    (place / f"{scratch.PREFIX}other").mkdir()
    scratch.sweep()
    with scratch.folder() as name:
        assert sorted(path.name for path in place.iterdir()) == sorted([Path(name).name, f"{scratch.PREFIX}other"])


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_submission_that_is_taken_in_is_for_its_grader_only(tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_text("class Raft: ...\n")
    with take_in(tmp_path) as taken:
        assert stat.S_IMODE(os.stat(taken.folder).st_mode) == 0o700

"""The demonstrations of what Raft does not do: they work with a correct server, and report one that is not ready."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import REFERENCE, ROOT


def demo(name: str, submission: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "handouts.demos", name, "--submission", str(submission)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.parametrize("path", [REFERENCE, REFERENCE / "raft.py"], ids=["folder", "file"])
def test_one_liar_makes_honest_servers_differ(path: Path, tmp_path: Path) -> None:
    shown = demo("byzantine", path, tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "Two honest servers have applied different commands at one index" in shown.stdout
    assert "fail  LeaderHasMajority" in shown.stdout


def test_an_old_leader_answers_with_an_old_value_and_breaks_no_rule(tmp_path: Path) -> None:
    shown = demo("stale-read", REFERENCE, tmp_path)
    assert shown.returncode == 0, shown.stderr
    lines = [line for line in shown.stdout.splitlines() if "believes that it leads" in line]
    answers = [line.split("answers")[1].split() for line in lines]
    assert answers == [["x", "=", "1"], ["x", "=", "2"]]
    assert "\npass " in shown.stdout


@pytest.mark.parametrize("name", ["byzantine", "stale-read"])
def test_a_server_that_is_not_ready_is_told_so(name: str, tmp_path: Path) -> None:
    shown = demo(name, ROOT / "skeleton", tmp_path)
    assert shown.returncode == 1
    assert "needs a server that passes stage 2B" in shown.stderr
    assert "not written yet" in shown.stderr


def test_a_submission_that_is_not_there_is_named(tmp_path: Path) -> None:
    shown = demo("stale-read", tmp_path / "nowhere", tmp_path)
    assert (shown.returncode, "nowhere" in shown.stderr) == (2, True)

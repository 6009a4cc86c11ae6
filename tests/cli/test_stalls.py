"""Servers that never yield: only a wall clock can end their runs, and all other runs of the session go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.running import REFERENCE, call_labs, line_of

STALLING = """
from __future__ import annotations
import trio
from reference import Raft as Reference

class Raft(Reference):
    def __init__(self, *args):
        super().__init__(*args)
        self.stalls = len(self.node.peers) == 6 and self.node.me == 1

    BODY
"""
IN_RUN = """async def run(self):
        while self.stalls:
            try:
                sum(range(10_000))  # here
            except Exception:
                continue
        await super().run()"""
IN_HANDLER = """def request_vote(self, args):
        while self.stalls: pass  # here
        return super().request_vote(args)"""
IN_GET_STATE = """def get_state(self):
        while self.stalls: pass  # here
        return super().get_state()"""
CATCHING_EVERYTHING = """async def run(self):
        while self.stalls:
            try:
                while True: pass  # here
            except BaseException:
                continue
        await super().run()"""

STALLED = "2A/many_elections"
"""The test with seven servers, between others with three or five."""


def run_session(folder: Path, body: str, jobs: int) -> dict[str, dict[str, Any]]:
    """Run tests of which one stalls; return the records by test."""
    (folder / "raft.py").write_text(STALLING.replace("BODY", body))
    shutil.copy(REFERENCE / "raft.py", folder / "reference.py")
    results = folder / "results.json"
    arguments = [
        "test",
        "2A",
        "--test",
        f"{STALLED},2A/initial_election",
        "--submission",
        folder,
        "--json",
        results,
        "--jobs",
        jobs,
    ]
    process = call_labs(*arguments, "--runs", 1, "--limit", 2)
    assert process.returncode == 1, process.stdout + process.stderr
    return {run["test"]: run for run in json.loads(results.read_text())["runs"]}


@pytest.mark.parametrize(
    ("body", "jobs"),
    [(IN_RUN, 1), (IN_HANDLER, 0), (IN_GET_STATE, 0), (CATCHING_EVERYTHING, 1)],
    ids=["run, in a worker", "handler", "get_state", "catching everything, in a worker"],
)
def test_server_that_never_yields_is_ended_and_the_other_tests_run(tmp_path: Path, body: str, jobs: int) -> None:
    runs = run_session(tmp_path, body, jobs)
    stalled = runs.pop(STALLED)
    assert (stalled["status"], stalled["rule"]) == ("error", "NoStall"), stalled["message"]
    assert "never yields" in stalled["message"]
    assert f"raft.py:{line_of(tmp_path / 'raft.py', '# here')} in " in stalled["message"]
    assert stalled["hint"] == "every loop needs an await in each round"
    others = {test: run["status"] for test, run in runs.items() if run["servers"] != 7}
    assert others
    assert set(others.values()) == {"pass"}, runs

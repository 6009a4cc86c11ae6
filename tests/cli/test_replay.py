"""Replay: what never yields is ended as in a session, with the same verdict, and long runs show how far they are."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from labs.engine import progress
from labs.engine.replay import replay
from labs.engine.stalls import Limits, has_alarms
from labs.testing.run import RunRecord
from tests.running import ROOT, call_labs, call_python, line_of, make_scenario, write_submission

SPINS = """
class Raft(Plain):
    async def run(self):
        while self.node.me == 1:
            BODY
"""
CATCHES = """try:
                while True: sum(range(10_000))  # here
            except BaseException: continue"""
IN_A_PROCESS = """
import io, sys
from pathlib import Path
from labs.engine.replay import end_process, replay
from labs.engine.stalls import Limits
from tests.running import make_scenario

def leave(record):
    print(record.status, record.message)
    end_process(1)

replay(make_scenario(), Path(sys.argv[1]), "inline", 1, io.BytesIO(), leave, Limits(cpu=0.5, wall=0.0))
"""
needs_alarms = pytest.mark.skipif(not has_alarms(), reason="this system has no alarm by CPU time")


def fail(record: RunRecord) -> NoReturn:
    raise AssertionError(record.message)


@needs_alarms
def test_replay_of_a_server_that_never_yields_names_it_and_the_line(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, SPINS.replace("BODY", "pass  # here"))
    record = replay(make_scenario(), folder, "inline", 1, io.BytesIO(), fail, Limits(cpu=0.5, wall=0.0))
    assert (record.status, record.rule, record.involved) == ("error", "NoStall", [1]), record.message
    assert "never yields: it loops without an await that lets other tasks run at raft.py:" in record.message


@needs_alarms
def test_replay_of_a_server_that_catches_all_alarms_ends_too(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, SPINS.replace("BODY", CATCHES))
    done = call_python("-c", IN_A_PROCESS, folder)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("error NoStall: a server never yields, catches even the interruption")
    assert f"at raft.py:{line_of(folder / 'raft.py', '# here')} in run" in done.stdout


def test_breakpoint_works_in_a_replay(tmp_path: Path) -> None:
    folder = write_submission(tmp_path / "server", SPINS.replace("BODY", "breakpoint(); break"))
    command = [sys.executable, "-m", "labs", "replay", "2A/initial_election", "--submission", str(folder)]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, input="p 6 * 7\nc\n" * 3, capture_output=True, text=True
    )
    assert "42" in done.stdout, done.stdout + done.stderr


def test_long_replay_shows_how_far_it_is_and_a_short_one_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = io.BytesIO()
    monkeypatch.setattr(progress, "PATIENCE", 0.2)
    with progress.TraceProgress(file) as trace:
        trace.write(b'{"format":"raft-trace"}\n')
        trace.write(b'{"kind":"note","time":2.25}\n{"kind":"note","time":3.125}\n')
        while "virtual" not in (text := capsys.readouterr().err):
            sum(range(10_000))
    assert text.startswith("virtual time 3.1 s, 2 events, after ")
    assert file.getvalue().count(b"\n") == 3
    done = call_labs("replay", "2A/initial_election", "--submission", ROOT / "reference", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == "" or "virtual time" in done.stderr

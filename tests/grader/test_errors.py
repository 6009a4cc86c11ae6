"""An error of the grader is shown as the grader's, tried again once, and then the run is held for review."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio

from grader import exits
from grader.execution import runs, scenarios
from grader.execution.hosts import Hosts, Opening
from grader.execution.runs import Job
from grader.grading.marking import _Marking
from grader.places import environment
from labs.checking.outcome import Outcome
from labs.sim.hosts.process.pool import ProcessHosts
from labs.testing.run import RunRecord, empty_record
from tests.grader.test_grade import result_of
from tests.running import REFERENCE, ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="process hosts need os.fork")
JOB = Job("2A/initial_election", 1)


class Broken(ProcessHosts):
    """Process hosts whose zygote is killed in the middle of the first runs."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    @contextlib.contextmanager
    def run(self, *arguments: Any) -> Iterator[Any]:
        with super().run(*arguments) as found:
            if self.times:
                self.times -= 1
                self.zygote._process.kill()
                self.zygote._process.wait()
            yield found


class OneRunner:
    """Runners of which the only one is this process."""

    def __init__(self, hosts: ProcessHosts) -> None:
        self.opening = Opening(False, {"hosts": hosts})

    async def run(self, job: Job) -> RunRecord:
        return await trio.to_thread.run_sync(runs.run_job, REFERENCE, job, self.opening)


def judged(times: int) -> tuple[RunRecord, bool]:
    """Run a job as the marking does, with hosts that fail this often."""
    with Broken(times) as hosts:
        marking: Any = SimpleNamespace(_runners=OneRunner(hosts))
        return trio.run(_Marking._run, marking, JOB)


def test_hosts_that_break_in_the_middle_of_a_run_are_tried_again() -> None:
    record, retried = judged(1)
    assert (record.status, retried) == ("pass", True), record.message


def test_hosts_that_break_twice_are_the_graders_error() -> None:
    record, retried = judged(2)
    assert (record.status, record.rule, retried) == ("grader-error", None, True)
    assert record.message.startswith("servers cannot be run: the zygote is gone")


def test_hosts_that_work_are_not_tried_again() -> None:
    record, retried = judged(0)
    assert (record.status, retried) == ("pass", False), record.message


class References:
    """What a submission and the reference do: both runs are given."""

    def __init__(self, reference: RunRecord | None) -> None:
        self._reference = reference

    async def of(self, test: str, seed: int) -> RunRecord | None:
        return self._reference


@pytest.mark.parametrize(
    ("details", "status"), [(None, "error"), ("", "error"), ("IndexError in a test", "grader-error")]
)
def test_run_in_which_the_lab_stumbles_counts_unless_it_does_with_the_reference_too(
    details: str | None, status: str
) -> None:
    scenario = scenarios.find(JOB.test)
    record = empty_record(scenario, 1, Outcome("error", "WellFormed", "WellFormed: ...", details="IndexError"))
    reference = empty_record(scenario, 1, Outcome("pass", details=details)) if details is not None else None
    result = SimpleNamespace(warnings=[])
    marking: Any = SimpleNamespace(
        _references=References(reference), _result=result, _typed="alice.zip", _hosts=Hosts("process", "b")
    )
    found = trio.run(_Marking._look_into, marking, record)
    assert found.status == status
    assert len(result.warnings) == (status == "error")
    assert all(".venv/bin/python -m grader repeat" in warning for warning in result.warnings)


STARTER = """
import sys
from labs.engine import processes
processes.STARTER = (
    "-c",
    "from labs.engine import starter; from grader.execution.sandbox import levels; "
    "levels.STUB = levels.Path('STUB'); starter.main()",
)
from grader.cli import main
sys.exit(main())
"""


def test_a_grading_in_which_hosts_fail_is_held(tmp_path: Path) -> None:
    """The walls of servers do not stand any more, once the level was chosen."""
    stub, starter = tmp_path / "stub.py", tmp_path / "start.py"
    stub.write_text("def confine(options): raise OSError('no walls today')\n")
    starter.write_text(STARTER.replace("STUB'", f"{stub}'"))
    done = subprocess.run(
        [
            sys.executable,
            starter,
            "grade",
            "reference",
            "--runs",
            "1",
            "--only",
            "2A/initial",
            "--out",
            tmp_path / "out",
        ],
        cwd=ROOT,
        env={**environment(), "GRADER_SECRET": "s" * 32, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == exits.OUR_ERROR, done.stdout + done.stderr
    result = result_of(tmp_path, "reference")
    assert [(test.status, test.score, test.held_score > 0) for test in result.tests] == [("held", 0.0, True)]
    assert "could not grade 1 of 1 runs, also when tried again" in result.tests[0].message
    assert "servers cannot be run: a process is not confined: OSError: no walls today" in result.tests[0].message
    assert (result.status, result.message) == ("held", "needs review: the grader could not grade 2A/initial_election")
    assert result.tests[0].runs[0].retried and result.held[0].reference == "does-not-pass"
    assert "all 2 points wait for review" in done.stdout


def test_a_runner_has_a_limit_of_memory() -> None:
    text = "from grader.execution import runs\nruns._limit_memory()\nbytes(runs.MEMORY)"
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.rstrip().endswith("MemoryError"), done.stderr

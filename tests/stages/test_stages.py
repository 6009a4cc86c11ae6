"""The stages against the reference, which passes, and the skeleton, which is reported as not written yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.raft.stages import catalogue
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario
from tests.running import REFERENCE, ROOT, call_python

SKELETON = ROOT / "skeleton"
TESTS = [found for stage in ("2A", "2B", "2C", "2D") for found in catalogue.scenarios(stage)]
DRILLS = catalogue.scenarios(kind="drills")

each_test = pytest.mark.parametrize("scenario", TESTS, ids=[found.id for found in TESTS])
each_drill = pytest.mark.parametrize("scenario", DRILLS, ids=[found.id for found in DRILLS])


@pytest.fixture(scope="module")
def reference() -> Program:
    return Program(REFERENCE)


@pytest.fixture(scope="module")
def skeleton() -> Program:
    return Program(SKELETON)


def check_passed(record: RunRecord) -> None:
    assert record.status == "pass", f"{record.test} seed {record.seed}: {record.message}"
    assert (record.rule, record.message, record.hint, record.involved) == (None, "", "", [])


def check_not_written(record: RunRecord) -> None:
    """Check that the verdict names a line of raft.py that raises NotImplementedError."""
    assert (record.status, record.rule) == ("fail", "NotWritten"), f"{record.test}: {record.message}"
    found = re.fullmatch(r"not written yet: (\w+) \(raft\.py:(\d+) in (\w+)\)", record.message)
    assert found is not None, record.message
    line = (SKELETON / "raft.py").read_text(encoding="utf-8").splitlines()[int(found[2]) - 1]
    assert re.fullmatch(rf' *raise NotImplementedError\("2[A-D]: {found[1]}"\)', line)
    assert found[1] == found[3]
    assert record.hint


# Stage tests.


@each_test
def test_reference_passes(scenario: Scenario, reference: Program) -> None:
    """With seed 1 or 2 in turn; nightly, the parity campaign runs it with twenty."""
    check_passed(run_scenario(scenario, reference, 1 + TESTS.index(scenario) % 2))


@each_test
def test_skeleton_is_told_what_is_not_written(scenario: Scenario, skeleton: Program) -> None:
    check_not_written(run_scenario(scenario, skeleton, 1))


@pytest.mark.parametrize("seed", range(1, 11))
def test_finished_warm_up_passes(seed: int) -> None:
    (scenario,) = catalogue.scenarios("warmup")
    check_passed(run_scenario(scenario, SKELETON, seed))


# Drills.


@each_drill
def test_reference_passes_drill(scenario: Scenario, reference: Program) -> None:
    check_passed(run_scenario(scenario, reference, 1))


@each_drill
def test_skeleton_is_told_what_a_drill_lacks(scenario: Scenario, skeleton: Program) -> None:
    check_not_written(run_scenario(scenario, skeleton, 1))


# Through plain pytest.


def pytest_stages(*arguments: object, folder: Path = ROOT) -> str:
    process = call_python("-m", "pytest", "-p", "no:cacheprovider", ROOT / "labs", *arguments, folder=folder)
    assert process.returncode in (0, 1), process.stdout + process.stderr
    return process.stdout


def test_plain_pytest_runs_stage_tests() -> None:
    output = pytest_stages("--raft-submission", "reference", "--raft-runs", 1, "-k", "initial")
    assert re.search(r"1 passed, \d+ deselected", output)


def test_plain_pytest_runs_each_seed_and_tells_how_to_see_a_failure_again(tmp_path: Path) -> None:
    options = ["--raft-submission", SKELETON, "--raft-test", "2A/initial", "--raft-seed", 7, "--raft-runs", 3]
    output = pytest_stages(*options, folder=tmp_path)
    assert "3 failed" in output
    assert re.search(r"not written yet: (\w+) \(raft\.py:\d+ in \1\)", output)
    assert "replay  make replay TEST=2A/initial_election SEED=9" in output


def test_plain_pytest_takes_a_submission_relative_to_where_it_is_called() -> None:
    output = pytest_stages("--raft-submission", "../skeleton", "--raft-test", "ping", folder=ROOT / "labs")
    assert "5 passed" in output


def test_plain_pytest_says_when_there_is_no_submission(tmp_path: Path) -> None:
    output = pytest_stages("--raft-submission", "nowhere", "--raft-test", "2A/initial", folder=tmp_path)
    assert re.search(r"cannot run the submission: there is no .*nowhere", output)

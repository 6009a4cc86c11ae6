"""Runs of a killed grading are used again by the same grading, and by no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.grading.runs_so_far import RunsSoFar, Step
from grader.results.result import Basis, Result, Sandbox, Submission
from labs.testing.run import RunRecord


def blank(sha256: str = "a" * 64, secret: str = "s", level: str = "C") -> Result:
    return Result("unfinished", Submission("ada", sha256), Basis("tiny", secret=secret), Sandbox("process", level))


def step(seed: int, status: str = "pass", details: str = "") -> Step:
    text = "broke \n a rule \u2028"
    return Step(RunRecord("2A/chaos", "2A", "", seed, "process", status, None, text, "", [], 3, details=details), True)


def test_runs_are_there_for_the_same_grading(tmp_path: Path) -> None:
    so_far = RunsSoFar(tmp_path / "ada" / "runs", blank())
    assert so_far.is_empty
    so_far.add(step(1))
    so_far.add(step(2, "fail"))
    again = RunsSoFar(tmp_path / "ada" / "runs", blank())
    assert (again.of("2A/chaos", 1), again.of("2A/chaos", 2), again.of("2A/chaos", 3)) == (
        step(1),
        step(2, "fail"),
        None,
    )
    assert not again.is_empty and again.of("2A/other", 1) is None


@pytest.mark.parametrize("other", [blank(sha256="b" * 64), blank(secret="t"), blank(level="B")])
def test_runs_of_other_files_seeds_or_walls_do_not_count(tmp_path: Path, other: Result) -> None:
    RunsSoFar(tmp_path / "runs", blank()).add(step(1))
    assert RunsSoFar(tmp_path / "runs", other).of("2A/chaos", 1) is None


def test_what_could_not_be_graded_is_tried_again(tmp_path: Path) -> None:
    so_far = RunsSoFar(tmp_path / "runs", blank())
    so_far.add(step(1, "grader-error"))
    so_far.add(step(2, "fail", details="Traceback of the lab"))
    assert RunsSoFar(tmp_path / "runs", blank()).is_empty


def test_a_line_that_was_torn_costs_only_its_own_run(tmp_path: Path) -> None:
    path = tmp_path / "runs"
    for seed in (1, 2):
        RunsSoFar(path, blank()).add(step(seed))
    path.write_bytes(path.read_bytes()[:-20])
    RunsSoFar(path, blank()).add(step(3))
    found = RunsSoFar(path, blank())
    assert [seed for seed in (1, 2, 3) if found.of("2A/chaos", seed)] == [1, 3]


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "ada").write_text("a file where a folder should be")
    RunsSoFar(tmp_path / "ada" / "runs", blank()).add(step(1))

"""A submission whose servers never yield, or crawl, is not tried to the end; tests that are not run state that, and
why."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import exits
from grader.grading.patience import Patience
from grader.places import RUBRIC
from tests.corpora.attacks.corpus import attacks
from tests.grader.test_grade import result_of, run

STALLS = ("NoStall",)
FINE: tuple[str | None, ...] = (None, "NoSpin")


def test_the_first_tests_of_the_rubric_decide_and_not_the_first_that_end() -> None:
    patience = Patience(2)
    assert patience.left([("a", FINE), ("b", STALLS), ("c", ()), ("d", FINE)]) == 4
    assert patience.left([("a", FINE), ("b", STALLS), ("c", ("CpuBudget",)), ("d", FINE)]) == 3
    assert patience.left([("a", STALLS), ("b", STALLS), ("c", FINE), ("d", FINE)]) == 2


@pytest.mark.parametrize("most", [0, 2])
def test_a_stage_without_tests_has_none_left(most: int) -> None:
    assert Patience(most).left([]) == 0


def test_stages_add_up() -> None:
    patience = Patience(2)
    patience.count([("a", STALLS), ("b", FINE)])
    assert patience.why_not() == ""
    assert patience.left([("c", FINE), ("d", STALLS), ("e", FINE)]) == 2
    patience.count([("c", FINE), ("d", STALLS), ("e", FINE)])
    assert patience.why_not().startswith("not run: in 2 tests a server never yielded")
    assert patience.why_not().endswith("see a, d")


def test_patience_may_have_no_end() -> None:
    patience = Patience(0)
    assert patience.left([(name, STALLS) for name in "abcdef"]) == 6
    patience.count([(name, STALLS) for name in "abcdef"])
    assert patience.why_not() == ""


def graded(folder: Path, attack: str) -> str:
    """Grade an attack as an instructor does; return what was printed."""
    [found] = [one for one in attacks() if one.name == attack]
    (folder / attack).mkdir()
    rubric = folder / "rubric.toml"
    rubric.write_text(RUBRIC.read_text().replace("give_up_after = 4", "give_up_after = 2"))
    done = run(folder, found.write(folder / attack), "--jobs", "2", "--runs", "1", "--rubric", rubric)
    assert done.returncode == exits.LESS, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "attack, rule, points",
    [("limit_loop_in_run", "NoStall", 0.0), ("limit_crawl", "CpuBudget", None)],
)
def test_a_submission_that_takes_its_time_is_graded_soon(
    tmp_path: Path, attack: str, rule: str, points: float | None
) -> None:
    printed = graded(tmp_path, attack)
    result = result_of(tmp_path, attack)
    lost = [test.id for test in result.tests if test.rule == rule]
    left_out = [test for test in result.tests if test.message.startswith("not run: in 2 tests a server never yielded")]
    assert len(lost) == 2
    lost.sort(key=lambda test: test != "2A/initial_election")  # the stage's basis is run first
    assert all(test.message.endswith(f"see {', '.join(lost)}") for test in left_out)
    assert {(test.status, test.score, len(test.runs)) for test in left_out} == {("skip", 0.0, 0)}
    assert len(left_out) > 180
    assert [stage.status for stage in result.stages] == ["graded", "skip", "skip", "skip"]
    assert points is None or result.score == points
    assert result.score <= sum(test.max_score for test in result.tests if test.kind == "drill")
    assert "not run: in 2 tests a server never yielded" in printed

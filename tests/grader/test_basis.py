"""A stage counts when its basis passes: no points without it, and all reports and exports state it."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grader.grading import scoring
from grader.grading.rubric import Stage, load
from grader.results import report, result
from grader.results.exports import WRITERS, classroom50, gradescope
from grader.results.exports.table_csv import class_table
from grader.results.result import Basis, Result, Sandbox, Submission
from grader.results.student_view import student_view
from tests.grader.sandbox.machines import ON_LINUX
from tests.grader.schemas import problems
from tests.grader.test_results import held_runs, item, judged, record
from tests.tools.attacks.cheats import graded as graded_cheats

BASIS = "2A/initial_election"


def result_of(*tests: result.Test, basis: tuple[str, ...] = (BASIS,), forfeits: tuple[str, ...] = ()) -> Result:
    """Return a result of one stage, with this basis."""
    found = Result("graded", Submission("jdoe", "ab" * 32, ["raft.py"]), Basis(), Sandbox("inline", "none"))
    found.tests, found.held = list(tests), held_runs(tests)
    found.stages = [scoring.sum_stage(Stage("2A", "election", (), 0.25, (), basis, forfeits), tests)]
    scoring.sum_up(found)
    return found


def idle(*basis: str, **facts: Any) -> Result:
    """Return the result of a server that passes what wants a refusal; `basis` are the runs of its stage's basis."""
    others = [judged(item(test, points=1.0), *["pass"] * 4) for test in ("2A/drill_first_vote", "2A/deaf_server")]
    return result_of(judged(item(**facts), *(basis or ["fail"] * 4)), *others)


def test_without_its_basis_a_stage_gives_no_points() -> None:
    found = idle()
    [stage] = found.stages
    assert (found.score, found.max_score, stage.score, stage.uncounted) == (0.0, 6.0, 0.0, 2.0)
    assert (stage.basis, stage.basis_status, found.status) == ([BASIS], "lost", "graded")
    assert [(test.status, test.score, test.uncounted) for test in found.tests[1:]] == [("pass", 0.0, 1.0)] * 2
    assert found.message == stage.message
    counts, broken, command = stage.message.replace(": make", "; make").split("; ")
    assert counts == "2A counts when 2A/initial_election passes: 2 drills and tests passed and give no points yet"
    assert broken == "2A/initial_election breaks ElectionSafety"
    assert command == "make replay TEST=2A/initial_election SEED=1 SUBMISSION=/home/prof/x"
    assert problems(msgspec.to_builtins(found), result.schema()) == []


@pytest.mark.parametrize("runs", [["fail", "fail", "fail", "pass"], ["pass", "error", "grader-error", "fail"]])
def test_one_seed_of_the_basis_is_enough(runs: list[str]) -> None:
    found = idle(*runs)
    assert (found.score, found.stages[0].basis_status, found.message) == (2.0, "there", "")


def test_an_emptied_basis_takes_nothing() -> None:
    tests = [judged(item(), *["fail"] * 4), judged(item("2A/deaf_server"), *["pass"] * 4)]
    found = result_of(*tests, basis=())
    assert (found.score, found.stages[0].basis_status) == (4.0, "none")


def test_what_a_server_did_not_write_or_died_of_is_its_own() -> None:
    assert idle("error", "error", "error", "error").stages[0].basis_status == "lost"
    found = result_of(judged(item(), "fail", rule="NotWritten"), judged(item("2A/deaf_server"), *["pass"] * 4))
    assert (found.score, found.stages[0].basis_status) == (0.0, "lost")


def test_where_nothing_passed_there_is_nothing_to_say() -> None:
    assert result_of(judged(item(), *["fail"] * 4), judged(item("2A/chaos"), *["fail"] * 4)).message == ""


@pytest.mark.parametrize("runs", [["grader-error"] * 4, ["fail", "fail", "grader-error", "fail"]])
def test_a_basis_that_the_grader_could_not_judge_holds_the_stage(runs: list[str]) -> None:
    found = idle(*runs)
    [stage] = found.stages
    assert (found.status, stage.status, stage.basis_status) == ("held", "held", "held")
    assert (found.score, found.has_grade) == (0.0, False) and found.held_score in (2.0, 6.0)
    assert found.message == "needs review: the grader could not grade 2A/initial_election"
    assert {test.status for test in found.tests} == {"held"}
    text = " ".join(report.render_one(found).split())
    waits = "needs review: 2A counts when 2A/initial_election passes, and the grader could not grade that"
    assert f"{waits}: 2 tests" in text
    assert "score" not in gradescope.content(found)


def test_held_runs_of_a_stage_without_its_basis_hold_nothing() -> None:
    tests = [judged(item(), *["fail"] * 4), judged(item("2A/deaf_server"), *["grader-error"] * 4)]
    found = result_of(*tests)
    assert (found.status, found.held_score, found.stages[0].status) == ("graded", 0.0, "graded")
    assert "4 runs could not be graded, for no points" in found.warnings


def test_a_stage_that_is_skipped_has_lost_nothing() -> None:
    found = result_of(scoring.left_out(item(), "skip", "not run"))
    assert (found.stages[0].basis_status, found.stages[0].status) == ("none", "skip")


def test_nothing_builds_on_a_stage_without_its_basis() -> None:
    """What a server that elects nobody replicates is not Raft."""
    built = scoring.is_built_on(Stage("2B", "b", ("2A",), 0.25, ()), idle().stages)
    assert built == "not run: it builds on 2A, which gives no points"


def test_a_rule_that_is_not_broken_by_mistake_forfeits_the_stage() -> None:
    forged = judged(item("2A/chaos"), "pass", "pass", "pass", "fail", rule="SnapshotIsTheServices")
    found = result_of(judged(item(), *["pass"] * 4), forged, forfeits=("SnapshotIsTheServices",))
    [stage] = found.stages
    assert (found.score, stage.basis_status, stage.forfeited_by) == (0.0, "forfeited", "2A/chaos")
    assert found.message.startswith("2A gives no points: a run broke a rule that nobody breaks by mistake there; ")
    assert "2A/chaos breaks SnapshotIsTheServices" in found.message
    built = scoring.is_built_on(Stage("2B", "b", ("2A",), 0.25, ()), found.stages)
    assert built == "not run: it builds on 2A, which gives no points"


# The texts about it.


def test_students_read_it_with_the_rule_and_the_command() -> None:
    view = student_view(idle())
    text = " ".join(report.render_one(view).split())
    assert "2A counts when 2A/initial_election passes: 2 drills and tests passed and give no points yet" in text
    assert "breaks ElectionSafety: make replay TEST=2A/initial_election SEED=1" in text and "/home/prof" not in text


def test_students_do_not_read_of_a_basis_that_they_do_not_see() -> None:
    view = student_view(idle(visibility="hidden"))
    assert "initial_election" not in msgspec.json.encode(view).decode()
    assert (
        view.message
        == "2A counts when a test passes that is not shown here: 2 drills and tests passed and give no points yet"
    )
    held = student_view(idle(*["grader-error"] * 4, visibility="hidden"))
    assert "initial_election" not in msgspec.json.encode(held).decode()


@pytest.mark.parametrize("detail", ["rule", "none"])
def test_students_read_of_a_basis_what_its_detail_allows(detail: str) -> None:
    text = msgspec.json.encode(student_view(idle(detail=detail))).decode()
    assert "2A counts when 2A/initial_election passes" in text and "SEED" not in text
    assert ("ElectionSafety" in text) == (detail == "rule")


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "classroom"])
def test_every_export_says_why_there_are_no_points(name: str) -> None:
    text = WRITERS[name][1](idle())
    assert "2A counts when 2A/initial_election passes" in " ".join(text.replace("&#95;", "_").split())


def test_exports_count_nothing_that_does_not_count() -> None:
    found = idle()
    assert (
        gradescope.content(found)["score"] == 0.0 == sum(test["score"] for test in gradescope.content(found)["tests"])
    )
    assert "2A counts when" in gradescope.content(found)["output"]
    assert classroom50.content(found, {})["score"] == 0
    classroom = json.loads(base64.b64decode(WRITERS["classroom"][1](found)))
    assert [test["score"] for test in classroom["tests"]] == [0, 0, 0]
    assert "2A counts when" in classroom["tests"][1]["message"]
    [row] = csv.DictReader(io.StringIO(class_table([found])))
    assert (row["points"], row["2A"]) == ("0.00", "0.00") and "2A counts when" in row["notes"]


def test_no_sum_in_the_feedback_tells_of_tests_that_are_not_shown() -> None:
    """An instructor sees 4 of 8 points."""
    tests = [judged(item(), *["pass"] * 4), judged(item("2A/deaf_server", visibility="hidden"), *["fail"] * 4)]
    found = result_of(*tests)
    view = student_view(found)
    assert (found.max_score, view.max_score, view.stages[0].max_score, view.unseen) == (8.0, 4.0, 4.0, 1)
    assert report.render_one(view).startswith("jdoe: 4 of 4 points in the tests shown here")
    skipped = student_view(
        result_of(
            judged(item(visibility="hidden"), *["fail"] * 4),
            scoring.left_out(
                item("2A/chaos"), "skip", "not run: it builds on 2A, which has 3 of 9 points, less than 25%"
            ),
        )
    )
    assert [test.message for test in skipped.tests] == ["not run: it builds on 2A"]


def test_where_the_lab_stumbled_is_in_the_result_for_the_instructor_alone() -> None:
    stumbled = record(item(), 1, "error", rule="WellFormed")
    stumbled.details = 'File "/lab/checker.py", line 7\nIndexError: 99'
    run = scoring.judged_run(stumbled, False, False)
    assert run.details == stumbled.details
    found = result_of(scoring.judge_test(item(), 1, [run], [stumbled], ""))
    assert "IndexError: 99" in msgspec.json.encode(found).decode()
    assert "IndexError" not in msgspec.json.encode(student_view(found, keep_hidden=True)).decode()
    assert not [name for name, (_, writer) in WRITERS.items() if "IndexError" in writer(found)]


# The rubric.


def test_each_stage_of_the_course_has_a_basis_that_runs_first() -> None:
    stages = load().stages
    assert all(stage.basis for stage in stages)
    assert [stage.in_order[0].scenario.id for stage in stages] == [stage.basis[0] for stage in stages]
    assert sorted(item.scenario.id for stage in stages for item in stage.in_order) == sorted(
        item.scenario.id for item in load().items
    )


def test_a_closer_look_rests_on_what_is_looked_at() -> None:
    assert [stage.basis for stage in load(only="2A/drill").stages] == [()]
    assert [stage.basis for stage in load(only="2A/").stages] == [(BASIS, "2A/election_after_network_failure")]


# With the real command.


@pytest.mark.skipif(not ON_LINUX, reason="the sandbox needs Linux")
def test_cheats_get_no_points(tmp_path: Path) -> None:
    for cheat, found in graded_cheats(tmp_path):
        gained = {stage.id: stage.score for stage in found.stages if stage.id in cheat.worth_nothing and stage.score}
        assert (gained, found.status, found.held) == ({}, "graded", []), (cheat.name, found.message)
        uncounted = sum(stage.uncounted for stage in found.stages)
        assert uncounted > 0 or cheat.name != "idle", "it passes tests that want refusals, and they do not count"

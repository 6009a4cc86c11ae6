"""The gradebook of Canvas: what is filled in, what the instructor has to decide, and that a look comes first."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grader import exits
from grader.cli import main
from grader.results.result import Adjustment, Basis, Person, Result, write
from tests.grader.test_results import graded, item, judged

GRADEBOOK = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Lab 3 (77),Lab 4 (78)
    Points Possible,,,,,8,4
"Doe, Jane",101,u101,jdoe@uni.edu,A,,9
"Roe, Rick",102,u102,rroe,A,EX,
"Poe, Pat",103,u103,ppoe,B,6.50,
"Moe, Mia",104,u104,mmoe@uni.edu,B,8.00,
"""
ALL, HALF = "pass", "fail"


def result_for(student: str, second: str = ALL, people: tuple[Person, ...] = (), **facts: Any) -> Result:
    """Return 8 points of 8, or 4 if the test of 2B fails."""
    found = graded(judged(item(), *["pass"] * 4), judged(item("2B/chaos"), *[second] * 4), name=student)
    found.submission.student, found.submission.people = student, list(people)
    return msgspec.structs.replace(found, **facts)


def fill(folder: Path, results: list[Result], *options: str, assignment: str = "Lab 3") -> tuple[int, list[str]]:
    """Fill in; return the exit code and the values of the column in the file, none if there is no file."""
    (folder / "book.csv").write_text(GRADEBOOK, encoding="utf-8")
    for number, result in enumerate(results):
        write(folder / "grades" / str(number) / "result.json", result)
    command = ["canvas", str(folder / "book.csv"), "--results", str(folder / "grades"), "--assignment", assignment]
    code = main([*command, *options])
    filled = folder / "book-filled.csv"
    if not filled.exists():
        return code, []
    rows = list(csv.reader(io.StringIO(filled.read_text(encoding="utf-8"))))
    column = next(number for number, head in enumerate(rows[0]) if head.startswith(assignment))
    return code, [row[column] for row in rows[2:]]


def test_a_look_comes_first_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fill(tmp_path, [result_for("jdoe@uni.edu")]) == (exits.FULL_POINTS, [])
    shown = capsys.readouterr().out
    assert (
        "  Doe, Jane: empty -> 8.00" in shown
        and "nothing is written" in shown
        and "'Lab 3 (77)': 1 of 1 student" in shown
    )


@pytest.mark.parametrize(
    "name", ["jdoe@uni.edu", "JDoe@Uni.edu", "jdoe", "hw/jdoe/raft", "u101", "doejane_101_555_raft"]
)
def test_e_mail_addresses_and_parts_of_paths_are_found(tmp_path: Path, name: str) -> None:
    assert fill(tmp_path, [result_for(name)], "--write") == (exits.FULL_POINTS, ["8.00", "EX", "6.50", "8.00"])


def test_two_results_of_one_student_are_left_for_a_decision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = [result_for("doejane_101_555_raft"), result_for("doejane_101_556_zzz", HALF)]
    two[0].submission.handed_in, two[1].submission.handed_in = "2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z"
    assert fill(tmp_path, two, "--write") == (exits.LESS, ["", "EX", "6.50", "8.00"])
    assert "2 results, of doejane_101_555_raft and doejane_101_556_zzz" in capsys.readouterr().err
    assert fill(tmp_path, two, "--write", "--duplicates", "best")[1][0] == "8.00"
    assert fill(tmp_path, two, "--write", "--duplicates", "last")[1][0] == "4.00"
    two[1].submission.handed_in = two[0].submission.handed_in
    assert fill(tmp_path, two, "--write", "--duplicates", "last")[1][0] == ""


@pytest.mark.parametrize(
    "student, points, option, words",
    [
        ("rroe", "8.00", "--excused", "excused in Canvas"),
        ("ppoe", "4.00", "--lower", "4.00 is less than the 6.50 that is there"),
    ],
)
def test_what_an_instructor_has_entered_is_replaced_only_when_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], student: str, points: str, option: str, words: str
) -> None:
    result = [result_for(student, ALL if points == "8.00" else HALF)]
    assert fill(tmp_path, result, "--write") == (exits.LESS, ["", "EX", "6.50", "8.00"])
    assert f"left out {student}: {words}" in capsys.readouterr().err
    assert points in fill(tmp_path, result, "--write", option)[1]


@pytest.mark.parametrize(
    "result, option, points",
    [
        (result_for("jdoe", status="not-gradable", message="no raft.py", score=0.0), "--not-gradable", "0.00"),
        (result_for("jdoe", "grader-error"), "--held", "4.00"),
    ],
    ids=["not gradable", "held"],
)
def test_a_result_without_a_grade_is_filled_in_only_when_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], result: Result, option: str, points: str
) -> None:
    assert fill(tmp_path, [result], "--write") == (exits.LESS, ["", "EX", "6.50", "8.00"])
    assert f"give {option}" in capsys.readouterr().err
    assert fill(tmp_path, [result], "--write", option)[1][0] == points


def test_a_course_may_grade_one_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fill(tmp_path, [result_for("ppoe", HALF)], "--write", assignment="Lab 4")[0] == exits.USAGE
    assert "Canvas has 4 points possible, the rubric 8; " in (said := capsys.readouterr().err) and "--stage" in said
    code, column = fill(tmp_path, [result_for("ppoe", HALF)], "--write", "--stage", "2A", assignment="Lab 4")
    assert (code, column) == (exits.FULL_POINTS, ["9", "", "4.00", ""])
    held_elsewhere = [result_for("ppoe", "grader-error")]
    assert fill(tmp_path, held_elsewhere, "--write", "--stage", "2A", assignment="Lab 4")[1][2] == "4.00"
    assert fill(tmp_path, held_elsewhere, "--stage", "2Z", assignment="Lab 4")[0] == exits.USAGE


def test_late_days_and_decisions_count_for_the_whole_and_for_a_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = result_for("jdoe", score=6.0, adjustments=[Adjustment("late", -2.0, "two days late", share=0.25)])
    assert fill(tmp_path, [late], "--write")[1][0] == "6.00"
    assert fill(tmp_path, [late], "--write", "--stage", "2A", "--lower", assignment="Lab 4")[1][0] == "3.00"
    decided = result_for("jdoe", score=7.0, adjustments=[Adjustment("override", -1.0, "a decision")])
    assert fill(tmp_path, [decided], "--write")[1][0] == "7.00"
    assert fill(tmp_path, [decided], "--write", "--stage", "2A", "--lower", assignment="Lab 4")[1][0] == "9"
    assert "decided by hand" in capsys.readouterr().err


def test_a_held_result_that_was_decided_as_a_whole_is_a_grade(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change = Adjustment("override", 2.0, "a decision")
    decided = result_for("jdoe", "grader-error", score=6.0, held_score=0.0, status="graded", adjustments=[change])
    assert fill(tmp_path, [decided], "--write") == (exits.FULL_POINTS, ["6.00", "EX", "6.50", "8.00"])
    assert "left out" not in capsys.readouterr().err


def test_all_members_of_a_group_get_the_grade_and_students_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = (Person("101", "Jane"), Person(email="mmoe@uni.edu"), Person("999", "Nobody"))
    code, column = fill(tmp_path, [result_for("team", ALL, people)], "--write")
    assert (code, column) == (exits.LESS, ["8.00", "EX", "6.50", "8.00"])
    shown = capsys.readouterr()
    assert "'Lab 3 (77)': 1 of 2 students; the others have these points already" in shown.out
    assert "left out team (Nobody): no row of the gradebook fits" in shown.err


def test_a_number_of_another_platform_is_not_mistaken_for_canvas(tmp_path: Path) -> None:
    """Jane has the number 102 on Gradescope, which is Rick's on Canvas."""
    jane = result_for("jdoe@uni.edu", ALL, (Person("102", "Jane", "jdoe@uni.edu"),))
    assert fill(tmp_path, [jane], "--write") == (exits.FULL_POINTS, ["8.00", "EX", "6.50", "8.00"])


def test_points_of_two_rubrics_are_not_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = result_for("ppoe", basis=Basis("x", "cc" * 32, selection="--only 2A/"))
    assert fill(tmp_path, [result_for("jdoe"), other], "--write") == (exits.USAGE, [])
    assert "more than one basis" in capsys.readouterr().err


def test_students_of_the_gradebook_without_a_result_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = GRADEBOOK + '"Student, Test",105,,t1,B,,\n'
    (tmp_path / "book.csv").write_text(book, encoding="utf-8")
    write(tmp_path / "class" / "a" / "result.json", result_for("jdoe@uni.edu"))
    command = ["canvas", str(tmp_path / "book.csv"), "--assignment", "Lab 3", "--results", str(tmp_path / "class")]
    assert main(command) == exits.FULL_POINTS
    assert capsys.readouterr().err == f"no result in {tmp_path / 'class'}: Roe, Rick; Poe, Pat; Moe, Mia\n"


def test_points_of_all_stages_go_into_the_assignment_of_one_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = GRADEBOOK.replace("Lab 3 (77)", "Raft 2A (77)").replace("    Points Possible,,,,,8,4\n", "")
    (tmp_path / "book.csv").write_text(book, encoding="utf-8")
    write(tmp_path / "grades" / "a" / "result.json", result_for("jdoe@uni.edu"))
    command = ["canvas", str(tmp_path / "book.csv"), "--assignment", "77", "--results", str(tmp_path / "grades")]
    assert main(command) == exits.USAGE
    said = capsys.readouterr().err
    assert "is called after 2A, but the results have 2A, 2B: give --stage 2A for its points, or --stage 2A,2B" in said
    for stages, points in (("2A", "4.00"), ("2A,2B", "8.00")):
        assert main([*command, "--stage", stages]) == exits.FULL_POINTS
        assert f"Doe, Jane: empty -> {points}" in capsys.readouterr().out

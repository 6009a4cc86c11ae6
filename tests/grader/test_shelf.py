"""Where results are kept: whose they are, what is never replaced or mixed, and what a killed grader leaves behind."""

from __future__ import annotations

import csv
import json
import os
import stat
from pathlib import Path

import msgspec
import pytest

from grader.exits import Usage
from grader.results import files, log, report
from grader.results.exports import WRITERS
from grader.results.result import Basis, Person, Result, read
from grader.results.shelf import Shelf
from grader.results.student_view import student_view
from grader.results.students import HandIn, folder_name, from_paths, identity_of, require_distinct
from tests.grader.test_results import graded, held_runs, item, judged

BASIS = Basis("Raft", "aa" * 32, "1a" * 32, "5e" * 8)


def result_for(student: str, *statuses: str, basis: Basis = BASIS, source: str = "") -> Result:
    found = graded(judged(item(), *(statuses or ["pass"] * 4)))
    HandIn(student, source or f"/hw/{student}").describe(found.submission)
    return msgspec.structs.replace(found, basis=basis)


def hand_in(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("class Raft: ...\n")


# Whose it is.


def test_a_name_depends_on_the_own_path_and_on_nothing_else_in_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(tmp_path, "hw/alice/raft.zip", "hw/bob/raft.zip")
    monkeypatch.chdir(tmp_path)
    both = from_paths(["hw/alice/raft.zip", "hw/bob/raft.zip"])
    assert [hand_in.name for hand_in in both] == ["hw--alice--raft", "hw--bob--raft"]
    assert from_paths(["hw/bob/raft.zip"]) == both[1:] == from_paths(["./hw//bob/raft.zip"])
    assert from_paths([str(tmp_path / "hw" / "bob" / "raft.zip")])[0].name == "hw--bob--raft"
    monkeypatch.chdir(tmp_path / "hw")
    assert from_paths(["../hw/bob/raft.zip"])[0].name == "bob--raft"


def test_letters_of_all_scripts_stay_and_names_stay_distinct() -> None:
    assert folder_name("Jörg Müller") == "Jörg Müller" and folder_name("王小明/raft") == "王小明--raft"
    others = [
        "a/b",
        "a--b",
        "a-/b",
        "a/-b",
        "a:b",
        "a;b",
        "..",
        "-rf",
        ".git",
        "",
        "x" * 500,
        "x" * 501,
        "🙂",
        "a\u202eb",
    ]
    names = [folder_name(student) for student in others]
    assert len(set(names)) == len(others)
    assert all(len(name.encode()) < 200 and not name.startswith(("-", ".")) and "/" not in name for name in names)


def test_one_student_has_one_identity_however_the_letters_are_composed(tmp_path: Path) -> None:
    hand_in(tmp_path, "Mu\u0308ller.py")
    assert identity_of(str(tmp_path / "Mu\u0308ller.py")).endswith("/Müller")


def test_a_name_that_would_mean_two_students_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="'alice' would mean two students: Alice and alice"):
        require_distinct([HandIn("Alice", "a.zip"), HandIn("alice", "b.zip")])
    with pytest.raises(Usage, match=r"alice has two submissions here: a.zip and b.zip"):
        require_distinct([HandIn("alice", "a.zip"), HandIn("alice", "b.zip")])
    shelf = Shelf(tmp_path)
    shelf.keep("alice", result_for("alice"))
    with pytest.raises(Usage, match="would mean two students"):
        shelf.settle([HandIn("ALICE", "/elsewhere/b.zip")], shelf.results())


def test_a_submission_keeps_its_student_when_it_is_graded_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(tmp_path, "hw/bob/raft.py")
    monkeypatch.chdir(tmp_path)
    shelf, [first] = Shelf(tmp_path / "out"), from_paths(["hw/bob"])
    found = result_for("x")
    first.describe(found.submission)
    shelf.keep(first.name, found)
    monkeypatch.chdir(tmp_path / "hw")
    assert [again.student for again in shelf.settle(from_paths(["bob"]), shelf.results())] == ["hw/bob"]


def test_a_link_to_another_students_work_is_not_that_student(tmp_path: Path) -> None:
    hand_in(tmp_path, "hw/bob/raft.py")
    (tmp_path / "hw" / "eve").symlink_to(tmp_path / "hw" / "bob")
    shelf = Shelf(tmp_path / "out")
    shelf.keep("bob", result_for("bob", source=str(tmp_path / "hw" / "bob")))
    [eve] = shelf.settle(from_paths([str(tmp_path / "hw" / "eve")]), shelf.results())
    assert eve.student.endswith("/hw/eve")


def test_results_and_table_and_log_hold_source_hash_and_basis(tmp_path: Path) -> None:
    found = result_for("alice", source="/hw/alice.zip", basis=msgspec.structs.replace(BASIS, selection="--only 2A/"))
    found.submission.people = [Person(name="=Alice"), Person(email="bob@uni.example")]
    Shelf(tmp_path).keep("alice", found)
    log.add(tmp_path, found, None)
    files.write_class(tmp_path, {})
    [row] = csv.DictReader((tmp_path / "class.csv").open())
    assert (row["source"], row["sha256"], row["student"]) == ("/hw/alice.zip", "ab" * 32, "alice")
    assert row["people"] == "'=Alice; bob@uni.example"
    assert row["basis"] == "rubric aaaaaaaa, --only 2A/, secret 5e5e5e5e"
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert (line["source"], line["sha256"], line["basis"]) == (row["source"], row["sha256"], row["basis"])
    assert read(tmp_path / "alice" / "result.json").submission.source == "/hw/alice.zip"


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_for_students_names_the_place_or_others(name: str) -> None:
    found = result_for("alice", source="/home/prof/hw/alice.zip")
    found.submission.people = [Person("1", "Bob", "bob@uni.edu")]
    assert "/home/prof" not in WRITERS[name][1](found) and "bob@uni.edu" not in WRITERS[name][1](found)
    assert "/home/prof" not in msgspec.json.encode(student_view(found)).decode()


def test_held_results_come_first_with_the_command_that_repeats_them(tmp_path: Path) -> None:
    held = result_for("zoe", *["grader-error"] * 4)
    held.held = held_runs(held.tests)
    for name, found in {"alice": result_for("alice"), "zoe": held}.items():
        Shelf(tmp_path).keep(name, found)
    files.write_class(tmp_path, {})
    rows = list(csv.DictReader((tmp_path / "class.csv").open()))
    assert [(row["submission"], row["status"], row["points"]) for row in rows] == [
        ("zoe", "held", ""),
        ("alice", "graded", "4.00"),
    ]
    shown = report.render_held([result_for("alice"), held]).splitlines()
    assert shown[0].startswith("1 held") and shown[1].startswith("zoe: held: no points are judged")
    assert shown[2].startswith("  .venv/bin/python -m grader repeat /home/prof/x 2A/initial_election --seed 1 ")
    assert shown[-1] == "  and 1 more in result.json" and report.render_held([result_for("alice")]) == ""


# What is kept.


def test_the_history_of_a_student_has_no_end(tmp_path: Path) -> None:
    shelf, endings = Shelf(tmp_path), ["pass", "fail", "error", "pass", "fail"]
    for number, status in enumerate(endings):
        before = shelf.keep("alice", result_for("alice", status, *["pass"] * 3))
        assert (before is None) == (number == 0)
    assert [result.tests[0].status for result in shelf.history("alice")] == endings[:-1]
    assert sorted(path.name for path in (tmp_path / "alice" / "history").iterdir()) == ["0001", "0002", "0003", "0004"]


def test_a_grading_that_was_killed_after_it_wrote_the_history_writes_it_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep("alice", result_for("alice"))
    shelf._remember("alice")
    shelf.keep("alice", result_for("alice", *["fail"] * 4))
    assert len(shelf.history("alice")) == 1


def test_times_are_apart_so_that_a_result_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = result_for("alice"), result_for("alice")
    first.started_at, first.duration, first.tests[0].runs[0].wall_time = "2026-06-01T14:32:01Z", 7.5, 1.25
    second.started_at, second.reason = "2026-06-02T00:00:00Z", "the checker was repaired"
    Shelf(tmp_path / "a").keep("alice", first)
    Shelf(tmp_path / "b").keep("alice", second)
    assert (tmp_path / "a/alice/result.json").read_bytes() == (tmp_path / "b/alice/result.json").read_bytes()
    assert read(tmp_path / "a/alice/result.json") == first and read(tmp_path / "b/alice/result.json") == second


def test_an_earlier_result_counts_until_there_is_a_new_whole_one(tmp_path: Path) -> None:
    shelf, blank = Shelf(tmp_path), msgspec.structs.replace(result_for("alice"), status="unfinished")
    shelf.begin("bob", blank)
    assert shelf.results() == {} and list(shelf.everyone().results) == ["bob"]
    assert shelf.everyone().results["bob"].status == "unfinished"
    shelf.keep("alice", result_for("alice"))
    shelf.begin("alice", blank)
    assert shelf.results()["alice"].status == "graded" and shelf.everyone().results["alice"].status == "graded"
    shelf.keep("alice", result_for("alice"))
    assert not (tmp_path / "alice" / "unfinished.json").exists()


def test_a_grading_that_begins_leaves_the_times_and_the_reason_of_the_one_before(tmp_path: Path) -> None:
    shelf, first = Shelf(tmp_path), result_for("alice")
    first.duration, first.reason, first.tests[0].runs[0].wall_time = 7.5, "the first", 1.25
    shelf.keep("alice", first)
    begun = msgspec.structs.replace(result_for("alice", *["fail"] * 4), status="unfinished", started_at="2026-07-01")
    shelf.begin("alice", begun)
    assert shelf.results()["alice"] == first and read(tmp_path / "alice" / "unfinished.json").started_at == "2026-07-01"
    shelf.keep("alice", msgspec.structs.replace(begun, status="graded", reason="again"))
    assert shelf.history("alice") == [first] and shelf.history("alice")[0].reason == "the first"


def test_a_result_of_another_version_is_kept_in_the_history(tmp_path: Path) -> None:
    shelf, old = Shelf(tmp_path), b'{"schema": "raft-lab/result/v1", "score": 5}'
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "result.json").write_bytes(old)
    assert shelf.keep("alice", result_for("alice")) is None
    assert (tmp_path / "alice" / "history" / "0001" / "result.json").read_bytes() == old
    shelf.keep("alice", result_for("alice", *["fail"] * 4))
    assert shelf.history("alice") == [result_for("alice")]


def test_files_that_killed_graders_left_are_removed_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "alice" / "history" / ".0001.4194999.partial").mkdir(parents=True)
    (tmp_path / "alice" / ".result.json.4194999.partial").write_text("{")
    mine = tmp_path / f".class.csv.{os.getpid()}.partial"
    mine.write_text("")
    Shelf(tmp_path).sweep()
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == [mine.name, "alice", "history"]


# What is not mixed.

OTHERS = {
    "another selection": msgspec.structs.replace(BASIS, rubric_sha256="bb" * 32, selection="--only 2A/ --runs 1"),
    "another secret": msgspec.structs.replace(BASIS, secret="77" * 8),
}


@pytest.mark.parametrize("other", OTHERS)
def test_results_of_another_basis_are_neither_replaced_nor_mixed_without_a_word(tmp_path: Path, other: str) -> None:
    shelf, basis = Shelf(tmp_path), OTHERS[other]
    for student in ("alice", "bob"):
        shelf.keep(student, result_for(student))
    alice, bob = HandIn("alice", "/hw/alice"), HandIn("bob", "/hw/bob")
    for hand_ins in ({"alice": alice}, {"carol": HandIn("carol", "/hw/carol")}, {"alice": alice, "bob": bob}):
        with pytest.raises(Usage, match=r"holds results of another basis.*give --replace"):
            shelf.require_basis(basis, hand_ins, shelf.results(), replace=False)
    with pytest.raises(Usage, match="must not leave a mixture: grade also bob"):
        shelf.require_basis(basis, {"alice": alice}, shelf.results(), replace=True)
    shelf.require_basis(basis, {"alice": alice, "bob": bob}, shelf.results(), replace=True)
    shelf.require_basis(BASIS, {"alice": alice}, shelf.results(), replace=False)


def test_a_student_without_a_hand_in_now_is_part_of_the_mixture_if_there_is_a_graded_one(tmp_path: Path) -> None:
    shelf, basis = Shelf(tmp_path), OTHERS["another selection"]
    nothing = result_for("zoe")
    nothing.status, nothing.tests, nothing.submission.sha256 = "not-gradable", [], ""
    for student, found in (("alice", result_for("alice")), ("bob", result_for("bob")), ("zoe", nothing)):
        shelf.keep(student, found)
    hand_ins = {"alice": HandIn("alice", "/hw/alice")}
    hand_ins |= {student: HandIn(student, "", "roster", trouble="nothing was handed in") for student in ("bob", "zoe")}
    with pytest.raises(Usage, match=r"must not leave a mixture: grade also bob$"):
        shelf.require_basis(basis, hand_ins, shelf.results(), replace=True)
    shelf.require_basis(basis, hand_ins | {"bob": HandIn("bob", "/hw/bob")}, shelf.results(), replace=True)


def test_another_secret_is_named_with_what_to_do(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep("alice", result_for("alice"))
    with pytest.raises(Usage, match=r"secret 5e5e5e5e; these .* secret 77777777.*grader secret --help"):
        shelf.require_basis(OTHERS["another secret"], {}, shelf.results(), replace=False)


def test_a_repaired_lab_may_grade_into_the_same_folder(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep("alice", result_for("alice"))
    shelf.require_basis(msgspec.structs.replace(BASIS, lab_sha256="2b" * 32), {}, shelf.results(), replace=False)


# Folders that several people share.


@pytest.mark.skipif(os.name != "posix", reason="folders are locked where there is flock")
def test_a_folder_is_locked_under_each_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with Shelf(tmp_path / "link").alone():
        with pytest.raises(Usage, match="another command is grading a class"), Shelf(tmp_path / "out").alone():
            pass
    with Shelf(tmp_path / "out").alone():
        pass


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("umask, mode", [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_files_follow_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        found = result_for("alice")
        Shelf(tmp_path).keep("alice", found)
        files.write_all(tmp_path / "alice", found, ["junit"])
        files.write_class(tmp_path, {})
        log.add(tmp_path, found, None)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*.*")}
    assert set(modes.values()) == {mode} and len(modes) == 7


def test_a_result_that_cannot_be_read_keeps_the_table_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep("alice", result_for("alice"))
    shelf.keep("bob", result_for("bob"))
    files.write_class(tmp_path, {})
    before = (tmp_path / "class.csv").read_text()
    open_as_usual = Path.open

    def denied(path: Path, *arguments: object, **options: object) -> object:
        if path.parent.name == "bob":
            raise PermissionError(13, "Permission denied")
        return open_as_usual(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(Usage, match=r"bob/result.json \(Permission denied\), so the table .* would lose a student"):
        files.write_class(tmp_path, {"alice": result_for("alice", *["fail"] * 4)})
    monkeypatch.undo()
    assert (tmp_path / "class.csv").read_text() == before

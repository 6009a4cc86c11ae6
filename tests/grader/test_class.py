"""The command `class`: it goes on after it was killed, repeats nothing, grades equal files once, stops for nobody."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from grader import exits
from grader.results.result import Result, read
from grader.results.shelf import RUNS_SO_FAR, Shelf
from tests.grader import downloads
from tests.grader.made_up import TINY
from tests.running import REFERENCE, ROOT
from tests.tools import killing
from tests.tools.demo_class import contents

SOLVED = (REFERENCE / "raft.py").read_text()
UNSOLVED = (ROOT / "skeleton" / "raft.py").read_text()


def command(folder: Path, *options: str) -> list[str]:
    (folder / "rubric.toml").write_text(TINY)
    words = ["class", str(folder / "hw"), "--rubric", str(folder / "rubric.toml"), "--jobs", "2"]
    return [sys.executable, "-m", "grader", *words, *options]


def environment(folder: Path) -> dict[str, str]:
    (folder / "tmp").mkdir(exist_ok=True)
    return {**os.environ, "GRADER_SECRET": "s" * 32, "PYTHONHASHSEED": "0", "TMPDIR": str(folder / "tmp")}


def grade(folder: Path, out: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = command(folder, "--out", str(folder / out), *options)
    return subprocess.run(words, cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=280)


def results(out: Path) -> dict[str, Result]:
    return Shelf(out).results()


def graded_students(out: Path) -> Counter[str]:
    return Counter(json.loads(line)["student"] for line in (out / "log.jsonl").read_text().splitlines())


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graded class: good, empty, broken, and two with the same files; the second of these is packed."""
    folder = tmp_path_factory.mktemp("class")
    downloads.write(folder / "hw" / "alice" / "raft.py", SOLVED)
    downloads.packed(folder / "hw" / "Jörg Müller.zip", SOLVED, "raft-lab/skeleton/raft.py")
    downloads.write(folder / "hw" / "bob" / "raft.py", UNSOLVED)
    downloads.write(folder / "hw" / "carol" / "raft.py", "class Raft(:\n")
    downloads.write(folder / "hw" / "dan.zip", "no zip")
    downloads.write(folder / "roster.csv", "id,name\nalice,Alice\nzoe,Zoe\n")
    done = grade(folder, "out", "--roster", str(folder / "roster.csv"))
    (folder / "shown.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == exits.FULL_POINTS, done.stdout + done.stderr
    return folder


def test_one_bad_submission_stops_nobody_and_each_line_comes_as_it_ends(classroom: Path) -> None:
    found = results(classroom / "out")
    assert {name: result.status for name, result in found.items()} == {
        "Jörg Müller": "graded",
        "alice": "graded",
        "bob": "graded",
        "carol": "not-gradable",
        "dan": "not-gradable",
        "zoe": "not-gradable",
    }
    assert found["alice"].is_full and found["bob"].score == 0 and found["zoe"].message == "nothing was handed in"
    shown = (classroom / "shown.txt").read_text()
    assert "a folder of submissions, 5 submissions" in shown and "not in the roster: Jörg Müller, bob, carol" in shown
    assert "6 of 6: " in shown and ": 3 of 3 points" in shown
    rows = list(csv.DictReader((classroom / "out" / "class.csv").open(encoding="utf-8")))
    assert [row["student"] for row in rows] == sorted(found)


def test_equal_files_are_graded_once_with_a_result_of_their_own(classroom: Path) -> None:
    alice, other = (results(classroom / "out")[name] for name in ("alice", "Jörg Müller"))
    assert alice.submission.sha256 == other.submission.sha256 and alice.tests == other.tests
    assert (other.submission.root, other.submission.origin, alice.submission.origin) == (
        "raft-lab/skeleton",
        "folder",
        "roster",
    )
    walls = [sum(run.wall_time for test in one.tests for run in test.runs) for one in (alice, other)]
    assert walls[0] == walls[1], "one of them was graded again"


def test_the_same_command_repeats_nothing(classroom: Path) -> None:
    before, log = contents(classroom / "out"), (classroom / "out" / "log.jsonl").read_bytes()
    done = grade(classroom, "out", "--roster", str(classroom / "roster.csv"))
    assert contents(classroom / "out") == before and "(as before)" in done.stderr
    lines = (classroom / "out" / "log.jsonl").read_bytes().removeprefix(log).splitlines()
    assert {json.loads(line)["student"] for line in lines} <= {"dan"}, "only what could not be read is tried again"


def killed(folder: Path, out: Path, kills: int, most: int) -> killing.Ended:
    """Grade, killed as runs end, in a process of its own, which inherits all that are left alone."""
    words, due = (
        command(folder, "--out", str(out), "--roster", str(folder / "roster.csv")),
        killing.AsRunsEnd(out, kills),
    )
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        return apart.submit(killing.run, words, environment(folder), due, most, True).result()


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are inherited on Linux only")
def test_killed_again_and_again_it_ends_with_the_same_bytes_and_repeats_nothing(classroom: Path) -> None:
    out = classroom / "killed"
    stopped = killed(classroom, out, kills=2, most=2)
    for path in out.glob(f"*/{RUNS_SO_FAR}"):
        records = [json.loads(line)["step"]["record"] for line in path.read_bytes().split(b"\n") if line]
        runs = Counter((record["test"], record["seed"]) for record in records)
        assert set(runs.values()) == {1}, f"{path} has runs that were repeated"
    ended = killed(classroom, out, kills=2, most=1000)
    assert ended.code == exits.FULL_POINTS and (stopped.kills, ended.kills) == (2, 2)
    assert stopped.is_alone and ended.is_alone
    assert contents(out) == contents(classroom / "out")
    counted = graded_students(out)
    assert all(counted[student] <= 1 for student in counted if student != "dan"), counted
    assert list((classroom / "tmp").iterdir()) == []


def test_a_regrading_keeps_the_history_and_shows_who_changed_and_why(classroom: Path, tmp_path: Path) -> None:
    shutil.copytree(classroom / "hw", tmp_path / "hw")
    shutil.copytree(classroom / "out", tmp_path / "out")
    for path in (tmp_path / "out").glob("*/result.json"):  # as an earlier lab has graded
        text = json.loads(path.read_text())
        text["basis"]["lab_sha256"] = "0" * 64
        if path.parent.name == "bob":
            text["score"], text["tests"][0]["status"] = 1.0, "pass"
        path.write_text(json.dumps(text))
    done = grade(tmp_path, "out", "--regrade", "--reason", "a checker was repaired")
    assert done.returncode == exits.FULL_POINTS, done.stdout + done.stderr
    changed = [line for line in done.stdout.splitlines() if line.startswith("changed  ")]
    [line] = changed
    assert line.startswith("changed  bob: 1 -> 0; 2A/drill_first_vote pass -> not-written; because of another version")
    assert line.endswith("of the lab, a checker was repaired")
    shelf = Shelf(tmp_path / "out")
    assert [result.score for result in shelf.history("bob")] == [1.0] and len(shelf.history("alice")) == 1
    assert shelf.results()["bob"].reason == "a checker was repaired"
    assert not (tmp_path / "out" / ".regrading.json").exists()


def test_two_commands_do_not_grade_into_one_folder(classroom: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="folders are locked where there is flock")
    handle = os.open(classroom / "out", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = grade(classroom, "out")
    finally:
        os.close(handle)
    assert done.returncode == exits.USAGE and "another command is grading a class" in done.stderr


def test_a_student_who_is_not_in_this_download_keeps_the_result(classroom: Path, tmp_path: Path) -> None:
    shutil.copytree(classroom / "out", tmp_path / "out")
    downloads.write(tmp_path / "hw" / "bob" / "raft.py", UNSOLVED)
    downloads.write(tmp_path / "roster.csv", "id\nalice\nbob\n")
    done = grade(tmp_path, "out", "--roster", str(tmp_path / "roster.csv"))
    assert done.returncode == exits.FULL_POINTS, done.stderr
    assert read(tmp_path / "out" / "alice" / "result.json").is_full


RELEASED = 'visibility = "after_published"\n[release]\nafter_published = 2026-06-01T12:00:00Z\n'
BEFORE, AFTER = "2026-06-01T13:59:59+02:00", "2026-06-01T14:00+02:00"
NAMED = ("feedback.json", "report.html", "junit.xml", "prairielearn.json", "classroom50.json")
"""The files of a student's folder that name the tests which the student may see."""
SUMMED = ("feedback.txt", "github.log", "summary.md")
"""Those that sum up their points."""


def test_hidden_results_are_shown_from_their_date_on_and_nothing_is_graded_again(tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        downloads.write(tmp_path / "hw" / name / "raft.py", UNSOLVED)
    words = [
        "--export",
        "junit,classroom50,classroom,prairielearn,github,summary",
        "--out",
        str(tmp_path / "out"),
        "--at",
    ]
    kept = set[bytes]()
    for moment, is_shown in ((BEFORE, False), (AFTER, True), (BEFORE, False)):
        line = command(tmp_path, *words, moment)
        (tmp_path / "rubric.toml").write_text(TINY + RELEASED)
        done = subprocess.run(line, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=280)
        assert done.returncode == exits.FULL_POINTS, done.stdout + done.stderr
        for name in ("ada", "bob"):
            place = tmp_path / "out" / name
            texts = {file: (place / file).read_text(encoding="utf-8") for file in (*NAMED, *SUMMED)}
            shown = {file: "initial_election" in texts[file] for file in NAMED}
            shown |= {file: "of 3 points" in texts[file] for file in SUMMED}
            assert shown == dict.fromkeys(texts, is_shown), f"{name} at {moment}"
        kept.add(b"".join((tmp_path / "out" / name).read_bytes() for name in ("ada/result.json", "class.csv")))
    assert len(kept) == 1 and graded_students(tmp_path / "out") == Counter({"ada": 1, "bob": 1})
    assert "initial_election" in (tmp_path / "out" / "class.html").read_text(encoding="utf-8"), (
        "the instructor sees all"
    )

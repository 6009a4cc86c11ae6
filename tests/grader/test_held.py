"""What the grader cannot grade is held for review: in no result, report or export is it zero or full points."""

from __future__ import annotations

import base64
import csv
import errno
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import msgspec
import pytest

from grader import exits
from grader.cli import main
from grader.grading.patience import Stuck
from grader.intake import child, no_links
from grader.intake import taken as intake
from grader.places import RUBRIC
from grader.results import report, result
from grader.results.exports import WRITERS, classroom50, gradescope
from grader.results.exports.table_csv import class_table
from grader.results.result import Result
from grader.results.student_view import student_view
from tests.grader.schemas import problems
from tests.grader.test_grade import result_of, submission
from tests.grader.test_results import canvas, everything, graded, item, judged
from tests.running import REFERENCE, ROOT

needs_processes = pytest.mark.skipif(not hasattr(os, "fork"), reason="process hosts need os.fork")


def held() -> Result:
    """Return a result of which 8 points are judged, and 4 wait."""
    tests = [judged(item(), *["pass"] * 4), judged(item("2A/one_server"), *["fail"] * 4)]
    tests.append(judged(item("2B/chaos"), "pass", "pass", "grader-error", "pass", message="/home/prof broke"))
    return graded(*tests, name="jdoe")


# Reports and exports.


def test_the_report_names_what_waits_and_how_to_repeat_it() -> None:
    text = report.render_one(held())
    assert text.startswith("jdoe: held: 4 of 8 judged points; 4 points wait for review")
    words = " ".join(text.split())
    assert "held 2B/chaos" in words and "needs review: the grader could not grade 1 of 4 runs" in words
    repeat = (
        ".venv/bin/python -m grader repeat /home/prof/x 2B/chaos --seed 1000001 --hosts process --require-sandbox B"
    )
    assert repeat in words and held().held[0].repeat == repeat


def test_a_class_is_reported_without_points_that_are_none(tmp_path: Path) -> None:
    text = report.render([held(), graded(judged(item(), *["pass"] * 4))], tmp_path, {})
    row = next(line for line in text.splitlines() if line.startswith("jdoe")).split()
    assert row[1:5] == ["4", "held", "held", "12"]
    assert "4 of 8 judged points; 4 points wait for review" in text


def test_students_read_that_it_waits_and_not_why() -> None:
    view = student_view(held())
    text = msgspec.json.encode(view).decode()
    assert view.status == "held" and "needs review" in view.message
    assert "/home/prof" not in text and "1000001" not in text and "repeat /" not in text
    assert [(run.test, run.seed, run.repeat) for run in view.held] == [("2B/chaos", None, "")]


def test_a_hidden_test_that_is_held_is_not_named_to_students() -> None:
    found = graded(judged(item("2A/deaf_server", visibility="hidden"), *["grader-error"] * 4))
    assert "deaf_server" in found.message
    assert "deaf_server" not in msgspec.json.encode(student_view(found)).decode()
    [suite] = Xml.fromstring(WRITERS["junit"][1](found)).findall("testsuite[@name='grading']")
    assert suite.find("testcase/error") is not None


def test_gradescope_gets_no_score_at_all() -> None:
    found = gradescope.content(held())
    assert "score" not in found and not [test for test in found["tests"] if "score" in test]
    assert found["output"].startswith("held: 4 of 8 judged points; 4 points wait for review")
    [test] = [test for test in found["tests"] if test["name"].startswith("2B/chaos")]
    assert "status" not in test and "needs review" in test["output"]


def test_gradescope_gets_the_score_when_a_held_run_decides_nothing() -> None:
    found = gradescope.content(graded(judged(item(), "fail", "grader-error", "pass", "pass")))
    assert found["score"] == 0.0 and found["tests"][0]["status"] == "failed"


def test_classroom_gets_no_points() -> None:
    found = json.loads(base64.b64decode(WRITERS["classroom"][1](held())))
    assert found["status"] == "error" and "max_score" not in found
    assert not [test for test in found["tests"] if "score" in test]
    assert "4 points wait for review" in found["tests"][0]["message"]


def test_classroom50_gets_a_file_that_its_contract_refuses() -> None:
    found = classroom50.content(held(), {})
    assert not {"score", "max-score"} & found.keys()
    assert not [test for test in found["tests"] if {"score", "max-score"} & test.keys()]
    assert found["status"] == "held" and "4 points wait for review" in found["message"]


def test_github_gets_no_words_that_are_taken_for_points() -> None:
    log, summary = WRITERS["github"][1](held()), WRITERS["summary"][1](held())
    assert "Points 4" not in log and "::error title=No grade yet::held%3A" not in log
    assert log.splitlines()[-1].startswith("::error title=No grade yet::held: 4 of 8 judged points")
    assert summary.startswith("## jdoe: held: 4 of 8 judged points; 4 points wait for review\n")
    assert "| held | 4 |" in summary and "needs review" in summary


def test_junit_has_an_error_and_no_points() -> None:
    suites = Xml.fromstring(WRITERS["junit"][1](held()))
    [case] = [case for case in suites.iter("testcase") if case.get("name", "").startswith("2B/chaos")]
    error = case.find("error")
    assert error is not None and error.get("type") == "held" and "needs review" in error.get("message", "")
    facts = {entry.get("name"): entry.get("value") for entry in case.iter("property")}
    assert "points" not in facts and facts["held_points"] == "4"


def test_the_class_csv_has_a_status_and_no_points() -> None:
    [row] = csv.DictReader(io.StringIO(class_table([held()])))
    assert (row["status"], row["points"], row["of"], row["2A"], row["2B"]) == ("held", "", "12.00", "4.00", "")
    assert (row["held points"], row["held runs"]) == ("4.00", "1") and "4 of 8 judged points" in row["notes"]


def test_a_gradebook_keeps_the_cell_of_a_held_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result.write(tmp_path / "grades" / "rroe" / "result.json", msgspec.structs.replace(held()))
    assert canvas(tmp_path, "--assignment", "Lab 3") == exits.LESS
    result.write(tmp_path / "grades" / "ppoe" / "result.json", held_as("ppoe"))
    shutil.rmtree(tmp_path / "grades" / "rickroe_102_555_raft")
    result.write(tmp_path / "grades" / "rroe" / "result.json", held_as("rroe"))
    command = ["canvas", str(tmp_path / "book.csv"), "--results", str(tmp_path / "grades"), "--assignment", "Lab 3"]
    command.append("--write")
    capsys.readouterr()
    assert main(command) == exits.LESS
    rows = list(csv.reader((tmp_path / "book-filled.csv").open(encoding="utf-8", newline="")))
    assert [row[5] for row in rows[2:]] == ["4.00", "1", ""]
    said = capsys.readouterr().err
    assert (
        "left out rroe: held: 4 of 8 judged points; 4 points wait for review; give --held" in said
        and "its cell stays" in said
    )


def held_as(name: str) -> Result:
    found = held()
    found.submission.name = name
    return found


@pytest.mark.parametrize("kind", ["some", "all"])
def test_held_results_fit_the_schema(kind: str) -> None:
    found = held() if kind == "some" else everything()
    assert problems(json.loads(msgspec.json.encode(found)), json.loads(result.SCHEMA_FILE.read_text())) == []


# The rubric.


@pytest.mark.parametrize("choice", ["grant", "exclude"])
def test_a_rubric_that_chooses_what_becomes_of_errors_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], choice: str
) -> None:
    text = (
        (ROOT / "grader" / "rubric.toml")
        .read_text()
        .replace("give_up_after", f'when_grader_fails = "{choice}"\ngive_up_after', 1)
    )
    (tmp_path / "rubric.toml").write_text(text)
    assert main(["grade", str(REFERENCE), "--rubric", str(tmp_path / "rubric.toml"), "--public"]) == exits.USAGE
    said = capsys.readouterr().err
    assert "when_grader_fails" in said and "held for review" in said and "Take this line out" in said


# What the machine lacks.


def test_a_disk_that_is_full_while_reading_is_nothing_against_a_submission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The child is this process; its limits are not set."""
    source = submission(tmp_path, "mine", "class Raft: pass\n")
    monkeypatch.setattr(child, "_limit", lambda: None)
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.EIO):

        def broken(self: Any, name: str, number: int = number) -> Any:
            raise OSError(number, os.strerror(number), name)

        monkeypatch.setattr(no_links.Folder, "file", broken)
        child.main(source, tmp_path / "into")
        sys.stdout.flush()
        taken = msgspec.json.decode(capfdbinary.readouterr().out, type=intake.Taken)
        assert taken.refused == "" and os.strerror(number) in taken.failed


@pytest.mark.parametrize(
    "code, is_ours", [(1, True), (-9, True), (-15, True), (-24, False), (-11, False)] if os.name == "posix" else []
)
def test_how_the_intake_ends_decides_whose_fault_it_is(code: int, is_ours: bool) -> None:
    if is_ours:
        with pytest.raises(exits.IntakeFailed):
            intake.taken_from(b"", code, "folder")
    else:
        assert "more time or memory" in intake.taken_from(b"", code, "folder").refused


def grade(
    folder: Path, *arguments: str | Path, hook: str = "", limit: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Grade with a hook, Python that runs in the grader before it begins; `limit` is shell that runs before that."""
    starter = folder / "start.py"
    starter.write_text(f"import sys\n{hook}\nfrom grader.cli import main\nsys.exit(main())\n")
    options = ("--out", folder / "out", "--jobs", "1", "--export", ",".join(WRITERS))
    words = [sys.executable, starter, "grade", *options, *arguments]
    variables = {"GRADER_SECRET": "s" * 32, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "COLUMNS": "80"} | variables
    return subprocess.run(
        ["sh", "-c", f"{limit} exec {shlex.join(map(str, words))}"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def check_all_held(folder: Path, done: subprocess.CompletedProcess[str], words: str) -> None:
    """Check that all of the reference's points wait, and that no export has a number for them."""
    assert done.returncode == exits.OUR_ERROR, done.stdout + done.stderr
    found = result_of(folder, "reference")
    assert (found.status, found.score, found.held_score) == ("held", 0.0, found.max_score) and found.max_score > 0
    assert {test.status for test in found.tests} == {"held"}
    assert words in found.held[0].message and "grade" in found.held[0].repeat
    assert "all 2 points wait for review" in done.stdout and " 0 of 0" not in done.stdout
    [row] = csv.DictReader((folder / "out" / "class.csv").open())
    assert (row["status"], row["points"]) == ("held", "")
    assert "score" not in json.loads((folder / "out" / "reference" / "gradescope.json").read_text())


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one page, mounted for the test."""
    place = tmp_path / "tiny"
    place.mkdir()
    if shutil.which("mount") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_for_temporary_files_holds_the_grade(tmp_path: Path, tiny_disk: Path) -> None:
    done = grade(tmp_path, "reference", "--runs", "1", "--only", "2A/initial", TMPDIR=str(tiny_disk))
    check_all_held(tmp_path, done, "the disk is full: make room")
    done = grade(tmp_path, "reference", "--runs", "1", "--only", "2A/initial")
    assert done.returncode == exits.FULL_POINTS and result_of(tmp_path, "reference").is_full, done.stdout + done.stderr


def test_a_full_disk_for_results_is_told_and_no_submission_is_at_fault(tmp_path: Path, tiny_disk: Path) -> None:
    done = grade(tmp_path, "skeleton", "--runs", "1", "--only", "2A/initial", "--out", tiny_disk / "out")
    assert done.returncode == exits.OUR_ERROR, done.stdout + done.stderr
    assert "cannot write" in done.stderr and "the disk is full: make room" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_temporary_folder_that_is_missing_holds_the_grade(tmp_path: Path) -> None:
    hook = "import tempfile; tempfile.tempdir = '/nonexistent/folder'"
    done = grade(tmp_path, "reference", "--runs", "1", "--only", "2A/initial", hook=hook)
    check_all_held(tmp_path, done, "No such file or directory: '/nonexistent/folder")


def test_a_tmpdir_that_is_missing_is_no_zero(tmp_path: Path) -> None:
    """Python then takes another place, if there is one."""
    done = grade(tmp_path, "reference", "--runs", "1", "--only", "2A/initial", TMPDIR=str(tmp_path / "nowhere"))
    found = result_of(tmp_path, "reference")
    assert found.is_full or found.status == "held", done.stdout + done.stderr


@pytest.mark.skipif(os.name != "posix", reason="limits on files are of POSIX")
@pytest.mark.parametrize("files", [8, 12, 40])
def test_too_few_file_handles_are_no_zero(tmp_path: Path, files: int) -> None:
    done = grade(tmp_path, "reference", "--runs", "1", "--only", "2A/initial", limit=f"ulimit -n {files};")
    assert done.returncode in (exits.OUR_ERROR, exits.NO_SANDBOX), done.stdout + done.stderr
    assert not (tmp_path / "out" / "reference").exists() or result_of(tmp_path, "reference").status == "held"


@pytest.mark.skipif(os.name != "posix", reason="limits on files are of POSIX")
def test_too_few_file_handles_for_the_intake_hold_the_grade(tmp_path: Path) -> None:
    arguments = ("reference", "--hosts", "inline", "--runs", "1", "--only", "2A/initial")
    check_all_held(tmp_path, grade(tmp_path, *arguments, limit="ulimit -n 12;"), "Too many open files")


# Runners that die.

RUNNER = """
from labs.engine import processes
processes.STARTER = ("-c", {code!r})
"""
DIES = """
import os, signal
from pathlib import Path
from grader.execution import runs
from labs.engine import starter
run_job = runs.run_job
def dying(folder, job, opening):
    is_reference = Path(folder) == Path({reference!r})
    if {condition}:
        os.kill(os.getpid(), signal.SIGKILL)
    return run_job(folder, job, opening)
runs.run_job = dying
starter.main()
"""


def dying(condition: str) -> str:
    """Return a hook with which runners die when a condition holds."""
    return RUNNER.format(code=DIES.format(reference=str(REFERENCE), condition=condition))


def once(folder: Path) -> str:
    """Return a condition that holds the first time that it is asked."""
    return f"not Path({str(folder / 'died')!r}).exists() and not Path({str(folder / 'died')!r}).touch()"


@needs_processes
def test_a_runner_that_dies_is_tried_again_and_then_the_run_is_held(tmp_path: Path) -> None:
    hook = dying("job.test == '2A/initial_election' and job.seed > 100 and not is_reference")
    source = tmp_path / "mine.py"
    source.write_text((REFERENCE / "raft.py").read_text())
    done = grade(tmp_path, source, "--runs", "3", "--only", "2A/initial", hook=hook)
    assert done.returncode == exits.OUR_ERROR, done.stdout + done.stderr
    found = result_of(tmp_path, "mine")
    assert (found.status, found.score, found.held_score, found.max_score) == ("held", 0.0, 2.0, 2.0)
    assert [run.status for run in found.tests[0].runs] == ["pass", "pass", "held"]
    [entry] = found.held
    assert (entry.test, entry.secret, entry.reference) == ("2A/initial_election", True, "passes")
    assert "the submission's data provoked the error" in entry.finding
    assert entry.message == "the runner was ended by signal SIGKILL"
    assert entry.repeat.startswith(
        f".venv/bin/python -m grader repeat {source} 2A/initial_election --seed {entry.seed} --hosts process"
    )
    repeated = subprocess.run(
        [sys.executable, *shlex.split(entry.repeat)[1:]], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert repeated.returncode == exits.FULL_POINTS, repeated.stdout + repeated.stderr
    assert repeated.stdout.startswith(f"pass  2A/initial_election  seed {entry.seed}")
    done = grade(tmp_path, source, "--runs", "3", "--only", "2A/initial")
    assert done.returncode == exits.FULL_POINTS and result_of(tmp_path, "mine").is_full, done.stdout + done.stderr


@needs_processes
def test_a_machine_that_runs_no_reference_either_is_at_fault(tmp_path: Path) -> None:
    done = grade(tmp_path, "skeleton", "--runs", "1", "--only", "2A/initial", hook=dying("True"))
    assert done.returncode == exits.OUR_ERROR, done.stdout + done.stderr
    [entry] = result_of(tmp_path, "skeleton").held
    assert entry.reference == "does-not-pass" and "the fault is the machine's, or the lab's" in entry.finding


@needs_processes
def test_a_runner_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    done = grade(tmp_path, "reference", "--runs", "1", "--only", "2A/initial", hook=dying(once(tmp_path)))
    found = result_of(tmp_path, "reference")
    assert done.returncode == exits.FULL_POINTS and found.is_full and not found.held, done.stdout + done.stderr
    assert found.tests[0].runs[0].retried


@needs_processes
@pytest.mark.parametrize("dies_always", [False, True])
def test_the_death_of_the_references_runner_takes_no_submission_with_it(tmp_path: Path, dies_always: bool) -> None:
    sources = [tmp_path / name for name in ("alice.py", "bob.py")]
    for number, source in enumerate(sources):
        source.write_text((REFERENCE / "raft.py").read_text() + f"\n# {number}\n")
    condition = "is_reference" if dies_always else f"is_reference and {once(tmp_path)}"
    done = grade(tmp_path, *sources, "--runs", "1", "--only", "2A/perf_", hook=dying(condition))
    for name in ("alice", "bob"):
        found = result_of(tmp_path, name)
        assert found.max_score > 0 and found.status == ("held" if dies_always else "graded"), done.stdout + done.stderr
        assert not dies_always or {run.reference for run in found.held} == {"does-not-pass"}
        assert not dies_always or "the reference does not pass" in found.held[0].message
    assert "0 of 0" not in done.stdout + done.stderr


@needs_processes
def test_a_runner_that_does_not_start_holds_the_run(tmp_path: Path) -> None:
    done = grade(
        tmp_path, "skeleton", "--runs", "1", "--only", "2A/initial", hook=RUNNER.format(code="raise SystemExit(7)")
    )
    found = result_of(tmp_path, "skeleton")
    assert done.returncode == exits.OUR_ERROR and found.status == "held", done.stdout + done.stderr
    assert found.held[0].message == "a runner does not start: exited with code 7"


@needs_processes
def test_a_runner_without_memory_holds_the_run(tmp_path: Path) -> None:
    broken = "def judge(*_, **__): raise MemoryError\nruns.run_scenario = judge\n"
    code = f"from grader.execution import runs\nfrom labs.engine import starter\n{broken}starter.main()"
    done = grade(tmp_path, "skeleton", "--runs", "1", "--only", "2A/initial", hook=RUNNER.format(code=code))
    found = result_of(tmp_path, "skeleton")
    assert done.returncode == exits.OUR_ERROR and found.status == "held", done.stdout + done.stderr
    assert "the memory is used up" in found.held[0].message


@needs_processes
def test_files_of_a_submission_that_vanish_are_nothing_against_it(tmp_path: Path) -> None:
    hook = dying("not is_reference and __import__('shutil').rmtree(folder)")
    done = grade(tmp_path, "skeleton", "--runs", "1", "--only", "2A/initial", hook=hook)
    found = result_of(tmp_path, "skeleton")
    assert done.returncode == exits.OUR_ERROR and found.status == "held", done.stdout + done.stderr
    assert found.held[0].reference == "passes"


@needs_processes
def test_a_submission_in_which_the_grader_gets_stuck_is_held_soon(tmp_path: Path) -> None:
    """Any time is long here. Two tests are tried, with one seed each; the rest waits unseen."""
    hook = dying("not is_reference") + "from grader.grading import marking\nmarking.LONG = -1.0\n"
    rubric = tmp_path / "rubric.toml"
    rubric.write_text(RUBRIC.read_text().replace("give_up_after = 4", "give_up_after = 2"))
    arguments = ("skeleton", "--rubric", rubric, "--runs", "2", "--only", "2A/drill_v")
    done = grade(tmp_path, *arguments, hook=hook)
    assert done.returncode == exits.OUR_ERROR, done.stdout + done.stderr
    found = result_of(tmp_path, "skeleton")
    assert found.held_score == found.max_score and len(found.held) == 2 * len(found.tests) > 5
    tried = [run for run in found.held if not run.message.startswith("not run: ")]
    assert [(run.seed, run.reference) for run in tried] == [(1, "passes")] * 2
    assert {run.reference for run in found.held if run not in tried} == {"not-run"}
    assert (
        "took minutes, twice, and did not finish; see " + ", ".join(run.test for run in tried) in found.held[-1].message
    )


def test_without_an_end_of_patience_only_the_other_seeds_of_a_test_are_spared() -> None:
    stuck = Stuck(0)
    for test in "abc":
        assert stuck.why_not(test) == ""
        stuck.add(test)
    assert stuck.why_not("a") and stuck.why_not("d") == ""

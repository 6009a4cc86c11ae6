"""The command `grade`, as its user runs it: points, exit codes, what is left behind when it is stopped, going on."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader import exits
from grader.grading.marking import NOT_YET
from grader.results.pages.write import CLASS, write_pages
from grader.results.result import Result, read
from grader.results.shelf import Shelf
from tests.running import REFERENCE, ROOT

SPINS = "class Raft:\n    def __init__(self, node, apply_ch):\n        while True: pass\n"
DIES = "import os\nclass Raft:\n    def __init__(self, node, apply_ch):\n        os._exit(0)\n"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "grader", "grade", *map(str, arguments)]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "GRADER_SECRET": "s" * 32, "PYTHONHASHSEED": "0", "COLUMNS": "80", "TMPDIR": str(folder)}


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Grade into the folder's `out`, with temporary files in its `tmp`; none of these may stay."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        command("--out", folder / "out", *arguments),
        cwd=ROOT,
        env=environment(temporary),
        capture_output=True,
        text=True,
    )
    assert list(temporary.iterdir()) == [], done.stderr
    return done


def result_of(folder: Path, name: str) -> Result:
    return read(folder_of(folder, name) / "result.json")


def folder_of(folder: Path, name: str) -> Path:
    """Return a student's folder of results, whose name is the path of the submission."""
    [found] = [
        path for path in (folder / "out").iterdir() if re.fullmatch(rf"(.*--)?{name}(-[0-9a-f]{{8}})?", path.name)
    ]
    return found


def submission(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "raft.py").write_text(text)
    return folder / name


def stat_of(process: int) -> tuple[int, str] | None:
    """Return a process's parent and start time; None if there is none any more, or it is dead already."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in "ZX" else (int(words[1]), words[19])


def descendants(ancestor: int) -> dict[int, str]:
    """Return the processes below one, with their start times."""
    everything = {int(entry.name): stat_of(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    found: dict[int, str] = {}
    parents = {ancestor}
    while parents:
        below = {process: stat[1] for process, stat in everything.items() if stat is not None and stat[0] in parents}
        found |= below
        parents = set(below)
    return found


def survivors(processes: dict[int, str]) -> list[int]:
    """Return which of some processes still live, after a moment to die in."""
    deadline = time.monotonic() + 60
    while True:
        left = [p for p, start in processes.items() if (stat := stat_of(p)) is not None and stat[1] == start]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


# Points.


def test_the_reference_has_full_points(tmp_path: Path) -> None:
    done = run(tmp_path, "reference", "--runs", "1", "--only", "2A/", "--export", "junit,gradescope,github")
    assert done.returncode == exits.FULL_POINTS, done.stdout + done.stderr
    result = result_of(tmp_path, "reference")
    assert result.is_full and result.max_score > 50 and not result.held
    assert {test.kind for test in result.tests} >= {"drill", "test", "hidden"}
    assert all(len(test.runs) == 1 for test in result.tests)
    assert (
        f"reference: {result.max_score:g} of {result.max_score:g} points" in done.stdout
        and "2A election" in done.stdout
    )
    names = ["class.csv", "log.jsonl", "reference/feedback.json", "reference/feedback.txt", "reference/github.log"]
    names += ["reference/gradescope.json", "reference/grading.json", "reference/junit.xml", "reference/result.json"]
    assert sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*")) == names


def test_the_untouched_skeleton_gets_its_zero_at_once(tmp_path: Path) -> None:
    before = os.times()
    done = run(tmp_path, "skeleton")
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 10
    assert done.returncode == exits.LESS, done.stdout + done.stderr
    result = result_of(tmp_path, "skeleton")
    assert result.score == 0 and result.max_score > 250
    assert [stage.status for stage in result.stages] == ["not-written", "skip", "skip", "skip"]
    assert "2A  not written yet: run (raft.py:" in done.stdout
    assert "2B  not run: it builds on 2A, which is not written yet" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if not line.startswith("results: ")) <= 80
    assert all(len(test.runs) <= 1 for test in result.tests)


def test_a_server_that_lacks_a_rule_loses_the_points_of_that(tmp_path: Path) -> None:
    text = (REFERENCE / "raft.py").read_text()
    old = "if self.voted_for is not None and self.voted_for != args.candidate_id:"
    assert old in text
    source = submission(tmp_path, "twice", text.replace(old, "if False:"))
    done = run(tmp_path, source, "--runs", "1", "--only", "2A/drill_", "--export", "none")
    assert done.returncode == exits.LESS
    result = result_of(tmp_path, "twice")
    failed = {test.id: test for test in result.tests if test.status != "pass"}
    assert 0 < len(failed) < len(result.tests) / 2
    test = failed["2A/drill_one_vote_a_term"]
    assert (test.rule, test.score) == ("OneVotePerTerm", 0)
    assert test.replay == f"make replay TEST={test.id} SEED=1 SUBMISSION={source}"
    assert f"make replay TEST={test.id} SEED=1" in " ".join(done.stdout.split())


@pytest.mark.parametrize("text, rule", [(SPINS, "NoStall"), (DIES, "")])
def test_servers_that_stall_or_die_are_errors_of_theirs(tmp_path: Path, text: str, rule: str) -> None:
    done = run(tmp_path, submission(tmp_path, "bad", text), "reference", "--runs", "1", "--only", "drill_first_vote")
    assert done.returncode == exits.LESS, done.stdout + done.stderr
    [test] = result_of(tmp_path, "bad").tests
    assert test.status in ("error", "fail") and test.score == 0 and (test.rule == rule or not rule)
    assert result_of(tmp_path, "reference").is_full


def test_several_are_graded_side_by_side_and_each_gets_its_own(tmp_path: Path) -> None:
    good = tmp_path / "good.py"
    good.write_text((REFERENCE / "raft.py").read_text())
    shutil.make_archive(str(tmp_path / "packed"), "zip", REFERENCE)
    broken = submission(tmp_path, "broken", "class Raft(:\n")
    sources: list[str | Path] = [good, tmp_path / "packed.zip", broken, "skeleton"]
    done = run(tmp_path, *sources, "--runs", "1", "--only", "2A/drill_", "--jobs", "2")
    assert done.returncode == exits.NOT_GRADABLE
    results = {name: result_of(tmp_path, name) for name in ("good", "packed", "broken", "skeleton")}
    most = results["skeleton"].max_score
    assert most > 10 and [r.score for r in results.values()] == [most, most, 0, 0]
    assert results["good"].submission.sha256 == results["packed"].submission.sha256
    assert "raft.py:1 is not valid Python" in results["broken"].message
    lines = (tmp_path / "out" / "class.csv").read_text().splitlines()
    names = [folder_of(tmp_path, name).name for name in ("broken", "good", "packed", "skeleton")]
    assert [line.split(",")[0] for line in lines] == ["submission", *sorted(names)]
    assert "4 of 4: " in done.stderr


def test_the_class_csv_keeps_those_who_were_graded_before(tmp_path: Path) -> None:
    (tmp_path / "out" / "older").mkdir(parents=True)
    (tmp_path / "out" / "older" / "result.json").write_text("{}")
    for name in ("skeleton", "warmup"):
        source = submission(tmp_path, name, (ROOT / "skeleton" / "raft.py").read_text())
        done = run(tmp_path, source, "--runs", "1", "--only", "2A/initial", "--as", name)
        assert "older/result.json is not a result of this version" in done.stderr
    lines = (tmp_path / "out" / "class.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["submission", "skeleton", "warmup"]


def test_pages_that_are_there_have_who_is_graded_later(tmp_path: Path) -> None:
    """Both are packed wrongly, so nothing is run."""
    for name in ("ann", "bob"):
        (tmp_path / f"{name}.zip").write_text("not a zip")
    run(tmp_path, "--public", tmp_path / "ann.zip", "--as", "ann")
    assert not (tmp_path / "out" / CLASS).exists()
    write_pages(tmp_path / "out", "Raft & more", Shelf(tmp_path / "out").results())
    run(tmp_path, "--public", tmp_path / "bob.zip", "--as", "bob")
    page = (tmp_path / "out" / CLASS).read_text()
    assert "<title>Raft &amp; more</title>" in page and "ann/report.html" in page and "bob/report.html" in page


def test_results_come_as_json_when_asked(tmp_path: Path) -> None:
    done = run(tmp_path, "skeleton", "--json", "--runs", "1", "--only", "2A/initial")
    [line] = done.stdout.splitlines()
    assert json.loads(line)["schema"] == "raft-lab/result/v2"


# Going on.


def test_what_is_graded_is_not_graded_again(tmp_path: Path) -> None:
    source = submission(tmp_path, "mine", (REFERENCE / "raft.py").read_text())
    choice = ("--runs", "1", "--only", "2A/drill_first")
    assert run(tmp_path, source, *choice).returncode == exits.FULL_POINTS
    first = result_of(tmp_path, "mine")
    assert run(tmp_path, source, *choice).returncode == exits.FULL_POINTS
    assert result_of(tmp_path, "mine") == first
    run(tmp_path, source, *choice, "--again")
    assert (
        result_of(tmp_path, "mine").duration != first.duration
        or result_of(tmp_path, "mine").started_at > first.started_at
    )
    (source / "raft.py").write_text("class Raft: pass\n")
    done = run(tmp_path, source, *choice)
    assert done.returncode == exits.LESS
    history = Shelf(tmp_path / "out").history(folder_of(tmp_path, "mine").name)
    assert [result.is_full for result in history] == [True]
    assert "before: 0.5 of 0.5 points" in done.stdout


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_grading_that_is_stopped_leaves_nothing_half_and_goes_on(tmp_path: Path, sign: signal.Signals) -> None:
    (tmp_path / "tmp").mkdir()
    arguments = (
        "skeleton",
        "tests/corpora/variants/package",
        "--runs",
        "4",
        "--only",
        "2A/many_elections",
        "--jobs",
        "1",
    )
    out = tmp_path / "out"
    grading = subprocess.Popen(
        command("--out", out, *arguments),
        cwd=ROOT,
        env=environment(tmp_path / "tmp"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    place = out / "tests--corpora--variants--package"
    unfinished = place / "unfinished.json"
    deadline = time.monotonic() + 600
    while not unfinished.exists() and time.monotonic() < deadline and grading.poll() is None:
        time.sleep(0.02)
    while len(before := descendants(grading.pid)) < 3 and time.monotonic() < deadline and grading.poll() is None:
        time.sleep(0.05)
    grading.send_signal(sign)
    _, err = grading.communicate(timeout=300)
    assert grading.returncode == exits.INTERRUPTED, err
    assert "stopped: 1 of 2 are graded; the same command goes on" in err
    assert len(before) >= 3 and survivors(before) == [] and list((tmp_path / "tmp").iterdir()) == []
    so_far = read(unfinished)
    assert (
        so_far.status == "unfinished" and not so_far.has_grade and [test.message for test in so_far.tests] == [NOT_YET]
    )
    assert read(out / "skeleton" / "result.json").status == "graded"
    assert [path.name for path in out.rglob("*") if path.name.startswith(".")] == []
    known = read(out / "skeleton" / "result.json")
    done = run(tmp_path, *arguments)
    assert done.returncode == exits.LESS
    assert read(place / "result.json").is_full and not unfinished.exists()
    assert read(out / "skeleton" / "result.json") == known


# Wrong use.


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["nothing.zip"], exits.USAGE, "there is no nothing.zip"),
        (["skeleton", "--only", "2Z"], exits.USAGE, "has '2Z' in its id"),
        (["skeleton", "--export", "pdf"], exits.USAGE, "there is no format 'pdf'"),
        (["skeleton", "--rubric", "README.md"], exits.USAGE, "README.md is not TOML"),
        (["skeleton", "--require-sandbox", "Z"], exits.USAGE, "there is no sandbox level 'Z'"),
    ],
)
def test_a_wrong_use_is_told_and_has_a_code(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "out").exists()

"""The command line: what it prints, what it leaves, and its exit codes 0 (passed), 1 (failed), 2 (usage), 3 (ours)."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from labs import __main__ as command_line
from labs import cli
from labs.engine.session import Session
from labs.raft.stages import catalogue
from labs.report import typed
from labs.testing.scenario import Scenario
from labs.trace.reader import read
from tests.running import REFERENCE, ROOT, call_labs

SKELETON = ROOT / "skeleton"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call commands where they can leave files behind, and without colours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


# Sessions: each a process of its own, as a student starts it.


def test_reference_passes_with_exit_code_0_and_writes_results(tmp_path: Path) -> None:
    arguments = ["test", "2A", "--test", "election", "--runs", 2, "--seed", 5, "--submission", REFERENCE]
    process = call_labs(*arguments, "--json", "new/results.json", "--jobs", 2, folder=tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "tests passed every run" in process.stdout
    assert "\033" not in process.stdout
    results = json.loads((tmp_path / "new" / "results.json").read_text())
    assert {run["seed"] for run in results["runs"]} == {5, 6}
    assert set(results["totals"]["by_status"]) == {"pass"}
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_skeleton_fails_with_exit_code_1_and_is_told_once_what_is_missing(tmp_path: Path) -> None:
    process = call_labs("test", "2A", "--runs", 1, "--jobs", 0, "--submission", SKELETON, folder=tmp_path)
    assert process.returncode == 1, process.stdout + process.stderr
    assert process.stdout.count("not written yet: get_state") == 1
    assert re.search(r"^0 of \d+ tests passed every run; ", process.stdout, re.MULTILINE)
    assert "Traceback" not in process.stdout + process.stderr
    assert list(tmp_path.iterdir()) == []


def test_course_folder_is_where_the_skeleton_is_found_by_default() -> None:
    process = call_labs("test", "warmup", "--runs", 1, "--jobs", 0, "-v")
    assert process.returncode == 0, process.stdout + process.stderr
    assert re.search(r"0/ping_every_peer +1 +pass", process.stdout)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_what_is_no_plain_file_is_not_replaced_by_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert call("test", "2A", "--submission", REFERENCE, "--json", pipe) == cli.USAGE
    assert "cannot write" in (said := capsys.readouterr().err) and "it is not a regular file" in said
    assert pipe.is_fifo()


def test_coverage_counts_situations_and_a_test_run_does_not(tmp_path: Path) -> None:
    chosen = ["2A", "--submission", REFERENCE, "--runs", 1, "--jobs", 1, "--test", "initial_election", "--json"]
    process = call_labs("coverage", *chosen, tmp_path / "counted.json")
    assert process.returncode == 0, process.stdout + process.stderr
    assert re.search(r"leader_elected .* 1 +1 +1 +2A/initial_election", process.stdout), process.stdout
    assert call_labs("test", *chosen, tmp_path / "tested.json").returncode == 0
    [counted], [tested] = (
        json.loads((tmp_path / name).read_text("utf-8"))["runs"] for name in ("counted.json", "tested.json")
    )
    assert counted["situations"]["leader_elected"] == 1
    assert tested["situations"] == {} and tested["digest"] == counted["digest"]


@pytest.mark.parametrize(("stages", "code"), [([], 1), (["2A", "2B", "2C", "2D"], 1), (["2A"], 0)])
def test_only_all_tests_must_reach_every_situation(
    stages: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.engine.session.run_tests", lambda chosen, options, on_failure: Session())
    assert call("coverage", *stages, "--submission", REFERENCE) == code


# Misuse: nothing runs.


def call(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


BROKEN = "class Raft:\n    def run(self\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["test", "2E"], "there is no stage '2E'; stages are warmup, 2A, 2B, 2C, 2D"),
        (["test", "2A", "--test", "nothing like it"], "nothing in 2A has 'nothing like it' in its id or title"),
        (["test", "2A", "--submission", "nowhere"], "there is no nowhere. Give a folder with raft.py"),
        (["test", "2A", "--submission", "empty"], "empty has no raft.py. A submission is a folder with raft.py"),
        (["test", "2A", "--submission", "broken"], "raft.py:2 is not valid Python"),
        (["replay", "2A/initial_election", "--submission", "nowhere"], "there is no nowhere"),
        (["replay", "no such test"], "there is no test 'no such test'; all of them: "),
        (["replay", "2A/initial_electoin"], "no test '2A/initial_electoin'; close to it: 2A/initial_election"),
        (["replay", "many"], "'many' is in the ids of 3 tests: 2A/many_elections, "),
        (["replay", "figure_8"], "'figure_8' is in the ids of 2 tests: 2B/figure_8, 2C/figure_8; type one of these"),
        (["test", "2A", "--submission", "server.zip"], "server.zip is not a Python file, by its name"),
        (["test", "2A", "--submission", "utf16.py"], "utf16.py is not valid Python: source code"),
        (["test", "2A", "--json", "empty"], "cannot write empty: Is a directory"),
        (["bench", "--json", "broken/raft.py/x"], "cannot write broken/raft.py/x: "),
        (
            ["trace", "nowhere.jsonl"],
            "there is no file nowhere.jsonl; make replay TEST=... SEED=... leaves one in out/",
        ),
        (["trace", "empty"], "cannot read empty: Is a directory"),
        (["trace", "broken/raft.py"], "broken/raft.py:1 is not the header of a trace file"),
    ],
)
def test_misuse_ends_with_exit_code_2_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "raft.py").write_text(BROKEN)
    (tmp_path / "server.zip").write_bytes(b"PK")
    (tmp_path / "utf16.py").write_text(BROKEN, encoding="utf-16")
    assert call(*arguments) == cli.USAGE
    printed = capsys.readouterr()
    assert printed.err.startswith(f"labs {arguments[0]}: ")
    assert text in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "COMMAND"),
        (["no-such-command"], "'no-such-command'"),
        (["test", "--runs", "0"], "--runs: 0 is less than 1"),
        (["test", "--runs", "many"], "--runs: 'many' is not a whole number, such as 7"),
        (["test", "--seed", "x"], "--seed: 'x' is not a whole number"),
        (["test", "--seed", "-1"], "--seed: -1 is less than 0: seeds count up from 0"),
        (["replay", "2A/initial_election", "--seed", "-1"], "--seed: -1 is less than 0"),
        (["test", "--jobs", "-1"], "--jobs: -1 is less than 0"),
        (["replay"], "TEST"),
        (["trace"], "FILE"),
        (["trace", "x", "--server", "one"], "--server: 'one' is not a whole number"),
        (["trace", "x", "--kind", "send,sent"], "--kind: there are no events 'sent'; kinds are send, deliver, "),
        (["trace", "x", "--from", "now"], "--from: 'now' is not a number of seconds, such as 1.5"),
    ],
)
def test_arguments_that_make_no_sense_end_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        call(*arguments)
    assert ended.value.code == cli.USAGE
    error = capsys.readouterr().err
    assert text in error
    assert len(error.splitlines()) == 1
    assert error.startswith("labs") and error.endswith("--help\n")


def test_python_without_the_packages_names_the_one_that_has_them() -> None:
    process = subprocess.run([sys.executable, "-S", "-m", "labs", "list"], cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == cli.USAGE
    assert re.match(r"labs: this Python, .+, has no package \w+\. ", process.stderr), process.stderr
    assert "Traceback" not in process.stderr


def test_command_where_a_package_is_missing_is_the_one_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["labs", "test", "2A", "--test", "two words"])
    assert command_line.without("trio").splitlines()[-1].strip() in ("make clean setup", "pip install -e .")
    python = tmp_path / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir(parents=True)
    python.touch()
    assert command_line.without("trio").endswith(" -m labs test 2A --test 'two words'")
    monkeypatch.setattr(sys, "executable", str(python))
    assert command_line.without("trio").splitlines()[-1].strip() in ("make clean setup", "pip install -e .")


def test_printed_commands_begin_with_the_python_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed.labs().strip("'\"").startswith(sys.executable)  # quoted if its folder's name has a space
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert typed.labs().replace("\\", "/") == ".venv/bin/python -m labs"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call("--help")
    assert ended.value.code == cli.PASSED
    printed = capsys.readouterr().out
    assert all(f"\n    {command} " in printed for command in ("test", "replay", "trace", "list"))


# The lab's own mistakes.


def raise_error(*anything: Any) -> NoReturn:
    raise LookupError("a mistake of the lab")


def test_mistake_of_the_lab_ends_with_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("labs.engine.session.run_tests", raise_error)
    assert call("test", "2A", "--submission", SKELETON) == cli.OUR_ERROR
    printed = capsys.readouterr().err
    assert "LookupError: a mistake of the lab" in printed
    assert printed.endswith("labs: this is an error of the lab, not of the submission\n")


def test_session_stopped_by_hand_shows_what_was_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("labs.engine.session.run_tests", lambda *anything: Session(interrupted=True))
    assert call("test", "2A", "--submission", SKELETON) == 130
    printed = capsys.readouterr()
    assert "2A/initial_election" in printed.out
    assert "stopped before the end" in printed.err


async def fail_by_our_mistake(cluster: object) -> None:
    raise LookupError("a mistake of the lab")


def test_run_that_fails_by_our_mistake_ends_with_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (scenario,) = catalogue.find("2A/initial_election")
    ours = Scenario(**{**vars(scenario), "test": fail_by_our_mistake})
    monkeypatch.setattr("labs.raft.stages.catalogue.find", lambda name: [ours])
    assert call("replay", "2A/initial_election", "--submission", REFERENCE) == cli.OUR_ERROR
    printed = capsys.readouterr().out
    assert "grader-error  2A/initial_election" in printed
    assert "an error of the lab, not of the submission" in printed


# Replay and trace.


def test_replay_keeps_the_trace_and_prints_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("replay", "2A/initial_election", "--seed", 4, "--submission", REFERENCE) == cli.PASSED
    printed = capsys.readouterr().out
    path = tmp_path / "out" / "2A-initial_election-4.trace.jsonl"
    header, events = read(path)
    assert (header.test, header.seed, header.submission) == ("2A/initial_election", 4, "reference")
    assert len(list(events)) > 100
    assert "pass  2A/initial_election  initial election   seed 4, " in printed
    assert re.search(r"^digest  [0-9a-f]{64}$", printed, re.MULTILINE)
    assert re.search(r"^all +make trace FILE=out/2A-initial_election-4.trace.jsonl$", printed, re.MULTILINE)
    assert sorted(name.name for name in path.parent.iterdir()) == ["2A-initial_election-4.html", path.name]


def test_replay_of_a_failure_ends_with_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("replay", "2A/initial_election", "--submission", SKELETON) == cli.FAILED
    printed = capsys.readouterr().out
    assert "fail  2A/initial_election" in printed
    assert "not written yet: get_state" in printed
    assert "hint    the page of the stage explains what belongs here" in printed


def test_replay_runs_one_file_too(tmp_path: Path) -> None:
    shutil.copy(REFERENCE / "raft.py", tmp_path / "my_server.py")
    assert call("replay", "2A/initial_election", "--submission", "my_server.py") == cli.PASSED


def test_trace_prints_what_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("replay", "2A/initial_election", "--submission", REFERENCE)
    capsys.readouterr()
    path = "out/2A-initial_election-1.trace.jsonl"

    def lines(*options: object) -> Sequence[str]:
        assert call("trace", path, *options) == cli.PASSED
        return capsys.readouterr().out.splitlines()

    everything = lines("--all")
    assert len(everything) == 2 + len(list(read(tmp_path / path)[1]))
    assert len(lines()) < len(everything)
    roles = lines("--kind", "role", "--all")
    assert any("LEADER in term" in line for line in roles)
    assert len(lines("--kind", "role", "--server", "0,1,2", "--from", "0", "--to", "99")) == len(roles)
    assert lines("--from", "99")[2:] == ["… no events match these filters, or the run has none …"]


def test_trace_into_a_pipe_that_closes_is_no_error(tmp_path: Path) -> None:
    """As in `python -m labs trace ... --all | head -1`, if the trace is longer than a pipe."""
    call("replay", "2C/churn", "--submission", REFERENCE)
    command = [sys.executable, "-m", "labs", "trace", "out/2C-churn-1.trace.jsonl", "--all"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(600) == cli.PASSED


def test_what_is_printed_into_a_pipe_is_utf_8_whatever_the_system_says(tmp_path: Path) -> None:
    arguments = ["replay", "2A/initial_election", "--submission", REFERENCE]
    process = call_labs(*arguments, folder=tmp_path, PYTHONIOENCODING="cp1252")
    assert process.returncode == 0, process.stderr
    assert re.search(r"^→ request sent  ← arrived ", process.stdout, re.MULTILINE)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGTERM to catch")
def test_replay_that_is_told_to_end_leaves_nothing_half(tmp_path: Path) -> None:
    busy = "def get_state(self):\n        while True: pass\n\n    def unused("
    server = tmp_path / "server.py"
    server.write_text((SKELETON / "raft.py").read_text().replace("def get_state(", busy))
    command = [sys.executable, "-m", "labs", "replay", "2A/initial_election", "--submission", str(server)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        while not list(tmp_path.glob("out/*.partial")):
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        assert process.wait(timeout=600) == 130
    assert list((tmp_path / "out").iterdir()) == []


# Lists.


def test_list_shows_every_test_of_a_stage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert call("list", "2C") == cli.PASSED
    printed = capsys.readouterr().out
    assert all(scenario.id in printed and scenario.title in printed for scenario in catalogue.scenarios("2C"))
    assert "2B/" not in printed
    assert call("list") == cli.PASSED
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(catalogue.scenarios())


def test_list_of_an_unknown_stage_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "2E") == cli.USAGE
    assert "there is no stage '2E'" in capsys.readouterr().err


def test_stages_may_come_in_one_word_and_count_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "2A 2C", "2A") == cli.PASSED
    rows = [line for line in capsys.readouterr().out.splitlines() if re.match(r"2[A-D]/", line)]
    assert len(rows) == len(catalogue.scenarios("2A")) + len(catalogue.scenarios("2C"))


def test_options_that_print_runs_have_defaults_a_student_expects() -> None:
    options = cli._parser().parse_args(["test"])
    assert isinstance(options, argparse.Namespace)
    assert (options.stages, options.submission, options.seed, options.runs, options.test) == ([], "skeleton", 1, 5, "")

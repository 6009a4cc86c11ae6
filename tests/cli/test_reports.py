"""Reports: the results file, and the table that one reads in a terminal."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from labs.raft.stages import catalogue
from labs.report import failures, green, json_files, results, table
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario
from tests.running import make_scenario


async def first(cluster: object) -> None: ...


async def second(cluster: object) -> None: ...


async def third(cluster: object) -> None: ...


TESTS: list[Scenario] = [make_scenario(test, stage="2A", servers=3) for test in (first, second, third)]


def record(test: int = 0, seed: int = 1, status: str = "pass", **changes: Any) -> RunRecord:
    scenario = TESTS[test]
    facts: dict[str, Any] = {
        "rule": None if status == "pass" else "LogMatching",
        "message": "" if status == "pass" else "LogMatching (Figure 3): two logs differ",
        "hint": "" if status == "pass" else "where to look",
        "involved": [] if status == "pass" else [1, 2],
        "servers": 3,
        "virtual_time": 1.5,
        "wall_time": 0.25,
        "rpcs": 100,
        "bytes": 2000,
        "commits": 7,
    }
    return RunRecord(scenario.id, scenario.stage, scenario.title, seed, "inline", status, **{**facts, **changes})


NOT_WRITTEN = {"rule": "NotWritten", "message": "not written yet: run (raft.py:88 in run)", "hint": "read it"}


# The results file.


def collect(*records: RunRecord) -> results.Results:
    return results.collect("somebody", list(records), {scenario.id: 10 for scenario in TESTS})


def test_totals_sum_up_all_runs() -> None:
    totals = collect(record(), record(0, 2), record(1, 1, "fail"), record(1, 2), record(2, 1, "error")).totals
    assert (totals.runs, totals.passed, totals.by_status) == (5, 3, {"error": 1, "fail": 1, "pass": 3})
    assert (totals.points, totals.points_possible) == (10, 30)
    assert (totals.virtual_time, totals.wall_time) == (7.5, 1.25)
    assert (totals.rpcs, totals.bytes, totals.commits) == (500, 10_000, 35)


@pytest.mark.parametrize("status", ["fail", "error", "grader-error"])
def test_points_are_only_for_tests_that_passed_every_run(status: str) -> None:
    assert collect(record(0, 1), record(0, 2), record(0, 3, status)).totals.points == 0


def test_results_of_no_runs_are_empty() -> None:
    totals = collect().totals
    assert (totals.runs, totals.points, totals.points_possible, totals.by_status) == (0, 0, 0, {})


def test_runs_are_sorted_whatever_the_order_in_which_they_ended() -> None:
    records = [record(1, 2), record(0, 10), record(1, 1), record(0, 9)]
    found = [(run.test, run.seed) for run in collect(*records).runs]
    assert found == sorted(found)


def test_results_file_has_format_version_and_every_run(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "results.json"
    found = collect(record(), record(1, 1, "fail", message="“quoted” <b>"))
    json_files.write_json(path, found)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["format"], content["version"], content["submission"]) == ("raft-results", 1, "somebody")
    assert content["runs"][1]["message"] == "“quoted” <b>"
    assert msgspec.json.decode(path.read_bytes(), type=results.Results) == found


def test_results_file_is_replaced_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    json_files.write_json(path, collect(record()))
    assert json.loads(path.read_text())["totals"]["runs"] == 1
    assert os.listdir(tmp_path) == ["results.json"]


def test_results_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: Path) -> None:
        assert json.loads(Path(source).read_text())["totals"]["runs"] == 1
        raise OSError("disk full")

    path = tmp_path / "results.json"
    path.write_text("old")
    monkeypatch.setattr("labs.report.json_files.os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        json_files.write_json(path, collect(record()))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["results.json"]


# The table.


Terminal = Callable[..., None]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a function that sets the terminal's width, and whether it is one."""

    def set_terminal(columns: int, is_terminal: bool = False, no_color: bool = False) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal, raising=False)
        monkeypatch.setenv("NO_COLOR", "1") if no_color else monkeypatch.delenv("NO_COLOR", raising=False)

    set_terminal(100)
    return set_terminal


def render(
    *records: RunRecord, verbose: bool = False, submission: str = "skeleton", change: green.Change | None = None
) -> str:
    return table.render(TESTS, records, submission, verbose, change)


def many(*messages: str) -> list[RunRecord]:
    """Return a failed run of a test of its own for each message; the third is the shortest."""
    times = [0.2 if number == 2 else 1.5 for number in range(len(messages))]
    return [
        msgspec.structs.replace(
            record(0, 1, "error", rule=message.partition(" ")[0], message=message, virtual_time=time),
            test=f"2A/t{number}",
        )
        for number, (message, time) in enumerate(zip(messages, times))
    ]


def failures_of(records: list[RunRecord], verbose: bool = False, room: int | None = None) -> list[str]:
    scenarios = [replace(TESTS[0], id=record.test) for record in records]
    return failures.paragraphs(scenarios, {run.test: [run] for run in records}, "skeleton", verbose, room)


CRASH = "NoCrash: server {} KeyError: {} at raft.py:88 in start, called from raft.py:{} in run"


def test_tests_that_fail_at_one_line_share_a_paragraph(terminal: Terminal) -> None:
    alike = many(*(CRASH.format(number, number, 90 + number) for number in range(9)))
    [text] = failures_of(alike)
    assert text.startswith("error  2A/t2  ") and "9 tests fail so; the shortest: seed 1" in " ".join(text.split())
    assert "server 2 KeyError: 2 at raft.py:88" in text
    assert "make replay TEST=2A/t2 SEED=1" in text
    assert "also    2A/t0, 2A/t1, 2A/t3, and 5 more (V=1 names all)" in text
    assert len(failures_of(alike, verbose=True)) == 9
    [two] = failures_of(alike[:2])
    assert two.endswith("also    2A/t1")


def test_seeds_of_a_test_that_fail_otherwise_have_a_paragraph_of_their_own(terminal: Terminal) -> None:
    """The shortest run of each cause is shown, whatever its seed."""
    other = record(0, 1, "fail", rule="StepsDown", message="StepsDown (Figure 2): server 0 still leads")
    failed = [record(0, seed, "fail", virtual_time=9.0 / seed) for seed in (2, 3)]
    text = render(other, *failed, record(0, 4), record(1), record(2))
    assert "failed 1 of 4: seed 1\n" in text and "failed 2 of 4: seeds 2, 3\n" in text
    assert re.findall("replay .*SEED=([0-9])", text) == ["1", "3"]


@pytest.mark.parametrize(("room", "whole", "brief"), [(100, 5, 0), (20, 3, 2), (11, 1, 4), (3, 1, 3)])
def test_causes_fit_the_terminal(room: int, whole: int, brief: int, terminal: Terminal) -> None:
    lines = many(*(f"NoCrash: server 0 KeyError: 1 at raft.py:{number} in run" for number in range(5)))
    parts = failures_of(lines, room=room)
    assert sum("hint" in part for part in parts) == whole
    briefs = parts[-1].splitlines() if brief else []
    named = [re.fullmatch(r"error  NoCrash:, 1 test:  make replay TEST=2A/t. SEED=1", line) for line in briefs[:brief]]
    assert all(named)
    assert len(parts) == whole + bool(brief) and len(briefs) == brief + (room == 3)


def test_tests_that_fail_at_other_lines_or_otherwise_have_paragraphs_of_their_own(terminal: Terminal) -> None:
    lines = many(*(f"NoCrash: server 0 KeyError: 1 at raft.py:{number} in run" for number in range(5)))
    assert len(failures_of(lines)) == 5
    waits = "LeaderInTime (§5.2): no leader within 5 s (from t=0.{} s), although"
    assert len(failures_of(many(*(waits.format(number) for number in range(5))))) == 1
    others = ["one", "two", "three", "four", "five"]
    assert len(failures_of(many(*(f"LogMatching: {number}" for number in others)))) == 5


def test_what_did_not_happen_for_reasons_of_two_tests_has_a_paragraph_each(terminal: Terminal) -> None:
    waits = "CommittedIsApplied (§5.3): command {} was not applied by {} servers within 10 s: "
    took = "server {} accepted it at index 1 in term 1 (t=0.4 s); then no server applied index 1"
    slow = "; server {} is slow, and needed for a majority"
    texts = [waits.format(number, 3) + took.format(number) for number in (1, 2)]
    texts += [text + slow.format(number) for number, text in enumerate(texts)]
    runs = [msgspec.structs.replace(run, rule="CommittedIsApplied", servers=3) for run in many(*texts)]
    assert len(failures_of(runs)) == 2
    alone = msgspec.structs.replace(runs[0], test="2B/one_server", servers=1)
    assert len(failures_of([*runs, alone])) == 3


def test_table_has_a_line_for_each_test_with_means_over_its_runs(terminal: Terminal) -> None:
    terminal(110)
    text = render(record(0, 1, rpcs=100), record(0, 2, rpcs=200), record(1, 1), record(2, 1, servers=5))
    rows = [line.split() for line in text.splitlines() if line.startswith("2A")]
    assert len(rows) == 3
    assert rows[0][:8] == ["2A/first", "pass", "2/2", "1.5", "3", "150", "2000", "7"]
    assert " ".join(rows[0][8:]) == TESTS[0].title
    assert text.splitlines()[-1] == "3 of 3 tests passed every run; 4 runs, 6 s of virtual time"


FIGURES = ("virtual s", "RPCs", "servers", "bytes", "commits")
"""The last to go comes first."""


def long_titles(monkeypatch: pytest.MonkeyPatch) -> None:
    title = "requests and replies that come late, twice, or after newer ones, and all of that again"
    monkeypatch.setattr("tests.cli.test_reports.TESTS", [dataclasses.replace(test, title=title) for test in TESTS])


@pytest.mark.parametrize(("columns", "figures"), [(60, 0), (70, 1), (80, 2), (88, 3), (95, 4), (110, 5)])
def test_table_fits_the_terminal_and_keeps_what_matters_most(
    columns: int, figures: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_titles(monkeypatch)
    terminal(columns, is_terminal=True, no_color=True)
    head, _, *rows = render(record(0), record(1, 1, "fail"), record(2)).splitlines()[:5]
    assert re.split(r"  +", head) == [
        *("test", "verdict", "runs"),
        *(name for name in ("virtual s", "servers", "RPCs", "bytes", "commits") if name in FIGURES[:figures]),
        "title",
    ]
    assert max(map(len, (head, *rows))) <= columns
    assert all("…" in row and re.search(r"^2A/\w+ +(pass|fail) +[01]/1", row) for row in rows)


def test_table_is_whole_in_a_file_or_when_all_is_asked_for(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    long_titles(monkeypatch)
    terminal(80, is_terminal=True)
    verbose = render(record(0), record(1), record(2), verbose=True)
    terminal(80)
    monkeypatch.delenv("COLUMNS")
    for text in (verbose, render(record(0), record(1), record(2))):
        assert TESTS[0].title in text and "commits" in text


def stage_of(name: str, kind: catalogue.Kind) -> list[Scenario]:
    return catalogue.scenarios(name, kind)


def runs_of(scenarios: list[Scenario], seeds: int = 1, red: str = "") -> list[RunRecord]:
    """Return runs of some tests, of which the named one fails."""
    return [
        msgspec.structs.replace(record(0, seed, "fail" if one.id == red else "pass"), test=one.id, stage=one.stage)
        for one in scenarios
        for seed in range(1, seeds + 1)
    ]


def test_many_green_ones_are_one_line_in_a_terminal_and_red_ones_stay(terminal: Terminal) -> None:
    terminal(80, is_terminal=True, no_color=True)
    stage = [*stage_of("2B", "drills"), *stage_of("2B", "test")]
    drills = len(stage_of("2B", "drills"))
    tests = len(stage) - drills
    green = table.render(stage, runs_of(stage), "skeleton")
    assert f"2B   {drills} of {drills} drills and {tests} of {tests} tests pass   (V=1" in green
    assert len(green.splitlines()) <= 24 and "2B/figure_8" not in green
    red = table.render(stage, runs_of(stage, red="2B/figure_8"), "skeleton")
    assert f"and {tests - 1} of {tests} tests pass" in red and re.search("^2B/figure_8 +fail +0/1", red, re.MULTILINE)
    assert re.search("^2B/chaos +pass", table.render(stage, runs_of(stage), "skeleton", verbose=True), re.MULTILINE)


def test_many_green_ones_keep_their_lines_in_a_file(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    stage = stage_of("2B", "test")
    assert re.search("^2B/chaos +pass", table.render(stage, runs_of(stage), "skeleton"), re.MULTILINE)


def test_the_number_of_tests_that_are_named_as_changed_is_bounded(terminal: Terminal) -> None:
    names = tuple(scenario.id for scenario in stage_of("2B", "test"))
    text = render(record(0), change=green.Change(gained=names))
    assert f"and {len(names) - table.MOST_CHANGED} more (V=1 names all)" in " ".join(text.split())
    assert names[-1] in render(record(0), change=green.Change(gained=names), verbose=True)


# What comes next.


@pytest.mark.parametrize(
    ("kinds", "seeds", "command"),
    [
        (("drills",), 5, "make test-2A SUBMISSION=mine"),
        (("drills", "test"), 5, "make test-2A RUNS=50 SUBMISSION=mine"),
        (("drills", "test"), 50, "handouts/2B-replication.md, make submit SUBMISSION=mine"),
    ],
)
def test_green_stage_names_what_comes_next(kinds: tuple[catalogue.Kind, ...], seeds: int, command: str) -> None:
    stage = [scenario for kind in kinds for scenario in stage_of("2A", kind)]
    assert f"      next    {command}\n" in table.render(stage, runs_of(stage, seeds), "mine")


def test_part_of_a_stage_or_a_red_one_names_nothing_next(terminal: Terminal) -> None:
    stage = [*stage_of("2A", "drills"), *stage_of("2A", "test")]
    assert "next    " not in table.render(stage, runs_of(stage, red="2A/chaos"), "skeleton")
    assert "next    " not in table.render(stage[:-1], runs_of(stage[:-1]), "skeleton")
    assert "next    " not in table.render(stage[1:], runs_of(stage[1:]), "skeleton")
    assert "next    " not in table.render(stage, runs_of(stage)[:-1], "skeleton")


def test_all_stages_are_followed_by_more_seeds_and_by_the_page_on_performance(terminal: Terminal) -> None:
    stages = [s for stage in catalogue.RAFT_STAGES for kind in catalogue.JUDGED for s in stage_of(stage, kind)]
    assert "next    make test RUNS=50\n" in table.render(stages, runs_of(stages), "skeleton")
    assert "next    handouts/performance.md, make submit\n" in table.render(stages, runs_of(stages, 50), "skeleton")
    some = [scenario for scenario in stages if scenario.stage in ("2A", "2B")]
    assert 'next    make test STAGE="2A 2B" RUNS=50\n' in table.render(some, runs_of(some), "skeleton")


def test_colours_take_no_room(terminal: Terminal) -> None:
    terminal(80, is_terminal=True, no_color=True)
    plain = render(record(0), record(1, 1, "fail"), record(2))
    terminal(80, is_terminal=True)
    assert re.sub("\033\\[[0-9]*m", "", render(record(0), record(1, 1, "fail"), record(2))) == plain


@pytest.mark.parametrize("columns", [80, 100])
def test_list_fits_the_terminal(columns: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    long_titles(monkeypatch)
    terminal(columns, is_terminal=True)
    assert max(map(len, table.render_list(TESTS).splitlines())) <= columns


def test_one_failed_run_fails_the_test(terminal: Terminal) -> None:
    text = render(*[record(0, seed) for seed in range(1, 5)], record(0, 5, "fail"), record(1, 1), record(2, 1))
    assert re.search(r"2A/first +fail +4/5 ", text)
    assert "2 of 3 tests passed every run;" in text


def test_failure_is_told_with_reason_hint_seeds_and_replay(terminal: Terminal) -> None:
    failed = [record(0, seed, "fail") for seed in (9, 3, 5, 7, 11, 13)]
    text = render(*failed, record(0, 1), record(1, 1), record(2, 1), submission="my work")
    assert "fail  2A/first  a test of the runner   failed 6 of 7: seeds 3, 5, 7, 9, 11, …" in text
    assert "LogMatching (Figure 3): two logs differ   t=1.500 s" in text
    assert "hint    where to look" in text
    assert "replay  make replay TEST=2A/first SEED=3 SUBMISSION='my work'" in text


def test_a_test_with_red_and_green_seeds_names_the_command_that_compares_them(terminal: Terminal) -> None:
    near = [record(0, seed, servers=servers) for seed, servers in ((2, 3), (9, 3), (6, 3), (4, 7))]
    text = render(record(0, 5, "fail", servers=3), *near, record(1, 1, "fail", message="other"), record(2, 1))
    assert "      diff    make diff TEST=2A/first SEED=5 WITH=6\n" in text
    assert text.count("diff    ") == 1, "no seed of the other test passed"
    chosen = failures.diff_command(record(0, 5, "fail"), near[:1], "my work")
    assert chosen == "make diff TEST=2A/first SEED=5 WITH=2 SUBMISSION='my work'"


def test_debugger_outside_of_a_replay_is_explained(terminal: Terminal) -> None:
    quit_at_once = record(0, 1, "error", rule="NoCrash", message="NoCrash: server 1 BdbQuit:  at raft.py:114 in run")
    text = render(quit_at_once, record(1), record(2))
    assert "hint    breakpoint() works only in a replay: type the next line" in text
    assert "breakpoint" not in table.render_one(quit_at_once, "skeleton")


def test_replay_needs_no_submission_for_the_skeleton(terminal: Terminal) -> None:
    assert failures.replay_command(record(0, 4, "fail"), "skeleton") == "make replay TEST=2A/first SEED=4"


def test_what_is_not_written_is_one_line_with_the_number_of_tests(terminal: Terminal) -> None:
    other = NOT_WRITTEN | {"message": "not written yet: get_state (raft.py:9 in get_state)"}
    text = render(
        *[record(test, 1, "fail", **NOT_WRITTEN) for test in range(2)], record(2, 1, "fail", **other), record(0, 2)
    )
    lines = text.splitlines()
    assert lines[0] == "not written yet: run (raft.py:88)        2 tests wait for it"
    assert lines[1] == "not written yet: get_state (raft.py:9)   1 test waits for it"
    assert lines[2:] == ["", "0 of 3 tests passed every run; 4 runs, 6 s of virtual time"]


def test_all_names_what_waits_for_it(terminal: Terminal) -> None:
    text = render(*[record(test, 1, "fail", **NOT_WRITTEN) for test in range(3)], verbose=True)
    assert text.count(" not written ") >= 3
    assert text.count("not written yet: run (raft.py:88 in run)") == 1
    assert "wanted by 2A/first, 2A/second, 2A/third" in text.replace("\n    ", " ")
    assert "replay" not in text


def test_worst_verdict_of_a_test_is_shown(terminal: Terminal) -> None:
    assert " grader-error " in render(record(0, 1, "fail"), record(0, 2, "grader-error"), record(0, 3, "error"))
    assert " error " in render(record(0, 1, "fail"), record(0, 2, "error"))
    assert " not written " in render(record(0, 1, "fail", **NOT_WRITTEN), record(0, 2), verbose=True)
    assert " not run " in render(record(0, 1))


def test_lines_fit_the_terminal(terminal: Terminal) -> None:
    message = "LogMatching (Figure 3): " + "two logs differ " * 30
    for columns in (60, 80, 120):
        terminal(columns)
        text = render(record(0, 1, "fail", message=message), record(1, 1, "fail", **NOT_WRITTEN), record(2, 1))
        reasons = text.partition("\n\n")[2].splitlines()
        assert max(map(len, reasons)) <= max(columns, 80)
        assert len([line for line in reasons if "two logs" in line]) > 3


def test_terminal_gets_colours_and_a_pipe_does_not(terminal: Terminal) -> None:
    records = (record(0, 1), record(1, 1, "fail"), record(2, 1, "fail", **NOT_WRITTEN))
    plain = render(*records, verbose=True)
    assert "\033" not in plain
    terminal(100, is_terminal=True)
    assert all(f"\033[{code}m" in render(*records, verbose=True) for code in (31, 32, 33, 0))
    terminal(100, is_terminal=True, no_color=True)
    assert render(*records, verbose=True) == plain


def test_verbose_table_has_a_line_for_each_run(terminal: Terminal) -> None:
    text = render(
        record(0, 1, digest="a" * 64), record(0, 2, digest="b" * 64), record(1, 1), record(2, 1), verbose=True
    )
    assert "wall s" in text
    runs = [line for line in text.partition("digest")[2].splitlines() if line.startswith("2A/")]
    assert [line.split()[:3] for line in runs[:2]] == [["2A/first", "1", "pass"], ["2A/first", "2", "pass"]]
    assert runs[0].endswith("a" * 16) and runs[1].endswith("b" * 16)


def test_single_run_is_told_on_its_own(terminal: Terminal) -> None:
    assert table.render_one(record(), "skeleton") == "pass  2A/first  a test of the runner   seed 1, 1.500 s"
    failed = table.render_one(record(0, 2, "fail"), "skeleton")
    assert failed.startswith("fail  2A/first  a test of the runner   seed 2, 1.500 s\n      LogMatching (Figure 3)")
    assert "replay" not in failed


def test_list_shows_points_sizes_and_counterparts(terminal: Terminal) -> None:
    lines = table.render_list(TESTS).splitlines()
    assert lines[0].split() == ["test", "title", "points", "servers", "counterpart"]
    assert lines[2].split() == ["2A/first", "a", "test", "of", "the", "runner", "1", "3"]
    assert "points" not in table.render_list(stage_of("2A", "drills")).splitlines()[0]


# What turned green.


def test_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    file = tmp_path / "out" / "green.json"
    assert green.remember("skeleton", [record(0), record(1, 1, "fail")], file) == green.Change()
    assert green.remember("skeleton", [record(2)], file) == green.Change()


def test_tests_that_turned_green_and_those_that_no_longer_are(tmp_path: Path) -> None:
    file = tmp_path / "green.json"
    green.remember("skeleton", [record(0), record(1, 1), record(1, 2, "fail"), record(2)], file)
    change = green.remember("skeleton", [record(0, 1, "error"), record(1, 1), record(1, 2)], file)
    assert change == green.Change(gained=("2A/second",), lost=("2A/first",))
    assert green.remember("skeleton", [record(0, 1, "error"), record(1), record(2)], file) == green.Change()


def test_test_with_runs_left_when_interrupted_has_not_turned_green(tmp_path: Path) -> None:
    file = tmp_path / "green.json"
    green.remember("skeleton", [record(0, 1), record(0, 2, "fail"), record(1, 1), record(1, 2)], file, 2)
    change = green.remember("skeleton", [record(0, 1), record(1, 1, "fail")], file, 2)
    assert change == green.Change(lost=("2A/second",))
    assert green.remember("skeleton", [record(0, 1), record(0, 2)], file, 2).gained == ("2A/first",)


def test_each_submission_has_its_own_past_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "green.json"
    green.remember("alice", [record(0, 1, "fail")], file)
    assert green.remember("bob", [record(0)], file) == green.Change()
    assert green.remember("alice", [record(0)], file).gained == ("2A/first",)
    for number in range(green.KEPT):
        green.remember(f"other {number}", [record(0, 1, "fail")], file)
    assert len(json.loads(file.read_text())) == green.KEPT
    assert green.remember("alice", [record(0, 1, "fail")], file) == green.Change()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"x": 3}', b"\xff\xfe", b'{"a": {"b": "c"}}'])
def test_past_that_cannot_be_read_is_none(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "green.json"
    file.write_bytes(content)
    assert green.remember("skeleton", [record(0)], file) == green.Change()
    assert green.remember("skeleton", [record(0, 1, "fail")], file).lost == ("2A/first",)


def test_past_that_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    file = tmp_path / "out" / "green.json"
    assert green.remember("skeleton", [record(0)], file) == green.Change()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_change_is_said(terminal: Terminal) -> None:
    change = green.Change(("2A/first",), ("2A/second", "2A/third"))
    text = render(record(0), record(1, 1, "fail"), record(2, 1, "fail"), change=change)
    assert "\n\ngreen since the last run: 2A/first\n\nno longer green: 2A/second, 2A/third\n\n" in text
    assert "green" not in render(record(0))
    terminal(100, is_terminal=True)
    assert "\033[32mgreen since the last run\033[0m: 2A/first" in render(record(0), change=change)

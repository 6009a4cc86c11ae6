"""The leaderboard: those who want to be on it, by points, and nobody else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from grader.cli import main
from grader.exits import USAGE
from grader.results.leaderboard import Leaderboard, clean, merge
from labs.checking.outcome import Outcome
from labs.raft.stages import catalogue
from labs.raft.stages.performance import BY_ID, measurement
from labs.report import performance
from labs.report.json_files import write_json
from labs.report.performance import Performance
from labs.testing.run import empty_record


def a_record(alias: str | None, burst: float, saves: float) -> Performance:
    found = [measurement(BY_ID["burst"], burst, 60.0), measurement(BY_ID["saves"], saves, 0.5)]
    return Performance("mine", [1], found, [], alias)


HERON, OTTER = a_record("heron", 240.0, 0.5), a_record("otter", 60.0, 0.3)
CRANE, SILENT = a_record("crane", 60.0, 0.5), a_record(None, 600.0, 0.1)


def test_board_is_by_points_and_equal_points_share_a_place() -> None:
    rows = merge([CRANE, OTTER, HERON]).rows
    assert [(row.place, row.alias, row.points, row.bonuses) for row in rows] == [
        *((1, "heron", 5, 1), (1, "otter", 5, 1), (3, "crane", 4, 0)),
    ]
    assert [row.best_at for row in rows] == [["burst"], ["saves"], []]


def test_who_has_no_alias_is_not_shown_and_sets_no_mark() -> None:
    rows = merge([SILENT, HERON]).rows
    assert [(row.alias, row.best_at) for row in rows] == [("heron", ["burst", "saves"])]


def test_the_last_record_of_an_alias_counts() -> None:
    assert [row.points for row in merge([HERON, a_record("heron", 1.0, 9.0)]).rows] == [0]


def test_a_record_with_a_run_that_was_not_judged_has_no_place_and_sets_no_mark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [scenario] = catalogue.find("2B/perf_burst")
    run = empty_record(scenario, 1, Outcome("grader-error", None, "no memory"))
    found = merge([msgspec.structs.replace(HERON, runs=[run]), OTTER])
    assert (found.held, [(row.place, row.alias, len(row.best_at)) for row in found.rows]) == (
        ["heron"],
        [(1, "otter", 2)],
    )
    write_json(tmp_path / "x.json", msgspec.structs.replace(HERON, runs=[run]))
    assert main(["leaderboard", str(tmp_path / "x.json")]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == "empty" and "heron: held, needs review" in shown.err


@pytest.mark.parametrize(
    ("alias", "shown"),
    [
        (chr(27) + "[31mred" + chr(10), "31mred"),
        ("two" + chr(10) + "lines | and a cell", "twolines  and a cell"),
        ("<b onclick='x()'>bold</b>", "b onclickxboldb"),
        ("=HYPERLINK(1)", "HYPERLINK1"),
        ("[x](javascript:1) **y** `z`", "xjavascript1 y z"),
        (chr(0x202E) + "evil" + chr(0x200B), "evil"),
        ("Zo" + chr(0x308) + "e " + chr(0x336), "Z" + chr(0xF6) + "e"),
        ("../../etc/passwd", "etcpasswd"),
        (chr(10), "nameless"),
        ("x" * 100, "x" * 24),
        ("1e5", "1e5"),
    ],
)
def test_aliases_are_safe_wherever_they_are_shown(
    alias: str, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clean(alias) == shown
    write_json(tmp_path / "x.json", a_record(alias, 60.0, 0.5))
    assert main(["leaderboard", str(tmp_path / "x.json"), "--json", str(tmp_path / "board.json")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3 and f" {shown} " in printed[2]
    file = performance.file_of(alias)
    assert file.parent == Path("out") and file.name.count(".") == 1


def test_two_records_of_one_alias_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        write_json(tmp_path / f"{number}.json", HERON)
    assert main(["leaderboard", *(str(tmp_path / f"{number}.json") for number in range(2))]) == 0
    assert "heron: 2 records; the one given last counts" in capsys.readouterr().err


def test_board_of_nobody_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "x.json", SILENT)
    assert main(["leaderboard", str(tmp_path / "x.json")]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == "empty" and "1 without an alias" in shown.err


def test_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(2)]
    write_json(paths[0], HERON)
    write_json(paths[1], SILENT)
    assert main(["leaderboard", *map(str, paths), "--json", str(tmp_path / "board.json")]) == 0
    shown = capsys.readouterr()
    assert "heron" in shown.out and "1 without an alias" in shown.err
    board = msgspec.json.decode((tmp_path / "board.json").read_bytes(), type=Leaderboard)
    assert [row.alias for row in board.rows] == ["heron"]


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert main(["leaderboard", str(tmp_path / "x.json")]) == USAGE
    assert "x.json is not a record of make test-perf" in capsys.readouterr().err

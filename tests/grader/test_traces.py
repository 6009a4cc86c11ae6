"""Pages of failing runs: repeated in the sandbox, made small, and equal to what the student sees at home."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from grader.cli import main
from grader.commands import page
from grader.execution import hosts
from grader.execution.runners import local
from grader.execution.runs import limits_of
from grader.execution.traced import TracedJob, TracedRuns
from grader.results.pages.traces import traces_of
from grader.results.pages.write import STUDENT
from grader.results.shelf import Shelf
from labs.engine import engine
from labs.engine.work import Loss
from labs.schedule import text
from labs.schedule.player import scenario_of
from labs.testing.run import run_scenario
from tests.corpora import mutants
from tests.running import ROOT

RUBRIC = """\
format = "raft-rubric/1"
title = "tiny"
[seeds]
public = [1, 2]
secret = 0
[stages.2B]
title = "replication"
[[tests]]
select = "2B/drill_shorter_log_refused"
[[tests]]
select = "2B/follower_reconnects"
[[tests]]
select = "2B/basic_agreement"
[[tests]]
select = "2B/figure_8"
visibility = "hidden"
"""
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="servers have processes of their own where there is fork"
)


@pytest.fixture(scope="module")
def mutant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hw") / "ada"
    folder.mkdir()
    [found] = [each for each in mutants.corpus() if each.name == "E08_any_log_will_do"]
    (folder / "raft.py").write_text(found.text(), encoding="utf-8")
    return folder


def test_failures_become_small_runs_that_break_the_same_rule_at_home(mutant: Path, tmp_path: Path) -> None:
    (tmp_path / "rubric.toml").write_text(RUBRIC)
    out = tmp_path / "out"
    main(["grade", str(mutant), "--rubric", str(tmp_path / "rubric.toml"), "--out", str(out), "--as", "ada"])
    assert main(["page", str(out), "--traces", "5", "--shrink", "3"]) == 0
    result = Shelf(out).results()["ada"]
    found = traces_of(out / "ada", result)
    assert set(found) == {"2B/drill_shorter_log_refused", "2B/follower_reconnects"}
    assert not found["2B/drill_shorter_log_refused"].small, "drills have fake peers, which no schedule has"
    small = found["2B/follower_reconnects"]
    schedule = text.parse(small.schedule)
    assert (schedule.servers, schedule.rule) == (3, "VoteOnlyUpToDate") and len(schedule.steps) <= 5
    assert run_scenario(scenario_of(schedule, "x"), mutant, schedule.seed).rule == "VoteOnlyUpToDate"
    report = (out / "ada" / STUDENT).read_text()
    assert small.small in report and small.file in report and "figure_8" not in report
    shown = (out / "ada" / small.small).read_text()
    assert "VoteOnlyUpToDate" in shown and re.search(r"3 servers, ada<", shown)


@pytest.mark.parametrize("test", ["2A/initial_election", "2A/drill_first_vote"])
def test_servers_are_confined_while_a_failure_is_made_small(test: str, tmp_path: Path) -> None:
    """A server that opens a file when it is built: the file is not written, and the run fails, however often."""
    chosen = hosts.choose("process", None)
    if not chosen.is_walled:
        pytest.skip("no sandbox works here")
    server, mark = (ROOT / "skeleton" / "raft.py").read_text(), tmp_path / "escaped"
    (tmp_path / "raft.py").write_text(server + f"\n\nopen({str(mark)!r}, 'w').close()\n")
    job = TracedJob(test, 1, str(tmp_path / "a"), str(tmp_path / "b"), 2.0)
    [(_, traced)] = engine.run(TracedRuns(str(tmp_path), chosen), [job], local(1), limits_of(chosen))
    assert traced.record.status == "error" and not mark.exists()


def test_a_runner_that_is_lost_makes_no_page(mutant: Path, tmp_path: Path) -> None:
    job = TracedJob("2A/initial_election", 1, str(tmp_path / "a"), str(tmp_path / "b"), 2.0)
    lost = TracedRuns(str(mutant), hosts.Hosts("process", "C")).lost(job, Loss("fell silent for 400 s", True))
    assert lost.record.status == "grader-error" and lost.small is None


def test_default_budget_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["page", "--help"])
    assert f"({page.SHRINKING:g})" in capsys.readouterr().out

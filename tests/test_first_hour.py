"""The first hours of a student: the states of one raft.py on the way through stage 2A, and what the lab says to each.

The steps and their drills are those of the handout, so its plan is known to work; from the skeleton that is released.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.report import table
from labs.sim.loader import Program
from labs.sim.run import RunRecord, run_scenario
from labs.stages import catalogue
from tests.first_hour import walk
from tests.servers.running import ROOT, call_labs

SKELETON = (ROOT / "skeleton" / "raft.py").read_text(encoding="utf-8")
PLAN = walk.drills_of((ROOT / "handouts" / "2A-election.md").read_text(encoding="utf-8"))
DRILLS = {scenario.test.__name__: scenario for scenario in catalogue.scenarios("2A", "drills")}


def write(folder: Path, step: int) -> Path:
    (folder / "raft.py").write_text(walk.after(step, SKELETON), encoding="utf-8")
    return folder


def run_drills(folder: Path) -> dict[str, RunRecord]:
    program = Program(folder)
    return {name: run_scenario(scenario, program, 1) for name, scenario in DRILLS.items()}


def test_plan_has_each_drill_once() -> None:
    assert sorted(name for step in PLAN for name in step) == sorted(DRILLS)
    assert len(PLAN) == len(walk.STEPS)


def test_first_drill_takes_twenty_lines() -> None:
    typed = len(walk.after(1, SKELETON).splitlines()) - len(SKELETON.splitlines())
    assert typed + len(walk.STEPS[0]) <= 20


@pytest.mark.parametrize("step", range(len(walk.STEPS) + 1))
def test_step_turns_its_drills_green(step: int, tmp_path: Path) -> None:
    found = run_drills(write(tmp_path, step))
    green = [name for drills in PLAN[:step] for name in drills]
    assert {name: found[name].message for name in green if found[name].status != "pass"} == {}
    if step < len(PLAN):
        assert [name for name in PLAN[step] if found[name].status != "pass"], (
            "the next step has something to turn green"
        )


@pytest.mark.parametrize("step", [0, 1, 2])
def test_what_is_not_written_is_named_with_its_line(step: int, tmp_path: Path) -> None:
    lines = walk.after(step, SKELETON).splitlines()
    later = [name for drills in PLAN[step:] for name in drills]
    found = run_drills(write(tmp_path, step))
    for record in [found[name] for name in later]:
        assert record.rule == "NotWritten"
        place = re.fullmatch(r"not written yet: (\w+) \(raft\.py:(\d+) in \1\)", record.message)
        assert place is not None, record.message
        assert "raise NotImplementedError" in lines[int(place[2]) - 1]


@pytest.mark.parametrize("step", [3, 4, 5])
def test_what_is_written_half_breaks_a_rule_with_a_hint(step: int, tmp_path: Path) -> None:
    for name, record in run_drills(write(tmp_path, step)).items():
        if record.status != "pass":
            assert record.status == "fail", f"{name}: {record.message}"
            assert record.rule in ("LeaderInTime", "HigherTermAdopted", "StepsDown", "ElectionTimerReset"), (
                record.message
            )
            assert record.hint


def test_last_step_passes_the_stage(tmp_path: Path) -> None:
    program = Program(write(tmp_path, len(walk.STEPS)))
    for scenario in catalogue.scenarios("2A"):
        for seed in (1, 2):
            record = run_scenario(scenario, program, seed)
            assert record.status == "pass", f"{scenario.id}, seed {seed}: {record.message}"


def test_next_stage_is_told_what_it_lacks(tmp_path: Path) -> None:
    (scenario,) = catalogue.find("2B/basic_agreement")
    record = run_scenario(scenario, write(tmp_path, len(walk.STEPS)), 1)
    assert record.message.startswith("not written yet: start (raft.py:")


def test_drills_are_listed_by_the_names_of_the_handout(tmp_path: Path) -> None:
    shown = call_labs("drills", "2A", "--runs", 1, "--submission", write(tmp_path, 1), COLUMNS="80").stdout
    for name in PLAN[0]:
        assert re.search(rf"^2A/{name} +pass +1/1$", shown, re.M)
    rows = [line for line in shown.splitlines() if line.startswith("2A/drill_")]
    assert len(rows) == len(DRILLS)
    assert max(map(len, rows)) <= 80


def test_titles_of_drills_are_whole_where_there_is_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    scenario = DRILLS["drill_first_vote"]
    text = table.render([scenario], [run_scenario(scenario, write(tmp_path, 1), 1)], "skeleton")
    assert scenario.title in text

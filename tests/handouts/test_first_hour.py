"""The first hours of a student: the states of one raft.py on the way through stage 2A, and the lab's answer to each.

The steps and their drills are those of the handout, so its plan is known to work; from the skeleton that is released.
"""

from __future__ import annotations

import functools
import re
import tempfile
from pathlib import Path

import msgspec
import pytest

from labs.raft.stages import catalogue
from labs.report import plan, table
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, run_scenario
from tests.corpora.first_hour import walk
from tests.running import ROOT, call_labs

SKELETON = (ROOT / "skeleton" / "raft.py").read_text(encoding="utf-8")
PLAN = walk.drills_of((ROOT / "handouts" / "2A-election.md").read_text(encoding="utf-8"))
DRILLS = {scenario.test.__name__: scenario for scenario in catalogue.scenarios("2A", "drills")}


def write(folder: Path, step: int) -> Path:
    (folder / "raft.py").write_text(walk.after(step, SKELETON), encoding="utf-8")
    return folder


@functools.cache
def records_of(step: int) -> dict[str, RunRecord]:
    """Return the outcome of each drill after that many steps; each state is run once, for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        program = Program(write(Path(folder), step))
        return {name: run_scenario(scenario, program, 1) for name, scenario in DRILLS.items()}


def test_plan_has_each_drill_once() -> None:
    assert sorted(name for step in PLAN for name in step) == sorted(DRILLS)
    assert len(PLAN) == len(walk.STEPS)


def test_first_drill_takes_twenty_lines() -> None:
    typed = len(walk.after(1, SKELETON).splitlines()) - len(SKELETON.splitlines())
    assert typed + len(walk.STEPS[0]) <= 20


@pytest.mark.parametrize("step", range(len(walk.STEPS) + 1))
def test_step_turns_its_drills_green(step: int) -> None:
    found = records_of(step)
    green = [name for drills in PLAN[:step] for name in drills]
    assert {name: found[name].message for name in green if found[name].status != "pass"} == {}
    if step < len(PLAN):
        assert [name for name in PLAN[step] if found[name].status != "pass"], (
            "the next step has something to turn green"
        )


@pytest.mark.parametrize("step", [0, 1, 2])
def test_what_is_not_written_is_named_with_its_line(step: int) -> None:
    lines = walk.after(step, SKELETON).splitlines()
    later = [name for drills in PLAN[step:] for name in drills]
    found = records_of(step)
    for record in [found[name] for name in later]:
        assert record.rule == "NotWritten"
        place = re.fullmatch(r"not written yet: (\w+) \(raft\.py:(\d+) in \1\)", record.message)
        assert place is not None, record.message
        assert "raise NotImplementedError" in lines[int(place[2]) - 1]


@pytest.mark.parametrize("step", [3, 4, 5])
def test_what_is_written_half_breaks_a_rule_with_a_hint(step: int) -> None:
    for name, record in records_of(step).items():
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


def rows(shown: str) -> list[str]:
    return [line for line in shown.splitlines() if line.startswith("2A/drill_")]


def test_drills_that_pass_are_listed_by_the_names_of_the_handout(tmp_path: Path) -> None:
    some = ",".join(PLAN[0][: table.FEW])
    arguments = ["drills", "2A", "--runs", 1, "--submission", write(tmp_path, 1)]
    shown = call_labs(*arguments, "--test", some, COLUMNS="80").stdout
    for name in PLAN[0][: table.FEW]:
        assert re.search(rf"^2A/{name} +pass +1/1", shown, re.M)
    assert max(map(len, rows(shown))) <= 80
    many = call_labs(*arguments, COLUMNS="80").stdout
    assert rows(many) == [] and many.startswith(f"2A   {len(PLAN[0])} of {len(DRILLS)} drills pass   (V=1 ")


def test_all_drills_are_listed_on_request(tmp_path: Path) -> None:
    shown = call_labs("drills", "2A", "--runs", 1, "--submission", write(tmp_path, 1), "--verbose").stdout
    assert len({row.split()[0] for row in rows(shown)}) == len(DRILLS)
    assert len(re.findall(r" not written ", shown)) == len(DRILLS) - len(PLAN[0])


def report(step: int, verbose: bool = False) -> str:
    """Return what `make drills STAGE=2A` shows after that many steps."""
    return table.render(list(DRILLS.values()), list(records_of(step).values()), "skeleton", verbose)


def test_first_command_names_the_first_step_and_what_to_write(tmp_path: Path) -> None:
    shown = call_labs("test", "2A", "--runs", 1, "--submission", write(tmp_path, 0), COLUMNS="80").stdout
    lines = shown.replace(f" SUBMISSION={tmp_path}", "").splitlines()
    assert len(lines) < 15 and max(map(len, lines)) <= 80
    assert re.search(r"^not written yet: request_vote \(raft\.py:\d+\) +\d+ tests wait for it$", shown, re.M)
    assert (
        f"""
2A, step 1 of {len(PLAN)}: answer a candidate
      page    handouts/2A-election.md, step 1
      next    write request_vote (raft.py:"""
        in shown
    )
    assert f"), then  make drills STAGE=2A SUBMISSION={tmp_path}\n" in shown


@pytest.mark.parametrize("step", range(len(PLAN)))
def test_step_of_the_plan_is_the_first_that_is_not_done(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    shown = report(step)
    assert f"\n2A, step {step + 1} of {len(PLAN)}: " in shown
    following = re.search(
        r"^      next    (write \w+ \(raft\.py:\d+\)|see why 2A/drill_\w+ fails), then  (.*)$", shown, re.M
    )
    assert following is not None and following[2] == "make drills STAGE=2A"
    assert following[1].startswith("write" if step < 3 else "see why")


def test_drills_of_later_steps_are_named_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    shown = report(3)
    told = re.findall(r"^fail  2A/(drill_\w+)", shown, re.M)
    assert told and set(told) <= set(PLAN[3])
    folded = shown.partition("of later steps, and not due yet")[2].partition("\n\n")[0]
    assert set(re.findall(r"drill_\w+", folded)) & set(PLAN[4] + PLAN[5])
    everything = re.findall(r"^fail  2A/(drill_\w+)", report(3, verbose=True), re.M)
    assert len(everything) > len(told)


def test_without_all_drills_or_when_all_are_green_no_step_is_named(tmp_path: Path) -> None:
    some = call_labs("drills", "2A", "--test", "vote", "--runs", 1, "--submission", write(tmp_path, 1)).stdout
    assert "not written yet: run" in some and "step" not in some
    assert "step" not in (green := report(len(PLAN))) and "\n      next    make test-2A\n" in green


def test_interrupted_session_shows_what_failed_and_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    records = records_of(len(PLAN))
    later = PLAN[-1][-1]
    failed = msgspec.structs.replace(
        records[later], status="fail", rule="LogMatching", message="LogMatching: they differ"
    )
    ran = [record for name, record in records.items() if name not in (*PLAN[2], later)]
    shown = table.render(list(DRILLS.values()), [*ran, failed], "skeleton")
    assert re.search(rf"^fail  2A/{later}  ", shown, re.M) and "LogMatching: they differ" in shown
    assert "see why" not in shown and "of later steps" not in shown


def test_plan_of_every_stage_is_found_in_its_handout(tmp_path: Path) -> None:
    for stage in catalogue.RAFT_STAGES:
        found = [drill for step in plan.steps(stage) for drill in step.drills]
        assert sorted(found) == sorted(scenario.id for scenario in catalogue.scenarios(stage, "drills"))
        assert all(step.title and step.of == len(plan.steps(stage)) for step in plan.steps(stage))
    assert plan.steps("2A", tmp_path) == []


def test_titles_of_drills_are_whole_where_there_is_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    scenario = DRILLS["drill_first_vote"]
    text = table.render([scenario], [run_scenario(scenario, write(tmp_path, 1), 1)], "skeleton")
    assert scenario.title in text

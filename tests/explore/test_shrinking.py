"""Failing schedules become small, and what is left fails in the same way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from labs.engine import stalls
from labs.explore import command, work
from labs.explore.search import Search
from labs.explore.shrinking import Fails, OutOfTime, shrink
from labs.explore.work import Exploring, Found, Job
from labs.raft.stages import catalogue
from labs.schedule import actions as act
from labs.schedule.actions import Schedule
from labs.schedule.player import scenario_of
from labs.schedule.recording import record
from labs.schedule.text import parse, write
from labs.testing.run import RunRecord, run_scenario
from tests.corpora import mutants
from tests.running import REFERENCE, call_labs, write_submission

LONG = parse(
    "raft-schedule 1\nstage 2C\nservers 5\nnetwork unreliable\nseed 3\nduration 30\nservice 0.01\n\n"
    + "\n".join(
        f"{number}.123 {what}"
        for number, what in enumerate(
            [
                *("propose 0 'a'", "cut 0-1", "isolate 4", "timeout 2", "crash 3", "heal", "propose leader 'b'"),
                *("restart 3", "hold RequestVote 2>3 #1", "partition 0,1,2 | 3,4", "slow 1 by 0.1", "propose 3 'c'"),
            ]
        )
    )
)


def time_of(schedule: Schedule, fails: Fails) -> float:
    time = fails(schedule)
    assert time is not None
    return time


def kinds(schedule: Schedule) -> list[type]:
    return [type(step.action) for step in schedule.steps]


def test_what_does_not_matter_goes_and_what_matters_stays() -> None:
    def fails(schedule: Schedule) -> float | None:
        there = kinds(schedule)
        if act.Crash not in there or act.Propose not in there[there.index(act.Crash) :]:
            return None
        return schedule.steps[-1].time

    small = shrink(LONG, time_of(LONG, fails), fails)
    assert kinds(small) == [act.Crash, act.Propose]
    assert (small.servers, small.service_time) == (3, 0.0)
    assert "network   reliable\n" in write(small)
    assert [step.time for step in small.steps] == [0.2, 0.4]
    assert small.duration == 0.4
    assert parse(write(small)) == small


def test_numbers_of_servers_move_up_when_one_goes() -> None:
    def fails(schedule: Schedule) -> float | None:
        return 20.0 if act.Hold in kinds(schedule) else None

    [step] = shrink(LONG, time_of(LONG, fails), fails).steps
    assert isinstance(step.action, act.Hold)
    assert (step.action.message.source, step.action.message.target) in {(0, 1), (1, 2)}


def test_a_rule_that_breaks_before_the_end_still_does() -> None:
    def fails(schedule: Schedule) -> float | None:
        return 20.0 if act.Hold in kinds(schedule) else 31.0

    assert kinds(shrink(LONG, time_of(LONG, fails), fails)) == [act.Hold]


def test_out_of_time_the_smallest_so_far_is_the_result() -> None:
    runs = 0

    def fails(schedule: Schedule) -> float | None:
        nonlocal runs
        runs += 1
        if runs > 2:
            raise OutOfTime
        return 20.0

    assert len(shrink(LONG, time_of(LONG, fails), fails).steps) < len(LONG.steps)


def mutant(name: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    found = next(each for each in mutants.corpus() if each.name == name)
    (folder / "raft.py").write_text(found.text(), encoding="utf-8")
    return folder


def test_a_failing_test_becomes_a_few_steps_that_break_the_same_rule(tmp_path: Path) -> None:
    submission = mutant("E08_any_log_will_do", tmp_path / "mutant")
    found = Exploring(submission).run(Job(test="2B/figure_8", seed=1, shrinks=True))
    assert found.schedule is not None and found.rule == found.schedule.rule
    assert len(found.schedule.steps) <= 8 < found.steps_before
    again = parse(write(found.schedule))
    run = run_scenario(scenario_of(again, "x"), submission, again.seed)
    assert (run.rule, run.message) == (found.rule, found.message)


def test_a_failing_schedule_is_not_run_a_second_time_before_it_is_made_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Exploring(mutant("E08_any_log_will_do", tmp_path / "mutant"), seconds=2.0)
    schedule, run = record(catalogue.find("2B/figure_8")[0], tmp_path / "mutant", 1)
    played: list[str] = []
    run_one = work._run

    def count(candidate: Schedule, *others: Any, **options: Any) -> RunRecord:
        played.append(write(candidate))
        return run_one(candidate, *others, **options)

    monkeypatch.setattr(work, "_run", count)
    found = work.run(Job(schedule, shrinks=True))
    assert found.rule == run.rule and played.count(write(schedule)) == 1
    assert found.runs == len(played) - 1  # the last one is of the result


def test_a_passing_test_and_a_drill_are_not_made_small() -> None:
    work = Exploring(REFERENCE)
    passed = work.run(Job(test="2A/initial_election", seed=1, shrinks=True))
    assert (passed.status, passed.recorded) == ("pass", "pass")
    drill = work.run(Job(test=catalogue.scenarios("2A", "drills")[0].id, seed=1, shrinks=True))
    assert drill.status == "not recordable"


def test_explore_finds_shrinks_saves_and_keep_makes_it_a_test(tmp_path: Path) -> None:
    mutant("E08_any_log_will_do", tmp_path / "skeleton")
    found = call_labs("explore", "2B", "--time", "60", "--jobs", "1", folder=tmp_path)
    assert found.returncode == 1, found.stderr
    assert "VoteOnlyUpToDate" in found.stdout and "make keep NAME=" in found.stdout
    kept = call_labs("keep", "old-log", folder=tmp_path)
    assert kept.returncode == 0, kept.stderr
    assert (tmp_path / "schedules" / "old-log.schedule").read_text(encoding="utf-8").startswith("raft-schedule 1\n")
    replayed = call_labs("replay", "schedules/old-log.schedule", folder=tmp_path)
    assert replayed.returncode == 1 and "VoteOnlyUpToDate" in replayed.stdout


def test_commands_of_a_find_choose_the_submission_and_the_recovery_is_not_a_line_of_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Found(LONG, "fail", "LogMatching", "LogMatching: two logs differ", time=LONG.duration + 1)
    lines = command.show(found, "my work").splitlines()
    assert [line for line in lines if "SUBMISSION='my work'" in line] == lines[-3:]
    assert lines[2].startswith("      It breaks after the end") and lines[3] == ""
    assert "It breaks" not in command.show(replace(found, time=1.0), "skeleton")
    kept = call_labs("keep", "late", "--submission", "my work", folder=tmp_path)
    assert "make replay TEST=schedules/late.schedule SUBMISSION='my work'\n" in kept.stdout


@pytest.mark.parametrize("stage", ["2A", "2B", "2C", "2D"])
def test_nothing_is_found_in_the_reference(stage: str) -> None:
    """A short search; the nightly campaign explore-variants has longer ones, over all correct servers."""
    work, search = Exploring(REFERENCE), Search(stage, 5)
    for _ in range(3):
        schedule = search.next()
        found = work.run(Job(schedule))
        assert found.status == "pass", f"{found.message}\n{write(schedule)}"
        search.learn(schedule, found.reached)


def test_keep_without_a_find_says_what_to_do(tmp_path: Path) -> None:
    refused = call_labs("keep", "x", folder=tmp_path)
    assert refused.returncode == 2 and "make explore and make shrink leave something" in refused.stderr


def test_a_server_that_never_yields_costs_little_while_its_schedule_becomes_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = """
class Raft(Plain):
    async def run(self):
        await trio.sleep_forever()

    def start(self, command):
        while command == "c":
            pass
        return -1, 0, False
"""
    submission = write_submission(tmp_path, "import trio\n" + server)
    monkeypatch.setattr(work, "TRIAL", 0.1)
    calm = parse(
        "raft-schedule 1\nstage 2A\nservers 3\nduration 2\n\n0.1 propose 0 'a'\n0.2 cut 0-1\n0.3 propose 1 'c'\n"
    )
    begun = time.process_time()
    with stalls.installed(), stalls.watched(stalls.Limits(cpu=2.0)):
        found = Exploring(submission).run(Job(calm, shrinks=True))
    assert (found.rule, found.steps_before) == ("NoStall", 3)
    assert found.schedule is not None and kinds(found.schedule) == [act.Propose]
    assert found.runs >= 4
    assert time.process_time() - begun < 2.0 + 0.2 * (found.runs + 1) + 1.0, "only the first run has the whole limit"

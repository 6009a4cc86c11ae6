"""What the explorer draws, and what comes next in a search."""

from __future__ import annotations

import itertools
import random

import pytest

from labs.explore.command import Searching
from labs.explore.drawing import draw
from labs.explore.mutating import MOST, mutate
from labs.explore.search import Search
from labs.explore.shapes import SHAPES, of_stage
from labs.raft.curriculum import STAGES
from labs.schedule import actions as act
from labs.schedule.text import parse, write

RAFT_STAGES = ("2A", "2B", "2C", "2D")


@pytest.mark.parametrize("stage", RAFT_STAGES)
def test_drawn_and_changed_schedules_can_be_written_and_have_only_what_the_stage_has(stage: str) -> None:
    drawn = [draw(stage, 3, number) for number in range(60)]
    chance = random.Random(1)
    changed = [mutate(one, other, chance, "changed") for one, other in itertools.pairwise(drawn)]
    for schedule in [*drawn, *changed]:
        assert parse(write(schedule)) == schedule
        assert len(schedule.steps) <= MOST or schedule in drawn
    kinds = {type(step.action) for schedule in drawn for step in schedule.steps}
    assert (act.Propose in kinds) == (stage != "2A")
    assert (act.Restart in kinds) == (stage in ("2C", "2D"))
    assert (act.Snapshot in kinds) == (stage == "2D")


def test_a_search_is_the_same_again_if_it_learns_the_same() -> None:
    one, two, other = Search("2C", 1), Search("2C", 1), Search("2C", 2)
    for number in range(20):
        schedules = [search.next() for search in (one, two, other)]
        assert schedules[0] == schedules[1] != schedules[2]
        for search, schedule in zip((one, two, other), schedules):
            search.learn(schedule, ["something", str(number % 3)])
    assert one.reached["something"] == 20


def test_only_what_reaches_something_new_is_changed_later() -> None:
    search = Search("2B", 1)
    first = search.next()
    search.learn(first, ["a"])
    for _ in range(30):
        search.learn(search.next(), ["a"])
    assert [schedule.name for schedule in search._kept] == [first.name]


def test_shapes_need_what_their_stage_has() -> None:
    assert {shape.make for shape in SHAPES} == set(of_stage(STAGES["2D"]))
    assert len(set(of_stage(STAGES["2A"]))) == sum(not shape.needs for shape in SHAPES)
    assert all(shape.make.__doc__ for shape in SHAPES)


@pytest.mark.parametrize("variable", ["", "NO_COLOR=1", "TERM=dumb"])
def test_a_search_updates_its_line_only_on_terminals_that_can(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, _, value in (each.partition("=") for each in ("TERM=xterm", variable) if each):
        monkeypatch.setenv(name, value)
    if variable != "NO_COLOR=1":
        monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    searching = Searching(90.0)
    searching._begun -= 60.0
    searching.count(5)
    searching.clear()
    shown = capsys.readouterr().err
    words = "1 runs, 5 situations and states reached, 30 s left"
    assert words in shown and shown.startswith(words if variable else "\r") and ("\r" in shown) is not bool(variable)

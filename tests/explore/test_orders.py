"""Every order in the small: what commutes, what is left out, and what is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from labs.explore.orders import work
from labs.explore.orders.choices import Bounds, Choice, commute, ladder
from labs.explore.orders.command import table
from labs.explore.orders.deepening import Level, deepen
from labs.explore.orders.execution import Ended, Guide, execute
from labs.explore.orders.tree import Branch, Explored, Known, Walk
from labs.explore.orders.work import Orders, Part, Piece
from labs.explore.work import Found
from labs.raft.curriculum import STAGES
from labs.raft.lab import RAFT
from labs.schedule.player import scenario_of
from labs.schedule.text import parse, write
from labs.sim.loader.program import Program
from labs.sim.net.interception import Address
from labs.testing.run import run_scenario
from tests.corpora import mutants, variants
from tests.running import REFERENCE, call_labs

REQUEST, REPLY = Address("RequestVote", 0, 1, 1), Address("RequestVote", 1, 0, 1, "reply")
OTHER, LATER = Address("RequestVote", 0, 2, 1), Address("AppendEntries", 0, 1, 1)


def program(folder: Path) -> Program:
    return Program(folder, *RAFT.entry.split(":"))


def mutant(name: str, folder: Path) -> Path:
    return next(one for one in mutants.corpus() if one.name == name).write(folder / name)


class Calm(Walk):
    """A walk whose runs end with the last choice, in one of its `states`."""

    def wants_recovery(self, state: str) -> bool:
        if super().wants_recovery(state):
            self.states.add(state)
        return False

    states: set[str]


def walk(stage: str, bounds: Bounds, depth: int, prunes: bool = True) -> tuple[set[str], Explored]:
    """Return the states in which the orders of the reference end, and how many there were."""
    servers = program(REFERENCE)

    def run(seed: int, guide: Guide) -> Ended:
        return execute(servers, stage, bounds, seed, guide)

    walked = Calm(Branch(), depth, run, Known(), prunes)
    walked.states = set()
    assert all(ended.record.status == "pass" for ended in walked.go(10**6))
    return walked.states, walked.explored


@pytest.mark.parametrize(
    ("one", "other", "is_so"),
    [
        (Choice("deliver", 1, REQUEST), Choice("deliver", 2, OTHER), True),
        (Choice("deliver", 1, REQUEST), Choice("deliver", 0, REPLY), True),
        (Choice("deliver", 1, REQUEST), Choice("deliver", 1, LATER), False),
        (Choice("deliver", 1, REQUEST), Choice("lose", 0, REQUEST), False),
        (Choice("deliver", 1, REQUEST), Choice("lose", 0, LATER), False),
        (Choice("deliver", 1, REQUEST), Choice("lose", 0, OTHER), True),
        (Choice("deliver", 1, REQUEST), Choice("restart", 1), False),
        (Choice("deliver", 1, REQUEST), Choice("restart", 0), True),
        (Choice("propose", 0), Choice("propose", 1), False),
        (Choice("propose", 0), Choice("deliver", 1, REQUEST), True),
        (Choice("time out", 0), Choice("deliver", 1, REQUEST), False),
        (Choice("wait"), Choice("propose", 0), False),
    ],
)
def test_choices_about_two_servers_commute_unless_time_passes(one: Choice, other: Choice, is_so: bool) -> None:
    assert commute(one, other) is commute(other, one) is is_so


@pytest.mark.parametrize(
    ("stage", "bounds", "depth"),
    [
        ("2A", Bounds(timeouts=1, losses=1, overtakes=1), 4),
        ("2C", Bounds(commands=1, restarts=1, losses=1), 2),
        ("2D", Bounds(commands=1, waits=1), 4),
    ],
)
def test_what_is_left_out_would_have_led_to_the_same_states(stage: str, bounds: Bounds, depth: int) -> None:
    states, explored = walk(stage, bounds, depth)
    all_states, everything = walk(stage, bounds, depth, prunes=False)
    assert states == all_states
    assert len(states) > 5
    assert explored.runs < everything.runs
    assert explored.pruned > everything.pruned == 0


class Noting(Walk):
    """A walk that remembers the choices of each order that is run to its end."""

    def wants_recovery(self, state: str) -> bool:
        if not self._is_blocked and not self._strayed:
            self.orders.append(self._chosen())
        return False

    orders: list[tuple[Choice, ...]]


def noted(bounds: Bounds, depth: int, prunes: bool = True, most: int = 10**6) -> Noting:
    servers = program(REFERENCE)

    def run(seed: int, guide: Guide) -> Ended:
        return execute(servers, "2C", bounds, seed, guide)

    walked = Noting(Branch(), depth, run, Known(), prunes)
    walked.orders = []
    for _ in walked.go(most):
        pass
    return walked


def class_of(order: tuple[Choice, ...]) -> tuple[tuple[str, ...], ...]:
    """Return what orders have in common that differ only by swaps of what commutes: each choice as early as may be."""
    layers: list[list[Choice]] = []
    for choice in order:
        place = next(
            (n for n in range(len(layers), 0, -1) if not all(commute(choice, one) for one in layers[n - 1])), 0
        )
        layers += [[]] * (place == len(layers))
        layers[place] = [*layers[place], choice]
    return tuple(tuple(sorted(map(repr, layer))) for layer in layers)


def test_of_each_class_one_order_is_run_and_no_class_is_left_out() -> None:
    bounds = Bounds(commands=2, restarts=1)
    pruned, whole = noted(bounds, 3), noted(bounds, 3, prunes=False)
    classes = [class_of(order) for order in pruned.orders]
    assert len(classes) == len(set(classes)) == pruned.explored.runs > 30
    assert set(classes) == {class_of(order) for order in whole.orders}
    assert whole.explored.runs > len(classes)


def test_few_runs_end_early_where_time_passes() -> None:
    """Only these could be saved by choosing with more foresight what to try: see labs/explore/orders/tree.py."""
    explored = noted(Bounds(commands=2, timeouts=1, waits=1, restarts=1), 4, most=300).explored
    assert explored.runs >= 300
    assert explored.blocked < explored.runs / 50


def test_a_branch_in_pieces_is_the_same_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    def counts(most: int) -> tuple[int, int, int]:
        monkeypatch.setattr(work, "MOST", most)
        orders, level = Orders(REFERENCE), Level(Bounds(timeouts=1), 6)
        left = [Piece("2A", level.bounds, level.depth, Branch())]
        while left:
            piece = left.pop()
            part = orders.run(piece)
            level.add(part)
            left += [Piece(piece.stage, piece.bounds, piece.depth, branch) for branch in part.explored.rest]
        return level.runs, level.pruned, level.cut

    assert counts(7) == counts(10**6)


@pytest.mark.parametrize(
    ("stage", "name"), [("2A", "B224_sends_after_a_wait"), ("2B", "B812_asks_with_the_words_of_its_first_candidacy")]
)
def test_what_only_some_orders_show_is_found_and_fails_as_a_schedule(stage: str, name: str, tmp_path: Path) -> None:
    submission = mutant(name, tmp_path)
    found = first_find(stage, submission)
    assert found is not None and found.schedule is not None
    schedule = parse(write(found.schedule))
    again = run_scenario(scenario_of(schedule, "again"), submission, schedule.seed)
    assert (again.rule, again.message, again.virtual_time) == (found.rule, found.message, found.time)
    first = Orders(submission).run(Piece(stage, ladder(STAGES[stage])[0], 1, Branch()))
    assert first.found is None, "the first order does not show it"


def first_find(stage: str, submission: Path, most: int = 12) -> Found | None:
    """Return what is found first in at most this many jobs."""
    orders, done = Orders(submission), list[Piece]()

    def do(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, Part]]:
        for piece in pieces:
            done.append(piece)
            yield piece, orders.run(piece)

    levels = list(deepen(stage, 1, do, lambda: len(done) >= most))
    assert levels[-1].runs or levels[-1].found
    return levels[-1].found


@pytest.mark.parametrize("name", ["reference", "modest_leader"])
@pytest.mark.parametrize("stage", ["2A", "2B"])
def test_nothing_is_found_in_a_correct_server(name: str, stage: str, tmp_path: Path) -> None:
    submission = REFERENCE
    if name != "reference":
        submission = next(one for one in variants.corpus() if one.name == name).write(tmp_path / name)
    assert first_find(stage, submission, most=1) is None


def test_each_of_a_stages_bounds_holds_the_one_before() -> None:
    for stage in ("2A", "2B", "2C", "2D"):
        bounds = ladder(STAGES[stage])
        assert (bounds[-1].commands, bounds[-1].restarts) == (2 * (stage != "2A"), int(stage in ("2C", "2D")))
        assert bounds[-1].timeouts >= 2 and bounds[-1].losses and bounds[-1].overtakes


def test_a_level_that_depth_has_not_cut_off_ends_its_bounds() -> None:
    cut, done = [3, 0, 5, 0, 0], list[Piece]()

    def do(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, Part]]:
        for piece in pieces:
            done.append(piece)
            yield piece, Part(Explored(runs=10, pruned=4, cut=cut[len(done) - 1]))

    levels = list(deepen("2A", 1, do, lambda: len(done) == len(cut)))
    one, two, more, most = ladder(STAGES["2A"])
    assert [(level.bounds, level.depth) for level in levels] == [(one, 6), (one, 8), (two, 6), (more, 6), (most, 6)]
    assert all(level.is_complete for level in levels)
    stopped = Level(two, 8, runs=1234, pruned=1)
    lines = [" ".join(line.split()) for line in table([*levels[:3], stopped]).splitlines()]
    assert lines == [
        "1 timeout complete 10 orders run, 4 pruned as equivalent",
        "2 timeouts, 6 choices complete 10 orders run, 4 pruned as equivalent",
        "2 timeouts, 8 choices stopped 1,234 orders run, 1 pruned as equivalent",
    ]


def test_the_command_reports_what_is_complete(tmp_path: Path) -> None:
    process = call_labs(
        "explore", "2A", "--exhaustive", "--time", "1", "--submission", str(REFERENCE), cwd=str(tmp_path)
    )
    assert process.returncode == 0
    assert "1 timeout" in process.stdout and "complete" in process.stdout and "pruned as equivalent" in process.stdout
    assert "found nothing" in process.stdout

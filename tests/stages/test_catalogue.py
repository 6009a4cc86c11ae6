"""The catalogues of stage tests and of rules: complete, consistent, and found by the names that people type."""

from __future__ import annotations

import inspect
import re
from collections import Counter

import pytest

from labs.checking.rule import Rule
from labs.raft.lab import scenario
from labs.raft.rules import RULES
from labs.raft.stages import catalogue
from labs.sim.net.network import RELIABLE
from labs.testing.scenario import Scenario
from tests.running import ROOT

EVERYTHING = catalogue.scenarios()
DRILLS = catalogue.scenarios(kind="drills")

MIT_TESTS = [
    "TestInitialElection2A",
    "TestReElection2A",
    "TestManyElections2A",
    "TestBasicAgree2B",
    "TestRPCBytes2B",
    "TestFollowerFailure2B",
    "TestLeaderFailure2B",
    "TestFailAgree2B",
    "TestFailNoAgree2B",
    "TestConcurrentStarts2B",
    "TestRejoin2B",
    "TestBackup2B",
    "TestCount2B",
    "TestPersist12C",
    "TestPersist22C",
    "TestPersist32C",
    "TestFigure82C",
    "TestUnreliableAgree2C",
    "TestFigure8Unreliable2C",
    "TestReliableChurn2C",
    "TestUnreliableChurn2C",
    "TestSnapshotBasic2D",
    "TestSnapshotInstall2D",
    "TestSnapshotInstallUnreliable2D",
    "TestSnapshotInstallCrash2D",
    "TestSnapshotInstallUnCrash2D",
    "TestSnapshotAllCrash2D",
    "TestSnapshotInit2D",
]


# Stage tests.


def test_there_are_fifty_tests_and_more() -> None:
    assert len(EVERYTHING) >= 50
    assert {found.stage for found in EVERYTHING} == {"0", "2A", "2B", "2C", "2D"}


def test_ids_are_unique_and_can_be_typed() -> None:
    ids = [found.id for found in EVERYTHING + DRILLS]
    assert [name for name, count in Counter(map(str.lower, ids)).items() if count > 1] == []
    assert [found.id for found in EVERYTHING if not re.fullmatch(r"(0|2[A-D])/[a-z0-9]+(_[a-z0-9]+)*", found.id)] == []
    assert all(found.id.startswith(f"{found.stage}/") for found in EVERYTHING)


def test_titles_say_the_situation_once_in_a_stage() -> None:
    titles = Counter((found.stage, found.title) for found in EVERYTHING)
    assert [title for title, count in titles.items() if count > 1] == []
    assert [found.title for found in EVERYTHING if not 10 <= len(found.title) <= 110] == []
    assert [found.title for found in EVERYTHING if found.title.startswith("test") or found.title.endswith(".")] == []


def test_each_stage_is_worth_points_and_the_warm_up_is_not() -> None:
    points = Counter[str]()
    for found in EVERYTHING:
        points[found.stage] += found.points
        assert found.points >= (0 if found.stage == "0" else 1), found.id
    assert points["0"] == 0
    assert all(points[stage] >= 20 for stage in ("2A", "2B", "2C", "2D"))


def test_every_test_of_the_classic_suite_has_one_counterpart() -> None:
    assert len(MIT_TESTS) == 28
    assert sorted(found.mit for found in EVERYTHING if found.mit) == sorted(MIT_TESTS)


def test_counterpart_is_in_the_same_stage_and_named_in_the_docstring() -> None:
    for found in EVERYTHING:
        if found.mit:
            assert found.mit.endswith(found.stage)
            assert f"Counterpart: {found.mit}." in (inspect.getdoc(found.test) or ""), found.id


def test_counterpart_has_as_many_servers_and_as_bad_a_network() -> None:
    by_mit = {found.mit: found for found in EVERYTHING}
    seven = {"TestManyElections2A"}
    five = {"TestFailNoAgree2B", "TestBackup2B", "TestPersist22C", "TestFigure82C", "TestUnreliableAgree2C"}
    five |= {"TestFigure8Unreliable2C", "TestReliableChurn2C", "TestUnreliableChurn2C"}
    for name in MIT_TESTS:
        assert by_mit[name].sizes == ((7,) if name in seven else (5,) if name in five else (3,)), name
        unreliable = "Unreliable" in name or "UnCrash" in name
        conditions = by_mit[name].conditions
        assert (conditions.request_loss, conditions.reply_loss) == ((0.1, 0.1) if unreliable else (0.0, 0.0)), name


def test_only_snapshot_tests_let_the_service_take_snapshots() -> None:
    for found in EVERYTHING:
        assert found.snapshots == (found.stage == "2D"), found.id
        assert found.entry == ("warmup.py:Warmup" if found.stage == "0" else "raft.py:Raft"), found.id


def test_size_of_a_cluster_is_a_function_of_the_seed() -> None:
    for found in EVERYTHING:
        sizes = [found.size(seed) for seed in range(40)]
        assert sizes == [found.size(seed) for seed in range(40)]
        assert set(sizes) == set(found.sizes), found.id


def test_tests_of_one_seed_draw_their_sizes_independently() -> None:
    drawn = {tuple(found.size(seed) for seed in range(20)) for found in EVERYTHING if found.sizes == (3, 5)}
    assert len(drawn) > 5


def test_stage_files_hold_nothing_but_scenarios() -> None:
    for file in catalogue.files():
        tests = re.findall(r"^async def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        stage = file.stem.split("_")[1]
        assert [f"{stage}/{name.removeprefix('test_')}" for name in tests] == [s.id for s in catalogue.scenarios(stage)]


# Finding tests.


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("2A/initial_election", ["2A/initial_election"]),
        ("2a/INITIAL_election", ["2A/initial_election"]),
        ("initial election", ["2A/initial_election"]),
        ("2B/rpc_c", ["2B/rpc_counts"]),
        ("every ping", ["0/ping_every_peer"]),
        ("2C/figure_8", ["2C/figure_8"]),
        ("figure_8", ["2B/figure_8", "2C/figure_8"]),
        ("no such test", []),
    ],
)
def test_test_is_found_by_id_or_part_of_id_or_title(name: str, ids: list[str]) -> None:
    assert [found.id for found in catalogue.find(name)] == ids


def test_exact_id_wins_over_longer_ones() -> None:
    assert len([found for found in EVERYTHING if catalogue.matches(found, "2C/figure_8")]) > 1
    assert len(catalogue.find("2C/figure_8")) == 1


@pytest.mark.parametrize(
    ("stage", "file"), [("2A", "test_2A_election.py"), ("2a", "test_2A_election.py"), ("WarmUp", "test_0_warmup.py")]
)
def test_stage_is_found_whatever_its_case(stage: str, file: str) -> None:
    found = catalogue.file_of(stage)
    assert found is not None and found.name == file
    assert catalogue.scenarios(stage) == [s for s in EVERYTHING if s in catalogue.scenarios(stage)] != []


def test_unknown_stage_is_none() -> None:
    assert catalogue.file_of("2E") is None
    assert catalogue.scenarios("2E") == []


def test_scenario_takes_its_title_from_the_docstring_and_its_name_from_the_function() -> None:
    @scenario(servers=3, points=1)
    async def test_something(cluster: object) -> None:
        """A title that ends with a full stop.

        More.
        """

    found: Scenario = test_something.scenario  # type: ignore[attr-defined]
    assert found.title == "A title that ends with a full stop"
    assert found.id.endswith("/something")
    assert (found.sizes, found.conditions, found.snapshots, found.mit) == ((3,), RELIABLE, False, None)


# Rules.


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_rule_has_a_place_a_sentence_and_a_hint(rule: Rule) -> None:
    assert RULES[rule.id] is rule
    assert re.fullmatch(r"([A-Z][a-zA-Z0-9]+)", rule.id)
    assert re.search(r"§\d|Figure (2|13|3)|the (simulator|student's API|skeleton|warm-up)", rule.place)
    assert rule.says and rule.says[-1].isalpha()
    assert rule.hint and rule.stage in ("2A", "2B", "2C", "2D")


def test_every_rule_that_the_lab_names_is_in_the_catalogue_and_every_rule_is_named() -> None:
    sources = [path for path in (ROOT / "labs").rglob("*.py") if path.name != "catalogue.py"]
    named = {word for path in sources for word in re.findall(r'"([A-Z][A-Za-z]+)"', path.read_text(encoding="utf-8"))}
    unused = set(RULES) - named
    assert unused == set()

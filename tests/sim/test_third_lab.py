"""A third lab: its own messages, one-way ones too, checkers, stages, and a drill, in both kinds of hosts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labs.checking.outcome import Outcomes
from labs.report.space_time import View, draw
from labs.report.trace_text import line
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.stops import BadSnapshot, Flood
from labs.testing.cluster import Cluster
from labs.testing.run import run_scenario
from labs.testing.scenario import Scenario
from labs.trace.events import Apply, Drop, Restart, Send, Timeout
from tests.corpora.two_phase import stage_1_commit, stage_2_aborts
from tests.corpora.two_phase.lab import TWO_PHASE
from tests.corpora.two_phase.protocol import CLIENTS
from tests.running import simulate
from tests.tools.parity import difference_of

FOLDER = Path(stage_1_commit.__file__).parent
SCENARIOS: list[Scenario] = [
    vars(function)["scenario"] for function in (stage_1_commit.commit, stage_1_commit.drill_no, stage_2_aborts.aborts)
]
COMMIT, DRILL, ABORTS = SCENARIOS
TEXT = (FOLDER / "party.py").read_text(encoding="utf-8")


def party(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write a server of the lab, with some changes."""
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "party.py").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_right_server_passes_in_both_kinds_of_hosts(tmp_path: Path, scenario: Scenario, seed: int) -> None:
    folder = party(tmp_path)
    inline = run_scenario(scenario, folder, seed)
    assert inline.status == "pass", inline.message
    with ProcessHosts() as hosts:
        assert difference_of(inline, run_scenario(scenario, folder, seed, hosts=hosts)) == ""


def test_one_way_messages_are_neither_answered_nor_waited_for(tmp_path: Path) -> None:
    run = simulate(party(tmp_path), ABORTS)
    assert {event.call for event in run.of(Send)} == {"Begin", "Prepare", "Vote", "Decide"}
    begun = {event.rpc for event in run.of(Send) if event.call == "Begin"}
    assert {event.rpc for event in run.of(Timeout)} <= begun


def test_a_trace_of_it_can_be_read_and_drawn(tmp_path: Path) -> None:
    run = simulate(party(tmp_path), COMMIT)
    lines = [line(event, 4) for event in run.events]
    assert any("Prepare 1 good 1" in text for text in lines)
    assert "Decide" in draw(run.events, 5, "two-phase commit", View())


# A server that joins later.

NEW = 5


async def join(cluster: Cluster) -> None:
    """a participant that joins later takes part in what is decided from then on"""
    assert not cluster.is_up(NEW)
    cluster.start(CLIENTS.members[0], "good 1")
    await cluster.sleep(1.0)
    cluster.add(NEW)
    await cluster.sleep(1.0)
    cluster.start(CLIENTS.members[0], "good 2")
    await cluster.sleep(1.0)


JOIN = replace(COMMIT, id="1/join", test=join, sizes=(6,), later=1)


def test_a_server_can_join_later_in_both_kinds_of_hosts(tmp_path: Path) -> None:
    run = simulate(party(tmp_path), JOIN)
    assert run.record.status == "pass", run.record.message
    (begun,) = run.of(Restart, NEW)
    assert (begun.time, begun.incarnation) == (1.0, 0)
    assert min(event.time for event in run.events if event.server == NEW) == 1.0
    assert [event.command for event in run.of(Apply, NEW)] == ["good 2"]
    assert [event.command for event in run.of(Apply, 2)] == ["good 1", "good 2"]
    with ProcessHosts() as hosts:
        assert difference_of(run.record, run_scenario(JOIN, tmp_path, 1, hosts=hosts)) == ""


def test_what_is_sent_to_a_server_that_has_not_joined_is_dropped(tmp_path: Path) -> None:
    early = ("self.participants = [*PARTICIPANTS.members]", "self.participants = [*PARTICIPANTS.members, 5]")
    run = simulate(party(tmp_path, early), JOIN)
    assert {(drop.time, drop.reason) for drop in run.of(Drop) if drop.peer == NEW and drop.time < 1.0} == {
        (0.0, "down")
    }


def test_a_server_that_has_run_is_not_new(tmp_path: Path) -> None:
    async def join_twice(cluster: Cluster) -> None:
        with pytest.raises(ValueError, match="server 2 is not new"):
            cluster.add(2)
        cluster.add(NEW)
        cluster.crash(NEW)
        with pytest.raises(ValueError, match="server 5 is not new"):
            cluster.add(NEW)
        cluster.restart(NEW)

    run = simulate(party(tmp_path), replace(JOIN, test=join_twice))
    assert run.record.status == "pass", run.record.message
    assert [event.incarnation for event in run.of(Restart, NEW)] == [0, 1]


# Wrong servers.

WAITS = "while len(votes) < len(self.participants):"
COUNTS = "len(votes) == len(self.participants) and all(votes.values())"
SENDS, CALLS = "self.node.send(participant, Prepare(args", "await self.node.call(participant, Prepare(args"
WRONG = {
    "does not wait for all": ([(WAITS, "while not votes:"), (COUNTS, "all(votes.values())")], ABORTS, "AllVotes"),
    "counts no as yes": ([(COUNTS, "len(votes) == len(self.participants)")], ABORTS, "AllVotes"),
    "never votes no": ([('not args.command.startswith("bad")', "True")], DRILL, "AllVotes"),
    "answers a one-way message": (
        [("[args.voter] = args.yes", "[args.voter] = 1; return 1")],
        COMMIT,
        "WellFormed",
    ),
    "waits for an answer that never comes": ([(SENDS, CALLS)], COMMIT, "WellFormed"),
    "raises": ([("self.bell.set()\n        return", "self.bell.ring()\n        return")], COMMIT, "NoCrash"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_server_breaks_a_rule_of_the_lab(tmp_path: Path, name: str) -> None:
    changes, scenario, rule = WRONG[name]
    record = run_scenario(scenario, party(tmp_path, *changes), 1)
    assert record.rule == rule, record.message


def test_the_lab_is_small() -> None:
    """To add a protocol takes one folder; the server in it is a student's."""
    files = [path for path in FOLDER.glob("*.py") if path.name != "party.py"]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 150


def test_stops_of_the_simulator_have_rules_in_any_lab() -> None:
    outcomes = Outcomes(TWO_PHASE.rules)
    assert outcomes.of(Flood("too many", [0]), 1.0).rule == "CpuBudget"
    assert outcomes.of(BadSnapshot("not taken", [0]), 1.0).rule == "WellFormed"

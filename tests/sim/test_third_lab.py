"""A third lab: its own messages, one-way ones too, checkers, stages, and a drill, in both kinds of hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from labs.report.space_time import View, draw
from labs.report.trace_text import line
from labs.sim.hosts.process.pool import ProcessHosts
from labs.testing.run import run_scenario
from labs.testing.scenario import Scenario
from labs.trace.events import Send, Timeout
from tests.corpora.two_phase import stage_1_commit, stage_2_aborts
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


WAITS = "while len(votes) < PARTICIPANTS.size:"
COUNTS = "len(votes) == PARTICIPANTS.size and all(votes.values())"
SENDS, CALLS = "self.node.send(participant, Prepare(args", "await self.node.call(participant, Prepare(args"
WRONG = {
    "does not wait for all": ([(WAITS, "while not votes:"), (COUNTS, "all(votes.values())")], ABORTS, "AllVotes"),
    "counts no as yes": ([(COUNTS, "len(votes) == PARTICIPANTS.size")], ABORTS, "AllVotes"),
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

"""A third lab: its own messages, one-way ones too, checkers, stages, and a drill, in both kinds of hosts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labs.checking.checker import Checker
from labs.checking.outcome import Outcomes
from labs.report.space_time import View, draw
from labs.report.trace_text import line
from labs.sim.hosts.process.frames import Answer, BadFrame
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.hosts.process.validate import Customs
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Saved
from labs.sim.stops import BadSnapshot, Flood
from labs.testing.cluster import Cluster
from labs.testing.run import run_scenario
from labs.testing.scenario import Scenario
from labs.trace.events import Apply, Drop, Restart, Send, Timeout
from labs.trace.reader import read
from tests.corpora.two_phase import stage_1_commit, stage_2_aborts
from tests.corpora.two_phase.lab import TWO_PHASE
from tests.corpora.two_phase.protocol import CLIENTS, PARTICIPANTS, SaveJournal
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


# A server that crashes.


async def crash(cluster: Cluster) -> None:
    """a participant that crashes after its vote does what was decided after it has restarted"""
    cluster.start(CLIENTS.members[0], "good 1")
    await cluster.sleep(0.1)
    cluster.pause(4)
    cluster.start(CLIENTS.members[0], "good 2")
    await cluster.sleep(0.1)
    cluster.restart(2)
    cluster.resume(4)
    await cluster.sleep(0.1)
    cluster.check(cluster.applied(2).count == PARTICIPANTS.size, "AllApply", "not all applied 2")


CRASH = replace(COMMIT, id="1/crash", test=crash)


def test_a_state_of_its_own_survives_a_restart_in_both_kinds_of_hosts(tmp_path: Path) -> None:
    run = simulate(party(tmp_path), CRASH)
    assert run.record.status == "pass", run.record.message
    assert [(event.index, event.command) for event in run.of(Apply, 2)] == [(1, "good 1"), (1, "good 1"), (2, "good 2")]
    one, two = {"1": "good 1"}, {"1": "good 1", "2": "good 2"}
    saves = run.of(SaveJournal, 2)
    wanted = [(one, []), (one, ["good 1"]), (two, ["good 1"]), (two, ["good 1", "good 2"])]
    assert [(event.prepared, event.done) for event in saves] == wanted
    assert [event.size for event in saves] == [32, 32, 32, 36]
    with ProcessHosts() as hosts:
        assert difference_of(run.record, run_scenario(CRASH, tmp_path, 1, hosts=hosts)) == ""


def test_a_checker_and_the_reader_of_a_trace_see_a_state_of_its_own(tmp_path: Path) -> None:
    class Seen(Checker):
        """Keeps the saves of a run."""

        def __init__(self) -> None:
            self.saves: list[SaveJournal] = []

        def on_save(self, event: SaveJournal) -> None:
            self.saves.append(event)

    seen, path = Seen(), tmp_path / "crash.trace.jsonl"
    with path.open("wb") as file:
        run_scenario(CRASH, party(tmp_path), 1, file, watchers=[seen])
    saves = [event for event in read(path)[1] if isinstance(event, SaveJournal)]
    assert saves == seen.saves
    assert line(seen.saves[-1], 4).endswith("save prepared={'1': 'good 1', '2': 'good 2'} done=['good 1', 'good 2']")
    assert "save prepared={" in draw(saves, 5, "two-phase commit", View())


REFUSED = {
    "a state of another lab": ("PersistentState(1, None, [])", "persister.save wants a Journal, not a PersistentState"),
    "a list for a dict": ("Journal([], self.done)", "Journal: Expected `object`, got `array` - at `$[0]`"),
    "a number for a command": ("Journal({'1': 1}, self.done)", "Journal: Expected `str`, got `int` - at `$[0][...]`"),
    "a set": ("Journal(self.prepared, {1})", "Journal.done is a set: {1}; allowed are"),
    "a long integer": ("Journal({'1': 2**70}, self.done)", "Journal.prepared['1'] is the integer 1180"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_state_of_wrong_types_is_refused_in_both_kinds_of_hosts(tmp_path: Path, what: str) -> None:
    state, text = REFUSED[what]
    head = ("from labs.messages import ApplyCommand", "from labs.messages import ApplyCommand, PersistentState")
    old = "self.done.append(self.prepared[str(args.number)])\n            self.node.persister.save("
    party(tmp_path, head, (f"{old}Journal(self.prepared, self.done))", f"{old}{state})"))
    inline = run_scenario(CRASH, tmp_path, 1)
    assert inline.rule == "WellFormed"
    assert text in inline.message
    with ProcessHosts() as hosts:
        assert difference_of(inline, run_scenario(CRASH, tmp_path, 1, hosts=hosts)) == ""


FORGED = {
    "entries of a Journal, which has no log": Saved(b"\x01\x92\x80\x90", 0, 0, 0, [b"x"], None, None, None),
    "a log after 3 that begins elsewhere": Saved(b"\x01\x92\x80\x90", 3, 0, 0, [], None, None, None),
    "a Journal after a PersistentState": Saved(b"\x01\x92\x80\x90", 0, 0, 0, [], None, None, None),
}


@pytest.mark.parametrize("text", FORGED)
def test_a_process_cannot_forge_a_state(text: str) -> None:
    disk = Disk(b"\x00\x94\x01\xc0\x00\x00" if "after a" in text else b"")
    with pytest.raises(BadFrame, match=text):
        Customs(0, 3, disk).check(Answer(1, 1.0, False, [FORGED[text]], [], None, []))


# Wrong servers.

WAITS = "while len(votes) < len(self.participants):"
COUNTS = "len(votes) == len(self.participants) and all(votes.values())"
SENDS, CALLS = "self.node.send(participant, Prepare(args", "await self.node.call(participant, Prepare(args"
PREPARES = "args.command\n        self.node.persister.save(Journal(self.prepared, self.done))"
WRONG: dict[str, tuple[list[tuple[str, str]], Scenario, str]] = {
    "does not wait for all": ([(WAITS, "while not votes:"), (COUNTS, "all(votes.values())")], ABORTS, "AllVotes"),
    "counts no as yes": ([(COUNTS, "len(votes) == len(self.participants)")], ABORTS, "AllVotes"),
    "never votes no": ([('not args.command.startswith("bad")', "True")], DRILL, "AllVotes"),
    "answers a one-way message": (
        [("[args.voter] = args.yes", "[args.voter] = 1; return 1")],
        COMMIT,
        "WellFormed",
    ),
    "waits for an answer that never comes": ([(SENDS, CALLS)], COMMIT, "WellFormed"),
    "forgets what it has prepared": ([(PREPARES, PREPARES.replace("self.prepared", "{}"))], CRASH, "NoCrash"),
    "does not read what it has done": ([("saved.prepared, saved.done", "saved.prepared, []")], CRASH, "AllApply"),
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

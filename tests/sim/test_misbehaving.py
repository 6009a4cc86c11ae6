"""Servers whose code misbehaves, Raft aside: each ends its run with a verdict that names who, where, and what to do.

The verdict is the same from process hosts, which run each of them beside the inline run that is looked at.
"""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.raft.rules import RULES
from labs.raft.testing.cluster import Cluster
from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.loader.program import Program
from labs.testing.run import run_scenario
from tests.corpora.servers import misbehaving
from tests.running import SERVERS, Run, line_of, make_scenario, places_in, simulate, write_submission
from tests.tools.parity import difference_of

FILE = SERVERS / "misbehaving.py"

EXPECTED = {
    "RaisesInConstructor": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesInRun": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesInTask": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesInHandler": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesCancelledInHandler": ("NoCrash", "Cancelled: "),
    "RaisesGeneratorExitInStart": ("NoCrash", "GeneratorExit: wrong"),
    "RaisesGeneratorExitInSlowHandler": ("NoCrash", "GeneratorExit: wrong"),
    "RaisesItsOwnGroup": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesInSlowHandler": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesInStart": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesInGetState": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesInSnapshot": ("NoCrash", "KeyError: 'wrong'"),
    "RaisesWithoutText": ("NoCrash", "Unspeakable"),
    "RaisesBadText": ("NoCrash", "ValueError: "),
    "Exits": ("NoCrash", "SystemExit: wrong"),
    "RunWithoutSelf": ("NoCrash", "takes 0 positional arguments but 1 was given"),
    "PlainRun": ("WellFormed", "run must be `async def run(self)`"),
    "AsyncStart": ("WellFormed", "start must be a plain def"),
    "AsyncGetState": ("WellFormed", "get_state must be a plain def"),
    "StartReturnsNothing": ("WellFormed", "start must return (index, term, is_leader), not None"),
    "StartReturnsFloat": ("WellFormed", "start must return (index, term, is_leader), not (1.0, 1, True)"),
    "StartReturnsUnspeakable": ("WellFormed", "start must return (index, term, is_leader)"),
    "GetStateReturnsOneThing": ("WellFormed", "get_state must return (current_term, is_leader), not True"),
    "ReturnsNothing": ("WellFormed", "ping: it must return PingReply, not None"),
    "ReturnsAnotherReply": ("WellFormed", "ping: it must return PingReply, not RequestVoteReply("),
    "ReturnsWrongField": ("WellFormed", "PingReply: Expected `int`, got `str` - at `$.number`"),
    "ReturnsHollowReply": ("WellFormed", "PingReply: Object missing required field `number`"),
    "CallsItself": ("WellFormed", "node.call wants one of node.peers (1, 2), not 0"),
    "CallsFraction": ("WellFormed", "node.call wants one of node.peers (1, 2), not 1.0"),
    "SendsText": ("WellFormed", "'hello' is not a message: send one of the dataclasses of labs.messages"),
    "SendsReply": ("WellFormed", "node.call sends requests, not PingReply(number=1)"),
    "SendsWrongField": ("WellFormed", "RequestVoteArgs: Expected `int`, got `None` - at `$.candidate_id`"),
    "SendsHugeTerm": ("WellFormed", "RequestVoteArgs cannot be encoded"),
    "SendsAndCatches": ("WellFormed", "None is not a message"),
    "SavesSet": ("WellFormed", "is a set: {1, 2}; allowed are"),
    "SavesTuple": ("WellFormed", "PersistentState.log must be a list of LogEntry, not a tuple"),
    "SavesText": ("WellFormed", "persister.save wants the snapshot as bytes or None, not a str"),
    "SavesDict": ("WellFormed", "persister.save wants a PersistentState"),  # or, once it is loaded, the third lab's
    "AppliesSet": ("WellFormed", "(use a sorted list)"),
    "AppliesEntry": ("WellFormed", "wants ApplyCommand or ApplySnapshot, not LogEntry("),
    "AppliesTextIndex": ("WellFormed", "index must be an int, not '1'"),
    "AppliesTextSnapshot": ("WellFormed", "data bytes"),
    "Spins": ("NoSpin", "without letting time pass"),
    "SpinsWithPeer": ("NoSpin", "without letting time pass"),
    "SpinsInTwoTasks": ("NoSpin", "without letting time pass"),
    "SpinsMakingTasks": ("NoSpin", "without letting time pass"),
    "Sleeps": ("NoCrash", "time.sleep would stop every server; use: await trio.sleep(seconds)"),
    "ImportsThreading": ("SimulatedTimeOnly", "has no threading: use trio tasks"),
    "ImportsAsyncio": ("SimulatedTimeOnly", "has no asyncio: the lab runs on trio"),
    "SwallowsCancelled": ("EndsWhenCrashed", "goes on after its crash"),
    "ShieldsItself": ("EndsWhenCrashed", "goes on after its crash"),
    "LingersAfterCrash": ("EndsWhenCrashed", "goes on after its crash"),
}
RAISED_AGAIN = ("RaisesCancelledInHandler",)
"""Servers that raise an exception which was raised before: both lines are named, where it came up first."""
HARMLESS = ("RaisesWhenCrashed", "RaisesInOneTaskWhenCrashed", "NotesBadText")
ENDED_FROM_OUTSIDE = ("NeverYields", "NeverYieldsInGetState", "NeverYieldsNorListens")
"""Servers that only a wall clock can end (tests/cli/test_stalls.py)."""


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers spin for less long than usual, to save time."""
    monkeypatch.setattr("labs.sim.scheduler.MAX_PASSES", 500)


async def exercise(cluster: Cluster) -> None:
    """Do to the servers all that a test can."""
    await cluster.sleep(0.5)
    cluster.state(0)
    cluster.start(0, "x")
    await cluster.sleep(0.1)
    cluster.crash(1)
    await cluster.sleep(0.5)
    cluster.restart(1)
    await cluster.sleep(0.5)


@pytest.fixture(scope="module")
def hosts() -> Iterator[ProcessHosts | None]:
    """Yield process hosts, or None where there can be none."""
    if not hasattr(os, "fork"):
        yield None
        return
    with ProcessHosts(HostOptions(step_seconds=20.0)) as running:
        yield running


SCENARIO = make_scenario(exercise, servers=3, snapshots=True)


def run_misbehaving(name: str) -> Run:
    return simulate(Program(SERVERS, FILE.name, name), SCENARIO)


def difference_in_processes(name: str, run: Run, hosts: ProcessHosts | None) -> str:
    """Return in what the same server's run in process hosts differs from this one; "" if in nothing."""
    if hosts is None:
        return ""
    return difference_of(run.record, run_scenario(SCENARIO, Program(SERVERS, FILE.name, name), 1, hosts=hosts))


@pytest.mark.parametrize("name", EXPECTED)
def test_misbehaving_server_is_named_with_line_and_reason(name: str, hosts: ProcessHosts | None) -> None:
    rule, text = EXPECTED[name]
    run = run_misbehaving(name)
    record = run.record
    victim = 1 if rule == "EndsWhenCrashed" else 0
    assert (record.status, record.rule) == ("error", rule), record.message
    assert record.message.startswith(f"{rule}: server {victim} ")
    assert text in record.message
    marks = [f"# here: {name}"] + [f"# again: {name}"] * (name in RAISED_AGAIN)
    assert places_in(record.message) == [f"misbehaving.py:{line_of(FILE, mark)}" for mark in marks]
    assert record.involved == [victim]
    assert record.hint == RULES[rule].hint
    assert len(record.message) < 2500
    assert difference_in_processes(name, run, hosts) == ""


@pytest.mark.parametrize("name", HARMLESS)
def test_odd_server_that_harms_nobody_passes(name: str, hosts: ProcessHosts | None) -> None:
    run = run_misbehaving(name)
    assert run.record.status == "pass", run.record.message
    assert difference_in_processes(name, run, hosts) == ""


def test_server_that_cancels_the_run_ends_it_with_a_verdict() -> None:
    """Where it shares the lab's process; elsewhere it can cancel itself only."""
    record = run_misbehaving("CancelsTheRun").record
    assert (record.status, record.rule) == ("error", "NoCrash")
    assert "a nursery or a cancel scope that is not its own" in record.message


@pytest.mark.parametrize("name", ["RaisesInRun", "Spins", "SwallowsCancelled"])
def test_misbehaving_server_misbehaves_the_same_again(name: str) -> None:
    assert run_misbehaving(name).record.digest == run_misbehaving(name).record.digest


@pytest.mark.parametrize("name", ["Spins", "SpinsMakingTasks", "SwallowsCancelled", "ShieldsItself"])
def test_server_that_does_not_end_leaves_no_complaints_of_python(
    name: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    complaints: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", complaints.append)
    run_misbehaving(name)
    gc.collect()
    assert complaints == [] and list(recwarn) == []


def test_every_misbehaving_server_is_expected_somewhere() -> None:
    classes = {
        name for name, cls in vars(misbehaving).items() if inspect.isclass(cls) and "Plain" in str(cls.__bases__)
    }
    assert classes == {*EXPECTED, *HARMLESS, *ENDED_FROM_OUTSIDE, "CancelsTheRun"}


@pytest.mark.parametrize(
    ("text", "rule", "message", "place"),
    [
        ("import nothing_of_that_name", "NoCrash", "ModuleNotFoundError: No module named 'nothing_of_that_name'", 4),
        ("from labs.messages import Vote", "NoCrash", "ImportError: cannot import name 'Vote'", 4),
        ("\nboom = 1 / 0\nclass Raft(Plain): ...", "NoCrash", "ZeroDivisionError: division by zero", 5),
        ("import threading", "SimulatedTimeOnly", "has no threading: use trio tasks: nursery.start_soon(...)", 4),
        ("from other import x", "WellFormed", "other.py:2 is not valid Python", 4),
    ],
)
def test_module_that_cannot_be_executed_is_named_with_line(
    tmp_path: Path, text: str, rule: str, message: str, place: int
) -> None:
    folder = write_submission(tmp_path, text, {"other.py": "\nx = = 1\n"})
    record = simulate(folder).record
    assert (record.status, record.rule) == ("error", rule), record.message
    assert record.message.startswith(f"{rule}: server 0 ")
    assert message in record.message
    assert f"raft.py:{place}" in record.message


def test_constructor_with_other_parameters_is_named_with_its_line(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, "class Raft(Plain):\n    def __init__(self, node): ...")
    record = simulate(folder).record
    assert (record.status, record.rule) == ("error", "NoCrash")
    assert "takes 2 positional arguments but 3 were given at raft.py:5 in __init__" in record.message


def test_missing_method_is_told_with_what_to_compare(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, "class Raft(Plain):\n    @property\n    def ping(self): return self.nothing")
    record = simulate(folder, make_scenario(exercise, servers=3)).record
    assert (record.status, record.rule) == ("error", "NoCrash")
    assert "has no attribute 'nothing'" in record.message and "raft.py:6" in record.message
    (tmp_path / "raft.py").write_text(
        "class Raft:\n    def __init__(self, node, apply_ch): ...\n    async def run(self): ...\n"
        "    def get_state(self): return 0, False\n"
    )
    record = simulate(tmp_path, make_scenario(exercise, servers=3)).record
    assert record.message.startswith("NoCrash: server 0 AttributeError: 'Raft' object has no attribute 'start'")
    assert record.hint.startswith("compare the class with skeleton/raft.py")


def test_submission_without_the_class_is_told_its_name(tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_text("class Server: ...\n")
    record = simulate(tmp_path).record
    assert (record.status, record.rule) == ("error", "WellFormed")
    assert "raft.py defines no class Raft" in record.message

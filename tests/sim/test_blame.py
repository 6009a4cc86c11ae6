"""Blame: no output of a server can cause an error of the simulator, or a verdict that is too long."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labs.checking.checker import Checker, Checkers
from labs.checking.outcome import Outcome
from labs.codec import safe_repr
from labs.raft.events import Save
from labs.raft.lab import RAFT
from labs.raft.testing.cluster import Cluster
from labs.sim.hosts.process.pool import ProcessHosts
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario
from labs.trace.events import Send
from labs.trace.recorder import Recorder, Unwritable
from tests.running import make_scenario, simulate, write_submission
from tests.tools.parity import difference_of

SAVES = """class Raft(Plain):
    async def run(self):
        await trio.sleep(0.1 * (1 + self.node.me))
        self.node.persister.save(PersistentState(7, None, [LogEntry(1, "x" * 1_000_000)]))
"""


@pytest.fixture(autouse=True)
def broken_judges(defects: list[str]) -> Iterator[None]:
    """Here the lab is broken on purpose."""
    yield
    defects.clear()


@pytest.fixture(scope="module")
def hosts() -> Iterator[ProcessHosts]:
    if not hasattr(os, "fork"):
        pytest.skip("process hosts need os.fork")
    with ProcessHosts() as running:
        yield running


def run_both(hosts: ProcessHosts, submission: Path, scenario: Scenario | None = None) -> RunRecord:
    """Run a server inline and in process hosts; return the record, which must be the same."""
    scenario = scenario or make_scenario()
    inline = simulate(submission, scenario).record
    assert difference_of(inline, run_scenario(scenario, submission, 1, hosts=hosts)) == ""
    return inline


def judged_by(monkeypatch: pytest.MonkeyPatch, **methods: Callable[..., None]) -> None:
    """Let one checker with these methods watch all runs."""
    judge: Any = type("Judge", (Checker,), {name: staticmethod(method) for name, method in methods.items()})
    monkeypatch.setitem(vars(RAFT), "checkers", lambda configuration, stage, counted: Checkers(None, [judge()]))


@pytest.mark.parametrize("error", [IndexError, RecursionError, MemoryError, AssertionError])
def test_error_while_a_save_is_judged_is_that_servers(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def on_save(event: Save) -> None:
        raise error("a checker is broken")

    judged_by(monkeypatch, on_save=on_save)
    record = run_both(hosts, write_submission(tmp_path, SAVES))
    assert (record.status, record.rule, record.involved) == ("error", "WellFormed", [0])
    assert "server 0 handed over what cannot be graded: Save(time=0.1, server=0, current_term=7" in record.message
    assert len(record.message) < 500
    assert "a checker is broken" in record.details
    assert "in on_save" in record.details


def test_error_while_a_message_arrives_is_its_senders(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_deliver(event: Any) -> None:
        raise ZeroDivisionError

    judged_by(monkeypatch, on_deliver=on_deliver)
    record = run_both(hosts, write_submission(tmp_path, "class Raft(Plain): pass\n"))
    assert (record.status, record.rule) == ("error", "WellFormed")
    sender = record.involved[0]
    assert f"server {sender} handed over what cannot be graded: Deliver(" in record.message
    assert f"peer={sender}" in record.message


def test_error_while_an_outbox_is_carried_is_its_servers(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(snapshot: bytes | None) -> None:
        raise LookupError

    monkeypatch.setattr("labs.sim.dispatch.index_of_snapshot", broken)
    record = run_both(hosts, write_submission(tmp_path, SAVES))
    assert (record.status, record.rule, record.involved) == ("error", "WellFormed", [0])
    assert "server 0 handed over what cannot be graded: Saved(fields=" in record.message


def test_error_without_a_servers_data_is_the_labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_restart(event: Any) -> None:
        raise IndexError

    judged_by(monkeypatch, on_restart=on_restart)
    assert simulate(write_submission(tmp_path, SAVES)).record.status == "grader-error"


def test_full_disk_is_the_labs_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_save(event: Save) -> None:
        raise OSError(28, "No space left on device")

    judged_by(monkeypatch, on_save=on_save)
    assert simulate(write_submission(tmp_path, SAVES)).record.status == "grader-error"


def test_event_that_cannot_be_written_is_found_in_its_block() -> None:
    recorder = Recorder()
    good, bad = Send(1.0, 0, 1, 1, "Ping", None, 3), Send(1.0, 2, 1, 1, "Ping", "\ud800", 3)
    for event in (good, bad, good):
        recorder.record(event)
    with pytest.raises(Unwritable) as found:
        recorder.flush()
    assert found.value.event is bad
    alone = Recorder()
    alone.record(good)
    alone.record(good)
    assert recorder.digest() == alone.digest()


# Texts.

WIDE = ["x" * 10**7, b"\0" * 10**7, [0] * 10**7, {str(key): key for key in range(10**5)}, [["y" * 10**7]] * 1000]


@pytest.mark.parametrize("value", WIDE, ids=["str", "bytes", "list", "dict", "nested"])
def test_long_value_is_cut_without_being_converted(value: object) -> None:
    begun = time.process_time()
    for _ in range(100):
        assert len(safe_repr.short(value)) == 60
    assert time.process_time() - begun < 1.0


def test_short_value_is_told_as_it_is() -> None:
    for value in (1, "it's", b"x", [1, "a", [None]], (1,), (1, 2), {"a": [1.5], "b": {}}, [], (), {}, None, True):
        assert safe_repr.short(value) == repr(value)


def test_value_that_holds_itself_or_is_deep_is_cut() -> None:
    itself: list[Any] = []
    itself.append(itself)
    deep: list[Any] = []
    for _ in range(10**5):
        deep = [deep]
    assert safe_repr.short(itself) == safe_repr.short(deep) == "[" * 57 + "..."


def test_texts_of_an_outcome_are_bounded() -> None:
    outcome = Outcome("fail", None, "x" * 10**6, "y" * 10**6, details="z" * 10**6)
    assert {len(text) for text in (outcome.message, outcome.hint, outcome.details)} == {safe_repr.LONGEST}


LONG_COMMAND = """class Raft(Plain):
    async def run(self):
        self.apply_ch.send_nowait(ApplyCommand(1, bytes([self.node.me]) * 1_000_000))
"""
LONG_NAME = """class Raft(Plain):
    async def run(self):
        await self.{name}()
    async def {name}(self):
        raise KeyError('y' * 100_000)
"""


@pytest.mark.parametrize("text", [LONG_COMMAND, LONG_NAME.format(name="x" * 100_000)], ids=["command", "names"])
def test_verdict_is_short_whatever_a_server_hands_over(hosts: ProcessHosts, tmp_path: Path, text: str) -> None:
    record = run_both(hosts, write_submission(tmp_path, text))
    assert record.status in ("fail", "error")
    assert len(record.message) <= safe_repr.LONGEST


def test_checks_of_a_test_quote_a_long_command_short(hosts: ProcessHosts, tmp_path: Path) -> None:
    async def check(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        applied = cluster.applied(1).command
        cluster.check(applied == "x", "StateMachineSafety", f"applied {safe_repr.short(applied)}")

    text = LONG_COMMAND.replace("bytes([self.node.me])", "'y'")
    record = run_both(hosts, write_submission(tmp_path, text), make_scenario(check))
    assert record.status == "fail"
    assert len(record.message) < 300


def test_what_a_long_outbox_costs_is_looked_at_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def over_budget(hosts: object, server: int) -> bool:
        asked.append(server)
        return False

    monkeypatch.setattr("labs.sim.hosts.inline.InlineHosts.over_budget", over_budget)
    notes = "[self.node.note(1) for _ in range(150 * (1 + self.node.me))]"
    text = f"class Raft(Plain):\n    async def run(self):\n        {notes}\n"
    simulate(write_submission(tmp_path, text))
    assert asked == [0, 1, 1, 1]


NESTED = """class Raft(Plain):
    async def run(self):
        await trio.sleep(0.1)
        error = ValueError("at the bottom")
        for _ in range({deep}):
            error = ExceptionGroup("a group", [error])
        raise error
"""


@pytest.mark.parametrize("deep", [1, 20_000])
def test_what_counts_in_nested_groups_is_found_however_deep_it_is(
    hosts: ProcessHosts, tmp_path: Path, deep: int
) -> None:
    record = run_both(hosts, write_submission(tmp_path, NESTED.format(deep=deep)))
    assert (record.status, record.rule) == ("error", "NoCrash"), record.message
    assert "ValueError: at the bottom" in record.message

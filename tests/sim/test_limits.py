"""What a server hands over has limits, the same inline and in process hosts; the error names size, limit and line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.codec import limits
from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.hosts.process.procfs import Turns, memory_now, turns_now
from labs.testing.run import RunRecord, run_scenario
from tests.running import line_of, make_scenario, simulate, write_submission
from tests.tools.parity import difference_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="process hosts need os.fork")

SAVE = "self.node.persister.save(PersistentState(1, None, {log}, {base}), {snapshot})"
TOO_MUCH = {
    "a log": (
        SAVE.format(log="[LogEntry(1, 'x' * 2_000_000)] * 3", base=0, snapshot=None),
        r"log and snapshot together take 6,000,\d\d\d bytes, more than the 4,194,304 that a server's disk holds",
    ),
    "a log and a snapshot": (
        SAVE.format(log="[LogEntry(1, 'x' * 2_000_000)]", base=0, snapshot="bytes(3_000_000)"),
        r"log and snapshot together take 5,000,\d\d\d bytes",
    ),
    "a log that grows": (
        "log = []\n"
        "        while True:\n"
        "            log.append(LogEntry(1, 'x' * 1_000_000))\n"
        "            await trio.sleep(0.001)\n"
        "            " + SAVE.format(log="log", base=0, snapshot=None),
        r"log and snapshot together take 5,000,\d\d\d bytes",
    ),
    "a log that ends after all logs": (
        SAVE.format(log="[]", base=10**9, snapshot=None),
        "PersistentState.last_included_index is 1,000,000,000: no log of this lab goes beyond 200,000",
    ),
    "an index": (
        "await self.node.call(self.node.peers[0], RequestVoteArgs(1, self.node.me, 10**9, 1))",
        "RequestVoteArgs.last_log_index is 1,000,000,000: no log of this lab goes beyond 200,000",
    ),
    "a commit": (
        "await self.node.call(self.node.peers[0], AppendEntriesArgs(1, self.node.me, 0, 0, [], -10**9))",
        "AppendEntriesArgs.leader_commit is -1,000,000,000",
    ),
    "an apply": (
        "self.apply_ch.send_nowait(ApplyCommand(200_001, 1))",
        "apply_ch: index is 200,001: no log of this lab goes beyond 200,000",
    ),
    "a message": (
        "await self.node.call(self.node.peers[0], InstallSnapshotArgs(1, self.node.me, 1, 1, bytes(3_000_000)))",
        r"InstallSnapshotArgs takes 3,000,\d\d\d bytes, more than the 2,097,152 allowed",
    ),
    "notes at one instant": (
        "for _ in range(60_000): self.node.note('x')",
        "puts out too much at one instant: 50,001 calls, replies, saves, notes or the like with 50,001 bytes",
    ),
    "bytes at one instant": (
        "for n in (1, 2, 3, 4): self.apply_ch.send_nowait(ApplyCommand(n, 'x' * 2_000_000))",
        "4 calls, replies, saves, notes or the like with 8,000,020 bytes; 50,000 and 6,291,456 are allowed",
    ),
}


@pytest.fixture(scope="module")
def hosts() -> Iterator[ProcessHosts]:
    with ProcessHosts() as running:
        yield running


def run_both(hosts: ProcessHosts, folder: Path, body: str) -> RunRecord:
    """Run a server with this `run` inline and in process hosts; return the record, which must be the same."""
    text = f"class Raft(Plain):\n    async def run(self):\n        await trio.sleep(0.1)\n        {body}  # here\n"
    submission = write_submission(folder, text)
    inline = simulate(submission).record
    assert difference_of(inline, run_scenario(make_scenario(), submission, 1, hosts=hosts)) == ""
    return inline


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_is_refused_with_size_limit_and_line(hosts: ProcessHosts, tmp_path: Path, what: str) -> None:
    body, told = TOO_MUCH[what]
    record = run_both(hosts, tmp_path, body)
    assert (record.status, record.rule) == ("error", "WellFormed"), record.message
    assert re.search(told, record.message), record.message
    assert f"raft.py:{line_of(tmp_path / 'raft.py', '# here')}" in record.message


def test_start_cannot_promise_an_index_behind_all_logs(hosts: ProcessHosts, tmp_path: Path) -> None:
    async def propose(cluster: object) -> None:
        cluster.start(0, 1)  # type: ignore[attr-defined]

    text = "class Raft(Plain):\n    def start(self, command):\n        return 10**9, 1, True\n"
    submission = write_submission(tmp_path, text)
    inline = simulate(submission, make_scenario(propose)).record
    assert difference_of(inline, run_scenario(make_scenario(propose), submission, 1, hosts=hosts)) == ""
    assert "start must return (index, term, is_leader), not (1000000000, 1, True)" in inline.message


def test_refused_save_leaves_the_disk_as_it_was(hosts: ProcessHosts, tmp_path: Path) -> None:
    body = (
        "save = self.node.persister.save\n"
        "        entries = [LogEntry(1, [1]), LogEntry(1, [2])]\n"
        "        save(PersistentState(1, None, entries))\n"
        "        try: save(PersistentState(2, None, [*entries, *[LogEntry(1, 'x' * 2_000_000)] * 3]))\n"
        "        except TypeError as error: self.node.note(error)\n"
        "        entries[0].command[0] = 3\n"
        "        save(PersistentState(3, None, entries))\n"
        "        self.node.note(self.node.persister.load())"
    )
    record = run_both(hosts, tmp_path, body)
    assert record.status == "pass", record.message
    notes = simulate(tmp_path).notes(0)
    assert "more than the 4,194,304" in notes[0]
    assert "current_term=3" in notes[1]
    assert "command=[3]" in notes[1]


def test_notes_of_a_whole_run_have_a_limit(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.sim.dispatch.MAX_NOTES", 1000)
    body = "while True:\n            self.node.note('x' * 99)\n            await trio.sleep(0.05)"
    record = run_both(hosts, tmp_path, body)
    assert (record.status, record.rule) == ("error", "WellFormed")
    assert (
        "notes and prints: those of this run are more than the 1,000 characters allowed at raft.py:" in record.message
    )


def test_lines_of_a_whole_run_have_a_limit(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short line costs as much as a long one."""
    monkeypatch.setattr("labs.sim.dispatch.MAX_NOTE_LINES", 100)
    body = "while True:\n            self.node.note('')\n            print()\n            await trio.sleep(0.01)"
    record = run_both(hosts, tmp_path, body)
    assert (record.status, record.rule) == ("error", "WellFormed")
    assert "notes and prints: those of this run are more than the 100 lines allowed at raft.py:" in record.message


def test_outputs_of_a_whole_run_have_a_limit(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.sim.dispatch.MAX_RUN_OUTPUTS", 100)
    body = (
        "while True:\n            self.node.persister.save(PersistentState(1, None, []))\n"
        "            await trio.sleep(0.01)"
    )
    record = run_both(hosts, tmp_path, body)
    assert (record.status, record.rule) == ("error", "WellFormed")
    assert (
        "puts out too much: the calls, replies, saves, notes and the like of this run are more than" in record.message
    )


def test_run_that_keeps_the_simulator_busy_is_ended(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.sim.hosts.process.pool.MAX_SIMULATOR_SECONDS", 0.05)
    monkeypatch.setattr("labs.sim.hosts.process.pool._CHECK", 0.0)
    body = "while self.node.me == 1:\n            self.node.note('x' * 999)\n            await trio.sleep(0.001)"
    text = f"class Raft(Plain):\n    async def run(self):\n        {body}\n"
    record = run_scenario(make_scenario(), write_submission(tmp_path, text), 1, hosts=hosts)
    assert (record.status, record.rule) == ("error", "CpuBudget")
    assert "server 1 put out" in record.message and "0.05 s of CPU time that the lab has" in record.message


def test_run_that_fills_the_simulators_memory_is_ended(
    hosts: ProcessHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory_now() > limits.MiB
    monkeypatch.setattr("labs.sim.hosts.process.pool.MAX_HELD", -limits.MAX_HELD)
    monkeypatch.setattr("labs.sim.hosts.process.pool._CHECK", 0.0)
    body = "while self.node.me == 1:\n            self.node.note('x' * 999)\n            await trio.sleep(0.001)"
    text = f"class Raft(Plain):\n    async def run(self):\n        {body}\n"
    record = run_scenario(make_scenario(), write_submission(tmp_path, text), 1, hosts=hosts)
    assert (record.status, record.rule) == ("error", "CpuBudget")
    assert "more than the -512 allowed" in record.message


SLEEPS = """class Raft(Plain):
    async def run(self):
        import sys
        for number in range(60):
            sys.modules["select"].select([], [], [], 0.03)
            await trio.sleep(0.01)
        await trio.sleep_forever()
"""


@pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="the system does not show which process waits for a core"
)
@pytest.mark.parametrize("waited, status", [(0.0, "error"), (1000.0, "pass")], ids=["idle machine", "busy machine"])
def test_run_that_takes_long_is_ended_unless_the_machine_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waited: float, status: str
) -> None:
    turns = iter([Turns(1.0, 0.0), *[Turns(2.0, waited)] * 100])
    monkeypatch.setattr("labs.sim.hosts.process.pool.turns_now", lambda: next(turns))
    submission = write_submission(tmp_path, SLEEPS)
    with ProcessHosts(HostOptions(run_seconds=0.8)) as hosts:
        record = run_scenario(make_scenario(servers=1), submission, 1, hosts=hosts)
    assert record.status == status, record.message
    assert status == "pass" or (record.rule == "CpuBudget" and "the run was not over after" in record.message)


def test_what_a_process_waits_for_slows_it() -> None:
    assert Turns(2.0, 3.0).slowed_since(Turns(1.0, 1.0)) == 3.0
    assert turns_now().slowed_since(turns_now()) >= 1.0

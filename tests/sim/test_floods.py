"""Servers that keep the lab busy without end: a verdict in virtual terms, or one against the server that is at work."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from labs.raft.testing.cluster import Cluster
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.rpc import Calls
from labs.sim.server import failures
from labs.testing.run import RunRecord, run_scenario
from tests.running import SERVERS, line_of, make_scenario, simulate, write_submission

FLOODS = """
import trio

class Raft(Plain):
    async def run(self):
        async with trio.open_nursery() as nursery:
            while self.node.me == 1:
                nursery.start_soon(self.node.call, 0, PingArgs(1))
                await trio.sleep(0.001)
"""
BOMBS = {
    "at one instant": """
import trio

class Raft(Plain):
    async def run(self):
        async with trio.open_nursery() as nursery:
            while self.node.me == 1:
                nursery.start_soon(trio.sleep_forever)  # here
            await trio.sleep_forever()
""",
    "little by little": """
import trio

class Raft(Plain):
    async def run(self):
        async with trio.open_nursery() as nursery:
            while self.node.me == 1:
                await trio.sleep(0.001)
                for _ in range(100):
                    nursery.start_soon(trio.sleep_forever)  # here
            await trio.sleep_forever()
""",
    "one in the other": """
import trio

class Raft(Plain):
    async def run(self):
        if self.node.me == 1:
            await self.more()

    async def more(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.more)  # here
""",
    "catching what they get": """
import trio

class Raft(Plain):
    async def run(self):
        if self.node.me == 1:
            await self.more()

    async def more(self):
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(self.more)  # here
        except Exception:
            await trio.sleep_forever()
""",
    "each starts two": """
import trio

class Raft(Plain):
    async def run(self):
        if self.node.me == 1:
            await self.more()

    async def more(self):
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(self.more)  # here
""",
}


def run_both(folder: Path) -> list[RunRecord]:
    """Run it inline, and in processes where that can be done; return the records."""
    records = [simulate(folder).record]
    if hasattr(os, "fork"):
        with ProcessHosts() as hosts:
            records.append(run_scenario(make_scenario(), folder, 1, hosts=hosts))
    return records


def test_flood_of_requests_ends_with_a_verdict_in_virtual_terms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.sim.rpc.MAX_CALLS_A_SECOND", 200)
    for record in run_both(write_submission(tmp_path, FLOODS)):
        assert (record.status, record.rule, record.involved) == ("fail", "RpcBudget", [1]), record.message
        assert "server 1 sent 200 requests in the 0.199 s from t=0.000 s on, the last an Ping" in record.message


def test_many_requests_in_all_end_a_run_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.sim.rpc.MAX_CALLS_A_SECOND", 4)

    async def test(cluster: Cluster) -> None:
        await cluster.sleep(10.0)

    slow = write_submission(tmp_path, FLOODS.replace("0.001", "0.4"))  # with those of before, 2.5 calls a second
    assert simulate(slow, make_scenario(test)).record.status == "pass"
    monkeypatch.setattr("labs.sim.rpc.MAX_CALLS", 20)
    record = simulate(slow, make_scenario(test)).record
    assert (record.rule, record.involved) == ("RpcBudget", [1]), record.message
    assert "server 1 sent 20 requests in the 7.600 s from t=0.000 s on" in record.message


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_server_that_starts_tasks_without_end_is_named_with_the_line(tmp_path: Path, text: str) -> None:
    folder = write_submission(tmp_path, text)
    begun = time.process_time()
    records = run_both(folder)
    assert time.process_time() - begun < 15.0
    for record in records:
        assert (record.status, record.rule, record.involved) == ("error", "NoSpin", [1]), record.message
        assert "10,000 of them go on at a time" in record.message
        assert f"raft.py:{line_of(folder / 'raft.py', '# here')} in " in record.message
    assert len({(record.message, record.digest) for record in records}) == 1


def test_alarm_inside_the_lab_is_charged_to_the_server_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next run in the same process is as it ever was."""

    class Alarm(BaseException):
        pass

    carry, before = Calls.carry_call, simulate(SERVERS / "plain.py").record

    def ring(calls: Calls, incarnation: Any, output: Any) -> None:
        carry(calls, incarnation, output)
        if sum(calls.sent) == 7:
            raise Alarm

    monkeypatch.setattr(failures.watchdog, "raises", (Alarm,))
    with monkeypatch.context() as patch:
        patch.setattr(Calls, "carry_call", ring)
        record = simulate(SERVERS / "plain.py").record
    assert (record.status, record.rule) == ("error", "NoStall"), record.message
    assert record.involved == [0]
    assert len(record.message) < 500
    assert "server 0 had sent most" in record.message
    after = simulate(SERVERS / "plain.py").record
    assert (after.status, after.digest) == ("pass", before.digest)

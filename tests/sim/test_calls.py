"""Calls end: node.call returns None after at most seven virtual seconds, whatever becomes of request and reply."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labs.raft.testing.cluster import Cluster
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.net.network import RELIABLE
from labs.sim.rpc import PATIENCE
from labs.testing.run import run_scenario
from labs.trace.events import Note
from tests.running import make_scenario, simulate, write_submission

CALLER = """
import trio

class Raft(Plain):
    async def run(self):
        if self.node.me == 0:
            begun = trio.current_time()
            reply = await self.node.call(1, PingArgs(1))
            self.node.note(f"{trio.current_time() - begun:.3f} {reply}")

    async def ping(self, args):
        await trio.sleep(DELAY)
        return PingReply(args.number)
"""


def written(folder: Path, delay: str) -> Path:
    return write_submission(folder, CALLER.replace("DELAY", delay))


async def nothing(cluster: Cluster) -> None:
    pass


async def restart(cluster: Cluster) -> None:
    await cluster.sleep(6.5)
    cluster.restart(1)


async def pause(cluster: Cluster) -> None:
    await cluster.sleep(0.5)
    cluster.slow(1, 9.0)


async def lose_the_reply(cluster: Cluster) -> None:
    await cluster.sleep(3.0)
    cluster.cut(1, 0)


def outcome_of(folder: Path, delay: str, meanwhile: Callable[[Cluster], Awaitable[None]]) -> str:
    async def test(cluster: Cluster) -> None:
        await meanwhile(cluster)
        await cluster.sleep(20.0)

    (note,) = simulate(written(folder, delay), make_scenario(test)).of(Note, 0)
    return note.text


@pytest.mark.parametrize("meanwhile", [nothing, pause, lose_the_reply])
def test_call_returns_none_in_time_if_the_peers_handler_never_returns(
    tmp_path: Path, meanwhile: Callable[[Cluster], Awaitable[None]]
) -> None:
    assert outcome_of(tmp_path, "1e9", meanwhile) == f"{PATIENCE:.3f} None"


@pytest.mark.parametrize(("delay", "meanwhile"), [("6.8", restart), ("6.9", lose_the_reply), ("1e9", restart)])
def test_silence_of_a_peer_that_is_lost_late_ends_in_time_too(
    tmp_path: Path, delay: str, meanwhile: Callable[[Cluster], Awaitable[None]]
) -> None:
    took, reply = outcome_of(tmp_path, delay, meanwhile).split()
    assert reply == "None" and 3.0 < float(took) <= PATIENCE


def test_reply_that_is_under_way_when_patience_ends_is_too_late(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, "1.0", pause) == f"{PATIENCE:.3f} None"


def test_reply_that_comes_just_in_time_is_taken(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, "6.9", nothing) == "6.900 PingReply(number=1)"


def test_request_that_takes_longer_than_the_patience_of_its_caller_is_too_late(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(30.0)

    slow = replace(RELIABLE, request_delay=(8.0, 8.0))
    run = simulate(written(tmp_path, "0"), make_scenario(test, conditions=slow))
    assert run.notes(0) == [f"{PATIENCE:.3f} None"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="process hosts need os.fork")
@pytest.mark.parametrize("meanwhile", [nothing, pause, restart])
def test_calls_end_at_the_same_time_in_processes(
    tmp_path: Path, meanwhile: Callable[[Cluster], Awaitable[None]]
) -> None:
    async def test(cluster: Cluster) -> None:
        await meanwhile(cluster)
        await cluster.sleep(20.0)

    folder, scenario = written(tmp_path, "1e9"), make_scenario(test)
    with ProcessHosts() as hosts:
        apart = run_scenario(scenario, folder, 1, hosts=hosts)
    inline = run_scenario(scenario, folder, 1)
    assert (inline.status, inline.digest) == (apart.status, apart.digest) and inline.status == "pass"

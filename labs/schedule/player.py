"""Plays a schedule on a cluster. All checkers of its stage watch; when it is over, the cluster must recover.

A schedule has no checks of its own, so any part of it can be left out and what is left is still fair: a server is never
blamed for what the network does not allow. The checkers see at once if a rule of safety is broken. Progress is asked
for at the end: all faults stop, a bare majority must elect a leader and agree, and then the whole cluster.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from labs.raft.curriculum import PERSISTENCE, REPLICATION, SNAPSHOTS, STAGES
from labs.raft.lab import RAFT
from labs.raft.testing.cluster import Cluster
from labs.schedule import actions as act
from labs.schedule.actions import EVERYBODY, LEADER, AnyAction, Schedule
from labs.sim.net.interception import Order
from labs.sim.net.network import RELIABLE
from labs.sim.runtime import rng
from labs.testing.scenario import Scenario

SLOWED, SLOW = 0.3, 0.11
"""The share of seeds for which one server of the majority is slow for a while, and how many seconds its messages take
then: an answer takes longer than from one heartbeat to the next."""
SETTLE = 1.0
"""Virtual seconds from the end of the faults to the first demand: what is still on its way may depose a leader."""


def scenario_of(schedule: Schedule, name: str) -> Scenario:
    """Return a schedule as a scenario; `name` is its id, the file to type."""

    async def test(cluster: Cluster) -> None:
        cluster.intercept()
        await play(cluster, schedule)
        await recover(cluster, schedule)

    return Scenario(
        RAFT,
        name,
        schedule.stage,
        schedule.name,
        0,
        (schedule.servers,),
        None,
        schedule.network,
        STAGES[schedule.stage].has(SNAPSHOTS),
        RAFT.entry,
        test,
        service_time=schedule.service_time,
        own_seed=schedule.seed,
        own_paces=schedule.paces,
    )


async def play(cluster: Cluster, schedule: Schedule) -> None:
    """Perform the steps of a schedule, up to the end of its duration."""
    for step in schedule.steps:
        if not step.at_once:
            await cluster.sleep_until(step.time)
        for action in resolve(cluster, step.action):
            perform(cluster, action)
    await cluster.sleep_until(schedule.duration)


def resolve(cluster: Cluster, action: AnyAction) -> list[AnyAction]:
    """Return an action with the ids of servers in the place of `LEADER` and `EVERYBODY`; there may be none."""
    server = getattr(action, "server", None)
    if server == LEADER:
        return [replace(action, server=leader) for leader in cluster.leaders()[:1]]
    if server == EVERYBODY:
        return [replace(action, server=each) for each in cluster.servers]
    return [action]


def perform(cluster: Cluster, action: AnyAction) -> None:
    """Do one thing to the cluster; actions without an effect are allowed, as the restart of a server that runs."""
    match action:
        case act.Cut() | act.Heal() | act.HealAll() | act.Isolate() | act.Connect() | act.Partition():
            _change_links(cluster, action)
        case act.Crash():
            cluster.crash(action.server)
        case act.CrashAt():
            cluster.crash_at(action.server, action.point, action.nth)
        case act.Spare():
            cluster.spare(action.server)
        case act.Restart():
            cluster.restart(action.server)
        case act.Pause():
            cluster.pause(action.server)
        case act.Resume():
            cluster.resume(action.server)
        case act.TimeOut():
            cluster.let_time_out(action.server)
        case act.Slow():
            cluster.slow(action.server, action.seconds)
        case act.SetLink():
            cluster.set_link(action.source, action.target, action.delay, action.loss, action.duplicate)
        case act.SetNetwork():
            cluster.use(action.conditions)
        case act.Drop() | act.Delay() | act.Duplicate() | act.Hold() | act.Release():
            _order(cluster, action)
        case act.Propose():
            cluster.start(action.server, action.command)
        case act.Snapshot():
            cluster.take_snapshot(action.server)
        case _:
            assert_never(action)


def _change_links(
    cluster: Cluster, action: act.Cut | act.Heal | act.HealAll | act.Isolate | act.Connect | act.Partition
) -> None:
    match action:
        case act.Cut() | act.Heal():
            change = cluster.cut if isinstance(action, act.Cut) else cluster.mend
            change(action.source, action.target)
            if action.both:
                change(action.target, action.source)
        case act.HealAll():
            cluster.heal()
        case act.Isolate():
            cluster.disconnect(action.server)
        case act.Connect():
            cluster.connect(action.server)
        case act.Partition():
            cluster.partition(*action.groups)


def _order(cluster: Cluster, action: act.Drop | act.Delay | act.Duplicate | act.Hold | act.Release) -> None:
    match action:
        case act.Release():
            cluster.release(action.message)
        case act.Drop():
            cluster.order(action.message, Order("drop"))
        case act.Delay():
            cluster.order(action.message, Order("delay", action.seconds))
        case act.Duplicate():
            cluster.order(action.message, Order("duplicate", action.seconds))
        case act.Hold():
            cluster.order(action.message, Order("hold"))


# The end.


async def recover(cluster: Cluster, schedule: Schedule) -> None:
    """End all faults; a bare majority must elect a leader and agree, and then the whole cluster.

    Before stage 2B there is nothing to agree on. Before stage 2C a server that is down stays down.
    """
    stage = STAGES[schedule.stage]
    end_faults(cluster)
    lasting = [s for s in cluster.servers if stage.has(PERSISTENCE) or cluster.is_up(s)]
    if len(lasting) < cluster.majority:
        return
    generator = rng.generator(schedule.seed, "recovery")
    alive = generator.sample(lasting, cluster.majority)
    for server in cluster.servers:
        if server not in alive:
            cluster.disconnect(server)
        elif not cluster.is_up(server):
            cluster.restart(server)
    await cluster.sleep(SETTLE)
    await cluster.wait_for_leader()
    if stage.has(REPLICATION):
        await cluster.agree("recovery 1", cluster.majority)
        if generator.random() < SLOWED:
            await _agree_with_slow(cluster, alive)
    cluster.connect_all()
    for server in lasting:
        if not cluster.is_up(server):
            cluster.restart(server)
    if stage.has(REPLICATION):
        await cluster.agree("recovery 2", len(lasting))
    else:
        await cluster.wait_for_one_term()
        await cluster.wait_for_leader()


async def _agree_with_slow(cluster: Cluster, alive: list[int]) -> None:
    """Agree while the answers of a server that is needed are late: they count all the same."""
    leader = await cluster.wait_for_leader()
    slow = next(server for server in alive if server != leader)
    cluster.slow(slow, SLOW)
    await cluster.sleep(SETTLE)
    await cluster.wait_for_leader(within=10.0)
    why = f"server {slow} is slow, and needed: its answers take {2 * SLOW:g} s, and count all the same"
    await cluster.agree("recovery, slowly", cluster.majority, why=why)
    cluster.slow(slow, 0.0)


def end_faults(cluster: Cluster) -> None:
    """Make the network perfect again, and let go on what stands still; servers that are down stay down."""
    cluster.use(RELIABLE)
    cluster.heal()
    for server in cluster.servers:
        cluster.spare(server)
        cluster.slow(server, 0.0)
        cluster.resume(server)
        for other in cluster.servers:
            if other != server:
                cluster.set_link(server, other)
    cluster.release()

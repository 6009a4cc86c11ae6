"""Stage 2D, log compaction: logs stay short, and snapshots take the place of entries without losing or repeating any.

Where services are not apart, each takes a snapshot right after every tenth index that it applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from labs.raft.checkers.compaction import KEPT, LATE
from labs.raft.lab import scenario
from labs.raft.stages.steps import (
    CRASH_FAULTS,
    DELAYED,
    LATE_AND_TWICE,
    MOMENTS,
    NETWORK_FAULTS,
    SLOW,
    Client,
    agree_on,
    break_things,
    depose,
    draw_servers,
    lead_with_slow_follower,
    needs,
    others,
    propose,
    recover_and_agree,
    restart_down,
    start_at,
    start_many,
    two_candidates,
)
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import RELIABLE, UNRELIABLE
from labs.testing.cluster import POLL
from labs.testing.scenario import SNAPSHOT_EVERY

LOG_LIMIT = 3800
"""Bytes of saved state that are plenty for the entries since the last snapshot, and for the 39 before it that may stay:
these take up to 1,800.
"""
COMMAND_SIZE = 30
"""Characters of the commands where the size of logs matters: so 90 entries do not fit into the limit."""


async def wait_for_short_logs(cluster: Cluster) -> None:
    """Wait until the logs of running servers are short: a server may write its service's snapshot a little later."""
    running = [server for server in cluster.servers if cluster.is_up(server)]
    until = cluster.now + LATE
    while any(cluster.log_size(server) >= LOG_LIMIT for server in running) and cluster.now < until:
        await cluster.sleep(POLL)
    for server in running:
        size = cluster.log_size(server)
        text = f"server {server} has {size:,} bytes of state on disk, though there was a snapshot every 10 entries"
        cluster.check(size < LOG_LIMIT, "LogTrimmed", f"{text}; the limit is {LOG_LIMIT:,}")


async def agree_up_to_snapshot(cluster: Cluster, servers: int) -> int:
    """Agree on commands, one after the other, until a service takes a snapshot; return its index."""
    index = 0
    for _ in range(2 * SNAPSHOT_EVERY):
        index = await cluster.agree(cluster.command(), servers)
        if index % SNAPSHOT_EVERY == 0:
            break
    return index


# Counterparts of MIT's tests.


async def snapshots(cluster: Cluster, take: Fault | None = None, give: Fault | None = None) -> None:
    """Agree on hundreds of commands in 30 rounds; `take` one server away in each round, and `give` it back.

    In every tenth round only a snapshot can bring the commands that it misses: by their number, and after that time.
    """
    await cluster.agree(cluster.command(COMMAND_SIZE), cluster.n)
    for number in range(30):
        leader = await cluster.wait_for_leader()
        sender, victim = leader, (leader + 1) % cluster.n
        if number % 3 == 1:
            sender, victim = victim, sender
        present = cluster.n
        if take is not None:
            take(cluster, victim)
            present = cluster.n - 1
            await cluster.agree(cluster.command(COMMAND_SIZE), present)
        start_at(cluster, [sender] * cluster.random.randint(5, 14), COMMAND_SIZE)
        await cluster.agree(cluster.command(COMMAND_SIZE), present)
        is_far = take is not None and number % 10 == 9
        if is_far:
            await go_far(cluster, present)
        await wait_for_short_logs(cluster)
        if is_far:
            await cluster.sleep(LATE + 0.1)
        if give is not None:
            give(cluster, victim)
            await cluster.agree(cluster.command(COMMAND_SIZE), cluster.n)


async def go_far(cluster: Cluster, servers: int) -> None:
    """Agree on more commands than may stay in a log although snapshots cover them."""
    for _ in range(KEPT // SNAPSHOT_EVERY + 1):
        start_at(cluster, [await cluster.wait_for_leader()] * SNAPSHOT_EVERY, COMMAND_SIZE)
        await cluster.agree(cluster.command(COMMAND_SIZE), servers)


Fault = Callable[[Cluster, int], None]


@scenario(servers=3, points=2, snapshots=True, mit="TestSnapshotBasic2D")
async def test_snapshots_basic(cluster: Cluster) -> None:
    """logs stay short

    Counterpart: TestSnapshotBasic2D.
    """
    await snapshots(cluster)


@scenario(servers=3, points=3, snapshots=True, mit="TestSnapshotInstall2D")
async def test_install(cluster: Cluster) -> None:
    """servers that were cut off get snapshots

    Counterpart: TestSnapshotInstall2D.
    """
    await snapshots(cluster, lambda c, server: c.disconnect(server), lambda c, server: c.connect(server))


@scenario(servers=3, points=2, snapshots=True, mit="TestSnapshotInstallUnreliable2D", network=UNRELIABLE)
async def test_install_unreliable(cluster: Cluster) -> None:
    """servers that were cut off get snapshots while messages get lost

    Counterpart: TestSnapshotInstallUnreliable2D.
    """
    await snapshots(cluster, lambda c, server: c.disconnect(server), lambda c, server: c.connect(server))


@scenario(servers=3, points=3, snapshots=True, mit="TestSnapshotInstallCrash2D")
async def test_install_after_crash(cluster: Cluster) -> None:
    """servers that crashed get snapshots

    Counterpart: TestSnapshotInstallCrash2D.
    """
    await snapshots(cluster, lambda c, server: c.crash(server), lambda c, server: c.restart(server))


@scenario(servers=3, points=2, snapshots=True, mit="TestSnapshotInstallUnCrash2D", network=UNRELIABLE)
async def test_install_after_crash_unreliable(cluster: Cluster) -> None:
    """servers that crashed get snapshots while messages get lost

    Counterpart: TestSnapshotInstallUnCrash2D.
    """
    await snapshots(cluster, lambda c, server: c.crash(server), lambda c, server: c.restart(server))


@scenario(servers=3, points=3, snapshots=True, mit="TestSnapshotAllCrash2D")
async def test_all_crash(cluster: Cluster) -> None:
    """all servers crash and restart from snapshot and log

    Counterpart: TestSnapshotAllCrash2D.
    """
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(5):
        await agree_on(cluster, cluster.random.randint(5, 14), cluster.n)
        before = await cluster.agree(cluster.command(), cluster.n)
        for server in cluster.servers:
            cluster.crash(server)
        restart_down(cluster)
        after = await cluster.agree(cluster.command(), cluster.n)
        text = f"index {before} was applied before all servers crashed; start then returned {after}"
        cluster.check(after > before, "RestoredOnRestart", text)


@scenario(servers=3, points=2, snapshots=True, mit="TestSnapshotInit2D")
async def test_snapshot_survives_twice(cluster: Cluster) -> None:
    """a snapshot survives a second crash

    Counterpart: TestSnapshotInit2D.
    """
    await agree_on(cluster, 14, cluster.n)
    for _ in range(3):
        for server in cluster.servers:
            cluster.restart(server)
        # The first save after the restart, with no new snapshot, must leave the old one in place.
        await cluster.agree(cluster.command(), cluster.n)


# Crashes around a snapshot.


@scenario(servers=(1, 3, 5), points=2, snapshots=True)
async def test_crash_after_snapshot(cluster: Cluster) -> None:
    """all servers crash when nothing is left of their logs"""
    for _ in range(4):
        await agree_up_to_snapshot(cluster, cluster.n)
        for server in cluster.servers:
            cluster.crash(server)
        alive = draw_servers(cluster, cluster.majority)
        for server in alive:
            cluster.restart(server)
        await cluster.agree(cluster.command(), cluster.majority)
        restart_down(cluster)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=3, snapshots=True, network=DELAYED)
async def test_crash_while_saving_snapshot(cluster: Cluster) -> None:
    """servers crash right after the save of a snapshot, or the saves around it"""
    for _ in range(8):
        leader = await cluster.wait_for_leader()
        victims = draw_servers(cluster, cluster.n - cluster.majority)
        for server in victims:
            cluster.crash_at(server, "save", nth=cluster.random.randint(1, 12))
        for _ in range(12):
            start_at(cluster, [leader])
            await cluster.sleep(cluster.random.choice((0.0, 0.02, 0.04)))
        for server in victims:
            await cluster.wait_until_down(server, within=0.2)
            cluster.restart(server)
        await cluster.agree(cluster.command(), cluster.majority)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=2, snapshots=True, network=DELAYED)
async def test_crash_while_installing(cluster: Cluster) -> None:
    """a follower crashes while it installs a snapshot"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(6):
        leader = await cluster.wait_for_leader()
        victim = cluster.random.choice(others(cluster, leader))
        cluster.disconnect(victim)
        await agree_on(cluster, cluster.random.randint(11, 22), cluster.majority)
        cluster.crash_at(victim, cluster.random.choice(MOMENTS), nth=cluster.random.randint(1, 4))
        cluster.connect(victim)
        await cluster.wait_until_down(victim, within=1.0)
        cluster.restart(victim)
        # With as many others away as can be, its word counts.
        for server in others(cluster, victim)[: cluster.n - cluster.majority]:
            cluster.crash(server)
        await cluster.agree(cluster.command(), cluster.majority)
        restart_down(cluster)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=3, snapshots=True)
async def test_vote_survives_snapshot(cluster: Cluster) -> None:
    """a vote binds the voter across a snapshot and a restart"""

    async def take_snapshots(winner: int) -> None:
        answers = await propose(cluster, winner, SNAPSHOT_EVERY)
        if answers:  # It may have stepped down; then there is no snapshot this time.
            await cluster.wait_for_applied(answers[-1].index, 2, within=2.0, term=answers[-1].term)

    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(5):
        await two_candidates(cluster, take_snapshots)


# Snapshots on the wire.


@scenario(servers=5, points=3, snapshots=True)
async def test_snapshot_during_partition(cluster: Cluster) -> None:
    """a majority takes snapshots while a leader with a follower goes on without commits"""
    for _ in range(3):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        follower = cluster.random.choice(others(cluster, old))
        rest = others(cluster, old, follower)
        cluster.partition([old, follower], rest)
        start_many(cluster, old, cluster.random.randint(3, 30))
        new = await cluster.wait_for_leader(among=rest)
        for _ in range(cluster.random.randint(8, 30)):
            start_at(cluster, [new])
            await cluster.sleep(0.005)
        await cluster.sleep(0.3)
        cluster.heal()
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=3, snapshots=True, network=DELAYED)
async def test_snapshot_over_conflicts(cluster: Cluster) -> None:
    """a snapshot replaces a log that conflicts with it"""
    for _ in range(4):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        cluster.disconnect(old)
        # Longer than what the others will commit: its end must not stay behind the snapshot.
        start_many(cluster, old, 40)
        await agree_on(cluster, cluster.random.randint(12, 25), servers=2)
        cluster.connect(old)
        await cluster.sleep(cluster.random.uniform(0.0, 0.4))
        # Whatever it has of the snapshot by now, it may be the one that counts.
        leader = await cluster.wait_for_leader()
        if leader != old:
            cluster.restart(old)
            cluster.crash(leader)
        await cluster.agree(cluster.command(), servers=2)
        restart_down(cluster)
    await cluster.agree(cluster.command(), cluster.n)


LATE_SNAPSHOTS = replace(DELAYED, late_requests=0.4, late_share=0.2, late_delay=(0.02, 0.5), duplicate=0.5)


@scenario(servers=3, points=3, snapshots=True, network=LATE_SNAPSHOTS)
async def test_late_snapshots(cluster: Cluster) -> None:
    """snapshots and entries overtake each other, and come twice"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(8):
        leader = await cluster.wait_for_leader()
        lagging, other = cluster.random.sample(others(cluster, leader), 2)
        cluster.disconnect(lagging)
        await agree_on(cluster, cluster.random.randint(8, 14), servers=2)
        cluster.connect(lagging)
        cluster.disconnect(other)
        # Now the lagging server's word counts; old snapshots for it are still on their way.
        for _ in range(cluster.random.randint(1, 8)):
            start_at(cluster, cluster.leaders())
            await cluster.sleep(cluster.random.uniform(0.0, 0.1))
        await cluster.agree(cluster.command(), servers=2)
        await cluster.sleep(cluster.random.uniform(0.0, 0.4))
        cluster.connect(other)
        cluster.restart(await cluster.wait_for_leader())
        await cluster.agree(cluster.command(), servers=2)
    cluster.use(RELIABLE)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, snapshots=True)
async def test_entries_behind_snapshot(cluster: Cluster) -> None:
    """entries after a snapshot follow it without a new command"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(3):
        leader = await cluster.wait_for_leader()
        cluster.disconnect(cluster.random.choice(others(cluster, leader)))
        await agree_up_to_snapshot(cluster, servers=2)
        await agree_up_to_snapshot(cluster, servers=2)
        last = await agree_on(cluster, cluster.random.randint(1, 5), servers=2)
        await cluster.sleep(1.0)
        cluster.connect_all()
        await cluster.wait_for_applied(last, cluster.n, within=5.0)


@scenario(servers=(3, 5), points=2, snapshots=True, network=LATE_AND_TWICE)
async def test_around_the_edge(cluster: Cluster) -> None:
    """followers that lag by a little more or less than the snapshot"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(10):
        leader = await cluster.wait_for_leader()
        lagging = cluster.random.choice(others(cluster, leader))
        start_many(cluster, leader, cluster.random.randint(0, 9))
        await cluster.sleep(cluster.random.uniform(0.0, 0.1))
        cluster.disconnect(lagging)
        start_many(cluster, leader, cluster.random.randint(1, 12))
        await cluster.agree(cluster.command(), servers=cluster.majority)
        if cluster.random.random() < 0.5:
            cluster.restart(leader)
        cluster.connect(lagging)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, snapshots=True)
async def test_log_stays_short_without_follower(cluster: Cluster) -> None:
    """logs stay short however long a follower is away"""
    await cluster.agree(cluster.command(COMMAND_SIZE), cluster.n)
    leader = await cluster.wait_for_leader()
    away = cluster.random.choice(others(cluster, leader))
    cluster.random.choice((cluster.crash, cluster.disconnect))(away)
    for _ in range(25):
        start_at(cluster, [leader] * 10, COMMAND_SIZE)
        await cluster.agree(cluster.command(COMMAND_SIZE), servers=2)
        await wait_for_short_logs(cluster)
    restart_down(cluster)
    cluster.connect_all()
    await cluster.agree(cluster.command(COMMAND_SIZE), cluster.n)
    await wait_for_short_logs(cluster)


@scenario(servers=3, points=2, snapshots=True)
async def test_slow_follower(cluster: Cluster) -> None:
    """a slow follower keeps up with snapshots while commands come"""
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    slow = cluster.random.choice(others(cluster, leader))
    cluster.slow(slow, 0.15)
    for _ in range(80):
        start_at(cluster, cluster.leaders())
        await cluster.sleep(0.03)
    last = await cluster.agree(cluster.command(), servers=2)
    cluster.slow(slow, 0.0)
    await cluster.wait_for_applied(last, cluster.n, within=5.0)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, snapshots=True)
async def test_slow_install(cluster: Cluster) -> None:
    """a slow follower gets a snapshot, and counts then"""
    for _ in range(2):
        await cluster.agree(cluster.command(), cluster.n)
        leader = await cluster.wait_for_leader()
        slow = cluster.random.choice(others(cluster, leader))
        cluster.disconnect(slow)
        last = await agree_on(cluster, 25, servers=2)
        cluster.slow(slow, SLOW)
        cluster.connect(slow)
        text = f"server {slow} needs the snapshot, and its answers take {2 * SLOW:g} s"
        await cluster.wait_for_applied(last, cluster.n, why=text)
        await lead_with_slow_follower(cluster, slow)
        await cluster.agree(cluster.command(), servers=2, why=needs(slow))
        cluster.connect_all()
        cluster.slow(slow, 0.0)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=3, snapshots=True, services_apart=True)
async def test_services_apart(cluster: Cluster) -> None:
    """a follower whose snapshot is ahead of its leader's, and whose answers got lost, goes on"""
    eager = min(cluster.servers, key=cluster.snapshot_pace)
    await agree_on(cluster, 20, cluster.n)
    for _ in range(4):
        leader = await cluster.wait_for_leader()
        if leader == eager:
            leader = await depose(cluster)
        for server in others(cluster, eager):
            cluster.cut(eager, server)
        # It applies all this and trims its log, while the leader knows nothing of it and begins below its snapshot.
        for _ in range(cluster.random.randint(5, 9)):
            start_at(cluster, [leader])
            await cluster.sleep(0.05)
        await cluster.sleep(0.3)
        cluster.heal()
        answer = cluster.start(leader, cluster.command())
        if answer.is_leader:
            text = f"the answers of server {eager} got lost for a while, in which it applied entries and took snapshots"
            await cluster.wait_for_applied(answer.index, cluster.n, term=answer.term, why=text)
        if cluster.random.random() < 0.5:
            cluster.restart(eager)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=3, snapshots=True, services_apart=True, service_time=0.003, network=DELAYED)
async def test_service_takes_its_time(cluster: Cluster) -> None:
    """services that take their time take snapshots in the middle of a batch"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(6):
        leader = await cluster.wait_for_leader()
        away = cluster.random.choice(others(cluster, leader))
        cluster.disconnect(away)
        # Many entries at once: an applier that waits for its service is in the middle of them for a while.
        start_many(cluster, leader, cluster.random.randint(5, 40))
        await cluster.agree(cluster.command(), cluster.majority)
        cluster.connect(away)
        start_at(cluster, [leader] * cluster.random.randint(1, 10))
        await cluster.sleep(cluster.random.uniform(0.0, 0.2))
        if cluster.random.random() < 0.3:
            cluster.restart(away)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=2, snapshots=True)
async def test_many_at_once(cluster: Cluster) -> None:
    """snapshots are taken while the messages of a burst of commands are on their way"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(4):
        leader = await cluster.wait_for_leader()
        start_many(cluster, leader, cluster.random.randint(80, 200))
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, snapshots=True)
async def test_leaders_change(cluster: Cluster) -> None:
    """a new leader finds out who needs its snapshot before it sends it"""
    await agree_on(cluster, 3, cluster.n)
    # The first new leader has all entries, and no snapshot; those after it have both.
    await depose(cluster)
    await agree_on(cluster, 11, cluster.n)
    for _ in range(5):
        await depose(cluster)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, snapshots=True)
async def test_snapshots_get_lost(cluster: Cluster) -> None:
    """a snapshot that gets lost is sent again"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(3):
        leader = await cluster.wait_for_leader()
        lagging = cluster.random.choice(others(cluster, leader))
        cluster.disconnect(lagging)
        await agree_on(cluster, 25, servers=2)
        for server in others(cluster, lagging):
            cluster.set_link(server, lagging, loss=0.7)
            cluster.set_link(lagging, server, loss=0.3)
        cluster.connect(lagging)
        await cluster.sleep(1.5)
        for server in others(cluster, lagging):
            cluster.set_link(server, lagging)
            cluster.set_link(lagging, server)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=2, snapshots=True, network=DELAYED)
async def test_divergent_logs(cluster: Cluster) -> None:
    """logs and snapshots that differ in many terms become one"""
    for _ in range(2):
        for _ in range(6):
            leader = await cluster.wait_for_leader()
            partner = cluster.random.choice(others(cluster, leader))
            cluster.partition([leader, partner], others(cluster, leader, partner))
            start_many(cluster, leader, cluster.random.randint(1, 15))
            await cluster.sleep(cluster.random.uniform(0.0, 0.1))
            cluster.crash(leader)
            start_at(cluster, cluster.servers)
            if sum(map(cluster.is_up, cluster.servers)) < cluster.majority:
                restart_down(cluster)
            cluster.heal()
            await cluster.agree(cluster.command(), cluster.majority)
        restart_down(cluster)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 4, 5, 7), points=4, snapshots=True)
async def test_chaos(cluster: Cluster) -> None:
    """snapshots under random faults and crashes"""
    clients = [Client(cluster, patience=0.2) for _ in range(4)]
    await break_things(cluster, NETWORK_FAULTS + CRASH_FAULTS, seconds=15.0, clients=clients)
    await recover_and_agree(cluster)

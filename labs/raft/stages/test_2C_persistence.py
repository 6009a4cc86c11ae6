"""Stage 2C, persistence: a server that comes back keeps its promises, whenever it was that it went down."""

from __future__ import annotations

from dataclasses import replace

from labs.raft.lab import scenario
from labs.raft.stages.steps import (
    CRASH_FAULTS,
    DELAYED,
    EVEN_DELAY,
    MOMENTS,
    NETWORK_FAULTS,
    Client,
    agree_on,
    break_things,
    check_kept,
    depose,
    draw_servers,
    figure_8,
    others,
    propose,
    recover_and_agree,
    restart_down,
    start_at,
    start_many,
    two_candidates,
)
from labs.raft.testing.cluster import Cluster
from labs.sim.dispatch import CrashPoint
from labs.sim.net.network import LONG_REORDERING, RELIABLE, UNRELIABLE, Conditions


def crash(cluster: Cluster, *servers: int) -> None:
    for server in servers:
        cluster.crash(server)


def restart(cluster: Cluster, *servers: int) -> None:
    for server in servers:
        cluster.restart(server)


def connect(cluster: Cluster, *servers: int) -> None:
    for server in servers:
        cluster.connect(server)


def disconnect(cluster: Cluster, *servers: int) -> None:
    for server in servers:
        cluster.disconnect(server)


def running(cluster: Cluster) -> list[int]:
    return [server for server in cluster.servers if cluster.is_up(server)]


# Counterparts of MIT's tests.


@scenario(servers=3, points=2, mit="TestPersist12C")
async def test_basic_persistence(cluster: Cluster) -> None:
    """basic persistence

    Counterpart: TestPersist12C.
    """
    await cluster.agree(cluster.command(), cluster.n)
    restart(cluster, *cluster.servers)
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    cluster.restart(leader)
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    cluster.disconnect(leader)
    index = await cluster.agree(cluster.command(), cluster.n - 1)
    cluster.restart(leader)
    cluster.connect(leader)
    await cluster.wait_for_applied(index, cluster.n)
    follower = cluster.random.choice(others(cluster, await cluster.wait_for_leader()))
    cluster.disconnect(follower)
    await cluster.agree(cluster.command(), cluster.n - 1)
    cluster.restart(follower)
    cluster.connect(follower)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=2, mit="TestPersist22C")
async def test_more_persistence(cluster: Cluster) -> None:
    """more persistence

    Counterpart: TestPersist22C.
    """
    for _ in range(5):
        await cluster.agree(cluster.command(), cluster.n)
        leader = await cluster.wait_for_leader()
        two, three = cluster.random.sample(others(cluster, leader), 2), [leader]
        three += others(cluster, leader, *two)
        disconnect(cluster, *two)
        await cluster.agree(cluster.command(), 3)
        disconnect(cluster, *three)
        restart(cluster, *two)
        connect(cluster, *two)
        await cluster.sleep(1.0)
        cluster.restart(three[-1])
        cluster.connect(three[-1])
        await cluster.agree(cluster.command(), 3)
        cluster.connect_all()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, mit="TestPersist32C")
async def test_leader_and_follower_crash(cluster: Cluster) -> None:
    """partitioned leader and one follower crash, leader restarts

    Counterpart: TestPersist32C.
    """
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    stale, other = cluster.random.sample(others(cluster, leader), 2)
    cluster.disconnect(stale)
    await cluster.agree(cluster.command(), 2)
    crash(cluster, leader, other)
    cluster.connect(stale)
    cluster.restart(leader)
    await cluster.agree(cluster.command(), 2)
    cluster.restart(other)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3, mit="TestFigure82C", network=DELAYED)
async def test_figure_8_at_random(cluster: Cluster) -> None:
    """leaders crash with entries on their way

    Counterpart: TestFigure82C.
    """
    await cluster.agree(cluster.command(), 1)
    for _ in range(1000):
        accepted = [server for server in running(cluster) if start_at(cluster, [server])]
        long = cluster.random.random() < 0.1
        await cluster.sleep(cluster.random.uniform(0.0, 0.5 if long else 0.013))
        crash(cluster, *accepted[-1:])
        if len(running(cluster)) < cluster.majority:
            down = [server for server in cluster.servers if not cluster.is_up(server)]
            cluster.restart(cluster.random.choice(down))
    restart_down(cluster)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=2, mit="TestUnreliableAgree2C", network=UNRELIABLE)
async def test_unreliable_agreement(cluster: Cluster) -> None:
    """agreement while messages get lost

    Counterpart: TestUnreliableAgree2C.
    """
    for _ in range(49):
        for _ in range(4):
            start_at(cluster, cluster.leaders())
        await cluster.agree(cluster.command(), 1)
    cluster.use(RELIABLE)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3, mit="TestFigure8Unreliable2C", network=UNRELIABLE)
async def test_figure_8_unreliable(cluster: Cluster) -> None:
    """leaders are cut off with entries on their way, and messages get lost, late and out of order

    Counterpart: TestFigure8Unreliable2C.
    """
    await cluster.agree(cluster.command(), 1)
    for number in range(1000):
        if number == 200:
            cluster.use(LONG_REORDERING)
        asked = [server for server in cluster.servers if cluster.random.random() < 0.4]
        accepted = [server for server in asked if start_at(cluster, [server])]
        long = cluster.random.random() < 0.1
        await cluster.sleep(cluster.random.uniform(0.0, 0.5 if long else 0.013))
        if accepted and cluster.random.random() < 0.5:
            cluster.disconnect(accepted[-1])
        away = [server for server in cluster.servers if not cluster.is_connected(server)]
        if cluster.n - len(away) < cluster.majority:
            cluster.connect(cluster.random.choice(away))
    # A leader that goes back one entry at a time, as the paper does, needs hundreds of answers now: let them come.
    cluster.use(RELIABLE)
    cluster.connect_all()
    await cluster.agree(cluster.command(), cluster.n)


async def churn(cluster: Cluster) -> None:
    """Crash, restart, cut off and connect servers while clients go on; what a client saw applied must stay."""
    clients = [Client(cluster, patience=0.38) for _ in range(3)]
    for _ in range(20):
        if cluster.random.random() < 0.2:
            cluster.disconnect(cluster.random.choice(cluster.servers))
        if cluster.random.random() < 0.5:
            server = cluster.random.choice(cluster.servers)
            if not cluster.is_up(server):
                cluster.restart(server)
            cluster.connect(server)
        if cluster.random.random() < 0.2:
            cluster.crash(cluster.random.choice(cluster.servers))
        for _ in range(35):
            for client in clients:
                client.step()
            await cluster.sleep(0.02)
    await cluster.sleep(1.0)
    cluster.use(RELIABLE)
    restart_down(cluster)
    cluster.connect_all()
    await cluster.sleep(1.0)
    last = await cluster.agree(cluster.command(), cluster.n)
    await check_kept(cluster, clients, last)


@scenario(servers=5, points=2, mit="TestReliableChurn2C")
async def test_churn(cluster: Cluster) -> None:
    """servers come and go while clients go on

    Counterpart: TestReliableChurn2C.
    """
    await churn(cluster)


@scenario(servers=5, points=2, mit="TestUnreliableChurn2C", network=UNRELIABLE)
async def test_unreliable_churn(cluster: Cluster) -> None:
    """servers come and go while clients go on and messages get lost

    Counterpart: TestUnreliableChurn2C.
    """
    await churn(cluster)


# Votes and terms.


@scenario(servers=(3, 5), points=1)
async def test_terms_survive(cluster: Cluster) -> None:
    """a term survives a restart, and leadership does not"""
    for _ in range(3):
        await depose(cluster)
        for server in cluster.servers:
            term = cluster.state(server).term
            cluster.restart(server)
            state = cluster.state(server)
            text = f"server {server} was in term {term}, and in {state.term} right after a restart"
            cluster.check(state.term >= term, "TermNeverDecreases", text)
            text = f"server {server} claims right after its start that it leads term {state.term}"
            cluster.check(not state.is_leader, "NothingExtraPersisted", text)
        await cluster.wait_for_leader()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=3, network=DELAYED)
async def test_vote_survives(cluster: Cluster) -> None:
    """a vote binds the voter across a restart"""

    async def nothing(winner: int) -> None:
        pass

    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(8):
        await two_candidates(cluster, nothing)


@scenario(servers=(3, 5, 7), points=2, network=EVEN_DELAY)
async def test_restart_in_step(cluster: Cluster) -> None:
    """servers that start at one instant elect a leader, again and again"""
    for _ in range(8):
        restart(cluster, *cluster.servers)
        await cluster.wait_for_leader()
        if cluster.random.random() < 0.5:
            await cluster.agree(cluster.command(), cluster.n)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=3, network=DELAYED)
async def test_crash_during_election(cluster: Cluster) -> None:
    """servers crash while they save a term or a vote, or before anybody hears of it"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(8):
        leader = await cluster.wait_for_leader()
        victims = others(cluster, leader)
        for server in victims:
            cluster.crash_at(server, cluster.random.choice(MOMENTS), nth=cluster.random.randint(1, 2))
        cluster.crash(leader)
        await cluster.sleep(cluster.random.uniform(0.3, 1.5))
        for server in victims:
            await cluster.wait_until_down(server, within=0.0)
        restart_down(cluster)
        await cluster.agree(cluster.command(), cluster.majority)
    await cluster.agree(cluster.command(), cluster.n)


# Entries.


@scenario(servers=(3, 4, 5), points=3, network=DELAYED)
async def test_committed_entries_survive(cluster: Cluster) -> None:
    """what one server applied survives the crash of all that stored it"""
    for _ in range(6):
        await cluster.agree(cluster.command(), cluster.n)
        leader = await cluster.wait_for_leader()
        storing = [leader, *cluster.random.sample(others(cluster, leader), cluster.majority - 1)]
        away = others(cluster, *storing)
        disconnect(cluster, *away)
        answers = await propose(cluster, leader, cluster.random.randint(1, 3))
        end = cluster.now + 0.5
        while answers and not cluster.applied(answers[0].index).count and cluster.now < end:
            await cluster.sleep(0.002)
        crash(cluster, *storing)
        # As few of them as make a majority with the others, who know of nothing.
        connect(cluster, *away)
        restart(cluster, *cluster.random.sample(storing, cluster.majority - len(away)))
        await cluster.agree(cluster.command(), cluster.majority)
        restart_down(cluster)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=3, network=DELAYED)
async def test_crash_right_after_save(cluster: Cluster) -> None:
    """servers crash right after a save, before anything else"""
    await crash_under_load(cluster, "save")


@scenario(servers=(3, 5), points=3, network=DELAYED)
async def test_crash_between_save_and_reply(cluster: Cluster) -> None:
    """servers crash between a save and the reply that it is for"""
    await crash_under_load(cluster, "reply")


@scenario(servers=(3, 5), points=2, network=DELAYED)
async def test_crash_before_sending(cluster: Cluster) -> None:
    """servers crash before a request leaves them"""
    await crash_under_load(cluster, "send")


async def crash_under_load(cluster: Cluster, moment: CrashPoint) -> None:
    """Let one server after the other crash at that moment, while commands come; no command that was applied may go."""
    client = Client(cluster)
    for _ in range(10):
        await cluster.wait_for_leader()
        victim = cluster.random.choice(cluster.servers)
        cluster.crash_at(victim, moment, nth=cluster.random.randint(1, 4))
        for _ in range(cluster.random.randint(5, 20)):
            client.step()
            await cluster.sleep(0.015)
        await cluster.wait_until_down(victim, within=0.3)
        cluster.restart(victim)
    last = await cluster.agree(cluster.command(), cluster.n)
    await check_kept(cluster, [client], last)


@scenario(servers=5, points=3, network=DELAYED)
async def test_figure_8(cluster: Cluster) -> None:
    """an entry of an older term is not committed by counting copies

    The situation of Figure 8, step by step.
    """
    for _ in range(3):
        await figure_8(cluster, cluster.crash, cluster.restart)


@scenario(servers=5, points=3, network=DELAYED)
async def test_divergent_logs(cluster: Cluster) -> None:
    """logs with entries of many lost leaders become one

    The situation of Figure 7.
    """
    for _ in range(2):
        for _ in range(6):
            leader = await cluster.wait_for_leader()
            partner = cluster.random.choice(others(cluster, leader))
            # Some of its entries reach one other server, the rest nobody.
            cluster.partition([leader, partner], others(cluster, leader, partner))
            start_many(cluster, leader, cluster.random.randint(1, 4))
            await cluster.sleep(cluster.random.uniform(0.0, 0.1))
            cluster.crash(leader)
            start_at(cluster, cluster.servers)
            if len(running(cluster)) < cluster.majority:
                restart_down(cluster)
            cluster.heal()
        restart_down(cluster)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=2, network=DELAYED)
async def test_restart_storm(cluster: Cluster) -> None:
    """servers restart all the time"""
    clients = [Client(cluster) for _ in range(2)]
    for _ in range(80):
        cluster.restart(cluster.random.choice(cluster.servers))
        for _ in range(cluster.random.randint(1, 6)):
            for client in clients:
                client.step()
            await cluster.sleep(cluster.random.uniform(0.0, 0.06))
    last = await cluster.agree(cluster.command(), cluster.n)
    await check_kept(cluster, clients, last)


@scenario(servers=(1, 2, 4), points=2)
async def test_small_and_even_clusters(cluster: Cluster) -> None:
    """a cluster of one, two or four servers comes back with its log"""
    for _ in range(4):
        first = await agree_on(cluster, 1, servers=cluster.n)
        last = await agree_on(cluster, 4, servers=cluster.majority)
        before = [cluster.applied(index).command for index in range(first, last + 1)]
        restart(cluster, *draw_servers(cluster, cluster.n))
        await cluster.agree(cluster.command(), cluster.n)
        after = [await cluster.wait_for_applied(index, cluster.n) for index in range(first, last + 1)]
        text = f"indices {first} to {last} held {before} before all servers restarted, and {after} after it"
        cluster.check(before == after, "StateMachineSafety", text)


LATE_DUPLICATES: Conditions = replace(DELAYED, duplicate=0.5, late_requests=0.2, late_delay=(0.05, 0.5))


@scenario(servers=(3, 5), points=2, network=LATE_DUPLICATES)
async def test_late_messages_from_before(cluster: Cluster) -> None:
    """messages from before a restart arrive after it"""
    client = Client(cluster)
    for _ in range(12):
        leader = await cluster.wait_for_leader()
        for _ in range(cluster.random.randint(2, 15)):
            client.step()
            await cluster.sleep(0.02)
        victims = cluster.random.sample(list(cluster.servers), cluster.n - cluster.majority)
        restart(cluster, *(victims if cluster.random.random() < 0.5 else [leader]))
    cluster.use(RELIABLE)
    last = await cluster.agree(cluster.command(), cluster.n)
    await check_kept(cluster, [client], last)


@scenario(servers=(3, 4, 5, 7), points=3)
async def test_chaos(cluster: Cluster) -> None:
    """persistence under random faults and crashes"""
    clients = [Client(cluster) for _ in range(3)]
    await break_things(cluster, NETWORK_FAULTS + CRASH_FAULTS, seconds=15.0, clients=clients)
    await recover_and_agree(cluster, clients)

"""Stage 2A, leader election: one leader in a term, a leader in time, and no change without need.

Nothing here proposes a command or crashes, for that is not written yet; only a server alone starts a second time.
"""

from __future__ import annotations

from dataclasses import replace

from labs.raft.lab import scenario
from labs.raft.stages.steps import (
    DELAYED,
    EVEN_DELAY,
    LATE_AND_TWICE,
    NETWORK_FAULTS,
    break_things,
    depose,
    draw_servers,
    others,
    recover_with_majority,
)
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import UNRELIABLE

OUTLASTS = 28
"""So many looks, 0.2 s apart, outlast every election timeout: who has been silent for so long has no timer."""

NO_TIMEOUT = 0.05
"""Seconds that are not an election timeout: a leader's heartbeats may come as far apart as this and further."""


@scenario(servers=3, points=2, mit="TestInitialElection2A")
async def test_initial_election(cluster: Cluster) -> None:
    """initial election

    Counterpart: TestInitialElection2A.
    """
    await cluster.wait_for_leader()
    await cluster.sleep(0.05)
    term = cluster.check_terms_agree()
    cluster.check(term >= 1, "CandidateIncrementsTerm", f"there is a leader, but the term is {term}")
    await cluster.sleep(2.0)
    cluster.check_terms_agree()
    await cluster.wait_for_leader(within=1.0)


@scenario(servers=3, points=3, mit="TestReElection2A")
async def test_election_after_network_failure(cluster: Cluster) -> None:
    """election after network failure

    Counterpart: TestReElection2A.
    """
    first = await cluster.wait_for_leader()
    cluster.disconnect(first)
    await cluster.wait_for_leader()
    cluster.connect(first)
    await cluster.sleep(0.5)
    second = await cluster.wait_for_leader()
    follower = (second + 1) % cluster.n
    cluster.disconnect(second)
    cluster.disconnect(follower)
    await cluster.sleep(1.0)
    for _ in range(5):
        await cluster.sleep(0.2)
        cluster.check_no_leader()
    cluster.connect(follower)
    await cluster.wait_for_leader()
    cluster.connect(second)
    await cluster.wait_for_leader()


@scenario(servers=7, points=3, mit="TestManyElections2A")
async def test_many_elections(cluster: Cluster) -> None:
    """multiple elections

    Counterpart: TestManyElections2A.
    """
    leader = await cluster.wait_for_leader()
    for _ in range(9):
        away = [leader, *cluster.random.sample(others(cluster, leader), 2)]
        for server in away:
            cluster.disconnect(server)
        await cluster.wait_for_leader()
        await cluster.sleep(cluster.random.uniform(0.0, 0.5))
        cluster.connect_all()
        await cluster.sleep(cluster.random.uniform(0.0, 0.5))
        leader = await cluster.wait_for_leader()


@scenario(servers=1, points=1)
async def test_one_server(cluster: Cluster) -> None:
    """a server alone elects itself"""
    await _elects_itself(cluster)
    term = cluster.state(0).term
    await cluster.sleep(3.0)
    state = cluster.state(0)
    text = f"server 0 led term {term}, and 3 s later it reports {state}, though nobody could depose it"
    cluster.check(state.is_leader and state.term == term, "LeaderInTime", text)
    cluster.restart(0)
    await _elects_itself(cluster)


async def _elects_itself(cluster: Cluster) -> None:
    """Wait until the only server leads, which has just started: as a follower, that must wait before it stands."""
    begun, started = cluster.now, cluster.state(0)
    follows = "a server starts as a follower, and waits for word of a leader"
    text = f"server 0 has just started, and reports {started} at once; {follows}"
    cluster.check(not started.is_leader, "LeaderHasMajority", text)
    await cluster.wait_for_leader()
    term, waited = cluster.state(0).term, cluster.now - begun
    text = f"server 0 started in term {started.term} and leads term {term}: each election begins a new term"
    cluster.check(term > started.term, "CandidateIncrementsTerm", text)
    text = f"server 0 leads {waited:.3f} s after it started; {follows} for longer than a heartbeat interval"
    cluster.check(waited >= NO_TIMEOUT, "LeaderHasMajority", text)


@scenario(servers=(2, 4, 6), points=2)
async def test_half_elects_nobody(cluster: Cluster) -> None:
    """half of the servers elect nobody"""
    half = cluster.n // 2
    cluster.partition(range(half), range(half, cluster.n))
    for _ in range(3 * OUTLASTS):  # a score of elections, all in vain
        await cluster.sleep(0.2)
        cluster.check_no_leader()
    cluster.heal()
    leader = await cluster.wait_for_leader()
    cluster.disconnect(leader)
    if cluster.n > 2:
        await cluster.wait_for_leader(among=others(cluster, leader))
    cluster.connect(leader)
    await cluster.wait_for_leader()


@scenario(servers=(3, 5), points=2)
async def test_quiet_cluster(cluster: Cluster) -> None:
    """a cluster that nothing disturbs keeps its leader"""
    leader = await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    term, before = cluster.check_terms_agree(), cluster.rpcs()
    await cluster.sleep(5.0)
    new_term = cluster.check_terms_agree()
    # One change is forgiven: a leader may step down of its own accord.
    text = f"server {leader} led term {term}; 5 s later the term is {new_term}, though nothing had happened"
    cluster.check(new_term <= term + 1, "ElectionTimerReset", text)
    peers, sent = cluster.n - 1, cluster.rpcs() - before
    text = f"{sent} RPCs in 5 idle seconds; a leader of {peers} peers may send 10 a second to each"
    cluster.check(sent <= peers * 52, "HeartbeatsSent", text)
    text = f"{sent} RPCs in 5 idle seconds: too few to keep {peers} peers following"
    cluster.check(sent >= peers * 5, "HeartbeatsSent", text)


@scenario(servers=3, points=2, network=EVEN_DELAY)
async def test_split_votes(cluster: Cluster) -> None:
    """servers that are in step do not split the vote for ever"""
    for _ in range(8):
        await depose(cluster)


@scenario(servers=(3, 5, 7), points=2, network=UNRELIABLE)
async def test_unreliable_elections(cluster: Cluster) -> None:
    """elections while messages get lost"""
    for _ in range(6):
        await depose(cluster)
    await cluster.wait_for_leader()


@scenario(servers=5, points=2)
async def test_minority_elects_nobody(cluster: Cluster) -> None:
    """a minority elects nobody, however long it tries"""
    leader = await cluster.wait_for_leader()
    minority = cluster.random.sample(others(cluster, leader), 2)
    for server in others(cluster, *minority):
        cluster.disconnect(server)
    for _ in range(OUTLASTS):
        await cluster.sleep(0.2)
        cluster.check_no_leader()
    # Its terms have run ahead of all others; the rest must take them over and go on.
    cluster.connect_all()
    await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    await cluster.wait_for_one_term()


@scenario(servers=5, points=2)
async def test_stale_heartbeats(cluster: Cluster) -> None:
    """heartbeats of an old leader hold up no election"""
    old = await cluster.wait_for_leader()
    cluster.disconnect(old)
    new = await cluster.wait_for_leader(among=others(cluster, old))
    # The old leader comes back deaf: it goes on in its old term, and learns of no other.
    for server in others(cluster, old):
        cluster.cut(server, old)
    cluster.connect(old)
    await cluster.sleep(0.5)
    cluster.disconnect(new)
    await cluster.wait_for_leader(among=others(cluster, old, new))
    cluster.heal()
    await cluster.wait_for_leader()


@scenario(servers=(3, 5), points=1)
async def test_deaf_server(cluster: Cluster) -> None:
    """a server that hears nobody wins no election"""
    leader = await cluster.wait_for_leader()
    deaf = cluster.random.choice(others(cluster, leader))
    for server in others(cluster, deaf):
        cluster.cut(server, deaf)
    for _ in range(OUTLASTS):
        await cluster.sleep(0.2)
        text = f"server {deaf} claims to lead, but no vote can have reached it"
        cluster.check(not cluster.state(deaf).is_leader, "LeaderHasMajority", text)
    cluster.heal()
    await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    await cluster.wait_for_one_term()


@scenario(servers=(3, 5), points=1)
async def test_mute_follower(cluster: Cluster) -> None:
    """a follower that nobody hears keeps still as long as it hears its leader"""
    leader = await cluster.wait_for_leader()
    await cluster.sleep(0.5)
    term = cluster.check_terms_agree()
    mute = cluster.random.choice(others(cluster, leader))
    for server in others(cluster, mute):
        cluster.cut(mute, server)
    await cluster.sleep(3.0)
    new_term = cluster.state(mute).term
    text = f"server {mute} heard its leader all the time, but went from term {term} to {new_term}"
    cluster.check(new_term <= term + 1, "ElectionTimerReset", text)
    cluster.heal()
    await cluster.wait_for_leader()


@scenario(servers=(3, 5), points=1)
async def test_deaf_leader(cluster: Cluster) -> None:
    """a leader that hears nobody, and is heard again"""
    leader = await cluster.wait_for_leader()
    for server in others(cluster, leader):
        cluster.cut(server, leader)
    await cluster.sleep(3.0)
    cluster.heal()
    await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    await cluster.wait_for_one_term()


@scenario(servers=5, points=3, network=DELAYED)
async def test_overlapping_majorities(cluster: Cluster) -> None:
    """two majorities that share one server"""
    left_1, left_2, bridge, right_1, right_2 = draw_servers(cluster, 5)
    for left in (left_1, left_2):
        for right in (right_1, right_2):
            cluster.cut(left, right)
            cluster.cut(right, left)
    # Both sides elect again and again, with the vote of the bridge: it must never give it twice.
    for _ in range(40):
        await cluster.sleep(0.2)
    # Now only the links that lead away from the bridge.
    for server in others(cluster, bridge):
        cluster.cut(server, bridge)
    await cluster.sleep(1.0)
    cluster.heal()
    await cluster.wait_for_leader()
    await cluster.sleep(1.0)
    await cluster.wait_for_one_term()


@scenario(servers=(3, 4, 5), points=2, network=LATE_AND_TWICE)
async def test_late_votes(cluster: Cluster) -> None:
    """votes and requests for them that come late or twice, and votes that take as long as an election timeout"""
    for number in range(8):
        leader = await cluster.wait_for_leader()
        cluster.disconnect(leader)
        if number % 2:
            cluster.use(replace(DELAYED, reply_delay=(0.2, 0.9)))
            await cluster.sleep(6.0)
            cluster.use(LATE_AND_TWICE)
        await cluster.sleep(cluster.random.uniform(0.3, 1.5))
        cluster.connect(leader)
    await cluster.wait_for_leader()


@scenario(servers=5, points=2)
async def test_late_candidate(cluster: Cluster) -> None:
    """a vote binds as long as its term lasts: a server that stands in that term much later gets none"""
    for seconds in (0.0, 1.0, 2.0, 4.0):
        old = await cluster.wait_for_leader()
        late, *rest = cluster.random.sample(others(cluster, old), cluster.n - 1)
        cluster.pause(late)
        cluster.disconnect(old)
        new = await cluster.wait_for_leader(among=rest)
        await cluster.sleep(seconds)
        # It must not hear that the term after its own has a leader, whom two servers follow that it asks for votes.
        cluster.cut(new, late)
        cluster.resume(late)
        await cluster.sleep(1.5)
        cluster.heal()
    await cluster.wait_for_leader()
    await cluster.wait_for_one_term()


@scenario(servers=5, points=2)
async def test_bare_majority(cluster: Cluster) -> None:
    """a bare majority elects a leader, whichever it is"""
    for _ in range(5):
        leader = await cluster.wait_for_leader()
        away = [leader, cluster.random.choice(others(cluster, leader))]
        for server in away:
            cluster.disconnect(server)
        await cluster.wait_for_leader(among=others(cluster, *away))
        cluster.connect_all()
        await cluster.sleep(cluster.random.uniform(0.3, 0.6))
    await cluster.wait_for_leader()


@scenario(servers=(3, 4, 5, 7), points=3)
async def test_chaos(cluster: Cluster) -> None:
    """elections under random faults"""
    await break_things(cluster, NETWORK_FAULTS, seconds=12.0)
    await recover_with_majority(cluster)
    cluster.connect_all()
    await cluster.sleep(1.0)
    await cluster.wait_for_leader()
    await cluster.wait_for_one_term()

"""Stage 2B, log replication: what a majority stores is applied everywhere, in one order, and nothing else is.

Nothing here crashes or restarts: that is not written yet. Indices are those that `start` returned, as a leader may put
entries of its own between the commands.
"""

from __future__ import annotations

from dataclasses import replace

from labs.codec.safe_repr import short
from labs.messages import Command
from labs.raft.lab import scenario
from labs.raft.stages.steps import (
    DELAYED,
    LATE_AND_TWICE,
    MANY,
    NETWORK_FAULTS,
    QUICK,
    SLOW,
    Client,
    agree_on,
    break_things,
    check_kept,
    depose,
    draw_servers,
    figure_8,
    lead_with_slow_follower,
    needs,
    others,
    propose,
    recover_and_agree,
    split_in_two,
    start_at,
    start_many,
)
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import RELIABLE, UNRELIABLE
from labs.testing.cluster import POLL, StartAnswer


async def start_for_nobody(cluster: Cluster, server: int, count: int = 1) -> list[StartAnswer]:
    """Propose commands at a server without a majority; check for 2 s that nobody applies them.

    Return the answers that accept: none if it wants to commit an entry of its own first.
    """
    answers = start_many(cluster, server, count)
    for _ in range(10):
        await cluster.sleep(0.2)
        for answer in answers:
            cluster.check_not_applied(answer.index)
    return answers


def check_after(cluster: Cluster, last: int, answers: list[StartAnswer]) -> None:
    """Check that commands were accepted at indices above the last one that was applied."""
    for answer in answers:
        text = f"start returned index {answer.index}, but index {last} was applied before"
        cluster.check(answer.index > last, "StartAnswers", text)


async def catch_up(cluster: Cluster, index: int, within: float) -> None:
    """Let all servers hear of each other; they must apply up to `index` in time, without any new command."""
    cluster.heal()
    await cluster.wait_for_applied(index, cluster.n, within)


@scenario(servers=3, points=2, mit="TestBasicAgree2B")
async def test_basic_agreement(cluster: Cluster) -> None:
    """basic agreement

    Counterpart: TestBasicAgree2B.
    """
    last = 0
    for _ in range(3):
        cluster.check_not_applied(last + 1)
        await cluster.wait_for_leader()
        index = await cluster.agree(cluster.command(), cluster.n, retry=False)
        cluster.check(index > last, "StartAnswers", f"start returned index {index} after {last} had been applied")
        last = index


@scenario(servers=3, points=1)
async def test_start_answers(cluster: Cluster) -> None:
    """start answers at once: the leader with the next index, all others that they do not lead"""
    leader = await cluster.wait_for_leader()
    for server in others(cluster, leader):
        answer = cluster.start(server, cluster.command())
        cluster.check(not answer.is_leader, "StartAnswers", f"server {server} does not lead, but answered {answer}")
    for _ in range(5):
        if await twenty_commands_are_taken(cluster, await cluster.wait_for_leader()):
            return
        await cluster.sleep(0.2)
    cluster.check(False, "LeaderInTime", "the term changed in each of 5 tries, though nothing disturbed the leader")


async def twenty_commands_are_taken(cluster: Cluster, leader: int) -> bool:
    """Check what start of a leader answers to twenty commands; return False if its leadership ended meanwhile.

    A leader may take none for a while, but in the end it takes each, and those of one instant one after the other.
    """
    term = cluster.state(leader).term
    taken: list[tuple[Command, int]] = []
    for number in range(1, 21):
        command, begun, last = cluster.command(), cluster.now, taken[-1][1] if taken else 0
        while not (answer := cluster.start(leader, command)).is_leader and cluster.now < begun + 2.0:
            await cluster.sleep(POLL)
        if cluster.state(leader) != (term, True):
            return False
        at_once = bool(taken) and cluster.now == begun
        wanted = StartAnswer(last + 1 if at_once else max(answer.index, last + 1), term, True)
        waited = f" {cluster.now - begun:.1f} s after it was proposed" if cluster.now > begun else ""
        text = f"command {number} of 20 at the leader: start answered {answer}{waited}, not {wanted}"
        cluster.check(answer == wanted, "StartAnswers", text)
        taken.append((command, answer.index))
    for command, index in taken:
        applied = await cluster.wait_for_applied(index, cluster.n, within=2.0, term=term)
        if applied is None:
            return False
        text = f"start put {short(command)} at index {index}, but {short(applied)} was applied there"
        cluster.check(applied == command, "StartAnswers", text)
    return True


@scenario(servers=3, points=2, mit="TestRPCBytes2B")
async def test_rpc_bytes(cluster: Cluster) -> None:
    """each command is sent to each peer once

    Counterpart: TestRPCBytes2B.
    """
    await cluster.agree(cluster.command(), cluster.n)
    before, size = cluster.bytes_sent(), 5000
    for _ in range(10):
        await cluster.agree(cluster.command(size), cluster.n, retry=False)
    sent, limit = cluster.bytes_sent() - before, cluster.n * 10 * size + 50_000
    text = f"{sent} bytes were sent for 10 commands of {size} bytes; {limit} are plenty for {cluster.n} servers"
    cluster.check(sent <= limit, "ByteBudget", text)


@scenario(servers=3, points=2, mit="TestFollowerFailure2B")
async def test_follower_failure(cluster: Cluster) -> None:
    """progress without a follower, none without two

    Counterpart: TestFollowerFailure2B.
    """
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    cluster.disconnect(cluster.random.choice(others(cluster, leader)))
    await cluster.agree(cluster.command(), cluster.n - 1)
    await cluster.sleep(1.0)
    last = await cluster.agree(cluster.command(), cluster.n - 1)
    leader = await cluster.wait_for_leader()
    for server in others(cluster, leader):
        cluster.disconnect(server)
    check_after(cluster, last, await start_for_nobody(cluster, leader))


@scenario(servers=3, points=2, mit="TestLeaderFailure2B")
async def test_leader_failure(cluster: Cluster) -> None:
    """progress without the leader, none without two of them

    Counterpart: TestLeaderFailure2B.
    """
    await cluster.agree(cluster.command(), cluster.n)
    cluster.disconnect(await cluster.wait_for_leader())
    await cluster.agree(cluster.command(), cluster.n - 1)
    await cluster.sleep(1.0)
    last = await cluster.agree(cluster.command(), cluster.n - 1)
    cluster.disconnect(await cluster.wait_for_leader())
    start_at(cluster, cluster.servers)
    for _ in range(10):
        await cluster.sleep(0.2)
        cluster.check_not_applied(last + 1)


@scenario(servers=3, points=2, mit="TestFailAgree2B")
async def test_follower_reconnects(cluster: Cluster) -> None:
    """agreement after a follower reconnects

    Counterpart: TestFailAgree2B.
    """
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    away = cluster.random.choice(others(cluster, leader))
    cluster.disconnect(away)
    for _ in range(2):
        await cluster.agree(cluster.command(), cluster.n - 1, retry=False)
    await cluster.sleep(1.0)
    for _ in range(2):
        await cluster.agree(cluster.command(), cluster.n - 1, retry=False)
    cluster.connect(away)
    await cluster.agree(cluster.command(), cluster.n)
    await cluster.sleep(1.0)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=2, mit="TestFailNoAgree2B")
async def test_too_many_followers_disconnect(cluster: Cluster) -> None:
    """no agreement if too many followers disconnect

    Counterpart: TestFailNoAgree2B.
    """
    last = await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    away = cluster.random.sample(others(cluster, leader), 3)
    for server in away:
        cluster.disconnect(server)
    check_after(cluster, last, await start_for_nobody(cluster, leader))
    cluster.connect_all()
    check_after(cluster, last, await propose(cluster, await cluster.wait_for_leader()))
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, mit="TestConcurrentStarts2B")
async def test_concurrent_starts(cluster: Cluster) -> None:
    """commands proposed at one instant

    Counterpart: TestConcurrentStarts2B.
    """
    for _ in range(5):
        leader = await cluster.wait_for_leader()
        term = cluster.state(leader).term
        await propose(cluster, leader)
        asked = [(command := cluster.command(), cluster.start(leader, command)) for _ in range(5)]
        commands = [command for command, answer in asked if answer.is_leader]
        indices = [answer.index for _, answer in asked if answer.is_leader and answer.term == term]
        if not commands or len(indices) < len(commands):
            await cluster.sleep(0.2)
            continue
        applied = [await cluster.wait_for_applied(index, cluster.n, term=term) for index in indices]
        if cluster.check_terms_agree() == term:
            text = f"commands {commands} were accepted in term {term}, but {applied} were applied at their indices"
            cluster.check(applied == commands, "CommittedIsApplied", text)
            return
    cluster.check(False, "LeaderInTime", "the term changed in each of 5 tries, though nothing disturbed the leader")


@scenario(servers=3, points=3, mit="TestRejoin2B")
async def test_partitioned_leader_rejoins(cluster: Cluster) -> None:
    """rejoin of a partitioned leader

    Counterpart: TestRejoin2B.
    """
    await cluster.agree(cluster.command(), cluster.n)
    first = await cluster.wait_for_leader()
    cluster.disconnect(first)
    start_many(cluster, first, 3)
    await cluster.agree(cluster.command(), 2)
    second = await cluster.wait_for_leader()
    cluster.disconnect(second)
    cluster.connect(first)
    await cluster.agree(cluster.command(), 2)
    cluster.connect(second)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3, mit="TestBackup2B")
async def test_fast_backup(cluster: Cluster) -> None:
    """a leader backs up quickly over logs that differ

    Counterpart: TestBackup2B.
    """
    await cluster.agree(cluster.command(), cluster.n)
    first = await cluster.wait_for_leader()
    partner, *rest = cluster.random.sample(others(cluster, first), 4)
    for server in rest:
        cluster.disconnect(server)
    start_many(cluster, first, 50)
    await cluster.sleep(0.5)
    for server in (first, partner):
        cluster.disconnect(server)
    for server in rest:
        cluster.connect(server)
    await agree_on(cluster, 50, servers=3)
    second = await cluster.wait_for_leader()
    other = cluster.random.choice([server for server in rest if server != second])
    cluster.disconnect(other)
    start_many(cluster, second, 50)
    await cluster.sleep(0.5)
    for server in rest:
        cluster.disconnect(server)
    for server in (first, partner, other):
        cluster.connect(server)
    await agree_on(cluster, 50, servers=3)
    cluster.connect_all()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2, mit="TestCount2B")
async def test_rpc_counts(cluster: Cluster) -> None:
    """not more RPCs than needed

    Counterpart: TestCount2B.
    """
    leader = await cluster.wait_for_leader()
    await cluster.sleep(0.5)
    sent = cluster.rpcs()
    cluster.check(1 <= sent <= 30, "RpcBudget", f"{sent} RPCs for the first election, not 1 to 30")
    for _ in range(5):
        leader = await cluster.wait_for_leader()
        term, first = cluster.state(leader).term, await propose(cluster, leader)
        before = cluster.rpcs()
        answers = first + start_many(cluster, leader, 11)
        applied = [await cluster.wait_for_applied(a.index, cluster.n, term=term) for a in answers]
        if answers and None not in applied and cluster.check_terms_agree() == term:
            sent, count = cluster.rpcs() - before, len(answers)
            limit = (count + 1 + 1) * 3
            cluster.check(sent <= limit, "RpcBudget", f"{sent} RPCs to agree on {count} commands; {limit} are plenty")
            break
        await cluster.sleep(0.2)
    else:
        cluster.check(False, "LeaderInTime", "the term changed in each of 5 tries, though nothing disturbed the leader")
    await cluster.sleep(0.5)
    before = cluster.rpcs()
    await cluster.sleep(1.0)
    sent = cluster.rpcs() - before
    cluster.check(sent <= 24, "HeartbeatsSent", f"{sent} RPCs in an idle second: more than 10 to each of 2 peers")


@scenario(servers=1, points=1)
async def test_one_server(cluster: Cluster) -> None:
    """a server alone commits what it is given"""
    await cluster.wait_for_leader()
    await agree_on(cluster, 5, servers=1)
    answers = await propose(cluster, 0, 20)
    text = f"server 0 leads alone, but it took {len(answers)} of 20 commands"
    cluster.check(len(answers) == 20, "StartAnswers", text)
    await cluster.wait_for_applied(answers[-1].index, 1, within=1.0)


@scenario(servers=(2, 4, 6), points=2)
async def test_half_commits_nothing(cluster: Cluster) -> None:
    """half of the servers commit nothing"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(2):
        leader = await cluster.wait_for_leader()
        kept = cluster.random.sample(others(cluster, leader), cluster.n // 2 - 1)
        away = others(cluster, leader, *kept)
        for server in away:
            cluster.disconnect(server)
        await start_for_nobody(cluster, leader, 2)
        cluster.connect(away[0])
        await cluster.agree(cluster.command(), cluster.n // 2 + 1)
        cluster.connect_all()
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2)
async def test_catch_up_without_a_command(cluster: Cluster) -> None:
    """a follower that returns catches up without a new command"""
    for _ in range(3):
        await cluster.agree(cluster.command(), cluster.n)
        leader = await cluster.wait_for_leader()
        cluster.disconnect(cluster.random.choice(others(cluster, leader)))
        last = await agree_on(cluster, 5, servers=2)
        # Long enough for the other follower to learn what is committed: it may be the next leader.
        await cluster.sleep(1.0)
        await catch_up(cluster, last, within=5.0)


@scenario(servers=3, points=2)
async def test_large_and_small_commands(cluster: Cluster) -> None:
    """a follower catches up on commands of very different sizes"""
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    cluster.disconnect(cluster.random.choice(others(cluster, leader)))
    answers = []
    for size in (0, 40_000, 10, 0, 9_000, 100, 20_000, 0, 70_000, 3_000, 0):
        answers += start_at(cluster, [leader], size)
        await cluster.sleep(cluster.random.choice((0.0, 0.05)))
    last = await cluster.agree(cluster.command(), 2)
    await cluster.sleep(1.0)
    await catch_up(cluster, last, within=5.0)


@scenario(servers=5, points=2)
async def test_backup_bound(cluster: Cluster) -> None:
    """hundreds of entries of many terms are repaired within seconds"""
    await cluster.agree(cluster.command(), cluster.n)
    lagging = await cluster.wait_for_leader()
    cluster.disconnect(lagging)
    wrong = len(start_many(cluster, lagging, 150))
    last = 0
    for _ in range(5):
        start_many(cluster, await depose(cluster), 29)
        last = await cluster.agree(cluster.command(), 3)
    await cluster.sleep(1.0)
    before = cluster.rpcs()
    await catch_up(cluster, last, within=5.0)
    # Even a step back for each wrong entry and a message for each missing one is within it.
    sent, limit = cluster.rpcs() - before, wrong + 150 + 300
    text = f"{sent} RPCs until a follower with {wrong} wrong and 150 missing entries had caught up, not {limit}"
    cluster.check(sent <= limit, "BackoffBound", text)


@scenario(servers=3, points=2, network=replace(RELIABLE, request_delay=(0.01, 0.01), reply_delay=(0.01, 0.01)))
async def test_steady_stream(cluster: Cluster) -> None:
    """a stream of commands does not hold up its own beginning"""
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    term, answers = cluster.state(leader).term, await propose(cluster, leader)
    for _ in range(300):
        await cluster.sleep(0.002)
        answers += start_many(cluster, leader, 1)
    undisturbed = cluster.state(leader) == (term, True) and bool(answers)
    if undisturbed:
        first = answers[0].index
        count = cluster.applied(first).count
        text = f"{count} servers applied index {first} within 0.6 s, while further commands came every 2 ms"
        cluster.check(count >= cluster.majority, "CommittedIsApplied", text)
    await cluster.agree(cluster.command(), cluster.n)
    if undisturbed and cluster.state(leader) == (term, True):
        await cluster.wait_for_applied(answers[-1].index, cluster.n, within=2.0, term=term)


@scenario(servers=5, points=2)
async def test_dead_peers(cluster: Cluster) -> None:
    """peers that do not answer delay nobody"""
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    for server in cluster.random.sample(others(cluster, leader), 2):
        cluster.disconnect(server)
    begun = cluster.now
    await agree_on(cluster, 10, servers=3)
    took = cluster.now - begun
    text = f"10 commands took {took:.2f} s with 2 of 5 servers away, not 5 s"
    cluster.check(took <= 5.0, "CommittedIsApplied", text)
    cluster.connect_all()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=2)
async def test_slow_follower(cluster: Cluster) -> None:
    """a slow follower delays nobody, and is not forgotten"""
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    slow = cluster.random.choice(others(cluster, leader))
    cluster.slow(slow, 0.15)
    begun = cluster.now
    last = await agree_on(cluster, 10, servers=cluster.majority)
    took = cluster.now - begun
    text = f"10 commands took {took:.2f} s with one slow server among {cluster.n}, not 5 s"
    cluster.check(took <= 5.0, "CommittedIsApplied", text)
    last = await cluster.agree(cluster.command(), cluster.n)
    cluster.slow(slow, 0.0)
    await cluster.wait_for_applied(last, cluster.n)


async def check_stream(cluster: Cluster, slow: int) -> None:
    """Let commands come for a second; the first must be applied by then, though all servers have different entries."""
    leader = await cluster.wait_for_leader()
    first = cluster.start(leader, cluster.command())
    for _ in range(25):
        await cluster.sleep(0.04)
        start_at(cluster, [leader])
    if first.is_leader and cluster.state(leader) == (first.term, True):
        text = f"no server applied index {first.index} within 1 s, while a command came every 40 ms; {needs(slow)}"
        cluster.check(cluster.applied(first.index).count > 0, "CommittedIsApplied", text)


@scenario(servers=5, points=3)
async def test_slow_majority(cluster: Cluster) -> None:
    """a slow follower counts where a majority needs it"""
    await cluster.agree(cluster.command(), cluster.n)
    for _ in range(2):
        slow = await lead_with_slow_follower(cluster)
        for _ in range(3):
            await cluster.agree(cluster.command(), cluster.majority, why=needs(slow))
        await check_stream(cluster, slow)
        cluster.connect_all()
        cluster.slow(slow, 0.0)
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3)
async def test_slow_backup(cluster: Cluster) -> None:
    """a slow follower whose log conflicts is repaired, and counts then"""
    for _ in range(2):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        cluster.disconnect(old)
        start_many(cluster, old, cluster.random.randint(2, 4))
        await agree_on(cluster, 3, cluster.majority)
        # A leader that is elected now begins after all of that: it must go back for the one that comes back.
        await depose(cluster)
        last = await cluster.agree(cluster.command(), cluster.n - 1)
        cluster.slow(old, SLOW)
        cluster.connect(old)
        text = f"server {old} came back with entries of an older term, and its answers take {2 * SLOW:g} s"
        await cluster.wait_for_applied(last, cluster.n, why=text)
        await lead_with_slow_follower(cluster, old)
        await cluster.agree(cluster.command(), cluster.majority, why=needs(old))
        cluster.connect_all()
        cluster.slow(old, 0.0)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=3)
async def test_newest_log_leads(cluster: Cluster) -> None:
    """only the server with all committed entries can lead, also after it had been deposed"""
    for _ in range(3):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        leader = await depose(cluster)
        third = others(cluster, old, leader)[0]
        cluster.disconnect(third)
        index = await cluster.agree(cluster.command(), 2)
        cluster.disconnect(leader)
        cluster.connect(third)
        # Among these two, only the old leader has the last entry.
        await cluster.agree(cluster.command(), 2)
        await cluster.wait_for_applied(index, 3)
        cluster.connect_all()
        await cluster.sleep(0.5)


@scenario(servers=3, points=3)
async def test_short_newer_log(cluster: Cluster) -> None:
    """a short log of a newer term beats a long one of an older"""
    for count in (10, MANY):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        cluster.disconnect(old)
        start_many(cluster, old, count)
        await cluster.agree(cluster.command(), 2)
        cluster.disconnect(await cluster.wait_for_leader())
        cluster.connect(old)
        # The third must win: its last entry is newer, and committed.
        await cluster.agree(cluster.command(), 2)
        cluster.connect_all()
        await cluster.sleep(0.3)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3)
async def test_leader_cut_off_with_a_follower(cluster: Cluster) -> None:
    """a leader cut off together with a follower, while others commit, once the very same commands"""
    for number in range(4):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        follower = cluster.random.choice(others(cluster, old))
        rest = others(cluster, old, follower)
        same = cluster.command()
        cluster.partition([old, follower], rest)
        for _ in range(5):
            cluster.start(old, same if number == 3 else cluster.command())
        new = await cluster.wait_for_leader(among=rest)
        for _ in range(cluster.random.randint(1, 8)):
            for server in (new, old):
                cluster.start(server, same if number == 3 else cluster.command())
            await cluster.sleep(0.05)
        await cluster.sleep(0.2)
        cluster.heal()
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=3, network=DELAYED)
async def test_old_ends_are_no_copies(cluster: Cluster) -> None:
    """the old end of a follower's log does not count as copies of a new leader's entries"""
    for number in range(4):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        rest = others(cluster, old)
        cluster.disconnect(old)
        start_many(cluster, old, 30)
        new = await cluster.wait_for_leader(among=rest)
        await cluster.sleep(0.1)
        cluster.disconnect(others(cluster, old, new)[0])
        cluster.connect(old)
        end = cluster.now + 1.0
        while cluster.state(old).is_leader and cluster.now < end:
            await cluster.sleep_until(end, or_event=True)
        # The old leader follows the new one, which has not sent these entries yet; both are a majority.
        await cluster.sleep(cluster.random.uniform(0.02, 0.2) if number % 2 else 0.0)
        start_many(cluster, new, 5)
        await cluster.sleep(0.2)
        cluster.connect_all()
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=2, network=QUICK)
async def test_long_old_end(cluster: Cluster) -> None:
    """hundreds of entries of an older term are committed with one of the new term, and not before"""
    for _ in range(2):
        await cluster.agree(cluster.command(), cluster.n)
        leader = await cluster.wait_for_leader()
        for server in others(cluster, leader):
            cluster.disconnect(server)
        start_many(cluster, leader, MANY)
        await cluster.sleep(cluster.random.uniform(1.0, 2.0))
        # A majority of which only the old leader can win an election, and in a newer term than that of its entries.
        few = cluster.random.sample(others(cluster, leader), cluster.majority - 1)
        for server in few:
            cluster.connect(server)
        await cluster.wait_for_leader(among=[leader, *few])
        await cluster.agree(cluster.command(), cluster.majority)
        cluster.connect_all()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3)
async def test_leader_again(cluster: Cluster) -> None:
    """who leads again knows nothing of its followers' logs"""
    for _ in range(2):
        await cluster.agree(cluster.command(), cluster.n)
        old = await cluster.wait_for_leader()
        follower, third, *_ = cluster.random.sample(others(cluster, old), 4)
        rest = others(cluster, old, follower)
        cluster.partition([old, follower], rest)
        # The follower stores all this, and then loses it to another leader.
        start_many(cluster, old, 20)
        await cluster.sleep(0.3)
        start_at(cluster, [await cluster.wait_for_leader(among=rest)])
        await cluster.sleep(0.2)
        cluster.heal()
        await cluster.agree(cluster.command(), cluster.n)
        for _ in range(12):
            if await depose(cluster) == old:
                break
        leader = await cluster.wait_for_leader()
        cluster.partition([leader, third if third != leader else follower])
        await start_for_nobody(cluster, leader, 3)
        cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3)
async def test_deaf_leader(cluster: Cluster) -> None:
    """a leader that hears nobody commits nothing"""
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    for server in others(cluster, leader):
        cluster.cut(server, leader)
    answers = start_many(cluster, leader, 3)
    await cluster.sleep(2.0)
    for answer in answers:
        if all(cluster.state(server).term == answer.term for server in cluster.servers):
            cluster.check_not_applied(answer.index)
    cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=2)
async def test_mute_follower(cluster: Cluster) -> None:
    """a follower that nobody hears does not count, and does no harm"""
    await cluster.agree(cluster.command(), cluster.n)
    leader = await cluster.wait_for_leader()
    mute = cluster.random.choice(others(cluster, leader))
    for server in others(cluster, mute):
        cluster.cut(mute, server)
    await agree_on(cluster, 5, servers=cluster.majority)
    # Take away so many that a majority hears the leader, but less than a majority answers.
    leader = await cluster.wait_for_leader()
    for server in others(cluster, leader, mute)[: cluster.n - cluster.majority]:
        cluster.disconnect(server)
    await start_for_nobody(cluster, leader, 3)
    cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=3, points=2)
async def test_bridge(cluster: Cluster) -> None:
    """two servers that reach each other only through a third"""
    await cluster.agree(cluster.command(), cluster.n)
    one, other, _bridge = draw_servers(cluster, 3)
    cluster.cut(one, other)
    cluster.cut(other, one)
    for _ in range(6):
        await cluster.agree(cluster.command(), cluster.majority)
        await cluster.sleep(cluster.random.uniform(0.0, 0.8))
    cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=2, network=DELAYED)
async def test_overlapping_majorities(cluster: Cluster) -> None:
    """two majorities that share one server, both with commands"""
    await cluster.agree(cluster.command(), cluster.n)
    left_1, left_2, _bridge, right_1, right_2 = draw_servers(cluster, 5)
    for left in (left_1, left_2):
        for right in (right_1, right_2):
            cluster.cut(left, right)
            cluster.cut(right, left)
    for _ in range(100):
        start_at(cluster, cluster.servers)
        await cluster.sleep(cluster.random.uniform(0.0, 0.1))
    cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=2)
async def test_answers_to_earlier_requests(cluster: Cluster) -> None:
    """answers come so late that a leader sends again; and later than a cut that keeps newer entries from followers"""
    for seconds in (0.3, 0.45, 0.45, 1.4):
        await cluster.agree(cluster.command(), cluster.n)
        leader = await cluster.wait_for_leader()
        away = cluster.random.sample(others(cluster, leader), min(cluster.majority, cluster.n - 1))
        for server in away:
            cluster.set_link(server, leader, delay=(seconds, seconds + 0.1))
        start_many(cluster, leader, cluster.random.choice((0, 1, MANY)))
        await cluster.sleep(cluster.random.uniform(0.3, 1.2))
        for server in away:
            cluster.cut(leader, server)
        start_many(cluster, leader, 3)
        await cluster.sleep(2.0)
        for server in away:
            cluster.set_link(server, leader)
        cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=3, network=LATE_AND_TWICE)
async def test_late_and_twice(cluster: Cluster) -> None:
    """requests and replies that come late, twice, or after newer ones"""
    for _ in range(8):
        leader = await cluster.wait_for_leader()
        for _ in range(cluster.random.randint(1, 6)):
            start_many(cluster, leader, cluster.random.randint(1, 3))
            await cluster.sleep(cluster.random.uniform(0.0, 0.06))
        await cluster.agree(cluster.command(), cluster.majority)
        # What is still on its way must not undo what was committed, now that the leader cannot repair it.
        cluster.disconnect(leader)
        await cluster.sleep(cluster.random.uniform(0.0, 0.6))
        await cluster.agree(cluster.command(), cluster.majority)
        cluster.connect(leader)
    cluster.use(RELIABLE)
    await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=(3, 5), points=2, network=UNRELIABLE)
async def test_leader_changes_under_loss(cluster: Cluster) -> None:
    """leaders change while messages get lost and clients go on"""
    clients = [Client(cluster) for _ in range(3)]
    for _ in range(6):
        leader = await cluster.wait_for_leader()
        for _ in range(cluster.random.randint(10, 40)):
            for client in clients:
                client.step()
            await cluster.sleep(0.01)
        cluster.disconnect(leader)
        await cluster.agree(cluster.command(), cluster.majority)
        cluster.connect(leader)
    cluster.use(RELIABLE)
    await check_kept(cluster, clients, await cluster.agree(cluster.command(), cluster.n))


@scenario(servers=(5, 7), points=3, network=DELAYED)
async def test_divergent_logs(cluster: Cluster) -> None:
    """logs that differ in many terms become one

    The situation of Figure 7.
    """
    for _ in range(3):
        for _ in range(5):
            split_in_two(cluster)
            await cluster.sleep(cluster.random.uniform(0.3, 1.2))
            for _ in range(cluster.random.randint(1, 4)):
                start_at(cluster, cluster.servers)
                await cluster.sleep(cluster.random.uniform(0.0, 0.03))
        cluster.heal()
        await cluster.agree(cluster.command(), cluster.n)


@scenario(servers=5, points=3, network=DELAYED)
async def test_figure_8(cluster: Cluster) -> None:
    """an entry of an older term is not committed by counting copies

    The situation of Figure 8, with servers cut off instead of crashed.
    """
    for _ in range(3):
        await figure_8(cluster, cluster.disconnect, cluster.connect)


@scenario(servers=(3, 4, 5, 7), points=3)
async def test_chaos(cluster: Cluster) -> None:
    """replication under random faults"""
    clients = [Client(cluster) for _ in range(3)]
    await break_things(cluster, NETWORK_FAULTS, seconds=12.0, clients=clients)
    await recover_and_agree(cluster, clients)

"""Steps that tests of several stages share: how to wait, to load, and to break a cluster. Knows nothing of judging.

All choices come from `cluster.random`, so a test is the same run again for the same seed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from labs.codec.safe_repr import short
from labs.messages import Command
from labs.raft.testing.cluster import Cluster
from labs.sim.dispatch import CrashPoint
from labs.sim.net.network import LONG_REORDERING, RELIABLE, UNRELIABLE
from labs.testing.cluster import POLL, StartAnswer

DELAYED = replace(RELIABLE, request_delay=(0.001, 0.02), reply_delay=(0.001, 0.02))
"""Nothing is lost, but everything is on its way for a while: so a fault can strike between sending and arriving."""
QUICK = replace(RELIABLE, request_delay=(0.001, 0.004), reply_delay=(0.001, 0.004))
"""All messages are on their way for a moment: so hundreds of them, one after the other, take a second or two."""
EVEN_DELAY = replace(RELIABLE, request_delay=(0.02, 0.02), reply_delay=(0.02, 0.02))
"""All messages take equally long: what is in step stays in step."""
LATE_AND_TWICE = replace(
    DELAYED, late_requests=0.3, late_share=0.3, late_delay=(0.05, 0.6), duplicate=0.4, request_loss=0.05
)
"""Requests and replies overtake each other, and requests come again after newer ones."""
SLOW_LINK = (0.025, 0.025)
"""A link so slow that copying a log over it takes a while, and a round trip still no longer than students were
promised."""
MANY = 300
"""More entries than the messages of most servers hold."""
SLOW = 0.11
"""A message to or from a slow server takes this much longer: its answers take longer than a heartbeat's interval."""
WEATHERS = (RELIABLE, DELAYED, UNRELIABLE, LATE_AND_TWICE, LONG_REORDERING)
SINCE_RESTART = (0.0, 0.0, 0.6, 3.0)
"""Virtual seconds that a voter may have been back when another candidate of its term asks it."""
MOMENTS: tuple[CrashPoint, ...] = ("save", "reply", "send")
"""Where `Cluster.crash_at` can crash a server."""


def others(cluster: Cluster, *servers: int) -> list[int]:
    """Return all servers but these."""
    return [server for server in cluster.servers if server not in servers]


def draw_servers(cluster: Cluster, count: int) -> list[int]:
    """Return that many different servers, in random order."""
    return cluster.random.sample(list(cluster.servers), count)


# Leaders.


async def depose(cluster: Cluster) -> int:
    """Cut the leader off until another server leads, and let it come back and hear of that; return the new leader."""
    old = await cluster.wait_for_leader()
    cluster.disconnect(old)
    new = await cluster.wait_for_leader(among=others(cluster, old))
    cluster.connect(old)
    await cluster.sleep(0.5)
    return new


def needs(slow: int) -> str:
    """Return in words what it means that a slow server's answers count."""
    return (
        f"server {slow} is slow, and needed for a majority: its answers take {2 * SLOW:g} s, longer than a heartbeat's "
        f"interval, and count all the same, whatever has been sent to it since"
    )


async def lead_with_slow_follower(cluster: Cluster, slow: int | None = None) -> int:
    """Let a server be slow, any follower if none is named, and take others away until its word counts; return it.

    Its election timer may run out when its messages begin to take longer: the others are there until all is quiet.
    """
    leader = await cluster.wait_for_leader()
    chosen = cluster.random.choice(others(cluster, leader)) if slow is None else slow
    cluster.slow(chosen, SLOW)
    await cluster.sleep(1.0)
    leader = await cluster.wait_for_leader(within=10.0)
    fast = others(cluster, leader, chosen)
    for server in fast[: cluster.n - cluster.majority]:
        cluster.disconnect(server)
    return chosen


# Load.


def start_at(cluster: Cluster, servers: Iterable[int], size: int = 0) -> list[StartAnswer]:
    """Propose one command after the other, a new one at each of the servers; return the answers that accept."""
    answers = [cluster.start(server, cluster.command(size)) for server in servers]
    return [answer for answer in answers if answer.is_leader]


def start_many(cluster: Cluster, server: int, count: int) -> list[StartAnswer]:
    """Propose that many commands at one server, without waiting; return the answers that accept."""
    return start_at(cluster, [server] * count)


async def propose(
    cluster: Cluster, leader: int, count: int = 1, size: int = 0, within: float = 2.0
) -> list[StartAnswer]:
    """Propose that many commands at a leader, again while it takes none for now; return the answers that accept.

    A leader may take no command before it has committed an entry of its own, or while many are not committed yet. It
    may also step down at any time: then there are fewer answers, perhaps none.
    """
    answers: list[StartAnswer] = []
    end = cluster.now + within
    while len(answers) < count:
        accepted = start_at(cluster, [leader], size)
        answers += accepted
        if not accepted:
            if cluster.now >= end or not cluster.state(leader).is_leader:
                break
            await cluster.sleep(POLL)
    return answers


async def agree_on(cluster: Cluster, count: int, servers: int) -> int:
    """Agree on that many commands, one after the other; return the last one's index."""
    index = 0
    for _ in range(count):
        index = await cluster.agree(cluster.command(), servers)
    return index


class Client:
    """A client that proposes a command, waits a while to see it applied, and goes on with the next."""

    def __init__(self, cluster: Cluster, patience: float = 0.4) -> None:
        self.applied: dict[int, Command] = {}
        """What it saw applied, by index."""
        self._cluster, self._patience = cluster, patience
        self._command: Command = None
        self._index, self._gives_up = 0, 0.0

    def step(self) -> None:
        """Propose, or look for what was proposed; takes no time."""
        if not self._index:
            self._propose()
            return
        count, command = self._cluster.applied(self._index)
        if count and command == self._command:
            self.applied[self._index] = command
        if count or self._cluster.now >= self._gives_up:
            self._index = 0

    def _propose(self) -> None:
        self._command = self._cluster.command()
        self._gives_up = self._cluster.now + self._patience
        # Leaders of older terms accept commands, too; the client believes the last that did.
        for server in self._cluster.servers:
            answer = self._cluster.start(server, self._command)
            if answer.is_leader:
                self._index = answer.index


async def check_kept(cluster: Cluster, clients: Iterable[Client], last: int) -> None:
    """Check that all servers apply every index up to `last`, and that what clients saw applied is there."""
    log = {index: await cluster.wait_for_applied(index, cluster.n) for index in range(1, last + 1)}
    for client in clients:
        for index, command in client.applied.items():
            later = short(log.get(index))
            text = f"a client saw {short(command)} applied at index {index}, but later there was {later}"
            cluster.check(log.get(index) == command, "StateMachineSafety", text)


# Faults, each a choice of its own.

Fault: TypeAlias = Callable[[Cluster], None]


def disconnect_one(cluster: Cluster) -> None:
    cluster.disconnect(cluster.random.choice(cluster.servers))


def connect_one(cluster: Cluster) -> None:
    cluster.connect(cluster.random.choice(cluster.servers))


def disconnect_leader(cluster: Cluster) -> None:
    for leader in cluster.leaders():
        cluster.disconnect(leader)


def cut_one_way(cluster: Cluster) -> None:
    source, target = draw_servers(cluster, 2)
    cluster.cut(source, target)


def split_in_two(cluster: Cluster) -> None:
    shuffled = draw_servers(cluster, cluster.n)
    size = cluster.random.randint(1, cluster.n - 1)
    cluster.partition(shuffled[:size], shuffled[size:])


def heal(cluster: Cluster) -> None:
    cluster.heal()


def change_weather(cluster: Cluster) -> None:
    cluster.use(cluster.random.choice(WEATHERS))


def slow_one(cluster: Cluster) -> None:
    cluster.slow(cluster.random.choice(cluster.servers), cluster.random.choice((0.0, 0.05, 0.3)))


def crash_one(cluster: Cluster) -> None:
    cluster.crash(cluster.random.choice(cluster.servers))


def crash_one_soon(cluster: Cluster) -> None:
    moment = cluster.random.choice(MOMENTS)
    cluster.crash_at(cluster.random.choice(cluster.servers), moment, nth=cluster.random.randint(1, 3))


def restart_one(cluster: Cluster) -> None:
    cluster.restart(cluster.random.choice(cluster.servers))


def restart_down(cluster: Cluster) -> None:
    for server in cluster.servers:
        if not cluster.is_up(server):
            cluster.restart(server)


NETWORK_FAULTS: tuple[Fault, ...] = (
    disconnect_one,
    disconnect_leader,
    connect_one,
    connect_one,
    cut_one_way,
    split_in_two,
    heal,
    change_weather,
    slow_one,
)
CRASH_FAULTS: tuple[Fault, ...] = (crash_one, crash_one_soon, crash_one_soon, restart_one, restart_one, restart_down)


async def break_things(
    cluster: Cluster, faults: Sequence[Fault], seconds: float, clients: Sequence[Client] = ()
) -> None:
    """Let faults strike for that long while clients go on; nothing is asked of the servers but to be safe."""
    end = cluster.now + seconds
    while cluster.now < end:
        cluster.random.choice(faults)(cluster)
        pause = cluster.random.choice((0.02, 0.1, 0.3, 0.8))
        for _ in range(4):
            for client in clients:
                client.step()
            await cluster.sleep(pause / 4)


def end_faults(cluster: Cluster) -> None:
    """Make the network perfect again; servers that are down stay down, but no crash is waiting any more."""
    cluster.use(RELIABLE)
    cluster.heal()
    for server in cluster.servers:
        cluster.slow(server, 0.0)


async def recover_with_majority(cluster: Cluster) -> list[int]:
    """End all faults, but give back only a bare majority; wait until it has a leader, and return it."""
    end_faults(cluster)
    shuffled = draw_servers(cluster, cluster.n)
    alive, away = shuffled[: cluster.majority], shuffled[cluster.majority :]
    for server in away:
        cluster.disconnect(server)
    for server in cluster.servers:
        await cluster.wait_until_down(server, within=0.0)
    for server in alive:
        if not cluster.is_up(server):
            cluster.restart(server)
    # What is still on its way may depose a leader or two.
    await cluster.sleep(1.0)
    await cluster.wait_for_leader()
    return alive


async def recover_and_agree(cluster: Cluster, clients: Sequence[Client] = ()) -> None:
    """End all faults; a bare majority must commit, and then the whole cluster."""
    await recover_with_majority(cluster)
    await cluster.agree(cluster.command(), cluster.majority)
    cluster.connect_all()
    restart_down(cluster)
    last = await cluster.agree(cluster.command(), cluster.n)
    await check_kept(cluster, clients, last)


# Situations.

TakeOrGive: TypeAlias = Callable[[int], None]


async def figure_8(cluster: Cluster, remove: TakeOrGive, restore: TakeOrGive) -> None:
    """Lead five servers through the situation of Figure 8, with a random variation of its third part.

    `remove` and `restore` take a server away and give it back. The letters are those of the figure.
    """
    # (a) The leader s1 gets an entry across to s2 only.
    s1 = await cluster.wait_for_leader()
    s2 = cluster.random.choice(others(cluster, s1))
    rest = others(cluster, s1, s2)
    cluster.partition([s1, s2], rest)
    start_at(cluster, [s1])
    await cluster.sleep(0.3)
    # (b) s5 is elected without them, and gets another entry across to nobody.
    remove(s1)
    remove(s2)
    s5 = await cluster.wait_for_leader(among=rest)
    s3, s4 = others(cluster, s1, s2, s5)
    cluster.partition()
    start_at(cluster, [s5])
    remove(s5)
    # (c) s1 or s2 is elected, and copies the old entry to s3: now a majority has it.
    restore(s1)
    restore(s2)
    cluster.partition([s1, s2, s3])
    await cluster.sleep(0.3)
    for server in (s1, s2):
        cluster.set_link(server, s3, delay=SLOW_LINK)
        cluster.set_link(s3, server, delay=SLOW_LINK)
    # All three votes are needed here, over slow links: elections may well collide several times in a row.
    leader = await cluster.wait_for_leader(within=15.0, among=[s1, s2, s3])
    await _go_on_at_random(cluster, leader, s3)
    # (d) s5 is elected by s3 and s4, for its last entry is newer, and overwrites the old one.
    remove(s1)
    remove(s2)
    restore(s5)
    cluster.partition([s3, s4, s5])
    await cluster.sleep(0.3)
    leader = await cluster.wait_for_leader(within=15.0, among=[s3, s4, s5])
    start_at(cluster, [leader])
    await cluster.sleep(0.3)
    restore(s1)
    restore(s2)
    _reset_links(cluster)
    cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)


async def _go_on_at_random(cluster: Cluster, leader: int, follower: int) -> None:
    """Let the leader copy its log; half the time give it a new entry, which must not reach the follower."""
    if cluster.random.random() < 0.5:
        await cluster.sleep(cluster.random.uniform(0.05, 0.25))
        cluster.cut(leader, follower)
        start_at(cluster, [leader])
    await cluster.sleep(0.6)


def _reset_links(cluster: Cluster) -> None:
    for source in cluster.servers:
        for target in others(cluster, source):
            cluster.set_link(source, target)


async def two_candidates(cluster: Cluster, meanwhile: Callable[[int], Awaitable[None]]) -> None:
    """Let one of three servers win an election with the vote of another, and the third stand in the same term later.

    Before it does, the voter restarts, or the winner does and the voter is gone: neither may vote again in that term,
    however long ago that restart was. `meanwhile` is awaited with the winner, before the restart.
    """
    await cluster.sleep(0.3)
    late, one, other = draw_servers(cluster, 3)
    for server in cluster.servers:
        cluster.crash(server)
    cluster.restart(one)
    cluster.restart(other)
    winner = await cluster.wait_for_leader(among=[one, other])
    voter = others(cluster, winner, late)[0]
    await meanwhile(winner)
    # The late candidate must not hear that its first term has a leader.
    cluster.cut(winner, late)
    if cluster.random.random() < 0.6:
        cluster.restart(voter)
        await cluster.sleep(cluster.random.choice(SINCE_RESTART))
    else:
        cluster.crash(voter)
        cluster.restart(winner)
        cluster.mend(winner, late)
    cluster.restart(late)
    await cluster.sleep(1.0)
    restart_down(cluster)
    cluster.heal()
    await cluster.agree(cluster.command(), cluster.n)

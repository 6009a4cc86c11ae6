"""Situations to look at, prepared: each acts on the cluster, waits by yielding virtual seconds, and acts again.

Their actions are played like all others, so they are in the schedule afterwards. Each needs a leader to begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from labs.raft.curriculum import PERSISTENCE, STAGES
from labs.schedule import actions as act
from labs.schedule.actions import AnyAction

ELECTION = 1.5
"""Virtual seconds in which a cluster of the lab elects a leader."""


class Stage(Protocol):
    """What a preset sees of a session."""

    @property
    def servers(self) -> range: ...

    def leader(self) -> int | None:
        """Return the server that leads the highest term, if one does."""

    def act(self, action: AnyAction) -> None:
        """Do something to the cluster."""


def split_vote(stage: Stage) -> Iterator[float]:
    """Force a split vote: nobody hears anybody until all have voted for themselves."""
    stage.act(act.Partition(tuple((server,) for server in stage.servers)))
    yield 0.4
    stage.act(act.HealAll())


def isolated_leader(stage: Stage) -> Iterator[float]:
    """Isolate the leader with a minority, and propose to both sides."""
    leader = stage.leader()
    if leader is None:
        return
    others = [server for server in stage.servers if server != leader]
    few = (len(stage.servers) - 1) // 2
    minority = (leader, *others[: few - 1])
    stage.act(act.Partition((minority, tuple(server for server in stage.servers if server not in minority))))
    stage.act(act.Propose(leader, "to the old leader"))
    yield ELECTION
    stage.act(act.Propose(act.EVERYBODY, "to everybody"))
    yield 0.5
    stage.act(act.HealAll())


def figure_7(stage: Stage) -> Iterator[float]:
    """Figure 7: leaders come and go with entries that nobody else gets, until logs differ in many ways."""
    for turn in range(4):
        leader = stage.leader()
        if leader is None:
            yield ELECTION
            continue
        stage.act(act.Propose(leader, f"shared {turn}"))
        yield 0.3
        friend = next(server for server in stage.servers if server != leader)
        rest = tuple(server for server in stage.servers if server not in (leader, friend))
        stage.act(act.Partition(((leader, friend) if turn % 2 else (leader,), rest)))
        for number in range(1 + turn % 3):
            stage.act(act.Propose(leader, f"lost {turn}.{number}"))
        yield ELECTION
    stage.act(act.HealAll())


def figure_8(stage: Stage) -> Iterator[float]:
    """Figure 8: an entry of an old term reaches a majority under a later leader, which must not count it."""
    first = stage.leader()
    if first is None:
        return
    friend, *rest = (server for server in stage.servers if server != first)
    stage.act(act.Partition(((first, friend), tuple(rest))))
    stage.act(act.Propose(first, "of the old term"))
    yield 0.2
    stage.act(act.Crash(first))
    yield ELECTION
    second = stage.leader()
    if second is not None and second != first:
        stage.act(act.Isolate(second))
        stage.act(act.Propose(second, "of the term between"))
        yield 0.1
        stage.act(act.Crash(second))
    stage.act(act.HealAll())
    stage.act(act.Restart(first))
    yield ELECTION
    if second is not None:
        stage.act(act.Restart(second))


PRESETS: dict[str, Callable[[Stage], Iterator[float]]] = {
    "split vote": split_vote,
    "leader isolated with a minority": isolated_leader,
    "Figure 7: logs that differ": figure_7,
    "Figure 8: an entry of an old term": figure_8,
}
LEAST = 3
"""Servers that a situation needs."""


def presets(stage: str, servers: int) -> dict[str, Callable[[Stage], Iterator[float]]]:
    """Return the situations, by name, that can be played in a stage with this many servers."""
    restarts = () if STAGES[stage].has(PERSISTENCE) else (figure_8,)
    return {name: begin for name, begin in PRESETS.items() if servers >= LEAST and begin not in restarts}

"""Random schedules: for each seed another mix of faults (swarm testing), another network, another size.

A mix that leaves most kinds of faults out gets deeper than one that has a little of everything.
"""

from __future__ import annotations

from dataclasses import replace

from labs.explore import shapes
from labs.explore.shapes import Draft, Make
from labs.raft.curriculum import PERSISTENCE, REPLICATION, SNAPSHOTS, STAGES
from labs.schedule import actions as act
from labs.schedule.actions import EVERYBODY, LEADER, Schedule
from labs.sim.net.network import LONG_REORDERING, PRESETS, UNRELIABLE
from labs.sim.runtime import rng

CALM = PRESETS["reliable"]
DELAYED = replace(CALM, request_delay=(0.001, 0.02), reply_delay=(0.001, 0.02))
LATE_AND_TWICE = replace(
    DELAYED, late_requests=0.3, late_share=0.3, late_delay=(0.05, 0.6), duplicate=0.4, request_loss=0.05
)
NETWORKS = (CALM, DELAYED, DELAYED, UNRELIABLE, LATE_AND_TWICE, LONG_REORDERING)


def _cut(draft: Draft) -> None:
    one, other = draft.shuffled()[:2]
    draft.do(act.Cut(one, other, draft.random.random() < 0.5))


def _isolate(draft: Draft) -> None:
    draft.do(act.Isolate(draft.random.choice((LEADER, draft.one()))))


def _connect(draft: Draft) -> None:
    draft.do(act.HealAll() if draft.random.random() < 0.4 else act.Connect(draft.one()))


def _partition(draft: Draft) -> None:
    order = draft.shuffled()
    cut = draft.random.randint(1, draft.servers - 1)
    draft.do(act.Partition((tuple(order[:cut]), tuple(order[cut:]))))


def _time_out(draft: Draft) -> None:
    draft.do(act.TimeOut(draft.one()))


def _pause(draft: Draft) -> None:
    draft.do(act.Pause(draft.random.choice((LEADER, draft.one()))))


def _resume(draft: Draft) -> None:
    draft.do(*(act.Resume(server) for server in draft.shuffled()[:2]))


def _slow(draft: Draft) -> None:
    draft.do(act.Slow(draft.one(), draft.random.choice((0.0, 0.0, 0.05, 0.11, 0.3))))


def _weather(draft: Draft) -> None:
    draft.do(act.SetNetwork(draft.random.choice(NETWORKS)))


def _propose(draft: Draft) -> None:
    draft.propose(draft.random.choice((LEADER, LEADER, EVERYBODY)), draft.random.choice((1, 1, 2, 6)))


def _crash(draft: Draft) -> None:
    draft.do(act.Crash(draft.random.choice((LEADER, draft.one()))))


def _crash_at(draft: Draft) -> None:
    server = draft.random.choice((LEADER, draft.one(), draft.one()))
    draft.crash_at_a_point(server)


def _restart(draft: Draft) -> None:
    draft.do(*(act.Restart(server) for server in draft.shuffled()[: draft.random.randint(1, 2)]))


def _snapshot(draft: Draft) -> None:
    draft.do(act.Snapshot(draft.random.choice((LEADER, draft.one()))))


FAULTS: tuple[tuple[Make, str], ...] = (
    *((make, "") for make in (_cut, _isolate, _connect, _partition, _time_out, _pause, _resume, _slow, _weather)),
    *((make, PERSISTENCE) for make in (_crash, _crash_at, _crash_at, _restart, _restart)),
    (_snapshot, SNAPSHOTS),
)


def draw(stage: str, seed: int, number: int) -> Schedule:
    """Return a random schedule for servers of a stage: the `number`th of a search with this seed."""
    random = rng.generator(seed, "explore", number)
    features = STAGES[stage]
    servers = random.choice((3, 3, 3, 4, 5, 5))
    draft = Draft(random, servers, features)
    draft.wait(0.0, 1.0)
    if random.random() < 0.5:
        draft.wait(0.3, 0.6)  # the first leader is there
    makes = shapes.of_stage(features)
    possible = [make for make, needs in FAULTS if not needs or features.has(needs)]
    mix = [make for make in possible if random.random() < 0.4]
    for _ in range(random.randint(1, 3)):
        if not mix or random.random() < 0.6:
            random.choice(makes)(draft)
        else:
            _noise(draft, mix, features.has(REPLICATION))
        draft.wait(0.0, 0.5)
    paces = _paces(draft) if features.has(SNAPSHOTS) else ()
    return Schedule(
        name=f"{stage} explored, seed {seed}, number {number}",
        stage=stage,
        servers=servers,
        network=random.choice(NETWORKS),
        seed=random.randrange(1, 10**6),
        duration=round(draft.now + random.choice((0.1, 0.5, 1.5)), 2),
        paces=paces,
        service_time=random.choice((0.0, 0.0, 0.01)) if features.has(REPLICATION) else 0.0,
        steps=tuple(draft.steps),
    )


def _noise(draft: Draft, mix: list[Make], proposes: bool) -> None:
    """Let faults of the mix strike one after the other, while clients go on."""
    for _ in range(draft.random.randint(3, 12)):
        draft.random.choice(mix)(draft)
        if proposes and draft.random.random() < 0.5:
            _propose(draft)
        draft.now = round(draft.now + draft.random.choice((0.02, 0.1, 0.3, 0.6)), 2)


def _paces(draft: Draft) -> tuple[int, ...]:
    if draft.random.random() < 0.5:
        return (draft.random.choice((3, 10)),) * draft.servers
    return tuple(draft.random.choice((3, 5, 11, 17)) for _ in range(draft.servers))

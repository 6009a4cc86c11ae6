"""Beginnings of known hard cases, as steps with details that are drawn: who, when, and how long.

`timeout` makes a chosen server stand for election, so the shapes need not know who leads. Each shape is a function of a
`Draft`, which keeps the time and draws; it needs features that the stage must have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from labs.checking.stage import Stage
from labs.messages import Command
from labs.raft.curriculum import PERSISTENCE, REPLICATION, SNAPSHOTS
from labs.schedule import actions as act
from labs.schedule import words
from labs.schedule.actions import EVERYBODY, LEADER, AnyAction, Step
from labs.sim.net.interception import Address
from labs.trace.events import Leg

POINTS = tuple(words.POINTS.values())
ELECTION = 0.7
"""Virtual seconds in which most elections that a timeout begins are over."""


class Draft:
    """Steps in the making: a time that only grows, and chance."""

    def __init__(self, random: Random, servers: int, stage: Stage) -> None:
        self.random, self.servers, self._stage = random, servers, stage
        self.now = 0.0
        self.steps: list[Step] = []
        self._commands = 0

    def wait(self, low: float, high: float) -> None:
        """Let a drawn time pass, in steps of 10 ms."""
        self.now = round(self.now + self.random.uniform(low, high), 2)

    def do(self, *actions: AnyAction, at_once: bool = False) -> None:
        """Add actions that happen now."""
        for action in actions:
            self.steps.append(Step(self.now, action, at_once))

    def propose(self, server: int = LEADER, count: int = 1) -> None:
        """Propose new commands, one after the other; none before servers have a log."""
        for _ in range(count if self._stage.has(REPLICATION) else 0):
            self._commands += 1
            self.do(act.Propose(server, self._command()), at_once=True)

    def _command(self) -> Command:
        """Return a short text, mostly; at times another kind of value, or the same as before."""
        number = self._commands
        if self.random.random() < 0.8:
            return f"c{number}"
        return self.random.choice(
            (f" c{number} ", number, b"c%d" % number, [number, {"c": 0.5}], "c1", "", None, False)
        )

    def shuffled(self) -> list[int]:
        """Return the servers in random order."""
        return self.random.sample(range(self.servers), self.servers)

    def one(self) -> int:
        return self.random.randrange(self.servers)

    def crash_at_a_point(self, server: int) -> None:
        """Let a server crash at a drawn point that is not far away."""
        self.do(act.CrashAt(server, self.random.choice(POINTS), self.random.randint(1, 3)))

    def elect(self, server: int) -> None:
        """Let a server time out, and give it the time to win."""
        self.do(act.TimeOut(server))
        self.wait(ELECTION, ELECTION + 0.3)


Make: TypeAlias = Callable[[Draft], None]


@dataclass(frozen=True)
class Shape:
    """One hard case: what makes it, and what servers must have by then."""

    make: Make
    needs: str = ""


def figure_8(draft: Draft) -> None:
    """An old leader's entry reaches a majority in a later term, and is overwritten (Figure 8)."""
    order = draft.shuffled()
    half = (draft.servers - 1) // 2
    first, last, middle = order[:half], order[-half:], order[half]
    draft.elect(first[0])
    draft.do(act.Partition((tuple(first), (middle, *last))))
    draft.propose(first[0], draft.random.randint(1, 2))
    draft.wait(0.1, 0.4)
    draft.elect(last[-1])
    draft.do(act.Partition(()))
    draft.propose(last[-1])
    draft.wait(0.05, 0.2)
    draft.do(act.Partition(((*first, middle),)))
    draft.elect(first[0])
    if draft.random.random() < 0.5:
        draft.do(act.Cut(first[0], middle))
        draft.propose(first[0])
    draft.wait(0.2, 0.6)
    draft.do(act.Partition(((middle, *last),)))
    draft.elect(last[-1])
    draft.wait(0.2, 0.5)
    draft.do(act.HealAll())


def late_votes(draft: Draft) -> None:
    """Votes of an old election arrive when their candidate stands again, or leads, or follows."""
    one, other = draft.shuffled()[:2]
    held = [Address("RequestVote", voter, one, draft.random.randint(1, 2), "reply") for voter in range(draft.servers)]
    held = [address for address in held if address.source != one]
    draft.do(*map(act.Hold, held))
    draft.do(act.TimeOut(one))
    draft.wait(0.3, 0.9)
    draft.do(act.TimeOut(draft.random.choice((one, other))))
    draft.wait(0.1, 0.8)
    draft.do(*map(act.Release, held))


def late_requests_for_votes(draft: Draft) -> None:
    """A request for a vote waits on its way, and arrives terms later."""
    one, other, *_ = draft.shuffled()
    held = [Address("RequestVote", one, peer, draft.random.randint(1, 3)) for peer in range(draft.servers)]
    held = [address for address in held if address.target != one]
    draft.do(*map(act.Hold, held))
    draft.do(act.TimeOut(one))
    draft.wait(0.2, 0.8)
    draft.do(act.TimeOut(other))
    draft.wait(0.3, 1.0)
    draft.do(*map(act.Release, held))


def behind_in_terms(draft: Draft) -> None:
    """A server that missed some terms stands for election, and learns from refusals how far behind it is."""
    one, *rest = draft.shuffled()
    draft.do(act.Isolate(one))
    for _ in range(draft.random.randint(1, 3)):
        draft.elect(draft.random.choice(rest))
    draft.do(act.Isolate(LEADER), act.Connect(one), act.TimeOut(one))
    draft.wait(0.4, 1.2)
    draft.do(act.HealAll())


def split_vote(draft: Draft) -> None:
    """Two servers stand in the same term, and their voters hear both."""
    one, other, *rest = draft.shuffled()
    draft.do(act.Isolate(LEADER), act.TimeOut(one), act.TimeOut(other))
    draft.wait(0.4, 1.0)
    draft.do(act.HealAll())
    draft.do(*(act.Slow(server, draft.random.choice((0.0, 0.02, 0.06))) for server in rest[:1]))


def stale_entries(draft: Draft) -> None:
    """AppendEntries of an old leader wait on their way, and arrive after their entries were replaced."""
    old, new, *rest = draft.shuffled()
    draft.elect(old)
    target = draft.random.choice([new, *rest])
    first = draft.random.randint(1, 12)
    legs: list[Leg] = ["request", "reply"]
    held = [
        Address("AppendEntries", *((old, target) if leg == "request" else (target, old)), number, leg)
        for number in range(first, first + 4)
        for leg in draft.random.sample(legs, draft.random.randint(1, 2))
    ]
    draft.do(*map(act.Hold, held))
    draft.propose(old, draft.random.randint(1, 3))
    draft.wait(0.05, 0.4)
    draft.do(act.Isolate(old))
    draft.propose(old, draft.random.randint(0, 3))
    draft.elect(new)
    draft.propose(new, draft.random.randint(1, 3))
    draft.wait(0.2, 0.5)
    draft.do(act.Connect(old))
    draft.wait(0.0, 0.4)
    draft.do(*map(act.Release, held))


def logs_that_differ(draft: Draft) -> None:
    """Leaders that are alone collect entries of several terms; then logs of different lengths have to agree."""
    for _ in range(draft.random.randint(1, 3)):
        leader, *_ = draft.shuffled()
        draft.elect(leader)
        draft.do(act.Isolate(leader))
        draft.propose(leader, draft.random.randint(1, 6))
        draft.wait(0.3, 0.6)
        draft.propose(LEADER, draft.random.randint(0, 6))
        draft.wait(0.0, 0.3)
        draft.do(act.Connect(leader))
        draft.wait(0.0, 0.5)
    draft.propose()


def far_behind(draft: Draft) -> None:
    """A server misses many entries, and gets them over a bad link while new ones come."""
    behind = draft.one()
    draft.do(act.Isolate(behind))
    draft.wait(0.3, 0.6)
    for _ in range(draft.random.randint(2, 5)):
        draft.propose(LEADER, draft.random.choice((2, 4, 8, 40)))
        draft.wait(0.05, 0.2)
    delay = draft.random.choice((0.02, 0.06, 0.2))
    ends = [server for server in range(draft.servers) if server != behind]
    draft.do(*(act.SetLink(server, behind, (0.0, delay), 0.1, 0.3) for server in ends))
    draft.do(act.Connect(behind))
    draft.propose(LEADER, draft.random.randint(1, 4))
    draft.wait(0.1, 0.6)
    draft.propose(LEADER, draft.random.randint(0, 3))
    draft.do(*(act.SetLink(server, behind) for server in ends))


def stale_leader(draft: Draft) -> None:
    """A leader stands still or is alone while another is elected, and goes on as if nothing had happened."""
    old, new, *_ = draft.shuffled()
    draft.elect(old)
    draft.propose(old)
    draft.do(draft.random.choice((act.Pause(old), act.Isolate(old))))
    draft.propose(EVERYBODY)
    draft.elect(new)
    draft.propose(EVERYBODY, draft.random.randint(1, 2))
    draft.wait(0.1, 0.5)
    draft.do(act.Resume(old), act.Connect(old), at_once=True)
    draft.propose(EVERYBODY)


def one_way(draft: Draft) -> None:
    """A server is heard but does not hear, or the reverse; the others get along."""
    one, *rest = draft.shuffled()
    away = rest[: draft.random.randint(1, len(rest))]
    cuts = [act.Cut(one, other) if draft.random.random() < 0.5 else act.Cut(other, one) for other in away]
    draft.do(*cuts)
    for _ in range(draft.random.randint(1, 4)):
        draft.propose(EVERYBODY, draft.random.randint(0, 2))
        draft.wait(0.2, 0.7)
    draft.do(act.HealAll())


def crash_at_a_point(draft: Draft) -> None:
    """Servers crash between the steps of one answer, and start again soon."""
    for _ in range(draft.random.randint(1, 4)):
        server = draft.random.choice((LEADER, draft.one(), draft.one()))
        draft.crash_at_a_point(server)
        draft.propose(LEADER, draft.random.randint(0, 3))
        if draft.random.random() < 0.4:
            draft.do(act.TimeOut(draft.one()))
        draft.wait(0.05, 0.7)
        draft.do(*(act.Restart(each) for each in draft.shuffled()[: draft.random.randint(1, draft.servers)]))
        draft.wait(0.0, 0.4)


def vote_and_restart(draft: Draft) -> None:
    """A voter restarts after its vote, and is asked again in the same term."""
    one, other, voter, *_ = draft.shuffled()
    draft.do(act.Isolate(LEADER))
    draft.do(act.TimeOut(one), act.CrashAt(voter, draft.random.choice(("after reply", "after reply", "save", "reply"))))
    asked = [Address("RequestVote", one, voter, number) for number in range(1, 6)]
    draft.do(*(act.Duplicate(address, draft.random.choice((0.3, 0.6, 1.0))) for address in asked))
    draft.do(act.Cut(one, other, both=True))
    draft.wait(0.1, 0.6)
    draft.do(act.Restart(voter), act.Restart(other))
    if draft.random.random() < 0.5:
        draft.do(act.TimeOut(other))
    draft.wait(0.3, 0.9)
    draft.do(act.HealAll())


def all_restart(draft: Draft) -> None:
    """All servers crash at once, some with entries that nobody else has, and start again one after the other."""
    draft.propose(LEADER, draft.random.randint(1, 4))
    draft.wait(0.0, 0.2)
    draft.propose(EVERYBODY)
    draft.do(*(act.Crash(server) for server in draft.shuffled()))
    for server in draft.shuffled():
        draft.wait(0.0, 0.4)
        draft.do(act.Restart(server))
    draft.wait(0.5, 1.2)
    draft.propose(LEADER, draft.random.randint(1, 3))
    draft.wait(0.1, 0.4)
    draft.do(act.Restart(draft.one()), act.Restart(draft.one()))


def snapshot_races_entries(draft: Draft) -> None:
    """A snapshot is on its way while entries overtake it, and arrives late, again, or after a crash."""
    leader, behind, *_ = draft.shuffled()
    draft.elect(leader)
    draft.do(act.Isolate(behind))
    if draft.random.random() < 0.5:
        draft.propose(behind, 2)
    for _ in range(draft.random.randint(2, 4)):
        draft.propose(leader, draft.random.randint(3, 8))
        draft.wait(0.05, 0.2)
    draft.do(act.Snapshot(leader))
    held = [Address("InstallSnapshot", leader, behind, number) for number in (1, 2)]
    held += [Address("InstallSnapshot", behind, leader, 1, "reply")]
    chosen = draft.random.sample(held, draft.random.randint(0, 2))
    draft.do(*map(act.Hold, chosen))
    draft.do(act.Duplicate(held[0], draft.random.choice((0.05, 0.3, 0.8))))
    draft.do(act.Connect(behind))
    draft.propose(leader, draft.random.randint(0, 4))
    if draft.random.random() < 0.5:
        draft.crash_at_a_point(behind)
    draft.wait(0.1, 0.7)
    draft.do(act.Restart(behind) if draft.random.random() < 0.5 else act.Snapshot(behind))
    if draft.random.random() < 0.3:
        draft.elect(behind)
    draft.do(*map(act.Release, chosen))
    draft.propose(LEADER, 2)


def snapshots_and_restarts(draft: Draft) -> None:
    """Servers take snapshots at different indices, restart from them, and lead."""
    for _ in range(draft.random.randint(2, 4)):
        draft.propose(LEADER, draft.random.randint(2, 8))
        draft.wait(0.05, 0.4)
        draft.do(act.Snapshot(draft.random.choice((LEADER, draft.one()))))
        if draft.random.random() < 0.6:
            draft.do(act.Restart(draft.one()))
        if draft.random.random() < 0.3:
            draft.do(act.TimeOut(draft.one()))
        draft.wait(0.1, 0.8)


SHAPES = (
    *(Shape(make) for make in (late_votes, late_requests_for_votes, behind_in_terms)),
    *(Shape(make) for make in (split_vote, stale_leader, one_way)),
    *(Shape(make, REPLICATION) for make in (figure_8, stale_entries, logs_that_differ, far_behind)),
    *(Shape(make, PERSISTENCE) for make in (crash_at_a_point, vote_and_restart, all_restart)),
    *(Shape(make, SNAPSHOTS) for make in (snapshot_races_entries, snapshots_and_restarts)),
)


def of_stage(stage: Stage) -> list[Make]:
    """Return the shapes that servers of a stage can be led through; those of its own feature count three times."""
    own = {2: REPLICATION, 3: PERSISTENCE, 4: SNAPSHOTS}.get(stage.number, "")
    found = [shape for shape in SHAPES if not shape.needs or stage.has(shape.needs)]
    return [shape.make for shape in found for _ in range(3 if shape.needs == own else 1)]

"""What can happen in a schedule, as data, and the schedule itself. Knows neither the file format nor how it is played.

Times are virtual seconds from the start of the run. A server is an id, or `LEADER`: the connected server that leads the
highest term at that moment; an action about it does nothing if there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from labs.messages import Command
from labs.sim.dispatch import CrashPoint
from labs.sim.net.interception import Address
from labs.sim.net.network import NOTHING, PRESETS, Conditions, Span

LEADER = -1
"""In place of a server's id: the server that leads then."""
EVERYBODY = -2
"""In place of a server's id where a command is proposed: all servers, one after the other; those that lead accept."""


class Action(msgspec.Struct, frozen=True, tag=True):
    """The base of all actions."""


class Cut(Action, frozen=True):
    """The link from `source` to `target` stops working, this direction only, or both."""

    source: int
    target: int
    both: bool = False


class Heal(Action, frozen=True):
    """The link from `source` to `target` works again, this direction only, or both."""

    source: int
    target: int
    both: bool = False


class HealAll(Action, frozen=True):
    """All links work again, and all servers are connected."""


class Isolate(Action, frozen=True):
    """All links of a server stop working, both ways."""

    server: int


class Connect(Action, frozen=True):
    """`Isolate` ends; single links that are cut stay so."""

    server: int


class Partition(Action, frozen=True):
    """Only links inside a group work; earlier cuts end. A server in no group is alone."""

    groups: tuple[tuple[int, ...], ...]


class Crash(Action, frozen=True):
    """A server crashes; its disk stays."""

    server: int


class CrashAt(Action, frozen=True):
    """A server crashes at a point of its own: right after its nth next save, before its nth next request leaves…"""

    server: int
    point: CrashPoint
    nth: int = 1


class Spare(Action, frozen=True):
    """`CrashAt` ends, if that crash has not come."""

    server: int


class Restart(Action, frozen=True):
    """A server starts from its disk; it crashes first if it runs."""

    server: int


class Pause(Action, frozen=True):
    """A server stands still: its timers stop, and what reaches it waits."""

    server: int


class Resume(Action, frozen=True):
    """A server that stands still goes on."""

    server: int


class TimeOut(Action, frozen=True):
    """A server hears nothing until its election timer runs out.

    This needs no access to the server's code, and is the same in all hosts: every link to the server is cut until its
    own term rises, at most 3 s. The server's clock goes as ever, so the time that passes is its own timeout. Pausing
    the others meanwhile would let their timers run out, too.
    """

    server: int


class Slow(Action, frozen=True):
    """Everything to and from a server takes this much longer; 0 ends it."""

    server: int
    seconds: float


class SetLink(Action, frozen=True):
    """One direction of a link gets its own delay, loss and duplication; none of them ends it."""

    source: int
    target: int
    delay: Span = NOTHING
    loss: float = 0.0
    duplicate: float = 0.0


class SetNetwork(Action, frozen=True):
    """The network treats messages differently from now on."""

    conditions: Conditions


class Drop(Action, frozen=True):
    """One message does not arrive."""

    message: Address


class Delay(Action, frozen=True):
    """One message arrives this much later."""

    message: Address
    seconds: float


class Duplicate(Action, frozen=True):
    """One request arrives again, this much later."""

    message: Address
    seconds: float


class Hold(Action, frozen=True):
    """One message waits when it would arrive."""

    message: Address


class Release(Action, frozen=True):
    """`Hold` ends: the message arrives now, if it waits."""

    message: Address


class Propose(Action, frozen=True):
    """A command is proposed to a server, to the leader, or to everybody."""

    server: int
    command: Command


class Snapshot(Action, frozen=True):
    """A server's service takes a snapshot of all that it has applied."""

    server: int


AnyAction: TypeAlias = (
    Cut
    | Heal
    | HealAll
    | Isolate
    | Connect
    | Partition
    | Crash
    | CrashAt
    | Spare
    | Restart
    | Pause
    | Resume
    | TimeOut
    | Slow
    | SetLink
    | SetNetwork
    | Drop
    | Delay
    | Duplicate
    | Hold
    | Release
    | Propose
    | Snapshot
)


_ENDS = ("server", "source", "target")
"""The fields of an action, or of a message's name, that are servers."""


def servers_of(action: AnyAction) -> list[int]:
    """Return the servers that an action names, each as often as it is named."""
    named = [server for group in getattr(action, "groups", ()) for server in group]
    for holder in (action, getattr(action, "message", None)):
        named += [getattr(holder, field) for field in _ENDS if hasattr(holder, field)]
    return named


def renumbered(action: AnyAction, number: Callable[[int], int]) -> AnyAction:
    """Return the same action about other servers: `number` has the new one for each that is named."""
    if isinstance(action, Partition):
        return Partition(tuple(tuple(map(number, group)) for group in action.groups))
    holder = getattr(action, "message", action)
    ends = {field: number(getattr(holder, field)) for field in _ENDS if hasattr(holder, field)}
    moved = msgspec.structs.replace(holder, **ends)
    return moved if holder is action else msgspec.structs.replace(action, message=moved)


class Step(msgspec.Struct, frozen=True):
    """Something that happens at a time.

    Between two steps of one time the servers do all that they have to do at that time, unless the second is `at_once`:
    then no server acts between the two.
    """

    time: float
    action: AnyAction
    at_once: bool = False


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A run as data. The seed decides the rest: each message's fate on the network, and each server's own choices."""

    name: str
    stage: str
    """The stage whose rules are checked: "2A" to "2D"; servers have that stage's features."""
    servers: int
    network: Conditions = PRESETS["reliable"]
    """How the network treats messages at the start."""
    seed: int = 1
    duration: float
    """When the schedule is over, in virtual seconds; after that the cluster must recover (labs.schedule.player)."""
    paces: tuple[int, ...] = ()
    """For each server after how many entries its service takes a snapshot; empty for as in stage tests: every
    SNAPSHOT_EVERY entries in stages with snapshots (labs.testing.scenario), and never before."""
    service_time: float = 0.0
    """Virtual seconds that a service takes for each message."""
    rule: str = ""
    """The rule that a run of this schedule broke when it was kept, if it was kept for that."""
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        """Put steps in the order of time; steps of one time keep theirs. A step has others before it to be at once."""
        before, ordered = -1.0, list[Step]()
        for step in sorted(self.steps, key=lambda step: step.time):
            is_alone = step.at_once and step.time != before
            ordered.append(Step(step.time, step.action) if is_alone else step)
            before = step.time
        msgspec.structs.force_setattr(self, "steps", tuple(ordered))

    def until(self, time: float) -> Schedule:
        """Return the beginning of the schedule: the steps up to a time."""
        return msgspec.structs.replace(self, steps=tuple(step for step in self.steps if step.time <= time))

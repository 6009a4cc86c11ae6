"""What may come next in a run, which two choices commute, and how much of each there may be."""

from __future__ import annotations

from typing import Literal

import msgspec

from labs.checking.stage import Stage
from labs.raft.curriculum import PERSISTENCE, REPLICATION
from labs.sim.net.interception import Address

Kind = Literal["elect", "deliver", "lose", "propose", "time out", "wait", "restart"]
GLOBAL: tuple[Kind, ...] = ("elect", "time out", "wait")
"""The choices in which time passes, for every server. In all others none does."""


class Choice(msgspec.Struct, frozen=True):
    """One thing that may happen next.

    `elect`: messages flow until `server` leads; `time out`: time passes until `server`, and no other, stands for
    election by itself; `wait`: time passes, long enough for a heartbeat, and no server stands for election;
    `deliver`, `lose`: a message; `restart`: `server` crashes, and starts from its disk.
    """

    kind: Kind
    server: int = -1
    """The server that notices; the one that called, if a message is lost; -1 for all."""
    message: Address | None = None

    @property
    def is_global(self) -> bool:
        return self.kind in GLOBAL


def commute(one: Choice, other: Choice) -> bool:
    """Return whether two choices lead to the same states in both orders, and none of them makes the other impossible.

    Each concerns one server, whose state and outputs depend only on what it gets, in which order, and when; and no time
    passes between them. So choices about two servers commute, unless both are about messages of one link (what one
    overtakes may be lost), or both propose (which command is it?), or time passes in one of them.
    """
    if one.is_global or other.is_global or one.server == other.server:
        return False
    if one.message is not None and other.message is not None and _link(one.message) == _link(other.message):
        return False
    return not one.kind == other.kind == "propose"


def _link(message: Address) -> tuple[int, int]:
    return message.source, message.target


class Bounds(msgspec.Struct, frozen=True):
    """The most choices of each kind in a run."""

    timeouts: int = 0
    waits: int = 0
    commands: int = 0
    losses: int = 0
    overtakes: int = 0
    """How many messages may arrive before an older one: a request before one of the same link, or a reply."""
    restarts: int = 0

    def words(self) -> str:
        """Return the bounds in words, without those that are 0."""
        found = []
        for count, one, many in (
            (self.commands, "command", "commands"),
            (self.timeouts, "timeout", "timeouts"),
            (self.waits, "pause for heartbeats", "pauses for heartbeats"),
            (self.losses, "lost message", "lost messages"),
            (self.overtakes, "message that overtakes", "messages that overtake"),
            (self.restarts, "crash", "crashes"),
        ):
            found += [f"{count} {one if count == 1 else many}"] if count else []
        return ", ".join(found)


def ladder(stage: Stage) -> list[Bounds]:
    """Return the bounds of a stage, each with all that the one before has, and more.

    Two commands where logs are replicated; one crash where disks are kept.
    """
    if not stage.has(REPLICATION):
        return [
            Bounds(timeouts=1),
            Bounds(timeouts=2),
            Bounds(timeouts=2, waits=1, losses=1),
            Bounds(timeouts=3, waits=1, losses=1, overtakes=1),
        ]
    crashes = int(stage.has(PERSISTENCE))
    return [
        Bounds(commands=1, waits=1, restarts=crashes),
        Bounds(commands=1, timeouts=1, restarts=crashes),
        Bounds(commands=2, timeouts=1, waits=1, restarts=crashes),
        Bounds(commands=2, timeouts=1, waits=1, losses=1, overtakes=1, restarts=crashes),
        Bounds(commands=2, timeouts=2, waits=2, losses=1, overtakes=1, restarts=crashes),
    ]

"""Two-phase commit in messages: clients call the coordinator; it and the participants send one-way messages."""

from __future__ import annotations

from dataclasses import dataclass

from labs.checking.configuration import Configuration
from labs.codec.rpcs import Kind, Rpc, register

CLIENTS, COORDINATORS, PARTICIPANTS = Configuration((0,)), Configuration((1,)), Configuration((2, 3, 4))


@dataclass(frozen=True)
class BeginArgs:
    number: int
    command: str


@dataclass(frozen=True)
class BeginReply:
    committed: bool


@dataclass(frozen=True)
class Prepare:
    number: int
    command: str


@dataclass(frozen=True)
class Vote:
    number: int
    voter: int
    yes: bool


@dataclass(frozen=True)
class Decide:
    number: int
    commit: bool


register(
    __name__,
    Rpc("Begin", "begin", Kind(32, BeginArgs), Kind(33, BeginReply)),
    Rpc("Prepare", "prepare", Kind(34, Prepare), None),
    Rpc("Vote", "vote", Kind(35, Vote), None),
    Rpc("Decide", "decide", Kind(36, Decide), None),
)

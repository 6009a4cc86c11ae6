"""Two-phase commit in messages: clients call the coordinator; it and the participants send one-way messages."""

from dataclasses import dataclass

from labs.checking.configuration import Configuration
from labs.codec import states
from labs.codec.rpcs import Kind, Rpc, register
from labs.trace.events import AnySave

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


@dataclass(frozen=True)
class Journal:
    prepared: dict[str, str]  # by number
    done: list[str]


class SaveJournal(AnySave, frozen=True, tag="save_journal", gc=False):
    prepared: dict[str, str]
    done: list[str]


states.register(states.StateKind(1, Journal, SaveJournal))
register(
    __name__,
    Rpc("Begin", "begin", Kind(32, BeginArgs), Kind(33, BeginReply)),
    Rpc("Prepare", "prepare", Kind(34, Prepare), None),
    Rpc("Vote", "vote", Kind(35, Vote), None),
    Rpc("Decide", "decide", Kind(36, Decide), None),
)

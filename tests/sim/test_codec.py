"""The codec: what a server hands over arrives as it was, in new objects, or is refused with the place that is wrong."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs import messages
from labs.codec import messages as codec
from labs.codec import safe_repr
from labs.codec.limits import MAX_INDEX, MAX_MESSAGE
from labs.codec.messages import Refused
from labs.codec.rpcs import KIND_OF, RPCS
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    Message,
    PingArgs,
    PingReply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.events import Save
from labs.trace.events import Reply, Send
from tests.running import make_scenario, simulate, write_submission

INTS = st.integers(-(2**63), 2**64 - 1)
TEXTS = st.text('aZ 0_\0"\\äß€😀', max_size=20)
SCALARS = st.none() | st.booleans() | INTS | st.floats(allow_nan=False) | TEXTS | st.binary(max_size=20)
COMMANDS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
TERMS = st.integers(0, 2**40)
INDEXES = st.integers(-1, MAX_INDEX - 4)
ENTRIES = st.builds(LogEntry, TERMS, COMMANDS)
MESSAGES = st.one_of(
    st.builds(RequestVoteArgs, TERMS, TERMS, INDEXES, TERMS),
    st.builds(RequestVoteReply, TERMS, st.booleans()),
    st.builds(AppendEntriesArgs, TERMS, TERMS, INDEXES, TERMS, st.lists(ENTRIES, max_size=4), INDEXES),
    st.builds(AppendEntriesReply, TERMS, st.booleans(), st.none() | TERMS, st.none() | TERMS),
    st.builds(InstallSnapshotArgs, TERMS, TERMS, INDEXES, TERMS, st.binary(max_size=50)),
    st.builds(InstallSnapshotReply, TERMS),
    st.builds(PingArgs, TERMS),
    st.builds(PingReply, TERMS),
)


def same(one: Any, other: Any) -> bool:
    """Compare types, too, all the way down: 1 is not True, and not 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    return bool(one == other)


def nothing(name: str) -> None:
    """Find no class: the submission has none of its own."""


# What arrives.


@given(COMMANDS)
def test_every_command_arrives_as_it_was(command: Any) -> None:
    arrived = codec.decode_command(codec.encode_command(command))
    assert same(arrived, command)
    assert arrived is not command or not isinstance(command, list | dict)


@given(MESSAGES)
def test_every_message_arrives_as_it_was(message: Message) -> None:
    data = codec.encode_message(message)
    assert same(codec.decode_message(data, nothing), message)
    assert same(codec.decode_base(data), message)
    assert codec.base_class(data) is type(message)
    assert codec.decode_extra(data) is None


@given(ENTRIES)
def test_every_entry_arrives_as_it_was(entry: LogEntry) -> None:
    data = codec.encode_entry(entry)
    assert same(codec.decode_entry(data, nothing), entry)
    assert same(codec.decode_base_entry(data), entry)


@given(COMMANDS)
def test_equal_commands_have_equal_bytes_in_any_process(command: Any) -> None:
    """Snapshots and digests are made of these bytes."""
    again = codec.decode_command(codec.encode_command(command))
    assert codec.encode_command(again) == codec.encode_command(command)


def test_command_that_is_changed_afterwards_arrives_as_it_was() -> None:
    command = {"list": [1, 2]}
    data = codec.encode_command(command)
    command["list"].append(3)
    assert codec.decode_command(data) == {"list": [1, 2]}


def test_each_message_of_the_api_has_a_number_and_a_procedure() -> None:
    classes = {cls for cls in vars(messages).values() if isinstance(cls, type)}
    defined = {cls for cls in classes if cls.__name__.endswith(("Args", "Reply"))}
    assert {cls for cls in KIND_OF if cls.__module__ == "labs.messages"} == defined
    assert {"RequestVote", "AppendEntries", "InstallSnapshot", "Ping"} <= set(RPCS)


# What is refused.


def nested(depth: int) -> Any:
    command: Any = []
    for _ in range(depth):
        command = [command]
    return command


REFUSED_COMMANDS = [
    ({1, 2}, "the command is a set: {1, 2}; allowed are", "(use a sorted list)"),
    ((1, 2), "the command is a tuple: (1, 2); allowed are", "(use a list)"),
    (object, "the command is a type", "allowed are bool, int, float, str, bytes, list, dict and None"),
    (bytearray(b"x"), "the command is a bytearray", "allowed"),
    (1 + 2j, "the command is a complex", "allowed"),
    ([1, [2, {3}]], "the command[1][1] is a set: {3}", "use a sorted list"),
    ({"a": [{"b": (1,)}]}, "the command['a'][0]['b'] is a tuple", "use a list"),
    ({1: 2}, "the command has the key 1: keys must be strings", ""),
    ({"a": {b"b": 2}}, "the command['a'] has the key b'b': keys must be strings", ""),
    ({"\0class": 1}, "has the key '\\x00class', which the encoding needs for itself", ""),
    (2**64, "the command is the integer 18446744073709551616", "64 bits"),
    ([0, -(2**63) - 1], "the command[1] is the integer -9223372036854775809", "64 bits"),
    (nested(33), "[0][0] is nested more than 32 deep", ""),
    ("\ud800", "a command cannot be encoded", "surrogates not allowed"),
    (b"x" * (MAX_MESSAGE + 1), "a command takes 2,097,158 bytes, more than the 2,097,152 allowed", ""),
    (True.__class__, "the command is a type", ""),
]


@pytest.mark.parametrize(("command", "text", "advice"), REFUSED_COMMANDS)
def test_value_that_is_no_command_is_refused_with_its_place(command: Any, text: str, advice: str) -> None:
    with pytest.raises(Refused) as refused:
        codec.encode_command(command)
    assert text in str(refused.value)
    assert advice in str(refused.value)


@pytest.mark.parametrize("command", [nested(32), 2**64 - 1, -(2**63), "\0", {"": None}, float("inf")])
def test_value_at_the_limit_is_a_command(command: Any) -> None:
    assert same(codec.decode_command(codec.encode_command(command)), command)


def test_number_that_is_a_subclass_is_no_command() -> None:
    class Celsius(float):
        pass

    with pytest.raises(Refused, match="the command is a Celsius"):
        codec.encode_command(Celsius(3))


def test_list_that_contains_itself_is_refused() -> None:
    command: list[Any] = []
    command.append(command)
    with pytest.raises(Refused, match="nested more than 32 deep"):
        codec.encode_command(command)


WRONG_FIELDS: list[tuple[Any, str]] = [
    (RequestVoteArgs("1", 0, 0, 0), r"RequestVoteArgs: Expected `int`, got `str` - at `\$.term`"),  # type: ignore[arg-type]
    (RequestVoteArgs(1, None, 0, 0), r"RequestVoteArgs: .* got `None` - at `\$.candidate_id`"),  # type: ignore[arg-type]
    (RequestVoteArgs(True, 0, 0, 0), r"RequestVoteArgs: Expected `int`, got `bool` - at `\$.term`"),
    (RequestVoteArgs(2**70, 0, 0, 0), "RequestVoteArgs cannot be encoded"),
    (RequestVoteReply(1, 1), r"RequestVoteReply: Expected `bool`, got `int` - at `\$.vote_granted`"),  # type: ignore[arg-type]
    (AppendEntriesReply(1, True, "2"), r"AppendEntriesReply: .* - at `\$.conflict_term`"),  # type: ignore[arg-type]
    (InstallSnapshotArgs(1, 0, 1, 1, "text"), r"InstallSnapshotArgs: .*`bytes`, got `str` - at `\$.data`"),  # type: ignore[arg-type]
    (AppendEntriesArgs(1, 0, 0, 0, (), 0), "AppendEntriesArgs.entries is a tuple, it must be a list of LogEntry"),  # type: ignore[arg-type]
    (AppendEntriesArgs(1, 0, 0, 0, None, 0), "AppendEntriesArgs.entries is a NoneType"),  # type: ignore[arg-type]
    (AppendEntriesArgs(1, 0, 0, 0, [1], 0), r"AppendEntriesArgs.entries\[0\] must be a LogEntry, not 1"),  # type: ignore[list-item]
    (
        AppendEntriesArgs(1, 0, 0, 0, [LogEntry(1, 1), LogEntry(1, {"x": {2}})], 0),
        r"AppendEntriesArgs.entries\[1\].command\['x'\] is a set",
    ),
    (
        AppendEntriesArgs(1, 0, 0, 0, [LogEntry(1, 2**70)], 0),
        r"AppendEntriesArgs.entries\[0\].command is the integer",
    ),
    (
        AppendEntriesArgs(1, 0, 0, 0, [LogEntry("1", 1)], 0),  # type: ignore[arg-type]
        r"AppendEntriesArgs: .* - at `\$.entries\[0\].term`",
    ),
]


@pytest.mark.parametrize(("message", "text"), WRONG_FIELDS)
def test_message_with_a_wrong_field_is_refused_with_its_place(message: Any, text: str) -> None:
    with pytest.raises(Refused, match=text):
        codec.decode_base(codec.encode_message(message))


@pytest.mark.parametrize("value", [None, "hello", 1, {"term": 1}, LogEntry(1, 1), RequestVoteArgs, object()])
def test_value_that_is_no_message_is_refused(value: Any) -> None:
    with pytest.raises(Refused, match=r"is not a message: send one of the dataclasses of labs.messages"):
        codec.encode_message(value)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ((1, "x"), r"a log entry must be a LogEntry, not \(1, 'x'\)"),
        (LogEntry("1", "x"), "LogEntry.term must be an int, not '1'"),  # type: ignore[arg-type]
        (LogEntry(True, "x"), "LogEntry.term must be an int, not True"),
        (LogEntry(1, {1}), "the command is a set"),  # type: ignore[arg-type]
    ],
)
def test_value_that_is_no_entry_is_refused(entry: Any, text: str) -> None:
    with pytest.raises(Refused, match=text):
        codec.encode_entry(entry)


def test_shown_value_is_short_even_if_it_cannot_be_shown() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError

    assert safe_repr.short("x" * 100) == "'" + "x" * 56 + "..."
    assert safe_repr.short(Silent()) == "<Silent>"


# Classes that the submission derives.


@dataclass(frozen=True)
class OwnArgs(AppendEntriesArgs):
    round: int = 0
    seen: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class OwnEntry(LogEntry):
    client: str = "nobody"
    history: list[LogEntry] = field(default_factory=list)


def find(name: str) -> type | None:
    return {"OwnArgs": OwnArgs, "OwnEntry": OwnEntry}.get(name)


OWN_ENTRIES = st.builds(OwnEntry, TERMS, COMMANDS, TEXTS, st.lists(ENTRIES, max_size=2))


@given(st.lists(ENTRIES | OWN_ENTRIES, max_size=3), TERMS)
def test_own_message_with_own_entries_arrives_whole_and_is_seen_as_its_base(entries: list[LogEntry], term: int) -> None:
    message = OwnArgs(term, 1, 2, 3, entries, 4, round=5, seen=[6, 7])
    data = codec.encode_message(message)
    assert same(codec.decode_message(data, find), message)
    plain = [LogEntry(entry.term, entry.command) for entry in entries]
    assert same(codec.decode_base(data), AppendEntriesArgs(term, 1, 2, 3, plain, 4))
    assert codec.base_class(data) is AppendEntriesArgs
    assert codec.decode_extra(data) == {"round": 5, "seen": [6, 7]}


@given(st.builds(OwnEntry, TERMS, COMMANDS, TEXTS))
def test_own_entry_is_saved_whole_and_seen_as_its_base(entry: OwnEntry) -> None:
    data = codec.encode_entry(entry)
    assert same(codec.decode_entry(data, find), entry)
    assert same(codec.decode_base_entry(data), LogEntry(entry.term, entry.command))


def test_base_message_with_own_entries_arrives_whole() -> None:
    message = AppendEntriesArgs(1, 0, 0, 0, [OwnEntry(1, "x", "me"), LogEntry(1, "y")], 0)
    arrived = codec.decode_message(codec.encode_message(message), find)
    assert same(arrived, message)


def test_own_field_that_cannot_be_encoded_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="seen is a set"):
        codec.encode_message(OwnArgs(1, 0, 0, 0, [], 0, seen={1}))  # type: ignore[arg-type]


EXTENDED_SERVER = """
from dataclasses import dataclass, field
import trio


@dataclass(frozen=True)
class OwnArgs(PingArgs):
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class OwnReply(PingReply):
    sender: int = -1


@dataclass(frozen=True)
class OwnEntry(LogEntry):
    client: str = ""


@dataclass(frozen=True)
class OwnState(PersistentState):
    configuration: dict[str, int] = field(default_factory=dict)


class Raft(Plain):
    async def run(self) -> None:
        state = self.node.persister.load()
        if state is not None:
            self.node.note(f"loaded {state}")
        state = OwnState(1, None, [OwnEntry(1, "x", "me"), LogEntry(1, "y")], configuration={"a": 1})
        self.node.persister.save(state)
        reply = await self.node.call(self.node.peers[0], OwnArgs(7, ["hello", "world"]))
        self.node.note(f"reply {reply}")
        await trio.sleep_forever()

    def ping(self, args):
        self.node.note(f"asked {args}")
        return OwnReply(args.number, self.node.me)
"""


def test_own_classes_travel_between_servers_and_through_the_disk(tmp_path: Any) -> None:
    async def test(cluster: Any) -> None:
        await cluster.sleep(0.1)
        cluster.restart(0)
        await cluster.sleep(0.1)

    run = simulate(write_submission(tmp_path, EXTENDED_SERVER), make_scenario(test))
    assert run.record.status == "pass", run.record.message
    entries = "[OwnEntry(term=1, command='x', client='me'), LogEntry(term=1, command='y')]"
    assert run.notes(0) == [
        "asked OwnArgs(number=7, words=['hello', 'world'])",
        "reply OwnReply(number=7, sender=1)",
        f"loaded OwnState(current_term=1, voted_for=None, log={entries}, last_included_index=0, "
        "last_included_term=0, configuration={'a': 1})",
        "reply OwnReply(number=7, sender=1)",
    ]
    assert [event.extra for event in run.of(Send, 0)] == [{"words": ["hello", "world"]}] * 2
    assert {event.extra["sender"] for event in run.of(Reply, 1) if event.extra} == {1}
    assert [event.extra for event in run.of(Save, 1)] == [{"configuration": {"a": 1}}]
    assert all(event.entries == [LogEntry(1, "x"), LogEntry(1, "y")] for event in run.of(Save, 1))

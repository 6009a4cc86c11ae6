"""A server's values must have a meaning before any checker sees them: the same inline and in process hosts, with its
line. Frames that a process sends without the lab's own code are checked, through by the same bounds, before anything is
built of it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.codec import messages as codec
from labs.codec import outlines
from labs.codec.limits import MAX_DEPTH, MAX_ITEMS, MAX_KEYS, Refused
from labs.codec.packed import HARMLESS, look_through
from labs.messages import AppendEntriesArgs, LogEntry
from labs.raft.testing.cluster import Cluster
from labs.sim.hosts.process.frames import Answer, BadFrame, decode_from_server, encode
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.hosts.process.validate import Customs
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Applied, Called, Output, Saved
from labs.sim.server.service import decode_snapshot
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario
from tests.running import line_of, make_scenario, simulate, write_submission
from tests.tools.parity import difference_of

RUNS = "class Raft(Plain):\n    async def run(self):\n        await trio.sleep(0.1)\n        {body}  # here\n"
ANSWERS = "class Raft(Plain):\n    def {method}(self, *args):\n        return {answer}\n"
OWN = "@dataclass(frozen=True)\nclass Own({base}):\n    own: object = None\n\n"
SAVE = "self.node.persister.save(PersistentState({}))"
ASK = "await self.node.call(self.node.peers[0], {})"
NO_SENSE = {
    "a vote for nobody": (SAVE.format("1, 99, []"), "voted_for is 99: it must be None or the id of one of the servers"),
    "a vote for less than nobody": (SAVE.format("1, -1, []"), "PersistentState.voted_for is -1: it must be None or"),
    "a vote for true": (SAVE.format("1, True, []"), "PersistentState.voted_for must be an int or None, not True"),
    "a term that is true": (SAVE.format("True, None, []"), "PersistentState.current_term must be an int, not True"),
    "a saved term below all": (SAVE.format("-2, None, []"), "PersistentState.current_term is -2: terms count from 0"),
    "a saved term beyond all": (SAVE.format("2**62, None, []"), "no run of this lab goes beyond 1,099,511,627,776"),
    "an entry's term": (SAVE.format("1, None, [LogEntry(2**50, 1)]"), "LogEntry.term is 1,125,899,906,842,624: no run"),
    "a log that is too long": (
        SAVE.format("1, None, [LogEntry(1, 1)] * 2, 199_999"),
        "the last index of PersistentState.log is 200,001: no log",
    ),
    "a base's term": (SAVE.format("1, None, [], 1, -9"), "PersistentState.last_included_term is -9"),
    "a candidate": (ASK.format("RequestVoteArgs(1, 7, 0, 0)"), "RequestVoteArgs.candidate_id is 7: the servers are 0"),
    "a leader": (ASK.format("AppendEntriesArgs(1, -1, 0, 0, [], 0)"), "AppendEntriesArgs.leader_id is -1: the servers"),
    "a sender": (ASK.format("InstallSnapshotArgs(1, 2, 1, 1, b'')"), "InstallSnapshotArgs.leader_id is 2: the servers"),
    "a candidate that is true": (ASK.format("RequestVoteArgs(1, True, 0, 0)"), "RequestVoteArgs: Expected `int`"),
    "an index far below": (
        ASK.format("RequestVoteArgs(1, 0, -2, 0)"),
        "last_log_index is -2: the first entry",
    ),
    "a term": (ASK.format("RequestVoteArgs(2**60, 0, 0, 0)"), "RequestVoteArgs.term is 1,152,921,504,606,846,976: no"),
    "a message's entry": (ASK.format("AppendEntriesArgs(1, 0, 0, 0, [LogEntry(-5, 1)], 0)"), "entries[0].term is -5"),
    "entries beyond all logs": (
        ASK.format("AppendEntriesArgs(1, 0, 199_999, 1, [LogEntry(1, 1)] * 2, 0)"),
        "the last index of AppendEntriesArgs.entries is 200,001",
    ),
    "an apply": ("self.apply_ch.send_nowait(ApplyCommand(-2, 1))", "apply_ch: index is -2: the first entry of a log"),
    "an apply at true": (
        "self.apply_ch.send_nowait(ApplyCommand(True, 1))",
        "index must be an int, not True",
    ),
    "a snapshot's term": ("self.apply_ch.send_nowait(ApplySnapshot(1, 2**50, b''))", "apply_ch: term is 1,125,899,906"),
    "too many keys": (
        "self.apply_ch.send_nowait(ApplyCommand(1, {str(n): n for n in range(4001)}))",
        "the command is a dict of 4,001 keys; 4,000 are allowed (use a list)",
    ),
    "too many values": (
        "self.apply_ch.send_nowait(ApplyCommand(1, [[0] * 60_000] * 2))",
        "too many values: 100,000 are allowed in all lists and dicts together",
    ),
    "a value that holds itself": (
        "value = []; value.append(value); self.apply_ch.send_nowait(ApplyCommand(1, value))",
        "is nested more than 32 deep",
    ),
    "own fields of many values": (
        ASK.format("Own(1, 0, 0, 0, [[0] * 60_000] * 2)"),
        "more than 100,000 values in lists and dicts",
    ),
    "own fields that are deep": (
        "value = 0\n        for _ in range(40): value = [value]\n        " + ASK.format("Own(1, 0, 0, 0, value)"),
        "is nested more than 32 deep",
    ),
}
START = {
    "an index below all": "(-2, 1, True)",
    "a term below all": "(1, -2, True)",
    "a term beyond all": "(1, 2**60, True)",
    "an index that is true": "(True, 1, True)",
    "a lead that is a number": "(1, 1, 1)",
    "a list": "[1, 1, True]",
    "too few": "(1, True)",
}


@pytest.fixture(scope="module")
def hosts() -> Iterator[ProcessHosts]:
    if not hasattr(os, "fork"):
        pytest.skip("process hosts need os.fork")
    with ProcessHosts() as running:
        yield running


def run_both(hosts: ProcessHosts, submission: Path, scenario: Scenario | None = None) -> RunRecord:
    """Run a server inline and in process hosts; return the record, which must be the same."""
    scenario = scenario or make_scenario(stage="2D")
    inline = simulate(submission, scenario).record
    assert difference_of(inline, run_scenario(scenario, submission, 1, hosts=hosts)) == ""
    assert inline.details == ""
    return inline


@pytest.mark.parametrize("what", NO_SENSE)
def test_what_cannot_be_meant_is_refused_with_its_line(hosts: ProcessHosts, tmp_path: Path, what: str) -> None:
    body, told = NO_SENSE[what]
    head = "from dataclasses import dataclass\n" + OWN.format(base="RequestVoteArgs")
    record = run_both(hosts, write_submission(tmp_path, head + RUNS.format(body=body)))
    assert (record.status, record.rule, record.involved) == ("error", "WellFormed", [0]), record.message
    assert told in record.message
    assert f"raft.py:{line_of(tmp_path / 'raft.py', '# here')} in run" in record.message


@pytest.mark.parametrize("what", START)
def test_start_answers_only_what_can_be_meant(hosts: ProcessHosts, tmp_path: Path, what: str) -> None:
    async def propose(cluster: Cluster) -> None:
        cluster.start(0, 1)

    text = ANSWERS.format(method="start", answer=START[what])
    record = run_both(hosts, write_submission(tmp_path, text), make_scenario(propose))
    assert (record.status, record.rule) == ("error", "WellFormed")
    assert "start must return (index, term, is_leader), not" in record.message


@pytest.mark.parametrize("answer", ["(-2, False)", "(2**60, False)", "(1, 0)", "(True, True)", "[1, True]"])
def test_get_state_answers_only_what_can_be_meant(hosts: ProcessHosts, tmp_path: Path, answer: str) -> None:
    async def ask(cluster: Cluster) -> None:
        cluster.state(1)

    text = ANSWERS.format(method="get_state", answer=answer)
    record = run_both(hosts, write_submission(tmp_path, text), make_scenario(ask))
    assert (record.status, record.rule) == ("error", "WellFormed")
    assert "get_state must return (current_term, is_leader), not" in record.message


MEANT = {
    "one below where there is none": ASK.format("RequestVoteArgs(0, self.node.me, -1, -1)"),
    "own fields of many kinds": ASK.format("Own(0, self.node.me, 0, 0, {'a': [1.5, b'x', None, {'b': True}]})"),
    "a vote for another": SAVE.format("1, self.node.peers[0], []"),
}


@pytest.mark.parametrize("what", MEANT)
def test_what_can_be_meant_is_not_refused(hosts: ProcessHosts, tmp_path: Path, what: str) -> None:
    head = "from dataclasses import dataclass\n" + OWN.format(base="RequestVoteArgs")
    handler = "    def request_vote(self, args):\n        return RequestVoteReply(0, False)\n"
    submission = write_submission(tmp_path, head + RUNS.format(body=MEANT[what]) + handler)
    assert run_both(hosts, submission, make_scenario()).status == "pass"


# Frames that a process sends without the lab's own code.

PAIRS = [bytes([0x9C]) + bytes(0xFE + (n >> bit & 1) for bit in range(12)) for n in range(1 << 12)]
"""Lists of twelve times -1 or -2, as keys of a map: all have one hash."""
COLLIDING = b"\xde\x0f\xa0" + b"".join(key + b"\xc0" for key in PAIRS[:4000])
DEEP = b"\x91" * 100_000 + b"\xc0"
LISTS = b"\xdd\x00\x0f\x42\x40" + b"\x90" * 1_000_000
KEYS = b"\xde\xff\xff" + b"".join(b"\xa4" + f"{n:04x}".encode() + b"\xc0" for n in range(0xFFFF))
CLAIMS = b"\xdd\xff\xff\xff\xff" + b"\xc0" * 300
OTHER_KINDS = b"\x91\xc7\x08\x05" + bytes(8) + b"\xc0" * 300
BOMBS = {
    "colliding keys": COLLIDING,
    "nesting": DEEP,
    "expansion": LISTS,
    "very many keys": KEYS,
    "a length that is not there": CLAIMS,
    "another kind": OTHER_KINDS,
}
FIELDS = b"\x00\x94\x01\xc0\x00\x00"
"""Those of a state in term 1, without a vote, and with a log without a base."""
ENTRY = b"\x82\xa4term\x01\xa7command"
APPEND = b"\x86\xa4term\x01\xa9leader_id\x00\xaeprev_log_index\x00\xadprev_log_term\x00\xa7entries"


def with_entries(entries: bytes) -> bytes:
    """Return an AppendEntries of the lab's own class with these entries, as encoded."""
    return b"\x02" + APPEND + entries + b"\xadleader_commit\x00"


def outputs_of(bomb: bytes) -> dict[str, Output]:
    """Return everything in which a process can hand over a value of any kind."""
    twice = b"\x83\xa4term\x01\xa7command" + bomb + b"\xa7command\x01"
    return {
        "a command that is applied": Applied(1, bomb),
        "an entry that is sent": Called(1, 1, with_entries(b"\x91" + ENTRY + bomb)),
        "a command that comes twice": Called(1, 1, with_entries(b"\x91" + twice)),
        "entries that come twice": Called(
            1, 1, b"\x02\x87" + APPEND[1:] + b"\x91" + ENTRY + bomb + b"\xa7entries\x90\xadleader_commit\x00"
        ),
        "an entry that is saved": Saved(FIELDS, 0, 0, 0, [ENTRY + bomb], None, None, None),
        "a saved command that comes twice": Saved(FIELDS, 0, 0, 0, [twice], None, None, None),
        "an entry of an own class": Saved(
            FIELDS, 0, 0, 0, [b"\x82\xa6\0class\xa1x\xa7\0fields" + bomb], None, None, None
        ),
        "a message of an own class": Called(1, 1, b"\xff\x93\x00\xa1x\x81\xa1x" + bomb),
        "a state": Saved(b"\x00" + bomb, 0, 0, 0, [], None, None, None),
        "a field of a state": Saved(b"\x00\x94\x01\xc0\x00" + bomb, 0, 0, 0, [], None, None, None),
        "own fields of a state": Saved(FIELDS, 0, 0, 0, [], None, "X", b"\x81\xa1x" + bomb),
    }


@pytest.mark.parametrize("what", BOMBS)
@pytest.mark.parametrize("where", outputs_of(b""))
def test_nothing_is_built_of_what_would_cost_too_much(where: str, what: str) -> None:
    answer = Answer(1, 1.0, False, [outputs_of(BOMBS[what])[where]], [], None, [])
    data = encode(answer)
    begun = time.process_time()
    with pytest.raises(BadFrame):
        received = decode_from_server(data)
        assert isinstance(received, Answer)
        Customs(0, 3, Disk()).check(received)
    assert time.process_time() - begun < 0.2


@pytest.mark.parametrize("what", BOMBS)
def test_frame_holds_no_value_of_any_kind(what: str) -> None:
    """Nothing that is decoded with a frame itself may cost more than its bytes."""
    bomb, begun = BOMBS[what], time.process_time()
    for data in (
        b"\x98\x02\x01\xcb" + bytes(8) + b"\xc2\x90\x90" + bomb + b"\x90",
        b"\x98\x02\x01\xcb" + bytes(8) + b"\xc2" + bomb + b"\x90\xc0\x90",
        b"\x93\x00" + bomb + b"\xa0",
        b"\x92\x01" + bomb,
    ):
        with pytest.raises((msgspec.MsgspecError, RecursionError)):
            decode_from_server(data)
    assert time.process_time() - begun < 0.2


def test_snapshot_of_an_index_that_no_log_has_is_no_services() -> None:
    for index in (-1, 2**40):
        assert decode_snapshot(msgspec.msgpack.encode({"index": index, "history": b""})) is None
    assert decode_snapshot(b"\x91" * 100_000) is None
    assert decode_snapshot(COLLIDING) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=50,
)


@given(VALUES)
def test_all_that_may_be_handed_over_is_let_through(value: Any) -> None:
    try:
        data = codec.encode_command(value)
    except Refused:
        return
    look_through(data)
    entry = codec.encode_entry(LogEntry(1, value))
    look_through(entry)
    outlines.look_through_entry(entry)
    outlines.look_through_message(codec.encode_message(AppendEntriesArgs(1, 0, 0, 0, [LogEntry(1, value)] * 3, 0)))


LOOKS = (look_through, outlines.look_through_value, outlines.look_through_entry, outlines.look_through_message)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_no_bytes_at_all_do_more_than_to_be_refused(data: bytes, filling: int) -> None:
    for each in (data, data + b"\xc0" * filling, with_entries(data), b"\xff" + data):
        for look in LOOKS:
            with contextlib.suppress(Refused, msgspec.MsgspecError, IndexError):
                look(each)


def test_the_largest_that_is_allowed_is_let_through() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    for value in (deep, {str(n): 0 for n in range(MAX_KEYS)}, [0] * MAX_ITEMS, "x" * 10**6):
        data = codec.encode_command(value)
        assert len(data) > HARMLESS or value is deep
        look_through(data)

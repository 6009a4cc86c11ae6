"""Traces: what is recorded is what is read again, the digest is that of the lines, and errors name the bad line."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PingArgs,
    PingReply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.events import Save
from labs.raft.stages import catalogue
from labs.report.trace_text import Filter, describe, kind_of, line, show
from labs.testing.run import run_scenario
from labs.trace import events as ev
from labs.trace.reader import BadTrace, read
from labs.trace.recorder import FORMAT, VERSION, Header, Recorder
from tests.running import REFERENCE

HEADER = Header(FORMAT, VERSION, "2A/x", "a title", 7, 3, "somebody")
VOTE, ENTRIES = RequestVoteArgs(2, 0, 5, 1), [LogEntry(1, {"x": [1, None]}), LogEntry(2, "y")]

EVENTS: list[ev.Event] = [
    ev.Restart(0.0, 0, 0),
    ev.Restart(0.0, 2, 3),
    ev.Role(0.1, 0, 2, True),
    ev.Role(0.1, 1, 2, False),
    ev.Send(0.1, 0, 1, 1, "RequestVote", VOTE, 20),
    ev.Send(0.1, 0, 1, 2, "AppendEntries", AppendEntriesArgs(2, 0, 0, 0, ENTRIES, 0), 40, {"round": 1}),
    ev.Send(0.1, 0, 1, 3, "InstallSnapshot", InstallSnapshotArgs(2, 0, 5, 1, b"\x00\xff"), 40),
    ev.Send(0.1, 0, 1, 4, "Ping", PingArgs(9), 10),
    ev.Deliver(0.2, 1, 0, 1, "request", "RequestVote", VOTE),
    ev.Deliver(0.2, 1, 0, 2, "request", "AppendEntries", AppendEntriesArgs(2, 0, 0, 0, [], 0), 1),
    ev.Deliver(0.2, 1, 0, 2, "reply", "AppendEntries", AppendEntriesReply(2, True)),
    ev.Reply(0.2, 1, 0, 1, "RequestVote", RequestVoteReply(2, True), 8),
    ev.Reply(0.2, 1, 0, 2, "AppendEntries", AppendEntriesReply(2, False, 1, 3), 8, {"round": 1}),
    ev.Reply(0.2, 1, 0, 3, "InstallSnapshot", InstallSnapshotReply(2), 8),
    ev.Reply(0.2, 1, 0, 4, "Ping", PingReply(9), 8),
    ev.Drop(0.3, 0, 1, 5, "request", "loss"),
    ev.Drop(0.3, 0, 1, 5, "reply", "abandoned"),
    ev.Timeout(0.3, 0, 1, 5),
    Save(0.4, 0, 2, None, 0, 0, 1, ENTRIES, 2, size=60),
    Save(0.4, 0, 2, 0, 5, 1, 6, [], 5, size=32, snapshot=b"snapshot", snapshot_index=5, extra={"votes": {"a": 1}}),
    ev.Apply(0.5, 0, 1, ["x", 2]),
    ev.Apply(0.5, 0, 2, None),
    ev.ApplySnap(0.5, 0, 5, 1, b"\x00\xff"),
    ev.Start(0.6, 0, "command", 3, 2, True),
    ev.Start(0.6, 0, "command", -1, 2, False),
    ev.TakeSnapshot(0.6, 0, 10, 99),
    ev.Crash(0.7, 0),
    ev.Crash(0.7, 0, "save"),
    ev.Crash(0.7, 0, "after send"),
    ev.Pause(0.7, 0),
    ev.Resume(0.7, 0),
    ev.Cut(0.7, -1, [(0, 1), (1, 0), (0, 2)]),
    ev.Connect(0.7, 0, [(0, 1), (1, 0)]),
    ev.NetworkChange(0.7, -1, "worse"),
    ev.Note(0.8, 2, "“note” → €\n\x1b[31m"),
    ev.Note(0.8, 2, "printed", True),
    ev.Check(0.9, -1, "all is well"),
    ev.Verdict(1.0, 0, "fail", "LogMatching", "they differ", "look there", (0, 2)),
]


def write(path: Path, events: list[ev.Event], header: Header = HEADER) -> Recorder:
    with path.open("wb") as file:
        recorder = Recorder(file, header)
        for event in events:
            recorder.record(event)
        recorder.flush()
    return recorder


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "x.trace.jsonl"


# Writing and reading.


def test_every_kind_of_event_is_tried_here() -> None:
    assert {type(event) for event in EVENTS} == {*ev.Event.__subclasses__(), Save} - {ev.AnySave}
    assert len({kind_of(event) for event in EVENTS}) == len(ev.Event.__subclasses__())


@pytest.mark.parametrize("event", EVENTS, ids=kind_of)
def test_event_is_read_as_it_was_written(trace: Path, event: ev.Event) -> None:
    write(trace, [event])
    (again,) = read(trace)[1]
    assert again == event
    assert type(getattr(again, "message", None)) is type(getattr(event, "message", None))


def test_header_is_the_first_line_and_tells_the_run(trace: Path) -> None:
    write(trace, EVENTS)
    assert read(trace)[0] == HEADER
    assert json.loads(trace.read_bytes().splitlines()[0]) == msgspec.to_builtins(HEADER)


def test_each_event_is_one_line_of_json(trace: Path) -> None:
    recorder = write(trace, EVENTS)
    lines = trace.read_bytes().splitlines()[1:]
    assert len(lines) == len(EVENTS) == recorder.events
    assert [json.loads(line)["kind"] for line in lines] == [kind_of(event) for event in EVENTS]


def test_digest_is_that_of_all_lines_after_the_header(trace: Path) -> None:
    digest = write(trace, EVENTS).digest()
    lines = trace.read_bytes().partition(b"\n")[2]
    assert digest == hashlib.sha256(lines).hexdigest()
    other = Header(FORMAT, VERSION, "2B/y", "another title", 8, 3, "somebody else")
    assert write(trace, EVENTS, other).digest() == digest


def test_digest_does_not_need_a_file() -> None:
    recorder, file = Recorder(), io.BytesIO()
    with_file = Recorder(file, HEADER)
    for event in EVENTS:
        recorder.record(event)
        with_file.record(event)
    assert recorder.digest() == with_file.digest()


def test_digest_changes_with_any_event() -> None:
    def digest(events: list[ev.Event]) -> str:
        recorder = Recorder()
        for event in events:
            recorder.record(event)
        return recorder.digest()

    changed = [[*EVENTS[:at], *EVENTS[at + 1 :]] for at in range(len(EVENTS))]
    swapped = [[*EVENTS[:at], EVENTS[at + 1], EVENTS[at], *EVENTS[at + 2 :]] for at in range(len(EVENTS) - 1)]
    digests = [digest(events) for events in [EVENTS, *changed, *swapped]]
    assert len(set(digests)) == len(digests)


def test_run_of_the_reference_is_read_as_it_happened(trace: Path) -> None:
    (scenario,) = catalogue.find("2B/basic_agreement")
    with trace.open("wb") as file:
        record = run_scenario(scenario, REFERENCE, 1, file)
    header, events = read(trace)
    recorder = Recorder()
    for event in events:
        recorder.record(event)
    assert recorder.digest() == record.digest
    assert (header.test, header.title, header.seed, header.servers) == (record.test, record.title, 1, record.servers)
    assert header.submission == "reference"


# Memory.


def peak_of(action: Iterator[Any]) -> int:
    tracemalloc.start()
    try:
        for _ in action:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_long_trace_is_written_and_read_in_little_memory(trace: Path) -> None:
    def writing() -> Iterator[None]:
        with trace.open("wb") as file:
            recorder = Recorder(file, HEADER)
            for number in range(20_000):
                recorder.record(ev.Note(float(number), 0, "x" * 200))
                yield

    assert peak_of(writing()) < 300_000
    assert trace.stat().st_size > 4_000_000
    assert peak_of(read(trace)[1]) < 300_000


# Files that are not traces.


def header_line(**changes: Any) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(HEADER), **changes}) + b"\n"


GOOD_LINE = msgspec.json.encode(EVENTS[0]) + b"\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ":1 is not the header of a trace file"),
        (b"\n", ":1 is not the header of a trace file"),
        (b"hello\n", ":1 is not the header of a trace file"),
        (b"\xff\xfe\x00", ":1 is not the header of a trace file"),
        (GOOD_LINE, ":1 is not the header of a trace file"),
        (b'{"format":"raft-trace","version":1}\n', ":1 is not the header of a trace file"),
        (header_line(format="raft-results"), " is raft-results version 1; this reads raft-trace version 1"),
        (header_line(version=2), " is raft-trace version 2; this reads raft-trace version 1"),
        (header_line() + GOOD_LINE + b"\n", ":3 is not an event of this version"),
        (header_line() + GOOD_LINE + GOOD_LINE[:-10], ":3 is not an event of this version"),
        (header_line() + b'{"kind":"vote","time":0,"server":0}\n', ":2 is not an event of this version"),
        (header_line() + b'{"kind":"crash","time":"now","server":0}\n', ":2 is not an event of this version"),
        (header_line() + b"\xff\n", ":2 is not an event of this version"),
        (header_line() + GOOD_LINE * 5 + b"[]\n", ":7 is not an event of this version"),
        (
            header_line()
            + b'{"kind":"send","time":0,"server":0,"peer":1,"rpc":1,"call":"Vote","message":{},"size":1}\n',
            ":2 is not an event of this version",
        ),
        (
            header_line()
            + b'{"kind":"send","time":0,"server":0,"peer":1,"rpc":1,"call":"Ping","message":{},"size":1}\n',
            ":2 is not an event of this version",
        ),
    ],
)
def test_file_that_is_no_trace_says_where(trace: Path, content: bytes, text: str) -> None:
    trace.write_bytes(content)
    with pytest.raises(BadTrace) as bad:
        list(read(trace)[1])
    assert f"{trace}{text}" in str(bad.value)


def test_events_before_a_bad_line_can_be_read(trace: Path) -> None:
    write(trace, EVENTS[:3])
    trace.write_bytes(trace.read_bytes() + b"cut of")
    seen = []
    with pytest.raises(BadTrace, match=r":5 is not an event"):
        for event in read(trace)[1]:
            seen.append(event)
    assert seen == EVENTS[:3]


# Reading by eye.


@pytest.mark.parametrize("event", EVENTS, ids=kind_of)
def test_every_event_is_described_on_one_line(event: ev.Event) -> None:
    text = line(event, 20)
    assert text.strip() and describe(event)
    assert f"{event.time:.4f}" in text
    if not isinstance(event, ev.Note):
        assert "\n" not in text


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print as into a file, whatever the terminal's size is."""
    for name in ("LINES", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def shown(path: Path, which: Filter, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show(path, which)
    return capsys.readouterr().out.splitlines()


def test_trace_is_shown_with_title_and_a_column_for_each_server(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(trace, EVENTS[:3])
    lines = shown(trace, Filter(everything=True), capsys)
    assert lines[0] == "2A/x  a title   seed 7, 3 servers, somebody"
    columns = [lines[1].index(f"server {server}") for server in range(3)]
    assert lines[2].index("START") == columns[0]
    assert lines[3].index("RESTART") == columns[2]


def test_filters_choose_servers_kinds_and_times(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(trace, EVENTS)
    for which, chosen in [
        (Filter(servers=[2], everything=True), [e for e in EVENTS if e.server in (2, -1)]),
        (Filter(kinds=["send", "note"], everything=True), [e for e in EVENTS if kind_of(e) in ("send", "note")]),
        (Filter(begin=0.4, end=0.6), [e for e in EVENTS if 0.4 <= e.time <= 0.6]),
        (Filter(servers=[0], kinds=["crash"], begin=0.7), [e for e in EVENTS if kind_of(e) == "crash"]),
    ]:
        show(trace, which)
        printed = capsys.readouterr().out
        positions = [printed.index(describe(event)) for event in chosen]
        assert positions == sorted(positions)
        assert printed.count("\n") == 2 + sum(line(event, 20).count("\n") + 1 for event in chosen)


def test_only_the_last_two_seconds_are_shown_without_a_filter(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(trace, [ev.Note(number / 10, 0, f"note {number}") for number in range(101)])
    lines = shown(trace, Filter(), capsys)
    assert lines[3] == "… 80 events before (--all shows them) …"
    assert len(lines) == 5 + 21
    assert lines[-1].endswith("note: note 100")


def test_trace_without_events_is_shown(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(trace, [])
    lines = shown(trace, Filter(), capsys)
    assert len(lines) == 5 and lines[-1].startswith("… no events match these filters")

"""What the end of a trace shows: heartbeats that change nothing take one line, and the rest fits the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from labs.codec.safe_repr import short
from labs.messages import AppendEntriesArgs, AppendEntriesReply, LogEntry
from labs.raft.events import Save
from labs.report import trace_text
from labs.report.folding import Fold, Heartbeats, fold
from labs.trace import events as ev
from labs.trace.recorder import FORMAT, VERSION, Header, Recorder

ASKED = AppendEntriesArgs(1, 0, 0, 0, [], 0)
ENTRY = AppendEntriesArgs(1, 0, 0, 0, [LogEntry(1, "x")], 0)


def heartbeat(time: float, rpc: int, ok: bool = True) -> list[ev.Event]:
    """Return a heartbeat of server 0 to server 1, and its answer."""
    reply = AppendEntriesReply(1, ok)
    call = "AppendEntries"
    return [
        ev.Send(time, 0, 1, rpc, call, ASKED, 10),
        ev.Deliver(time + 0.01, 1, 0, rpc, "request", call, ASKED),
        ev.Reply(time + 0.01, 1, 0, rpc, call, reply, 10),
        ev.Deliver(time + 0.02, 0, 1, rpc, "reply", call, reply),
    ]


NOTES: list[ev.Event] = [ev.Note(9.0, 0, f"note {number}") for number in range(6)]
"""The events at the end are never folded."""


def folded(*events: ev.Event) -> list[ev.Event | Fold]:
    heartbeats = Heartbeats()
    for event in events:
        heartbeats.note(event)
    lines = fold([*events, *NOTES], heartbeats)
    assert lines[-len(NOTES) :] == NOTES
    return lines[: -len(NOTES)]


def test_heartbeats_in_a_row_are_one_line() -> None:
    assert folded(*heartbeat(0.1, 1), *heartbeat(0.2, 2)) == [Fold(0.1, 8)]


def test_lost_and_unanswered_heartbeats_are_folded_and_lost_entries_are_not() -> None:
    lost = ev.Drop(0.2, 0, 1, 1, "request", "loss"), ev.Timeout(0.3, 0, 1, 1)
    assert folded(heartbeat(0.1, 1)[0], *lost) == [Fold(0.1, 3)]
    entry = ev.Send(0.1, 0, 1, 2, "AppendEntries", ENTRY, 20)
    other = ev.Drop(0.2, 0, 1, 2, "request", "loss"), ev.Timeout(0.3, 0, 1, 2)
    assert folded(entry, *other) == [entry, *other]


def test_refused_heartbeat_shows_its_refusal() -> None:
    sent, came, refused, heard = heartbeat(0.1, 1, ok=False)
    assert folded(sent, came, refused, heard) == [Fold(0.1, 2), refused, heard]


def test_heartbeat_that_makes_a_server_save_is_shown_and_its_neighbours_are_not() -> None:
    sent, came, answered, heard = heartbeat(0.1, 1)
    save = Save(came.time, 1, 1, None, 0, 0, 1, [], 0, size=5)
    assert folded(sent, came, save, answered, heard) == [sent, came, save, Fold(answered.time, 2)]


def test_last_heartbeats_are_shown() -> None:
    events = [event for number in range(3) for event in heartbeat(number / 10, number)]
    lines = fold(events, seen(events))
    assert lines[0] == Fold(0.0, 6) and lines[1:] == events[6:]


def seen(events: list[ev.Event]) -> Heartbeats:
    heartbeats = Heartbeats()
    for event in events:
        heartbeats.note(event)
    return heartbeats


@pytest.mark.parametrize("size", ["80x24", "100x40"])
def test_end_of_a_run_fits_the_terminal_with_its_verdict(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    columns, lines = size.split("x")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", lines)
    path = tmp_path / "a.trace.jsonl"
    with path.open("wb") as file:
        recorder = Recorder(file, Header(FORMAT, VERSION, "2B/x", "a title", 3, 5, "somebody"))
        for number in range(200):
            recorder.record(ev.Apply(number / 100, number % 5, number, "w" * 50))
            for event in heartbeat(number / 100, number):
                recorder.record(event)
        recorder.record(ev.Verdict(2.0, 4, "fail", "LogMatching", "LogMatching: two logs differ"))
        recorder.flush()
    after = "fail  2B/x  a title   seed 3, 2.000 s\n      LogMatching: two logs differ"
    trace_text.show(path, trace_text.Filter(), after)
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == int(lines) - 3 and max(map(len, shown)) <= int(columns)
    assert shown[0] == "2B/x   seed 3, 5 servers, somebody"
    assert shown[1] == trace_text.LEGEND and "\n".join(shown).count("AppendEntries") == 1
    assert shown[-3].endswith("FAIL LogMatching") and "\n".join(shown[-2:]) == after
    assert sum("events of heartbeats" in line for line in shown) > 3
    assert any(short("w" * 50)[:20] in line for line in shown)

"""Space-time diagrams: what is drawn of a run, and what is left out."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from labs.messages import AppendEntriesArgs, LogEntry, RequestVoteArgs, RequestVoteReply
from labs.raft.events import Save
from labs.report.space_time import View, draw
from labs.trace import events as ev

ASK = RequestVoteArgs(1, 0, 0, 0)
YES = RequestVoteReply(1, True)
RUN: list[ev.Event] = [
    ev.Send(0.4, 0, 1, 7, "RequestVote", ASK, 30),
    ev.Send(0.4, 0, 2, 8, "RequestVote", ASK, 30),
    ev.Drop(0.4, 0, 2, 8, "request", "loss"),
    ev.Deliver(0.41, 1, 0, 7, "request", "RequestVote", ASK),
    Save(0.41, 1, 1, 0, 0, 0, 1, [], 0, size=20),
    ev.Reply(0.41, 1, 0, 7, "RequestVote", YES, 10),
    ev.Deliver(0.42, 0, 1, 7, "reply", "RequestVote", YES),
    ev.Role(0.42, 0, 1, True),
    ev.Crash(0.5, 0),
    ev.Verdict(0.5, 1, "fail", "NoCrash", "text", "hint", (1,)),
]


def shapes(svg: str) -> list[str]:
    """Return the classes of all that is drawn, in order."""
    return [element.get("class", "") for element in ET.fromstring(svg).iter()]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("}text")]


def test_messages_saves_losses_and_crashes_are_drawn() -> None:
    svg = draw(RUN, 3, "an election")
    drawn = shapes(svg)
    assert drawn.count("message") - len(re.findall('text class="message"', svg)) == 1
    assert drawn.count("message lost") == 1
    assert drawn.count("message reply") == 1
    assert drawn.count("disk") == 1
    assert drawn.count("cross") == 4, "two strokes where a message is lost, two at the crash"
    assert drawn.count("ring") == 1
    said = texts(svg)
    assert {"server 0", "server 1", "server 2", "loss", "save t1 vote 0 log ..0", "breaks NoCrash"} <= set(said)
    assert [text for text in said if text.startswith("0.")] == ["0.400", "0.410", "0.420", "0.500"]
    assert ET.fromstring(svg).find("{*}title").text == "an election"  # type: ignore[union-attr]


def test_lanes_show_who_leads_and_who_is_down() -> None:
    drawn = shapes(draw(RUN, 3, "t"))
    assert [drawn.count(role) for role in ("candidate", "leader", "down")] == [1, 1, 1]


def test_a_role_from_before_the_view_is_known() -> None:
    later: list[ev.Event] = [*RUN[:8], ev.Apply(0.6, 0, 1, "x"), ev.Apply(0.7, 1, 1, "x")]
    drawn = shapes(draw(later, 3, "t", View(rows=2)))
    assert (drawn.count("leader"), drawn.count("candidate")) == (1, 0)


def test_a_view_leaves_out_servers_kinds_and_times() -> None:
    assert "server 2" not in texts(draw(RUN, 3, "t", View(servers=(0, 1))))
    assert "disk" not in shapes(draw(RUN, 3, "t", View(hide=("save",))))
    assert "ring" not in shapes(draw(RUN, 3, "t", View(end=0.45)))
    assert len([text for text in texts(draw(RUN, 3, "t", View(rows=1))) if text.startswith("0.")]) == 1


def test_messages_that_never_arrive_can_be_left_out() -> None:
    drawn = shapes(draw(RUN, 3, "t", View(hide=("lost",))))
    assert (drawn.count("message lost"), drawn.count("cross"), drawn.count("message reply")) == (0, 2, 1)


def test_heartbeats_can_be_left_out_but_entries_stay() -> None:
    idle = AppendEntriesArgs(1, 0, 0, 0, [], 0)
    full = AppendEntriesArgs(1, 0, 0, 0, [LogEntry(1, "x")], 0)
    run: list[ev.Event] = [
        ev.Send(1.0, 0, 1, 1, "AppendEntries", idle, 1),
        ev.Send(1.0, 0, 1, 2, "AppendEntries", full, 1),
    ]
    said = texts(draw(run, 2, "t", View(hide=("heartbeats",))))
    assert [text for text in said if text.startswith("Append")] == ["Append t1 prev 0/t0 [1]"]


def test_what_a_server_says_is_escaped() -> None:
    assert "<b>" not in draw([ev.Note(0.0, 0, "<b> & more")], 1, "<i>")


def test_an_empty_view_is_a_drawing_too() -> None:
    assert "server 0" in texts(draw([], 2, "nothing"))

"""The moving pictures: they show what the trace has, and they hold still where that is wanted."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from handouts.site.pages import HANDOUTS, pages
from labs.messages import AppendEntriesArgs, AppendEntriesReply, LogEntry, RequestVoteArgs, RequestVoteReply
from labs.raft.events import Save
from labs.report import moving
from labs.trace import events as ev
from tests.tools.handouts import figures

SVG = "{http://www.w3.org/2000/svg}"
ASK, YES = RequestVoteArgs(3, 0, 0, 0), RequestVoteReply(3, True)
TAKE, NO = AppendEntriesArgs(3, 0, 0, 0, [LogEntry(3, "x")], 0), AppendEntriesReply(3, False)


def draw(*events: ev.Event, begin: float = 0.0, end: float = 9.0) -> ElementTree.Element:
    return ElementTree.fromstring(moving.draw(events, 3, "<a run>", "some", begin, end))


def texts(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def circles(picture: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [circle for circle in picture.iter(f"{SVG}circle") if circle.get("class") == kind]


CALL: list[ev.Event] = [
    ev.Restart(0.0, 0, 0),
    ev.Send(1.0, 0, 1, 1, "RequestVote", ASK, 10),
    ev.Send(1.0, 0, 2, 2, "RequestVote", ASK, 10),
    ev.Deliver(1.1, 1, 0, 1, "request", "RequestVote", ASK),
    ev.Reply(1.1, 1, 0, 1, "RequestVote", YES, 10),
    ev.Drop(1.2, 0, 2, 2, "request", "loss"),
    ev.Deliver(1.3, 0, 1, 1, "reply", "RequestVote", YES),
]


def test_each_message_moves_once_and_a_lost_one_gets_a_cross() -> None:
    picture = draw(*CALL)
    assert (len(circles(picture, "message")), len(circles(picture, "reply"))) == (2, 1)
    assert len([path for path in picture.iter(f"{SVG}path") if path.get("class") == "lost"]) == 1
    assert texts(picture).count("RV t3") == 2 and texts(picture).count("yes") == 1
    style = next(picture.iter(f"{SVG}style")).text or ""
    assert len(set(re.findall(r"@keyframes (\S+?)\{", style))) == len(list(picture.iter(f"{SVG}g")))
    assert picture[0].text == "<a run>"


def test_what_is_outside_the_span_is_not_shown_but_known() -> None:
    picture = draw(*CALL, ev.Role(2.0, 0, 3, True), ev.Check(5.0, -1, "fine"), begin=1.9)
    assert not circles(picture, "message") and len(circles(picture, "server leader")) == 1


def test_log_terms_and_applied_entries_are_those_of_the_trace() -> None:
    save = Save(1.0, 1, 4, None, 20, 3, 21, [LogEntry(3, "x"), LogEntry(4, "y")], 22, size=50)
    picture = draw(save, ev.Apply(2.0, 1, 21, "x"), Save(3.0, 1, 5, None, 20, 3, 22, [], 21, size=50))
    last = [group for group in picture.iter(f"{SVG}g") if group.get("class") == "a last"][1]
    assert [text.text for text in last.iter(f"{SVG}text")] == ["t5", "..20", "3"]
    assert [rect.get("class") for rect in last.iter(f"{SVG}rect")] == ["even applied", "odd applied"]


def test_roles_change_with_crash_restart_and_a_leaders_word() -> None:
    events = [
        ev.Send(1.0, 1, 0, 1, "RequestVote", ASK, 10),
        ev.Deliver(1.5, 1, 0, 2, "request", "AppendEntries", TAKE),
        ev.Crash(2.0, 1),
        ev.Restart(3.0, 1, 1),
    ]
    roles = [circle.get("class") for circle in draw(*events).iter(f"{SVG}circle")]
    assert roles[1:5] == [f"server {role}" for role in ("candidate", "follower", "down", "follower")]
    refused = ev.Reply(1.6, 1, 0, 2, "AppendEntries", NO, 10), ev.Deliver(1.7, 0, 1, 2, "reply", "AppendEntries", NO)
    assert "no" in texts(draw(*events[:2], *refused))


@pytest.mark.parametrize("name", figures.MOVING)
def test_each_stage_opens_with_a_picture_that_needs_nothing_else(name: str) -> None:
    text = (HANDOUTS / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    assert not re.search(r"<script|@import|url\(|href|https?://(?!www\.w3\.org/2000/svg)", text)
    assert "prefers-reduced-motion: reduce" in text and len(text) < 30_000
    stage = name.removeprefix("live-")
    [page] = [page for page in pages() if page.name.startswith(f"{stage}-")]
    assert page.text.partition("\n## ")[0].count(f"(figures/{name}.svg)") == 1

"""The recorded run that newcomers see is what its script makes, and shows an election, a commit and a crash."""

from __future__ import annotations

from labs.play.command import DEMO
from labs.trace import events as ev
from labs.trace.reader import read
from tests.tools import demo_trace


def test_the_recorded_run_is_what_its_script_makes() -> None:
    assert DEMO.read_bytes() == demo_trace.made(), "make it again: python -m tests.tools.demo_trace"


def test_the_recorded_run_shows_elections_commits_a_cut_and_a_crash() -> None:
    header, found = read(DEMO)
    events = list(found)
    assert header == demo_trace.HEADER
    assert {e.term for e in events if isinstance(e, ev.Role) and e.is_leader} == {1, 2, 3}
    for server in range(header.servers):
        applied = {e.command for e in events if isinstance(e, ev.Apply) and e.server == server}
        assert applied >= {"x1", "x2", "x3", "y2", "z1", "z2"} and "y1" not in applied
    for kind in (ev.Cut, ev.Connect, ev.Crash):
        assert any(isinstance(e, kind) for e in events)
    last = events[-1]
    assert isinstance(last, ev.Verdict) and last.status == "pass"

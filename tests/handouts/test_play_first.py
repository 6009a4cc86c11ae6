"""The questions of start.md are about the recorded run that `make play` shows to somebody who has written nothing."""

from __future__ import annotations

from labs.play.command import DEMO
from labs.trace import events as ev
from labs.trace.reader import read


def test_recorded_run_has_what_start_md_asks_about() -> None:
    header, found = read(DEMO)
    events = list(found)
    assert header.servers == 3 and events[-1].time < 4
    leaders = [event for event in events if isinstance(event, ev.Role) and event.is_leader]
    assert [event.term for event in leaders] == [1, 2, 3]
    [cut] = [event for event in events if isinstance(event, ev.Cut)]
    assert cut.time == 1.0 and all(leaders[0].server in link for link in cut.links)
    [crash] = [event for event in events if isinstance(event, ev.Crash)]
    assert (round(crash.time, 6), crash.server) == (2.4, leaders[1].server)
    taken = {event.command for event in events if isinstance(event, ev.Start) and event.is_leader}
    applied = {event.command for event in events if isinstance(event, ev.Apply)}
    assert "y1" in taken - applied and {"x1", "y2"} <= applied
    takers = [
        event.server for event in events if isinstance(event, ev.Start) and event.is_leader and event.command == "y2"
    ]
    assert sorted(takers) == sorted({leaders[0].server, leaders[1].server})

"""Playing, recording and sessions: the same schedule is the same run, in every host, by hand or from a file."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from labs.raft.events import Save
from labs.raft.stages import catalogue
from labs.schedule import actions as act
from labs.schedule.actions import LEADER, Schedule
from labs.schedule.player import scenario_of
from labs.schedule.recording import NotRecordable, record, tidy
from labs.schedule.session import Session
from labs.schedule.text import parse, write
from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process.pool import ProcessHosts
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import SNAPSHOT_EVERY
from labs.trace import events as ev
from labs.trace.events import Event
from labs.trace.reader import event_of
from tests.corpora import mutants
from tests.running import REFERENCE, ROOT, call_labs

HEAD = "raft-schedule 1\nstage 2D\nservers 3\nseed 3\nsnapshots 3 11 13\n"
MUCH = f"""{HEAD}network unreliable
duration  9
1     propose leader 'x1'
1.2   pause leader
 and  propose all 'x2'
1.9   propose leader 'x3'
2.5   resume 0
 and  resume 1
 and  resume 2
3     hold AppendEntries 0>1 #2
3.6   propose leader 'x4'
4     timeout leader
4.2   timeout 1
4.5   timeout 2
6     propose leader [1, 2.5]
6.1   crash leader before save 1
 and  crash 0 after send 3
6.1   propose leader 5
7     restart 0
 and  restart 1
 and  restart 2
7.5   snapshot 1
7.6   pause 1
8     crash 1
8.1   drop RequestVote 0>1 #3
8.2   duplicate AppendEntries 0>2 #90 by 0.3
8.3   cut 0-1
8.4   link 0>2 delay=0.1..0.2 loss=0.3
8.5   release AppendEntries 0>1 #2
"""


def play(schedule: Schedule | str, hosts: ProcessHosts | None = None) -> tuple[RunRecord, list[Event], bytes]:
    found = parse(schedule) if isinstance(schedule, str) else schedule
    trace = io.BytesIO()
    run = run_scenario(scenario_of(found, "x"), REFERENCE, found.seed, trace, hosts=hosts)
    lines = trace.getvalue().splitlines()
    return run, [event_of(line) for line in lines[1:]], trace.getvalue()


def test_a_schedule_is_the_same_run_in_both_hosts() -> None:
    """Pauses, timeouts, holds and crashes at points among them."""
    inline = play(MUCH)
    assert inline[0].status == "pass", inline[0].message
    with ProcessHosts(HostOptions()) as hosts:
        assert play(MUCH, hosts)[2] == inline[2]


AT_ONCE = {
    "after a proposal": "2 propose leader 'x1'\n and pause leader\n4 resume 0\n and resume 1\n and resume 2",
    "after a restart": "2 restart 0\n and pause 0\n4 resume 0",
    "proposed to meanwhile": "2 pause leader\n2.5 propose all 'x1'\n4 resume 0\n and resume 1\n and resume 2",
    "and crashed": "2 propose leader 'x1'\n and pause leader\n2.5 crash leader\n4 restart 0",
    "restarted, and restarted again": "2 restart 0\n and pause 0\n2.5 restart 0",
    "to the end": "2 propose leader 'x1'\n and pause leader",
}


@pytest.mark.parametrize("what", AT_ONCE)
def test_a_pause_holds_back_what_the_server_was_about_to_do(what: str) -> None:
    """It is the same in both hosts, whatever the server was handed at that instant."""
    text = f"{HEAD}duration 5\n1.5 propose leader 'x0'\n{AT_ONCE[what]}\n"
    run, events, inline = play(text)
    assert run.status == "pass", run.message
    paused = next(event for event in events if isinstance(event, ev.Pause))
    sent = [event.time for event in events if event.server == paused.server and isinstance(event, ev.Send)]
    assert not [time for time in sent if 2.0 < time < (2.5 if "2.5 restart" in text else 4.0)]
    with ProcessHosts(HostOptions()) as hosts:
        assert play(text, hosts)[2] == inline


def test_a_paused_server_says_nothing_and_goes_on_afterwards() -> None:
    run, events, _ = play(f"{HEAD}duration 6\n1 propose leader 'a'\n2 pause leader\n4 resume 0\n4 resume 1\n4 resume 2")
    paused = next(event for event in events if isinstance(event, ev.Pause))
    resumed = next(event for event in events if isinstance(event, ev.Resume))
    assert (paused.server, paused.time, resumed.time) == (resumed.server, 2.0, 4.0)
    own = (ev.Send, ev.Reply, Save, ev.Apply, ev.Deliver, ev.Timeout)
    said = [event for event in events if event.server == paused.server and isinstance(event, own)]
    assert not [event for event in said if 2.0 < event.time < 4.0]
    assert [event for event in said if event.time >= 4.0]
    assert run.status == "pass", run.message


def test_a_forced_timeout_is_the_servers_own_and_the_others_stay() -> None:
    for server in range(3):
        _, events, _ = play(f"{HEAD}duration 4\n2 timeout {server}")
        asked = [e for e in events if isinstance(e, ev.Send) and e.call == "RequestVote" and 2.0 < e.time < 4.0]
        leader = next(e.server for e in reversed(events) if isinstance(e, ev.Role) and e.is_leader and e.time < 2.0)
        if server != leader:
            assert asked and asked[0].server == server
            heard = next(e for e in events if isinstance(e, ev.Connect) and e.server == server)
            assert heard.time == asked[0].time


def test_the_end_of_one_forced_timeout_does_not_end_the_next() -> None:
    """A server that leads hears nothing for 3 s: its term does not rise."""
    _, events, _ = play(f"{HEAD}duration 8\n2 timeout leader\n3 timeout 0\n3 timeout 1\n3 timeout 2")
    leader = next(e.server for e in events if isinstance(e, ev.Cut))
    heard = [e.time for e in events if isinstance(e, ev.Connect) and e.server == leader]
    assert heard[0] == 6.0


def test_a_schedule_without_paces_has_those_of_stage_tests() -> None:
    for stage, paces in (("2C", ()), ("2D", (SNAPSHOT_EVERY,) * 3)):
        schedule = parse(f"raft-schedule 1\nstage {stage}\nservers 3\nduration 1\n")
        assert schedule.paces == () and scenario_of(schedule, "x").paces(1) == paces


def test_single_messages_are_dropped_held_and_doubled() -> None:
    text = f"{HEAD}network unreliable request_loss=0 reply_loss=0\nduration 3\n"
    _, plain, _ = play(text)
    leader, peer = next((e.server, e.peer) for e in plain if isinstance(e, ev.Send) and e.call == "AppendEntries")
    name = f"AppendEntries {leader}>{peer} #5"

    def about(events: list[Event]) -> tuple[float, list[tuple[str, float]]]:
        sent = [e for e in events if isinstance(e, ev.Send) and e.call == "AppendEntries" and e.peer == peer][4]
        came = [e for e in events if isinstance(e, ev.Deliver | ev.Drop) and e.rpc == sent.rpc and e.leg == "request"]
        return sent.time, [(type(e).__name__, e.time) for e in came]

    sent, [(kind, arrived)] = about(plain)
    assert kind == "Deliver"
    assert about(play(text + f"0 drop {name}")[1]) == (sent, [("Drop", arrived)])
    assert about(play(text + f"0 delay {name} by 0.25")[1]) == (sent, [("Deliver", arrived + 0.25)])
    assert about(play(text + f"0 duplicate {name} by 0.25")[1])[1] == [
        ("Deliver", arrived),
        ("Deliver", arrived + 0.25),
    ]
    assert about(play(text + f"0 hold {name}\n2.5 release {name}")[1])[1] == [("Deliver", 2.5)]


def test_a_crash_before_a_save_leaves_no_save_and_one_after_a_send_leaves_the_request() -> None:
    _, events, _ = play(f"{HEAD}duration 3\n2 crash leader before save 1\n2 propose leader 'a'")
    crash = next(event for event in events if isinstance(event, ev.Crash))
    assert crash.at == "before save"
    assert not [event for event in events if isinstance(event, Save) and event.time == 2.0]
    _, events, _ = play(f"{HEAD}duration 3\n2 crash leader after send 1")
    number = next(number for number, event in enumerate(events) if isinstance(event, ev.Crash))
    before = events[number - 1]
    assert isinstance(before, ev.Send) and before.server == events[number].server


# Recording.


def mutant(name: str, folder: Path) -> Path:
    found = next(each for each in mutants.corpus() if each.name == name)
    (folder / "raft.py").write_text(found.text(), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("B408_saves_the_old_vote_in_the_new_term", "2C/leader_and_follower_crash"),
        ("S17_install_waits_between_check_and_change", "2D/install_unreliable"),
    ],
)
def test_a_recorded_run_breaks_the_same_rule_at_the_same_moment(name: str, test: str, tmp_path: Path) -> None:
    submission = mutant(name, tmp_path)
    schedule, run = record(catalogue.find(test)[0], submission, 1)
    assert run.status == "fail" and schedule.rule == run.rule
    schedule = parse(write(tidy(schedule)))
    again = run_scenario(scenario_of(schedule, "x"), submission, schedule.seed)
    assert (again.rule, again.message, again.virtual_time) == (run.rule, run.message, run.virtual_time)


def test_a_drill_cannot_be_recorded() -> None:
    drill = catalogue.scenarios("2A", "drills")[0]
    with pytest.raises(NotRecordable, match="among fake peers"):
        record(drill, REFERENCE, 1)


# Sessions.


def test_a_session_is_the_run_of_its_schedule() -> None:
    base = msgspec.structs.replace(parse(MUCH), steps=())
    trace = io.BytesIO()
    session = Session(base, REFERENCE, trace=trace)
    session.run_until(1.0)
    session.act(act.Propose(LEADER, "a"))
    session.act(act.Crash(LEADER))
    assert not session.step() and session.now > 1.0
    session.run_until(3.0)
    schedule = session.end()
    assert [type(step.action) for step in schedule.steps] == [act.Propose, act.Crash]
    assert schedule.steps[1].at_once and schedule.duration == 3.0
    played = play(parse(write(schedule)))[2].splitlines()
    assert trace.getvalue().splitlines()[1:-1] == played[1 : len(trace.getvalue().splitlines()) - 1]


def test_a_rewound_session_forks_and_ends_the_first_whose_schedule_stays() -> None:
    base = msgspec.structs.replace(parse(MUCH), steps=())
    session = Session(base, REFERENCE)
    session.run_until(1.0)
    session.act(act.Isolate(0))
    session.run_until(2.0)
    session.act(act.Connect(0))
    fork = session.rewound(1.5)
    fork.act(act.Crash(1))
    assert (session.now, fork.now) == (2.0, 1.5)
    assert [type(step.action) for step in fork.end().steps] == [act.Isolate, act.Crash]
    assert [type(step.action) for step in session.end().steps] == [act.Isolate, act.Connect]


# Commands.


def test_a_file_is_replayed_and_those_in_the_folder_are_tests(tmp_path: Path) -> None:
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "mine.schedule").write_text(f"{HEAD}name my own\nduration 1.5\n1 crash leader\n")
    replayed = call_labs("replay", "schedules/mine.schedule", "--submission", ROOT / "reference", folder=tmp_path)
    assert replayed.returncode == 0, replayed.stderr
    assert "my own" in replayed.stdout and "seed 3" in replayed.stdout
    options = ("--test", "my own", "--runs", "3", "--submission", ROOT / "reference")
    tested = call_labs("test", "2D", *options, folder=tmp_path)
    assert tested.returncode == 0, tested.stderr
    assert "1/1" in tested.stdout
    (tmp_path / "schedules" / "mine.schedule").write_text(f"{HEAD}duration 1\n1 crash 7\n")
    refused = call_labs("test", "2D", folder=tmp_path)
    assert refused.returncode == 2
    assert "mine.schedule:7: there is no server 7" in refused.stderr

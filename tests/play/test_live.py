"""A live cluster: what commands do, that a rewind repeats the run, and that nobody else gets at it."""

from __future__ import annotations

import io
import re
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from labs.engine.thread_alarm import ThreadAlarm
from labs.play import command
from labs.play import commands as cmd
from labs.play import live as live_module
from labs.play.live import Live, Refused
from labs.play.presets import PRESETS, presets
from labs.play.server import PageServer
from labs.raft.stages import catalogue
from labs.schedule import actions as act
from labs.schedule import recording, text
from labs.schedule.actions import Schedule, Step
from labs.schedule.player import scenario_of
from labs.sim.net.interception import Address
from labs.testing.run import RunRecord, run_scenario
from labs.trace import events as ev
from labs.trace.reader import event_of, read
from tests.corpora import mutants
from tests.running import REFERENCE, ROOT, call_python

STAGE = "2D"


@contextmanager
def started(seconds: float = 1.0, servers: int = 3) -> Iterator[Live]:
    """Start a cluster of the reference, and let some virtual seconds pass: by then it has a leader."""
    live = Live(command.free(STAGE, servers, 1), REFERENCE)
    try:
        live.run_until(seconds)
        yield live
    finally:
        live.end()


def events(live: Live) -> list[ev.Event]:
    return [event_of(line) for line in live.lines]


def test_a_proposal_is_committed_and_seen_at_once() -> None:
    with started() as live:
        live.take(cmd.Act(act.Propose(act.LEADER, "x1")))
        assert any(isinstance(e, ev.Start) and e.command == "x1" and e.is_leader for e in events(live))
        live.take(cmd.Until(1.5))
        assert sum(isinstance(e, ev.Apply) and e.command == "x1" for e in events(live)) == 3


def test_time_passes_at_the_chosen_speed_and_only_then() -> None:
    with started() as live:
        live.pass_time(0.1)
        assert live.now == 1.0
        live.take(cmd.Run(5.0))
        live.pass_time(0.1)
        assert live.now == pytest.approx(1.5)
        live.take(cmd.StepOn())
        assert live.speed == 0.0 and live.now > 1.5


def test_a_rewind_repeats_the_run_and_another_one_follows() -> None:
    with started() as live:
        leader = live.leader()
        live.take(cmd.Act(act.Crash(leader if leader is not None else 0)))
        live.run_until(2.5)
        before = list(live.lines)
        live.take(cmd.Rewind(2.0))
        assert live.epoch == 1 and live.now == 2.0
        assert live.lines == before[: len(live.lines)] and len(live.lines) < len(before)
        assert live.leader() != leader, "the new one is known"
        live.take(cmd.Act(act.Restart(leader if leader is not None else 0)))
        live.run_until(2.5)
        assert live.lines[:-1] != before[: len(live.lines) - 1]


def ended(seed: int = 7, steps: tuple[Step, ...] = ()) -> Schedule:
    """Return a schedule that is over soon: what its server does wrong shows only in the recovery."""
    return Schedule(name="soon over", stage="2B", servers=3, seed=seed, duration=1.0, steps=steps)


def counts_old_terms(folder: Path) -> Path:
    return next(one for one in mutants.corpus() if one.name == "classic_counts_old_terms").write(folder)


def replayed(schedule: Schedule, submission: Path) -> tuple[RunRecord, list[bytes]]:
    trace = io.BytesIO()
    return run_scenario(scenario_of(schedule, "x"), submission, schedule.seed, trace), trace.getvalue().splitlines()[1:]


def run_on(live: Live, seconds: float = 60.0) -> None:
    """Let time pass at a speed, until it stops by itself."""
    live.take(cmd.Run(5.0))
    for _ in range(int(seconds / 0.5)):
        live.pass_time(0.1)
        if not live.speed:
            return
    raise AssertionError("it never stops")


def test_what_breaks_after_a_schedule_in_a_replay_breaks_in_play_too(tmp_path: Path) -> None:
    wrong = counts_old_terms(tmp_path / "wrong")
    record, lines = replayed(ended(), wrong)
    assert record.rule == "CommitOnlyCurrentTerm" and record.virtual_time > 1.0
    live = Live(ended(), wrong)
    run_on(live)
    assert live.now == 1.0 and "here the schedule ends" in live.words and not live.is_over
    run_on(live)
    assert live.is_over and live.rule == record.rule and live.now == record.virtual_time
    assert "rewind" in live.words and [line.strip() for line in live.lines] == lines
    live.take(cmd.Rewind(1.5))
    assert not live.is_over and live.now == 1.5 and "must recover" in live.words
    with pytest.raises(Refused, match="must recover"):
        live.take(cmd.Act(act.Crash(0)))
    while not live.is_over:
        live.take(cmd.StepOn())
    assert live.rule == record.rule and [line.strip() for line in live.lines] == lines, "event by event as well"
    live.end()


def test_a_correct_server_recovers_in_play_and_what_is_kept_then_ends_where_the_schedule_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    schedule = ended(4, (Step(0.5, act.Isolate(0)),))
    record, lines = replayed(schedule, REFERENCE)
    live = Live(schedule, REFERENCE)
    live.run_until(60.0)
    assert live.is_over and live.rule is None and record.rule is None
    assert [line.strip() for line in live.lines[:-1]] == lines[: len(live.lines) - 1] and "has recovered" in live.words
    live.take(cmd.Keep("again"))
    assert text.load(Path("out/again.schedule")).duration == 1.0
    live.end()


def test_an_act_at_the_end_of_a_schedule_goes_on_without_the_recovery(tmp_path: Path) -> None:
    live = Live(ended(), counts_old_terms(tmp_path / "wrong"))
    run_on(live)
    live.take(cmd.Act(act.Isolate(0)))
    assert not live.words
    live.run_until(9.0)
    assert not live.is_over and not any(isinstance(e, ev.Connect) for e in events(live)), "nothing is healed"
    live.take(cmd.Rewind(0.5))
    run_on(live)
    assert live.now == 1.0 and live.words, "before its end it is the schedule again"
    live.end()


def test_messages_held_by_hand_do_not_wait_in_the_recovery() -> None:
    live = Live(ended(), REFERENCE)
    live.run_until(0.9)
    live.take(cmd.ByHand(True))
    live.run_until(20.0)
    assert not live.by_hand and live.is_over and live.rule is None
    live.end()


def test_an_act_reports_what_a_server_answered_or_that_nobody_leads() -> None:
    live = Live(command.free(STAGE, 3, 1), REFERENCE)
    for action in (act.Propose(act.LEADER, "x1"), act.Crash(act.LEADER)):
        with pytest.raises(Refused, match="nobody leads now"):
            live.take(cmd.Act(action))
    live.run_until(1.0)
    leader = live.leader()
    assert leader is not None
    other = (leader + 1) % 3
    assert live.take(cmd.Act(act.Propose(act.LEADER, "x1"))) == f"server {leader} takes 'x1' as entry 1 of term 1"
    assert "does not lead" in live.take(cmd.Act(act.Propose(other, "x2")))
    assert live.take(cmd.Act(act.Crash(other))) == ""
    assert "down or paused" in live.take(cmd.Act(act.Propose(other, "x2")))
    live.end()


def test_a_proposal_that_ends_the_run_is_answered_by_its_end_alone(tmp_path: Path) -> None:
    server = write_with(tmp_path / "no_start", "start(self, command)", '        raise NotImplementedError("2B: start")')
    live = Live(command.free("2A", 3, 1), server)
    live.run_until(1.0)
    assert live.take(cmd.Act(act.Propose(act.LEADER, "x1"))) == ""
    assert live.rule == "NotWritten" and "rewind" in live.words
    live.end()


def test_a_run_that_is_over_stands_and_names_what_to_do(tmp_path: Path) -> None:
    wrong = next(mutant for mutant in mutants.corpus() if mutant.name == "P02_candidacy_not_saved")
    live = Live(command.free("2C", 3, 1), wrong.write(tmp_path / "wrong"))
    live.take(cmd.Run(5.0))
    live.pass_time(0.2)
    live.run_until(5.0)
    assert live.is_over and live.speed == 0.0 and "rewind" in live.words
    for command_ in (cmd.Run(5.0), cmd.Act(act.Crash(0))):
        with pytest.raises(Refused, match="rewind"):
            live.take(command_)
    assert live.speed == 0.0
    live.end()


def test_a_speed_is_taken_only_while_time_passes() -> None:
    with started() as live:
        live.take(cmd.Speed(5.0))
        assert live.speed == 0.0
        live.take(cmd.Run(0.1))
        live.take(cmd.Speed(5.0))
        assert live.speed == 5.0


def test_by_hand_nothing_arrives_until_it_is_delivered() -> None:
    with started() as live:
        live.take(cmd.Until(1.08))  # between two heartbeats
        live.take(cmd.ByHand(True))
        live.run_until(1.14)
        sent = [e for e in events(live) if isinstance(e, ev.Send) and e.time > 1.08]
        assert len(sent) >= 2, "heartbeats"
        assert not [e for e in events(live) if isinstance(e, ev.Deliver) and e.time > 1.08]
        held = [s.action for s in live._session.schedule.steps if isinstance(s.action, act.Hold)]
        live.take(cmd.Act(act.Release(held[0].message)))
        live.run_until(1.145)
        arrived = [e for e in events(live) if isinstance(e, ev.Deliver) and e.time > 1.08]
        assert [e.rpc for e in arrived if isinstance(e, ev.Deliver) and e.leg == "request"] == [sent[0].rpc]
        live.take(cmd.ByHand(False))
        live.run_until(1.2)
        assert {e.rpc for e in events(live) if isinstance(e, ev.Deliver) and e.time > 1.08} >= {e.rpc for e in sent}


def test_a_message_that_waits_is_dropped_and_stays_so() -> None:
    with started() as live:
        live.take(cmd.Until(1.08))
        live.take(cmd.ByHand(True))
        live.run_until(1.14)
        held = [s.action.message for s in live._session.schedule.steps if isinstance(s.action, act.Hold)]
        live.take(cmd.Act(act.Drop(held[0])))
        live.run_until(1.145)
        dropped = [e for e in events(live) if isinstance(e, ev.Drop) and e.time > 1.08]
        assert [(e.server, e.peer) for e in dropped] == [(held[0].source, held[0].target)]
        live.take(cmd.ByHand(False))
        live.run_until(1.2)
        assert dropped[0].rpc not in {e.rpc for e in events(live) if isinstance(e, ev.Deliver) and e.time > 1.08}
        released = [s.action.message for s in live._session.schedule.steps if isinstance(s.action, act.Release)]
        assert released and held[0] not in released


def test_only_situations_that_the_stage_allows_are_played_and_kept() -> None:
    live = Live(command.free("2A", 3, 1), REFERENCE)
    live.run_until(1.0)
    with pytest.raises(Refused, match="restart needs stage 2C or 2D"):
        live.take(cmd.Act(act.Restart(0)))
    with pytest.raises(Refused, match="the same server twice"):
        live.take(cmd.Act(act.Cut(1, 1)))
    with pytest.raises(Refused, match="no such situation"):
        live.take(cmd.Preset("Figure 8: an entry of an old term"))
    assert not presets("2D", 2) and list(presets("2D", 3)) == list(PRESETS)
    live.end()


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_situation_comes_about_and_a_correct_server_stands_it(name: str) -> None:
    with started(servers=5) as live:
        live.take(cmd.Preset(name))
        live.run_until(9.0)
        assert not live.is_over, live.rule
        roles = [e for e in events(live) if isinstance(e, ev.Role) and e.is_leader and e.time > 1.0]
        assert roles, "another leader came"
        assert name != "Figure 8: an entry of an old term" or [e for e in events(live) if isinstance(e, ev.Crash)]


def test_commands_that_make_no_sense_are_refused() -> None:
    live = Live(command.free("2A", 3, 1), REFERENCE)
    with pytest.raises(Refused, match="no leader yet"):
        live.take(cmd.Preset("split vote"))
    with pytest.raises(Refused, match="no such situation"):
        live.take(cmd.Preset("nothing"))
    for action in (act.Crash(3), act.Partition(((0, 9),)), act.Hold(Address("RequestVote", 0, 7, 1))):
        with pytest.raises(Refused, match="there is no server "):
            live.take(cmd.Act(action))
    for words in (b'{"type":"act","action":{"type":"Explode"}}', b'{"type":"shell"}', b"[]", b'{"type":"run","x":1}'):
        with pytest.raises(msgspec.ValidationError):
            cmd.decode(words)
    live.end()


def test_what_was_played_is_kept_and_plays_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with started() as live:
        live.take(cmd.Act(act.Isolate(0)))
        live.run_until(2.0)
        assert live.take(cmd.Keep("My run!")) == ("kept as out/my-run.schedule: make play FILE=out/my-run.schedule")
        live.take(cmd.Keep("../evil", "tests"))
        assert live.take(cmd.Keep("  ")).startswith("kept as out/play.schedule")
        assert text.load(Path("out/play.schedule")).name == "play"
        with pytest.raises(Refused, match="already"):
            live.take(cmd.Keep("evil", "tests"))
        lines = list(live.lines)
    again = Live(text.load(Path("out/my-run.schedule")), REFERENCE)
    again.run_until(2.0)
    assert again.lines == lines
    again.end()
    assert [path.name for path in Path("schedules").iterdir()] == ["evil.schedule"]


def test_a_broken_rule_ends_the_run_and_a_rewind_goes_back_before_it(tmp_path: Path) -> None:
    wrong = next(mutant for mutant in mutants.corpus() if mutant.name == "P02_candidacy_not_saved")
    live = Live(command.free("2C", 3, 1), wrong.write(tmp_path / "wrong"))
    live.take(cmd.Run(5.0))
    for _ in range(4):
        live.pass_time(0.1)
    last = events(live)[-1]
    assert isinstance(last, ev.Verdict) and last.rule == live.rule == "SavedBeforeSend"
    assert live.is_over and live.speed == 0.0
    live.take(cmd.Rewind(0.1))
    assert not live.is_over and live.now == 0.1
    live.end()


SPINS = "        while True: pass"
CATCHES_EVERYTHING = """        while True:
            try:
                len("")
                while True: len("")
            except BaseException:
                continue"""
NEVER_YIELDS = r"NoStall.*never yields.* at raft\.py:\d+ in request_vote"


def write_spinning(folder: Path, body: str) -> Path:
    """Write the reference with a handler that never yields."""
    return write_with(folder, "request_vote(self, args)", body)


def write_with(folder: Path, method: str, body: str) -> Path:
    """Write the reference with another method."""
    shutil.copytree(REFERENCE, folder)
    file = folder / "raft.py"
    other = f"\n\nclass Other(Raft):\n    def {method}:\n{body}\n\nRaft = Other\n"
    file.write_text(file.read_text(encoding="utf-8") + other, encoding="utf-8")
    return folder


def test_a_server_that_never_yields_is_stopped_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "ThreadAlarm", lambda: ThreadAlarm(0.5))
    live = Live(command.free("2D", 3, 1), write_spinning(tmp_path / "spins", SPINS))
    live.run_until(2.0)
    last = events(live)[-1]
    assert isinstance(last, ev.Verdict) and re.search(NEVER_YIELDS, last.message), last
    assert live.is_over and live.rule == "NoStall" and 0.0 < live.now < 2.0
    with pytest.raises(Refused, match="start it again"):
        live.take(cmd.Rewind(0.0))
    live.end()


def test_a_server_that_catches_the_alarm_is_left_alone(tmp_path: Path) -> None:
    """In a process of its own, which ends although the server's thread goes on for ever."""
    server = write_spinning(tmp_path / "spins", CATCHES_EVERYTHING)
    code = """
import sys
from pathlib import Path
from labs.engine import thread_alarm
from labs.play import command, live
live.ThreadAlarm = lambda: thread_alarm.ThreadAlarm(0.2)
thread_alarm.AGAIN = 0.05
one = live.Live(command.free("2D", 3, 1), Path(sys.argv[1]))
one.run_until(2.0)
print(one.rule, one.is_over, one.lines[-1].decode())
one.end()
"""
    process = call_python("-c", code, server, folder=ROOT)
    assert process.stdout.startswith('NoStall True {"kind":"verdict"'), process.stdout + process.stderr
    assert "catches even the interruption" in process.stdout and process.returncode == 0


def test_a_test_to_play_ends_although_its_server_catches_the_alarm(tmp_path: Path) -> None:
    code = """
import sys
from labs import cli
from labs.engine import replay, stalls
stalls.AGAIN = 0.05
replay.LIMITS = stalls.Limits(cpu=0.2, wall=0.0)
sys.exit(cli.main(["play", "2B/basic_agreement", "--submission", sys.argv[1]]))
"""
    process = call_python("-c", code, write_spinning(tmp_path / "spins", CATCHES_EVERYTHING), folder=ROOT)
    assert process.returncode == 1, process.stderr
    assert re.search(r"NoStall: .*at\s+raft\.py:\d+ in\s+request_vote", process.stdout, re.S), process.stdout


def test_a_tests_run_is_played_step_for_step() -> None:
    scenario = next(s for s in catalogue.find("2B/basic_agreement") if s.id == "2B/basic_agreement")
    schedule, record = recording.record(scenario, REFERENCE, 1)
    live = Live(schedule, REFERENCE)
    live.run_until(record.virtual_time)
    assert sum(isinstance(e, ev.Start) and e.is_leader for e in events(live)) == 3
    live.end()


def test_without_a_server_the_recorded_run_is_shown() -> None:
    server, words = command.make_server(command.free("2A", 3, 1), ROOT / "skeleton")
    with serving(server):
        page = urllib.request.urlopen(server.address).read().decode()
    assert "recorded run" in words and "recorded run" in page
    header, found = read(command.DEMO)
    shown = list(found)
    assert {e.server for e in shown if isinstance(e, ev.Role) and e.is_leader} == {0, 1, 2}
    assert any(isinstance(e, ev.Restart) and e.incarnation for e in shown) and header.servers == 3


@contextmanager
def serving(server: PageServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield
    finally:
        server.close()
        thread.join()


def test_only_the_page_with_the_token_gets_in() -> None:
    server, _ = command.make_server(command.free("2A", 3, 1), REFERENCE)
    with serving(server):
        base, token = server.address.split("/?token=")
        live = f"{base.replace('http', 'ws')}/live?token="
        assert b"raft" in urllib.request.urlopen(server.address).read()
        for address, code in ((base, 403), (f"{base}/?token=x", 403), (f"{base}/etc/passwd?token={token}", 404)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(address)
            assert refused.value.code == code
        other = urllib.request.Request(server.address, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(other)
        for address, origin in ((f"{live}x", base), (f"{live}{token}", "http://evil.example")):
            with pytest.raises(InvalidStatus):
                connect(address, origin=Origin(origin), proxy=None)
        with connect(f"{live}{token}", origin=Origin(base), proxy=None) as page:
            news = msgspec.json.decode(page.recv())
            assert news["reset"] and '"kind":"restart"' in news["lines"]
            page.send("nonsense")
            assert "not a command" in msgspec.json.decode(page.recv())["error"]

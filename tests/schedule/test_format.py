"""The file format of schedules: what is written is read again, and what is wrong is explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.schedule import actions as act
from labs.schedule import text
from labs.schedule.actions import EVERYBODY, LEADER, AnyAction, Schedule, Step
from labs.schedule.text import BadSchedule, parse, write
from labs.schedule.words import NETWORKS, POINTS
from labs.sim.net.interception import Address
from labs.sim.net.network import Conditions

HEAD = "raft-schedule 1\nstage 2C\nservers 3\nduration 9\n\n"

# What can be in a schedule of five servers.

seconds = st.floats(0, 60, allow_nan=False)
shares = st.floats(0, 1)
spans = st.tuples(seconds, seconds).map(lambda pair: (min(pair), max(pair)))
ids = st.integers(0, 4)
servers = st.one_of(ids, st.just(LEADER))
links = st.permutations(range(5)).map(lambda drawn: (drawn[0], drawn[1]))
networks = st.one_of(
    st.sampled_from(list(NETWORKS.values())),
    st.builds(Conditions, request_delay=spans, reply_delay=spans, request_loss=shares, duplicate=shares, silence=spans),
)
commands = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text(), st.binary()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)
addresses = st.builds(
    lambda link, call, ordinal, leg: Address(call, link[0], link[1], ordinal, leg),
    links,
    st.sampled_from(["RequestVote", "AppendEntries", "InstallSnapshot"]),
    st.integers(1, 999_999_999),
    st.sampled_from(["request", "reply"]),
)
groups = st.lists(ids, unique=True, max_size=5).flatmap(
    lambda chosen: st.integers(0, len(chosen)).map(
        lambda cut: tuple(tuple(part) for part in (chosen[:cut], chosen[cut:]) if part)
    )
)
OF_SERVER = (
    act.Isolate,
    act.Connect,
    act.Crash,
    act.Spare,
    act.Restart,
    act.Pause,
    act.Resume,
    act.TimeOut,
    act.Snapshot,
)
ACTIONS: dict[type, st.SearchStrategy[AnyAction]] = {
    **{kind: st.builds(kind, servers) for kind in OF_SERVER},
    act.Cut: st.builds(lambda link, both: act.Cut(link[0], link[1], both), links, st.booleans()),
    act.Heal: st.builds(lambda link, both: act.Heal(link[0], link[1], both), links, st.booleans()),
    act.HealAll: st.just(act.HealAll()),
    act.Partition: st.builds(act.Partition, groups),
    act.CrashAt: st.builds(act.CrashAt, servers, st.sampled_from(list(POINTS.values())), st.integers(1, 999_999)),
    act.Slow: st.builds(act.Slow, servers, seconds),
    act.SetLink: st.builds(lambda link, *rest: act.SetLink(*link, *rest), links, spans, shares, shares),
    act.SetNetwork: st.builds(act.SetNetwork, networks),
    **{kind: st.builds(kind, addresses) for kind in (act.Drop, act.Hold, act.Release)},
    **{kind: st.builds(kind, addresses, seconds) for kind in (act.Delay, act.Duplicate)},
    act.Propose: st.builds(act.Propose, st.one_of(servers, st.just(EVERYBODY)), commands),
}
schedules = st.builds(
    Schedule,
    name=st.text("abc ü'\"", min_size=1).map(str.strip).filter(bool),
    stage=st.sampled_from(["2C", "2D"]),
    servers=st.just(5),
    network=networks,
    seed=st.integers(0, 10**18 - 1),
    duration=st.just(60.0),
    paces=st.sampled_from([(), (10,) * 5, (3, 11, 13, 17, 19)]),
    service_time=seconds,
    rule=st.sampled_from(["", "LogMatching"]),
    steps=st.lists(st.builds(Step, seconds, st.one_of(*ACTIONS.values()), st.booleans()), max_size=10).map(tuple),
)


@settings(max_examples=20)
@given(schedules)
def test_a_schedule_is_read_as_it_was_written(schedule: Schedule) -> None:
    assert parse(write(schedule)) == schedule


def test_every_action_is_tried_here() -> None:
    assert set(ACTIONS) == set(get_args(AnyAction))


def test_the_sample_in_the_docstring_is_a_schedule() -> None:
    lines = [line[4:] for line in (text.__doc__ or "").splitlines() if line.startswith("    ")]
    assert len(parse("\n".join(lines)).steps) == 5


def test_comments_and_empty_lines_do_not_count() -> None:
    assert parse(HEAD + "# why\n\n  1 crash 0\n # and\n") == parse(HEAD + "1 crash 0")


def test_a_step_at_once_needs_one_before_it() -> None:
    schedule = parse(HEAD + "1 crash 0\n and crash 1\n2 heal")
    assert schedule.until(1.0).steps == schedule.steps[:2]
    assert not replace_steps(schedule, schedule.steps[1:]).steps[0].at_once


def replace_steps(schedule: Schedule, steps: tuple[Step, ...]) -> Schedule:
    return Schedule(name="x", stage="2C", servers=3, duration=9, steps=steps)


@pytest.mark.parametrize(
    ("lines", "number", "what"),
    [
        ("hello", 1, "the first line of a schedule is 'raft-schedule 1'"),
        ("raft-schedule 2", 1, "this lab reads version 1"),
        ("raft-schedule 1\n1 crash 0", 2, "there must be a line for stage and servers and duration"),
        ("raft-schedule 1\nstage 3A", 2, "stages are 2A, 2B, 2C, 2D"),
        ("raft-schedule 1\nservers 10", 2, "from 1 to 9, not '10'"),
        ("raft-schedule 1\nnetwork good", 2, "networks are reliable, unreliable"),
        ("raft-schedule 1\nnetwork reliable request_loss=2", 2, "2 is not a probability"),
        ("raft-schedule 1\nseed 1\nseed 2", 3, "a second seed"),
        (HEAD + "crash 0", 6, "'crash' is not a number; a line begins with a time"),
        (HEAD + "1 explode 0", 6, "there is no action 'explode'; actions are cut, heal"),
        (HEAD + "1 crash", 6, "crash is written as in 'crash 2 after save 3'"),
        (HEAD + "1 crash 3", 6, "there is no server 3: this schedule has servers 0 to 2"),
        (HEAD + "1 partition 0,1 | 1", 6, "the same server twice"),
        (HEAD + "1 cut 0-0", 6, "the same server twice"),
        (HEAD + "2 crash 0\n1 crash 1", 7, "1 is before the time of the line above"),
        (HEAD + "10 crash 0", 6, "10 is after the duration, 9"),
        (HEAD + "and crash 0", 6, "'and' needs an action before it"),
        (HEAD + "1 propose 0 x1", 6, "a text in quotes"),
        (HEAD + "1 propose 0 (1, 2)", 6, "use a list"),
        (HEAD + "1 drop Vote 0>1 #1", 6, "there is no call 'Vote'"),
        (HEAD + "1 drop RequestVote 0>1 #0", 6, "counted from #1"),
        (HEAD.replace("2C", "2B") + "1 restart 0", 6, "restart needs stage 2C"),
        (HEAD + "nan crash 0", 6, "'nan' is not a number"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(lines: str, number: int, what: str) -> None:
    with pytest.raises(BadSchedule) as caught:
        parse(lines, "x.schedule")
    assert str(caught.value).startswith(f"x.schedule:{number}: ")
    assert what in str(caught.value)


def test_paces_are_one_for_each_server() -> None:
    with pytest.raises(BadSchedule, match="one for each of the 3 servers"):
        parse(HEAD.strip() + "\nsnapshots 3 4\n")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSchedule, match=r"cannot read .*nothing\.schedule: No such file"):
        text.load(tmp_path / "nothing.schedule")
    (tmp_path / "x.schedule").write_bytes(b"\xff")
    with pytest.raises(BadSchedule, match="is not text in UTF-8"):
        text.load(tmp_path / "x.schedule")


def test_a_network_is_named_after_the_nearest_one() -> None:
    unreliable = replace(NETWORKS["unreliable"], duplicate=0.5)
    assert "network   unreliable duplicate=0.5\n" in write(
        Schedule(name="x", stage="2A", servers=3, network=unreliable, duration=1)
    )

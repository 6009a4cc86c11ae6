"""One incarnation of a server: handlers, calls, the apply channel, and what a crash leaves of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from labs.raft.events import Save
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import Conditions
from labs.testing.cluster import ServerState, StartAnswer
from labs.trace.events import Apply, ApplySnap, Crash, Deliver, Drop, Event, Note, Reply, Restart, Send, Start, Timeout
from tests.running import Run, make_scenario, simulate, write_submission


def run_server(folder: Path, text: str, **options: int) -> Run:
    """Run servers of this text for a second; they must pass."""
    run = simulate(write_submission(folder, "import trio\n" + text), make_scenario(**options))  # type: ignore[arg-type]
    assert run.record.status == "pass", run.record.message
    return run


# What a server is given.


def test_server_knows_itself_its_peers_and_its_disk(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        node = self.node
        self.node.note(f"{node.me} {node.peers} {node.persister.load()} {node.persister.snapshot()}")
"""
    run = run_server(tmp_path, text, servers=3)
    assert run.notes() == ["0 (1, 2) None None", "1 (0, 2) None None", "2 (0, 1) None None"]


def test_generators_differ_between_servers_and_lives_but_not_between_runs(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        cluster.restart(0)
        await cluster.sleep(0.1)

    text = "class Raft(Plain):\n    def __init__(self, node, apply_ch): node.note(node.random.random())"
    folder = write_submission(tmp_path, text)
    scenario = make_scenario(test, servers=3)
    runs = [simulate(folder, scenario, seed).notes() for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert len(set(runs[0])) == 4


# Handlers and calls.


PLAIN_HANDLER = """
class Raft(Plain):
    def ping(self, args):
        return PingReply(args.number + 100)
"""
ASYNC_HANDLER = PLAIN_HANDLER.replace("    def", "    async def")
SLOW_HANDLER = ASYNC_HANDLER.replace("        return", "        await trio.sleep(0.25)\n        return")


HANDLERS = {"plain": (PLAIN_HANDLER, 0.0), "async": (ASYNC_HANDLER, 0.0), "slow": (SLOW_HANDLER, 0.25)}


@pytest.mark.parametrize(("text", "delay"), HANDLERS.values(), ids=HANDLERS)
def test_handler_may_be_plain_or_async_and_may_wait(tmp_path: Path, text: str, delay: float) -> None:
    run = run_server(tmp_path, text)
    sent = {send.rpc: send.time for send in run.of(Send, 0)}
    replies = [event for event in run.of(Deliver, 0) if event.leg == "reply"]
    assert [event.time - sent[event.rpc] for event in replies] == pytest.approx([delay] * len(replies))
    assert len(replies) >= 7
    assert run.notes(0)[:2] == ["1 answered PingReply(number=101)", "1 answered PingReply(number=102)"]


def test_plain_and_async_handler_make_the_same_run(tmp_path: Path) -> None:
    runs = [run_server(tmp_path / name, text) for name, text in (("a", PLAIN_HANDLER), ("b", ASYNC_HANDLER))]
    assert [event for event in runs[0].events if not isinstance(event, Note)] == [
        event for event in runs[1].events if not isinstance(event, Note)
    ]


def test_call_given_up_leaves_its_reply_to_nobody(tmp_path: Path) -> None:
    text = (
        SLOW_HANDLER
        + """
    async def ping_peer(self, peer, args):
        with trio.move_on_after(0.125) as scope:
            await self.node.call(peer, args)
        self.node.note(f"{scope.cancelled_caught} {trio.current_time():.3f}")
"""
    )
    run = run_server(tmp_path, text)
    assert run.notes(0)[:3] == ["True 0.125", "True 0.225", "True 0.325"]
    assert {drop.reason for drop in run.of(Drop)} == {"abandoned"}
    assert not run.of(Timeout)
    assert not [event for event in run.of(Deliver) if event.leg == "reply"]


def test_many_calls_of_a_server_wait_side_by_side(tmp_path: Path) -> None:
    text = (
        SLOW_HANDLER
        + """
    async def run(self):
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(self.ping_peer, self.node.peers[0], PingArgs(number))
        self.node.note(f"all at {trio.current_time()}")
"""
    )
    run = run_server(tmp_path, text)
    assert run.notes(0)[-1] == "all at 0.25"
    assert len(run.notes(0)) == 51


OWN_MESSAGES = """
from dataclasses import dataclass, field

@dataclass(frozen=True)
class OwnArgs(PingArgs):
    words: list = field(default_factory=list)

@dataclass(frozen=True)
class OwnReply(PingReply):
    seen: list = field(default_factory=list)
"""


def test_message_changed_after_the_call_arrives_as_it_was(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        if self.node.me != 0:
            return
        args = OwnArgs(1, [{"x": [1]}])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.node.call, 1, args)
            await trio.sleep(0.1)
            args.words[0]["x"].append("changed by the sender")
        self.node.note(f"{args.words}")

    def ping(self, args):
        self.node.note(f"{args.words}")
        args.words[0]["x"].append("changed by the receiver")
        return PingReply(args.number)
"""
    folder = write_submission(tmp_path, "import trio\n" + OWN_MESSAGES + text)
    run = simulate(folder, make_scenario(conditions=Conditions(request_delay=(0.2, 0.2))))
    assert run.notes(1) == ["[{'x': [1]}]"]
    assert run.notes(0) == ["[{'x': [1, 'changed by the sender']}]"]


def test_reply_changed_afterwards_arrives_as_it_was(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    seen = []

    def ping(self, args):
        self.seen.append(args.number)
        return OwnReply(args.number, self.seen)
"""
    folder = write_submission(tmp_path, OWN_MESSAGES + text)
    run = simulate(folder, make_scenario(conditions=Conditions(reply_delay=(0.5, 0.5))))
    assert run.notes(0)[:2] == ["1 answered OwnReply(number=1, seen=[1])", "1 answered OwnReply(number=2, seen=[1, 2])"]


# The apply channel.


def test_apply_channel_takes_messages_at_once_and_in_order(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        self.apply_ch.send_nowait(ApplyCommand(1, "a"))
        await self.apply_ch.send(ApplyCommand(2, ["b", 2]))
        async with self.apply_ch.clone() as channel:
            await channel.send(ApplyCommand(3, None))
        with self.apply_ch as channel:
            channel.send_nowait(ApplyCommand(4, {"d": 4}))
        self.apply_ch.close()
        await self.apply_ch.aclose()
        self.apply_ch.send_nowait(ApplyCommand(5, "e"))
        self.node.note(f"{trio.current_time()} {self.apply_ch.statistics().max_buffer_size}")
"""
    run = run_server(tmp_path, text, servers=1)
    applied = [(event.index, event.command) for event in run.of(Apply)]
    assert applied == [(1, "a"), (2, ["b", 2]), (3, None), (4, {"d": 4}), (5, "e")]
    assert run.notes() == ["0.0 inf"]


def test_sending_to_the_service_lets_other_tasks_run(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.other)
            for index in range(1, 4):
                await self.apply_ch.send(ApplyCommand(index, index))
            self.node.note("sent")

    async def other(self):
        self.node.note("other")
"""
    assert run_server(tmp_path, text, servers=1).notes() == ["other", "sent"]


def test_command_changed_after_it_was_applied_is_applied_as_it_was(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        command = [1]
        self.apply_ch.send_nowait(ApplyCommand(1, command))
        command.append(2)
"""
    assert [event.command for event in run_server(tmp_path, text, servers=1).of(Apply)] == [[1]]


def test_service_asks_for_snapshots_and_takes_its_own_back(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        data = self.node.persister.snapshot()
        if data is not None:
            self.apply_ch.send_nowait(ApplySnapshot(10, 1, data))
        for index in range(11 if data else 1, 21 if data else 16):
            self.apply_ch.send_nowait(ApplyCommand(index, index))
            await trio.sleep(0.01)

    def snapshot(self, index, data):
        self.node.note(f"snapshot {index}")
        if index == 10:
            self.node.persister.save(PersistentState(1, None, [], index, 1), data)
"""

    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.5)
        assert cluster.applied(15) == (1, 15)
        cluster.restart(0)
        await cluster.sleep(0.5)
        assert cluster.applied(20) == (1, 20)
        assert cluster.applied(21) == (0, None)

    scenario = make_scenario(test, servers=1, snapshots=True)
    run = simulate(write_submission(tmp_path, "import trio\n" + text), scenario, judged=False)
    assert run.record.status == "pass", run.record.message
    assert run.notes() == ["snapshot 10", "snapshot 20"]
    assert [event.index for event in run.of(ApplySnap)] == [10]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ('b"made up"', "the snapshot's 7 bytes are not what any service handed over"),
        ("data", "the snapshot was announced for index 11, but its bytes are of index 10"),
    ],
)
def test_snapshot_that_no_service_made_is_refused(tmp_path: Path, data: str, text: str) -> None:
    server = f"""
class Raft(Plain):
    async def run(self):
        for index in range(1, 11):
            self.apply_ch.send_nowait(ApplyCommand(index, index))

    def snapshot(self, index, data):
        self.apply_ch.send_nowait(ApplySnapshot(11, 1, {data}))
"""
    record = simulate(write_submission(tmp_path, server), make_scenario(servers=1, snapshots=True), judged=False).record
    assert (record.status, record.rule) == ("fail", "StateMachineSafety")
    assert f"server 0 handed over a bad snapshot: {text}" in record.message


# Crashes.


LAST_WORDS = """
class Raft(Plain):
    async def run(self):
        if self.node.me != 0:
            return
        self.node.persister.save(PersistentState(1, 0, []))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.another_task)
                await trio.sleep_forever()
        finally:
            self.last_words()
            with trio.CancelScope(shield=True):
                nursery = None
                self.last_words()

    async def another_task(self):
        try:
            await self.node.call(1, PingArgs(1))
            await trio.sleep_forever()
        finally:
            self.last_words()

    def last_words(self):
        self.node.note("too late")
        self.node.persister.save(PersistentState(2, 0, [LogEntry(2, "too late")]), b"too late")
        self.apply_ch.send_nowait(ApplyCommand(1, "too late"))
        call = self.node.call(1, PingArgs(99))
        try:
            call.send(None)
        except BaseException:
            pass
"""


def test_what_a_server_does_after_its_crash_reaches_nobody(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.5)
        cluster.crash(0)
        await cluster.sleep(0.5)
        assert not cluster.is_up(0)
        assert cluster.log_size(0) == 32 and cluster.snapshot_size(0) == 0

    run = simulate(write_submission(tmp_path, "import trio\n" + LAST_WORDS), make_scenario(test))
    assert run.record.status == "pass", run.record.message
    (crash,) = run.of(Crash)
    after = run.events[run.events.index(crash) + 1 :]
    assert not [event for event in after if event.server == 0]
    assert not run.of(Note) and not run.of(Apply)
    assert len(run.of(Save)) == len(run.of(Send)) == 1


def test_crash_ends_tasks_and_shielded_cleanup_that_does_not_wait_is_no_fault(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            self.apply_ch.send_nowait(ApplyCommand(1, "x"))
            raise
        finally:
            with trio.CancelScope(shield=True):
                await trio.lowlevel.checkpoint()
"""

    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        cluster.crash(0)
        await cluster.sleep(1.0)

    run = simulate(write_submission(tmp_path, "import trio\n" + text), make_scenario(test))
    assert run.record.status == "pass", run.record.message
    assert not run.of(Apply)


def test_crashed_server_answers_nothing_and_accepts_nothing(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        cluster.crash(0)
        cluster.crash(0)
        assert cluster.start(0, "x") == StartAnswer(-1, -1, False)
        assert cluster.state(0) == ServerState(0, False)

    run = simulate(write_submission(tmp_path, PLAIN_HANDLER), make_scenario(test))
    assert run.record.status == "pass", run.record.message
    assert len(run.of(Crash)) == 1


def test_caller_of_a_server_that_crashes_while_it_answers_gets_none(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.125)
        cluster.crash(1)
        await cluster.sleep(10.0)

    run = simulate(write_submission(tmp_path, "import trio\n" + SLOW_HANDLER), make_scenario(test))
    first = run.of(Send, 0)[0].rpc
    assert [event.rpc for event in run.of(Timeout, 0) if event.rpc == first] == [first]
    assert not run.of(Reply, 1)


def test_reply_to_a_life_that_is_over_does_not_reach_the_next(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.05)
        cluster.restart(0)
        await cluster.sleep(0.2)

    scenario = make_scenario(test, conditions=Conditions(reply_delay=(0.1, 0.1)))
    run = simulate(write_submission(tmp_path, PLAIN_HANDLER), scenario)
    assert run.of(Drop)[0].reason == "down"
    assert run.notes(0)[0] == "1 answered PingReply(number=101)"
    assert [life.incarnation for life in run.of(Restart, 0)] == [0, 1]


COUNTING = """
class Raft(Plain):
    def __init__(self, *args):
        super().__init__(*args)
        state = self.node.persister.load()
        self.term = state.current_term if state else 0
        self.node.note(f"start {self.term}")

    def promise(self, why):
        self.term += 1
        self.node.persister.save(PersistentState(self.term, None, []))
        self.node.note(f"{why} {self.term}")

    async def run(self):
        index = 0
        while self.node.me == 0:
            index += 1
            self.promise("run")
            self.apply_ch.send_nowait(ApplyCommand(index, "before the call"))
            with trio.move_on_after(0.01):
                await self.node.call(1, PingArgs(self.term))
            await trio.sleep(0.09)

    def ping(self, args):
        self.promise("ping")
        return PingReply(args.number)
"""


def crash_at(folder: Path, server: int, point: Literal["save", "reply", "send"], nth: int) -> list[Event]:
    """Return the events of a server up to the start of its next incarnation, the start included."""

    async def test(cluster: Cluster) -> None:
        cluster.crash_at(server, point, nth)
        assert await cluster.wait_until_down(server, within=2.0)
        cluster.restart(server)
        await cluster.sleep(0.01)

    run = simulate(write_submission(folder, "import trio\n" + COUNTING), make_scenario(test))
    assert run.record.status == "pass", run.record.message
    assert [(crash.server, crash.at) for crash in run.of(Crash)] == [(server, point)]
    (crash,) = run.of(Crash)
    later = [event for event in run.events[run.events.index(crash) + 1 :] if event.server == server]
    assert isinstance(later[0], Restart) and isinstance(later[1], Note)
    wanted = (Save, Apply, Note, Send, Reply)
    events: list[Event] = [event for event in run.events if event.server == server and isinstance(event, wanted)]
    return events[: events.index(later[1]) + 1]


def kinds(events: list[Event]) -> list[str]:
    return [event.text if isinstance(event, Note) else type(event).__name__ for event in events]


ROUND = ["Save", "run {}", "Apply", "Send"]


def test_crash_at_a_save_comes_right_after_it(tmp_path: Path) -> None:
    events = kinds(crash_at(tmp_path, 0, "save", 3))
    assert events == ["start 0", *[w.format(n) for n in (1, 2) for w in ROUND], "Save", "start 3"]


def test_crash_at_a_send_comes_right_before_it(tmp_path: Path) -> None:
    events = kinds(crash_at(tmp_path, 0, "send", 3))
    assert events == ["start 0", *[w.format(n) for n in (1, 2, 3) for w in ROUND][:-1], "start 3"]


def test_crash_at_a_reply_comes_right_before_it_and_keeps_the_promise_on_disk(tmp_path: Path) -> None:
    events = kinds(crash_at(tmp_path, 1, "reply", 3))
    rounds = [word.format(n) for n in (1, 2, 3) for word in ("Save", "ping {}", "Reply")]
    assert events == ["start 0", *rounds[:-1], "start 3"]


def test_crash_at_a_save_inside_start_leaves_no_answer(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    def start(self, command):
        self.node.persister.save(PersistentState(1, None, [LogEntry(1, command)]))
        self.node.note("too late")
        return 1, 1, True
"""

    async def test(cluster: Cluster) -> None:
        cluster.crash_at(0, "save")
        assert cluster.start(0, "x") == StartAnswer(-1, -1, False)
        assert not cluster.is_up(0)

    run = simulate(write_submission(tmp_path, text), make_scenario(test))
    assert run.record.status == "pass", run.record.message
    assert len(run.of(Save)) == 1
    assert not run.of(Start) and "too late" not in run.notes()


def test_prepared_crash_that_does_not_come_is_called_off(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        cluster.crash_at(0, "save", 9)
        assert not await cluster.wait_until_down(0, within=0.5)
        with pytest.raises(ValueError, match="nth counts from 1, not 0"):
            cluster.crash_at(1, "save", 0)
        await cluster.sleep(1.0)

    run = simulate(write_submission(tmp_path, "import trio\n" + COUNTING), make_scenario(test))
    assert run.record.status == "pass", run.record.message
    assert len(run.of(Save, 0)) > 9
    assert not run.of(Crash)


def test_restart_forgets_a_prepared_crash(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        cluster.crash_at(0, "save", 5)
        await cluster.sleep(0.15)
        cluster.restart(0)
        await cluster.sleep(1.0)

    run = simulate(write_submission(tmp_path, "import trio\n" + COUNTING), make_scenario(test))
    assert [crash.at for crash in run.of(Crash)] == [None]


# A start: `run` comes first.


def test_run_comes_to_its_first_wait_before_any_request_is_served(tmp_path: Path) -> None:
    """With every seed, and after a restart at the instant in which a request arrives, too."""
    text = """
class Raft(Plain):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        self.begun = False

    async def run(self):
        self.begun = True
        if self.node.me == 1:
            await trio.sleep_forever()
        while True:
            await self.node.call(1, PingArgs(1))
            await trio.sleep(0.1)

    def ping(self, args):
        self.node.note(f"{self.begun}")
        return PingReply(args.number)
"""

    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        cluster.restart(1)
        await cluster.sleep(0.5)

    folder = write_submission(tmp_path, "import trio\n" + text)
    for seed in range(1, 11):
        notes = simulate(folder, make_scenario(test), seed).notes(1)
        assert len(notes) > 3 and set(notes) == {"True"}

"""The kernel and the cluster: what comes first at an instant, how a run ends, and what a test can ask."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from labs.raft.events import Save
from labs.raft.stages import catalogue
from labs.raft.testing.cluster import Cluster
from labs.raft.testing.drill import Lone
from labs.sim.net.network import Conditions
from labs.testing.scenario import Test
from labs.trace.events import Check, Event, Note, Reply, Restart, Role, Send, Start, Verdict
from tests.corpora import mutants
from tests.running import REFERENCE, SERVERS, Run, make_scenario, simulate, write_submission

PLAIN = SERVERS / "plain.py"
DELAYED = Conditions(request_delay=(0.001, 0.02), reply_delay=(0.001, 0.02))


def run_test(test: Test, submission: Path = PLAIN, **options: Any) -> Run:
    return simulate(submission, make_scenario(test, **options))


# What comes first.


def test_events_of_one_instant_are_in_the_order_of_servers() -> None:
    run = simulate(PLAIN, make_scenario(servers=5))
    for _, sends in itertools.groupby(run.of(Send), key=lambda send: send.time):
        servers = [send.server for send in sends]
        assert servers == sorted(servers) == [server for server in range(5) for _ in range(4)]
    notes = [(note.time, note.server) for note in run.of(Note)]
    assert notes == sorted(notes)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_events_of_one_instant_do_not_hang_on_which_server_was_started_first(order: tuple[int, ...]) -> None:
    def after_restarts(order: tuple[int, ...]) -> list[Event]:
        async def test(cluster: Cluster) -> None:
            await cluster.sleep(0.05)
            for server in order:
                cluster.restart(server)
            await cluster.sleep(0.5)

        events = run_test(test, servers=3, conditions=DELAYED).events
        last = max(index for index, event in enumerate(events) if isinstance(event, Restart))
        return [event for event in events[last:] if not isinstance(event, Restart)]

    assert after_restarts(order) == after_restarts((0, 1, 2))


def test_tasks_of_one_server_take_turns_in_an_order_of_its_own(tmp_path: Path) -> None:
    """The order is not that in which tasks were made, but it is the same for a server in each run of a seed."""
    text = """
import trio

class Raft(Plain):
    async def run(self):
        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(self.task, number)

    async def task(self, number):
        await trio.sleep(1.0)
        self.node.note(f"{number}")
"""

    async def two_seconds(cluster: Cluster) -> None:
        await cluster.sleep(2.0)

    folder = write_submission(tmp_path, text)
    alone, crowd = (simulate(folder, make_scenario(two_seconds, servers=n)) for n in (1, 5))
    orders = [tuple(crowd.notes(server)) for server in range(5)]
    assert orders[0] == tuple(alone.notes(0))
    assert all(sorted(order) == list("012345") for order in orders)
    assert len(set(orders)) > 1


def test_a_test_acts_last_at_an_instant(tmp_path: Path) -> None:
    """At t=0.5 timers run out, messages are exchanged without delay, and disks are written: all of it comes first."""
    text = """
import trio

class Raft(Plain):
    async def run(self):
        await trio.sleep(0.5)
        for number in range(10):
            await self.node.call(self.node.peers[0], PingArgs(number))
            await trio.lowlevel.checkpoint()
        self.node.persister.save(PersistentState(1, None, [LogEntry(1, "done")]))
        self.node.note("done")
"""
    sizes: list[int] = []

    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.25)
        await cluster.sleep(0.25)
        sizes.extend(cluster.log_size(server) for server in cluster.servers)
        cluster.start(0, "x")

    run = run_test(test, write_submission(tmp_path, text))
    assert min(sizes) > 32
    assert [type(event) for event in run.events[-3:]] == [Note, Start, Verdict]
    assert run.of(Start)[0].time == run.of(Save)[0].time == 0.5


def test_what_a_test_asks_is_carried_before_it_goes_on(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    leads = False

    def start(self, command):
        Raft.leads = True
        self.node.persister.save(PersistentState(3, None, [LogEntry(3, command)]))
        return 1, 3, True

    def get_state(self):
        return 3, self.leads
"""

    async def test(cluster: Cluster) -> None:
        assert cluster.start(0, "x") == (1, 3, True)
        assert cluster.log_size(0) > 32

    run = run_test(test, write_submission(tmp_path, text), servers=1)
    kinds = [type(event) for event in run.events]
    assert kinds == [Restart, Role, Save, Role, Start, Verdict]
    assert [(role.term, role.is_leader) for role in run.of(Role)] == [(3, False), (3, True)]


def test_time_never_goes_back_in_a_trace() -> None:
    times = [event.time for event in simulate(PLAIN, make_scenario(servers=3, conditions=DELAYED)).events]
    assert times == sorted(times)


def test_waiting_a_day_takes_no_time(tmp_path: Path) -> None:
    text = "import trio\nclass Raft(Plain):\n    async def run(self): await trio.sleep_forever()"

    async def test(cluster: Cluster) -> None:
        for _ in range(24):
            await cluster.sleep(3600.0)
        assert cluster.now == 86_400.0

    begun = time.process_time()
    record = run_test(test, write_submission(tmp_path, text)).record
    assert (record.status, record.virtual_time) == ("pass", 86_400.0)
    assert time.process_time() - begun < 5.0


def test_sleeping_no_time_lets_servers_finish_their_instant() -> None:
    counts: list[int] = []

    async def test(cluster: Cluster) -> None:
        counts.append(cluster.rpcs())
        await cluster.sleep(0.0)
        counts.append(cluster.rpcs())
        await cluster.sleep(-1.0)
        assert cluster.now == 0.0

    run_test(test)
    assert counts == [0, 2]


# How a run ends.


async def break_rule(cluster: Cluster) -> None:
    await cluster.sleep(0.25)
    cluster.check(True, "LogMatching", "not this one")
    cluster.check(False, "LogMatching", "one was seen, two was wanted")
    raise AssertionError("the test goes on after a violation")


def test_broken_rule_ends_the_run_with_its_name_place_and_hint() -> None:
    run = run_test(break_rule)
    record, verdict = run.record, run.events[-1]
    assert (record.status, record.rule, record.virtual_time) == ("fail", "LogMatching", 0.25)
    assert record.message == "LogMatching (Figure 3, Log Matching; §5.3): one was seen, two was wanted"
    assert isinstance(verdict, Verdict) and len(run.of(Verdict)) == 1
    assert (verdict.status, verdict.rule, verdict.message) == (record.status, record.rule, record.message)
    assert verdict.hint == record.hint != ""


def test_rule_broken_at_a_delivery_is_the_verdict_though_the_message_goes_no_further(tmp_path: Path) -> None:
    (mutant,) = [one for one in mutants.corpus() if one.name == "T19s_error_ends_the_loop_silently"]
    (scenario,) = catalogue.find("2A/late_votes")
    run = simulate(mutant.write(tmp_path / "server"), scenario)
    assert (run.record.status, run.record.rule) == ("fail", "HeartbeatsSent")


def test_servers_that_send_back_and_forth_at_one_instant_are_named_with_the_line(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        while self.node.me == 1:
            await self.node.call(2, PingArgs(1))
        await super().run()
"""
    record = simulate(write_submission(tmp_path, text), make_scenario(servers=3)).record
    assert (record.status, record.rule) == ("error", "NoSpin")
    assert record.involved in ([1], [2])
    assert "sends messages back and forth" in record.message and " in run" in record.message


def test_first_violation_is_the_verdict_even_if_the_test_catches_exceptions(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.15)
        for _ in range(3):
            try:
                cluster.start(0, "x")
            except Exception:
                continue

    text = "class Raft(Plain):\n    def start(self, command): return 0 / 0"
    run = run_test(test, write_submission(tmp_path, text))
    assert run.record.rule == "NoCrash"
    assert len(run.of(Verdict)) == 1


async def raise_error(cluster: Cluster) -> None:
    await cluster.sleep(0.25)
    raise LookupError("a mistake of the lab")


async def wait_for_ever(cluster: Cluster) -> None:
    for server in cluster.servers:
        cluster.crash(server)
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("test", "text"), [(raise_error, "LookupError: a mistake of the lab"), (wait_for_ever, "nothing will ever happen")]
)
def test_mistake_of_the_test_is_no_fault_of_the_submission(test: Test, text: str) -> None:
    record = run_test(test).record
    assert (record.status, record.rule) == ("grader-error", None)
    assert record.message.startswith("an error of the lab, not of the submission:")
    assert text in record.message


async def index_what_was_refused(cluster: Cluster) -> None:
    await cluster.sleep(0.1)
    answers = [answer for answer in [cluster.start(1, "x")] if answer.is_leader]
    cluster.check_not_applied(answers[-1].index)


async def count_on_what_was_applied(cluster: Cluster) -> None:
    await cluster.sleep(1.0)
    if cluster.applied(1).command != "x":
        raise AssertionError("the first command is x")


REFUSES = "class Raft(Plain):\n    def start(self, command): return -1, 7, False\n"
APPLIES = "class Raft(Plain):\n    async def run(self): self.apply_ch.send_nowait(ApplyCommand(1, 'y'))\n"


@pytest.mark.parametrize(
    ("test", "text", "message", "server"),
    [
        (
            index_what_was_refused,
            REFUSES,
            "IndexError: list index out of range), because server 1 had answered (-1, 7, False) to start('x')",
            1,
        ),
        (
            count_on_what_was_applied,
            APPLIES,
            "AssertionError: the first command is x), because server 0 had applied 'y' at index 1",
            0,
        ),
    ],
)
def test_test_that_stumbles_over_an_answer_names_it_and_keeps_the_way_there(
    tmp_path: Path, defects: list[str], test: Test, text: str, message: str, server: int
) -> None:
    """A verdict for the student without a traceback, and for us, as the test is at fault, too."""
    record = run_test(test, write_submission(tmp_path, text)).record
    assert (record.status, record.rule, record.involved) == ("error", "WellFormed", [server]), record.message
    assert record.message == f"WellFormed: the test could not go on ({message}"
    assert "ask your instructor" in record.hint
    assert "Traceback" not in record.message
    assert f"in {test.__name__}" in record.details
    assert defects == [record.details]
    defects.clear()


def test_drill_that_stumbles_names_its_rule_and_what_it_saw(tmp_path: Path, defects: list[str]) -> None:
    async def drill(lone: Lone) -> None:
        lone.start("x")
        lone.disk.terms[2]

    scenario = replace(make_scenario(drill), rule="StartAnswers")
    record = simulate(write_submission(tmp_path, REFUSES), scenario).record
    assert (record.status, record.rule, record.involved) == ("error", "StartAnswers", [0]), record.message
    assert "(IndexError: list index out of range), because it had no more than this: server 0 has on" in record.message
    assert defects == [record.details]
    defects.clear()


def test_record_tells_what_the_trace_holds() -> None:
    run = simulate(PLAIN, make_scenario(servers=3))
    record = run.record
    assert (record.test, record.stage, record.title) == ("0/one_second", "0", "a test of the runner")
    assert (record.servers, record.hosts, record.seed, record.virtual_time) == (3, "inline", 1, 1.0)
    assert record.rpcs == len(run.of(Send)) > 0
    assert record.bytes == sum(send.size for send in run.of(Send)) + sum(reply.size for reply in run.of(Reply))
    assert run.events[-1] == Verdict(1.0, -1, "pass")


def test_what_waited_for_a_paused_server_goes_when_the_run_is_released() -> None:
    found = []

    async def test(cluster: Cluster) -> None:
        found.append(cluster._kernel)
        cluster.pause(0)
        await cluster.sleep(0.5)
        assert cluster._world.paused[0]

    run_test(test)
    [kernel] = found
    kernel.release()
    assert not kernel.world.paused


# What a test can ask of a cluster that does not do its duty.


FOLLOWER = "class Raft(Plain):\n    def get_state(self): return {term}, {leads}\n"


def lying(folder: Path, term: str, leads: str = "False") -> Path:
    return write_submission(folder, FOLLOWER.format(term=term, leads=leads))


def check_fails(test: Test, submission: Path, rule: str, text: str, servers: int = 3) -> None:
    record = run_test(test, submission, servers=servers).record
    assert (record.status, record.rule) == ("fail", rule), record.message
    assert text in record.message


def test_cluster_without_leader_fails_in_time(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(1.0)
        cluster.disconnect(2)
        await cluster.wait_for_leader(within=2.0)

    text = (
        "no leader within 2 s (from t=1.000 s), although the network allows one: server 0 in term 7, server 1 in term 7"
    )
    check_fails(test, lying(tmp_path, "7"), "LeaderInTime", text)


def elected_after(folder: Path, seconds: float, terms: int) -> Path:
    """Write servers whose term rises `terms` times in two seconds, and of which the first leads after `seconds`."""
    term = f"min(int(trio.current_time() * {terms} / 2), {terms})"
    return lying(folder, term, f"self.node.me == 0 and trio.current_time() >= {seconds}")


async def leader_in_two_seconds(cluster: Cluster) -> None:
    await cluster.wait_for_leader(within=2.0)


def test_wait_for_leader_is_twice_as_long_when_votes_were_split(tmp_path: Path) -> None:
    record = run_test(leader_in_two_seconds, elected_after(tmp_path, 3.9, terms=2), servers=1).record
    assert record.status == "pass", record.message


@pytest.mark.parametrize(("seconds", "terms", "waited"), [(4.5, 2, "4"), (4.5, 1, "4"), (2.5, 0, "2")])
def test_wait_for_leader_ends_where_no_split_vote_excuses_it(
    tmp_path: Path, seconds: float, terms: int, waited: str
) -> None:
    submission = elected_after(tmp_path, seconds, terms)
    check_fails(leader_in_two_seconds, submission, "LeaderInTime", f"no leader within {waited} s (from t=0.000 s)")


@pytest.mark.parametrize(("terms", "waited"), [(2, "4"), (1, "4"), (0, "2")])
def test_agreement_may_take_twice_as_long_when_elections_were_in_vain(tmp_path: Path, terms: int, waited: str) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.agree(1, servers=1, within=2.0)

    text = f"command 1 was not applied by 1 server within {waited} s: no connected server accepted it"
    check_fails(test, elected_after(tmp_path, 9.0, terms), "CommittedIsApplied", text)


def test_server_that_claims_to_lead_without_majority_fails(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        cluster.check_no_leader()

    text = "server 0"
    check_fails(test, lying(tmp_path, "1", "self.node.me == 0"), "LeaderHasMajority", text)


def test_servers_in_different_terms_fail(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        cluster.check_terms_agree()

    text = "connected servers are in different terms: server 0 in term 5, server 1 in term 6, server 2 in term 7"
    check_fails(test, lying(tmp_path, "5 + self.node.me"), "HigherTermAdopted", text)


def test_command_that_nobody_accepts_fails(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.agree("x", 3)

    text = "command 'x' was not applied by 3 servers within 10 s: no connected server accepted it"
    check_fails(test, lying(tmp_path, "1"), "CommittedIsApplied", text)


def test_another_command_at_the_index_does_not_count(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.agree(1, 1, retry=False)

    server = """
class Raft(Plain):
    def start(self, command):
        self.apply_ch.send_nowait(ApplyCommand(1, True))
        return 1, 0, True
"""
    text = "command 1 was not applied by 1 server within 2 s: server 0 accepted it at index 1 in term 0"
    check_fails(test, write_submission(tmp_path, server), "CommittedIsApplied", text, servers=1)


def test_index_that_is_not_applied_fails(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.wait_for_applied(4, 2, within=1.0)

    text = "index 4 was not applied by 2 servers within 1 s: no server did"
    check_fails(test, lying(tmp_path, "1"), "CommittedIsApplied", text)


def test_index_applied_where_nothing_can_be_fails(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        cluster.check_not_applied(2)
        cluster.check_not_applied(1)

    server = "class Raft(Plain):\n    async def run(self): self.apply_ch.send_nowait(ApplyCommand(1, 'x'))\n"
    text = "servers 0, 1, 2 applied 'x' at index 1, but no majority can store it"
    check_fails(test, write_submission(tmp_path, server), "CommitNeedsMajority", text)


async def use_everything(cluster: Cluster) -> None:
    leader = await cluster.wait_for_leader()
    assert cluster.leaders() == [leader]
    term = cluster.check_terms_agree()
    assert cluster.state(leader) == (term, True)
    index = await cluster.agree(cluster.command(), cluster.n, retry=False)
    assert cluster.applied(index) == (cluster.n, 1001)
    assert await cluster.wait_for_applied(index, cluster.n) == 1001
    answer = cluster.start(leader, cluster.command(20))
    assert answer == (index + 1, term, True)
    assert await cluster.wait_for_applied(answer.index, 3, term=term) == "2:15860e88f8c4b4e52c"
    cluster.check_not_applied(answer.index + 1)
    cluster.disconnect(leader)
    assert not cluster.is_connected(leader)
    other = await cluster.wait_for_leader()
    assert other != leader and cluster.leaders([leader]) == []
    assert await cluster.wait_for_applied(99, 3, term=term) is None
    for server in cluster.servers:
        cluster.disconnect(server)
    cluster.check_no_leader()
    cluster.connect_all()


def test_cluster_answers_a_correct_server(tmp_path: Path) -> None:
    run = run_test(use_everything, REFERENCE, stage="2B", servers=3)
    assert run.record.status == "pass", run.record.message
    texts = [check.text for check in run.of(Check)]
    assert any("leads term" in text for text in texts)
    assert any(text == "3 servers applied 1001 at index 1" for text in texts)


def test_commands_of_a_run_differ_and_have_the_size_asked_for() -> None:
    seen: list[Any] = []

    async def test(cluster: Cluster) -> None:
        seen.extend(cluster.command(size) for size in (0, 0, 10, 10, 5000))

    run_test(test)
    assert len(set(seen)) == 5
    assert [len(command) for command in seen[2:]] == [10, 10, 5000]


@pytest.mark.parametrize("choose", [lambda c: c.random.random(), lambda c: c.random.sample(range(100), 5)])
def test_choices_of_a_test_depend_on_seed_and_test(choose: Callable[[Cluster], Any]) -> None:
    chosen: list[Any] = []

    async def one(cluster: Cluster) -> None:
        chosen.append(choose(cluster))

    async def another(cluster: Cluster) -> None:
        chosen.append(choose(cluster))

    for test, seed in ((one, 1), (one, 1), (one, 2), (another, 1)):
        simulate(PLAIN, make_scenario(test), seed)
    first, again, other_seed, other_test = chosen
    assert first == again
    assert other_seed not in (first, other_test) and other_test != first

"""The network: presets with exactly the figures that the field knows, cuts, and what single links add."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable

import pytest

from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import (
    LONG_REORDERING,
    NOTHING,
    PRESETS,
    RELIABLE,
    UNRELIABLE,
    Conditions,
    Fate,
    Link,
    Network,
)
from labs.trace.events import Connect, Cut, Deliver, Drop, NetworkChange, Reply, Send, Timeout
from tests.corpora.servers.plain import PAUSE
from tests.running import SERVERS, Run, make_scenario, simulate

MANY = 20_000
"""Messages that a share is counted over; three times its standard deviation is then at most 0.011."""
PLAIN = SERVERS / "plain.py"


def requests(conditions: Conditions, count: int = MANY, change: Callable[[Network], None] | None = None) -> list[Fate]:
    network = Network(3, 1, conditions)
    if change is not None:
        change(network)
    return [network.request(0, 1, network.next_ordinal(0, 0, 1)) for _ in range(count)]


def replies(conditions: Conditions, count: int = MANY, change: Callable[[Network], None] | None = None) -> list[Fate]:
    network = Network(3, 1, conditions)
    if change is not None:
        change(network)
    return [network.reply(1, 0, network.next_ordinal(1, 1, 0)) for _ in range(count)]


def lost(fates: list[Fate]) -> float:
    return sum(fate.dropped == "loss" for fate in fates) / len(fates)


def delays(fates: list[Fate]) -> list[float]:
    return [fate.delays[0] for fate in fates if not fate.dropped]


# Presets.


def test_reliable_network_neither_loses_nor_delays_nor_doubles() -> None:
    for fate in requests(RELIABLE, 100) + replies(RELIABLE, 100):
        assert fate == Fate(None, (0.0,))


def test_unreliable_network_has_the_fields_figures() -> None:
    expected = Conditions(request_delay=(0.0, 0.026), request_loss=0.1, reply_loss=0.1)
    assert expected == UNRELIABLE
    assert expected.silence == (0.0, 7.0)
    assert (expected.reply_delay, expected.duplicate, expected.late_share, expected.late_requests) == (NOTHING, 0, 0, 0)


def test_long_reordering_delays_two_of_three_replies_on_an_unreliable_network() -> None:
    assert dataclasses.replace(UNRELIABLE, late_share=2 / 3, late_delay=(0.2, 2.2)) == LONG_REORDERING


def test_presets_have_the_names_that_one_types() -> None:
    assert list(PRESETS) == ["reliable", "unreliable", "long delays", "long reordering"]
    assert PRESETS["long delays"].silence == (0.0, 7.0)
    assert PRESETS["reliable"].silence == (0.0, 0.1)


@pytest.mark.parametrize("conditions", [UNRELIABLE, LONG_REORDERING])
def test_unreliable_requests_wait_up_to_26_ms_and_a_tenth_is_lost(conditions: Conditions) -> None:
    fates = requests(conditions)
    assert lost(fates) == pytest.approx(0.1, abs=0.007)
    waits = delays(fates)
    assert 0.0 <= min(waits) < 0.0001 and 0.0259 < max(waits) <= 0.026
    assert statistics.fmean(waits) == pytest.approx(0.013, abs=0.0002)
    assert all(len(fate.delays) == 1 for fate in fates)


def test_unreliable_replies_do_not_wait_and_a_tenth_is_lost() -> None:
    fates = replies(UNRELIABLE)
    assert lost(fates) == pytest.approx(0.1, abs=0.007)
    assert set(delays(fates)) == {0.0}


def test_two_thirds_of_reordered_replies_wait_200_to_2200_ms_and_the_rest_not_at_all() -> None:
    waits = delays(replies(LONG_REORDERING))
    late = [wait for wait in waits if wait]
    assert len(late) / len(waits) == pytest.approx(2 / 3, abs=0.011)
    assert 0.2 <= min(late) < 0.202 and 2.198 < max(late) <= 2.2
    assert statistics.fmean(late) == pytest.approx(1.2, abs=0.02)


def test_loss_and_delay_of_a_message_do_not_hang_together() -> None:
    fates = requests(UNRELIABLE)
    dropped = [fate.delays[0] for fate in fates if fate.dropped]
    assert statistics.fmean(dropped) == pytest.approx(0.013, abs=0.0006)


def test_request_and_reply_of_an_rpc_are_lost_independently() -> None:
    network = Network(2, 1, UNRELIABLE)
    pairs = [(network.request(0, 1, n).dropped, network.reply(1, 0, n).dropped) for n in range(MANY)]
    assert sum(a is None and b is None for a, b in pairs) / MANY == pytest.approx(0.81, abs=0.009)


# What else conditions and links can do.


def test_late_requests_wait_as_long_as_late_replies() -> None:
    waits = delays(requests(dataclasses.replace(RELIABLE, late_requests=0.25, late_delay=(1.0, 2.0))))
    late = [wait for wait in waits if wait]
    assert len(late) / len(waits) == pytest.approx(0.25, abs=0.01)
    assert min(late) >= 1.0 and max(late) <= 2.0


def test_duplicated_requests_arrive_twice_and_replies_never_do() -> None:
    conditions = dataclasses.replace(RELIABLE, duplicate=0.5, request_delay=(0.0, 0.01))
    twice = [fate for fate in requests(conditions) if len(fate.delays) == 2]
    assert len(twice) / MANY == pytest.approx(0.5, abs=0.011)
    assert all(fate.delays[0] != fate.delays[1] for fate in twice)
    assert all(len(fate.delays) == 1 for fate in replies(conditions))


def test_link_adds_delay_loss_and_duplication_of_its_own_in_its_direction_only() -> None:
    def change(network: Network) -> None:
        network.set_link(0, 1, Link(delay=(0.1, 0.2), loss=0.5, duplicate=0.5))

    there, back = requests(UNRELIABLE, change=change), replies(UNRELIABLE, change=change)
    assert lost(there) == pytest.approx(1 - 0.9 * 0.5, abs=0.011)
    assert min(delays(there)) >= 0.1 and max(delays(there)) <= 0.226
    assert sum(len(fate.delays) == 2 for fate in there if not fate.dropped) / len(delays(there)) == pytest.approx(
        0.5, abs=0.016
    )
    assert back == replies(UNRELIABLE)


def test_link_without_settings_of_its_own_is_plain_again() -> None:
    def change(network: Network) -> None:
        network.set_link(0, 1, Link(loss=1.0))
        network.set_link(0, 1, None)

    assert requests(UNRELIABLE, change=change) == requests(UNRELIABLE)


def test_slow_server_is_slow_both_ways_and_only_for_its_own_messages() -> None:
    def change(network: Network) -> None:
        network.slow(1, 0.3)

    assert set(delays(requests(RELIABLE, 10, change))) == {0.3}
    assert set(delays(replies(RELIABLE, 10, change))) == {0.3}
    network = Network(3, 1, RELIABLE)
    network.slow(1, 0.3)
    assert network.request(0, 2, 1).delays == (0.0,)
    network.slow(1, 0.0)
    assert network.request(0, 1, 1).delays == (0.0,)


def test_fate_of_a_message_does_not_depend_on_faults_elsewhere() -> None:
    quiet, busy = Network(3, 1, UNRELIABLE), Network(3, 1, UNRELIABLE)
    for _ in range(50):
        busy.request(1, 2, busy.next_ordinal(0, 1, 2))
        busy.reply(1, 0, busy.next_ordinal(1, 1, 0))
    busy.slow(2, 1.0)
    assert [quiet.request(0, 1, n) for n in range(50)] == [busy.request(0, 1, n) for n in range(50)]


def test_silence_lasts_up_to_seven_seconds_evenly() -> None:
    network = Network(2, 1, RELIABLE)
    silences = [network.silence(0, 1, ordinal) for ordinal in range(MANY)]
    assert 0.0 <= min(silences) < 0.01 and 6.99 < max(silences) <= 7.0
    assert statistics.fmean(silences) == pytest.approx(3.5, abs=0.05)


# Cuts.


def works(network: Network) -> set[tuple[int, int]]:
    pairs = [(a, b) for a in range(network.size) for b in range(network.size) if a != b]
    working = {pair for pair in pairs if network.works(*pair)}
    assert network.cuts() == [pair for pair in pairs if pair not in working]
    return working


def test_cut_stops_one_direction_and_mend_brings_it_back() -> None:
    network = Network(3, 1, RELIABLE)
    everything = works(network)
    network.cut(0, 1)
    assert works(network) == everything - {(0, 1)}
    network.mend(1, 0)
    assert works(network) == everything - {(0, 1)}
    network.mend(0, 1)
    assert works(network) == everything


def test_disconnected_server_reaches_nobody_until_it_is_connected() -> None:
    network = Network(3, 1, RELIABLE)
    network.cut(0, 1)
    network.disconnect(2)
    assert works(network) == {(1, 0)}
    assert [network.is_connected(server) for server in range(3)] == [True, True, False]
    network.connect(2)
    assert (0, 1) not in works(network)
    assert (0, 2) in works(network)


def test_partition_keeps_links_inside_groups_and_isolates_who_is_in_none() -> None:
    network = Network(5, 1, RELIABLE)
    network.cut(0, 1)
    network.partition([[0, 1], [2, 3]])
    assert works(network) == {(0, 1), (1, 0), (2, 3), (3, 2)}
    network.partition([range(5)])
    assert len(works(network)) == 20
    network.partition([])
    assert works(network) == set()


def test_heal_ends_cuts_and_disconnections_but_not_slowness() -> None:
    network = Network(3, 1, RELIABLE)
    network.cut(0, 1)
    network.disconnect(2)
    network.slow(1, 0.5)
    network.heal()
    assert len(works(network)) == 6
    assert network.request(0, 1, 1).delays == (0.5,)


# Seen from the servers.


def run_with(steps: Callable[[Cluster], None], conditions: Conditions = RELIABLE, seconds: float = 10.0) -> Run:
    async def test(cluster: Cluster) -> None:
        steps(cluster)
        await cluster.sleep(seconds)

    return simulate(PLAIN, make_scenario(test, servers=2, conditions=conditions))


def check_silent(run: Run, server: int) -> None:
    """Check that each call of the server returned None, after 0 to 7 seconds spread over that range."""
    sent = {send.rpc: send.time for send in run.of(Send, server)}
    waits = [timeout.time - sent[timeout.rpc] for timeout in run.of(Timeout, server)]
    assert len(waits) > 50
    assert not [event for event in run.of(Deliver, server) if event.leg == "reply"]
    assert 0.0 <= min(waits) < 1.0 and 6.0 < max(waits) <= 7.0
    silent = [time for rpc, time in sent.items() if rpc not in {timeout.rpc for timeout in run.of(Timeout, server)}]
    assert all(run.record.virtual_time - time <= 7.0 for time in silent)
    assert {note.rpartition(" ")[2] for note in run.notes(server)} == {"None"}


def test_call_to_a_crashed_server_returns_none_within_seven_seconds() -> None:
    run = run_with(lambda cluster: cluster.crash(1))
    check_silent(run, 0)
    assert {drop.reason for drop in run.of(Drop, 0) if drop.time} == {"down"}


def test_call_to_a_server_that_is_cut_off_returns_none_within_seven_seconds() -> None:
    run = run_with(lambda cluster: cluster.disconnect(1))
    check_silent(run, 0)
    check_silent(run, 1)
    assert {drop.reason for drop in run.of(Drop) if drop.time} == {"cut"}


def test_link_cut_one_way_lets_requests_through_but_no_replies() -> None:
    run = run_with(lambda cluster: cluster.cut(1, 0))
    check_silent(run, 0)
    check_silent(run, 1)
    heard = [event for event in run.of(Deliver, 1) if event.leg == "request"]
    assert len(heard) == len(run.of(Send, 0)) == len(run.of(Reply, 1))
    assert not run.of(Deliver, 0)


def test_link_that_is_cut_while_a_message_travels_loses_it() -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.05)
        cluster.disconnect(1)
        await cluster.sleep(0.5)

    conditions = Conditions(request_delay=(0.1, 0.1))
    run = simulate(PLAIN, make_scenario(test, conditions=conditions))
    assert not run.of(Deliver)
    assert run.of(Drop, 0)[0].time == pytest.approx(0.1)


def test_reply_that_leaves_while_the_link_is_cut_is_lost_even_if_the_link_is_mended() -> None:
    async def test(cluster: Cluster) -> None:
        cluster.cut(1, 0)
        await cluster.sleep(0.05)
        cluster.mend(1, 0)
        await cluster.sleep(0.5)

    run = simulate(PLAIN, make_scenario(test, conditions=Conditions(reply_delay=(0.1, 0.1))))
    assert [drop.time for drop in run.of(Drop)] == [0.0, 0.0]
    assert {drop.reason for drop in run.of(Drop)} == {"cut"}


def test_lost_request_lets_its_call_return_none_right_after_its_delay() -> None:
    run = run_with(lambda cluster: None, Conditions(request_delay=(0.0, 0.026), request_loss=1.0), seconds=1.0)
    sent = {send.rpc: send.time for send in run.of(Send)}
    assert all(0.0 <= timeout.time - sent[timeout.rpc] <= 0.026 for timeout in run.of(Timeout))
    assert len(run.of(Timeout)) > 15
    assert not run.of(Deliver)


def test_lost_reply_lets_its_call_return_none_after_the_handler_has_run() -> None:
    run = run_with(lambda cluster: None, Conditions(reply_loss=1.0), seconds=1.0)
    assert len(run.of(Reply)) == len(run.of(Drop)) == len(run.of(Timeout)) == len(run.of(Send))


def test_duplicated_request_is_handled_twice_and_its_call_returns_once() -> None:
    run = run_with(lambda cluster: None, Conditions(duplicate=1.0), seconds=1.0)
    sent = len(run.of(Send))
    assert [sum(e.copy == copy for e in run.of(Deliver) if e.leg == "request") for copy in (0, 1)] == [sent, sent]
    assert len(run.of(Reply)) == 2 * sent
    assert len(run.notes()) == sum(event.leg == "reply" for event in run.of(Deliver)) == sent
    assert {drop.reason for drop in run.of(Drop)} == {"abandoned"}


def test_slow_server_answers_late_in_the_cluster_too() -> None:
    run = run_with(lambda cluster: cluster.slow(1, 0.25), seconds=2.0)
    sent = {send.rpc: send.time for send in run.of(Send) if send.time}
    waits = [e.time - sent[e.rpc] for e in run.of(Deliver) if e.leg == "reply" and e.rpc in sent]
    assert waits == pytest.approx([0.5] * len(waits))
    assert len(waits) > 20


def test_link_set_in_the_cluster_delays_and_is_reset() -> None:
    async def test(cluster: Cluster) -> None:
        cluster.set_link(0, 1, delay=(0.04, 0.04))
        await cluster.sleep(0.45)
        cluster.set_link(0, 1)
        await cluster.sleep(0.5)

    run = simulate(PLAIN, make_scenario(test))
    sent = {send.rpc: send.time for send in run.of(Send, 0)}
    waits = [e.time - sent[e.rpc] for e in run.of(Deliver, 1) if e.leg == "request"]
    assert waits == pytest.approx([0.04] * 5 + [0.0] * 5)
    assert len(run.of(NetworkChange)) == 2


def test_trace_tells_each_change_of_links_once() -> None:
    def steps(cluster: Cluster) -> None:
        cluster.disconnect(1)
        cluster.disconnect(1)
        cluster.cut(0, 1)
        cluster.connect(1)
        cluster.heal()
        cluster.heal()

    run = run_with(steps, seconds=PAUSE)
    assert [event.links for event in run.of(Cut)] == [[(0, 1), (1, 0)]]
    assert [event.links for event in run.of(Connect)] == [[(1, 0)], [(0, 1)]]


def test_conditions_change_for_messages_that_leave_afterwards() -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.45)
        cluster.use(Conditions(request_loss=1.0))
        await cluster.sleep(0.5)

    run = simulate(PLAIN, make_scenario(test))
    assert {drop.time > 0.45 for drop in run.of(Drop)} == {True}
    assert max(event.time for event in run.of(Deliver)) < 0.45


def test_rpcs_and_bytes_are_counted_for_requests_sent_and_replies_delivered() -> None:
    seen: dict[str, int] = {}

    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.95)
        seen.update(all=cluster.rpcs(), first=cluster.rpcs(0), bytes=cluster.bytes_sent())

    run = simulate(PLAIN, make_scenario(test, conditions=UNRELIABLE))
    delivered = {event.rpc for event in run.of(Deliver) if event.leg == "reply"}
    size = sum(send.size for send in run.of(Send)) + sum(e.size for e in run.of(Reply) if e.rpc in delivered)
    assert seen == {"all": len(run.of(Send)), "first": len(run.of(Send, 0)), "bytes": size}
    assert (run.record.rpcs, run.record.bytes) == (seen["all"], seen["bytes"])

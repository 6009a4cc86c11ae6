"""A sample of the fuzzer: whatever servers send, in whatever order, ends in a verdict or in none, soon, and in few
words.

The whole of it is `python -m tests.tools.fuzz --cases 100000`.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, given, settings

from labs.checking.configuration import Configuration
from labs.messages import AppendEntriesArgs
from labs.raft.checkers.kept_marks import CommitMarks
from labs.raft.checkers.shadow import Shadow
from labs.raft.curriculum import STAGES
from labs.sim.hosts.process.pool import ProcessHosts
from labs.trace.events import Send
from tests.tools.fuzz.babbling import babble, fault_in, scenarios
from tests.tools.fuzz.cases import Case
from tests.tools.fuzz.trying import DATA, Tried, try_case
from tests.tools.parity import difference_of

CASES = 200


def test_whatever_servers_say_the_lab_goes_on() -> None:
    tried = Tried()

    @settings(max_examples=CASES)
    @given(DATA)
    def try_one(data: bytes) -> None:
        tried.add(try_case(data))

    try_one()
    assert tried.events > 10 * CASES, tried
    assert len(tried.verdicts) > 5, tried


def test_fuzzer_finds_an_error_in_a_judge(monkeypatch: pytest.MonkeyPatch, defects: list[str]) -> None:
    """The fuzzer itself is tested: an error that a save causes in a checker is found, and reported with its case."""

    def index_of_snapshot(data: bytes | None) -> int:
        raise IndexError

    monkeypatch.setattr("labs.sim.dispatch.index_of_snapshot", index_of_snapshot)

    @settings(max_examples=100, phases=[Phase.generate])
    @given(DATA)
    def try_one(data: bytes) -> None:
        try_case(data)

    with pytest.raises(AssertionError, match=r"handed over what cannot be graded: Saved\((.|\n)*--case [0-9a-f]{100,}"):
        try_one()
    assert defects
    defects.clear()


def test_fuzzer_finds_customs_that_refuse_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.sim.hosts.process.validate.MAX_MESSAGE", 10)

    @settings(max_examples=100, phases=[Phase.generate])
    @given(DATA)
    def try_one(data: bytes) -> None:
        try_case(data)

    with pytest.raises(AssertionError, match="the customs refuse what the lab itself lets through"):
        try_one()


def test_case_is_the_same_each_time() -> None:
    data = bytes(n * n % 251 for n in range(600))
    assert len({Case(data).run() for _ in range(2)}) == 1
    digests = set()
    for _ in range(2):
        case = Case(data)
        case.run()
        digests.add(case.kernel.recorder.digest())
    assert len(digests) == 1


@pytest.mark.parametrize("seed", range(1, 5))
def test_no_test_stumbles_over_a_babbler(seed: int) -> None:
    records = list(babble(scenarios(every=5, first=seed), seed))
    assert [fault for record in records if (fault := fault_in(record))] == []
    assert len({record.rule for record in records}) > 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="process hosts need os.fork")
def test_babbler_is_judged_alike_in_processes() -> None:
    chosen = scenarios(every=23)
    with ProcessHosts() as hosts:
        for inline, process in zip(babble(chosen, 5), babble(chosen, 5, hosts)):
            assert difference_of(inline, process) == "", inline.test


def test_commit_of_minus_one_is_none() -> None:
    """What the fuzzer has found: some write -1 where nothing is committed, and nothing is applied then."""
    judge = CommitMarks(Shadow(Configuration.of_size(3), STAGES["2B"]))
    for time in (0.0, 1.0, 2.0):
        judge.on_send_append_entries(
            Send(time, 0, 1, 1, "AppendEntries", AppendEntriesArgs(0, 0, 0, 0, [], -1), size=80, extra={"own": 2})
        )

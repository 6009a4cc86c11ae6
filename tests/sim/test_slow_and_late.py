"""What slow links, late answers and services at a pace of their own bring to light, and what failures show of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from labs.raft.rules import RULES
from labs.raft.stages import catalogue
from labs.report.space_time import _Drawing
from labs.report.trace_text import describe
from labs.sim.hosts.process.pool import ProcessHosts
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import EAGER, PACES, SNAPSHOT_EVERY, Scenario
from labs.trace.events import Role
from labs.warmup.lab import HINTS
from tests.corpora import mutants
from tests.running import REFERENCE, ROOT, simulate, write_submission
from tests.tools.parity import difference_of

MUTANTS = {mutant.name: mutant for mutant in mutants.corpus()}


def find(test: str) -> Scenario:
    (found,) = catalogue.find(test)
    return found


def run_mutant(name: str, test: str, folder: Path, seed: int = 1) -> RunRecord:
    (mutant,) = (mutant for known, mutant in MUTANTS.items() if known.startswith(name))
    return run_scenario(find(test), mutant.write(folder), seed)


@pytest.mark.parametrize(
    ("mutant", "test", "rule", "facts"),
    [
        ("W08_", "2B/slow_majority", "CommittedIsApplied", "is slow, and needed for a majority"),
        ("W08_", "2B/slow_backup", "CommittedIsApplied", "with entries of an older term"),
        ("W27_", "2B/slow_majority", "CommittedIsApplied", "is slow, and needed for a majority"),
        ("B782_", "2B/slow_majority", "CommittedIsApplied", "longer than a heartbeat's interval"),
        ("W09_", "2B/slow_majority", "CommittedIsApplied", "longer than a heartbeat's interval"),
        ("W21_", "2D/slow_install", "CommittedIsApplied", "needs the snapshot"),
        ("W12_", "2D/service_takes_its_time", "", ""),
        ("W30_", "2D/service_takes_its_time", "", ""),
        ("C525_", "2D/many_at_once", "LogMatching", "entry of index"),
        ("C552_", "2D/drill_entries_overtake_snapshot", "NoCrash", "apply_committed"),
        ("W14_", "2D/leaders_change", "InstallWhenNeeded", "sent its snapshot of index 10 to server . first"),
        ("E18_", "2A/quiet_cluster", "HeartbeatsSent", "two loops send them. Did it become leader twice"),
    ],
)
def test_wrong_server_is_found_out(mutant: str, test: str, rule: str, facts: str, tmp_path: Path) -> None:
    record = run_mutant(mutant, test, tmp_path)
    assert record.status in ("fail", "error"), f"{mutant} passes {test}"
    assert rule in ("", record.rule), record.message
    assert re.search(facts, record.message), record.message


@pytest.mark.parametrize("mutant", ["W11_", "W31_"])
def test_follower_ahead_of_its_leaders_snapshot_must_not_be_stuck(mutant: str, tmp_path: Path) -> None:
    found = [run_mutant(mutant, "2D/services_apart", tmp_path, seed) for seed in (1, 2, 3)]
    assert {record.rule for record in found} - {None} == {"ConsistencyRefusal"}


# Services.


def test_services_that_are_apart_have_paces_of_their_own() -> None:
    apart, alike = find("2D/services_apart"), find("2D/install")
    for seed in range(1, 20):
        paces = apart.paces(seed)
        assert paces == apart.paces(seed)
        assert len(set(paces)) == apart.size(seed) and EAGER in paces and set(paces) <= {EAGER, *PACES}
        assert alike.paces(seed) == (SNAPSHOT_EVERY,) * alike.size(seed)
    assert find("2C/chaos").paces(1) == ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="process hosts need os.fork")
@pytest.mark.parametrize("server", ["reference", "go_style"])
def test_both_hosts_agree_on_services_that_take_their_time(server: str) -> None:
    folder = REFERENCE if server == "reference" else ROOT / "tests" / "corpora" / "variants" / server
    with ProcessHosts() as hosts:
        for test in ("2D/service_takes_its_time", "2D/drill_service_snapshots_amid_entries"):
            inline = run_scenario(find(test), folder, 1)
            assert inline.status == "pass", inline.message
            assert difference_of(inline, run_scenario(find(test), folder, 1, hosts=hosts)) == ""


# What failures show.


RAISES = """
class Raft(Plain):
    def term_at(self, index):
        return [][index]

    def check(self, index):
        return self.term_at(index)

    async def run(self):
        self.check(7)
"""


def test_exception_is_told_with_the_calls_that_led_there(tmp_path: Path) -> None:
    record = simulate(write_submission(tmp_path, RAISES)).record
    assert record.rule == "NoCrash"
    assert re.search(
        r"list index out of range at raft\.py:\d+ in term_at, called from raft\.py:\d+ in check, "
        r"called from raft\.py:\d+ in run$",
        record.message,
    ), record.message


def test_warm_up_asks_nothing_of_what_it_does_not_have() -> None:
    assert set(HINTS) <= set(RULES)
    assert not [hint for hint in HINTS.values() if re.search(r"commit|term|leader|log\b", hint)]


def test_candidate_is_not_called_a_follower() -> None:
    role = Role(0.5, 1, 3, False)
    assert describe(role) == "in term 3"
    drawing = _Drawing((0, 1))
    drawing.role[1], drawing.stands[1] = "candidate", 3
    drawing.take_up([role])
    assert drawing.role[1] == "candidate"
    drawing.take_up([Role(0.6, 1, 4, False)])
    assert drawing.role[1] == "lane"

"""Performance: the reference is good everywhere, each wasteful server loses where it wastes, and unusual ones score."""

from __future__ import annotations

import dataclasses
import os
import re
import zlib
from pathlib import Path

import msgspec
import pytest

from labs.bench import cpu
from labs.raft.stages import catalogue, performance
from labs.raft.stages.performance import BY_ID, CPU, METRICS, Metric, Tier
from labs.report import performance as report
from labs.report.json_files import write_json
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, run_scenario
from tests.corpora import variants
from tests.corpora.mutants.performance import WASTEFUL, Wasteful
from tests.running import REFERENCE, ROOT, call_labs, write_submission
from tests.tools import waste
from tests.tools.reference_figures import SEEDS, measured

PERF = catalogue.scenarios(kind="perf")
CUT = 40
"""About one in this many unusual servers is measured here: which, depends on its name alone."""


# The figures of the reference.


def test_committed_figures_are_those_of_the_reference() -> None:
    known = performance.committed().figures
    assert sorted(known) == list(SEEDS)
    assert {seed: known[seed] for seed in (1, 2)} == measured(range(1, 3)), "make reference-figures"


def test_committed_processor_time_is_about_that_of_the_reference() -> None:
    known, now = performance.committed().cpu, cpu.ratio(REFERENCE)
    assert known / 1.5 < now < known * 1.5, "make reference-figures"


def test_reference_is_full_or_better_everywhere() -> None:
    known = performance.committed().figures
    for metric in METRICS:
        for seed in SEEDS if metric.id != CPU else ():
            assert metric.tier(known[seed][metric.id], known[seed][metric.id]) in waste.PASSED, metric.id


def test_bounds_leave_each_tier_some_room() -> None:
    for metric in METRICS:
        bounds = [metric.partial, metric.full, metric.bonus]
        assert bounds == sorted(bounds, reverse=not metric.more_is_better), metric.id


def test_each_metric_is_measured_by_one_test() -> None:
    measures = [metric for scenario in PERF for metric in scenario.measures]
    assert sorted([*measures, CPU]) == sorted(BY_ID)
    for scenario in PERF:
        assert {BY_ID[metric].stage for metric in scenario.measures} == {scenario.stage}


# Tiers.


@pytest.mark.parametrize(
    ("value", "tier"),
    [(5.0, "bonus"), (5.1, "full"), (20.0, "full"), (20.1, "partial"), (30.0, "partial"), (31, "none")],
)
def test_tier_where_less_is_better(value: float, tier: Tier) -> None:
    assert Metric("m", "2B", "", "", partial=3, full=2, bonus=0.5, advice="").tier(value, 10.0) == tier


@pytest.mark.parametrize(
    ("value", "tier"),
    [(20.0, "bonus"), (19.9, "full"), (5.0, "full"), (4.9, "partial"), (1.0, "partial"), (0.9, "none")],
)
def test_tier_where_more_is_better(value: float, tier: Tier) -> None:
    metric = Metric("m", "2B", "", "", partial=0.1, full=0.5, bonus=2, advice="", more_is_better=True)
    assert metric.tier(value, 10.0) == tier


def test_a_run_that_breaks_a_rule_is_worth_nothing(tmp_path: Path) -> None:
    submission = write_submission(tmp_path, "class Raft(Plain): ...\n")
    for one in performance.measure(submission, [1], stages=["2A"]):
        assert (one.value, one.tier, one.points) == (None, "none", 0)
        assert "seed 1: " in one.message


def test_figures_of_unknown_seeds_are_set_beside_the_mean() -> None:
    records = [run_scenario(scenario, REFERENCE, 77) for scenario in PERF if "recovery" in scenario.measures]
    known = [found["recovery"] for found in performance.committed().figures.values()]
    assert performance.judge(records)[0].reference == pytest.approx(sum(known) / len(known))


def test_figures_of_hidden_seeds_are_set_beside_a_reference_on_the_same_seeds() -> None:
    found = performance.measure(REFERENCE, [77, 78], reference=REFERENCE, stages=["2A"])
    assert [one.value for one in found] == [one.reference for one in found]
    assert {one.ratio for one in found} == {1.0}


def test_runner_gets_the_hosts() -> None:
    seen = []

    def run(*arguments: object, hosts: object) -> RunRecord:
        seen.append(hosts)
        return run_scenario(*arguments)  # type: ignore[arg-type]

    performance.measure(REFERENCE, [1], hosts="the hosts", stages=["2C"], run=run)
    assert seen == ["the hosts"]


# Servers that waste, and unusual ones.


QUICK = [server for server in WASTEFUL if server.name not in waste.SLOW]


@pytest.mark.parametrize("server", QUICK, ids=[server.name for server in QUICK])
def test_wasteful_server_loses_where_it_wastes(server: Wasteful) -> None:
    """In the stages whose metrics it wastes; `make nightly ONLY=waste` measures it in all."""
    assert list(waste.waste_problems(server, waste.stages_of(server))) == []


@pytest.mark.parametrize("server", WASTEFUL[::8], ids=[server.name for server in WASTEFUL[::8]])
def test_wasteful_server_breaks_no_other_rule(server: Wasteful) -> None:
    assert list(waste.broken_rules(server)) == []


def test_server_that_wastes_elsewhere_is_found() -> None:
    server = next(server for server in WASTEFUL if "2A" in waste.stages_of(server))
    (problem,) = waste.waste_problems(dataclasses.replace(server, loses={}), ["2A"])
    assert problem.startswith("it loses {")


def test_each_metric_is_lost_by_a_wasteful_server() -> None:
    assert {metric for server in QUICK for metric in server.loses} == set(BY_ID)
    assert set(waste.SLOW) <= {server.name for server in WASTEFUL} | set(waste.NONE_OF)


def _cut() -> list[variants.Variant]:
    names = set(waste.NONE_OF) - set(waste.SLOW)
    return [v for v in variants.corpus() if v.name in names or zlib.crc32(v.name.encode()) % CUT == 0]


@pytest.mark.parametrize("variant", _cut(), ids=lambda variant: variant.name)
def test_unusual_server_gets_something_for_everything(variant: variants.Variant) -> None:
    """Those that lose metrics only in their stages; `make nightly ONLY=waste` measures all in all stages."""
    lost = sorted({BY_ID[metric].stage for metric in waste.NONE_OF.get(variant.name, ())})
    assert list(waste.unusual_problems(variant, lost or variant.stages)) == []


def test_unusual_server_that_gets_nothing_is_found() -> None:
    variant = next(v for v in variants.corpus() if v.name == "chunks")
    (problem,) = waste.unusual_problems(dataclasses.replace(variant, name="x"), ["2D"])
    assert "snapshot_bytes" in problem


# CPU time.


def test_processor_time_is_a_ratio_to_what_is_handed_in() -> None:
    program = Program(REFERENCE)
    assert 0.6 < cpu.ratio(program, yardstick=program, repeats=3) < 1.6


def test_processor_time_of_a_run_that_breaks_a_rule_means_nothing(tmp_path: Path) -> None:
    with pytest.raises(cpu.DidNotPass, match=r"2B/perf_load, seed 1: "):
        cpu.ratio(write_submission(tmp_path, "class Raft(Plain): ...\n"), repeats=1)


# The command.


def test_command_prints_a_table_and_writes_a_record(tmp_path: Path) -> None:
    path = tmp_path / "perf.json"
    chosen = ("2C", "2D", "--submission", "reference", "--runs", 1, "--json", path, "--alias", "a heron")
    shown = call_labs("perf", *chosen)
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^2C  saves of a server +0\.51 +0\.51  full +#######$", shown.stdout, re.M)
    assert "5 figures: " in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines() if str(path) not in line) <= 80
    record = msgspec.json.decode(path.read_bytes(), type=report.Performance)
    assert (record.alias, record.seeds, len(record.measurements), len(record.runs)) == ("a heron", [1], 5, 3)


def test_command_says_what_is_not_written(tmp_path: Path) -> None:
    shown = call_labs("perf", "2A", "--runs", 1, folder=ROOT, COLUMNS="80", NO_COLOR="1")
    assert shown.returncode == 1
    assert "not written yet" in shown.stdout
    assert "3 figures: 0 bonus, 0 full, 0 partial, 3 none" in shown.stdout


def test_advice_and_bars() -> None:
    good = performance.measurement(BY_ID["burst"], 125.0, 62.5)
    poor = performance.measurement(BY_ID["saves"], 1.0, 0.5)
    poorest = performance.missing(BY_ID["latency"], 1.0, "why")
    text = report.render([], [a_record()], [good, poor, poorest], "reference")
    assert re.search(r"bonus   ##########$", text, re.M)
    assert re.search(r"partial ####$", text, re.M)
    assert re.search(r" - +1\.00  none$", text, re.M)
    assert "saves of a server: save when something has changed" in text
    assert "3 figures: 1 bonus, 0 full, 1 partial, 1 none\nall figures are means over seed 1" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_longest_lines_fit() -> None:
    found = [performance.measurement(metric, 123_456.0, 123_456.0) for metric in METRICS]
    long = [msgspec.structs.replace(one, tier="partial", points=1, ratio=9.0) for one in found]
    assert all(len(line) <= 80 for line in report.render([], [a_record()], long, "x").splitlines())


def a_record() -> RunRecord:
    return RunRecord("2A/x", "2A", "x", 1, "inline", "pass", None, "", "", [], 3)


def test_record_comes_back_from_its_file(tmp_path: Path) -> None:
    found = [performance.measurement(BY_ID["burst"], 125.0, 62.5)]
    record = report.Performance("mine", [1], found, [a_record()])
    write_json(tmp_path / "perf.json", record)
    assert msgspec.json.decode((tmp_path / "perf.json").read_bytes(), type=report.Performance) == record


@pytest.mark.parametrize("name", ["2B/perf_load", "2D/perf_log_size"])
def test_replay_knows_performance_tests(name: str) -> None:
    assert [scenario.id for scenario in catalogue.find(name)] == [name]
    assert os.path.basename(catalogue.files("perf")[0]) == "perf_2A_election.py"

"""The benchmark: its loads are real runs that pass, and its figures come out in tables and in JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec

from labs.bench import baseline, loads, processes
from labs.bench.command import Bench, Judging, Throughput, render
from labs.bench.measure import Sample, in_own_process, middle
from labs.report.json_files import write_json
from tests.running import REFERENCE


def a_sample(**changes: object) -> Sample:
    return msgspec.structs.replace(Sample(1, 1, 100, 10, 20.0, 0.5, 0.6, 40.0), **changes)


def a_bench(rate: float = 40_000.0, last_peak: float = 41.0, unjudged: float = 3.0) -> Bench:
    return Bench(
        submission="reference",
        python="3.11.0",
        trio="0.35.0",
        machine="Linux",
        cores=2,
        repeats=3,
        throughput=[Throughput("at random", 0, 20_000, rate, 10_000.0, rate / 10_000, 50.0)],
        judging={"stage 2A": Judging(4.0, unjudged)},
        stages={"2A": a_sample()},
        servers={"3": a_sample(), "31": a_sample()},
        length={"60": a_sample(), "960": a_sample(peak_memory=last_peak)},
    )


def test_the_flood_passes_all_judges() -> None:
    for delay in loads.DELAYS.values():
        for entries in (0, 4):
            found = loads.sample_flood(500, entries, delay)
            assert (found.passed, found.message, found.commits) == (1, "", entries)
            assert found.rpcs >= 500


def test_the_baseline_carries_every_call() -> None:
    assert baseline.run(servers=3, calls=200, entries=4, delay=(0.001, 0.026)) >= 200


def test_31_servers_elect_and_commit() -> None:
    found = loads.sample_crowd(31, "reference")
    assert (found.passed, found.message) == (1, "")
    assert found.commits >= 20


def test_a_run_four_times_as_long_takes_no_more_memory() -> None:
    short, long = (in_own_process(loads.sample_marathon, seconds, "reference") for seconds in (15.0, 60.0))
    assert long.passed == 1 and long.commits > 3 * short.commits
    if short.peak_memory is not None and long.peak_memory is not None:
        assert long.peak_memory < short.peak_memory + 4


def test_the_middle_of_several_samples() -> None:
    samples = [a_sample(cpu_time=time, peak_memory=40 + time) for time in (3.0, 1.0, 2.0)]
    found = middle(samples)
    assert (found.cpu_time, found.peak_memory) == (2.0, 43.0)


def test_the_report_says_which_targets_are_met() -> None:
    good, bad = render(a_bench()), render(a_bench(rate=9_000.0, last_peak=80.0, unjudged=2.0))
    assert good.count("met   ") == 5
    assert bad.count("missed") == 4
    assert "the checkers at most: it is 25%" in good
    assert "the checkers at most: it is 50%" in bad
    assert "the best row has 9,000" in bad


def test_the_report_without_a_submission_to_run() -> None:
    bare = msgspec.structs.replace(a_bench(), stages={}, servers={}, length={})
    assert "Stages" not in render(bare)


def test_the_figures_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "bench.json"
    write_json(path, a_bench())
    assert msgspec.json.decode(path.read_bytes(), type=Bench) == a_bench()


def test_process_hosts_are_measured_and_held_against_what_is_wanted() -> None:
    figures = in_own_process(processes.time_processes, str(REFERENCE), 2, 20)
    assert figures.start_confined is not None and 0 < figures.start_confined < 60_000 and figures.start_cpu > 0
    assert 0 < figures.start < 60_000 and 0 < figures.step < 1e6 and figures.step_cpu > 0
    found = msgspec.structs.replace(a_bench(), processes=processes.ProcessFigures(8.0, 9.0, 7.0, 120.0, 80.0))
    text = render(msgspec.structs.replace(found, process_stages={"2A": a_sample()}))
    assert "met     10 ms to start a server's process with its sandbox: it takes 9.0" in text
    assert "missed  100 µs for a step of a server's process: it takes 120" in text
    assert "met     30 s for all stages in process hosts on two cores: half of what one core takes is 0.3" in text

"""`python -m labs bench`: takes the measurements, prints tables, and writes a JSON file for comparison."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import trio
from tabulate import tabulate

from labs.bench import loads
from labs.bench.measure import Sample, in_own_process, middle, sample_stage
from labs.bench.processes import ProcessFigures, sample_stage_in_processes, time_processes
from labs.report.json_files import write_json

FORMAT, VERSION = "raft-bench", 1
STAGES = ("2A", "2B", "2C", "2D")
WANTED_RATE, WANTED_RATIO = 30_000, 2.0
WANTED_SHARE = 0.4
WANTED_START, WANTED_STEP, WANTED_STAGES = 10.0, 100.0, 30.0
FLAT = 4.0
"""How many more MB a run of sixteen times the length may take."""


class Throughput(msgspec.Struct):
    """The whole path against a plain network; rates in RPCs per second of one core."""

    arrive: str
    entries: int
    rpcs: int
    rate: float
    baseline_rate: float
    ratio: float
    virtual_speed: float
    """Virtual seconds per second."""


class Judging(msgspec.Struct):
    """The cost of the checkers: CPU time of the same runs with and without them, in seconds."""

    judged: float
    unjudged: float

    @property
    def share(self) -> float:
        """The checkers' share of the whole."""
        return 1 - self.unjudged / self.judged


class Bench(msgspec.Struct):
    """All measurements, and the machine."""

    submission: str
    python: str
    trio: str
    machine: str
    cores: int
    repeats: int
    throughput: list[Throughput]
    stages: dict[str, Sample]
    servers: dict[str, Sample]
    length: dict[str, Sample]
    judging: dict[str, Judging] = {}
    processes: ProcessFigures | None = None
    """Those of process hosts; None where they do not work."""
    process_stages: dict[str, Sample] = {}
    format: str = FORMAT
    version: int = VERSION


def bench(submission: str | None, quick: bool, record: Path | None) -> int:
    """Measure, print, write; return 0 unless a run failed that should pass."""
    if submission is None and Path("reference").is_dir():
        submission = "reference"
    repeats = 1 if quick else 3
    lengths, sizes = ((15, 60), (3, 31)) if quick else ((60, 240, 960), (3, 5, 7, 11, 15, 21, 31))
    found = Bench(
        submission=submission or "none",
        python=platform.python_version(),
        trio=trio.__version__,
        machine=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        repeats=repeats,
        throughput=_throughput(4_000 if quick else 20_000, repeats),
        stages={},
        servers={},
        length={},
    )
    found.judging = _judging(8_000 if quick else 20_000, None if quick else submission, 3)  # a difference needs several
    if submission is not None:
        found.stages = {name: _several(repeats, sample_stage, name, submission) for name in STAGES}
        found.servers = {str(n): _several(repeats, loads.sample_crowd, n, submission) for n in sizes}
        found.length = {str(t): _several(repeats, loads.sample_marathon, float(t), submission) for t in lengths}
    if submission is not None and hasattr(os, "fork"):
        _tell("servers in processes of their own")
        found.processes = in_own_process(time_processes, submission, 10 if quick else 40, 1000 if quick else 5000)
        found.process_stages = {n: _several(1, sample_stage_in_processes, n, submission) for n in STAGES}
    print(render(found))
    if record is not None:
        write_json(record, found)
    samples = (*found.stages.values(), *found.process_stages.values(), *found.servers.values(), *found.length.values())
    return 1 if any(one.passed < one.runs for one in samples) else 0


def _throughput(calls: int, repeats: int) -> list[Throughput]:
    """Measure both networks in turn, so that a slow moment of the machine affects both."""
    rows = []
    for arrive, delay in loads.DELAYS.items():
        for entries in (0, 4):
            _tell(f"throughput, messages arrive {arrive}, {entries} entries each")
            pairs = [
                (
                    in_own_process(loads.sample_flood, calls, entries, delay),
                    in_own_process(loads.time_baseline, calls, entries, delay),
                )
                for _ in range(repeats)
            ]
            lab, plain = middle([one for one, _ in pairs]), median(time for _, time in pairs)
            if lab.passed < lab.runs:
                raise RuntimeError(f"the bench's own server did not pass: {lab.message}")
            rate, baseline_rate = lab.rpcs / lab.cpu_time, calls / plain
            speed = lab.virtual_time / lab.cpu_time
            rows.append(Throughput(arrive, entries, lab.rpcs, rate, baseline_rate, rate / baseline_rate, speed))
    return rows


def _judging(calls: int, submission: str | None, repeats: int) -> dict[str, Judging]:
    """Measure runs with and without checkers in turn, so that a slow moment of the machine affects both."""
    loaded: dict[str, tuple[Any, ...]] = {
        f"{calls:,} RPCs that arrive {arrive}": (loads.sample_flood, calls, 0, delay)
        for arrive, delay in loads.DELAYS.items()
    }
    if submission is not None:
        loaded |= {f"stage {name}": (sample_stage, name, submission) for name in STAGES}
    found = {}
    for name, load in loaded.items():
        _tell(f"checkers, {name}")
        pairs = [[in_own_process(*load, judged).cpu_time for judged in (True, False)] for _ in range(repeats)]
        found[name] = Judging(median(judged for judged, _ in pairs), median(unjudged for _, unjudged in pairs))
    return found


def _several(repeats: int, function: Any, *arguments: Any) -> Sample:
    _tell(f"{function.__name__.removeprefix('sample_')} {arguments[0]}")
    return middle([in_own_process(function, *arguments) for _ in range(repeats)])


def _tell(text: str) -> None:
    print(f"measuring: {text}", file=sys.stderr, flush=True)


def render(found: Bench) -> str:
    """Return everything as tables, and each target beside its measurement."""
    where = f"Python {found.python}, trio {found.trio}, {found.machine}, {found.cores} cores"
    parts = [
        f"{where}; medians of {found.repeats}. Rates are per second of one core's time.",
        "RPCs through the whole path (encode, network, trace, checkers), and through a plain trio network\n"
        "(one task per message, MockClock, no encoding, trace or checkers); 5 servers, 32 calls under way\n\n"
        + _table(
            ("arrive", "entries", "RPCs", "RPCs/s", "plain RPCs/s", "ratio", "virtual s/s"),
            [_throughput_row(row) for row in found.throughput],
        ),
    ]
    judging = [(name, f"{j.judged:.2f}", f"{j.unjudged:.2f}", f"{j.share:.0%}") for name, j in found.judging.items()]
    parts.append(
        "Checkers: CPU seconds of the same runs with and without them\n\n"
        + _table(("load", "with", "without", "their share"), judging)
    )
    if found.stages:
        stages = [(name, f"{s.passed}/{s.runs}", *_figures(s)) for name, s in found.stages.items()]
        sizes = [(name, _outcome(s), *_figures(s)) for name, s in found.servers.items()]
        lengths = [(name, f"{s.commits:,}", *_figures(s)) for name, s in found.length.items()]
        head = ("RPCs", "virtual s", "wall s", "virtual s/s", "peak MB")
        parts += [
            f"Stages, each test once, in one process; submission {found.submission}\n\n"
            + _table(("stage", "passed", *head), stages),
            "Cluster size: 20 virtual seconds of elections, commands and lost messages\n\n"
            + _table(("servers", "verdict", *head), sizes),
            "Length of a run: 10 commands per virtual second, with snapshots\n\n"
            + _table(("length", "commits", *head), lengths),
        ]
    if found.processes is not None:
        inside = [(name, f"{s.passed}/{s.runs}", *_figures(s)) for name, s in found.process_stages.items()]
        parts += [
            "Stages, each server in a process of its own\n\n"
            + _table(("stage", "passed", "RPCs", "virtual s", "wall s", "virtual s/s", "peak MB"), inside),
            f"A server's process starts in {found.processes.start:.1f} ms{_confined(found.processes)}; a start takes "
            f"{found.processes.start_cpu:.1f} ms of CPU time.\nA step, a heartbeat and its reply, takes "
            f"{found.processes.step:.0f} µs (medians of real time), {found.processes.step_cpu:.0f} µs of CPU time",
        ]
    return "\n\n".join([*parts, "\n".join([*_targets(found), *_process_targets(found)])])


def _targets(found: Bench) -> Iterable[str]:
    """Report for each target whether it is met."""
    rate, ratio = max(r.rate for r in found.throughput), max(r.ratio for r in found.throughput)
    yield _target(rate >= WANTED_RATE, f"{WANTED_RATE:,} RPCs/s on one core: the best row has {rate:,.0f}")
    yield _target(ratio >= WANTED_RATIO, f"{WANTED_RATIO:g} times the plain network: the best row has {ratio:.2f}")
    share = max(one.share for one in found.judging.values())
    yield _target(
        share <= WANTED_SHARE, f"{WANTED_SHARE:.0%} of a run's time for the checkers at most: it is {share:.0%}"
    )
    if "31" in found.servers:
        crowd = found.servers["31"]
        yield _target(crowd.passed == crowd.runs, f"31 servers work: {crowd.message or 'they do'}")
    peaks = [one.peak_memory for one in found.length.values()]
    if peaks and peaks[0] is not None and peaks[-1] is not None:
        more = peaks[-1] - peaks[0]
        yield _target(more <= FLAT, f"memory does not grow with a run's length: {more:+.1f} MB from first to last")


def _process_targets(found: Bench) -> Iterable[str]:
    if found.processes is None:
        return
    start, step = found.processes.start_confined or found.processes.start, found.processes.step
    what = "a server's process with its sandbox" if found.processes.start_confined else "a server's process"
    yield _target(start <= WANTED_START, f"{WANTED_START:g} ms to start {what}: it takes {start:.1f}")
    yield _target(step <= WANTED_STEP, f"{WANTED_STEP:g} µs for a step of a server's process: it takes {step:.0f}")
    took = sum(one.wall_time for one in found.process_stages.values()) / 2
    wanted = f"{WANTED_STAGES:g} s for all stages in process hosts on two cores"
    yield _target(took <= WANTED_STAGES, f"{wanted}: half of what one core takes is {took:.1f}")


def _confined(figures: ProcessFigures) -> str:
    return "" if figures.start_confined is None else f", {figures.start_confined:.1f} ms with the grader's sandbox stub"


def _target(met: bool, text: str) -> str:
    return f"{'met   ' if met else 'missed'}  {text}"


def _throughput_row(row: Throughput) -> tuple[str, ...]:
    rates = f"{row.rate:,.0f}", f"{row.baseline_rate:,.0f}", f"{row.ratio:.2f}", f"{row.virtual_speed:,.1f}"
    return row.arrive, str(row.entries), f"{row.rpcs:,}", *rates


def _figures(one: Sample) -> tuple[str, ...]:
    peak = "?" if one.peak_memory is None else f"{one.peak_memory:.1f}"
    speed = one.virtual_time / max(one.cpu_time, 1e-9)
    return f"{one.rpcs:,}", f"{one.virtual_time:,.0f}", f"{one.wall_time:.2f}", f"{speed:,.0f}", peak


def _outcome(one: Sample) -> str:
    return "pass" if one.passed == one.runs else one.message[:40]


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    align = ("left",) + ("right",) * (len(headers) - 1)
    return str(tabulate(rows, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True))

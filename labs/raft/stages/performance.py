"""Performance as a skill: what is measured, what is good, and how a submission's figures are judged.

All figures but one are in virtual time and counted in events: the same on every machine. They are set beside those of
the instructor's own server on the same seeds, which `performance.json` holds (or which a caller measured again). The
exception is CPU time (labs.bench.cpu). Only a server that breaks no rule has a performance: a metric whose run did not
pass is worth nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, TypeAlias

import msgspec

from labs.raft.stages import catalogue
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, run_scenario

Tier = Literal["none", "partial", "full", "bonus"]
POINTS: dict[Tier, int] = {"none": 0, "partial": 1, "full": 2, "bonus": 3}
FULL = POINTS["full"]
FIGURES = Path(__file__).with_name("performance.json")
Submission: TypeAlias = Path | str | Program
Runner: TypeAlias = Callable[..., RunRecord]


@dataclass(frozen=True)
class Metric:
    """One thing that is measured. The tiers' bounds are multiples of the reference's figure."""

    id: str
    stage: str
    title: str
    unit: str
    partial: float
    full: float
    bonus: float
    advice: str
    """What to look for if the tier is low."""
    more_is_better: bool = False

    def ratio(self, value: float, reference: float) -> float:
        """Return how much better than the reference a value is: 1 is as good, 2 twice as good."""
        best, other = (value, reference) if self.more_is_better else (reference, value)
        return best / other if other > 0 else 1.0

    def tier(self, value: float, reference: float) -> Tier:
        """Return the tier of a value. A value on a bound is within it."""
        factor = value / reference
        for tier, bound in (("bonus", self.bonus), ("full", self.full), ("partial", self.partial)):
            within = factor >= bound - 1e-6 if self.more_is_better else factor <= bound + 1e-6
            if within:
                return tier  # type: ignore[return-value]
        return "none"


METRICS = (
    Metric(
        *("idle_rpcs", "2A", "RPCs to each peer while idle", "a second"),
        *(3.0, 1.25, 0.75, "what wakes the sender of heartbeats, and how often? Ten a second are plenty"),
    ),
    Metric(
        *("idle_bytes", "2A", "bytes to and from a peer while idle", "a second"),
        *(4.0, 1.6, 0.75, "a heartbeat to a peer that has all entries carries none of them"),
    ),
    Metric(
        *("recovery", "2A", "time without a leader after a loss", "s"),
        *(5.0, 1.6, 0.85, "shorter election timeouts, as far as lost heartbeats allow; votes are asked for at once"),
    ),
    Metric(
        *("rpcs_per_command", "2B", "RPCs to a peer, one command at a time", "a command"),
        *(3.5, 1.6, 1.05, "one AppendEntries carries the command, and is the heartbeat, too"),
    ),
    Metric(
        *("latency", "2B", "time to commit, now and then", "round trips"),
        *(4.0, 1.6, 1.05, "send entries when they come, and commit when the answer comes: wait for no timer"),
    ),
    Metric(
        *("latency_99", "2B", "time to commit under load, 99 %", "round trips"),
        *(5.0, 1.6, 0.6, "what does a command wait for that comes while another is under way?"),
    ),
    Metric(
        *("rpcs_under_load", "2B", "RPCs to a peer under load", "a command"),
        *(8.5, 1.6, 0.85, "what waits while a call is under way can go into the next one, all together"),
    ),
    Metric(
        *("bytes_per_command", "2B", "bytes sent for a byte to replicate", ""),
        *(10.0, 1.6, 1.05, "do not send again what is under way, nor what the peer has acknowledged"),
    ),
    Metric(
        *("burst", "2B", "a burst of 500 on a slow network", "a round trip"),
        *(0.04, 0.6, 1.5, "put many entries into a message; do not wait for the heartbeat between two of them"),
        more_is_better=True,
    ),
    Metric(
        *("steady", "2B", "of 200 a second, slow and lossy", "a second"),
        *(0.15, 0.8, 0.99, "what was lost must go out again soon, and not one by one"),
        more_is_better=True,
    ),
    Metric(
        *("catch_up", "2B", "rounds to catch up by 1,000 entries", "RPCs"),
        *(20.0, 2.0, 0.75, "let a refusal show how far to go back (end of §5.3), and send many entries at once"),
    ),
    Metric(
        *("saves", "2C", "saves of a server", "a command"),
        *(4.0, 1.6, 0.8, "save when something has changed, once for all that changed"),
    ),
    Metric(
        *("saved_bytes", "2C", "bytes saved for a byte of a command", ""),
        *(4.0, 1.6, 0.8, "each save writes the whole state: fewer saves"),
    ),
    Metric(
        *("log_size", "2D", "largest state beside the snapshot", "commands"),
        *(6.0, 2.0, 1.05, "shorten the log at each snapshot"),
    ),
    Metric(
        *("snapshot_saves", "2D", "bytes saved for a byte of a snapshot", ""),
        *(5.0, 1.6, 1.05, "hand the snapshot to save() only when it is new; None keeps the old one"),
    ),
    Metric(
        *("snapshot_bytes", "2D", "snapshots sent for each one needed", ""),
        *(5.0, 1.6, 1.05, "send a snapshot only to a peer that needs entries which are gone, and once"),
    ),
    Metric(
        *("cpu", "2B", "CPU time under load", "yardsticks"),
        *(8.0, 1.8, 0.8, "profile it: what copies or searches the whole log at each message? Does a task poll?"),
    ),
)
BY_ID = {metric.id: metric for metric in METRICS}
CPU = "cpu"
CPU_LOAD = "2B/perf_load"
"""The run whose CPU time is measured: it is short, and contains everything that a server does often."""
"""The metric that no run measures by itself."""


class Measurement(msgspec.Struct):
    """One metric of one submission, as a mean over the seeds; `points` of 2, or 3 with a bonus."""

    metric: str
    stage: str
    title: str
    unit: str
    value: float | None
    """None if a run did not pass; `message` has the reason."""
    reference: float
    ratio: float
    """How much better than the reference: 1 is as good, 2 twice as good."""
    tier: Tier
    points: int
    message: str = ""


Figures: TypeAlias = Mapping[int, Mapping[str, float]]
"""For each seed the figure of each metric."""


class Committed(msgspec.Struct):
    """What `performance.json` holds: the reference's figures."""

    figures: dict[int, dict[str, float]]
    cpu: float
    """CPU time, in yardsticks of labs.bench.cpu."""


def committed() -> Committed:
    """Return the reference's figures as they are in the lab's files."""
    return msgspec.json.decode(FIGURES.read_bytes(), type=Committed, strict=False)


def measure(
    submission: Submission,
    seeds: Iterable[int],
    hosts: Any = None,
    reference: Submission | None = None,
    stages: Sequence[str] | None = None,
    run: Runner = run_scenario,
) -> list[Measurement]:
    """Run all performance tests, and rate their figures; CPU time is not among them (labs.bench.cpu).

    With a `reference` its figures are measured on the same seeds; otherwise they come from the lab's files. `run` is
    called like `run_scenario`, and gets `hosts` if there are any.
    """
    run = functools.partial(run, hosts=hosts) if hosts is not None else run
    chosen = [s for s in catalogue.scenarios(kind="perf") if stages is None or s.stage in stages]
    seeds = list(seeds)
    records = [run(scenario, submission, seed) for scenario in chosen for seed in seeds]
    if reference is None:
        return judge(records)
    own = [run_scenario(scenario, reference, seed) for scenario in chosen for seed in seeds]
    return judge(records, figures_of(own))


def figures_of(records: Iterable[RunRecord]) -> dict[int, dict[str, float]]:
    """Return what runs that passed have measured, by seed."""
    found: dict[int, dict[str, float]] = {}
    for record in records:
        if record.status == "pass":
            found.setdefault(record.seed, {}).update(record.figures)
    return found


def judge(records: Sequence[RunRecord], reference: Figures | None = None) -> list[Measurement]:
    """Rate the runs of performance tests, one measurement for each metric that they should have measured."""
    reference = committed().figures if reference is None else reference
    found = []
    for scenario in catalogue.scenarios(kind="perf"):
        runs = [record for record in records if record.test == scenario.id]
        for metric in scenario.measures if runs else ():
            found.append(_judge(BY_ID[metric], runs, _mean(reference, metric, [run.seed for run in runs])))
    return found


def measurement(metric: Metric, value: float, reference: float) -> Measurement:
    """Return a value's tier and points."""
    tier = metric.tier(value, reference)
    head = (metric.id, metric.stage, metric.title, metric.unit)
    return Measurement(*head, value, reference, metric.ratio(value, reference), tier, POINTS[tier])


def missing(metric: Metric, reference: float, message: str) -> Measurement:
    """Return the measurement of what could not be measured."""
    head = (metric.id, metric.stage, metric.title, metric.unit)
    return Measurement(*head, None, reference, 0.0, "none", 0, message)


def _judge(metric: Metric, runs: Sequence[RunRecord], reference: float) -> Measurement:
    failed = next((run for run in runs if run.status != "pass"), None)
    if failed is not None:
        return missing(metric, reference, f"{failed.test}, seed {failed.seed}: {failed.message}")
    return measurement(metric, fmean(run.figures[metric.id] for run in runs), reference)


def _mean(figures: Figures, metric: str, seeds: Iterable[int]) -> float:
    """Return the mean over these seeds, or over all that are known if one of them is not."""
    wanted = sorted(set(seeds))
    known = [figures[seed] for seed in (wanted if all(seed in figures for seed in wanted) else sorted(figures))]
    return fmean(found[metric] for found in known)

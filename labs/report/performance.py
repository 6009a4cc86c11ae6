"""The performance report: a table with one bar per metric, and the record for programs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from labs.raft.stages.performance import BY_ID, CPU, CPU_LOAD, FULL, Measurement, committed, judge, measurement, missing
from labs.report import failures
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

FORMAT, VERSION = "raft-performance", 1
BAR, MOST = 7, 10
"""The length of the reference's bar, and of the longest bar."""
WIDTH = 80


class Performance(msgspec.Struct):
    """The record that `python -m labs perf --json` writes."""

    submission: str
    seeds: list[int]
    measurements: list[Measurement]
    runs: list[RunRecord]
    alias: str | None = None
    """The name for a leaderboard; with None the record is not shown on any."""
    format: str = FORMAT
    version: int = VERSION


def file_of(alias: str) -> Path:
    """Return where a record for a leaderboard is kept."""
    name = re.sub(r"[^a-z0-9]+", "-", alias.lower()).strip("-")[:40]
    return Path("out") / f"performance-{name or 'nameless'}.json"


def with_cpu(chosen: Sequence[Scenario], records: Sequence[RunRecord], ratio: Callable[[], float]) -> list[Measurement]:
    """Rate runs; also measure the CPU time, with `ratio`, if the run that it is measured in was chosen and passed."""
    found = judge(records)
    timed = [record for record in records if record.test == CPU_LOAD]
    if any(scenario.id == CPU_LOAD for scenario in chosen):
        metric, reference = BY_ID[CPU], committed().cpu
        failed = next((record.message for record in timed if record.status != "pass"), "")
        if timed and not failed:
            found.append(measurement(metric, ratio(), reference))
        else:
            found.append(missing(metric, reference, failed or "it did not run"))
    return found


def render(
    chosen: Sequence[Scenario], records: Sequence[RunRecord], found: Sequence[Measurement], submission: str
) -> str:
    """Return table, failures, advice, and the number of figures in each tier."""
    lines = [f"{'':3} {'':38} {'yours':>7} {'reference':>9}  tier"]
    lines += [_line(one) for one in found]
    scale = f"{'#' * BAR}  as good as the reference; a longer bar is better, a shorter one worse"
    by_test = failures.by_test(chosen, records)
    failed = [*failures.paragraphs(chosen, by_test, submission), *failures.unwritten(chosen, by_test)]
    parts = ["\n".join(lines), scale, *failed, _advice(found), _sum(found, sorted({run.seed for run in records}))]
    return "\n\n".join(part for part in parts if part)


def _line(one: Measurement) -> str:
    value = "-" if one.value is None else _number(one.value)
    return f"{one.stage:3} {one.title:38} {value:>7} {_number(one.reference):>9}  {one.tier:7} {_bar(one)}".rstrip()


def _bar(one: Measurement) -> str:
    if one.value is None:
        return ""
    return "#" * max(1, min(MOST, round(BAR * one.ratio)))


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _advice(found: Sequence[Measurement]) -> str:
    """Return advice for the metrics that can improve."""
    texts = [f"{one.title}: {BY_ID[one.metric].advice}" for one in found if one.value is not None and one.points < FULL]
    return "\n".join(textwrap.fill(text, WIDTH, subsequent_indent="    ") for text in texts)


def _sum(found: Sequence[Measurement], seeds: Sequence[int]) -> str:
    tiers = [one.tier for one in found]
    counts = ", ".join(f"{tiers.count(tier)} {tier}" for tier in ("bonus", "full", "partial", "none"))
    seen = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    noun = "figure" if len(found) == 1 else "figures"
    return f"{len(found)} {noun}: {counts}\nall figures are means over {seen}"

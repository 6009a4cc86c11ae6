"""What the explorer finds alone, without any stage test: a table over the known-wrong servers; `make explore-corpus`.

Each mutant is searched for in the stage that teaches what it breaks, until the first schedule that it fails, or until
the CPU seconds of the search are used up; then the find is made small. CPU time, because on a busy machine wall time
would measure the others: 120 CPU seconds are what `make explore TIME=60` has on two free cores. Reports for each mutant
the rule, the steps that are left, the runs and the seconds; and in all the share that was found and the median of the
steps. The exit code is 1 if the share is below the one that is asked for. With
`--variants` the reference and the unusual but correct servers are searched instead: there every find is a false alarm,
and the exit code is 1. With `--exhaustive` every order in the small is run, as by `make explore EXHAUSTIVE=1`, and the
table has how many orders were run, how many were pruned, and within which bounds the last of them lay.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
from tabulate import tabulate

from labs.engine import engine, stalls
from labs.engine.local import processes
from labs.engine.progress import Progress
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work
from labs.explore.orders.deepening import Level, deepen
from labs.explore.orders.work import Orders
from labs.explore.search import Search
from labs.explore.work import FAILED, Exploring, Job
from labs.raft.stages import catalogue
from labs.report.json_files import write_json
from tests.corpora import mutants, variants

LIMITS = Limits(cpu=30.0, wall=300.0)
REFERENCE = variants.Variant("reference", "nothing", "it is the reference")
MOST_RUNS = 3000
"""The most runs of one search."""


class Target(msgspec.Struct, frozen=True):
    """One mutant, and how long to search."""

    name: str
    stage: str
    seed: int
    seconds: float
    is_correct: bool = False
    """Whether it is not a mutant, but a variant, or the reference."""
    exhaustive: bool = False
    """Whether every order in the small is run, and not schedules at random."""


class Row(msgspec.Struct):
    """What came of one mutant."""

    name: str
    stage: str
    rule: str = ""
    """The rule that it broke; "" if nothing was found."""
    runs: int = 0
    seconds: float = 0.0
    """CPU seconds up to the find."""
    steps: int = 0
    shrinking: float = 0.0
    """CPU seconds of making it small."""
    pruned: int = 0
    """Branches that were left out because they only repeat an order; 0 at random."""
    within: str = ""
    """The bounds of the last orders that were run, "" at random."""


class Searching(Work[Target, Row]):
    """Searches one mutant after the other, each in its own folder."""

    job, record = Target, Row

    def run(self, job: Target) -> Row:
        servers = [*variants.corpus(), REFERENCE] if job.is_correct else mutants.corpus()
        server = next(server for server in servers if server.name == job.name)
        with tempfile.TemporaryDirectory() as folder:
            submission = server.write(Path(folder) / "server")
            work = Exploring(submission)
            if job.exhaustive:
                return _all_orders(job, submission, work)
            search, begun = Search(job.stage, job.seed), time.process_time()
            row = Row(job.name, job.stage)
            while row.runs < MOST_RUNS and time.process_time() - begun < job.seconds:
                stalls.restart()
                schedule = search.next()
                found = work.run(Job(schedule))
                row.runs += 1
                row.seconds = time.process_time() - begun
                if found.status in FAILED:
                    small = work.shrink(schedule, found)
                    row.rule, row.steps = found.rule or "", len(small.schedule.steps) if small.schedule else 0
                    row.shrinking = time.process_time() - begun - row.seconds
                    return row
                search.learn(schedule, found.reached)
            return row

    def parts(self, job: Target) -> int:
        return MOST_RUNS

    def lost(self, job: Target, loss: Loss) -> Row:
        return Row(job.name, job.stage, "NoStall" if loss.is_stall else "NoCrash")


def _all_orders(job: Target, submission: Path, work: Exploring) -> Row:
    """Run every order in the small, until one fails or the time is up."""
    orders, begun, levels = Orders(submission), time.process_time(), list[Level]()
    for level in deepen(
        job.stage,
        job.seed,
        lambda pieces: ((piece, orders.run(piece)) for piece in pieces),
        lambda: time.process_time() - begun >= job.seconds,
    ):
        if not levels or levels[-1] is not level:
            levels.append(level)
    row, last = Row(job.name, job.stage), levels[-1]
    row.runs, row.pruned = sum(level.runs for level in levels), sum(level.pruned for level in levels)
    row.within, row.seconds = f"{last.bounds.words()}; {last.depth} choices", time.process_time() - begun
    found = last.found
    if found is not None and found.status in FAILED:
        row.rule = found.rule or ""
        if found.schedule is not None:
            stalls.restart()
            small = work.shrink(found.schedule, found).schedule
            row.steps, row.shrinking = len(small.steps) if small else 0, time.process_time() - begun - row.seconds
    return row


def main() -> int:
    """Search the chosen mutants, and print the table."""
    options = _options()
    everything = _targets(options)
    chosen = random.Random(options.sample_seed).sample(
        everything, min(options.sample or len(everything), len(everything))
    )
    progress, rows = Progress(len(chosen), "servers", shows_failed=False), list[Row]()
    try:
        for _, row in engine.run(Searching(), chosen, processes(options.jobs), LIMITS):
            rows.append(row)
            progress.count()
    except KeyboardInterrupt:
        print(f"interrupted: {len(rows)} of {len(chosen)} servers were searched", file=sys.stderr)
    progress.clear()
    print(table(rows))
    if options.variants:
        return 1 if any(row.rule for row in rows) else 0
    share = sum(bool(row.rule) for row in rows) / len(rows) if rows else 1.0
    if options.json:
        write_json(options.json, {"format": "raft-explore-corpus", "version": 1, "rows": rows})
    return 0 if share >= options.share else 1


def _targets(options: argparse.Namespace) -> list[Target]:
    """Return the servers to search, each in the stage that teaches what it breaks; variants in their last stage."""
    if options.variants:
        stages = {variant.name: variant.stages[-1] for variant in [*variants.corpus(), REFERENCE]}
    else:
        stages = {mutant.name: mutant.stage for mutant in mutants.corpus() if mutant.stage in catalogue.RAFT_STAGES}
    return [
        Target(name, stage, options.seed, options.seconds, options.variants, options.exhaustive)
        for name, stage in stages.items()
        if options.only in name and (not options.stages or stage in options.stages.split(","))
    ]


def table(rows: Sequence[Row]) -> str:
    """Return a line per mutant, those that were not found first, then the shares and medians."""
    ordered = sorted(rows, key=lambda row: (bool(row.rule), row.stage, row.name))
    cells = [
        (
            r.name,
            r.stage,
            r.rule or "not found",
            r.steps if r.rule else "",
            r.runs,
            f"{r.seconds:.1f}",
            f"{r.shrinking:.1f}",
            *([f"{r.pruned:,}", r.within] if r.within else []),
        )
        for r in ordered
    ]
    headers = ["mutant", "stage", "rule", "steps", "runs", "CPU s", "to shrink"]
    if any(row.within for row in rows):
        headers += ["pruned", "last within"]
    found = [row for row in rows if row.rule]
    parts = [f"found {len(found)} of {len(rows)}"]
    for stage in sorted({row.stage for row in rows}):
        there = [row for row in rows if row.stage == stage]
        parts.append(f"{stage}: {sum(bool(row.rule) for row in there)} of {len(there)}")
    if any(row.within for row in rows):
        orders, pruned = sum(row.runs for row in rows), sum(row.pruned for row in rows)
        parts.append(f"{orders:,} orders run, {pruned:,} pruned as equivalent")
    if found:
        parts.append(f"steps: median {median(row.steps for row in found):g}, most {max(row.steps for row in found)}")
        parts.append(f"to shrink: at most {max(row.shrinking for row in found):.1f} CPU s")
    return f"{tabulate(cells, headers=headers, tablefmt='simple')}\n\n{'; '.join(parts)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.explore_corpus", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--variants", action="store_true", help="the correct servers, in which nothing may be found")
    parser.add_argument("--exhaustive", action="store_true", help="every order in the small, and not at random")
    parser.add_argument("--stages", default="", metavar="2A,2B", help="only servers of these stages (all)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only mutants whose name holds this text")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="only that many, drawn at random (all)")
    parser.add_argument("--sample-seed", type=int, default=1, help="which ones are drawn (1)")
    parser.add_argument("--seconds", type=float, default=120.0, help="CPU seconds to search for each mutant (120)")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the searches (1)")
    parser.add_argument("--share", type=float, default=0.8, help="the share that must be found (0.8)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="the rows, for programs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

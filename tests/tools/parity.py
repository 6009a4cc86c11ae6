"""Compares hosts: runs every test inline and in process hosts, and wants the same trace, verdict and figures from both.

`python -m tests.tools.parity --help`. Without more, the reference in all tests and drills of all stages, with 20 seeds;
with `--variants` and `--mutants` other servers, too. Prints each run that differs; returns 1 if there was one.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

from labs.engine import engine
from labs.engine.local import processes
from labs.engine.progress import Progress
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work
from labs.raft.stages import catalogue
from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, run_scenario
from tests.corpora import mutants, variants

STAGES = ("2A", "2B", "2C", "2D")
LIMITS = Limits(cpu=600.0, wall=1800.0)
"""What a part may take, which is all tests of a stage, twice."""
NEVER_YIELD = ("spins_without_yielding", "never_yields")
"""Words in the names of mutants that only a wall clock ends: inline they would hang."""


def main() -> int:
    """Run and compare; return 0 if all runs were the same."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="raft-lab-parity-") as folder:
        os.environ["TMPDIR"] = folder  # for the workers, which write servers there
        os.environ["PYTHONHASHSEED"] = "0"  # the zygote has it too
        return _compare_all(options)


def _compare_all(options: argparse.Namespace) -> int:
    servers = list(_servers(options))
    seeds = range(options.seed, options.seed + options.seeds)
    jobs = [
        Part(server, stage, seed, options.test, options.every)
        for seed, (server, stages) in itertools.product(seeds, servers)
        for stage in stages
    ]
    runs, different, begun, progress = 0, 0, time.monotonic(), Progress(len(jobs), "parts")
    for _, (count, found) in engine.run(Comparing(), jobs, processes(options.jobs), LIMITS):
        runs, different = runs + count, different + len(found)
        progress.clear()
        for text in found:
            print(text, flush=True)
        progress.count(failed=bool(found))
    progress.clear()
    spent = time.monotonic() - begun
    names = f"{len(servers)} servers" if len(servers) > 1 else servers[0][0]
    print(f"{names}, {len(seeds)} seeds: {runs} runs inline and in processes, {different} differ; {spent:.0f} s")
    return 1 if different or not runs else 0


class Part(msgspec.Struct, frozen=True):
    """The tests of one stage with one seed."""

    server: str
    stage: str
    seed: int
    test: str
    every: int


class Comparing(Work[Part, tuple[int, list[str]]]):
    """Compares the runs of a part; the record is how many there were, and a line for each that differs."""

    job, record = Part, tuple[int, list[str]]

    def run(self, job: Part) -> tuple[int, list[str]]:
        return compare(job.server, job.stage, job.seed, job.test, job.every)

    def lost(self, job: Part, loss: Loss) -> tuple[int, list[str]]:
        return 0, [f"{job.server} {job.stage} seed {job.seed}: the process {loss.how}"]

    def end(self) -> None:
        if _hosts.cache_info().currsize:
            _hosts().close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.parity", description=__doc__)
    parser.add_argument(
        "--submission", default="reference", metavar="PATH", help='whom to run (reference); "" for none'
    )
    parser.add_argument("--variants", action="store_true", help="the unusual servers of tests/corpora/variants, too")
    parser.add_argument("--mutants", type=int, default=0, metavar="N", help="every Nth known-wrong server, too")
    parser.add_argument("--only", default="", metavar="TEXT", help="only variants and mutants with this in their name")
    parser.add_argument("--test", default="", metavar="TEXT", help="only tests whose id or title holds this text")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth test, others for each seed")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (20)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _servers(options: argparse.Namespace) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield the servers to run, and the stages that each has solved."""
    if options.submission:
        yield str(Path(options.submission).resolve()), STAGES
    if options.variants:
        yield from ((f"variant {v.name}", v.stages) for v in variants.corpus() if options.only in v.name)
    if options.mutants:
        for mutant in [m for m in mutants.corpus() if options.only in m.name][:: options.mutants]:
            if not any(words in mutant.name for words in NEVER_YIELD):
                yield f"mutant {mutant.name}", (mutant.stage,)


def compare(server: str, stage: str, seed: int, text: str, every: int) -> tuple[int, list[str]]:
    """Run the tests of a stage both ways; return how many, and a line for each that differs."""
    chosen = [s for kind in ("drills", "test") for s in catalogue.scenarios(stage, kind) if catalogue.matches(s, text)]
    path = _path_of(server)
    different: list[str] = []
    chosen = chosen[seed % every :: every]  # others with other seeds
    for scenario in chosen:
        inline = run_scenario(scenario, Program(path, *scenario.entry.split(":")), seed, counted=True)
        process = run_scenario(scenario, path, seed, counted=True, hosts=_hosts())
        difference = difference_of(inline, process)
        if difference:
            different.append(f"{server} {scenario.id} seed {seed}: {difference}")
    return len(chosen), different


def difference_of(inline: RunRecord, process: RunRecord) -> str:
    """Return in which fields two records differ that should not, and how; "" if in none."""
    told = ("status", "rule", "message", "hint", "involved", "digest", "virtual_time", "rpcs", "bytes", "commits")
    for name in (*told, "situations", "metrics"):
        one, other = getattr(inline, name, None), getattr(process, name, None)
        if one != other:
            return f"{name} is {one!r} inline and {other!r} in processes"
    return ""


@lru_cache
def _hosts() -> ProcessHosts:
    return ProcessHosts(HostOptions(step_seconds=30.0))


@lru_cache(maxsize=1000)
def _path_of(server: str) -> Path:
    kind, _, name = server.partition(" ")
    if kind not in ("variant", "mutant"):
        return Path(server)
    folder = Path(tempfile.mkdtemp())
    if kind == "variant":
        return next(v for v in variants.corpus() if v.name == name).write(folder)
    next(m for m in mutants.corpus() if m.name == name).write(folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())

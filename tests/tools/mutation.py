"""Grades the grader: runs the stages over known-wrong servers, which must fail, and unusual ones, which must pass.

`python -m tests.tools.mutation --help`; `make mutation`. A mutant is run through the drills and tests of the stage that
teaches what it breaks, up to the first that kills it; with `--all-tests` through all of them, and with `--all-stages`
through all stages. With `--drawn N` there are N more correct servers, each drawn from its seed. Reports what killed it,
by which rule, in how many seeds, and how soon; kill rates for one seed and for all; the share of kills that name an
accepted rule; the rate at first sight, of the mutants whose authors had not seen the checkers, as recorded when they
were first run (all other rates are of a corpus that the lab knows by now); with `--all-tests` the tests that are never
the only one to kill; and false alarms. Ctrl-C prints what is known so far; with `--journal` the next run goes on from
there.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from tabulate import tabulate

from labs.engine import code, engine, stalls, where
from labs.engine.engine import Backend
from labs.engine.progress import Progress
from labs.engine.stalls import Limits
from labs.engine.unavailable import Unavailable
from labs.engine.work import Loss, Work
from labs.raft.stages import catalogue
from labs.report.json_files import write_json
from labs.sim.hosts.base import HostKind, HostOptions
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.loader.program import Program
from labs.testing.run import run_scenario, stalled
from labs.testing.scenario import Scenario
from tests.corpora import mutants, variants
from tests.corpora.mutants.patching import Mutant
from tests.corpora.variants.drawn import drawn, named

STAGES = ("2A", "2B", "2C", "2D")
LIMITS = Limits(cpu=20.0, wall=300.0)
"""What one run may take before its server counts as one that never yields."""


class Run(msgspec.Struct):
    """What is kept of one run."""

    server: str
    test: str
    stage: str
    seed: int
    status: str
    rule: str | None
    message: str
    time: float
    """When it ended, in virtual seconds."""


@dataclass(frozen=True)
class Job:
    """One server, one seed, the tests of some stages."""

    server: str
    is_mutant: bool
    stages: tuple[str, ...]
    seed: int
    stop_at_first: bool
    hosts: HostKind = "inline"


def main() -> int:
    """Run the corpora and print the matrix; return 0 if all mutants were killed and no variant was."""
    options = _options()
    everything = [] if options.no_mutants else mutants.corpus()
    chosen = [mutant for mutant in everything if options.only in mutant.name][:: options.every]
    unusual = [] if options.no_variants else [v for v in variants.corpus() if options.only in v.name]
    seeds = range(options.seed, options.seed + options.seeds)
    jobs = [
        Job(mutant.name, True, _stages_for(mutant, options), seed, not options.all_tests, options.hosts)
        for seed, mutant in itertools.product(seeds, chosen)
    ]
    variant_seeds = range(options.seed, options.seed + (options.variant_runs or options.seeds))
    jobs += [
        Job(v.name, False, v.stages, seed, False, options.hosts)
        for seed, v in itertools.product(variant_seeds, unusual)
    ]
    jobs += _drawn_jobs(options)
    try:
        done = _run_all(jobs, where.backend(options.jobs, options.scheduler), _Journal(options.journal))
    except Unavailable as error:
        print(f"mutation: {error}", file=sys.stderr)
        return 2
    _show(done, chosen, options)
    if len(done) < len(jobs):
        again = (
            f"the same command goes on from {options.journal}" if options.journal else "--journal FILE would keep it"
        )
        print(f"interrupted: {len(done)} of {len(jobs)} servers and seeds were run; {again}", file=sys.stderr)
        return 130
    killed = {job.server for job, runs in done.items() if any(run.status in ("fail", "error") for run in runs)}
    clean = all(run.status == "pass" for job, runs in done.items() if not job.is_mutant for run in runs)
    broken = any(run.status == "grader-error" for runs in done.values() for run in runs)
    return 0 if clean and not broken and all(mutant.name in killed for mutant in chosen) else 1


def _show(done: dict[Job, list[Run]], chosen: list[Mutant], options: argparse.Namespace) -> None:
    """Print the outcome of the runs, and write it to a file."""
    runs = [run for job, found in done.items() if job.is_mutant for run in found]
    seeds = sorted({job.seed for job in done if job.is_mutant})
    begun = {job.server for job in done if job.is_mutant}
    if seeds:
        pairs = sum(job.is_mutant for job in done)
        report = _Report([mutant for mutant in chosen if mutant.name in begun], runs, seeds, pairs)
        print(report.text(full=options.all_tests and not options.only))
    unusual = [run for job, found in done.items() if not job.is_mutant for run in found]
    print(_alarms(unusual))
    if options.json:
        failed = [run for run in runs + unusual if run.status != "pass"]
        counts = {"mutant_runs": len(runs), "variant_runs": len(unusual)}
        write_json(options.json, {"format": "raft-mutation", "version": 1, **counts, "runs": failed})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds for each mutant (5)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--variant-runs", type=int, default=0, help="seeds for each variant (as many as for mutants)")
    parser.add_argument("--drawn", type=int, default=0, metavar="N", help="N drawn variants, too, from --seed on (0)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only servers whose name holds this text")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth mutant")
    parser.add_argument("--all-tests", action="store_true", help="do not stop a mutant at the first test that kills it")
    parser.add_argument("--all-stages", action="store_true", help="all stages, not only the one that teaches it")
    parser.add_argument("--no-variants", action="store_true")
    parser.add_argument("--no-mutants", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--scheduler", type=where.scheduler, default="", metavar="URL", help=where.HELP)
    parser.add_argument("--hosts", choices=("inline", "process"), default="inline", help="where servers run (inline)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the failed runs, for programs")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep what is done there, and go on from it")
    return parser.parse_args()


def _stages_for(mutant: Mutant, options: argparse.Namespace) -> tuple[str, ...]:
    if options.all_stages:
        return STAGES
    return tuple(stage for stage in STAGES if stage == mutant.stage)


def _drawn_jobs(options: argparse.Namespace) -> list[Job]:
    """Return the runs of servers that are drawn, each with its number as its seed."""
    numbers = range(options.seed, options.seed + (0 if options.no_variants else options.drawn))
    servers = [(drawn(number), number) for number in numbers]
    return [Job(v.name, False, v.stages, n, False, options.hosts) for v, n in servers if options.only in v.name]


class _Journal:
    """What an interrupted run has done, one job per line; only good for the code that it was written with."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.done: dict[Job, list[Run]] = {}
        digest = _digest_of_code() if path else ""
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        if lines and lines[0] == digest:
            pairs = [msgspec.json.decode(line, type=tuple[Job, list[Run]]) for line in lines[1:]]
            self.done = dict(pairs)
        elif path:
            path.write_text(digest + "\n", encoding="utf-8")

    def add(self, job: Job, runs: list[Run]) -> None:
        self.done[job] = runs
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(msgspec.json.encode((job, runs)).decode() + "\n")


def _digest_of_code() -> str:
    """Return what distinguishes one state of the lab and of the corpora from another."""
    folders = ("labs", "reference", "tests/corpora/mutants", "tests/corpora/variants")
    return code.digest(Path(__file__).parents[2], folders)


def _run_all(jobs: list[Job], backend: Backend, journal: _Journal) -> dict[Job, list[Run]]:
    """Run jobs in parallel, with progress; return the runs of each, of those that were run before Ctrl-C."""
    os.environ["PYTHONHASHSEED"] = "0"
    left = [job for job in jobs if job not in journal.done]
    progress = Progress(len(left), "servers and seeds")
    try:
        for job, runs in engine.run(Campaign(), left, backend, LIMITS):
            journal.add(job, runs)
            progress.count(failed=any(run.status != "pass" for run in runs) and not job.is_mutant)
    except KeyboardInterrupt:
        pass
    progress.clear()
    return {job: journal.done[job] for job in jobs if job in journal.done}


class Campaign(Work[Job, list[Run]]):
    """One server with one seed, through all its tests or up to the first that kills it."""

    job, record = Job, list[Run]

    def run(self, job: Job) -> list[Run]:
        return run_job(job)

    def parts(self, job: Job) -> int:
        return len(scenarios_of(job.stages))

    def is_spoiled(self, record: list[Run]) -> bool:
        return any(run.rule == "NoStall" for run in record)

    def lost(self, job: Job, loss: Loss) -> list[Run]:
        status, rule = ("error", "NoStall") if loss.is_stall else ("grader-error", None)
        return [Run(job.server, "", job.stages[0], job.seed, status, rule, f"the process {loss.how}", 0.0)]


def run_job(job: Job) -> list[Run]:
    """Run one server through its tests with one seed."""
    found = []
    for scenario in scenarios_of(job.stages):
        record = _run(scenario, job)
        found.append(record)
        if job.stop_at_first and record.status != "pass":
            break
    return found


def _run(scenario: Scenario, job: Job) -> Run:
    stalls.restart()
    try:
        program = program_of(job.server, job.is_mutant)
        hosts = _process_hosts() if job.hosts == "process" else None
        record = run_scenario(scenario, program if hosts is None else program.root, job.seed, hosts=hosts)
    except stalls.Stalled:
        record = stalled(scenario, job.seed, "never yields")
    # An error in the lab that a server's data made ends its run; in these corpora it is a defect of the lab's.
    status, told = ("grader-error", record.details) if record.details else (record.status, record.message)
    return Run(job.server, scenario.id, scenario.stage, job.seed, status, record.rule, told, record.virtual_time)


@lru_cache(maxsize=8)
def scenarios_of(stages: tuple[str, ...]) -> tuple[Scenario, ...]:
    """Return the drills and the tests of these stages, each stage's drills first."""
    return tuple(
        scenario
        for stage in stages
        for scenario in [*catalogue.scenarios(stage, "drills"), *catalogue.scenarios(stage)]
    )


@lru_cache
def _process_hosts() -> ProcessHosts:
    """Return the process hosts of this worker; they end with it."""
    return ProcessHosts(HostOptions(step_seconds=LIMITS.cpu))


@lru_cache(maxsize=4)
def program_of(name: str, is_mutant: bool) -> Program:
    """Return a server of the corpora, compiled."""
    corpus: Iterable[Any] = mutants.corpus() if is_mutant else variants.corpus()
    server = named(name) or next(server for server in corpus if server.name == name)
    folder = Path(tempfile.mkdtemp(prefix="raft-mutation-"))
    try:
        program = Program(server.write(folder))
        for file in folder.rglob("*.py"):
            program.code(file.resolve())
        return program
    finally:
        _remove_later(folder)


def _remove_later(folder: Path) -> None:
    """Remove a folder when this process ends: a package's modules are looked up while it runs."""
    import atexit
    import shutil

    atexit.register(shutil.rmtree, folder, ignore_errors=True)


class _Report:
    """The outcome of the mutants' runs."""

    def __init__(self, chosen: list[Mutant], runs: list[Run], seeds: list[int], pairs: int) -> None:
        self._mutants, self._pairs = chosen, pairs
        self._seeds = seeds
        self._kills: dict[str, list[Run]] = defaultdict(list)
        for run in runs:
            if run.status in ("fail", "error"):
                self._kills[run.server].append(run)
        self._broken = [run for run in runs if run.status == "grader-error"]
        self._tests = sorted({run.test for run in runs})
        self.survivors = [mutant for mutant in chosen if not self._kills[mutant.name]]

    def text(self, full: bool) -> str:
        rows = [self._row(mutant) for mutant in sorted(self._mutants, key=lambda mutant: (mutant.stage, mutant.name))]
        headers = ("stage", "mutant", "seeds", "tests", "first kill by", "rule", "named right", "after s")
        parts = [str(tabulate(rows, headers=headers, tablefmt="simple")), self._rates()]
        if full:
            parts.append(self._idle_tests())
        if self.survivors:
            parts.append("survived: " + ", ".join(mutant.name for mutant in self.survivors))
        parts += [f"OUR ERROR with {run.server} in {run.test}: {run.message}" for run in self._broken[:3]]
        return "\n\n".join(parts)

    def _row(self, mutant: Mutant) -> tuple[object, ...]:
        kills = sorted(self._kills[mutant.name], key=lambda run: (run.seed, run.time))
        if not kills:
            return (mutant.stage, mutant.name, f"0/{len(self._seeds)}", 0, "SURVIVED", "", "", "")
        rules = Counter(run.rule for run in kills)
        right = sum(run.rule in mutant.rules for run in kills)
        seeds = len({run.seed for run in kills})
        tests = len({run.test for run in kills})
        first = min(kills, key=lambda run: run.time)
        named = ", ".join(f"{rule} {count}" for rule, count in rules.most_common(2))
        share = f"{100 * right // len(kills)} %"
        return (
            mutant.stage,
            mutant.name,
            f"{seeds}/{len(self._seeds)}",
            tests,
            first.test,
            named,
            share,
            f"{first.time:.2f}",
        )

    def _rates(self) -> str:
        killed = {(run.server, run.seed) for runs in self._kills.values() for run in runs}
        some = {server for server, _ in killed}
        rules = {mutant.name: mutant.rules for mutant in self._mutants}
        kills = [run for runs in self._kills.values() for run in runs]
        right = sum(run.rule in rules[run.server] for run in kills)
        well = sum(any(run.rule in mutant.rules for run in self._kills[mutant.name]) for mutant in self._mutants)
        return (
            f"{len(self._mutants)} mutants. Killed with one seed: {_percent(len(killed), self._pairs)}, "
            f"with {len(self._seeds)} seeds: {_percent(len(some), len(self._mutants))}. "
            f"Named right: {_percent(right, len(kills))} of {len(kills)} kills, "
            f"{_percent(well, len(self._mutants))} of the mutants at least once.{self._first_sight()}"
        )

    def _first_sight(self) -> str:
        """Return how many of the blind mutants one seed killed when they came in; "" if there are none."""
        blind = [mutant for mutant in self._mutants if mutant.origin == "blind"]
        seen = [mutant for mutant in blind if mutant.at_first_sight is not None]
        if not seen:
            return ""
        killed = sum(bool(mutant.at_first_sight) for mutant in seen)
        others, written = mutants.FIRST_SIGHT_ELSEWHERE
        return (
            f"\nAt first sight, with one seed: {killed} of {len(seen)} blind mutants ({_percent(killed, len(seen))}). "
            f"Six more authors wrote {written}, most of which are not kept here: {others} "
            f"({_percent(others, written)}) were killed in the stage that teaches what is broken."
        )

    def _idle_tests(self) -> str:
        only: Counter[str] = Counter()
        for name, runs in self._kills.items():
            for seed in self._seeds:
                tests = {run.test for run in runs if run.seed == seed and run.server == name}
                if len(tests) == 1:
                    only.update(tests)
        idle = [test for test in self._tests if not only[test]]
        return f"tests that kill nothing alone: {', '.join(idle) or 'none'}"


def _alarms(runs: list[Run]) -> str:
    if not runs:
        return "no variants were run"
    alarms = [run for run in runs if run.status != "pass"]
    lines = [f"{len({run.server for run in runs})} variants, {len(runs)} runs: {len(alarms)} false alarms"]
    lines += [f"  {run.server} in {run.test}, seed {run.seed}: {run.rule}: {run.message}" for run in alarms[:20]]
    return "\n".join(lines)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 of 0"


if __name__ == "__main__":
    from tests.tools import mutation  # by this name other machines can import its classes

    sys.exit(mutation.main())

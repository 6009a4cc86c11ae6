"""Runs stage tests with the engine, and collects the record of each run."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labs.engine import engine, where
from labs.engine.engine import Backend
from labs.engine.local import processes
from labs.engine.progress import Progress
from labs.engine.stages import OnFailure, StageJob, StageRuns
from labs.engine.stalls import Limits
from labs.engine.unavailable import Unavailable
from labs.schedule.folder import is_schedule
from labs.sim.hosts.process.pool import ProcessHosts
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

AFTER_STALL = Limits(cpu=5.0, wall=60.0)
"""The limits of further runs once one has stalled: most of them will stall, too. Others need about one CPU second."""


@dataclass
class Session:
    """The outcome of a session: one record per run."""

    records: list[RunRecord] = field(default_factory=list)
    interrupted: bool = False


def run_tests(chosen: Sequence[Scenario], options: argparse.Namespace, on_failure: OnFailure | None = None) -> Session:
    """Run the chosen scenarios, in their order, with the seeds, submission and jobs of the options.

    Raises BadSubmission if the submission cannot be run at all, and HostsUnavailable if process hosts do not work here.
    """
    jobs = [StageJob(scenario.id, seed) for scenario in chosen for seed in seeds_of(scenario, options)]
    stages = dict.fromkeys(scenario.stage for scenario in chosen)
    return run_jobs(jobs, chosen, options, f"runs of {', '.join(stages)}", on_failure)


def run_jobs(
    jobs: Sequence[StageJob],
    scenarios: Sequence[Scenario],
    options: argparse.Namespace,
    noun: str,
    on_failure: OnFailure | None = None,
) -> Session:
    """Run some of these scenarios, each with the seed of its job; raises as run_tests does.

    The line that shows the progress calls them `noun`.
    """
    scheduler = options.scheduler
    work = StageRuns(Path(options.submission), options.hosts, options.counted, None if scheduler else on_failure)
    prepare(work, options.hosts, [scenario.entry for scenario in scenarios])
    session, progress = Session(), Progress(len(jobs), noun)
    try:
        for part, backend in _parts(jobs, options):
            for _, record in engine.run(work, part, backend, Limits(cpu=options.limit), AFTER_STALL):
                session.records.append(record)
                progress.count(failed=record.status != "pass")
    except KeyboardInterrupt:
        session.interrupted = True
    except Unavailable as error:
        if not session.records:
            raise
        session.interrupted = True
        progress.say(str(error))
    progress.clear()
    if scheduler and on_failure is not None and not session.interrupted:
        _repeat_first_failures(session.records, options, on_failure)
    return session


def _parts(jobs: Sequence[StageJob], options: argparse.Namespace) -> Iterator[tuple[Sequence[StageJob], Backend]]:
    """Yield all jobs, each with the backend that does it: schedules are files of this machine."""
    here = [job for job in jobs if not options.scheduler or is_schedule(job.test)]
    if here:
        yield here, processes(min(options.jobs, len(here)))
    if len(here) < len(jobs):
        yield [job for job in jobs if not is_schedule(job.test)], where.machines(options.scheduler)


def _repeat_first_failures(records: Sequence[RunRecord], options: argparse.Namespace, on_failure: OnFailure) -> None:
    """Repeat on this machine, for each test, the failing run with the lowest seed: its trace was not kept elsewhere."""
    failed = sorted((r.test, r.seed) for r in records if r.status != "pass" and r.rule != "NotWritten")
    jobs = [StageJob(test, seed) for test, seed in dict(reversed(failed)).items()]
    work = StageRuns(Path(options.submission), options.hosts, options.counted, on_failure)
    with contextlib.suppress(KeyboardInterrupt):
        backend = processes(min(options.jobs, len(jobs)))
        for _ in engine.run(work, jobs, backend, Limits(cpu=options.limit), AFTER_STALL):
            pass


def seeds_of(scenario: Scenario, options: argparse.Namespace) -> Sequence[int]:
    """Return the seeds that the options ask for; a scenario with a seed of its own has that one."""
    if scenario.own_seed is not None:
        return [scenario.own_seed]
    return range(options.seed, options.seed + options.runs)


def prepare(work: StageRuns, kind: str, entries: Sequence[str]) -> None:
    """Report a bad submission, or hosts that do not work here, once and before anything else."""
    for entry in dict.fromkeys(entries):
        program = work.program(entry)
        if kind == "process":
            with ProcessHosts() as hosts:
                hosts.compile(program)

"""Repeats what failed last, with the same seeds; then tries what passes now with seeds that nobody has seen yet."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.again.kept import Kept, red_of
from labs.engine.session import run_jobs
from labs.engine.stages import StageJob
from labs.raft.stages import catalogue
from labs.report.page import keep
from labs.schedule import folder
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario


@dataclass(frozen=True)
class Answer:
    """What repeating has shown."""

    before: Kept
    scenarios: Sequence[Scenario]
    """The tests that failed last, in the catalogue's order."""
    old: Sequence[RunRecord]
    """Their runs with the seeds that failed."""
    fresh: Sequence[RunRecord]
    """Runs with seeds from `before.next_seed` on, of the tests that pass with all of those."""
    fresh_seeds: range

    @property
    def after(self) -> Kept:
        """Return what is to be kept now."""
        passed = {(run.test, run.seed) for run in self.old if run.status == "pass"}
        known = {*self.before.red, *self.before.fixed}
        fixed = sorted(one for one in known if (one.test, one.seed) in passed)
        next_seed = self.fresh_seeds.stop if self.fresh else self.before.next_seed
        return Kept(self.before.submission, red_of([*self.old, *self.fresh]), fixed, next_seed)


def rerun(kept: Kept, options: argparse.Namespace) -> Answer:
    """Run what failed, and fresh seeds of all that passes now; raise KeyboardInterrupt if they are stopped."""
    known = sorted({*kept.red, *kept.fixed})
    scenarios = chosen(one.test for one in known)
    again = [StageJob(scenario.id, one.seed) for scenario in scenarios for one in known if one.test == scenario.id]
    old = _run(again, scenarios, options, "repeated runs")
    failing = {record.test for record in old if record.status != "pass"}
    seeds = range(kept.next_seed, kept.next_seed + options.runs)
    passing = [scenario for scenario in scenarios if scenario.id not in failing and scenario.own_seed is None]
    jobs = [StageJob(scenario.id, seed) for seed in seeds for scenario in passing]
    fresh = _run(jobs, passing, options, "runs with fresh seeds") if jobs else []
    return Answer(kept, scenarios, old, fresh, seeds)


def _run(
    jobs: Sequence[StageJob], scenarios: Sequence[Scenario], options: argparse.Namespace, noun: str
) -> list[RunRecord]:
    """Run some jobs; each run that fails leaves its page."""
    keep.forget((job.test, job.seed) for job in jobs)
    session = run_jobs(jobs, scenarios, options, noun, keep.keep_page)
    if session.interrupted:
        raise KeyboardInterrupt
    return session.records


def chosen(tests: Iterable[str]) -> list[Scenario]:
    """Return the tests with these ids in the order of the stages, then schedules.

    One that is no longer there is left out.
    """
    wanted = set(tests)
    files = [name for name in sorted(wanted) if folder.is_schedule(name) and Path(name).exists()]
    return [
        scenario
        for stage in catalogue.STAGES
        for kind in catalogue.JUDGED
        for scenario in catalogue.scenarios(stage, kind)
        if scenario.id in wanted
    ] + [folder.find(name) for name in files]

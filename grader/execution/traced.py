"""Repeats a failing run for its page, and makes it small: fewer faults, commands and servers break the same rule.

The servers are as untrusted as in grading, so both happen in a runner of the grader, with servers in the same sandbox:
every candidate is a run like any other. The parent gets data back; no verdict depends on it.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import msgspec
from msgspec.structs import replace

from grader.execution import scenarios
from grader.execution.runs import ConfinedWork, Job, arguments_of, not_graded, run_safely
from labs.engine import stalls
from labs.engine.work import Loss
from labs.explore.shrinking import OutOfTime, shrink
from labs.schedule import text
from labs.schedule.actions import Schedule
from labs.schedule.player import scenario_of
from labs.schedule.recording import NotRecordable, record
from labs.testing.run import RunRecord, run_scenario

LONGEST = 200.0
"""Wall seconds after which no more candidates are tried, however little CPU time they took."""


class TracedJob(msgspec.Struct, frozen=True):
    """A failing run to show."""

    test: str
    seed: int
    trace: str
    """The file for the trace of the run itself."""
    small: str = ""
    """The file for the trace of the run that was made small."""
    cpu_seconds: float = 0.0
    """The CPU time for making it small; 0 if it should not be."""


class Small(msgspec.Struct):
    """A failing run that was made small."""

    record: RunRecord
    schedule: str
    """The schedule in the format of its files (labs.schedule.text)."""
    steps: int
    steps_before: int
    runs: int
    """How many runs it took."""


class Traced(msgspec.Struct):
    """The run as it was repeated; and made small, if that is possible."""

    record: RunRecord
    small: Small | None = None


class TracedRuns(ConfinedWork[TracedJob, Traced]):
    """Repeats failing runs of one submission."""

    job, record = TracedJob, Traced

    def moved(self, path: Path) -> TracedRuns:
        return TracedRuns(str(path), self._hosts)

    def run(self, job: TracedJob) -> Traced:
        if self._failed:
            return Traced(not_graded(Job(job.test, job.seed), self._failed))
        scenario, found = scenarios.find(job.test), list[Schedule]()

        def repeat() -> RunRecord:
            arguments = arguments_of(self._opening, None)
            with open(job.trace, "wb") as trace:
                try:
                    schedule, run = record(scenario, self._folder, job.seed, trace, **arguments)
                except NotRecordable:
                    return run_scenario(scenario, self._folder, job.seed, trace, **arguments)
            found.append(schedule)
            return run

        run = run_safely(Path(self._folder), scenario, job.seed, repeat)
        if not found or not job.cpu_seconds or run.status not in ("fail", "error"):
            return Traced(run)
        return Traced(run, self._made_small(found[0], run, job))

    def _made_small(self, schedule: Schedule, failed: RunRecord, job: TracedJob) -> Small | None:
        """Return the smallest schedule found that breaks the same rule; None if not even the whole one does, because a
        check of the test's own ended the run."""
        spent, runs, until = 0.0, 0, time.monotonic() + LONGEST

        def fails(candidate: Schedule) -> float | None:
            nonlocal spent, runs
            if spent > job.cpu_seconds or time.monotonic() > until:
                raise OutOfTime
            begun, runs = time.process_time(), runs + 1
            run = self._play(candidate, job.cpu_seconds)
            spent += time.process_time() - begun + run.server_cpu_time
            return run.virtual_time if (run.status, run.rule) == (failed.status, failed.rule) else None

        at = fails(schedule)
        if at is None:
            return None
        small = replace(shrink(schedule, at, fails), rule=failed.rule or "")
        run = self._play(small, None, job.small)
        if (run.status, run.rule) != (failed.status, failed.rule):
            return None
        return Small(run, text.write(small), len(small.steps), len(schedule.steps), runs + 1)

    def _play(self, schedule: Schedule, cpu_seconds: float | None, trace: str = "") -> RunRecord:
        """Run a schedule; the limit of CPU time is that of all servers."""
        stalls.restart()
        scenario = scenario_of(schedule, schedule.name)
        arguments = arguments_of(self._opening, cpu_seconds)

        def run() -> RunRecord:
            with open(trace, "wb") if trace else contextlib.nullcontext() as file:
                return run_scenario(scenario, self._folder, schedule.seed, file, **arguments)

        return run_safely(Path(self._folder), scenario, schedule.seed, run)

    def parts(self, job: TracedJob) -> int:
        return 1000 if job.cpu_seconds else 1

    def is_spoiled(self, record: Traced) -> bool:
        return record.record.status == "grader-error" or record.record.rule == "NoStall"

    def lost(self, job: TracedJob, loss: Loss) -> Traced:
        return Traced(not_graded(Job(job.test, job.seed), f"the runner {loss.how}"))

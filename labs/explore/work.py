"""The engine's work for explorer and shrinker: run one schedule, take a test's run as one, make a failing one small."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from labs.engine import stages, stalls
from labs.engine.work import Loss, Work
from labs.explore.reached import Together
from labs.explore.shrinking import OutOfTime, shrink
from labs.raft.lab import RAFT
from labs.schedule.actions import Schedule
from labs.schedule.player import scenario_of
from labs.schedule.recording import NotRecordable, record
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, run_scenario, stalled

J = TypeVar("J")
R = TypeVar("R")
SHRINKING = 25.0
"""Wall seconds that a schedule is made smaller, beside its first run."""
TRIAL = 3.0
"""CPU seconds after which a smaller schedule counts as one in which a server never yields; most take a tenth of one."""
STALL = "NoStall"
FAILED = ("fail", "error")


class Job(msgspec.Struct, frozen=True):
    """What to do: run a schedule; shrink it as well; or first take it from a test with a seed."""

    schedule: Schedule | None = None
    shrinks: bool = False
    test: str = ""
    seed: int = 1


class Found(msgspec.Struct):
    """What came of a job."""

    schedule: Schedule | None
    """What was run, or what is left of it."""
    status: str
    rule: str | None = None
    message: str = ""
    time: float = 0.0
    """When the run ended, in virtual seconds."""
    recorded: str = ""
    """How the test itself ended, if the schedule was taken from one: the rule that it broke, or "pass"."""
    reached: list[str] = []
    runs: int = 1
    """How often a schedule was run to make this one small, the first time included."""
    steps_before: int = 0


def _limit(rule: str | None) -> float:
    """Return the CPU seconds for another run of what broke a rule: a server that stalls need not do so for long."""
    return TRIAL if rule == STALL else 0.0


class WithProgram(Work[J, R]):
    """Work with one submission, whose servers run in the worker itself."""

    def __init__(self, submission: Path) -> None:
        self._submission = submission
        self._program: Program | None = None

    def reads(self) -> Path:
        return self._submission

    def program(self) -> Program:
        """Return the submission, compiled once in a process; raise BadSubmission."""
        if self._program is None:
            self._program = Program(self._submission, *RAFT.entry.split(":"))
        return self._program


def lost_run(schedule: Schedule | None, loss: Loss) -> Found:
    """Return what is known of a run that has ended its process."""
    rule = STALL if loss.is_stall else "NoCrash"
    return Found(schedule, "error", rule, f"{rule}: the process that the servers shared {loss.how}")


class Exploring(WithProgram[Job, Found]):
    """Runs schedules against a submission."""

    job, record = Job, Found

    def __init__(self, submission: Path, seconds: float = SHRINKING) -> None:
        super().__init__(submission)
        self._seconds = seconds

    def moved(self, path: Path) -> Exploring:
        return Exploring(path, self._seconds)

    def run(self, job: Job) -> Found:
        schedule, recorded = job.schedule, ""
        if schedule is None:
            try:
                schedule = self._taken(job)
            except NotRecordable as error:
                return Found(None, "not recordable", None, str(error))
            recorded = schedule.rule or "pass"
            stalls.restart(_limit(recorded))
        found = replace(self._play(schedule), recorded=recorded)
        if job.shrinks and found.status in FAILED:
            return self.shrink(schedule, found)
        return found

    def shrink(self, schedule: Schedule, found: Found) -> Found:
        """Make a schedule small; `found` came of its run, in which it failed."""
        end, runs = time.monotonic() + self._seconds, 1

        def fails(candidate: Schedule) -> float | None:
            nonlocal runs
            if time.monotonic() > end:
                raise OutOfTime
            stalls.restart(TRIAL)
            runs += 1
            run = self._run(candidate)
            return run.virtual_time if (run.status, run.rule) == (found.status, found.rule) else None

        small = replace(shrink(schedule, found.time, fails), rule=found.rule or "")
        if small == replace(schedule, rule=small.rule):
            again = replace(found, schedule=small, reached=[])
        else:
            stalls.restart(_limit(found.rule))
            again = replace(self._play(small), reached=[], recorded=found.recorded)
        return replace(again, runs=runs, steps_before=len(schedule.steps))

    def _taken(self, job: Job) -> Schedule:
        return record(stages.find(job.test), self.program(), job.seed)[0]

    def _play(self, schedule: Schedule) -> Found:
        together = Together(schedule.servers)
        run = self._run(schedule, together, counted=True)
        reached = [*run.situations, *together.seen]
        return Found(schedule, run.status, run.rule, run.message, run.virtual_time, reached=reached)

    def _run(self, schedule: Schedule, together: Together | None = None, counted: bool = False) -> RunRecord:
        scenario = scenario_of(schedule, schedule.name)
        watchers = [] if together is None else [together]
        try:
            return run_scenario(scenario, self.program(), schedule.seed, counted=counted, watchers=watchers)
        except stalls.Stalled:
            return stalled(scenario, schedule.seed, "a server never yields")

    def parts(self, job: Job) -> int:
        return 100 if job.shrinks else 1

    def is_spoiled(self, found: Found) -> bool:
        return found.rule == STALL

    def lost(self, job: Job, loss: Loss) -> Found:
        return lost_run(job.schedule, loss)

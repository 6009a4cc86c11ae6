"""The lab's own work: one scenario with one seed against one submission."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from labs.engine import stalls
from labs.engine.work import Loss, Work
from labs.raft.stages import catalogue
from labs.schedule import folder
from labs.sim.hosts.base import HostKind, HostOptions
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.loader.program import Program
from labs.testing.run import RunRecord, ended, run_scenario, stalled
from labs.testing.scenario import Scenario

STEP_SECONDS = 10.0
"""Wall seconds that one step of a server in its own process may take."""


OnFailure: TypeAlias = Callable[[Scenario, RunRecord, BinaryIO], None]
"""Gets a run that failed, with its trace, in the process that ran it."""


class StageJob(msgspec.Struct, frozen=True):
    """One scenario, by its id, or a schedule by its file, with one seed."""

    test: str
    seed: int


class StageRuns(Work[StageJob, RunRecord]):
    """Runs scenarios of the lab against a submission; each worker compiles it once.

    With `on_failure` each run keeps its trace in a temporary file until it is known to pass.
    """

    job, record = StageJob, RunRecord

    def __init__(
        self, submission: Path, hosts: HostKind, counted: bool = False, on_failure: OnFailure | None = None
    ) -> None:
        self._submission, self._kind, self._counted, self._on_failure = submission, hosts, counted, on_failure
        self._programs: dict[str, Program] = {}
        self._hosts: ProcessHosts | None = None

    def reads(self) -> Path:
        return self._submission

    def moved(self, path: Path) -> StageRuns:
        """Return this work for another machine, which keeps no traces."""
        return StageRuns(path, self._kind, self._counted)

    def begin(self, number: int) -> None:
        if self._kind == "process":
            self._hosts = ProcessHosts(HostOptions(step_seconds=STEP_SECONDS, core=number))

    def run(self, job: StageJob) -> RunRecord:
        scenario = find(job.test)
        if self._on_failure is None:
            return self.run_scenario(scenario, job.seed)
        with tempfile.TemporaryFile() as trace:
            record = self.run_scenario(scenario, job.seed, trace)
            if record.status != "pass" and record.rule != "NotWritten":
                self._on_failure(scenario, record, trace)
        return record

    def run_scenario(self, scenario: Scenario, seed: int, trace: BinaryIO | None = None) -> RunRecord:
        """Run a scenario with a seed; stream the trace to a file if one is given."""
        try:
            program = self.program(scenario.entry)
            return run_scenario(scenario, program, seed, trace, counted=self._counted, hosts=self._hosts)
        except stalls.Stalled:
            return stalled(scenario, seed, "a server never yields", self._kind)

    def is_spoiled(self, record: RunRecord) -> bool:
        return record.rule == "NoStall" and self._hosts is None

    def lost(self, job: StageJob, loss: Loss) -> RunRecord:
        return self.lost_in(find(job.test), job.seed, loss)

    def lost_in(self, scenario: Scenario, seed: int, loss: Loss) -> RunRecord:
        """Return the record of a run whose process was lost."""
        place = self._place(loss.stack)
        if loss.is_stall:
            text = "a server never yields, catches even the interruption, and its process had to be ended"
            return stalled(scenario, seed, text + place, self._kind)
        return ended(scenario, seed, f"{loss.how}{place}", self._kind)

    def end(self) -> None:
        if self._hosts is not None:
            self._hosts.close()

    def program(self, entry: str) -> Program:
        """Return the submission with this entry, compiled once in a process; raise BadSubmission."""
        if entry not in self._programs:
            self._programs[entry] = Program(self._submission, *entry.split(":"), compiled=self._kind == "inline")
        return self._programs[entry]

    def _place(self, stack: str) -> str:
        """Return the submission's innermost line in a stack that faulthandler wrote."""
        path = self._submission.resolve()
        root = path if path.is_dir() else path.parent
        for file, line, function in re.findall(r'File "(.+)", line (\d+) in (.+)', stack):
            if Path(file).is_relative_to(root):
                return f" at {Path(file).relative_to(root)}:{line} in {function}"
        return ""


@functools.cache
def find(test: str) -> Scenario:
    """Return the scenario with an id, or the schedule in a file; raise BadSchedule."""
    if folder.is_schedule(test):
        return folder.find(test)
    return next(scenario for scenario in catalogue.find(test) if scenario.id == test)

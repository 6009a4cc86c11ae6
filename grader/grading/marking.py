"""Marks one submission: takes it in, runs the rubric's tests in a sensible order, and returns its result.

It goes stage by stage. First each test runs once: if all tests of a stage report "not written yet", there is nothing
more to find out, and the stages that build on it are skipped. A run that failed by an error of the grader is tried once
more, then held for review; then the reference does the same run, to show where to look. Knows nothing of the files in
which results are kept.
"""

from __future__ import annotations

import datetime
import shlex
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import trio

from grader import scratch
from grader.cleaning import one_line
from grader.execution import scenarios
from grader.execution.hosts import Hosts
from grader.execution.runners import Runners
from grader.execution.runs import Job
from grader.grading import scoring
from grader.grading.adjusting import decide_tests, names_of, settle
from grader.grading.patience import SLOW, Patience, Stuck
from grader.grading.references import LEAST, NoReference, References, budget
from grader.grading.rubric import Item, Rubric, Stage
from grader.grading.runs_so_far import RunsSoFar, Step
from grader.grading.seeds import seeds_of
from grader.intake import taken as intake
from grader.places import ROOT, environment
from grader.results.held import NOT_RUN, held_run, repeat_command
from grader.results.result import Basis, Result, Run, Sandbox, Submission, Test, sum_points
from labs.checking.outcome import Outcome
from labs.engine.engine import Backend
from labs.testing.run import RunRecord, empty_record

LONG = 60.0
"""If two runs that could not be graded took this many seconds, another one would cost as much and show nothing new."""
SAVED_EVERY = 10.0
"""Wall seconds after which the results so far are handed out again."""
NOT_YET = "not run yet"


@dataclass(frozen=True)
class Watch:
    """The functions that learn how far the grading of a submission has come."""

    progress: Callable[[int, int], None]
    """Called with the number of finished and of planned runs."""
    so_far: Callable[[Result], None]
    """Called now and then with an unfinished result, and the tests that are graded already."""


@dataclass(frozen=True)
class Order:
    """The means of a grading, the same for all submissions."""

    rubric: Rubric
    hosts: Hosts
    runners: int
    secret: bytes | None
    basis: Basis
    references: References
    backend: Backend
    """Where runs are done."""


@dataclass
class _Marks:
    """The facts found so far about a test."""

    runs: dict[int, Run] = field(default_factory=dict)
    records: dict[int, RunRecord] = field(default_factory=dict)
    references: dict[int, RunRecord] = field(default_factory=dict)
    """The reference's runs with the same seeds, if they matter."""

    @property
    def is_settled(self) -> bool:
        """Return whether another seed would show nothing new: the server is not written, or takes far too long."""
        return any(run.rule == scoring.NOT_WRITTEN or run.rule in SLOW for run in self.runs.values())


async def take_in(source: str, folder: str) -> intake.Taken:
    """Take in a submission, in a child; raise IntakeFailed if the grader cannot."""
    done = await trio.run_process(
        intake.command(source, folder),
        env=environment(),
        cwd=ROOT,
        capture_stdout=True,
        check=False,
    )
    return intake.taken_from(done.stdout, done.returncode, folder)


async def mark(
    name: str, source: str, order: Order, begin: Callable[[Result], Awaitable[Result | None]], watch: Watch, kept: Path
) -> Result:
    """Return the result of a submission; `begin` may return an earlier one of the same submission and basis. `kept` is
    the file of the runs that a killed grading has done already."""
    with scratch.folder() as folder:
        begun, result = time.monotonic(), blank(name, order)
        taken = await take_in(source, folder)
        result.submission = Submission(name, taken.sha256, taken.files, taken.left_out, taken.commit, taken.root)
        result.warnings = [one_line(warning, 200) for warning in taken.warnings]
        known = await begin(result)
        if known is not None:
            return known
        if taken.refused:
            refuse(result, taken.refused, order)
        else:
            async with Runners.open(folder, order.hosts, order.backend, order.runners) as runners:
                so_far = RunsSoFar(kept, result)
                await _Marking(result, order, runners, source, watch, so_far).mark()
                result.sandbox.details = runners.facts if so_far.is_empty else order.hosts.details
        settle(result, order.rubric.policy)
        result.finished_at, result.duration = _now(), round(time.monotonic() - begun, 1)
        return result


def refuse(result: Result, why: str, order: Order) -> None:
    """Make a result that of a submission which cannot be graded."""
    result.status, result.message = "not-gradable", one_line(why, 500)
    result.max_score = round(sum(item.points for item in order.rubric.items), 2)
    unseen = (item.points for item in order.rubric.items if item.visibility != "visible")
    result.unseen_score = round(sum(unseen), 2)


def typed(source: str, root: str) -> str:
    """Return the part of a `make` command that names a submission; "" for the one that make takes by itself."""
    place = str(Path(source) / root) if Path(source).is_dir() else source
    return f" SUBMISSION={shlex.quote(place)}" if place != "skeleton" else ""


def blank(name: str, order: Order) -> Result:
    sandbox = Sandbox(order.hosts.kind, order.hosts.level)
    message = "the grading did not finish; grade again, and it continues where it stopped"
    return Result("unfinished", Submission(name), order.basis, sandbox, message=message, started_at=_now())


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _rules_of(marks: dict[str, _Marks]) -> list[tuple[str, list[str | None]]]:
    """Return for each test of a stage, in their order, the rules that its runs broke."""
    return [(test, [run.rule for run in found.runs.values()]) for test, found in marks.items()]


class _Marking:
    """The runs of one submission."""

    def __init__(
        self, result: Result, order: Order, runners: Runners, source: str, watch: Watch, so_far: RunsSoFar
    ) -> None:
        self._runs_so_far = so_far
        self._result, self._rubric, self._runners, self._watch = result, order.rubric, runners, watch
        self._references, self._hosts, self._typed = order.references, order.hosts, source
        self._patience, self._stuck = Patience(order.rubric.give_up_after), Stuck(order.rubric.give_up_after)
        self._seeds = seeds_of(order.rubric.items, result.submission.sha256, order.secret)
        self._source = typed(source, result.submission.root)
        self._planned = sum(len(public) + len(secret) for public, secret in self._seeds.values())
        self._done, self._saved = 0, time.monotonic()
        self._marks: dict[str, _Marks] = {}
        """Those of the stage at work."""

    async def mark(self) -> None:
        """Mark all stages, and sum up; if that is ended from outside, hand out what is known by then."""
        try:
            await self._mark_all()
        except BaseException:
            self._watch.so_far(self._so_far())
            raise

    async def _mark_all(self) -> None:
        for stage in self._rubric.stages:
            why_not = self._patience.why_not() or scoring.is_built_on(stage, self._result.stages)
            tests = [scoring.left_out(item, "skip", why_not) for item in stage.items]
            if why_not:
                self._planned -= sum(len(self._order(item)) for item in stage.items)
            else:
                marks = await self._mark_stage(stage)
                left = self._patience.left(_rules_of(marks))
                self._patience.count(_rules_of(marks))
                judged = {
                    item.scenario.id: self._judge(item, marks[item.scenario.id])
                    if position < left
                    else scoring.left_out(item, "skip", self._patience.why_not())
                    for position, item in enumerate(stage.in_order)
                }
                tests = [judged[item.scenario.id] for item in stage.items]
            self._result.tests += tests
            self._result.stages.append(scoring.sum_stage(stage, tests, why_not))
        self._result.message = ""
        names = names_of(self._result.submission)
        decide_tests(self._result, self._rubric.policy, names)
        scoring.sum_up(self._result)
        order = {item.scenario.id: number for number, item in enumerate(self._rubric.items)}
        self._result.held.sort(key=lambda held: (order[held.test], held.secret, held.seed))

    async def _mark_stage(self, stage: Stage) -> dict[str, _Marks]:
        """Run each test of a stage once, then the useful ones with their other seeds; the basis first."""
        marks = self._marks = {item.scenario.id: _Marks() for item in stage.in_order}
        for part in (slice(0, 1), slice(1, None)):
            async with trio.open_nursery() as nursery:
                for position, item in enumerate(stage.in_order):
                    await nursery.start(self._run_seeds, item, self._order(item)[part], marks, position)
        return marks

    def _so_far(self) -> Result:
        """Return what is known by now: the finished stages, and those tests of this one that had all their runs."""
        found = msgspec.json.decode(msgspec.json.encode(self._result), type=Result)
        done = {one.id for one in found.stages}
        for other in self._rubric.stages:
            if other.id in done:
                continue
            tests = []
            for item in other.items:
                marks = self._marks.get(item.scenario.id, _Marks())
                is_over = marks.is_settled or len(marks.runs) == len(self._order(item))
                tests.append(self._judge(item, marks) if is_over else scoring.left_out(item, "skip", NOT_YET))
            found.tests += tests
            found.stages.append(scoring.sum_stage(other, tests))
        sum_points(found, found.tests)
        return found

    def _order(self, item: Item) -> list[int]:
        public, secret = self._seeds[item.scenario.id]
        return [*public, *secret]

    async def _run_seeds(
        self,
        item: Item,
        seeds: list[int],
        stage: dict[str, _Marks],
        position: int,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run a stage's test with some seeds, one after another, until another would show nothing new.

        It has started when its first run may begin, so that tests begin in the order of the rubric.
        """
        _, secret = self._seeds[item.scenario.id]
        marks = stage[item.scenario.id]
        if not seeds:
            task_status.started()
        for seed in seeds:
            async with self._runners.place():
                if seed == seeds[0]:
                    task_status.started()
                if not marks.is_settled and position < self._patience.left(_rules_of(stage)):
                    step = await self._step(item, seed)
                    run = scoring.judged_run(step.record, seed in secret, step.retried)
                    if step.reference is not None:
                        marks.references[seed] = step.reference
                    marks.records[seed], marks.runs[seed] = step.record, run
                    if run.status == "held":
                        await self._hold(step.record, run.secret)
            self._done += 1
            self._watch.progress(self._done, self._planned)
            if time.monotonic() - self._saved > SAVED_EVERY:
                self._saved = time.monotonic()
                self._watch.so_far(self._so_far())

    async def _step(self, item: Item, seed: int) -> Step:
        """Run a test with a seed, or return what a killed grading has found."""
        known = self._runs_so_far.of(item.scenario.id, seed)
        if known is not None:
            return known
        step = await self._run_within_budget(item, seed)
        self._runs_so_far.add(step)
        return step

    async def _run_within_budget(self, item: Item, seed: int) -> Step:
        """Run a test with a seed, within a multiple of the CPU time that the reference takes for that test.

        Most runs need less than the general limit, so the reference runs only if that was not enough.
        """
        test = item.scenario.id
        if why_not := self._stuck.why_not(test):
            return Step(empty_record(item.scenario, seed, Outcome("grader-error", None, NOT_RUN + why_not)))
        try:
            if item.kind == "performance":
                reference = await self._references.that_passes(test, seed)
                return Step(*await self._run(Job(test, seed, budget(reference))), reference)
            step = Step(*await self._run(Job(test, seed, LEAST)))
            if step.record.rule == "CpuBudget":
                limit = budget(await self._references.that_is_judged(test, self._order(item)[0]))
                if limit is None or limit > LEAST:
                    return Step(*await self._run(Job(test, seed, limit)))
            return step
        except NoReference as error:
            return Step(empty_record(item.scenario, seed, Outcome("grader-error", None, str(error))), True)

    async def _hold(self, record: RunRecord, secret: bool) -> None:
        """Note a run that could not be graded, with the reference's outcome of the same run."""
        reference = None
        if not record.message.startswith(NOT_RUN):
            reference = await self._references.of(record.test, record.seed)
        self._result.held.append(held_run(record, secret, self._typed, self._hosts, reference))

    async def _run(self, job: Job) -> tuple[RunRecord, bool]:
        """Run a job, twice if necessary; return whether it was run twice."""
        begun = trio.current_time()
        record = await self._runners.run(job)
        if record.details:
            return await self._look_into(record), False
        if record.status != "grader-error":
            return record, False
        record = await self._runners.run(job)
        if record.status == "grader-error" and trio.current_time() - begun > LONG:
            self._stuck.add(job.test)
        return record, True

    async def _look_into(self, record: RunRecord) -> RunRecord:
        """Return the record that counts if the lab raised an error because of a server's output
        (labs.checking.outcome).

        It is the server's fault, unless the same error arises with the reference: then the run is not graded.
        """
        reference = await self._references.of(record.test, record.seed)
        if reference is not None and reference.details:
            scenario = scenarios.find(record.test)
            return empty_record(scenario, record.seed, Outcome("grader-error", None, reference.details))
        again = repeat_command(self._typed, record.test, record.seed, self._hosts)
        found = "the lab may have a defect, too, because a server's output made it raise an error"
        where = "result.json has the traceback, as details of that run"
        self._result.warnings.append(f"{record.test} seed {record.seed}: {found}; {where}. Look at it with: {again}")
        return record

    def _judge(self, item: Item, marks: _Marks) -> Test:
        seeds = [seed for seed in self._order(item) if seed in marks.runs]
        runs, records = [marks.runs[seed] for seed in seeds], [marks.records[seed] for seed in seeds]
        test = scoring.judge_test(item, len(self._order(item)), runs, records, self._source)
        if item.kind == "performance":
            references, tiers = list(marks.references.values()), self._rubric.policy.tiers
            scoring.judge_performance(test, records, references, tiers, self._source)
        return test

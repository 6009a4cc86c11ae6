"""Turns the records of runs into the results of tests, stages and a submission. Runs nothing, and knows no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from grader.cleaning import clean, one_line
from grader.grading.groups import hold_to_groups
from grader.grading.policy import TiersPart
from grader.grading.rubric import Item, Stage
from grader.grading.stage_basis import forfeited_by, rest_on_basis
from grader.results.basis import NOTHING_COUNTS, tell
from grader.results.result import REVIEW, Figure, Metrics, Result, Run, StageResult, Status, Test, sum_points
from labs.checking.words import counted
from labs.raft.stages import performance
from labs.testing.run import RunRecord

NOT_WRITTEN = "NotWritten"
DETAILS = 6000
"""How many characters of a traceback of the lab are kept."""


def judged_run(record: RunRecord, secret: bool, retried: bool) -> Run:
    """Return the part of a record that is kept."""
    status = record.status if record.status in ("pass", "fail", "error") else "held"
    return Run(
        seed=record.seed,
        secret=secret,
        status=status,  # type: ignore[arg-type]
        rule=clean(record.rule, 60) if record.rule else None,
        message=clean(record.message),
        digest=clean(record.digest, 64),
        virtual_time=round(record.virtual_time, 6),
        wall_time=round(record.wall_time, 3),
        retried=retried,
        details=clean(record.details, DETAILS),
    )


def judge_test(item: Item, seeds: int, runs: Sequence[Run], records: Sequence[RunRecord], source: str) -> Test:
    """Return the result of a test from its runs, in the order of its seeds; `source` is the submission to type in a
    replay. Of `seeds` planned runs, those that were skipped did not pass. Those that we failed to grade may have passed
    or not: if that decides points, or the verdict, the test is held.
    """
    test = judge_runs(item, seeds, runs, {record.seed: clean(record.hint, 500) for record in records}, source)
    test.metrics = _means([record for record, run in zip(records, runs, strict=True) if run.status != "held"])
    return test


def judge_runs(item: Item, seeds: int, runs: Sequence[Run], hints: Mapping[int, str], source: str) -> Test:
    """Return the result of a test from the runs that are kept of it, with the hints by seed; without metrics."""
    held = sum(run.status == "held" for run in runs)
    passes = sum(run.status == "pass" for run in runs)
    failed = [run for run in runs if run.status not in ("pass", "held")]
    test = _empty(item, _status(item, seeds, passes, held, failed))
    test.passes, test.runs = passes, list(runs)
    test.failing_seeds = [run.seed for run in failed if not run.secret and run.seed is not None]
    test.failing_secret_seeds = sum(run.secret for run in failed)
    test.score = _score(item, seeds, passes)
    test.held_score = round(_score(item, seeds, passes + held) - test.score, 2)
    if test.status == "held":
        test.message = _why_held(held, seeds, runs)
    elif failed and test.status != "pass":
        first = failed[0]
        test.rule, test.message, test.hint = first.rule, first.message, hints.get(first.seed or 0, "")
        if test.failing_seeds and item.kind != "hidden":
            test.replay = f"make replay TEST={test.id} SEED={test.failing_seeds[0]}{source}"
    return test


def judge_performance(
    test: Test, records: Sequence[RunRecord], references: Sequence[RunRecord], tiers: TiersPart, source: str = ""
) -> None:
    """Replace the points of a performance test whose runs passed with those of its figures, compared with the
    reference's; `source` as for `judge_test`."""
    if test.status == "held":  # a figure is certain only when all its runs are
        test.score, test.held_score = 0.0, test.max_score
    if test.status != "pass":
        return
    judged = [record for record in records if record.status == "pass"]
    measured = performance.judge(judged, performance.figures_of(references) if references else None)
    test.figures = {
        found.metric: Figure(round(found.value or 0.0, 4), round(found.reference, 4), found.tier) for found in measured
    }
    test.score = score_of_figures(test, tiers)
    slow = [found for found in measured if found.points < performance.FULL]
    if slow:
        test.status = "fail"
        test.message = "; ".join(
            f"{found.title}: {f'{found.value:.4g} {found.unit}'.rstrip()}, the reference {found.reference:.4g} "
            f"(tier: {found.tier})"
            for found in slow
        )
        test.hint = "; ".join(performance.BY_ID[found.metric].advice for found in slow)
        test.replay = f"make test-perf STAGE={test.stage}{source}"


def score_of_figures(test: Test, tiers: TiersPart) -> float:
    """Return the points of a performance test: the mean of what its figures' tiers bring."""
    shares = {"none": 0.0, "partial": tiers.partial, "full": tiers.full, "bonus": tiers.full}
    return round(test.max_score * fmean(shares[figure.tier] for figure in test.figures.values()), 2)


def left_out(item: Item, status: Status, message: str) -> Test:
    """Return the result of a test without any run."""
    test = _empty(item, status)
    test.message = message
    if status == "held":
        test.held_score = test.max_score
    return test


def _empty(item: Item, status: Status) -> Test:
    scenario = item.scenario
    return Test(
        id=scenario.id,
        stage=scenario.stage,
        kind=item.kind,
        title=scenario.title,
        status=status,
        score=0.0,
        max_score=item.points,
        visibility=item.visibility,
        detail=item.detail,
    )


def _status(item: Item, seeds: int, passes: int, held: int, failed: list[Run]) -> Status:
    if passes >= item.threshold * seeds:
        return "pass"
    if held and (passes + held >= item.threshold * seeds or _score(item, seeds, passes + held)):
        return "held"
    if any(run.rule == NOT_WRITTEN for run in failed):
        return "not-written"
    return "error" if failed[0].status == "error" else "fail"


def _score(item: Item, seeds: int, passes: int) -> float:
    """Return the points: all from the threshold on; below it none, or a share if the rubric gives one."""
    if passes >= item.threshold * seeds:
        return item.points
    return round(item.points * passes / seeds, 2) if item.partial else 0.0


def _why_held(held: int, seeds: int, runs: Sequence[Run]) -> str:
    """Return that a test is held, and why; students see the first sentence."""
    what = next((run.message for run in runs if run.status == "held" and run.message), "no run came to an end")
    return clean(f"{REVIEW}: the grader could not grade {held} of {seeds} runs, also when tried again. {what}")


def _means(records: Sequence[RunRecord]) -> Metrics:
    if not records:
        return Metrics()
    return Metrics(
        *(
            round(fmean(getattr(record, name) for record in records), 3)
            for name in ("rpcs", "bytes", "commits", "virtual_time", "wall_time")
        )
    )


def sum_stage(stage: Stage, tests: Sequence[Test], message: str = "") -> StageResult:
    """Return the sum of a stage; a group that is not whole, or a lost basis, takes the points from its tests."""
    hold_to_groups(stage.groups, tests)
    basis = rest_on_basis(stage, tests)
    status = "graded"
    if basis != "lost" and any(test.status == "held" for test in tests):
        status = "held"
    elif all(test.status == "skip" for test in tests):
        status = "skip"
    elif all(test.status in ("not-written", "skip") for test in tests):
        status = "not-written"
    found = StageResult(stage.id, stage.title, status, 0.0, 0.0, 0.0, message)  # type: ignore[arg-type]
    found.basis, found.basis_status = list(stage.basis), basis
    found.forfeited_by = forfeited_by(stage, tests)
    sum_points(found, tests)
    return found


def sum_up(result: Result) -> None:
    """Fill in the totals, the status, and the remarks."""
    sum_points(result, result.tests)
    result.message = tell(result.stages, result.tests)
    stages = {stage.id for stage in result.stages if stage.status == "held"}
    held = [test for test in result.tests if test.stage in stages and test.status == "held"]
    result.status = "held" if held else "graded"
    if held:
        ours = [test.id for test in held if not test.runs or any(run.status == "held" for run in test.runs)]
        names = ", ".join(ours[:5]) + (f" and {len(ours) - 5} more" if ours[5:] else "")
        waits = one_line(f"{REVIEW}: the grader could not grade {names}", 500)
        result.message = "\n".join([waits, *([result.message] if result.message else [])])
    decisive = {test.id for test in held}
    idle = sum(run.status == "held" for test in result.tests for run in test.runs if test.id not in decisive)
    if idle:
        result.warnings.append(f"{counted(idle, 'run')} could not be graded, for no points")
    retried = sum(run.retried for test in result.tests for run in test.runs)
    if retried:
        result.warnings.append(f"{counted(retried, 'run')} tried a second time, after an error of the grader")


def hold_all(result: Result, stages: Sequence[Stage], message: str) -> None:
    """Make a result that holds all points, for a submission that could not be graded at all."""
    result.tests, result.stages = [], []
    for stage in stages:
        tests = [left_out(item, "held", message) for item in stage.items]
        result.tests += tests
        result.stages.append(sum_stage(stage, tests))
    sum_up(result)
    result.message = message


def is_built_on(stage: Stage, done: Sequence[StageResult]) -> str:
    """Return why a stage is skipped, "" if everything that it needs is there.

    Points that wait for a review count as there. A stage that has lost its basis, or is forfeited, supports no other.
    """
    for other in done:
        if other.id not in stage.needs:
            continue
        if other.status in ("not-written", "skip"):
            return f"not run: it builds on {other.id}, which is not written yet"
        if other.basis_status in NOTHING_COUNTS:
            return f"not run: it builds on {other.id}, which gives no points"
        if other.score + other.held_score < stage.needs_share * other.max_score:
            has = f"{other.score:g} of {other.max_score:g} points, less than {stage.needs_share:.0%}"
            return f"not run: it builds on {other.id}, which has {has}"
    return ""

"""From the records of runs to the results of tests, stages and a submission. Runs nothing, and knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from grader.cleaning import clean, one_line
from grader.result import Figure, Metrics, Result, Run, StageResult, Status, Test
from grader.rubric import Item, Rubric, Stage
from labs.sim.run import RunRecord
from labs.stages import performance

NOT_WRITTEN = "NotWritten"


def judged_run(record: RunRecord, secret: bool, retried: bool) -> Run:
    """Return what is kept of a record."""
    status = record.status if record.status in ("pass", "fail", "error") else "grader-error"
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
    )


def judge_test(
    item: Item, seeds: int, runs: Sequence[Run], records: Sequence[RunRecord], rubric: Rubric, source: str
) -> Test:
    """Return the result of a test from its runs, in the order of its seeds; `source` is what one types to replay.

    Of `seeds` planned runs, those that were not worth while did not pass; those that we failed to judge do not count.
    """
    judged = [run for run in runs if run.status != "grader-error"]
    planned = seeds - (len(runs) - len(judged))
    passes = sum(run.status == "pass" for run in judged)
    failed = [run for run in judged if run.status != "pass"]
    test = _empty(item, _status(item, planned, passes, failed))
    test.passes, test.runs = passes, list(runs)
    test.failing_seeds = [run.seed for run in failed if not run.secret and run.seed is not None]
    test.failing_secret_seeds = sum(run.secret for run in failed)
    test.metrics = _means([record for record in records if record.status != "grader-error"])
    test.score = _score(item, passes, planned)
    if test.status == "grader-error":
        _settle_our_error(test, runs, rubric)
    elif failed and test.status != "pass":
        first = failed[0]
        record = next(record for record in records if record.seed == first.seed)
        test.rule, test.message, test.hint = first.rule, first.message, clean(record.hint, 500)
        if test.failing_seeds and item.kind != "hidden":
            test.replay = f"make replay TEST={test.id} SEED={test.failing_seeds[0]}{source}"
    return test


def judge_performance(test: Test, records: Sequence[RunRecord], references: Sequence[RunRecord]) -> None:
    """Replace the points of a performance test whose runs passed by those of its figures, beside the reference's."""
    if test.status != "pass":
        return
    judged = [record for record in records if record.status == "pass"]
    measured = performance.judge(judged, performance.figures_of(references) if references else None)
    share = fmean(min(found.points, performance.FULL) for found in measured) / performance.FULL
    test.figures = {
        found.metric: Figure(round(found.value or 0.0, 4), round(found.reference, 4), found.tier) for found in measured
    }
    test.score = round(test.max_score * share, 2)
    slow = [found for found in measured if found.points < performance.FULL]
    if slow:
        test.status = "fail"
        test.message = "; ".join(
            f"{found.title}: {found.value:.4g} {found.unit}, the reference {found.reference:.4g} (tier: {found.tier})"
            for found in slow
        )
        test.hint = "; ".join(performance.BY_ID[found.metric].advice for found in slow)
        test.replay = f"make test-perf STAGE={test.stage}"


def left_out(item: Item, status: Status, message: str) -> Test:
    """Return the result of a test of which nothing was run."""
    test = _empty(item, status)
    test.message = message
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


def _status(item: Item, planned: int, passes: int, failed: list[Run]) -> Status:
    if not planned:
        return "grader-error"
    if passes >= item.threshold * planned:
        return "pass"
    if any(run.rule == NOT_WRITTEN for run in failed):
        return "not-written"
    return "error" if failed[0].status == "error" else "fail"


def _score(item: Item, passes: int, planned: int) -> float:
    """Return the points: all from the threshold on, else none, or a share if the rubric gives one."""
    if not planned:
        return 0.0
    if passes >= item.threshold * planned:
        return item.points
    return round(item.points * passes / planned, 2) if item.partial else 0.0


def _settle_our_error(test: Test, runs: Sequence[Run], rubric: Rubric) -> None:
    """Give or exclude the points of a test that the grader could not judge; say which, and why."""
    what = next((run.message for run in runs if run.message), "no run came to an end")
    if rubric.when_grader_fails == "grant":
        test.score = test.max_score
        done = f"its {test.max_score:g} points are granted"
    else:
        done = f"its {test.max_score:g} points are taken out of the maximum"
        test.max_score = 0.0
    test.message = clean(f"an error of the grader, also when tried again; {done}. {what}")


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
    """Return the sum of a stage."""
    status = "graded"
    if all(test.status == "skip" for test in tests):
        status = "skip"
    elif all(test.status in ("not-written", "skip") for test in tests):
        status = "not-written"
    score, most = (round(sum(getattr(test, name) for test in tests), 2) for name in ("score", "max_score"))
    return StageResult(stage.id, stage.title, status, score, most, message)  # type: ignore[arg-type]


def sum_up(result: Result) -> None:
    """Fill in the totals, and what there is to say about them."""
    result.score = round(sum(test.score for test in result.tests), 2)
    result.max_score = round(sum(test.max_score for test in result.tests), 2)
    ours = result.our_errors
    if ours:
        names = ", ".join(test.id for test in ours[:5])
        result.message = one_line(f"the grader failed in {len(ours)} tests, which cost no points: {names}", 500)
    retried = sum(run.retried for test in result.tests for run in test.runs)
    if retried:
        result.warnings.append(f"{retried} runs were tried a second time, after an error of the grader")


def is_built_on(stage: Stage, done: Sequence[StageResult]) -> str:
    """Return why a stage is skipped, "" if what it needs is there."""
    for other in done:
        if other.id not in stage.needs:
            continue
        if other.status != "graded":
            return f"not run: it builds on {other.id}, which is not written yet"
        if other.score < stage.needs_share * other.max_score:
            has = f"{other.score:g} of {other.max_score:g} points, less than {stage.needs_share:.0%}"
            return f"not run: it builds on {other.id}, which has {has}"
    return ""

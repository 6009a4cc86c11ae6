"""Scores the stored runs of a result by another rubric, without running anything.

A verdict of a run is a fact; points, thresholds, groups, weights and what students see are the rubric's choice. If the
rubric needs a run that was never made, the result cannot be rescored, and the reason names test and seeds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from grader.grading import scoring
from grader.grading.adjusting import choose, decide_tests, names_of, settle
from grader.grading.patience import SLOW
from grader.grading.policy import TiersPart
from grader.grading.rubric import Item, Rubric, Stage
from grader.results.result import Result, Run, StageResult, Test
from labs.raft.rules import RULES

GAVE_UP = "not run: in "
"""How the message begins if the grading ended early (grader.grading.patience): a fact that another rubric keeps."""
_COUNTED = re.compile(r"\d+ runs? (could not be graded, .*|(were )?tried a second time, .*)")
"""Warnings that sum up runs, and are made again."""


class NotRun(Exception):
    """The rubric needs a run that the result does not have; the text names it."""


def rescore(result: Result, rubric: Rubric) -> Result:
    """Return the result by another rubric, with late days and what an instructor decided. Raise NotRun if runs are
    missing."""
    new = msgspec.json.decode(msgspec.json.encode(result), type=Result)
    new.basis.rubric, new.basis.rubric_sha256 = rubric.title, rubric.sha256
    new.basis.selection = rubric.selection
    new.adjustments = []
    if result.status == "unfinished":
        raise NotRun("its grading did not finish")
    if result.status == "not-gradable" or not result.tests:  # refused, perhaps graded by a decision since then
        new.status = "not-gradable"
        new.max_score, new.score = round(sum(item.points for item in rubric.items), 2), 0.0
        new.unseen_score = round(sum(item.points for item in rubric.items if item.visibility != "visible"), 2)
        settle(new, rubric.policy)
        return new
    known = {test.id: test for test in result.tests}
    new.tests, new.stages = [], []
    for stage in rubric.stages:
        why_not = scoring.is_built_on(stage, new.stages)
        tests = [
            scoring.left_out(item, "skip", why_not)
            if why_not
            else _judge(item, known.get(item.scenario.id), rubric.policy.tiers)
            for item in stage.items
        ]
        new.tests += tests
        new.stages.append(scoring.sum_stage(stage, tests, why_not or _why_given_up(stage, tests, result.stages)))
    decide_tests(new, rubric.policy, names_of(new.submission))
    counted = {test.id for test in new.tests}
    new.held = [held for held in new.held if held.test in {"", *counted}]
    new.warnings = [line for line in new.warnings if not _COUNTED.fullmatch(line)]
    scoring.sum_up(new)
    if any(not held.test for held in new.held):  # the submission as a whole could not be graded: why stays as it was
        new.message = result.message
    settle(new, rubric.policy)
    return new


def rescore_attempts(attempts: Sequence[Result], rubric: Rubric) -> Result:
    """Return the attempt of a student that counts, rescored, of those that were stored in this order.

    Of several results of one submission only the newest counts, and an earlier one that was held before its files were
    known is left out. The current result, the last one, must have all runs; an earlier attempt that does not is left
    out. Raise NotRun if the current one is missing runs.
    """
    found = []
    for attempt in _in_order(attempts):
        try:
            found.append(rescore(attempt, rubric))
        except NotRun:
            if attempt is attempts[-1]:
                raise
    return found[choose(found, rubric.policy)]


def _in_order(attempts: Sequence[Result]) -> list[Result]:
    """Return the newest result of each submission, as they were handed in; one without a time or a number comes after
    those that were stored before it."""
    newest: dict[str, Result] = {}
    for attempt in attempts:
        if attempt.status == "held" and not attempt.submission.sha256 and attempt is not attempts[-1]:
            continue
        newest.pop(attempt.submission.sha256, None)
        newest[attempt.submission.sha256] = attempt
    known, latest = list[tuple[tuple[str, int], Result]](), ("", 0)
    for attempt in newest.values():
        when = attempt.submission.handed_in, attempt.submission.attempt
        latest = max(latest, when)
        known.append((when if any(when) else latest, attempt))
    return [attempt for _, attempt in sorted(known, key=lambda pair: pair[0])]


def _judge(item: Item, old: Test | None, tiers: TiersPart) -> Test:
    """Return a test by the rubric's item from its stored runs."""
    name = item.scenario.id
    if old is None:
        raise NotRun(f"{name} was not part of its grading")
    if old.status == "skip" and not old.runs:
        if not old.message.startswith(GAVE_UP):
            raise NotRun(
                f"{name} was not run then, because {old.message.removeprefix('not run: ') or 'it was skipped'}"
            )
        return scoring.left_out(item, "skip", old.message)
    if not old.runs:
        return scoring.left_out(item, old.status, old.message)
    runs, planned = _chosen(item, old), len(item.public) + item.secret
    same = [run.seed for run in runs] == [run.seed for run in old.runs]
    if item.kind == "performance" and not same:
        raise NotRun(f"{name} was measured with other seeds")
    test = scoring.judge_runs(item, planned, runs, _hints(old, runs), _source_of(old))
    test.metrics, test.figures = old.metrics, old.figures
    if item.kind == "performance":
        _judge_figures(test, old, tiers)
    return test


def _judge_figures(test: Test, old: Test, tiers: TiersPart) -> None:
    """Give a performance test the points of the figures that were measured; the tier of each is a fact."""
    if test.status == "held":
        test.score, test.held_score = 0.0, test.max_score
    if test.status == "pass" and test.figures:
        test.score = scoring.score_of_figures(test, tiers)
        if any(figure.tier in ("none", "partial") for figure in test.figures.values()):
            test.status, test.message, test.hint, test.replay = "fail", old.message, old.hint, old.replay


def _chosen(item: Item, old: Test) -> list[Run]:
    """Return the stored runs with the seeds that the rubric asks for, in its order.

    A grading ends a test early if another seed would show nothing new; such a run stands for all that did not follow.
    """
    by_seed = {run.seed: run for run in old.runs if not run.secret}
    secret = [run for run in old.runs if run.secret]
    settled = next((run for run in old.runs if run.rule == scoring.NOT_WRITTEN or run.rule in SLOW), None)
    missing = [seed for seed in item.public if seed not in by_seed]
    if (missing or len(secret) < item.secret) and settled is None:
        seeds = f"with {'seed' if len(missing) == 1 else 'seeds'} {', '.join(map(str, missing))}" if missing else ""
        few = f"with {item.secret} secret seeds, but {len(secret)}" if len(secret) < item.secret else ""
        raise NotRun(f"{item.scenario.id} was not run {' nor '.join(part for part in (seeds, few) if part)}")
    runs = [by_seed[seed] for seed in item.public if seed in by_seed] + secret[: item.secret]
    return runs or ([settled] if settled else [])


def _hints(old: Test, runs: Sequence[Run]) -> dict[int, str]:
    """Return a hint by seed: the one that was kept, for the same rule, else the catalogue's."""
    known = {rule: found.hint for rule, found in RULES.items()} | ({old.rule: old.hint} if old.rule else {})
    return {run.seed or 0: known.get(run.rule or "", "") for run in runs}


def _source_of(old: Test) -> str:
    _, found, path = old.replay.partition(" SUBMISSION=")
    return found + path


def _why_given_up(stage: Stage, tests: Sequence[Test], before: Sequence[StageResult]) -> str:
    """Return why a stage was not run if all its tests were left out because the grading ended early."""
    if all(test.status == "skip" and test.message.startswith(GAVE_UP) for test in tests):
        return next((old.message for old in before if old.id == stage.id), "")
    return ""

"""The figures of a class, from results alone: tests, rules, points, time, and what waits for a review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean, median

import msgspec

from grader.results.pages.clusters import Cluster, clusters, identical
from grader.results.result import Result, Test
from labs.raft.rules import RULES

BINS = 20
JUDGED = ("pass", "fail", "error", "not-written")
"""Statuses that show something about a submission."""
BROKEN = ("fail", "error")
SLOWEST = 10


class TestFigures(msgspec.Struct):
    """How a class did in one test."""

    id: str
    stage: str
    kind: str
    title: str
    max_score: float
    judged: int
    """Submissions for which the test was run and judged."""
    passed: int
    held: int
    runs: int
    passed_runs: int
    rule: str
    """The rule broken most in it, "" if none."""
    seconds: float
    """Mean wall time of a run."""


class RuleFigures(msgspec.Struct):
    """How often a rule was broken, and where in the paper it is."""

    id: str
    place: str
    submissions: int
    tests: int
    runs: int


class Summary(msgspec.Struct):
    """Everything that the page of a class shows besides single results."""

    count: int
    graded: int
    held: int
    refused: int
    unfinished: int
    max_score: float
    mean: float | None
    median: float | None
    bins: list[int]
    """Graded submissions by their share of the points, in equal bins; full points are in the last one."""
    tests: list[TestFigures]
    rules: list[RuleFigures]
    nobody_fails: list[str]
    everybody_fails: list[str]
    clusters: list[Cluster]
    identical: list[list[str]]
    seconds: float
    slowest: list[tuple[str, float]]
    """Submissions by the wall time of their grading."""
    finished_at: str
    bases: list[str]


def summarise(results: Sequence[Result]) -> Summary:
    """Return the figures of a class."""
    scores = [result.score for result in results if result.status == "graded"]
    tests = _tests(results)
    asked = [test for test in tests if test.judged >= 2]
    status = Counter(result.status for result in results)
    slowest = sorted(((one.submission.name, one.duration) for one in results), key=lambda item: (-item[1], item[0]))
    return Summary(
        count=len(results),
        graded=status["graded"],
        held=status["held"],
        refused=status["not-gradable"],
        unfinished=status["unfinished"],
        max_score=max((result.max_score for result in results), default=0.0),
        mean=round(fmean(scores), 2) if scores else None,
        median=round(median(scores), 2) if scores else None,
        bins=_bins(results),
        tests=tests,
        rules=_rules(results),
        nobody_fails=[test.id for test in asked if test.passed == test.judged],
        everybody_fails=[test.id for test in asked if not test.passed],
        clusters=clusters(results),
        identical=identical(results),
        seconds=round(sum(result.duration for result in results), 1),
        slowest=[(name, seconds) for name, seconds in slowest[:SLOWEST] if seconds],
        finished_at=max((result.finished_at for result in results), default=""),
        bases=list(dict.fromkeys(result.basis.in_words for result in results)),
    )


def _bins(results: Sequence[Result]) -> list[int]:
    found = [0] * BINS
    for result in results:
        if result.status == "graded" and result.max_score:
            share = max(0.0, result.score / result.max_score)
            found[min(BINS - 1, int(BINS * share + 1e-9))] += 1
    return found


def _tests(results: Sequence[Result]) -> list[TestFigures]:
    by_id: dict[str, list[Test]] = {}
    for result in results:
        for test in result.tests:
            by_id.setdefault(test.id, []).append(test)
    return [_figures(found) for found in by_id.values()]


def _figures(tests: Sequence[Test]) -> TestFigures:
    first = tests[0]
    runs = [run for test in tests for run in test.runs]
    rules = Counter(test.rule for test in tests if test.rule and test.status in BROKEN)
    worst = min(rules, key=lambda rule: (-rules[rule], rule)) if rules else ""
    return TestFigures(
        first.id,
        first.stage,
        first.kind,
        first.title,
        first.max_score,
        judged=sum(test.status in JUDGED for test in tests),
        passed=sum(test.status == "pass" for test in tests),
        held=sum(test.status == "held" for test in tests),
        runs=len(runs),
        passed_runs=sum(run.status == "pass" for run in runs),
        rule=worst,
        seconds=round(fmean(run.wall_time for run in runs), 3) if runs else 0.0,
    )


def _rules(results: Sequence[Result]) -> list[RuleFigures]:
    submissions: dict[str, set[str]] = {}
    tests: dict[str, set[str]] = {}
    runs: Counter[str] = Counter()
    for result in results:
        for test in (test for test in result.tests if test.status in BROKEN):
            for run in test.runs:
                if run.rule:
                    submissions.setdefault(run.rule, set()).add(result.submission.name)
                    tests.setdefault(run.rule, set()).add(test.id)
                    runs[run.rule] += 1
    found = [
        RuleFigures(rule, RULES[rule].place if rule in RULES else "", len(names), len(tests[rule]), runs[rule])
        for rule, names in submissions.items()
    ]
    return sorted(found, key=lambda rule: (-rule.submissions, -rule.runs, rule.id))

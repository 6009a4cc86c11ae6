"""What students may see of a result: no secret seeds, and as much of each test as its detail level allows.

`full`: the facts, and how to repeat the run; `rule`: title and the broken rule; `none`: title and status. A submission
can choose the rule that it breaks by what it sees of a test, so `rule` is not for hidden tests. Everything that goes to
a student is made from this view.
"""

from __future__ import annotations

import msgspec

from grader.results.basis import tell
from grader.results.result import REVIEW, Held, Metrics, Result, Run, Test, sum_points

OPEN = ("pass", "skip", "not-written", "held")
"""Statuses whose messages reveal nothing of how a test works."""
WAITS = f"{REVIEW}: the grader could not grade all of it, so there is no grade yet; your instructor has the details"


def student_view(result: Result, keep_hidden: bool = False) -> Result:
    """Return a copy for students. Tests whose visibility is not `visible` are left out, or kept without detail."""
    view = msgspec.json.decode(msgspec.json.encode(result), type=Result)
    view.audience, view.warnings, view.sandbox.details, view.basis.secret = "student", [], {}, ""
    view.submission.source, view.submission.people, view.reason = "", [], ""  # the instructor's business
    view.release = msgspec.UNSET
    details = {test.id: _detail(test) for test in view.tests if keep_hidden or test.visibility == "visible"}
    view.held = [_without_cause(held, details.get(held.test)) for held in view.held if held.test in {"", *details}]
    shown = [test for test in view.tests if keep_hidden or test.visibility == "visible"]
    view.unseen, view.tests = len(view.tests) - len(shown), [_shown(test) for test in shown]
    _sum_up(view)
    return view


def _sum_up(view: Result) -> None:
    """Make the sums, and the texts about them, those of the tests that are shown, so that they reveal no others."""
    for stage in view.stages:
        sum_points(stage, [test for test in view.tests if test.stage == stage.id])
    if view.tests or view.unseen:
        _adjust(view)
        sum_points(view, view.tests)
    else:
        view.max_score = round(view.max_score - view.unseen_score, 2)
    view.unseen_score = 0.0
    if view.unseen:
        view.stages = [stage for stage in view.stages if any(test.stage == stage.id for test in view.tests)]
        for stage in view.stages:
            stage.message = _without_sum(stage.message)
        for test in view.tests:
            test.message = _without_sum(test.message) if test.status == "skip" else test.message
    said = tell(view.stages, view.tests)
    if view.status == "held":
        view.message = "\n".join([WAITS, *([said] if said else [])])
    elif view.status == "graded":
        view.message = said


def _adjust(view: Result) -> None:
    """Keep the changes of points that reveal no test and no sum beyond those shown: late days take their share of these
    points; a decision about the whole has no number among a part of the tests."""
    shown = {test.id for test in view.tests}
    earned = round(sum(test.score for test in view.tests), 2)
    view.adjustments = [change for change in view.adjustments if not change.test or change.test in shown]
    for change in view.adjustments:
        if change.kind == "late":
            change.points = -round(change.share * earned, 2)
        elif not change.test and view.unseen:
            change.points = 0.0


def _without_sum(why_not: str) -> str:
    """Return why a stage was not run, without the points of the stage below it."""
    return why_not.partition(", which has ")[0]


def _shown(test: Test) -> Test:
    test.replay = test.replay.partition(" SUBMISSION=")[0]  # its path is the instructor's business
    detail = _detail(test)
    test.runs = [_without_seed(run) for run in test.runs] if detail == "full" else []
    if test.status == "held":
        test.message = test.message.partition(". ")[0]
    if detail == "full":
        if test.status in ("fail", "error") and not test.replay:
            test.hint = (test.hint + " " if test.hint else "") + "It failed with secret seeds only; ask for them later."
        return test
    test.failing_seeds, test.failing_secret_seeds, test.replay, test.hint = [], 0, "", ""
    test.metrics, test.figures = Metrics(), {}
    if detail == "none":
        test.rule, test.passes = None, 0
    if test.status not in OPEN:
        test.message = f"broke the rule {test.rule}" if test.rule else "did not pass"
    elif test.status == "not-written":  # the rest is the submission's own text, and it has seen the test
        test.message = "not written yet"
    return test


def _detail(test: Test) -> str:
    return test.detail if test.visibility == "visible" else "none"


def _without_seed(run: Run) -> Run:
    if run.secret:
        run.seed, run.digest = None, ""
    if run.status == "held":
        run.message = ""
    run.details = ""
    return run


def _without_cause(held: Held, detail: str | None) -> Held:
    """Return a held run without the grader's error and the command that repeats it: those are for the instructor."""
    seed = None if held.secret or detail != "full" else held.seed
    return Held(held.test, seed, held.secret, held.hosts, held.level)

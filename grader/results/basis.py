"""Texts on stages whose basis (grader.grading.stage_basis) is lost or open, for a reader who sees only some tests.

Only texts: which points count is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.cleaning import clean
from grader.results.result import REVIEW, StageResult, Test

NOTHING_COUNTS = ("lost", "forfeited")
FAILED = ("fail", "error", "not-written")
_FORFEITED = "a run broke a rule that nobody breaks by mistake there"


def why_nothing_counts(stage: StageResult, tests: Sequence[Test]) -> str:
    """Return what a stage that has lost its basis waits for, "" if no points depend on it.

    `tests` are those that the reader may see: the sentence names and counts no others.
    """
    passed = sum(test.stage == stage.id and test.uncounted > 0 for test in tests)
    if not passed:
        return ""
    what = "1 drill or test passed and gives" if passed == 1 else f"{passed} drills and tests passed and give"
    named = [test for test in tests if test.id in (*stage.basis, stage.forfeited_by)]
    if stage.basis_status == "forfeited":
        found = [f"{stage.id} gives no points: {_FORFEITED}; {what} none"]
        named = [test for test in named if test.id == stage.forfeited_by]
    else:
        found = [f"{_counts_when(stage.id, [test.id for test in named])}: {what} no points yet"]
    for test in named:
        if test.status in FAILED and (stage.forfeited_by or not test.passes):
            broken = f"{test.id} breaks {test.rule}" if test.rule else f"{test.id} fails"
            found.append(broken + (f": {test.replay}" if test.replay else ""))
    return clean("; ".join(found))


def tell(stages: Sequence[StageResult], tests: Sequence[Test]) -> str:
    """Fill in what stages without their basis wait for, for a reader who sees these tests; return all these sentences.

    The messages of their tests are filled in, too.
    """
    told = []
    for stage in stages:
        shown, before = [test.id for test in tests if test.id in stage.basis], why_open(stage.id, stage.basis)
        for test in (test for test in tests if not test.decided_by):
            if stage.basis_status in NOTHING_COUNTS and test.stage == stage.id and test.status == "pass":
                test.message = f"it gives no points yet: {_counts_when(stage.id, shown)}"
                if stage.basis_status == "forfeited":
                    test.message = f"it gives no points, as nothing in {stage.id} does"
            elif test.message.startswith(before):
                test.message = why_open(stage.id, shown) + test.message.removeprefix(before)
        stage.basis = shown
        if stage.basis_status in NOTHING_COUNTS:
            stage.message = why_nothing_counts(stage, tests)
            told += [stage.message] if stage.message else []
    return "\n".join(told)


def why_open(stage: str, basis: Sequence[str]) -> str:
    """Return why a stage waits if its basis could not be graded."""
    return f"{REVIEW}: {_counts_when(stage, basis)}, and the grader could not grade that"


def waits_for_basis(test: Test) -> bool:
    """Return whether a test is held only because its stage's basis could not be graded."""
    return test.status == "held" and bool(test.runs) and all(run.status != "held" for run in test.runs)


def _counts_when(stage: str, basis: Sequence[str]) -> str:
    if not basis:
        return f"{stage} counts when a test passes that is not shown here"
    return f"{stage} counts when {' and '.join(basis)} {'passes' if len(basis) == 1 else 'pass'}"

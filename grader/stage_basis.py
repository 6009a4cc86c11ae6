"""The basis of a stage: tests without which none of its points count.

Many tests want a refusal, or that something does not happen; a server that does nothing passes them, too. So a stage
names the simplest tests that cannot be passed without what it teaches. If one of them fails with every seed, nothing
in the stage counts; if the grader could not find out, the stage waits for a review. It is forfeited if a run broke a
rule that it names for that, one that can only be broken on purpose. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from grader.cleaning import clean
from grader.result import REVIEW, BasisStatus, StageResult, Test
from grader.rubric import Stage

NOTHING_COUNTS = ("lost", "forfeited")
FAILED = ("fail", "error", "not-written")
_FORFEITED = "a run broke a rule that is not broken by mistake there"


def rest_on_basis(stage: Stage, tests: Sequence[Test]) -> BasisStatus:
    """Take the points of a stage's tests away if its basis is lost, or hold them if that is open; return which.

    One seed that passes is enough: what works now and then is there.
    """
    if all(test.status == "skip" for test in tests):
        return "none"
    states = {test.id: _state(test) for test in tests if test.id in stage.basis}
    is_forfeited = bool(forfeited_by(stage, tests))
    if is_forfeited or "lost" in states.values():
        for test in tests:  # what is said of them: tell
            test.uncounted, test.score, test.held_score = test.score, 0.0, 0.0
        return "forfeited" if is_forfeited else "lost"
    if "held" in states.values():
        if any(test.score or test.held_score for test in tests):
            for test in tests:
                _wait(test, stage, is_open=states.get(test.id) == "held")
        return "held"
    return "there" if states else "none"


def forfeited_by(stage: Stage, tests: Sequence[Test]) -> str:
    """Return the first test in which a rule was broken that the stage is forfeited for, "" if there is none."""
    found = (test.id for test in tests if any(run.rule in stage.forfeits for run in test.runs))
    return next(found, "")


def _wait(test: Test, stage: Stage, is_open: bool) -> None:
    """Hold the points of a test whose stage's basis is open; `is_open`: it is what could not be judged."""
    test.held_score, test.score = round(test.held_score + test.score, 2), 0.0
    if is_open or test.status == "pass":
        why = _open(stage.id, stage.basis)
        test.status, test.message = "held", why + (f". {test.message}" if test.message else "")


def _state(test: Test) -> Literal["there", "lost", "held"]:
    if any(run.status == "pass" for run in test.runs):
        return "there"
    return "lost" if test.runs and all(run.status != "held" for run in test.runs) else "held"


def why_nothing_counts(stage: StageResult, tests: Sequence[Test]) -> str:
    """Return what a stage that has lost its basis is waiting for, "" if no points depend on it.

    `tests` are those that the reader may see: the sentence names no other, and counts no other.
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
    """Fill in what stages without their basis wait for, as somebody may read it who sees these tests; return it all.

    The messages of their tests are filled in with it.
    """
    told = []
    for stage in stages:
        shown, before = [test.id for test in tests if test.id in stage.basis], _open(stage.id, stage.basis)
        for test in tests:
            if stage.basis_status in NOTHING_COUNTS and test.stage == stage.id and test.status == "pass":
                test.message = f"it gives no points yet: {_counts_when(stage.id, shown)}"
                if stage.basis_status == "forfeited":
                    test.message = f"it gives no points, as nothing in {stage.id} does"
            elif test.message.startswith(before):
                test.message = _open(stage.id, shown) + test.message.removeprefix(before)
        stage.basis = shown
        if stage.basis_status in NOTHING_COUNTS:
            stage.message = why_nothing_counts(stage, tests)
            told += [stage.message] if stage.message else []
    return "\n".join(told)


def _open(stage: str, basis: Sequence[str]) -> str:
    return f"{REVIEW}: {_counts_when(stage, basis)}, and the grader could not judge that"


def waits_for_basis(test: Test) -> bool:
    """Return whether a test is held only because its stage's basis could not be judged."""
    return test.status == "held" and bool(test.runs) and all(run.status != "held" for run in test.runs)


def _counts_when(stage: str, basis: Sequence[str]) -> str:
    if not basis:
        return f"{stage} counts when a test passes that is not shown here"
    return f"{stage} counts when {' and '.join(basis)} {'passes' if len(basis) == 1 else 'pass'}"

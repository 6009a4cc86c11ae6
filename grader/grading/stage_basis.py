"""The basis of a stage: tests without which none of its points count.

Many tests require a refusal, or that something does not happen; a server that does nothing passes them, too. So a stage
names the simplest tests that a server can pass only if it does what the stage teaches. If one of them fails with every
seed, nothing in the stage counts; if the grader could not find out, the stage waits for a review. The stage is
forfeited if a run broke one of the rules that it names for that, which can only be broken on purpose. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from grader.grading.rubric import Stage
from grader.results.basis import why_open
from grader.results.result import BasisStatus, Test


def rest_on_basis(stage: Stage, tests: Sequence[Test]) -> BasisStatus:
    """Remove the points of a stage's tests if its basis is lost, or hold them if that is open; return which.

    One passing seed is enough: then the feature is there, even if it does not always work.
    """
    if all(test.status == "skip" for test in tests):
        return "none"
    states = {test.id: _state(test) for test in tests if test.id in stage.basis}
    is_forfeited = bool(forfeited_by(stage, tests))
    if is_forfeited or "lost" in states.values():
        for test in tests:  # the texts about them: grader.results.basis
            test.uncounted, test.score, test.held_score = round(test.uncounted + test.score, 2), 0.0, 0.0
        return "forfeited" if is_forfeited else "lost"
    if "held" in states.values():
        if any(test.score or test.held_score for test in tests):
            for test in tests:
                _wait(test, stage, is_open=states.get(test.id) == "held")
        return "held"
    return "there" if states else "none"


def forfeited_by(stage: Stage, tests: Sequence[Test]) -> str:
    """Return the first test that broke a rule for which the stage is forfeited, "" if there is none."""
    found = (test.id for test in tests if any(run.rule in stage.forfeits for run in test.runs))
    return next(found, "")


def _wait(test: Test, stage: Stage, is_open: bool) -> None:
    """Hold the points of a test whose stage's basis is open; `is_open`: it is the test that could not be graded."""
    test.held_score, test.score = round(test.held_score + test.score, 2), 0.0
    if is_open or test.status == "pass":
        why = why_open(stage.id, stage.basis)
        test.status, test.message = "held", why + (f". {test.message}" if test.message else "")


def _state(test: Test) -> Literal["there", "lost", "held"]:
    if any(run.status == "pass" for run in test.runs):
        return "there"
    return "lost" if test.runs and all(run.status != "held" for run in test.runs) else "held"

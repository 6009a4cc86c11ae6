"""All-or-nothing groups: tests that give points only together. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from grader.grading.policy import Group
from grader.results.result import REVIEW, Test

UNDECIDED = ("pass", "held")


def hold_to_groups(groups: Sequence[Group], tests: Sequence[Test]) -> None:
    """Take the points of each group in which a test did not pass; if that is open, let all of them wait."""
    for group in groups:
        members = [test for test in tests if test.id in group.tests]
        if any(test.status not in UNDECIDED for test in members):
            for test in members:
                test.uncounted, test.score, test.held_score = test.score, 0.0, 0.0
                if test.status in UNDECIDED:
                    test.message = f"it gives no points: {group.title!r} counts only if all its tests pass"
                if test.status == "held":  # no points depend on it any more
                    test.status = "skip"
        elif any(test.status == "held" for test in members):
            for test in members:
                _wait(test, group)


def _wait(test: Test, group: Group) -> None:
    test.held_score, test.score = round(test.held_score + test.score, 2), 0.0
    if test.status == "pass":
        test.status = "held"
        test.message = f"{REVIEW}: {group.title!r} counts only if all its tests pass, and one of them is open"

"""Failing tests that have one cause, as the terminal groups them (labs.report.failures): the same status, rule, and
line of the submission, or else the same words. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.results.result import Test

if TYPE_CHECKING:
    from labs.testing.run import RunRecord


@dataclass(frozen=True)
class Cause:
    """The tests that fail for one reason."""

    shown: Test
    """The test to look at: one that the reader can repeat, with the shortest failing run."""
    others: tuple[Test, ...] = ()

    @property
    def tests(self) -> tuple[Test, ...]:
        return self.shown, *self.others


def causes_of(tests: Sequence[Test]) -> list[Cause]:
    """Return the causes of the failures among some tests, in the order in which they come. A test whose runs are not
    shown, or whose figures are low, is a cause of its own, and so is a held one."""
    from labs.report import failures

    known = {test.id: test for test in tests}
    alike = {
        cause.tests[0]: cause.tests for cause in failures.causes([_record(test) for test in tests if _shows(test)])
    }
    found = []
    for test in tests:
        if not _shows(test):
            found.append(Cause(test))
        elif test.id in alike:
            together = [known[name] for name in alike[test.id]]
            shown = min(together, key=_how_long)
            found.append(Cause(shown, tuple(one for one in together if one is not shown)))
    return found


def _shows(test: Test) -> bool:
    """Return whether the message of a test is that of a run that failed."""
    return test.status in ("fail", "error") and bool(test.runs) and not test.figures


def _how_long(test: Test) -> tuple[bool, float]:
    times = [run.virtual_time for run in test.runs if run.status in ("fail", "error") and run.rule == test.rule]
    return not test.replay, min(times, default=0.0)


def _record(test: Test) -> RunRecord:
    """Return what stands for a test: the run that its message is about."""
    from labs.testing.run import RunRecord

    return RunRecord(
        test=test.id,
        stage=test.stage,
        title=test.title,
        seed=0,
        hosts="inline",
        status=test.status,
        rule=test.rule,
        message=test.message,
        hint=test.hint,
        involved=[],
        servers=0,
    )

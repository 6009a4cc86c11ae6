"""Release dates: from then on students see tests that were hidden before. A result keeps the rubric's visibility and
dates, whenever it was made; what is written for students is made from it for one moment, which the command gives.

Until their date, and without one, tests stay hidden. No verdict and no point depends on this.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from grader.results.result import Result


def released(result: Result, now: datetime.datetime) -> Result:
    """Return a result in which tests are visible if their date has come."""
    dates = {} if result.release is msgspec.UNSET else result.release
    due = {visibility for visibility, date in dates.items() if now >= datetime.datetime.fromisoformat(date)}
    tests = [
        msgspec.structs.replace(test, visibility="visible") if test.visibility in due else test for test in result.tests
    ]
    return msgspec.structs.replace(result, tests=tests)


def all_released(results: Mapping[str, Result], now: datetime.datetime) -> dict[str, Result]:
    """Return these results, each as `released` does."""
    return {name: released(result, now) for name, result in results.items()}

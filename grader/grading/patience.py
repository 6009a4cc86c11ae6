"""Decides when to stop grading a submission whose servers never yield, or crawl: such tests are slow and show nothing
new.

The order of the rubric decides, not which run ends first: a test is not run, or its result does not count, if enough
tests before it were lost in this way. Likewise tests in which the grader itself did not finish are held, and after
enough of them all others, too. Knows no points.
"""

from __future__ import annotations

from collections.abc import Iterable

SLOW = frozenset({"NoStall", "CpuBudget"})
"""The rules for taking too long: the first means ten seconds without an answer, the second half a minute of CPU
time."""
SHOWN = 5


class Patience:
    """Counts the tests of one submission that were lost in this way; after `most` of them grading stops. 0: never."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lost: list[str] = []

    def left(self, tests: Iterable[tuple[str, Iterable[str | None]]]) -> int:
        """Return how many of a stage's tests are worth a run: of the names, each with the rules broken so far."""
        lost, worth = len(self._lost), 0
        for _, rules in tests:
            if self._most and lost >= self._most:
                break
            lost += not SLOW.isdisjoint(rules)
            worth += 1
        return worth

    def count(self, tests: Iterable[tuple[str, Iterable[str | None]]]) -> None:
        """Note a stage that is over."""
        self._lost += [name for name, rules in tests if not SLOW.isdisjoint(rules)]
        if self._most:
            del self._lost[self._most :]

    def why_not(self) -> str:
        """Return why no more tests are run, "" if there is patience left."""
        if not self._most or len(self._lost) < self._most:
            return ""
        names = ", ".join(self._lost[:SHOWN]) + (", …" if len(self._lost) > SHOWN else "")
        return (
            f"not run: in {len(self._lost)} tests a server never yielded, or the servers took too much "
            f"CPU time; see {names}"
        )


class Stuck:
    """The tests of one submission in which the grader itself did not finish, though it tried twice."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tests: list[str] = []

    def add(self, test: str) -> None:
        """Note a test."""
        if test not in self._tests:
            self._tests.append(test)

    def why_not(self, test: str) -> str:
        """Return why no further seed of a test is run, "" if one is to be run. With `most` 0 only its own seeds
        count."""
        if test in self._tests or (self._most and len(self._tests) >= self._most):
            names = ", ".join(self._tests[:SHOWN]) + (", …" if len(self._tests) > SHOWN else "")
            return f"the grader took minutes, twice, and did not finish; see {names}"
        return ""

"""When to stop with a submission whose servers never yield, or crawl: each such test takes long and tells nothing new.

It goes by the order of the rubric, not by which run ends first: a test is not run, or what it brought does not count,
if enough tests before it were lost so. The same for the grader's own: tests in which it came to no end itself are held,
and after enough of them so is all the rest. Knows no points.
"""

from __future__ import annotations

from collections.abc import Iterable

SLOW = frozenset({"NoStall", "CpuBudget"})
"""The rules that are broken by taking too long: ten seconds of the one, half a minute of the processor of the other."""
SHOWN = 5


class Patience:
    """Counts the tests of one submission that were lost so; after `most` of them it is at an end. 0: never."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lost: list[str] = []

    def left(self, tests: Iterable[tuple[str, Iterable[str | None]]]) -> int:
        """Return how many of a stage's tests are worth it: their names, with the rules that their runs broke so far."""
        lost = len(self._lost)
        for position, (_, rules) in enumerate(tests):
            if self._most and lost >= self._most:
                return position
            lost += not SLOW.isdisjoint(rules)
        return position + 1

    def count(self, tests: Iterable[tuple[str, Iterable[str | None]]]) -> None:
        """Take note of a stage that is over."""
        self._lost += [name for name, rules in tests if not SLOW.isdisjoint(rules)]
        if self._most:
            del self._lost[self._most :]

    def why_not(self) -> str:
        """Return why nothing more is run, "" if there is patience left."""
        if not self._most or len(self._lost) < self._most:
            return ""
        names = ", ".join(self._lost[:SHOWN]) + (", …" if len(self._lost) > SHOWN else "")
        return (
            f"not run: in {len(self._lost)} tests a server never yielded, or the servers took too much of the "
            f"processor; see {names}"
        )


class Stuck:
    """The tests of one submission in which the grader itself came to no end, though it tried twice."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tests: list[str] = []

    def add(self, test: str) -> None:
        """Take note of a test."""
        if test not in self._tests:
            self._tests.append(test)

    def why_not(self, test: str) -> str:
        """Return why no further seed of a test is run, "" if one is. With `most` 0 only its own seeds count."""
        if test in self._tests or (self._most and len(self._tests) >= self._most):
            names = ", ".join(self._tests[:SHOWN]) + (", …" if len(self._tests) > SHOWN else "")
            return f"the grader took minutes, twice, and came to no end; see {names}"
        return ""

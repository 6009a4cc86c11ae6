"""How often runs fail, as far as some runs can show: the rate, and the bound of Clopper and Pearson.

Their bound is exact for any number of runs: it is the rate at which as few failures as were seen, or fewer, come up
with a probability of only 5 %. For no failures at all it is the "rule of three", 3 in N, but exact for small N, too.
"""

from __future__ import annotations

import math

DOUBT = 0.05
"""The probability that a rate is above its bound."""
STEPS = 50
"""Halvings of an interval, down to the precision of a float."""


def upper_bound(failed: int, runs: int) -> float:
    """Return the rate that runs fail below with 95 % confidence, if this many of them failed."""
    if failed >= runs:
        return 1.0
    low, high = failed / runs, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _at_most(failed, runs, middle) > DOUBT:
            low = middle
        else:
            high = middle
    return high


def needed(rate: float) -> int:
    """Return how many runs without a failure it takes to show that they fail below a rate."""
    return math.ceil(math.log(DOUBT) / math.log1p(-rate))


def _at_most(failed: int, runs: int, rate: float) -> float:
    """Return the probability that at most this many of the runs fail; `rate` lies between 0 and 1, both excluded."""
    logs = (
        math.lgamma(runs + 1)
        - math.lgamma(number + 1)
        - math.lgamma(runs - number + 1)
        + number * math.log(rate)
        + (runs - number) * math.log1p(-rate)
        for number in range(failed + 1)
    )
    return math.fsum(map(math.exp, logs))


def percent_below(rate: float) -> str:
    """Return a rate in percent with two digits, rounded up: what is under the rate is under this, too."""
    percent = rate * 100
    if percent >= 100:
        return "100 %"
    scale = 10 ** (1 - math.floor(math.log10(percent)))
    # A float's last digits would turn 1 into 1.1.
    return f"{math.ceil(round(percent * scale, 6)) / scale:g} %"


def in_words(failed: int, runs: int, tests: int = 1) -> str:
    """Return how many runs failed, and what that shows of the rate of a test; of several only if none failed."""
    if failed == runs:
        return f"all {runs} failed"
    share = f" ({_percent(failed / runs)} %)" if failed else ""
    words = f"{failed} of {runs} failed{share}"
    if failed and tests > 1:
        return words
    bound = percent_below(upper_bound(failed, runs // tests))
    return f"{words}: {'each test ' if tests > 1 else ''}with 95 % confidence under {bound}"


def _percent(rate: float) -> str:
    """Return a rate in percent with two digits at least."""
    return f"{100 * rate:.0f}" if rate >= 0.1 else f"{100 * rate:.2g}"

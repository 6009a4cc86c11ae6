"""Tries one case, and reports what is wrong with it: an error in the lab, a long text, too much work."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import strategies as st

from labs.codec.safe_repr import LONGEST
from tests.tools.fuzz.cases import Case

DATA = st.binary(min_size=200, max_size=1200)
SLOW = 5.0
"""CPU seconds that no case may take; most take a hundredth."""


@dataclass(frozen=True)
class Result:
    """What became of a case."""

    verdict: str
    events: int
    refused: int
    seconds: float


@dataclass
class Tried:
    """What became of all cases so far."""

    verdicts: Counter[str] = field(default_factory=Counter)
    events: int = 0
    refused: int = 0
    slowest: float = 0.0
    faults: int = 0

    def add(self, result: Result) -> None:
        self.verdicts[result.verdict] += 1
        self.events += result.events
        self.refused += result.refused
        self.slowest = max(self.slowest, result.seconds)

    def __str__(self) -> str:
        cases = self.verdicts.total()
        return (
            f"{cases:,} cases, {self.events:,} events, {self.refused:,} refusals, {len(self.verdicts)} verdicts, "
            f"slowest {self.slowest:.2f} s, {self.faults} parts with faults"
        )


def try_case(data: bytes) -> Result:
    """Run a case; raise AssertionError if it shows a fault."""
    begun = time.process_time()
    case = Case(data)
    outcome = case.run()
    seconds = time.process_time() - begun
    again = f"\nagain: python -m tests.tools.fuzz --case {data.hex()}"
    assert not case.faults, case.faults[0] + again
    if outcome is not None:
        assert not outcome.details, outcome.message + "\n" + outcome.details + again
        assert outcome.status != "grader-error", outcome.message + again
        assert len(outcome.message) <= LONGEST, again
    assert seconds < SLOW, f"{seconds:.1f} s of CPU time" + again
    verdict = "none" if outcome is None else str(outcome.rule)
    return Result(verdict, case.kernel.recorder.events, case.refused, seconds)

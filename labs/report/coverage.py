"""The coverage report: which situations of the protocol a session reached, and in which tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tabulate import tabulate

from labs.raft.checkers.situation_names import SITUATIONS
from labs.raft.stages import catalogue
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

SHOWN_TESTS = 3
"""How many tests are named for each situation, those that reach it most often first."""


def render(records: Sequence[RunRecord]) -> str:
    """Return one line per situation: how often it was reached, in how many runs and tests, and in which."""
    times: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    tests: dict[str, Counter[str]] = {name: Counter() for name in SITUATIONS}
    for record in records:
        for name, count in record.situations.items():
            times[name] += count
            runs[name] += 1
            tests[name][record.test] += count
    rows = []
    for name, meaning in SITUATIONS.items():
        most = ", ".join(test for test, _ in tests[name].most_common(SHOWN_TESTS))
        rows.append((name, meaning, times[name], runs[name], len(tests[name]), most or "NEVER"))
    headers = ("situation", "that is", "times", "runs", "tests", "most often in")
    missing = [name for name in SITUATIONS if not times[name]]
    reached = f"{len(SITUATIONS) - len(missing)} of {len(SITUATIONS)} situations reached in {len(records)} runs"
    lines = [str(tabulate(rows, headers=headers, tablefmt="simple")), reached]
    return "\n\n".join(lines)


def is_short(chosen: Sequence[Scenario], records: Sequence[RunRecord]) -> bool:
    """Return whether a session of all stages' tests missed a situation; a part of the tests may miss some."""
    everything = [scenario for stage in catalogue.RAFT_STAGES for scenario in catalogue.scenarios(stage)]
    reached = {name for record in records for name in record.situations}
    return len(chosen) == len(everything) and bool(set(SITUATIONS) - reached)

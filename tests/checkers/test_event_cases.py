"""Every checker, event by event: runs of known-wrong servers up to the event that breaks a rule, and runs that are
right.

The cases are in tests/corpora/event_cases. A case with a rule tries two things: that its last event is found, and that
nothing is found before it.
"""

from __future__ import annotations

from collections import Counter

import pytest

from labs.checking.configuration import Configuration
from labs.raft.checkers import checkers
from labs.raft.curriculum import STAGES as STAGES_OF_RAFT
from tests.corpora import event_cases
from tests.corpora.event_cases import STAGES, Case, by_hand

FEW = 2
"""Each checker has at least this many cases."""


def problem_with(case: Case, lines: list[bytes]) -> str:
    """Return how the checkers' finding differs from the case, or "" if it does not."""
    found = event_cases.verdict(case.stage, case.servers, event_cases.decoded(lines))
    if event_cases.agrees(case, len(lines), found):
        return ""
    wanted = f"{case.rule} by {case.judge} at event {len(lines) - 1}" if case.rule else "nothing"
    if found is None:
        return f"nothing is found, but {wanted} was to be"
    return f"{found.rule} is found by {found.judge} ({found.place}) at event {found.event}, and not {wanted}"


@pytest.mark.parametrize("stage", STAGES)
def test_judges_find_what_each_case_says_and_nothing_before(stage: str) -> None:
    problems = {case.name: problem_with(case, lines) for case, lines in event_cases.load(stage)}
    assert len(problems) > 20
    assert {name: problem for name, problem in problems.items() if problem} == {}


@pytest.mark.parametrize(("case", "lines"), list(by_hand.cases()), ids=lambda value: getattr(value, "name", ""))
def test_judges_find_what_is_written_by_hand_and_nothing_before(case: Case, lines: list[bytes]) -> None:
    assert problem_with(case, lines) == ""


def test_every_judge_has_cases() -> None:
    cases = [case for stage in STAGES for case, _ in event_cases.load(stage)]
    cases += [case for case, _ in by_hand.cases()]
    counts = Counter(case.knows or case.judge for case in cases)
    known = {type(judge).__name__ for judge in checkers(Configuration.of_size(3), STAGES_OF_RAFT["2D"]).judges}
    assert {name for name in known if counts[name] < FEW} == set()


def test_case_that_judges_see_otherwise_is_found() -> None:
    case, lines = next((case, lines) for case, lines in event_cases.load("2B") if case.rule and len(lines) < 100)
    assert problem_with(case, lines) == ""
    assert problem_with(case, lines[:-1]).startswith("nothing is found, but ")
    right = Case(case.name, case.stage, case.servers)
    assert problem_with(right, lines).endswith(", and not nothing")
    assert problem_with(right, lines[:-1]) == ""
    assert f"at event {len(lines) - 1}, and not " in problem_with(case, [*lines, lines[-1]])

"""The warm-up as data: pings that must each be applied once, and in order."""

from __future__ import annotations

import dataclasses
import functools

from labs.checking.checker import Checkers
from labs.checking.configuration import Configuration
from labs.checking.stage import Stage, stages
from labs.raft import rules
from labs.raft.checkers.basics import OneHistory
from labs.testing import scenario as marks
from labs.testing.lab import Lab
from labs.warmup import protocol as protocol

HINTS = {
    "ApplyInOrder": "who sends a number again, who notices that it has come before, and what keeps two in their order?",
    "CommittedIsApplied": "what happens to a number whose request, or whose reply, got lost?",
    "StateMachineSafety": "which command does the skeleton hand over with a number?",
}
"""What to ask in the warm-up, which knows neither logs nor commits."""
RULES = {**rules.RULES, **{id: dataclasses.replace(rules.RULES[id], hint=hint) for id, hint in HINTS.items()}}
RULES_OF_ALL = {**RULES, **rules.RULES}
"""The rules of the warm-up and of Raft, for pages that show a trace of either; Raft's hints come first."""


def checkers(configuration: Configuration, stage: Stage, counted: bool = False) -> Checkers:
    """Return the checkers of a run."""
    return Checkers(None, [OneHistory(configuration.size)])


WARM_UP = Lab("warm-up", "warmup.py:Warmup", stages(("0", ())), RULES, checkers, "skeleton/warmup.py")
scenario = functools.partial(marks.scenario, WARM_UP)
"""Marks a coroutine `test_…(cluster)` as a test of the warm-up (labs.testing.scenario)."""

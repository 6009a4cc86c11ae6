"""All scenarios that can be graded: the public ones of labs.raft.stages, and the hidden ones of grader/hidden."""

from __future__ import annotations

import functools
import importlib
import inspect
from pathlib import Path
from typing import Literal

from grader.places import HIDDEN
from labs.raft.lab import RAFT
from labs.raft.stages import catalogue
from labs.testing.scenario import Scenario


@functools.cache
def public() -> dict[str, Scenario]:
    """Return the scenarios that students have, too, by id: each stage's drills, then its tests, then the performance
    tests."""
    found = [*catalogue.scenarios(kind="drills"), *catalogue.scenarios(), *catalogue.scenarios(kind="perf")]
    return {scenario.id: scenario for scenario in sorted(found, key=lambda s: s.stage) if scenario.lab is RAFT}


@functools.cache
def hidden() -> dict[str, Scenario]:
    """Return the scenarios that only the instructor has, by id; none in a copy without grader/hidden."""
    found: dict[str, Scenario] = {}
    for file in sorted(HIDDEN.glob("test_*.py")):
        module = importlib.import_module(f"grader.hidden.{file.stem}")
        scenarios = [value.scenario for value in vars(module).values() if hasattr(value, "scenario")]
        found |= {scenario.id: scenario for scenario in scenarios}
    twice = sorted(found.keys() & public().keys())
    if twice:
        raise ValueError(f"hidden tests with the names of public ones: {', '.join(twice)}; rename them in {HIDDEN}")
    return found


def find(name: str) -> Scenario:
    """Return the scenario with this id; KeyError if there is none."""
    return public()[name] if name in public() else hidden()[name]


def kind_of(scenario: Scenario) -> Literal["drill", "test", "performance", "hidden"]:
    """Return the kind of a scenario, which decides the line of the report in which it counts."""
    if scenario.is_drill:
        return "drill"
    if Path(inspect.getfile(scenario.test)).parent == HIDDEN:
        return "hidden"
    return "performance" if scenario.is_perf else "test"

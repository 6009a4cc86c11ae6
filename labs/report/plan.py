"""Finds the step of a stage's plan that a student has reached, and what to do next.

That is the first step whose drills do not all pass yet. The plan is read from the page of the stage in handouts/, so
that it is written only there. Without that page there is no plan, and nothing is reported. Knows verdicts, but neither
servers nor traces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HANDOUTS = Path(__file__).parent.parent.parent / "handouts"


@dataclass(frozen=True)
class Step:
    """One step of a stage's plan: its number and their total, its title, the ids of its drills, and the page."""

    number: int
    of: int
    title: str
    drills: tuple[str, ...]
    page: str


def steps(stage: str, folder: Path = HANDOUTS) -> list[Step]:
    """Return the plan of a stage; [] if the folder has no page with one."""
    for file in sorted(folder.glob(f"{stage}-*.md")):
        parts = re.split(r"^### Step \d+: *(.*)$", file.read_text("utf-8"), flags=re.M)[1:]
        found = [(title, text.partition("\n## ")[0]) for title, text in zip(parts[::2], parts[1::2])]
        return [
            Step(number, len(found), title.strip(), _drills(stage, text), f"{folder.name}/{file.name}")
            for number, (title, text) in enumerate(found, start=1)
        ]
    return []


def current(stage: str, passed: Mapping[str, bool]) -> Step | None:
    """Return the first step with a drill that does not pass; None if all pass, or if not all drills were run."""
    plan = steps(stage)
    if any(drill not in passed for step in plan for drill in step.drills):
        return None
    return next((step for step in plan if not all(passed[drill] for drill in step.drills)), None)


def later(step: Step) -> set[str]:
    """Return the drills of the steps after one: they are not due yet."""
    stage = step.drills[0].partition("/")[0]
    return {drill for other in steps(stage) if other.number > step.number for drill in other.drills}


def render(step: Step, passed: Mapping[str, bool], lacks: Callable[[str], str], again: str) -> str:
    """Return lines with the step, where it is explained, and what comes next.

    `lacks` returns the method that a drill waits for, as "run (raft.py:81)", or "" if it fails by a rule; `again` is
    the command.
    """
    stage = step.drills[0].partition("/")[0]
    missing = [drill for drill in step.drills if not passed[drill]]
    done = len(step.drills) - len(missing)
    counted = f"; {done} of its {len(step.drills)} drills pass" if done else ""
    return (
        f"{stage}, step {step.number} of {step.of}: {step.title}\n"
        f"      page    {step.page}, step {step.number}{counted}\n"
        f"      next    {_next(missing, lacks)}, then  {again}"
    )


def _next(missing: Sequence[str], lacks: Callable[[str], str]) -> str:
    failing = [drill for drill in missing if not lacks(drill)]
    return f"see why {failing[0]} fails" if failing else f"write {lacks(missing[0])}"


def _drills(stage: str, text: str) -> tuple[str, ...]:
    return tuple(f"{stage}/{name}" for name in dict.fromkeys(re.findall(r"`(drill_\w+)`", text)))

"""The student's own schedules: the files in `schedules/`, which `make test` runs beside the stage tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labs.schedule.player import scenario_of
from labs.schedule.text import SUFFIX, load
from labs.testing.scenario import Scenario

FOLDER = Path("schedules")


def is_schedule(name: str) -> bool:
    """Return whether a test's name is that of a schedule's file."""
    return name.endswith(SUFFIX)


def find(name: str) -> Scenario:
    """Return the schedule in a file as a scenario; raise BadSchedule."""
    return scenario_of(load(Path(name)), Path(name).as_posix())


def kept(stages: Sequence[str]) -> list[Scenario]:
    """Return the schedules of some stages in the folder, in their order, each stage's by name.

    Raise BadSchedule.
    """
    found = [find(str(path)) for path in sorted(FOLDER.glob(f"*{SUFFIX}"))]
    return [scenario for stage in stages for scenario in found if scenario.stage == stage]

"""Finds the tests of all kinds, and lists their facts: name, stage, title, points, MIT counterpart."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Literal, TypeAlias

from labs.testing.scenario import Scenario

STAGES = {"warmup": "0", "2A": "2A", "2B": "2B", "2C": "2C", "2D": "2D"}
"""What one types, and what the files and ids are called."""
RAFT_STAGES = ["2A", "2B", "2C", "2D"]
"""The stages of the server, without the warm-up."""
Kind: TypeAlias = Literal["test", "drills", "perf"]
"""How the name of a file begins: stage tests drive a cluster, drills a lone server; performance tests measure."""


def files(kind: Kind = "test") -> list[Path]:
    """Return the files that hold tests of a kind, in the order of the stages."""
    return sorted(Path(__file__).parent.glob(f"{kind}_*.py"))


def file_of(stage: str, kind: Kind = "test") -> Path | None:
    """Return the file of a stage, or None if there is none."""
    name = {key.lower(): value for key, value in STAGES.items()}.get(stage.lower(), stage)
    return next((file for file in files(kind) if file.stem.split("_")[1].lower() == name.lower()), None)


def scenarios(stage: str | None = None, kind: Kind = "test") -> list[Scenario]:
    """Return the scenarios of one stage or of all, in the order in which they are written."""
    chosen = files(kind) if stage is None else [file for file in [file_of(stage, kind)] if file is not None]
    found: list[Scenario] = []
    for file in chosen:
        module = importlib.import_module(f"labs.raft.stages.{file.stem}")
        found += [value.scenario for value in vars(module).values() if hasattr(value, "scenario")]
    return found


def find(name: str) -> list[Scenario]:
    """Return the tests of all kinds that a name means: one by its exact id, else all whose id holds the text."""
    everything = [*scenarios(), *scenarios(kind="drills"), *scenarios(kind="perf")]
    exact = [scenario for scenario in everything if scenario.id.lower() == name.lower()]
    return exact or [scenario for scenario in everything if matches(scenario, name)]


def matches(scenario: Scenario, text: str) -> bool:
    """Say whether a test's id or title holds a text; case, blanks and underscores do not matter."""
    wanted = re.sub(r"[\s_]+", "_", text.lower())
    return wanted in scenario.id.lower() or wanted in re.sub(r"[\s_]+", "_", scenario.title.lower())

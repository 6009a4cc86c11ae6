"""The figures of the handouts: runs of wrong servers (and of the reference) that are drawn as space-time diagrams.

Each rule has the run that shows it best, mostly a drill: few messages, one mistake.
"""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from labs.report.space_time import View, draw
from labs.sim.run import RunRecord, run_scenario
from labs.stages import catalogue
from labs.trace.events import Event
from labs.trace.file import read
from tests.handouts import scratch

QUIET = View(rows=14, hide=("heartbeats",))
FOLDER = "figures"


@dataclass(frozen=True)
class Shown:
    """A run that is shown: who runs, in which test, with which seed, and what of it is drawn."""

    server: str
    test: str
    seed: int = 1
    view: View = field(default_factory=View)


def rule(server: str, test: str, seed: int = 1, rows: int = 12, *hide: str) -> Shown:
    return Shown(server, test, seed, View(rows=rows, hide=hide))


VIOLATIONS: dict[str, Shown] = {}
"""The run that shows how a rule is broken, by the rule's id."""

SCENES: dict[str, Shown] = {
    "election": Shown("reference", "2A/initial_election", 1, View(rows=16, end=0.6)),
}
"""Other figures, by their name."""


@functools.cache
def run(server: str, test: str, seed: int) -> tuple[RunRecord, list[Event]]:
    """Run a server in a test with a seed; return the record and the events."""
    [scenario] = catalogue.find(test)
    with scratch.lab(server) as folder, tempfile.TemporaryDirectory() as out:
        path = Path(out) / "trace.jsonl"
        with path.open("wb") as file:
            record = run_scenario(scenario, folder / "skeleton", seed, file)
        return record, list(read(path)[1])


def svg(shown: Shown, title: str) -> str:
    """Return the drawing of a run."""
    record, events = run(shown.server, shown.test, shown.seed)
    return draw(events, record.servers, title, shown.view)


def all_figures() -> dict[str, str]:
    """Return all figures, by their path from the folder of the handouts."""
    titles = {name: run(shown.server, shown.test, shown.seed)[0].message for name, shown in VIOLATIONS.items()}
    scenes = {name: f"{shown.test}, seed {shown.seed}" for name, shown in SCENES.items()}
    found = {name: svg(shown, titles[name]) for name, shown in VIOLATIONS.items()}
    found |= {name: svg(shown, scenes[name]) for name, shown in SCENES.items()}
    return {f"{FOLDER}/{name}.svg": text for name, text in found.items()}

"""Runs a server in a cluster of its own, and gives back the verdict and the events of the run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from labs.raft.lab import RAFT
from labs.raft.testing.cluster import Cluster
from labs.sim.loader.program import Program
from labs.sim.net.network import RELIABLE, Conditions
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario, Test
from labs.trace.events import Event, Note
from labs.trace.reader import read
from labs.warmup import lab as warmup

assert warmup.WARM_UP  # tests of the simulator speak its Ping
ROOT = Path(__file__).parents[1]
SERVERS = ROOT / "tests" / "corpora" / "servers"
REFERENCE = ROOT / "reference"
HEAD = "from __future__ import annotations\nfrom plain import *\nfrom labs.messages import *\n"
"""What `write_submission` puts before a server's text, so that it can derive from `Plain`."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Run:
    """What is known of a run when it is over."""

    record: RunRecord
    events: list[Event]

    def of(self, kind: type[E], server: int | None = None) -> list[E]:
        """Return the events of one kind, at one server or at all."""
        return [e for e in self.events if isinstance(e, kind) and server in (None, e.server)]

    def notes(self, server: int | None = None) -> list[str]:
        """Return what servers noted or printed, in order."""
        return [note.text for note in self.of(Note, server)]


async def one_second(cluster: Cluster) -> None:
    """Let the servers run for a second."""
    await cluster.sleep(1.0)


def make_scenario(
    test: Test = one_second,
    *,
    servers: int = 2,
    conditions: Conditions = RELIABLE,
    stage: str = "0",
    snapshots: bool = False,
    entry: str = "raft.py:Raft",
) -> Scenario:
    """Return a scenario that no stage has; in stage "0" hardly anything is judged."""
    return Scenario(
        RAFT,
        f"{stage}/{test.__name__}",
        stage,
        "a test of the runner",
        1,
        (servers,),
        None,
        conditions,
        snapshots,
        entry,
        test,
    )


def simulate(
    submission: Path | str | Program, scenario: Scenario | None = None, seed: int = 1, judged: bool = True
) -> Run:
    """Run a submission, by default two servers for a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.trace.jsonl"
        with path.open("wb") as file:
            record = run_scenario(scenario or make_scenario(), submission, seed, file, judged=judged)
        return Run(record, list(read(path)[1]))


def write_submission(folder: Path, text: str, others: Mapping[str, str] | None = None) -> Path:
    """Write a submission whose raft.py has this text, beside plain.py and other files; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SERVERS / "plain.py", folder)
    for name, content in {"raft.py": HEAD + text, **(others or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def line_of(path: Path, mark: str) -> int:
    """Return the number of the only line that ends with a mark."""
    found = [
        number for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if line.endswith(mark)
    ]
    assert len(found) == 1, f"{mark!r} is on the lines {found} of {path}"
    return found[0]


def places_in(text: str) -> list[str]:
    """Return the places like "raft.py:12" that a message names."""
    return re.findall(r"[\w/]+\.py:\d+", text)


def call_labs(*arguments: object, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as if from a fresh terminal."""
    return call_python("-m", "labs", *arguments, folder=folder, environment=environment)


def call_python(
    *arguments: object,
    folder: Path = ROOT,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own that knows nothing of the pytest session it is called from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "RAFT", "PYTHON"))}
    clean = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100", **(environment or {})}
    command = [python, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=kept | clean, capture_output=True, text=True, timeout=600, check=False
    )

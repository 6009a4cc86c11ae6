"""Runs a demonstration with a submission, and reads from its trace what each service held at a moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from labs.messages import Command
from labs.raft.lab import RAFT
from labs.raft.testing.cluster import Cluster
from labs.sim.net.network import RELIABLE
from labs.testing.run import RunRecord, run_scenario
from labs.testing.scenario import Scenario
from labs.trace.events import Apply, Event
from labs.trace.reader import read

OUT = Path("out")


class NotReady(Exception):
    """The submission does not get as far as the demonstration needs."""


def stage(
    name: str, title: str, test: Callable[[Cluster], Coroutine[Any, Any, None]], submission: Path, judged: bool = True
) -> tuple[RunRecord, list[Event]]:
    """Run a demonstration with three servers; return its record and its events."""
    entry = "liar.py:Server" if name == "byzantine" else "raft.py:Raft"
    scenario = Scenario(RAFT, f"demo/{name}", "2B", title, 0, (3,), None, RELIABLE, False, entry, test)
    path = OUT / f"demo-{name}{'' if judged else '-unjudged'}.trace.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        record = run_scenario(scenario, submission, 1, file, judged=judged)
    return record, list(read(path)[1])


def with_liar(submission: Path) -> Path:
    """Return a copy of a submission, with the liar beside it."""
    folder = OUT / "demo-byzantine"
    shutil.rmtree(folder, ignore_errors=True)
    if submission.is_dir():
        shutil.copytree(submission, folder, ignore=shutil.ignore_patterns("__pycache__", "out", ".*"))
    else:
        folder.mkdir(parents=True)
        shutil.copy(submission, folder / "raft.py")
    shutil.copy(Path(__file__).with_name("liar.py"), folder)
    return folder


def held(events: list[Event], server: int, time: float) -> list[Command]:
    """Return what a server's service had applied at a time, in order, without the no-ops of leaders."""
    return [
        event.command
        for event in events
        if isinstance(event, Apply) and event.server == server and event.time <= time and event.command is not None
    ]


def check_ready(record: RunRecord, reached: bool) -> None:
    """Raise NotReady if the run ended too early to show anything."""
    if not reached:
        raise NotReady(f"this needs a server that passes stage 2B. The run ended early:\n{record.message}")

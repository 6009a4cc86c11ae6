"""`make explore EXHAUSTIVE=1`: every order in the small, deeper and deeper until the time is up."""

from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from labs.engine import where
from labs.explore.command import LIMITS, Searching, made_small
from labs.explore.orders.deepening import Level, deepen
from labs.explore.orders.execution import SERVERS
from labs.explore.orders.work import Orders
from labs.explore.work import Exploring, Found


def explore(submission: Path, stage: str, seconds: float, seed: int, jobs: int, scheduler: str = "") -> Found | None:
    """Run every order of a stage, up to bounds that grow for that many wall seconds.

    Return the first that fails, made small.

    Print a line per level: how many orders were run, and how many branches were left out, because they would only have
    repeated an order. Ctrl-C ends the search, and what is known is printed all the same. Raise BadSubmission if the
    submission cannot be run at all.
    """
    work = Orders(submission)
    work.program()
    progress, levels = Searching(seconds), list[Level]()
    try:
        with where.backend(jobs, scheduler) as backend, backend.open(work, LIMITS) as opened:
            for level in deepen(stage, seed, opened.run, progress.is_over):
                if not levels or levels[-1] is not level:
                    levels.append(level)
                progress.show(f"{_reach(level)}: {_counts(level)}")
    finally:
        progress.clear()
        print(f"all orders of stage {stage}, {SERVERS} servers, {progress.seconds():.0f} s\n{table(levels)}")
    found = next((level.found for level in levels if level.found is not None), None)
    return made_small(Exploring(submission), found, scheduler) if found is not None else None


def table(levels: list[Level]) -> str:
    """Return a line per bounds: the deepest level that is complete, and the one that is not, if there is one."""
    deepest = {(level.bounds, level.is_complete): level for level in levels}
    shown = list(deepest.values())
    return tabulate([(_reach(level), _ending(level), _counts(level)) for level in shown], tablefmt="plain")


def _reach(level: Level) -> str:
    depth = f", {level.depth} choices" if level.cut or not level.is_complete else ""
    return f"{level.bounds.words()}{depth}"


def _ending(level: Level) -> str:
    if level.found is not None:
        return "failed"
    return "complete" if level.is_complete else "stopped"


def _counts(level: Level) -> str:
    orders = f"{level.runs:,} {'order' if level.runs == 1 else 'orders'} run, {level.pruned:,} pruned as equivalent"
    return orders + (f", {level.impossible:,} choices impossible with all timers tried" if level.impossible else "")

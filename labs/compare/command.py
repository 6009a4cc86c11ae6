"""`python -m labs diff A B`: makes or reads two runs, shows them side by side, and writes the page of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from labs.compare import alike, page, side_by_side
from labs.compare.runs import TRIED, Run, Source, Unclear, from_file, make, nearest, second_of, source_of
from labs.report.trace_text import describe
from labs.sim.hosts.base import HostKind
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario
from labs.trace.reader import BadTrace

__all__ = ["Unclear", "compare"]


def compare(
    first: str,
    second: str | None,
    submission: str,
    hosts: HostKind,
    find: Callable[[str], Scenario],
    leave: Callable[[RunRecord], NoReturn],
) -> str:
    """Return the comparison of two runs in words; raise Unclear if they cannot be found or read.

    Without a second one it is that of the nearest seed with the other verdict. `find` returns the test with a name;
    `leave` gets the record of a run that cannot be ended, and must end the process.
    """

    def run(source: Source | Path) -> Run:
        return from_file(source) if isinstance(source, Path) else make(find(source.test), source, hosts, leave)

    try:
        one = source_of(first, submission)
        other = second_of(second, one, submission) if second else None
        left = run(one)
        right = run(other) if other is not None else _nearest(one, left, run)
        are_same = (left.test, left.seed, left.header.servers) == (right.test, right.seed, right.header.servers)
        found = alike.compare(left.events, right.events, describe, are_same)
        written = page.keep_page(left, right, found)
        return side_by_side.render(left, right, found, [f"page    {written.as_posix()}"] if written else [])
    except OSError as error:
        raise Unclear(f"cannot read {error.filename}: {error.strerror}") from None
    except BadTrace as error:
        raise Unclear(str(error)) from None


def _nearest(source: Source | Path, left: Run, run: Callable[[Source], Run]) -> Run:
    if isinstance(source, Path):
        raise Unclear("a trace file alone cannot be compared: give a second run")
    found = nearest(left, lambda seed: run(replace(source, seed=seed)))
    if found is None:
        wanted = "fails" if left.is_green else "passes"
        raise Unclear(f"none of the {TRIED} seeds nearest to {source.seed} {wanted}; name a second run")
    return found

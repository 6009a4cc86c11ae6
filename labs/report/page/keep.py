"""Where the traces and pages of runs are kept, and the page of each run that fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeAlias

from labs.report.page import page_name
from labs.report.page.write import write_from
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

OUT = Path("out")
Pages: TypeAlias = dict[tuple[str, int], Path]
"""The pages of runs, by test and seed."""


def trace_file(test: str, seed: int) -> Path:
    """Return where the trace of a run is kept."""
    return OUT / f"{test.replace('/', '-')}-{seed}.trace.jsonl"


def page_file(test: str, seed: int) -> Path:
    """Return where the page of a run is kept."""
    return OUT / page_name(test, seed)


def keep_page(scenario: Scenario, record: RunRecord, trace: BinaryIO) -> None:
    """Write the page of a run, if there is room for it: no verdict needs it."""
    with contextlib.suppress(OSError):
        OUT.mkdir(exist_ok=True)
        trace.seek(0)
        write_from(trace, page_file(scenario.id, record.seed), scenario.lab.rules, record)


def forget(runs: Iterable[tuple[str, int]]) -> None:
    """Remove the pages of runs, by test and seed, that are about to be repeated: their results may be others now."""
    with contextlib.suppress(OSError):
        for test, seed in runs:
            page_file(test, seed).unlink(missing_ok=True)


def kept(records: Iterable[RunRecord]) -> Pages:
    """Return the pages that there are of the failed ones among some runs."""
    failed = [record for record in records if record.status != "pass"]
    found = {(record.test, record.seed): page_file(record.test, record.seed) for record in failed}
    return {run: page for run, page in found.items() if page.is_file()}

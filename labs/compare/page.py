"""The page of two runs that were compared: where it is kept, and what it is given."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from labs.compare.alike import Comparison
from labs.compare.runs import Run
from labs.report.page.keep import OUT
from labs.report.page.pair import Alike, Half, write_pair
from labs.warmup.lab import RULES_OF_ALL

SHOWN = 4
"""How many of the events, or landmarks, that both runs have are named."""


def keep_page(left: Run, right: Run, found: Comparison) -> Path | None:
    """Write the page of two runs, and return its path; None if there is no room for it, as nothing else needs it."""
    alike = found.alike
    last = alike.common[-1] if alike.common else None
    shift = 0.0 if last is None or found.is_by_event else right.events[last[1]].time - left.events[last[0]].time
    noun = "events" if found.is_by_event else "landmarks"
    common = [*alike.common[-SHOWN:]]
    path = OUT / _name(left, right)
    names = _names(left, right)
    halves = [
        Half(run.header, run.lines, name, first)
        for run, name, first in ((left, names[0], alike.left), (right, names[1], alike.right))
    ]
    told = Alike(noun, common, len(alike.common), list(alike.parts), round(shift, 9))
    with contextlib.suppress(OSError):
        OUT.mkdir(exist_ok=True)
        write_pair(path, halves, told, RULES_OF_ALL)
        return path
    return None


def _names(left: Run, right: Run) -> tuple[str, str]:
    """Return what the submissions are called: the names of their folders, unless these are the same."""
    here, there = left.header.submission, right.header.submission
    return (left.submission, right.submission) if here == there else (here, there)


def _name(left: Run, right: Run) -> str:
    """Return the name of the page's file: the first run, and in what the second one differs."""
    if left.test != right.test:
        other = f"{right.test}-{right.seed}"
    elif left.seed != right.seed:
        other = str(right.seed)
    else:
        other = _names(left, right)[1]
    words = re.sub(r"[^\w.-]+", "-", f"{left.test}-{left.seed}-with-{other}").strip("-.")
    return f"{words}.html"

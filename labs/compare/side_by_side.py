"""Prints two runs: what they have in common last, and from the first difference on both beside each other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from labs.compare.alike import Alike, Comparison
from labs.compare.runs import Run
from labs.report import columns, terminal
from labs.report.folding import Fold, Heartbeats, Line, fold
from labs.report.trace_text import LEGEND, brief, describe
from labs.trace import events as ev

ROWS, LEAST_ROWS, LAST_COMMON = 20, 6, 4
"""How many rows show both runs, at least how many in a low terminal, and how many lines what they have in common."""
MOST = 8
"""How many events at most are looked at for each row, since heartbeats are folded."""
FEW = 3
"""Landmarks that are hardly anything in common: then the seed draws what happens in the test."""
WHOLE = 3
"""How many events from the first difference on are never folded: what differs may be a heartbeat."""
GAP = " │ "


def render(left: Run, right: Run, found: Comparison, after: Sequence[str] = ()) -> str:
    """Return the comparison of two runs, in the width and height of the terminal, with some lines after it."""
    alike, count = found.alike, len(left.events)
    is_all = alike.left == count and alike.right == len(right.events)
    if found.is_by_event and is_all:
        return "\n".join([_title("both", left), f"the runs are the same: {count} events", *after])
    return "\n".join([_shown(left, right, found, is_all, len(after)), *after])


def _shown(left: Run, right: Run, found: Comparison, is_all: bool, lines_after: int) -> str:
    width, alike, by_event, earlier = _width(), found.alike, found.is_by_event, found.earlier
    head = [_title("left", left), _title("right", right)]
    other = [f"{a} is {b}" for a, b in alike.parts if a != b]
    if other:
        head.append(f"parts   left server {', '.join(other)} on the right")
    if earlier is not None:
        head.append(f"events  differ from {_time(left, earlier.left)} on already; what happens is alike for longer:")
    noun = "events" if by_event else "landmarks"
    head.append(f"alike   {len(alike.common)} {noun}" + (", the last of them:" if alike.common else ""))
    head += _common(left, right, alike)
    if not by_event and left.seed != right.seed and len(alike.common) < FEW:
        head.append(
            "hint    the seed draws what happens here; another submission with the same seed has more in common"
        )
    if is_all:
        return "\n".join([*(columns.shortened(line, width) for line in head), "the same happens up to the end"])
    height = terminal.height()
    room = ROWS if height is None else max(LEAST_ROWS, height - len(head) - 2 - lines_after)
    rows = _rows(left, right, alike, by_event, room)
    half = (width - len(GAP)) // 2
    body = [f"{columns.shortened(one, half):{half}}{GAP}{columns.shortened(two, half)}".rstrip() for one, two in rows]
    divider = "─" * half + "─┼─" + "─" * half
    return "\n".join([*(columns.shortened(line, width) for line in [*head, LEGEND]), divider, *body])


def _width() -> int:
    """Return the width of both runs together; in a file there is room for the messages in both."""
    return columns.room() or max(terminal.WIDEST, shutil.get_terminal_size((150, 24)).columns)


def _title(side: str, run: Run) -> str:
    verdict = run.verdict
    end = "not finished" if verdict is None else f"{verdict.status} {verdict.rule or ''}".strip()
    last = f" at {run.events[-1].time:.3f} s" if run.events else ""
    return f"{side:8}{run.test} seed {run.seed}: {end}{last}, {run.submission}"


def _time(run: Run, position: int) -> str:
    return f"{run.events[min(position, len(run.events) - 1)].time:.4f} s"


def _common(left: Run, right: Run, alike: Alike) -> list[str]:
    """Return the last events, or landmarks, that both have; with two times where these differ."""
    lines = []
    for here, there in alike.common[-LAST_COMMON:]:
        one, other = left.events[here], right.events[there]
        second = f"{other.time:9.4f}" if one.time != other.time else " " * 9
        lines.append(f"{one.time:9.4f}{second}  {_where(one)}{describe(one)}")
    return lines


def _where(event: ev.Event) -> str:
    return f"s{event.server} " if event.server >= 0 else "== "


def _rows(left: Run, right: Run, alike: Alike, by_event: bool, room: int) -> Iterator[tuple[str, str]]:
    """Yield what stands in each row, left and right: the lines before the difference, and those from there on.

    The lines before it follow the last landmark that is alike; both sides leave out the same number of them.
    """
    before: list[list[str]] = [[], []]
    if not by_event:
        here, there = alike.common[-1] if alike.common else (-1, -1)
        before = [_lines(left, here + 1, alike.left), _lines(right, there + 1, alike.right)]
    skipped = max(0, min(map(len, before)) - room // 2)
    spans = []
    for run, begin, lines in ((left, alike.left, before[0]), (right, alike.right, before[1])):
        span = [*lines[skipped:], *_lines(run, begin, begin + MOST * room, WHOLE)]
        spans.append([*([f"… {skipped} lines …"] if skipped else []), *span][:room])
    yield from zip_longest(*spans, fillvalue="")


def _lines(run: Run, begin: int, end: int, whole: int = 0) -> list[str]:
    """Return a span of a run in words, with its heartbeats folded, but for the first `whole` events.

    Proposals that are not taken are left out: a test may ask all servers again and again.
    """
    heartbeats = Heartbeats()
    for event in run.events[:end]:
        heartbeats.note(event)
    span = [event for event in run.events[begin:end] if not (isinstance(event, ev.Start) and not event.is_leader)]
    return [_text(line) for line in (*span[:whole], *fold(span[whole:], heartbeats))]


def _text(line: Line) -> str:
    if isinstance(line, Fold):
        return f"{line.begin:9.4f}  {brief(line)}"
    return f"{line.time:9.4f}  {_where(line)}{brief(line)}"

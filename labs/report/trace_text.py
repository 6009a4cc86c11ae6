"""Prints a trace for reading: virtual time on the left, one column per server, one line per event."""

from __future__ import annotations

import shutil
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from labs.codec.rpcs import RPCS
from labs.codec.safe_repr import short
from labs.raft import protocol as raft
from labs.trace import events as ev
from labs.trace.reader import read
from labs.warmup import protocol as warmup

PROTOCOLS = (raft, warmup)
"""Those whose traces can be read."""

LAST_SECONDS = 2.0
"""What is shown of a run by default."""
LAST_LINES = 200
TIME_WIDTH = 10
KINDS = [str(kind.__struct_config__.tag) for kind in get_args(ev.AnyEvent)]
"""The names of the kinds of events in the trace file."""


@dataclass(frozen=True)
class Filter:
    """What to print; None means no limit. Without limits, only the end of the run is shown, unless `everything` is
    set."""

    servers: list[int] | None = None
    kinds: list[str] | None = None
    begin: float | None = None
    end: float | None = None
    everything: bool = False

    def lets(self, event: ev.Event) -> bool:
        if self.servers is not None and event.server not in self.servers and event.server != -1:
            return False
        if self.kinds is not None and kind_of(event) not in self.kinds:
            return False
        return (self.begin is None or event.time >= self.begin) and (self.end is None or event.time <= self.end)

    @property
    def only_the_end(self) -> bool:
        return not self.everything and self.begin is None and self.end is None


def kind_of(event: ev.Event) -> str:
    """Return the name of this kind of event in the trace file."""
    return str(event.__struct_config__.tag)


def show(path: Path, which: Filter) -> None:
    """Print a trace file to standard output."""
    header, all_events = read(path)
    chosen: Iterable[ev.Event] = (event for event in all_events if which.lets(event))
    if which.only_the_end:
        chosen, left_out = _the_end(chosen)
    else:
        left_out = 0
    width = shutil.get_terminal_size((110, 24)).columns
    column = max(6, min(28, (width - TIME_WIDTH - 30) // header.servers))
    print(f"{header.test}  {header.title}   seed {header.seed}, {header.servers} servers, {header.submission}")
    if left_out:
        print(f"… {left_out} events before (--all shows them) …")
    print(" " * TIME_WIDTH + "".join(f"server {server}".ljust(column) for server in range(header.servers)))
    none = True
    for event in chosen:
        sys.stdout.write(line(event, column) + "\n")
        none = False
    if none:
        print("… no events match these filters, or the run has none …")


def _the_end(chosen: Iterable[ev.Event]) -> tuple[list[ev.Event], int]:
    """Return the last events, and how many came before them."""
    kept: deque[ev.Event] = deque(maxlen=LAST_LINES)
    count = 0
    for event in chosen:
        kept.append(event)
        count += 1
    last = [event for event in kept if event.time >= kept[-1].time - LAST_SECONDS]
    return last, count - len(last)


def line(event: ev.Event, column: int) -> str:
    """Return one event as a line of text; its text begins in its server's column."""
    time = f"{event.time:.4f}".rjust(TIME_WIDTH - 2) + "  "
    if event.server < 0:
        return f"{time}== {describe(event)}"
    return time + " " * (column * event.server) + describe(event)


def describe(event: ev.Event) -> str:
    """Return the content of an event, in few words."""
    match event:
        case ev.Send():
            return f"→{event.peer} {_message(event)}"
        case ev.Reply():
            return f"⇢{event.peer} {_message(event)}"
        case ev.Deliver():
            arrow, again = ("←" if event.leg == "request" else "⇠"), " (again)" if event.copy else ""
            return f"{arrow}{event.peer} {_message(event)}{again}"
        case ev.Drop():
            return f"✗{event.peer} {event.leg} #{event.rpc} dropped: {event.reason}"
        case ev.Timeout():
            return f"⌛{event.peer} no answer to #{event.rpc}"
        case ev.Save():
            vote = "-" if event.voted_for is None else str(event.voted_for)
            log = f"log {event.last_included_index}..{event.last_index}"
            change = f" from {event.first_index}" if event.entries else ""
            snapshot = f" + snapshot {len(event.snapshot)} B" if event.snapshot is not None else ""
            return f"save t{event.current_term} vote {vote} {log}{change}{snapshot}"
        case ev.Apply():
            return f"apply {event.index}: {short(event.command)}"
        case ev.ApplySnap():
            return f"apply snapshot {event.index} (term {event.term})"
        case ev.Start():
            answer = f"index {event.index} term {event.term}" if event.is_leader else "not leader"
            return f"start {short(event.command)}: {answer}"
        case ev.TakeSnapshot():
            return f"snapshot({event.index}) asked for"
        case ev.Crash():
            return "CRASH" + (f" at its {event.at}" if event.at else "")
        case ev.Restart():
            return "START" if event.incarnation == 0 else f"RESTART, incarnation {event.incarnation + 1}"
        case ev.Connect():
            return f"links work again: {_links(event.links)}"
        case ev.Cut():
            return f"links cut: {_links(event.links)}"
        case ev.NetworkChange():
            return f"network: {event.text}"
        case ev.Note():
            return f"{'print' if event.printed else 'note'}: {event.text}"
        case ev.Role():
            return f"{'LEADER in' if event.is_leader else 'in'} term {event.term}"
        case ev.Check():
            return f"✓ {event.text}"
        case ev.Verdict():
            return f"{event.status.upper()} {event.message}"
    return kind_of(event)


def _message(event: ev.Send | ev.Reply | ev.Deliver) -> str:
    rpc = RPCS[event.call]
    return f"{rpc.short or rpc.name} {rpc.words(event.message)}"


def _links(links: list[tuple[int, int]]) -> str:
    """Name links briefly: pairs cut both ways once."""
    both = [(a, b) for a, b in links if a < b and (b, a) in links]
    one = [(a, b) for a, b in links if (b, a) not in links]
    return ", ".join([f"{a}–{b}" for a, b in both] + [f"{a}→{b}" for a, b in one])
